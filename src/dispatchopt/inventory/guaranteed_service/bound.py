"""A proven lower bound on the cost of safety stock."""

from __future__ import annotations

import math

from dispatchopt.inventory.guaranteed_service.problem import NO_LIMIT, GuaranteedServiceProblem


def bound(problem: GuaranteedServiceProblem) -> float:
    """Return what the dearest way to a stage with a limit costs at least.

    Net replenishment times along a way add up to at least its length less what its last stage may
    quote. As the square root is subadditive, the whole of it at the way's least rate is a bound.
    The way followed is the longest one.
    """
    rate = problem.cost_rate.tolist()
    least: list[float] = [0.0] * problem.num_stages
    highest = 0.0
    for stage in problem.order:
        wait, before = int(problem.inbound[stage]), math.inf
        for each in problem.suppliers[stage]:
            reach = int(problem.horizon[each])
            if reach > wait or (reach == wait and least[each] > before):
                wait, before = reach, least[each]
        least[stage] = min(before, rate[stage])
        longest = int(problem.max_service_periods[stage])
        if longest != NO_LIMIT:
            short = max(0, int(problem.horizon[stage]) - longest)
            highest = max(highest, least[stage] * math.sqrt(short))
    return highest
