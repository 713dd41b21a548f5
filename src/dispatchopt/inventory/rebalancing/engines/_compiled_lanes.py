"""The best load of every lane at prices of single units, compiled.

Prices: of each single unit that may come to a store, of each that may leave one, of a unit that
passes through a store, and of what may leave it. A pair is a SKU in a store, SKU by SKU.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.compiled import compiled
from dispatchopt.inventory.rebalancing.engines._compiled_knapsack import fill

#: Worth below which a unit does not pay.
_TINY = 1e-12
#: Nodes of a knapsack after which its linear bound has to do.
_MAX_NODES = 3_000


@compiled()
def _sort(first: IntArray, value: FloatArray, unit: IntArray, sign: float) -> None:
    """Sort the units of each pair by value, falling (sign 1) or rising (-1)."""
    for pair in range(first.size - 1):
        begin = first[pair]
        for a in range(begin + 1, first[pair + 1]):
            x, u, at = value[a], unit[a], a
            while at > begin and sign * (value[at - 1] - x) < 0:
                value[at], unit[at] = value[at - 1], unit[at - 1]
                at -= 1
            value[at], unit[at] = x, u


@compiled()
def _units(
    count: int, tail: int, head: int, most: int, cost: float, volume: float,
    up_first: IntArray, up_value: FloatArray, up_unit: IntArray,
    down_first: IntArray, down_value: FloatArray, down_unit: IntArray,
    passing: FloatArray, room: IntArray, value: FloatArray, size: FloatArray, use: IntArray,
    source: IntArray, from_pair: IntArray, to_pair: IntArray,
) -> int:  # fmt: skip
    """Append the units of a SKU that pay on a lane, dearest first; return how many items there are.

    Each comes from a unit that leaves or from one that passes, and goes to a use or passes on.
    """
    at, last_use = up_first[head], up_first[head + 1]
    down, last_down = down_first[tail], down_first[tail + 1]
    left = room[head]
    for _ in range(most):
        has_use = at < last_use
        if left > 0 and not (has_use and up_value[at] > passing[head]):
            worth, its_use = passing[head], -1
            left -= 1
        elif has_use:
            worth, its_use = up_value[at], up_unit[at]
            at += 1
        else:
            break
        if down < last_down and down_value[down] <= passing[tail]:
            price, its_source = down_value[down], down_unit[down]
            down += 1
        else:
            price, its_source = passing[tail], -1
        if worth - price - cost <= _TINY:
            break
        value[count], size[count] = worth - price - cost, volume
        use[count], source[count] = its_use, its_source
        from_pair[count], to_pair[count] = tail, head
        count += 1
    return count


@compiled()
def _add(count: int, taken: IntArray, items: Any, slope: Any) -> None:
    """Add what is taken to the slope of each price."""
    _, _, use, source, from_pair, to_pair = items
    by_use, by_source, by_passing, by_leaving = slope
    for a in range(count):
        if not taken[a]:
            continue
        if use[a] >= 0:
            by_use[use[a]] += 1.0
        else:
            by_passing[to_pair[a]] -= 1.0
        if source[a] >= 0:
            by_source[source[a]] += 1.0
        else:
            by_passing[from_pair[a]] += 1.0
        by_leaving[from_pair[a]] += 1.0


@compiled()
def _limits(prices: Any, room: IntArray, up: Any, down: Any, slope: Any) -> float:
    """Price single units and sort them; return what limits cost at these prices, negative."""
    by_use, by_source, passing, leaving = prices
    (up_first, up_cost, up_value, up_unit), (down_first, down_cost, down_value, down_unit) = (
        up,
        down,
    )
    total = 0.0
    for u in range(by_use.size):
        total -= by_use[u]
        slope[0][u], up_value[u], up_unit[u] = -1.0, up_cost[u] - by_use[u], u
    for u in range(by_source.size):
        total -= by_source[u]
        slope[1][u], down_value[u], down_unit[u] = -1.0, down_cost[u] + by_source[u], u
    for pair in range(passing.size):
        total -= leaving[pair] * room[pair]
        slope[2][pair], slope[3][pair] = 0.0, -room[pair]
    _sort(up_first, up_value, up_unit, 1.0)
    _sort(down_first, down_value, down_unit, -1.0)
    return total


@compiled()
def _value(
    count: int, capacity: float, value: FloatArray, size: FloatArray, taken: IntArray,
    order: IntArray, now: IntArray,
) -> float:  # fmt: skip
    """Return a bound on the value of the best load, and take one."""
    full, load = 0.0, 0.0
    for a in range(count):
        full += value[a]
        load += size[a]
        taken[a] = 1
    if load > capacity:
        full = fill(count, value, size, capacity, _MAX_NODES, taken, order, now)[0]
    return full


@compiled()
def _last_room(count: int, capacity: float, value: FloatArray, size: FloatArray) -> float:
    """Return the value per ml of the item that is taken by a part at best, 0 if all fit."""
    ratio = value[:count] / np.maximum(size[:count], _TINY)
    load = 0.0
    for a in np.argsort(-ratio):
        load += size[a]
        if load > capacity:
            return float(ratio[a])
    return 0.0


@compiled()
def set_prices(stock: Any, up: Any, down: Any, prices: Any, slope: Any, ends: Any) -> float:
    """Price single units; return what their limits cost at some prices, negative.

    ``ends`` receives the dearest use of a unit in each store and SKU, and the cheapest source of
    one, (S, K) each.
    """
    stores, volume, room = stock
    most, least = ends
    total = _limits(prices, room, up, down, slope)
    up_first, up_value, down_first, down_value = up[0], up[2], down[0], down[2]
    for sku in range(volume.size):
        for store in range(stores):
            pair = sku * stores + store
            worth = prices[2][pair] if room[pair] > 0 else -np.inf
            if up_first[pair] < up_first[pair + 1]:
                worth = max(worth, up_value[up_first[pair]])
            price = prices[2][pair]
            if down_first[pair] < down_first[pair + 1]:
                price = min(price, down_value[down_first[pair]])
            most[store, sku], least[store, sku] = worth, price + prices[3][pair]
    return float(total)


@compiled()
def evaluate(
    first: int, last: int, lanes: Any, entries: Any, stock: Any, up: Any, down: Any, prices: Any,
    ends: Any, slope: Any, items: Any, work: Any, about: Any,
) -> None:  # fmt: skip
    """Load some lanes at their best, and add to the slope.

    ``about`` receives what the load of each lane saves, (L,), and what the last of its room does
    per ml, (L,) or empty.
    """
    tail, head, unit_cost, lane_cost, capacity = lanes
    entry_first, entry_sku = entries
    stores, volume, room = stock
    up_first, _, up_value, up_unit = up
    down_first, _, down_value, down_unit = down
    passing, leaving = prices[2], prices[3]
    taken, order, now = work
    value, size, use, source, from_pair, to_pair = items
    for lane in range(first, last):
        count = 0
        most_worth, least_price = ends[0][head[lane]], ends[1][tail[lane]]
        for e in range(entry_first[lane], entry_first[lane + 1]):
            sku = entry_sku[e]
            # Most SKUs do not pay on a lane: a call for each would take most of the time.
            if most_worth[sku] - least_price[sku] - unit_cost[lane] <= _TINY:
                continue
            t, h = sku * stores + tail[lane], sku * stores + head[lane]
            most = room[t]
            if volume[sku] > 0:
                most = min(most, int(capacity[lane] // volume[sku]))
            count = _units(
                count, t, h, most, unit_cost[lane] + leaving[t], volume[sku],
                up_first, up_value, up_unit, down_first, down_value, down_unit, passing, room,
                value, size, use, source, from_pair, to_pair,
            )  # fmt: skip
        full = _value(count, capacity[lane], value, size, taken, order, now)
        about[0][lane] = full
        if about[1].size:
            about[1][lane] = _last_room(count, capacity[lane], value, size)
        if full > lane_cost[lane]:
            _add(count, taken, items, slope)
