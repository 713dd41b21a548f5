"""Stock rules of all pairs of a problem, as rows: levels, reorder points, lots, protection."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.faults import issue_of
from dispatchopt.inventory.formulas import (
    cycle_service,
    economic_order,
    expected_cost,
    fill_rate,
    reorder_point,
)
from dispatchopt.inventory.levels import free_levels
from dispatchopt.inventory.lot_sizes import LotPolicy, best_rq, best_ss
from dispatchopt.inventory.problem import DemandLaw, InventoryProblem
from dispatchopt.inventory.protection import emsr_b
from dispatchopt.inventory.surge.problem import SurgeProblem
from dispatchopt.inventory.surge.stream import moments, release_levels, shelf_demand

#: Pairs for which single-item policies with a cost per order are computed.
MAX_LOTS = 20_000
Columns = Mapping[str, Any]


def stock_rule(
    name: str, problem: InventoryProblem, *, order_cost: float | FloatArray = 0.0
) -> Columns:
    """Return the rule of every pair as columns, row by row of stores.

    Parameters
    ----------
    name
        ``document``: the least level under the problem's own rule and targets, no limits counted;
        ``z-sigma``: mean + 1.65 standard deviations; ``s-S`` and ``r-Q``: optimal for periodic and
        for continuous review with a cost per order; ``eoq``: the economic order quantity above a
        reorder point of mean + 1.65 standard deviations.
    problem
        Demand and costs.
    order_cost
        Cost of an order of one SKU to one store; for the rules with lots.

    Raises
    ------
    InputError
        If there is no such rule, or the rule does not take the problem.
    """
    if name not in RULES:
        wanted = f"one of {', '.join(RULES)}"
        raise InputError(issue_of("unknown-choice", "policy", repr(name)[:60], wanted))
    given = np.asarray(order_cost, dtype=np.float64)
    if not ((given >= 0) & (given <= 1e9)).all():
        raise InputError(issue_of("out-of-range", "order_cost", repr(order_cost), "0 to 1e9"))
    stores, skus = problem.shape
    head = {
        "store": np.repeat(np.array(problem.store_ids, dtype=object), skus),
        "sku": np.tile(np.array(problem.sku_ids, dtype=object), stores),
        "mean_units": problem.mean_units.ravel(),
    }
    return {**head, **RULES[name](problem, order_cost)}


def _measured(problem: InventoryProblem, level: FloatArray) -> dict[str, FloatArray]:
    demand = Demand.of(problem)
    cost = expected_cost(demand, level, problem.holding_cost, problem.shortage_cost)
    return {
        "level_units": level.ravel(),
        "fill_rate": fill_rate(demand, level).ravel(),
        "cycle_service": cycle_service(demand, level).ravel(),
        "cost": np.broadcast_to(cost, problem.shape).ravel(),
    }


def _document(problem: InventoryProblem, _order_cost: float | FloatArray) -> dict[str, FloatArray]:
    empty = problem.replace(
        on_hand_units=np.zeros(problem.shape, dtype=np.int64),
        available_units=None,
        store_volume_ml=None,
        delivery_volume_ml=None,
    )
    return _measured(problem, free_levels(empty).order_units.astype(np.float64))


def _z_sigma(problem: InventoryProblem, _order_cost: float | FloatArray) -> dict[str, FloatArray]:
    demand = Demand.of(problem)
    level = np.ceil(reorder_point(demand.mean_units, demand.true_variance))
    return _measured(problem, np.asarray(level))


def _lots(
    problem: InventoryProblem,
    order_cost: float | FloatArray,
    best: Callable[[Demand, float, float, float], LotPolicy],
) -> dict[str, FloatArray]:
    if problem.mean_units.size > MAX_LOTS:
        found = f"{problem.mean_units.size} pairs"
        raise InputError(issue_of("too-large", "policy", found, f"at most {MAX_LOTS}"))
    law = problem.demand_law
    if law not in (DemandLaw.POISSON, DemandLaw.NEGATIVE_BINOMIAL):
        wanted = "demand in whole units: poisson or negative-binomial"
        raise InputError(issue_of("bad-value", "demand_law", str(law), wanted))
    held = np.broadcast_to(problem.holding_cost, problem.shape).ravel()
    short = np.broadcast_to(problem.shortage_cost, problem.shape).ravel()
    fixed = np.broadcast_to(order_cost, problem.shape).ravel()
    low, high, cost = (np.zeros(held.size) for _ in range(3))
    means, spreads = problem.mean_units.ravel(), problem.variance_units.ravel()
    for row in np.flatnonzero(means > 0).tolist():
        demand = Demand(law=law, mean_units=means[row], variance_units=spreads[row])
        made = best(demand, float(fixed[row]), float(held[row]), float(short[row]))
        low[row], high[row], cost[row] = made.reorder_units, made.level_units, made.cost
    return {"reorder_units": low, "level_units": high, "quantity_units": high - low, "cost": cost}


def _ss(problem: InventoryProblem, order_cost: float | FloatArray) -> dict[str, FloatArray]:
    return _lots(problem, order_cost, best_ss)


def _rq(problem: InventoryProblem, order_cost: float | FloatArray) -> dict[str, FloatArray]:
    days = float(problem.interval_days)

    def best(demand: Demand, fixed: float, held: float, short: float) -> LotPolicy:
        rate = float(np.asarray(demand.mean_units)) / days
        return best_rq(demand, rate, fixed, held / days, short / days)

    return _lots(problem, order_cost, best)


def daily_ss(
    problem: InventoryProblem, order_cost: float | FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return s and S of every pair, (S, K), for a look at the stock every day.

    Parameters
    ----------
    problem
        Demand of ``interval_days`` independent days alike: a day and the lead time.
    order_cost
        Cost of an order of a SKU, a number or (K,).
    """
    days = float(problem.interval_days)

    def best(demand: Demand, fixed: float, held: float, short: float) -> LotPolicy:
        mean, spread = np.asarray(demand.mean_units), np.asarray(demand.true_variance)
        day = Demand(law=demand.law, mean_units=mean / days, variance_units=spread / days)
        return best_ss(day, fixed, held / days, short, cover=demand)

    made = _lots(problem, order_cost, best)
    low, high = (made[name].reshape(problem.shape) for name in ("reorder_units", "level_units"))
    return low, high


def _eoq(problem: InventoryProblem, order_cost: float | FloatArray) -> dict[str, FloatArray]:
    demand = Demand.of(problem)
    point = np.ceil(reorder_point(demand.mean_units, demand.true_variance))
    days = float(problem.interval_days)
    rate = problem.mean_units / days
    held = np.broadcast_to(problem.holding_cost, problem.shape) / days
    fixed = np.broadcast_to(order_cost, problem.shape)
    lot = np.ones(problem.shape)
    sells = (rate > 0) & (held > 0)
    lot[sells] = np.maximum(np.rint(economic_order(fixed[sells], held[sells], rate[sells])[0]), 1.0)
    return {
        "reorder_units": np.asarray(point).ravel(),
        "level_units": (point + lot).ravel(),
        "quantity_units": lot.ravel(),
    }


#: What makes the columns of each rule.
RULES: dict[str, Callable[[InventoryProblem, float | FloatArray], dict[str, FloatArray]]] = {
    "document": _document,
    "z-sigma": _z_sigma,
    "s-S": _ss,
    "r-Q": _rq,
    "eoq": _eoq,
}
#: Shares of the shelf's demand still to come for which protection is shown.
_LEFT = (1.0, 0.75, 0.5, 0.25)


def protection_rule(
    problem: SurgeProblem, channels: tuple[tuple[float, float], ...] = ()
) -> Columns:
    """Return what to protect of each pair in a stream, as columns, row by row of stores.

    Demand of the scenarios is taken as negative binomial of the same mean and variance.

    Parameters
    ----------
    problem
        Scenarios and margins.
    channels
        Parts of the stream as (share of its demand, margin as a share of the shelf's), margins
        falling; then EMSR-b protects the shelf and each part against those after it. Without
        them the stream is one channel at its own margin, and Littlewood's rule is shown for each
        share of the shelf's demand that is still to come.
    """
    stores, skus = problem.shape
    made: dict[str, Any] = {
        "store": np.repeat(np.array(problem.store_ids, dtype=object), skus),
        "sku": np.tile(np.array(problem.sku_ids, dtype=object), stores),
    }
    shelf = shelf_demand(problem)
    if not channels:
        kept = release_levels(shelf, problem.shelf_margin, problem.live_margin, _LEFT)
        for left, level in zip(_LEFT, kept, strict=True):
            made[f"keep_units_at_{100 * left:g}_percent_left"] = level.ravel()
        return made
    _check_channels(channels)
    live = moments(problem.probability, problem.live_units)
    share = np.array([each[0] for each in channels])[:, None, None]
    mean = np.concatenate([shelf.mean_units[None], share * live[0]])
    spread = np.concatenate([shelf.variance_units[None], share * live[1]])
    margin = np.array([1.0, *(each[1] for each in channels)])
    demand = Demand(law=DemandLaw.NEGATIVE_BINOMIAL, mean_units=mean, variance_units=spread)
    levels = emsr_b(demand, margin)
    for row, level in enumerate(levels):
        made[f"keep_units_against_channel_{row + 1}"] = level.ravel()
    return made


def _check_channels(channels: tuple[tuple[float, float], ...]) -> None:
    margins = [1.0, *(margin for _, margin in channels)]
    falls = all(after <= before for before, after in itertools.pairwise(margins))
    if not falls or not all(0 < share <= 1 and margin >= 0 for share, margin in channels):
        found = ", ".join(f"{share:g}@{margin:g}" for share, margin in channels)
        wanted = "shares above 0, up to 1, and margins that fall from 1 to 0"
        raise InputError(issue_of("out-of-range", "channel", found, wanted))
