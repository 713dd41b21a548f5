"""Surge solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.inventory.surge.explain import REMEDIES, short_pairs
from dispatchopt.inventory.surge.problem import SurgeProblem, SurgeSolution
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.surge import SurgeDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved


def rows(instance: Instance, made: SurgeSolution) -> Sequence[Mapping[str, Any]]:
    """Return one row per store and SKU of which something is sent."""
    problem: SurgeProblem = instance.problem
    return [
        {
            "store": problem.store_ids[store],
            "sku": problem.sku_ids[sku],
            "units": int(made.order_units[store, sku]),
        }
        for store, sku in np.argwhere(made.order_units != 0)
    ]


def decisions(instance: Instance, made: SurgeSolution) -> dict[str, Any]:
    """Return what is sent, by name."""
    return {"send": [dict(row) for row in rows(instance, made)]}


def solution(instance: Instance, made: Any, issues: Issues) -> SurgeSolution:
    """Return the solution that decisions describe."""
    problem: SurgeProblem = instance.problem
    stores = Names("stores", problem.store_ids, issues)
    skus = Names("skus", problem.sku_ids, issues)
    units = np.zeros(problem.shape, dtype=np.int64)
    for at, each in enumerate(made.send):
        where = f"/decisions/send/{at}"
        store = stores.row(each.store, f"{where}/store")
        sku = skus.row(each.sku, f"{where}/sku")
        if min(store, sku) < 0:
            continue
        if units[store, sku]:
            issues.add("duplicate-pair", where, (each.store, each.sku), "each pair once")
        units[store, sku] = each.units
    return SurgeSolution(order_units=units)


def unserved(instance: Instance, made: SurgeSolution) -> Sequence[Unserved]:
    """Return pairs that lack units in some scenario, and what keeps more from being sent."""
    problem: SurgeProblem = instance.problem
    return [
        Unserved(
            what="pair",
            id=f"{problem.store_ids[each.store]}, {problem.sku_ids[each.sku]}",
            reason=each.reason,
            remedy=REMEDIES[each.reason],
        )
        for each in short_pairs(problem, made)
    ]


def features(instance: Instance, made: SurgeSolution) -> Sequence[Feature]:
    """Return stores as points with what is sent to them."""
    places = instance.places.get("stores")
    if places is None:
        return []
    units = made.order_units.sum(axis=1).tolist()
    return [
        Feature(
            shape="point",
            places=places[row : row + 1],
            properties={"layer": "stores", "id": name, "units": units[row]},
        )
        for row, name in enumerate(instance.problem.store_ids)
    ]


SOLUTION = SolutionKind(
    name="surge",
    model=SurgeDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
