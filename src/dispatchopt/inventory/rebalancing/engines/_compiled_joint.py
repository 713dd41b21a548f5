"""The best lanes into a store and their loads at prices of single units, compiled.

Of the lanes of a group, all into one store, some are opened; each unit that comes to the store
comes once, from the cheapest sources on lanes that are open. What open lanes save is submodular in
them (a matching of units with sources), which settles most lanes without a search (Nemhauser,
Wolsey, Fisher, Mathematical Programming 14, 1978).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.compiled import compiled

#: Worth below which a unit or a lane does not pay.
_TINY = 1e-12
#: Nodes of a search after which its bound has to do.
_MAX_NODES = 400


@compiled()
def _uses(
    pair: int, up: Any, passing: FloatArray, room: IntArray, begin: int, most: int, use: Any
) -> int:
    """List what units that come to a pair are worth, dearest first; return where they end."""
    first, _, up_value, up_unit = up
    use_value, use_unit = use
    at, last, left, end = first[pair], first[pair + 1], room[pair], begin
    while end < begin + most:
        has_use = at < last
        if left > 0 and not (has_use and up_value[at] > passing[pair]):
            use_value[end], use_unit[end] = passing[pair], -1
            left -= 1
        elif has_use:
            use_value[end], use_unit[end] = up_value[at], up_unit[at]
            at += 1
        else:
            break
        end += 1
    return end


@compiled()
def _sources(
    tail: int, most: int, cost: float, place: int, down: Any, passing: FloatArray,
    begin: int, end: int, worth: Any, source: Any,
) -> int:  # fmt: skip
    """Merge the units that a lane may bring into those of others, cheapest first; return the end.

    ``worth`` are what units are worth that come to the store, dearest first.
    """
    first, _, down_value, down_unit = down
    value, unit, lane = source
    at, last, slot = first[tail], first[tail + 1], begin
    for turn in range(min(most, worth.size)):
        price, its = passing[tail], -1
        if at < last and down_value[at] <= price:
            price, its = down_value[at], down_unit[at]
            at += 1
        price += cost
        if worth[turn] - price <= _TINY:
            break
        while slot < end and value[slot] <= price:
            slot += 1
        for a in range(end, slot, -1):
            value[a], unit[a], lane[a] = value[a - 1], unit[a - 1], lane[a - 1]
        value[slot], unit[slot], lane[slot] = price, its, place
        slot, end = slot + 1, end + 1
    return end


@compiled()
def _most(t: int, volume: float, capacity: float, room: IntArray) -> int:
    """Return how many units of a SKU may go on a lane."""
    return int(min(room[t], int(capacity // volume)) if volume > 0 else room[t])


@compiled()
def _prepare(
    first: int, last: int, entries: Any, group: IntArray, lanes: Any, price: FloatArray, stock: Any,
    up: Any, down: Any, prices: Any, ends: Any, lists: Any,
) -> int:  # fmt: skip
    """List the uses and sources of every SKU of a group; return how many SKUs can pay."""
    sku, place = entries
    tail, head, unit_cost, _, capacity = lanes
    stores, volume, room = stock
    passing, leaving = prices[2], prices[3]
    use_first, source_first, skus, use, source = lists
    count, e = 0, first
    use_first[0] = source_first[0] = 0
    while e < last:
        k, begin, most, after = sku[e], source_first[count], 0, e
        h = k * stores + head[group[0]]
        while after < last and sku[after] == k:
            lane = group[place[after]]
            t = k * stores + tail[lane]
            extra = unit_cost[lane] + price[lane] * volume[k]
            if ends[0][head[lane], k] - ends[1][tail[lane], k] - extra > _TINY:
                most += _most(t, volume[k], capacity[lane], room)
            after += 1
        end = begin
        if most > 0:
            end_use = _uses(h, up, passing, room, use_first[count], most, use)
            for a in range(e, after):
                lane = group[place[a]]
                t = k * stores + tail[lane]
                extra = unit_cost[lane] + price[lane] * volume[k] + leaving[t]
                end = _sources(
                    t, _most(t, volume[k], capacity[lane], room), extra, place[a], down, passing,
                    begin, end, use[0][use_first[count] : end_use], source,
                )  # fmt: skip
        if end > begin:
            # No more units come than there are sources.
            use_first[count + 1] = min(end_use, use_first[count] + end - begin)
            source_first[count + 1], skus[count] = end, k
            count += 1
        e = after
    return count


@compiled()
def _saved(opened: int, count: int, lists: Any, known: FloatArray) -> float:
    """Return what units save at best that come on the lanes that are open."""
    if known[opened] >= 0.0:
        return float(known[opened])
    use_first, source_first, _, (use_value, _), (value, _, lane) = lists
    total = 0.0
    for k in range(count):
        at, last = use_first[k], use_first[k + 1]
        for s in range(source_first[k], source_first[k + 1]):
            if (opened >> lane[s]) & 1:
                worth = use_value[at] - value[s]
                if worth <= 0.0:
                    break
                total += worth
                at += 1
                if at == last:
                    break
    known[opened] = total
    return total


@compiled()
def _narrow(
    opened: int, free: int, size: int, count: int, fixed: FloatArray, lists: Any, known: FloatArray,
) -> tuple[int, int, float, float, int]:  # fmt: skip
    """Settle lanes; return those open and free, their saving, a bound, and a lane to branch on."""
    while True:
        now = _saved(opened, count, lists, known)
        all_open = _saved(opened | free, count, lists, known)
        net, limit, best, at, is_settled = now, 0.0, 0.0, -1, True
        for q in range(size):
            bit = 1 << q
            if opened & bit:
                net -= fixed[q]
            elif free & bit:
                gain = _saved(opened | bit, count, lists, known) - now - fixed[q]
                if gain <= _TINY:
                    free &= ~bit
                    is_settled = False
                elif all_open - _saved((opened | free) & ~bit, count, lists, known) >= fixed[q]:
                    opened |= bit
                    free &= ~bit
                    is_settled = False
                    break
                else:
                    limit += gain
                    if gain > best:
                        best, at = gain, q
        if is_settled:
            return opened, free, net, net + limit, at


@compiled()
def _choose(
    size: int, count: int, fixed: FloatArray, lists: Any, known: FloatArray
) -> tuple[int, float]:
    """Return the lanes to open at best, and a bound on what that saves."""
    known[: 1 << size] = -1.0
    stack_open, stack_free = np.empty(size + 2, np.int64), np.empty(size + 2, np.int64)
    stack_open[0], stack_free[0] = 0, (1 << size) - 1
    depth, chosen, best, most, nodes = 1, 0, 0.0, 0.0, 0
    while depth > 0:
        depth -= 1
        opened, free, net, limit, at = _narrow(
            stack_open[depth], stack_free[depth], size, count, fixed, lists, known
        )  # fmt: skip
        if net > best:
            best, chosen = net, opened
        if limit <= best + _TINY or at < 0:
            continue
        nodes += 1
        if nodes > _MAX_NODES:
            most = max(most, limit)
            continue
        stack_open[depth], stack_free[depth] = opened, free & ~(1 << at)
        stack_open[depth + 1], stack_free[depth + 1] = opened | (1 << at), free & ~(1 << at)
        depth += 2
    return chosen, max(best, most)


@compiled()
def _add(
    opened: int, count: int, group: IntArray, lanes: Any, stock: Any, lists: Any, slope: Any,
) -> None:  # fmt: skip
    """Add what comes on open lanes to the slope of each price."""
    stores, volume, _ = stock
    tail, head, _, _, capacity = lanes
    use_first, source_first, skus, (use_value, use_unit), (value, unit, place) = lists
    by_use, by_source, passing, leaving, room = slope
    for k in range(count):
        at, last, h = use_first[k], use_first[k + 1], skus[k] * stores + head[group[0]]
        for s in range(source_first[k], source_first[k + 1]):
            if at == last:
                break
            if not (opened >> place[s]) & 1:
                continue
            if use_value[at] - value[s] <= 0.0:
                break
            lane = group[place[s]]
            t = skus[k] * stores + tail[lane]
            if use_unit[at] >= 0:
                by_use[use_unit[at]] += 1.0
            else:
                passing[h] -= 1.0
            if unit[s] >= 0:
                by_source[unit[s]] += 1.0
            else:
                passing[t] += 1.0
            leaving[t] += 1.0
            room[lane] += volume[skus[k]] / capacity[lane]
            at += 1


@compiled()
def evaluate(
    begin: int, end: int, groups: Any, entries: Any, lanes: Any, stock: Any, up: Any, down: Any,
    prices: Any, ends: Any, slope: Any, lists: Any, known: FloatArray,
) -> float:  # fmt: skip
    """Open the best lanes of some groups; return what that saves, negative, and add to the slope.

    The last of ``prices`` is of the whole room of each lane, which a lane that is open brings.
    """
    group_first, group_lane, entry_first = groups
    lane_cost, capacity = lanes[3], lanes[4]
    fixed, price = np.empty(64), prices[4] / capacity
    total = 0.0
    for g in range(begin, end):
        group = group_lane[group_first[g] : group_first[g + 1]]
        count = _prepare(
            entry_first[g], entry_first[g + 1], entries, group, lanes, price, stock, up, down,
            prices, ends, lists,
        )  # fmt: skip
        for q in range(group.size):
            fixed[q] = lane_cost[group[q]] - prices[4][group[q]]
        opened, saved = _choose(group.size, count, fixed, lists, known)
        total -= saved
        _add(opened, count, group, lanes, stock, lists, slope)
        for q in range(group.size):
            if (opened >> q) & 1:
                slope[4][group[q]] -= 1.0
    return total
