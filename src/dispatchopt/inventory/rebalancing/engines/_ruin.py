"""Better transfers on vans by ruining and renewing parts of a plan, thousands of times."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.inventory.rebalancing.engines._plan import Plan

#: Turns between two looks at the clock.
_PER_LOOK = 50
#: Threshold at the begin, as a share of what a SKU's transfers save on average.
_WARMTH = 1.5e-3
#: Riders among whom the cost of a lane that nobody uses is thought to be shared, at least.
_FEW_RIDERS = 3.0


def ruin(
    plan: Plan,
    price: FloatArray,
    *,
    turns: int,
    rng: np.random.Generator,
    progress: Callable[[], float],
) -> None:
    """Improve a plan that has compiled flows.

    Parameters
    ----------
    plan
        Receives the best plan that was met.
    price
        Prices of the room on lanes, per ml, (L,).
    turns
        Turns at most.
    rng
        Source of randomness.
    progress
        Asked now and then: the share of the time that is over, 1 to end at once.
    """
    from dispatchopt.inventory.rebalancing.engines import _renew

    flows = plan.flows
    problem, worth = flows.problem, flows.worth
    lane, first = worth.lane, worth.lane_first
    sku = np.repeat(np.arange(problem.num_skus), np.diff(first))
    order = np.argsort(lane, kind="stable")
    begin = np.concatenate([[0], np.cumsum(np.bincount(lane, minlength=problem.num_lanes))])
    units = np.concatenate([*plan.units, np.zeros(0, np.int64)])
    typical = np.maximum(np.bincount(lane, units, problem.num_lanes), _FEW_RIDERS)
    parts = (
        problem.unit_cost, problem.lane_cost.copy(), np.minimum(plan.room, 1e18), plan.volume,
        np.minimum(price, 1e9), *flows.kernel_arrays, typical,
    )  # fmt: skip
    state = (units, plan.cost.copy(), plan.load.copy(), plan.riders.copy())
    best = (units.copy(), np.array([plan.total]))
    ends = (problem.lane_from, problem.lane_to)
    warmth = _WARMTH * max(0.0, -plan.total) / max(1, problem.num_skus)
    for turn in range(0, turns, _PER_LOOK):
        over = progress()
        if over >= 1.0 or not problem.num_lanes:
            break
        _renew.renew(
            rng.random((min(_PER_LOOK, turns - turn), 8)),
            warmth * max(0.0, 1.0 - max(over, turn / turns)),
            (first, lane, ends),
            (begin, sku[order], order),
            parts,
            state,
            best,
        )
    plan.take(np.split(best[0], first[1:-1]))
