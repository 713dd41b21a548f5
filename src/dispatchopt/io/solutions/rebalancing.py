"""Rebalancing solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.geography.points import Points
from dispatchopt.inventory.rebalancing.explain import REMEDIES, shortages
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.rebalancing import RebalancingDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved


def rows(instance: Instance, made: RebalancingSolution) -> Sequence[Mapping[str, Any]]:
    """Return one row per lane and SKU of which something goes on it."""
    problem: RebalancingProblem = instance.problem
    stores, skus = problem.stock.store_ids, problem.stock.sku_ids
    return [
        {
            "origin": stores[problem.lane_from[lane]],
            "target": stores[problem.lane_to[lane]],
            "sku": skus[sku],
            "units": int(made.moved_units[lane, sku]),
            **_of_age(problem, int(made.expiring_units[lane, sku])),
        }
        for lane, sku in np.argwhere(made.moved_units != 0)
    ]


def _of_age(problem: RebalancingProblem, units: int) -> dict[str, int]:
    """Return the column of expiring units, where a problem has any."""
    return {"expiring_units": units} if problem.has_expiring or units else {}


def decisions(instance: Instance, made: RebalancingSolution) -> dict[str, Any]:
    """Return what goes where, by name."""
    return {"transfers": [dict(row) for row in rows(instance, made)]}


def solution(instance: Instance, made: Any, issues: Issues) -> RebalancingSolution:
    """Return the solution that decisions describe."""
    problem: RebalancingProblem = instance.problem
    names = problem.stock.store_ids
    lane_of = {
        (names[tail], names[head]): lane
        for lane, (tail, head) in enumerate(
            zip(problem.lane_from.tolist(), problem.lane_to.tolist(), strict=True)
        )
    }
    skus = Names("skus", problem.stock.sku_ids, issues)
    moved = np.zeros((problem.num_lanes, problem.num_skus), dtype=np.int64)
    old = np.zeros_like(moved)
    for at, each in enumerate(made.transfers):
        where = f"/decisions/transfers/{at}"
        sku = skus.row(each.sku, f"{where}/sku")
        ends = (each.origin, each.target)
        lane = lane_of.get(ends, -1)
        if lane < 0:
            issues.add("unknown-reference", where, ends, "a lane of the instance")
        if min(lane, sku) < 0:
            continue
        if moved[lane, sku]:
            issues.add("duplicate-pair", where, (*ends, each.sku), "each lane and SKU once")
        moved[lane, sku], old[lane, sku] = each.units, each.expiring_units
    return RebalancingSolution(moved_units=moved, expiring_units=old)


def unserved(instance: Instance, made: RebalancingSolution) -> Sequence[Unserved]:
    """Return pairs that one more unit would help, the dearest first."""
    problem: RebalancingProblem = instance.problem
    if made.moved_units.size and made.moved_units.min() < 0:
        return []
    return [
        Unserved(
            what="pair",
            id=f"{problem.stock.store_ids[each.store]}, {problem.stock.sku_ids[each.sku]}",
            reason=each.reason,
            remedy=REMEDIES[each.reason],
        )
        for each in shortages(problem, made)
    ]


def features(instance: Instance, made: RebalancingSolution) -> Sequence[Feature]:
    """Return stores as points, and lanes that are used as straight lines."""
    stores = instance.places.get("stores")
    if stores is None:
        return []
    problem: RebalancingProblem = instance.problem
    names = problem.stock.store_ids
    shapes = [
        Feature(
            shape="point",
            places=stores[row : row + 1],
            properties={"layer": "stores", "id": name},
        )
        for row, name in enumerate(names)
    ]
    units = made.moved_units.sum(axis=1)
    for lane in np.flatnonzero(units):
        tail, head = int(problem.lane_from[lane]), int(problem.lane_to[lane])
        way = Points.concatenate(stores[tail : tail + 1], stores[head : head + 1])
        properties = {
            "layer": "lanes",
            "origin": names[tail],
            "target": names[head],
            "units": int(units[lane]),
        }
        shapes.append(Feature(shape="line", places=way, properties=properties))
    return shapes


SOLUTION = SolutionKind(
    name="rebalancing",
    model=RebalancingDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
