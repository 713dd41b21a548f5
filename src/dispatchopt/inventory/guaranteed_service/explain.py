"""Why each stage keeps safety stock, and what a shorter time or a longer promise saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.explain import Finding, Row
from dispatchopt.inventory.guaranteed_service.problem import (
    NO_LIMIT,
    GuaranteedServiceProblem,
    GuaranteedServiceSolution,
)

#: What would have to change, by reason.
REMEDIES = {
    "promise-binds": "a longer promise, or a shorter time",
    "customers-keep-less": "a shorter time; a longer quote costs its customers more",
    "worth-quoting-longer": "a longer search: a longer quote pays",
}


@dataclass(frozen=True, kw_only=True)
class StockedStage:
    """A stage with safety stock.

    Parameters
    ----------
    stage
        Its number.
    net_periods, units, cost
        Time that the stock covers, the stock, and its cost.
    reason
        A key of ``REMEDIES``.
    shorter_saves
        What one period less of the stage's own time saves, service times kept.
    longer_saves
        What one more period in its quote saves, all others kept: its own saving less what its
        customers then keep; negative where it costs.
    """

    stage: int
    net_periods: int
    units: float
    cost: float
    reason: str
    shorter_saves: float
    longer_saves: float


def stocked_stages(
    problem: GuaranteedServiceProblem, solution: GuaranteedServiceSolution
) -> list[StockedStage]:
    """Return the stages with safety stock, the dearest first."""
    service = solution.service_periods
    wait = problem.inbound.copy()
    np.maximum.at(wait, problem.customer, service[problem.supplier])
    net = np.maximum(wait + problem.time_periods - service, 0)
    rate = problem.cost_rate
    less = np.where(net > 0, np.sqrt(net) - np.sqrt(np.maximum(net - 1, 0)), 0.0)
    most = problem.max_service_periods
    # A customer waits longer only if nobody else lets it wait as long.
    later = np.maximum(service[problem.supplier] + 1 - wait[problem.customer], 0)
    more = np.sqrt(net[problem.customer] + later) - np.sqrt(net[problem.customer])
    longer = rate * less
    np.subtract.at(longer, problem.supplier, rate[problem.customer] * more)
    found = []
    for stage in np.flatnonzero((net > 0) & (rate > 0)).tolist():
        is_bound = most[stage] != NO_LIMIT and service[stage] >= most[stage]
        reason = "worth-quoting-longer" if longer[stage] > 1e-9 else "customers-keep-less"
        found.append(
            StockedStage(
                stage=stage,
                net_periods=int(net[stage]),
                units=float(problem.safety_units[stage] * np.sqrt(net[stage])),
                cost=float(rate[stage] * np.sqrt(net[stage])),
                reason="promise-binds" if is_bound else reason,
                shorter_saves=float(rate[stage] * less[stage])
                if problem.time_periods[stage] > 0
                else 0.0,
                longer_saves=float(longer[stage]),
            )
        )
    return sorted(found, key=lambda each: -each.cost)


def explain(
    problem: GuaranteedServiceProblem, solution: GuaranteedServiceSolution
) -> Sequence[Finding]:
    """Return safety stocks with reasons, and promises by what one more period of them saves."""
    stocked = stocked_stages(problem, solution)
    stock: tuple[Row, ...] = tuple(
        {
            "stage": problem.stage_ids[each.stage],
            "service_periods": int(solution.service_periods[each.stage]),
            "net_periods": each.net_periods,
            "safety_stock_units": each.units,
            "cost": each.cost,
            "saving_of_a_shorter_period": each.shorter_saves,
            "reason": each.reason,
            "remedy": REMEDIES[each.reason],
        }
        for each in stocked
    )
    bound = sorted(
        (each for each in stocked if each.reason == "promise-binds" and each.longer_saves > 0),
        key=lambda each: -each.longer_saves,
    )
    promises: tuple[Row, ...] = tuple(
        {
            "stage": problem.stage_ids[each.stage],
            "promise_periods": int(problem.max_service_periods[each.stage]),
            "saving_of_a_period": each.longer_saves,
        }
        for each in bound
    )
    return (
        Finding(
            name="stock",
            about="stages with safety stock, the dearest first, why, and what one period less of "
            "their own time saves at least",
            rows=stock,
        ),
        Finding(
            name="promises",
            about="promises that bind, by what one more period in them saves at least",
            rows=promises,
        ),
    )
