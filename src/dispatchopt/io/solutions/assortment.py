"""Assortment solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.inventory.assortment.explain import REMEDIES, not_carried
from dispatchopt.inventory.assortment.problem import AssortmentProblem, AssortmentSolution
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.assortment import AssortmentDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved


def rows(instance: Instance, made: AssortmentSolution) -> Sequence[Mapping[str, Any]]:
    """Return one row per store and SKU that it carries."""
    problem: AssortmentProblem = instance.problem
    return [
        {"store": problem.store_ids[store], "sku": problem.sku_ids[sku]}
        for store, sku in np.argwhere(made.is_carried)
    ]


def decisions(instance: Instance, made: AssortmentSolution) -> dict[str, Any]:
    """Return what each store carries, by name."""
    problem: AssortmentProblem = instance.problem
    return {
        "carry": [
            {
                "store": problem.store_ids[store],
                "skus": [problem.sku_ids[sku] for sku in np.flatnonzero(row)],
            }
            for store, row in enumerate(made.is_carried)
            if row.any()
        ]
    }


def solution(instance: Instance, made: Any, issues: Issues) -> AssortmentSolution:
    """Return the solution that decisions describe."""
    problem: AssortmentProblem = instance.problem
    stores = Names("stores", problem.store_ids, issues)
    skus = Names("skus", problem.sku_ids, issues)
    carried = np.zeros((problem.num_stores, problem.num_skus), dtype=bool)
    for at, each in enumerate(made.carry):
        store = stores.row(each.store, f"/decisions/carry/{at}/store")
        for place, name in enumerate(each.skus):
            where = f"/decisions/carry/{at}/skus/{place}"
            sku = skus.row(name, where)
            if min(store, sku) < 0:
                continue
            if carried[store, sku]:
                issues.add("duplicate-pair", where, (each.store, name), "each pair once")
            carried[store, sku] = True
    return AssortmentSolution(is_carried=carried)


def unserved(instance: Instance, made: AssortmentSolution) -> Sequence[Unserved]:
    """Return SKUs that are ordered and not carried, most wanted first, and zones out of reach."""
    problem: AssortmentProblem = instance.problem
    used = np.bincount(problem.order_zone, minlength=problem.num_zones) > 0
    far = np.flatnonzero(used & ~problem.reach.any(axis=1))
    result = [
        Unserved(
            what="zone",
            id=problem.zone_ids[row],
            reason="no-store-in-reach",
            remedy="a store within the promise",
        )
        for row in far
    ]
    result += [
        Unserved(
            what="sku",
            id=problem.sku_ids[each.sku],
            reason=each.reason,
            remedy=REMEDIES[each.reason],
        )
        for each in not_carried(problem, made)
    ]
    return result


def features(instance: Instance, made: AssortmentSolution) -> Sequence[Feature]:
    """Return stores as points with the number of SKUs that they carry."""
    places = instance.places.get("stores")
    if places is None:
        return []
    count = made.is_carried.sum(axis=1).tolist()
    return [
        Feature(
            shape="point",
            places=places[row : row + 1],
            properties={"layer": "stores", "id": name, "skus": count[row]},
        )
        for row, name in enumerate(instance.problem.store_ids)
    ]


SOLUTION = SolutionKind(
    name="assortment",
    model=AssortmentDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
