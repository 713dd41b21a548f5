"""What transfers leave short, and why nothing comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.explain import Finding, Row
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution

_MOST = 1000
#: What would have to change, by reason.
REMEDIES = {
    "no-lane": "a lane to the store",
    "nothing-movable": "stock that may leave, or replenishment",
    "stock-needed-there": "replenishment",
    "transfer-too-dear": "a cheaper lane",
    "lane-full": "a larger van",
}


@dataclass(frozen=True, kw_only=True)
class Short:
    """A pair of store and SKU that another unit would help.

    Parameters
    ----------
    store, sku
        Numbers of the pair.
    gain
        Expected saving of one more unit.
    reason
        ``no-lane``, ``nothing-movable``, ``stock-needed-there``, ``transfer-too-dear`` or
        ``lane-full``.
    """

    store: int
    sku: int
    gain: float
    reason: str


def levels_after(problem: RebalancingProblem, solution: RebalancingSolution) -> IntArray:
    """Return the stock after the transfers, (S, K)."""
    level = problem.stock.on_hand_units.copy()
    np.subtract.at(level, problem.lane_from, solution.moved_units)
    np.add.at(level, problem.lane_to, solution.moved_units)
    return level


def unit_gain(problem: RebalancingProblem, level: IntArray) -> FloatArray:
    """Return what one more unit saves at some levels, (S, K); negative where it costs."""
    stock = problem.stock
    demand = Demand.of(stock)
    held = np.broadcast_to(stock.holding_cost, stock.shape)
    lost = np.broadcast_to(stock.shortage_cost, stock.shape)
    y = level.astype(np.float64)
    fewer = demand.sf(y) if demand.is_discrete else demand.loss(y) - demand.loss(y + 1.0)
    return np.asarray((held + lost) * fewer - held)


def shortages(problem: RebalancingProblem, solution: RebalancingSolution) -> list[Short]:
    """Return the pairs that another unit would help, the dearest first, with a reason each."""
    level = levels_after(problem, solution)
    gain = unit_gain(problem, level)
    loss = unit_gain(problem, level - 1)
    sent = np.zeros_like(level)
    np.add.at(sent, problem.lane_from, solution.moved_units)
    can_send = (problem.movable_units - sent > 0) & (level > 0)
    left = np.full(problem.num_lanes, np.inf)
    if problem.capacity_ml is not None:
        left = problem.capacity_ml - solution.moved_units @ problem.stock.volume_ml
    into: list[list[int]] = [[] for _ in range(problem.num_stores)]
    for lane, store in enumerate(problem.lane_to.tolist()):
        into[store].append(lane)
    slack = 1e-9 * (1.0 + np.abs(gain))
    rows = np.argwhere(gain > slack)
    rows = rows[np.argsort(-gain[rows[:, 0], rows[:, 1]], kind="stable")]
    result = []
    for store, sku in rows.tolist():
        lanes = np.array(into[store], dtype=np.int64)
        tail = problem.lane_from[lanes]
        able = can_send[tail, sku]
        saves = gain[store, sku] - loss[tail, sku]
        pays = saves > problem.unit_cost[lanes]
        reason = "lane-full"
        if not lanes.size:
            reason = "no-lane"
        elif not able.any():
            reason = "nothing-movable"
        elif not (able & (saves > 0)).any():
            reason = "stock-needed-there"
        elif not (able & pays & (left[lanes] < problem.stock.volume_ml[sku])).any():
            reason = "transfer-too-dear"
        result.append(Short(store=store, sku=sku, gain=float(gain[store, sku]), reason=reason))
    return result


def explain(problem: RebalancingProblem, solution: RebalancingSolution) -> Sequence[Finding]:
    """Return what stays short and why, and the lanes that are used."""
    stock = problem.stock
    short: tuple[Row, ...] = tuple(
        {
            "store": stock.store_ids[each.store],
            "sku": stock.sku_ids[each.sku],
            "saving_of_a_unit": each.gain,
            "reason": each.reason,
            "remedy": REMEDIES[each.reason],
        }
        for each in shortages(problem, solution)[:_MOST]
    )
    load = solution.moved_units @ stock.volume_ml
    lanes: tuple[Row, ...] = tuple(
        {
            "from": stock.store_ids[problem.lane_from[lane]],
            "to": stock.store_ids[problem.lane_to[lane]],
            "distance_m": int(problem.distance_m[lane]) if problem.distance_m[lane] >= 0 else None,
            "units": int(solution.moved_units[lane].sum()),
            "volume_ml": int(load[lane]),
            "capacity_ml": None if problem.capacity_ml is None else int(problem.capacity_ml[lane]),
        }
        for lane in np.flatnonzero(solution.moved_units.any(axis=1))
    )
    findings = [
        Finding(
            name="short",
            about="Pairs that one more unit would help, its expected saving, and why none comes.",
            rows=short,
        ),
        Finding(name="lanes", about="Lanes that are used, in units and ml.", rows=lanes),
    ]
    if problem.has_expiring:
        about = "Expiring units before and after, and how many are thrown away, the most first."
        findings.append(Finding(name="expiring", about=about, rows=_expiring(problem, solution)))
    return findings


def _expiring(problem: RebalancingProblem, solution: RebalancingSolution) -> tuple[Row, ...]:
    """Return pairs with units that expire, at first or after the transfers."""
    stock, before = problem.stock, problem.expiring_units
    after = before.copy()
    np.subtract.at(after, problem.lane_from, solution.expiring_units)
    np.add.at(after, problem.lane_to, solution.expiring_units)
    demand = Demand.of(stock)
    wasted = [demand.surplus(units.astype(np.float64)) for units in (before, after)]
    rows = np.argwhere((before > 0) | (after > 0))
    rows = rows[np.argsort(-wasted[1][rows[:, 0], rows[:, 1]], kind="stable")][:_MOST]
    return tuple(
        {
            "store": stock.store_ids[store],
            "sku": stock.sku_ids[sku],
            "units_before": int(before[store, sku]),
            "units_after": int(after[store, sku]),
            "wasted_before": float(wasted[0][store, sku]),
            "wasted_after": float(wasted[1][store, sku]),
        }
        for store, sku in rows.tolist()
    )
