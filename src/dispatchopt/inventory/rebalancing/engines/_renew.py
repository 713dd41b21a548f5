"""Ruin and renew: some SKUs leave all lanes and are sent anew, one by one; compiled.

Each turn takes a lane, removes some SKUs that ride on it and some others, and sends them again in
the room that is left, at random shares of the prices of that room (after Schrimpf et al., Journal
of Computational Physics 159, 2000). What is not worse than a threshold stands, and the threshold
falls to nothing.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.rebalancing.engines._compiled import send

_NO_LIMIT = 1e12


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _put(
    sign: int, of: IntArray, units: IntArray, volume: float, load: FloatArray, riders: IntArray
) -> None:  # fmt: skip
    """Add or remove the units of one SKU."""
    for e in range(of.size):
        if units[e] > 0:
            load[of[e]] += sign * units[e] * volume
            riders[of[e]] += sign


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _fixed(lane_cost: FloatArray, riders: IntArray) -> float:
    """Cost of the lanes that are used."""
    total = 0.0
    for lane in range(riders.size):
        if riders[lane] > 0:
            total += lane_cost[lane]
    return total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _send_again(
    k: int, share: float, fixed_share: float, is_closed: BoolArray, lanes: Any, problem: Any,
    state: Any,
) -> None:  # fmt: skip
    """Send one SKU in the room that is left, at a share of the prices."""
    first, lane, ends_of = lanes
    unit_cost, lane_cost, room, volume, price, movable, down, up, worth, typical = problem
    units, cost, load, riders = state
    stores = movable.shape[1]
    a, b = first[k], first[k + 1]
    of = lane[a:b]
    n = b - a
    tail, head = ends_of[0][of], ends_of[1][of]
    pays, most = np.empty(n), np.empty(n, np.int64)
    for e in range(n):
        at = of[e]
        extra = share * price[at] * volume[k]
        if riders[at] == 0 and lane_cost[at] > 0.0:
            extra += fixed_share * lane_cost[at] / typical[at]
        pays[e] = unit_cost[at] + extra
        left = _NO_LIMIT
        if volume[k] > 0.0:
            left = np.floor((room[at] - load[at]) / volume[k] + 1e-9)
        most[e] = 0 if is_closed[at] else np.int64(max(0.0, min(left, movable[k, tail[e]])))
    rows = slice(k * stores, (k + 1) * stores + 1)
    begin = worth[k].copy()
    total, _ = send(
        (tail, head), (pays, most), movable[k], (down[0][rows], down[1]), (up[0][rows], up[1]),
        begin, units[a:b],
    )  # fmt: skip
    for e in range(n):
        total -= units[a + e] * (pays[e] - unit_cost[of[e]])
    cost[k] = total
    _put(1, of, units[a:b], volume[k], load, riders)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _chosen(
    at: int, count: int, draw: FloatArray, entries: Any, units: IntArray, taken: BoolArray
) -> IntArray:
    """Return SKUs to send anew: riders of a lane first, then any that could ride on it."""
    first, sku, entry = entries
    a, b = first[at], first[at + 1]
    found = np.empty(max(1, count), np.int64)
    n = 0
    size = b - a
    for turn in range(2):
        begin = a + np.int64(draw[turn] * size)
        for step in range(size):
            row = begin + step
            row = row - size if row >= b else row
            k = sku[row]
            wanted = (units[entry[row]] > 0) if turn == 0 else True
            limit = (2 * count + 2) // 3 if turn == 0 else count
            if n < limit and wanted and not taken[k]:
                taken[k] = True
                found[n] = k
                n += 1
    for i in range(n):
        taken[found[i]] = False
    return found[:n]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _take_off(skus: IntArray, lanes: Any, volume: FloatArray, state: Any, kept: IntArray) -> None:
    """Take SKUs off all lanes, and keep what they had, if there is room to keep it."""
    first, lane, _ = lanes
    units, _, load, riders = state
    size = 0
    for k in skus:
        a, b = first[k], first[k + 1]
        if kept.size > 0:
            kept[size : size + b - a] = units[a:b]
        size += b - a
        _put(-1, lane[a:b], units[a:b], volume[k], load, riders)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _put_back(skus: IntArray, lanes: Any, volume: FloatArray, state: Any, kept: IntArray) -> None:
    """Give SKUs what they had."""
    first, lane, _ = lanes
    units, _, load, riders = state
    size = 0
    for k in skus:
        a, b = first[k], first[k + 1]
        units[a:b] = kept[size : size + b - a]
        size += b - a
        _put(1, lane[a:b], units[a:b], volume[k], load, riders)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _renew_some(
    at: int, closes: bool, skus: IntArray, draw: FloatArray, lanes: Any, problem: Any, state: Any,
    is_closed: BoolArray,
) -> None:  # fmt: skip
    """Send SKUs anew, without a lane or with an unused one for nothing."""
    lane_cost, riders = problem[1], state[3]
    kept = lane_cost[at]
    is_closed[at] = closes
    if riders[at] == 0 and not closes:
        # Its first riders need not pay for it.
        lane_cost[at] = 0.0
    for step in range(skus.size):
        turn = skus.size - 1 - step if draw[4] < 0.5 else step
        share = draw[4] * 2.0 % 1.0 if step + 1 < skus.size else 0.0
        _send_again(skus[turn], share, draw[6], is_closed, lanes, problem, state)
    is_closed[at] = False
    lane_cost[at] = kept


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def renew(
    draws: FloatArray, threshold: float, lanes: Any, entries: Any, problem: Any, state: Any,
    best: Any,
) -> None:  # fmt: skip
    """Run turns, one for each row of uniform random numbers, (T, 8).

    Parameters
    ----------
    draws
        Random numbers from 0 to 1: lane, SKUs, two places among them, order, closing, cost, chance.
    threshold
        Mean of how much worse a plan may be that stands.
    lanes
        First entry of each SKU, lane of each entry, and stores at the ends of all lanes.
    entries
        The same by lane: first entry of each lane, SKU, and number of the entry.
    problem
        Arrays of the problem; see ``_send_again``.
    state
        Units, costs of SKUs, loads and riders of lanes: the plan, which is changed.
    best
        Receives the units and the total of the best plan.
    """
    first, lane_cost, volume = lanes[0], problem[1], problem[3]
    units, cost, _, riders = state
    taken, is_closed = np.zeros(cost.size, np.bool_), np.zeros(riders.size, np.bool_)
    total = cost.sum() + _fixed(lane_cost, riders)
    for t in range(draws.shape[0]):
        draw = draws[t]
        at = int(draw[0] * riders.size)
        closes = lane_cost[at] > 0.0 and riders[at] > 0 and draw[5] < 0.5
        count = int(2 + draw[1] * 8)
        if closes:
            count = max(count, 3 * riders[at] // 2 + 1)
        elif lane_cost[at] > 0.0 and riders[at] == 0:
            count = 3 * count
        skus = _chosen(at, count, draw[2:4], entries, units, taken)
        size = 0
        for k in skus:
            size += first[k + 1] - first[k]
        old_units, old_cost = np.empty(size, np.int64), cost[skus]
        _take_off(skus, lanes, volume, state, old_units)
        _renew_some(at, closes, skus, draw, lanes, problem, state, is_closed)
        now = cost.sum() + _fixed(lane_cost, riders)
        if now <= total - threshold * np.log(max(1e-12, draw[7])):
            total = now
            if now < best[1][0] - 1e-9:
                best[1][0] = now
                best[0][:] = units
        else:
            _take_off(skus, lanes, volume, state, np.empty(0, np.int64))
            _put_back(skus, lanes, volume, state, old_units)
            cost[skus] = old_cost
