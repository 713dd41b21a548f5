"""Loads of lanes near each other taken off and put on anew, compiled.

Costs are those of single units: ``up`` saves what it states when it comes, ``down`` costs that when
it leaves. At prices, weighted by ``share``, a unit counts as what it is worth beside the other
lanes; with a share of 0 it counts as what it saves now. Both end with a price that no unit is
worth, for units beyond those that can pay: they may pass through a store only.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.rebalancing.engines._compiled_knapsack import fill

_TINY = 1e-9
_MAX_NODES = 300
#: How far values are shaken, in half of the rounds.
_NOISE = 0.3
#: Share of the rounds that look at prices.
_PRICED = 0.7


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _gain(
    pair: int, added: int, share: float, never: float,
    up_first: IntArray, up_cost: FloatArray, up_price: FloatArray,
    down_first: IntArray, down_cost: FloatArray, down_price: FloatArray,
) -> float:  # fmt: skip
    """Return what one unit more saves in a pair to which some were added."""
    if added < 0:
        at = down_first[pair] - added - 1
        return float(down_cost[at] + share * down_price[at]) if at < down_first[pair + 1] else never
    at = up_first[pair] + added
    return float(up_cost[at] - share * up_price[at]) if at < up_first[pair + 1] else -never


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _loss(
    pair: int, added: int, share: float, never: float,
    up_first: IntArray, up_cost: FloatArray, up_price: FloatArray,
    down_first: IntArray, down_cost: FloatArray, down_price: FloatArray,
) -> float:  # fmt: skip
    """Return what one unit less costs in a pair to which some were added."""
    if added > 0:
        at = up_first[pair] + added - 1
        return float(up_cost[at] - share * up_price[at]) if at < up_first[pair + 1] else -never
    at = down_first[pair] - added
    return float(down_cost[at] + share * down_price[at]) if at < down_first[pair + 1] else never


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _move(
    units: int, tail: int, head: int, added: IntArray, never: float,
    up_first: IntArray, up_cost: FloatArray, up_price: FloatArray,
    down_first: IntArray, down_cost: FloatArray, down_price: FloatArray,
) -> float:  # fmt: skip
    """Send units more (below 0: fewer) from pair to pair; return the change of stock's cost."""
    change = 0.0
    step = 1 if units > 0 else -1
    gets, gives = (head, tail) if units > 0 else (tail, head)
    for _ in range(abs(units)):
        change -= _gain(
            gets, added[gets], 0.0, never, up_first, up_cost, up_price, down_first, down_cost,
            down_price,
        )  # fmt: skip
        change += _loss(
            gives, added[gives], 0.0, never, up_first, up_cost, up_price, down_first, down_cost,
            down_price,
        )  # fmt: skip
        added[head] += step
        added[tail] -= step
    return change


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _set(
    lane: int, wanted: IntArray, lanes: Any, entries: Any, stores: int, state: Any, up: Any,
    down: Any,
) -> float:  # fmt: skip
    """Give a lane some load; return the change of cost."""
    tail, head, unit_cost, lane_cost, _ = lanes
    first, sku = entries
    moved, added, sent = state
    up_first, up_cost, up_price, never = up
    down_first, down_cost, down_price, _ = down
    change, was_used, is_used = 0.0, False, False
    for e in range(first[lane], first[lane + 1]):
        was_used, is_used = was_used or moved[e] > 0, is_used or wanted[e] > 0
        if wanted[e] != moved[e]:
            t, h = sku[e] * stores + tail[lane], sku[e] * stores + head[lane]
            units = wanted[e] - moved[e]
            change += unit_cost[lane] * units + _move(
                units, t, h, added, never, up_first, up_cost, up_price, down_first, down_cost,
                down_price,
            )  # fmt: skip
            sent[t] += units
            moved[e] += units
    change += lane_cost[lane] * (1.0 * is_used - 1.0 * was_used)
    return float(change)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _items(
    lane: int, share: float, noise: float, lanes: Any, entries: Any, stock: Any,
    passing: FloatArray, state: Any, up: Any, down: Any, items: Any,
) -> int:  # fmt: skip
    """List the units that pay on an empty lane; return how many."""
    tail, head, unit_cost, _, _ = lanes
    first, sku = entries
    stores, volume, room = stock
    _, added, sent = state
    value, size, entry = items
    up_first, up_cost, up_price, never = up
    down_first, down_cost, down_price, _ = down
    count = 0
    for e in range(first[lane], first[lane + 1]):
        t, h = sku[e] * stores + tail[lane], sku[e] * stores + head[lane]
        shaken = 1.0 + noise * (np.random.random() - 0.5)  # noqa: NPY002  # compiled
        for turn in range(room[t] - sent[t]):
            gain = _gain(
                h, added[h] + turn, share, never, up_first, up_cost, up_price, down_first,
                down_cost, down_price,
            )  # fmt: skip
            if share > 0 and turn < room[h]:
                gain = max(gain, share * passing[h])
            worth = gain - unit_cost[lane] - _loss(
                t, added[t] - turn, share, never, up_first, up_cost, up_price, down_first,
                down_cost, down_price,
            )  # fmt: skip
            if worth <= _TINY:
                break
            value[count], size[count], entry[count] = worth * shaken, volume[sku[e]], e
            count += 1
    return count


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _load(
    lane: int, share: float, noise: float, lanes: Any, entries: Any, stock: Any,
    passing: FloatArray, state: Any, up: Any, down: Any, items: Any, work: Any, wanted: IntArray,
) -> float:  # fmt: skip
    """Put the best load on an empty lane, if it is worth its cost; return the change of cost."""
    value, size, entry = items
    taken, order, now = work
    lane_cost, capacity = lanes[3][lane], lanes[4][lane]
    count = _items(
        lane, share, noise, lanes, entries, stock, passing, state, up, down, items
    )  # fmt: skip
    full, load = 0.0, 0.0
    for a in range(count):
        full += value[a]
        load += size[a]
        taken[a] = 1
    if load > capacity:
        _, full = fill(count, value, size, capacity, _MAX_NODES, taken, order, now)
    if full <= lane_cost:
        return 0.0
    for a in range(count):
        if taken[a]:
            wanted[entry[a]] += 1
    change: float = _set(lane, wanted, lanes, entries, stock[0], state, up, down)
    return change


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _choose(most: int, lanes: Any, near: Any, chosen: IntArray) -> int:
    """Choose a lane and up to ``most`` others at one of its ends; return how many."""
    tail, head = lanes[0], lanes[1]
    first, lane_of = near
    chosen[0] = np.random.randint(tail.size)  # noqa: NPY002  # compiled
    count = 1
    for _ in range(1 + np.random.randint(most)):  # noqa: NPY002
        store = tail[chosen[0]] if np.random.random() < 0.5 else head[chosen[0]]  # noqa: NPY002
        size = first[store + 1] - first[store]
        other = lane_of[first[store] + np.random.randint(size)]  # noqa: NPY002
        is_known = False
        for a in range(count):
            is_known = is_known or chosen[a] == other
        if not is_known:
            chosen[count] = other
            count += 1
    for a in range(count - 1, 0, -1):
        b = np.random.randint(a + 1)  # noqa: NPY002
        chosen[a], chosen[b] = chosen[b], chosen[a]
    return count


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def rounds(
    seed: int, count: int, warmth: float, most: int, lanes: Any, entries: Any, stock: Any,
    near: Any, passing: FloatArray, state: Any, up: Any, down: Any, items: Any, work: Any,
) -> float:  # fmt: skip
    """Load groups of lanes anew some times (simulated annealing); return the change of cost."""
    np.random.seed(seed)  # noqa: NPY002  # the compiled stream, set for these rounds alone
    moved = state[0]
    first = entries[0]
    kept, wanted = np.zeros(moved.size, np.int64), np.zeros(moved.size, np.int64)
    chosen = np.empty(most + 1, np.int64)
    total = 0.0
    for _ in range(count):
        group = _choose(most, lanes, near, chosen)
        noise = _NOISE if np.random.random() < 0.5 else 0.0  # noqa: NPY002
        share = np.random.random() if np.random.random() < _PRICED else 0.0  # noqa: NPY002
        change = 0.0
        for a in range(group):
            for e in range(first[chosen[a]], first[chosen[a] + 1]):
                kept[e], wanted[e] = moved[e], 0
            change += _set(chosen[a], wanted, lanes, entries, stock[0], state, up, down)
        for a in range(group):
            change += _load(
                chosen[a], share, noise, lanes, entries, stock, passing, state, up, down, items,
                work, wanted,
            )  # fmt: skip
        if change <= -warmth * np.log(1e-300 + np.random.random()):  # noqa: NPY002
            total += change
            continue
        # Sources that were left may be another's now: all lanes are emptied first.
        for a in range(group):
            for e in range(first[chosen[a]], first[chosen[a] + 1]):
                wanted[e] = 0
            _set(chosen[a], wanted, lanes, entries, stock[0], state, up, down)
        for a in range(group):
            _set(chosen[a], kept, lanes, entries, stock[0], state, up, down)
    return total
