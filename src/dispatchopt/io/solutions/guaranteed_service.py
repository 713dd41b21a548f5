"""Guaranteed-service solutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.geography.points import Points
from dispatchopt.inventory.guaranteed_service.problem import (
    GuaranteedServiceProblem,
    GuaranteedServiceSolution,
)
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.guaranteed_service import GuaranteedServiceDecisions
from dispatchopt.io.solutions.base import Feature, Names, SolutionKind, Unserved


def rows(instance: Instance, made: GuaranteedServiceSolution) -> Sequence[Mapping[str, Any]]:
    """Return service time, wait, and safety stock of each stage."""
    problem: GuaranteedServiceProblem = instance.problem
    wait = problem.inbound.copy()
    np.maximum.at(wait, problem.customer, made.service_periods[problem.supplier])
    net = np.maximum(wait + problem.time_periods - made.service_periods, 0)
    stock = problem.safety_units * np.sqrt(net)
    return [
        {
            "stage": name,
            "service_periods": int(made.service_periods[stage]),
            "wait_periods": int(wait[stage]),
            "net_periods": int(net[stage]),
            "safety_stock_units": float(stock[stage]),
            "cost": float(stock[stage] * problem.holding_cost[stage]),
        }
        for stage, name in enumerate(problem.stage_ids)
    ]


def decisions(instance: Instance, made: GuaranteedServiceSolution) -> dict[str, Any]:
    """Return service times by name."""
    names = instance.problem.stage_ids
    times = made.service_periods.tolist()
    pairs = zip(names, times, strict=True)
    return {"stages": [{"stage": name, "service_periods": time} for name, time in pairs]}


def solution(instance: Instance, made: Any, issues: Issues) -> GuaranteedServiceSolution:
    """Return the solution that decisions describe."""
    problem: GuaranteedServiceProblem = instance.problem
    stages = Names("stages", problem.stage_ids, issues)
    service = np.zeros(problem.num_stages, dtype=np.int64)
    seen: set[int] = set()
    for at, each in enumerate(made.stages):
        where = f"/decisions/stages/{at}/stage"
        row = stages.row(each.stage, where)
        if row < 0:
            continue
        if row in seen:
            issues.add("duplicate-pair", where, each.stage, "each stage once")
        seen.add(row)
        service[row] = each.service_periods
    return GuaranteedServiceSolution(service_periods=service)


def unserved(instance: Instance, made: GuaranteedServiceSolution) -> Sequence[Unserved]:
    """Return nothing: every stage is served within its promise."""
    del instance, made
    return []


def features(instance: Instance, made: GuaranteedServiceSolution) -> Sequence[Feature]:
    """Return stages as points with their stock, and supplies as straight lines."""
    places = instance.places.get("stages")
    if places is None:
        return []
    problem: GuaranteedServiceProblem = instance.problem
    shapes = [
        Feature(
            shape="point",
            places=places[stage : stage + 1],
            properties={"layer": "stages", "id": row["stage"], **dict(list(row.items())[1:])},
        )
        for stage, row in enumerate(rows(instance, made))
    ]
    for supplier, customer in zip(
        problem.supplier.tolist(), problem.customer.tolist(), strict=True
    ):
        names = {
            "supplier": problem.stage_ids[supplier],
            "customer": problem.stage_ids[customer],
        }
        way = Points.concatenate(places[supplier : supplier + 1], places[customer : customer + 1])
        properties = {"layer": "supplies", **names}
        shapes.append(Feature(shape="line", places=way, properties=properties))
    return shapes


SOLUTION = SolutionKind(
    name="guaranteed-service",
    model=GuaranteedServiceDecisions,
    decisions=decisions,
    solution=solution,
    unserved=unserved,
    rows=rows,
    features=features,
)
