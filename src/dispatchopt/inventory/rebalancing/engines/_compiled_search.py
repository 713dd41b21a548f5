"""Loads of lanes near each other taken off and put on anew, compiled.

A pair is a SKU in a store, and its marginal values say what one unit more saves there, by how many
have come: those of units that leave lie before those of units that come. At prices, weighted by
``share``, a unit counts as what it is worth beside the other lanes; with a share of 0 it counts as
what it saves now. Beyond the units that can pay, one that comes is worth nothing, and one that
leaves is beyond price, as it may pass through a store only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.compiled import compiled
from dispatchopt.inventory.rebalancing.engines._compiled_knapsack import fill

_TINY = 1e-9
_MAX_NODES = 300


@compiled()
def gain(
    pair: int, added: int, share: float, first: IntArray, base: IntArray, worth: FloatArray,
    price: FloatArray, never: float,
) -> float:  # fmt: skip
    """Return what one unit more saves in a pair to which some were added."""
    at = base[pair] + added
    if at < first[pair]:
        return never
    if at >= first[pair + 1]:
        return -never
    return float(worth[at] - share * price[at])


@compiled()
def put(e: int, units: int, entries: Any, marginal: Any, state: Any) -> float:
    """Put units on a lane (below 0: take them off); return the change of cost."""
    tail, head, _, cost = entries
    first, base, worth, price, never = marginal
    moved, added, sent = state
    t, h = tail[e], head[e]
    change = cost[e] * units
    for _ in range(units):
        change -= gain(h, added[h], 0.0, first, base, worth, price, never)
        change += gain(t, added[t] - 1, 0.0, first, base, worth, price, never)
        added[h] += 1
        added[t] -= 1
    for _ in range(-units):
        change += gain(h, added[h] - 1, 0.0, first, base, worth, price, never)
        change -= gain(t, added[t], 0.0, first, base, worth, price, never)
        added[h] -= 1
        added[t] += 1
    sent[t] += units
    moved[e] += units
    return float(change)


@compiled()
def _items(
    begin: int, end: int, share: float, noise: float, entries: Any, room: IntArray,
    passing: FloatArray, marginal: Any, state: Any, items: Any,
) -> int:  # fmt: skip
    """List the units that pay on an empty lane; return how many."""
    tail, head, size_of, cost = entries
    first, base, worth, price, never = marginal
    _, added, sent = state
    value, size, entry = items
    count = 0
    for e in range(begin, end):
        t, h = tail[e], head[e]
        most = room[t] - sent[t]
        if most <= 0:
            continue
        shaken = 0.0
        for turn in range(most):
            saved = gain(h, added[h] + turn, share, first, base, worth, price, never)
            if share > 0 and turn < room[h]:
                saved = max(saved, share * passing[h])
            saved -= cost[e] + gain(t, added[t] - turn - 1, share, first, base, worth, price, never)
            if saved <= _TINY:
                break
            if turn == 0:
                shaken = 1.0 + noise * (np.random.random() - 0.5)  # noqa: NPY002  # compiled
            value[count], size[count], entry[count] = saved * shaken, size_of[e], e
            count += 1
    return count


@compiled()
def _load(
    lane: int, begin: int, end: int, share: float, noise: float, lanes: Any, entries: Any,
    room: IntArray, passing: FloatArray, marginal: Any, state: Any, items: Any, work: Any,
) -> float:  # fmt: skip
    """Put the best load on an empty lane, if it is worth its cost; return the change of cost."""
    value, size, entry = items
    taken, order, now = work
    lane_cost, capacity = lanes[3][lane], lanes[4][lane]
    count = _items(
        begin, end, share, noise, entries, room, passing, marginal, state, items
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
    change = lane_cost
    for a in range(count):
        if taken[a]:
            change += put(entry[a], 1, entries, marginal, state)
    return float(change)


@compiled()
def _rider(
    pair: int, but: int, by_pair: Any, lane_of: IntArray, is_in: BoolArray, moved: IntArray
) -> int:
    """Return another lane that carries the SKU at this end, from a random place on; -1: none."""
    first, entry = by_pair
    begin, size = first[pair], first[pair + 1] - first[pair]
    at = np.random.randint(size)  # noqa: NPY002  # compiled
    for _ in range(size):
        e = entry[begin + at]
        if moved[e] > 0 and lane_of[e] != but and is_in[lane_of[e]]:
            return int(lane_of[e])
        at = at + 1 if at + 1 < size else 0
    return -1


@compiled()
def _choose(
    most: int, by_sku: float, lanes: Any, pool: IntArray, is_in: BoolArray, near: Any, of: Any,
    entries: Any, moved: IntArray, chosen: IntArray,
) -> int:  # fmt: skip
    """Choose a lane and up to ``most`` others that touch the group; return how many."""
    tail, head = lanes[0], lanes[1]
    first, lane_of, into, out = of
    store_first, store_lane = near
    chosen[0] = pool[np.random.randint(pool.size)]  # noqa: NPY002  # compiled
    count = 1
    for _ in range(1 + np.random.randint(most)):  # noqa: NPY002
        at_head = np.random.random() < 0.5  # noqa: NPY002
        if np.random.random() < by_sku:  # noqa: NPY002
            lane = chosen[np.random.randint(count)]  # noqa: NPY002
            width = first[lane + 1] - first[lane]
            if width == 0:
                continue
            e = first[lane] + np.random.randint(width)  # noqa: NPY002
            pair, by_pair = (entries[1][e], into) if at_head else (entries[0][e], out)
            other = _rider(pair, lane, by_pair, lane_of, is_in, moved)
            if other < 0:
                continue
        else:
            store = head[chosen[0]] if at_head else tail[chosen[0]]
            size = store_first[store + 1] - store_first[store]
            other = store_lane[store_first[store] + np.random.randint(size)]  # noqa: NPY002
            if not is_in[other]:
                continue
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


@compiled()
def _restore(begin: int, end: int, kept: IntArray, entries: Any, state: Any) -> None:
    """Give a lane the load that it had."""
    moved, added, sent = state
    for e in range(begin, end):
        units = kept[e] - moved[e]
        if units != 0:
            added[entries[1][e]] += units
            added[entries[0][e]] -= units
            sent[entries[0][e]] += units
            moved[e] = kept[e]


@compiled()
def rounds(
    seed: int, count: int, warmth: float, mix: Any, pool: IntArray, is_in: BoolArray, lanes: Any,
    near: Any, of: Any, entries: Any, room: IntArray, passing: FloatArray, marginal: Any,
    state: Any, items: Any, work: Any, kept: IntArray,
) -> float:  # fmt: skip
    """Load groups of lanes anew some times (simulated annealing); return the change of cost.

    Parameters
    ----------
    seed, count, warmth
        Of the random stream, groups, and temperature.
    mix
        Lanes beside the first of a group at most, the share of them that join it by a SKU (others
        by a store), how far values are shaken and in which share of the rounds, and the share of
        the rounds that look at prices.
    pool, is_in
        The lanes that may be loaded anew, as a list that is not empty and as flags (L,).
    lanes
        Their ends, cost of a unit, own cost, and capacity, (L,) each.
    near
        Lanes at each store: first place of each store, and the lanes.
    of
        First entry of each lane, the lane of each entry, and the entries into and out of each
        pair (first place of each pair, and the entries).
    entries
        Pair that a unit leaves, pair that it comes to, its volume and its cost, (E,) each.
    room, passing
        What may leave each pair, and the price of a unit that passes through it.
    marginal
        First value of each pair, place of the unit that comes first, values, prices on them, and
        what stands for beyond any value.
    state
        Units of each entry, units added to each pair, and units sent from it; changed in place.
    items, work, kept
        Room to work in.
    """
    np.random.seed(seed)  # noqa: NPY002  # the compiled stream, set for these rounds alone
    moved = state[0]
    first = of[0]
    most, by_sku, shake, shaken, priced = mix
    chosen = np.empty(most + 1, np.int64)
    total = 0.0
    for _ in range(count):
        group = _choose(most, by_sku, lanes, pool, is_in, near, of, entries, moved, chosen)
        noise = shake if np.random.random() < shaken else 0.0  # noqa: NPY002
        share = np.random.random() if np.random.random() < priced else 0.0  # noqa: NPY002
        limit = -warmth * np.log(1e-300 + np.random.random())  # noqa: NPY002
        change = 0.0
        for a in range(group):
            is_used = False
            for e in range(first[chosen[a]], first[chosen[a] + 1]):
                kept[e] = moved[e]
                if moved[e] > 0:
                    is_used = True
                    change += put(e, -moved[e], entries, marginal, state)
            change -= lanes[3][chosen[a]] if is_used else 0.0
        for a in range(group):
            lane = chosen[a]
            change += _load(
                lane, first[lane], first[lane + 1], share, noise, lanes, entries, room, passing,
                marginal, state, items, work,
            )  # fmt: skip
        if change <= limit:
            total += change
            continue
        for a in range(group):
            _restore(first[chosen[a]], first[chosen[a] + 1], kept, entries, state)
    return total
