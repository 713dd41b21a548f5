"""The independent checker: what a stage can promise, and what its safety stock costs."""

from __future__ import annotations

import math

from dispatchopt.core.result import Report, Violation
from dispatchopt.inventory.guaranteed_service.problem import (
    NO_LIMIT,
    GuaranteedServiceProblem,
    GuaranteedServiceSolution,
)


def check(problem: GuaranteedServiceProblem, solution: GuaranteedServiceSolution) -> Report:
    """Recompute waits, safety stocks and cost.

    Rules: ``shape``, ``negative-service``, ``service-too-long`` (beyond what the stage may quote),
    ``service-beyond-replenishment`` (longer than the stage needs without any stock).
    """
    service = solution.service_periods
    if service.shape != (problem.num_stages,):
        broken = Violation(rule="shape", where=f"service_periods {service.shape}", by=1.0)
        return Report(objective=float("inf"), violations=(broken,))
    violations: list[Violation] = []
    cost, stocked, units = 0.0, 0, 0.0
    suppliers: list[list[int]] = [[] for _ in range(problem.num_stages)]
    for supplier, customer in zip(
        problem.supplier.tolist(), problem.customer.tolist(), strict=True
    ):
        suppliers[customer].append(int(service[supplier]))
    for stage, name in enumerate(problem.stage_ids):
        where, quoted = f"stage {name}", int(service[stage])
        longest = int(problem.max_service_periods[stage])
        if quoted < 0:
            violations.append(Violation(rule="negative-service", where=where, by=float(-quoted)))
        if longest != NO_LIMIT and quoted > longest:
            by = float(quoted - longest)
            violations.append(Violation(rule="service-too-long", where=where, by=by))
        wait = max([int(problem.inbound[stage]), *suppliers[stage]])
        net = wait + int(problem.time_periods[stage]) - quoted
        if net < 0:
            rule = "service-beyond-replenishment"
            violations.append(Violation(rule=rule, where=where, by=float(-net)))
            continue
        held = float(problem.safety_units[stage]) * math.sqrt(net)
        cost += float(problem.holding_cost[stage]) * held
        units += held
        stocked += held > 0
    return Report(
        objective=cost,
        parts={"safety_stock": cost},
        violations=tuple(violations),
        figures={"stages_with_stock": float(stocked), "safety_units": units},
    )
