"""A proven lower bound on the cost of any base stock."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.inventory.echelon.problem import EchelonProblem

#: Means up to which laws are summed for all stages together.
_SUMMED = 200.0


def bound(problem: EchelonProblem) -> float:
    """Return the cost if no supplier ever kept anybody waiting, or kept anything.

    What a stage waits for beyond its own lead time is independent of that time's demand, so that
    cost at the best level is no less than without it (Jensen).
    """
    cost = float(problem.in_transit_cost.sum())
    if problem.is_normal:
        return cost
    leaves = np.flatnonzero((problem.rate > 0) & ~problem.has_customers)
    mean = problem.rate[leaves] * problem.lead_time[leaves]
    held, short = problem.holding_cost[leaves], problem.shortage_cost[leaves]
    return cost + float(newsvendor_cost(mean, held, short).sum())


def newsvendor_cost(mean: FloatArray, held: FloatArray, short: FloatArray) -> FloatArray:
    """Return the least expected cost of a level under Poisson demand, element by element."""
    from scipy import stats

    ratio = short / (short + held)
    level = np.zeros_like(mean)
    large = mean > _SUMMED
    level[large] = stats.poisson.ppf(ratio[large], mean[large])
    chance = np.exp(-np.where(large, 0.0, mean))
    below = chance.copy()
    active = np.flatnonzero(~large & (below < ratio))
    while active.size:
        level[active] += 1
        chance[active] *= mean[active] / level[active]
        below[active] += chance[active]
        # Beyond twice the mean and 100 units only rounding keeps sums below a ratio near 1.
        far = level[active] > 2 * mean[active] + 100
        active = active[(below[active] < ratio[active]) & ~far]
    missing = mean * stats.poisson.sf(level - 1, mean) - level * stats.poisson.sf(level, mean)
    missing = np.maximum(missing, 0.0)
    cost: FloatArray = held * (level - mean + missing) + short * missing
    return cost
