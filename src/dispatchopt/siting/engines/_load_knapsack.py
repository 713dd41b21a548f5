"""Compiled knapsacks in whole numbers: which customers fill a site, which sites give enough room.

The sorted relaxation (Dantzig 1957) settles all but a core of the items, which dynamic programming
solves (Balas and Zemel 1980; Pisinger 1997). See ``_load_dual``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled

#: Entries of a table of dynamic programming above which the relaxation has to do.
MOST_CELLS = 2_000_000
#: More units than any item has.
LARGEST = 2**62


@compiled()
def sort_falling(key: Any, item: Any, size: Any) -> None:
    """Sort items and their keys by falling key, in place (Shell 1959, gaps of Tokuda 1992).

    numba's own sort takes longer to compile than the knapsacks that need it.
    """
    gap = 1
    while gap < size:
        gap = gap * 9 // 4 + 1
    while gap > 1:
        gap = gap * 4 // 9
        for at in range(gap, size):
            own, who, to = key[at], item[at], at
            while to >= gap and key[to - gap] < own:
                key[to], item[to] = key[to - gap], item[to - gap]
                to -= gap
            key[to], item[to] = own, who


@compiled()
def by_worth(profit: Any, units: Any, largest: Any, room: Any, order: Any) -> Any:
    """Write the items that pay, and are no larger than that, by falling profit per unit.

    Returns how many they are, and their units in all; they are sorted only if these are more than
    the room.
    """
    # A bare 0 would be another type, for which what it is handed to is compiled once more.
    size, total = np.int64(0), np.int64(0)
    ratio = np.empty(len(profit))
    for i in range(len(profit)):
        if profit[i] > 0 and units[i] <= largest:
            ratio[size], order[size] = profit[i] / units[i], i
            size, total = size + 1, total + units[i]
    if total > room:
        sort_falling(ratio, order, size)
    return size, total


@compiled()
def fill_part(profit: Any, units: Any, room: Any, share: Any) -> Any:
    """Fill a site with the units that earn most, and return what they earn."""
    order = np.empty(len(profit), dtype=np.int64)
    # With split demand a customer may be larger than the site.
    size, _ = by_worth(profit, units, np.int64(LARGEST), room, order)
    for i in range(len(profit)):
        share[i] = 0.0
    earned, left = 0.0, 1.0 * room
    for at in range(size):
        i = order[at]
        share[i] = min(1.0, left / units[i])
        earned += profit[i] * share[i]
        left -= units[i] * share[i]
        if left <= 0:
            break
    return earned


@compiled()
def fill_whole(profit: Any, units: Any, room: Any, share: Any) -> Any:  # noqa: C901 - compiled as a whole
    """Fill a site with whole customers that earn most, and return what they earn."""
    order = np.empty(len(profit), dtype=np.int64)
    size, total = by_worth(profit, units, room, room, order)
    for i in range(len(profit)):
        share[i] = 0.0
    earned = 0.0
    if total <= room:
        for at in range(size):
            share[order[at]] = 1.0
            earned += profit[order[at]]
        return earned
    # What fits in order, up to the first that does not; then whatever still fits.
    head, left = 0, room
    while units[order[head]] <= left:
        i = order[head]
        left, earned, head = left - units[i], earned + profit[i], head + 1
    cut = profit[order[head]] / units[order[head]]
    most, found, spare = earned + left * cut, earned, left
    for at in range(head, size):
        i = order[at]
        if units[i] <= spare:
            spare, found = spare - units[i], found + profit[i]
    # An item outside the core costs more to move than the relaxation is away from what was found.
    core, fixed, width, total = np.empty(size, dtype=np.int64), 0.0, room, 0
    count = 0
    for at in range(size):
        i = order[at]
        if abs(profit[i] - cut * units[i]) <= most - found + 1e-9:
            core[count] = i
            count, total = count + 1, total + units[i]
        elif at < head:
            share[i] = 1.0
            fixed, width = fixed + profit[i], width - units[i]
    width = min(width, total)
    if count * width > MOST_CELLS:
        return fill_part(profit, units, room, share)
    return fixed + fill_core(core[:count], profit, units, width, share)


@compiled()
def fill_core(core: Any, profit: Any, units: Any, room: Any, share: Any) -> Any:
    """Solve a knapsack by dynamic programming; items taken get share 1."""
    best = np.zeros(room + 1)
    taken = np.zeros((len(core), room + 1), dtype=np.bool_)
    for at in range(len(core)):
        i = core[at]
        for space in range(room, units[i] - 1, -1):
            value = best[space - units[i]] + profit[i]
            if value > best[space]:
                best[space] = value
                taken[at, space] = True
    space = room
    for at in range(len(core) - 1, -1, -1):
        if taken[at, space]:
            share[core[at]] = 1.0
            space -= units[core[at]]
    return best[room]


@compiled()
def fill_between(profit: Any, units: Any, span: Any, share: Any) -> Any:  # noqa: C901 - compiled as a whole
    """Fill a site with whole customers, to a load between two limits, as well as that can be.

    Returns what they earn, -inf if no set of them has such a load.
    """
    low, room = span
    earned = fill_whole(profit, units, room, share)
    load, size = 0.0, 0
    picked = np.empty(len(profit), dtype=np.int64)
    for i in range(len(profit)):
        load += share[i] * units[i]
        if profit[i] > -np.inf and units[i] <= room:
            picked[size] = i
            size += 1
    if low <= 0 or load >= low - 1e-6 or size * room > MOST_CELLS:
        return earned
    best = np.empty(room + 1)
    for space in range(room + 1):
        best[space] = -np.inf if space else 0.0
    taken = np.zeros((size, room + 1), dtype=np.bool_)
    for at in range(size):
        i = picked[at]
        for space in range(room, units[i] - 1, -1):
            value = best[space - units[i]] + profit[i]
            if value > best[space]:
                best[space] = value
                taken[at, space] = True
    for i in range(len(profit)):
        share[i] = 0.0
    space = low
    for at_load in range(low, room + 1):
        if best[at_load] > best[space]:
            space = at_load
    most = best[space]
    if most == -np.inf:
        return most
    for at in range(size - 1, -1, -1):
        if taken[at, space]:
            share[picked[at]] = 1.0
            space -= units[picked[at]]
    return most


@compiled()
def enough(value: Any, room: Any, unit: Any, least: Any, is_open: Any) -> Any:
    """Open sites of positive value with enough room at least cost; inf if there are none.

    ``room`` is in single units, ``least`` in multiples of ``unit``; ``is_open`` gets what is
    opened. Dynamic programming over the room still wanted.
    """
    best = np.empty(least + 1)
    for wanted in range(least + 1):
        best[wanted] = np.inf if wanted else 0.0
    taken = np.zeros((len(value), least + 1), dtype=np.bool_)
    for at in range(len(value)):
        for wanted in range(least, 0, -1):
            cost = best[max(0, wanted - room[at] // unit)] + value[at]
            if cost < best[wanted]:
                best[wanted] = cost
                taken[at, wanted] = True
    wanted = least
    for at in range(len(value) - 1, -1, -1):
        is_open[at] = taken[at, wanted]
        if is_open[at]:
            wanted = max(0, wanted - room[at] // unit)
    return best[least]


@compiled()
def rises(worth: Any, cost: Any, units: Any, limits: Any, earned: Any) -> Any:  # noqa: C901 - compiled as a whole
    """Return what it costs each site at least to serve each customer, shape (m, n).

    ``limits`` holds the least and the most load of each site, ``earned`` its best filling, -inf for
    none. The rise is that less the best filling with the customer; the rest of the site may take
    the customer once more, which only makes the rise smaller.
    """
    m, n = cost.shape
    found, picked = np.zeros((m, n)), np.empty(n, dtype=np.int64)
    total = 0
    for i in range(n):
        total += units[i]
    for j in range(m):
        low, room = limits[0][j], limits[1][j]
        least, size = 0.0 if low <= 0 else -np.inf, 0
        for i in range(n):
            if worth[i] - cost[j, i] > least and units[i] <= room:
                picked[size] = i
                size += 1
        width = room if low > 0 else min(room, total)
        if earned[j] == -np.inf or size * width > MOST_CELLS:
            continue
        best = np.empty(width + 1)
        for space in range(width + 1):
            best[space] = least if space else 0.0
        for at in range(size):
            i = picked[at]
            profit = worth[i] - cost[j, i]
            for space in range(width, units[i] - 1, -1):
                best[space] = max(best[space], best[space - units[i]] + profit)
        for i in range(n):
            found[j, i] = np.inf
            profit = worth[i] - cost[j, i]
            if units[i] <= room and profit > -np.inf:
                rest = -np.inf
                for space in range(max(0, low - units[i]), width - units[i] + 1):
                    rest = max(rest, best[space])
                found[j, i] = max(0.0, earned[j] - rest - profit)
    return found
