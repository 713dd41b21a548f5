"""Policies that a name stands for, for an inventory problem and its days."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.formulas import reorder_point
from dispatchopt.inventory.levels import free_levels
from dispatchopt.inventory.problem import InventoryProblem
from dispatchopt.inventory.replay.policy import (
    Allocate,
    OrderUpTo,
    Policy,
    ReorderUpTo,
    RoundQuantity,
)
from dispatchopt.inventory.replay.problem import ReplayProblem
from dispatchopt.inventory.replay.search import tune
from dispatchopt.inventory.rules import daily_ss, stock_rule

#: Logarithms of factors on the odds of meeting all demand between which ``tuned`` searches.
_TUNED = (-3.0, 3.0)
#: Safety factors between which ``tuned-z`` searches.
_TUNED_Z = (-1.0, 4.0)
#: Days and replications of each try of both.
_TRY_DAYS, _TRIES = 14, 10


def _levels(problem: InventoryProblem, _days: ReplayProblem) -> Policy:
    """Order up to the best level of each pair under the problem's rule."""
    empty = problem.replace(
        on_hand_units=np.zeros(problem.shape, dtype=np.int64),
        available_units=None,
        store_volume_ml=None,
        delivery_volume_ml=None,
    )
    level = free_levels(empty).order_units.astype(np.float64)
    return OrderUpTo(level_units=level, case_pack_units=problem.case_pack_units)


def _z_sigma(problem: InventoryProblem, _days: ReplayProblem) -> Policy:
    """Order up to mu + 1.65 sigma of the interval, the simple rule."""
    demand = Demand.of(problem)
    level = np.ceil(reorder_point(demand.mean_units, demand.true_variance))
    return OrderUpTo(level_units=level, case_pack_units=problem.case_pack_units)


def _allocation(problem: InventoryProblem, _days: ReplayProblem) -> Policy:
    """Solve the allocation of each evening, with all its limits."""
    return Allocate(problem=problem)


def _tuned(problem: InventoryProblem, days: ReplayProblem) -> Policy:
    """Order up to the quantiles that cost least in replays of other days than those shown.

    Each pair's chance of meeting all demand is that of its costs, odds times one factor for all.
    """
    demand = Demand.of(problem)
    held = problem.holding_cost if problem.waste_cost is None else problem.leftover_cost_of_pair
    odds = np.maximum(problem.shortage_cost, 1e-9) / np.maximum(held, 1e-9)

    def make(logarithm: float) -> Policy:
        raised = odds * np.exp(logarithm)
        chance = np.minimum(raised / (1.0 + raised), 1.0 - 1e-9)
        level: FloatArray = np.maximum(np.ceil(demand.ppf(chance)), 0.0)
        return OrderUpTo(level_units=level, case_pack_units=problem.case_pack_units)

    return make(_tune(make, _TUNED, problem, days))


def _order_cost(days: ReplayProblem) -> FloatArray | float:
    return 0.0 if days.order_cost is None else days.order_cost


def _s_up_to(problem: InventoryProblem, days: ReplayProblem) -> Policy:
    """(s, S) of each pair, optimal where demand waits."""
    low, high = daily_ss(problem, _order_cost(days))
    return ReorderUpTo(
        reorder_units=low, level_units=high, case_pack_units=problem.case_pack_units
    )  # fmt: skip


def _lots(
    name: str, problem: InventoryProblem, days: ReplayProblem, z: float | None = None
) -> Policy:
    """Return the reorder point and lot of a rule; with z, the point is mean + z sigma."""
    made = stock_rule(name, problem, order_cost=_order_cost(days))
    point = np.asarray(made["reorder_units"]).reshape(problem.shape)
    lot = np.maximum(np.asarray(made["quantity_units"]).reshape(problem.shape), 1.0)
    if z is not None:
        demand = Demand.of(problem)
        point = np.floor(demand.mean_units + z * np.sqrt(demand.true_variance))
    sells = problem.mean_units > 0
    pack = np.maximum(problem.case_pack_units, 1)
    return RoundQuantity(
        reorder_units=np.where(sells, point, -np.inf),
        quantity_units=np.ceil(lot / pack) * pack,
    )


def _lot(problem: InventoryProblem, days: ReplayProblem) -> Policy:
    """(r, Q) of each pair, optimal where demand comes one by one and waits."""
    return _lots("r-Q", problem, days)


def _economic(problem: InventoryProblem, days: ReplayProblem) -> Policy:
    """Economic order quantities above a reorder point of mu + 1.65 sigma."""
    return _lots("eoq", problem, days)


def _tuned_z(problem: InventoryProblem, days: ReplayProblem) -> Policy:
    """Economic order quantities above mu + z sigma, by the z that costs least in other days."""

    def make(z: float) -> Policy:
        return _lots("eoq", problem, days, z)

    return make(_tune(make, _TUNED_Z, problem, days))


def _tune(
    make: Callable[[float], Policy], limits: tuple[float, float], problem: InventoryProblem,
    days: ReplayProblem,
) -> float:  # fmt: skip
    # The streams of another seed: the days that judge a policy must not be those that chose it.
    best, _ = tune(
        days, make, limits, points=5, rounds=2, days=_TRY_DAYS, warm_up_days=problem.interval_days,
        seed=2**31 - 1, max_replications=_TRIES,
    )  # fmt: skip
    return best


#: Names, and what makes the policy of an inventory problem and its days.
POLICIES: dict[str, Callable[[InventoryProblem, ReplayProblem], Policy]] = {
    "levels": _levels,
    "allocation": _allocation,
    "z-sigma": _z_sigma,
    "s-S": _s_up_to,
    "r-Q": _lot,
    "eoq": _economic,
    "tuned": _tuned,
    "tuned-z": _tuned_z,
}


def named_policy(name: str, problem: InventoryProblem, days: ReplayProblem) -> Policy:
    """Return the policy of a name.

    Parameters
    ----------
    name
        ``levels``: up to the best level of each pair under the problem's rule. ``allocation``: the
        allocation under all limits, solved every evening. ``z-sigma``: up to mu + 1.65 sigma.
        ``s-S``, ``r-Q``, ``eoq``: the optimal (s, S) and (r, Q), and economic order quantities
        above mu + 1.65 sigma, for the cost of an order. ``tuned``: up to the quantile of each
        pair's costs, odds times one factor for all pairs that replays of other days find best.
        ``tuned-z``: economic order quantities above mu + z sigma, by the z that they find best.
    problem, days
        The problem, and what it is replayed as.

    Raises
    ------
    InputError
        If there is no such policy.
    """
    if name not in POLICIES:
        wanted = f"one of {', '.join(POLICIES)}"
        raise InputError(
            Issue(code="unknown-choice", where="policy", found=repr(name)[:60], wanted=wanted)
        )
    return POLICIES[name](problem, days)
