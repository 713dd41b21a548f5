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
    k: int, share: float, fixed_share: float, is_closed: BoolArray, lanes: Any, problem: Any, state: Any
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
def renew(
    draws: FloatArray,
    threshold: float,
    lanes: Any,
    entries: Any,
    problem: Any,
    state: Any,
    best: Any,
) -> None:
    """Run turns, one for each row of uniform random numbers.

    ``best`` receives the units and the total of the best plan.
    """
    first, lane, _ = lanes
    lane_cost, volume = problem[1], problem[3]
    units, cost, load, riders = state
    best_units, best_total = best
    num_lanes, num_skus = riders.size, cost.size
    taken, is_closed = np.zeros(num_skus, np.bool_), np.zeros(num_lanes, np.bool_)
    total = cost.sum() + _fixed(lane_cost, riders)
    for t in range(draws.shape[0]):
        draw = draws[t]
        at = np.int64(draw[0] * num_lanes)
        closes = lane_cost[at] > 0.0 and riders[at] > 0 and draw[5] < 0.5
        opens = lane_cost[at] > 0.0 and riders[at] == 0
        count = np.int64(2 + draw[1] * 8)
        if closes:
            count = max(count, 3 * riders[at] // 2 + 1)
        if opens:
            count = 3 * count
        skus = _chosen(at, count, draw[2:4], entries, units, taken)
        old_cost = cost[skus]
        size = 0
        for k in skus:
            size += first[k + 1] - first[k]
        old_units = np.empty(size, np.int64)
        size = 0
        for k in skus:
            a, b = first[k], first[k + 1]
            old_units[size : size + b - a] = units[a:b]
            size += b - a
            _put(-1, lane[a:b], units[a:b], volume[k], load, riders)
        is_closed[at] = closes
        kept = lane_cost[at]
        if opens:
            # Its first riders need not pay for it.
            lane_cost[at] = 0.0
        for step in range(skus.size):
            turn = skus.size - 1 - step if draw[4] < 0.5 else step
            share = draw[4] * 2.0 % 1.0 if step + 1 < skus.size else 0.0
            _send_again(skus[turn], share, draw[6], is_closed, lanes, problem, state)
        is_closed[at] = False
        lane_cost[at] = kept
        now = cost.sum() + _fixed(lane_cost, riders)
        if now <= total + threshold * -np.log(max(1e-12, draw[7])):
            total = now
            if now < best_total[0] - 1e-9:
                best_total[0] = now
                best_units[:] = units
        else:
            size = 0
            for i in range(skus.size):
                k = skus[i]
                a, b = first[k], first[k + 1]
                _put(-1, lane[a:b], units[a:b], volume[k], load, riders)
                units[a:b] = old_units[size : size + b - a]
                size += b - a
                cost[k] = old_cost[i]
                _put(1, lane[a:b], units[a:b], volume[k], load, riders)
