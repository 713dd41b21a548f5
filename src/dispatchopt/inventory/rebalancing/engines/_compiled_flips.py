"""Lanes closed and opened one by one, with the SKUs that this touches sent anew, compiled.

A SKU is sent anew at minimum cost in the room that the others leave; a lane that nobody else uses
counts with its cost by the unit (slope scaling; Kim and Pardalos, Operations Research Letters 24,
1999). What does not save is taken back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.compiled import compiled
from dispatchopt.inventory.rebalancing.engines._compiled import send

#: Savings below this are nothing.
_TINY = 1e-9


@compiled()
def _note(k: int, entry_first: IntArray, state: Any, log: Any) -> None:
    """Keep the transfers of a SKU as they were, once a trial."""
    moved, cost = state[0], state[1]
    is_noted, kept, kept_cost = log
    if is_noted[k]:
        return
    is_noted[k] = True
    kept_cost[k] = cost[k]
    for e in range(entry_first[k], entry_first[k + 1]):
        kept[e] = moved[e]


@compiled()
def _put(k: int, units: IntArray, value: float, lanes: Any, entries: Any, state: Any) -> float:
    """Give a SKU other transfers of some cost; return the change of all cost."""
    lane_cost, volume = lanes[3], lanes[5]
    entry_first, entry_lane = entries
    moved, cost, load, riders = state
    change = value - cost[k]
    cost[k] = value
    begin = entry_first[k]
    for a in range(units.size):
        e = begin + a
        if units[a] == moved[e]:
            continue
        lane = entry_lane[e]
        load[lane] += (units[a] - moved[e]) * volume[k]
        if moved[e] == 0:
            riders[lane] += 1
            if riders[lane] == 1:
                change += lane_cost[lane]
        elif units[a] == 0:
            riders[lane] -= 1
            if riders[lane] == 0:
                change -= lane_cost[lane]
        moved[e] = units[a]
    return float(change)


@compiled()
def _again(
    k: int, closed: int, opened: int, lanes: Any, entries: Any, units: Any, state: Any,
) -> float:  # fmt: skip
    """Send a SKU anew beside the others, without one lane and with one for nothing (-1: none)."""
    tail, head, unit_cost, lane_cost, capacity, volume = lanes
    entry_first, entry_lane = entries
    movable, down, up, worth = units
    moved, _, load, riders = state
    stores = movable.shape[1]
    begin, end = entry_first[k], entry_first[k + 1]
    kept, room = np.empty(end - begin, np.int64), np.empty(end - begin, np.int64)
    price = np.empty(end - begin)
    n = 0
    for e in range(begin, end):
        lane = entry_lane[e]
        most = movable[k, tail[lane]]
        if volume[k] > 0:
            left = capacity[lane] - load[lane] + moved[e] * volume[k]
            most = min(most, int(left / volume[k] + 1e-9))
        if most <= 0 or lane == closed:
            continue
        price[n] = unit_cost[lane]
        if lane != opened and riders[lane] - (1 if moved[e] > 0 else 0) == 0:
            price[n] += lane_cost[lane] / max(moved[e], 1)
        kept[n], room[n] = e, most
        n += 1
    of = entry_lane[kept[:n]]
    flow = np.zeros(n, np.int64)
    rows = slice(k * stores, (k + 1) * stores + 1)
    value, _ = send(
        (tail[of], head[of]), (price[:n], room[:n]), movable[k], (down[0][rows], down[1]),
        (up[0][rows], up[1]), worth[k], flow,
    )  # fmt: skip
    wanted = np.zeros(end - begin, np.int64)
    for a in range(n):
        value -= flow[a] * (price[a] - unit_cost[of[a]])
        wanted[kept[a] - begin] = flow[a]
    return _put(k, wanted, value, lanes, entries, state)


@compiled()
def _back(lanes: Any, entries: Any, state: Any, log: Any) -> None:
    """Take a trial back."""
    is_noted, kept, kept_cost = log
    entry_first = entries[0]
    for k in range(is_noted.size):
        if is_noted[k]:
            rows = slice(entry_first[k], entry_first[k + 1])
            _put(k, kept[rows], kept_cost[k], lanes, entries, state)
            is_noted[k] = False


@compiled()
def _close(
    lane: int, lanes: Any, entries: Any, by_lane: Any, units: Any, state: Any, inner: Any,
    outer: Any,
) -> float:  # fmt: skip
    """Close a lane if that saves; return the change of cost."""
    first, entry, sku = by_lane
    inner[0][:] = False
    change = 0.0
    for r in range(first[lane], first[lane + 1]):
        if state[0][entry[r]] > 0:
            _note(sku[r], entries[0], state, inner)
            _note(sku[r], entries[0], state, outer)
            change += _again(sku[r], lane, -1, lanes, entries, units, state)
    if change < -_TINY:
        return change
    _back(lanes, entries, state, inner)
    return 0.0


@compiled()
def close(
    lane: int, lanes: Any, entries: Any, by_lane: Any, units: Any, state: Any, inner: Any,
    outer: Any,
) -> float:  # fmt: skip
    """Close a lane if that saves; return the change of cost."""
    outer[0][:] = False
    return _close(lane, lanes, entries, by_lane, units, state, inner, outer)


@compiled()
def improve(lanes: Any, entries: Any, units: Any, state: Any, log: Any) -> float:
    """Send each SKU anew where that saves; return the change of cost."""
    log[0][:] = False
    total = 0.0
    for k in range(log[0].size):
        _note(k, entries[0], state, log)
        change = _again(k, -1, -1, lanes, entries, units, state)
        if change < -_TINY:
            total += change
        else:
            rows = slice(entries[0][k], entries[0][k + 1])
            _put(k, log[1][rows], log[2][k], lanes, entries, state)
    return total


@compiled()
def swap(
    lane: int, near: IntArray, most: int, lanes: Any, entries: Any, by_lane: Any, units: Any,
    state: Any, inner: Any, outer: Any,
) -> float:  # fmt: skip
    """Open a lane, and close those near it that no longer pay, if all saves; return the change.

    ``near`` are lanes that share an end with it, of which the ``most`` lightest are tried.
    """
    first, _, sku = by_lane
    load, riders = state[2], state[3]
    outer[0][:] = False
    change = 0.0
    for r in range(first[lane], first[lane + 1]):
        _note(sku[r], entries[0], state, outer)
        change += _again(sku[r], -1, lane, lanes, entries, units, state)
    if riders[lane] == 0:
        # Nobody wants it even for nothing.
        _back(lanes, entries, state, outer)
        return 0.0
    of = near[riders[near] > 0]
    for other in of[np.argsort(load[of])][:most]:
        if riders[other] > 0 and other != lane:
            change += _close(other, lanes, entries, by_lane, units, state, inner, outer)
    if change < -_TINY:
        return change
    _back(lanes, entries, state, outer)
    return 0.0
