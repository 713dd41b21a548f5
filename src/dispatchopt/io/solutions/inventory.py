"""Inventory solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.inventory.problem import InventoryProblem, InventorySolution
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.solution import InventoryDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved


def rows(instance: Instance, made: InventorySolution) -> Sequence[Mapping[str, Any]]:
    """Return one row per store and SKU of which something is sent."""
    problem: InventoryProblem = instance.problem
    return [
        {
            "store": problem.store_ids[store],
            "sku": problem.sku_ids[sku],
            "units": int(made.order_units[store, sku]),
        }
        for store, sku in np.argwhere(made.order_units != 0)
    ]


def decisions(instance: Instance, made: InventorySolution) -> dict[str, Any]:
    """Return what is sent, by name."""
    return {"send": [dict(row) for row in rows(instance, made)]}


def solution(instance: Instance, made: Any, issues: Issues) -> InventorySolution:
    """Return the solution that decisions describe."""
    problem: InventoryProblem = instance.problem
    stores = Names("stores", problem.store_ids, issues)
    skus = Names("skus", problem.sku_ids, issues)
    units = np.zeros(problem.shape, dtype=np.int64)
    for at, each in enumerate(made.send):
        store = stores.row(each.store, f"/decisions/send/{at}/store")
        sku = skus.row(each.sku, f"/decisions/send/{at}/sku")
        if units[store, sku]:
            pair = (each.store, each.sku)
            issues.add("duplicate-pair", f"/decisions/send/{at}", pair, "each pair once")
        units[store, sku] = each.units
    return InventorySolution(order_units=units)


def unserved(instance: Instance, made: InventorySolution) -> Sequence[Unserved]:
    """Return limits that leave no room for one more case pack: SKUs sold out, full stores."""
    problem: InventoryProblem = instance.problem
    result = []
    if problem.available_units is not None:
        left = problem.available_units - made.order_units.sum(axis=0)
        short = np.flatnonzero(
            (left < problem.case_pack_units) & (problem.mean_units.sum(axis=0) > 0)
        )
        result += [
            Unserved(
                what="sku",
                id=problem.sku_ids[row],
                reason="central-stock-used-up",
                remedy="more stock in the city warehouse",
            )
            for row in short
        ]
    if problem.room_ml is not None:
        sent_ml = made.order_units @ problem.volume_ml
        smallest = (problem.volume_ml * problem.case_pack_units).min()
        result += [
            Unserved(
                what="store",
                id=problem.store_ids[row],
                reason="store-full",
                remedy="more room in the store or its vehicle",
            )
            for row in np.flatnonzero(problem.room_ml - sent_ml < smallest)
        ]
    return result


def features(instance: Instance, made: InventorySolution) -> Sequence[Feature]:
    """Return stores as points with what is sent to them."""
    places = instance.places.get("stores")
    if places is None:
        return []
    units = made.order_units.sum(axis=1).tolist()
    kinds = (made.order_units > 0).sum(axis=1).tolist()
    return [
        Feature(
            shape="point",
            places=places[row : row + 1],
            properties={"layer": "stores", "id": name, "units": units[row], "skus": kinds[row]},
        )
        for row, name in enumerate(instance.problem.store_ids)
    ]


SOLUTION = SolutionKind(
    name="inventory",
    model=InventoryDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
