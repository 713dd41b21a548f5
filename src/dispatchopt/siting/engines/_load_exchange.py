"""Compiled search for who is served from which open site: annealing, and exact exchanges.

See ``_load_local``. Compiled code is kept on disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled
from dispatchopt.siting.engines._cover_kernels import draw

# A ``work`` is (cost, units, room, site, load, random bits), of which the last three change.


@compiled()
def accepts(change: Any, heat: Any, bits: Any) -> Any:
    """Whether a change of cost is taken at a temperature (Metropolis et al. 1953)."""
    if change <= 0:
        return True
    return draw(bits, 1_000_000) < 1e6 * np.exp(-change / heat)


@compiled()
def above(load: Any, room: Any) -> Any:
    """Return the load above the room."""
    return max(0, load - room)


@compiled()
def shift_or_swap(one: Any, to: Any, other: Any, work: Any) -> Any:
    """Return change of cost and overload if a customer moves, and ``other`` takes its place.

    ``other`` is -1 for a shift.
    """
    cost, units, room, site, load, _ = work
    here = site[one]
    more = units[one]
    change = cost[to, one] - cost[here, one]
    if other >= 0:
        more -= units[other]
        change += cost[here, other] - cost[to, other]
    over = above(load[here] - more, room[here]) - above(load[here], room[here])
    over += above(load[to] + more, room[to]) - above(load[to], room[to])
    return change, over


@compiled()
def next_at(place: Any, first: Any, site: Any) -> Any:
    """Return the first customer from ``first`` on that a site serves, or -1."""
    for at in range(first, len(site)):
        if site[at] == place:
            return at
    for at in range(first):
        if site[at] == place:
            return at
    return -1


@compiled()
def anneal(near: Any, rounds: Any, hot: Any, dear: Any, work: Any) -> Any:  # noqa: C901 - compiled as a whole
    """Meet assignments by shifts and swaps under a falling temperature.

    ``near`` holds the cheapest open sites of each customer, (n, k); ``work`` is (cost, units, room,
    site, load, random bits), of which the last three change. Room may be exceeded on the way, at a
    price per unit that starts at ``dear`` and follows whether it is. Who is not served stays so.
    Returns the best assignment within the room, and whether there was one.
    """
    _, units, room, site, load, bits = work
    n, k = near.shape
    over = 0
    for j in range(len(room)):
        over += above(load[j], room[j])
    value, least, is_found = 0.0, 0.0, over == 0
    kept = np.empty(n, dtype=np.int64)
    for at in range(n):
        kept[at] = site[at]
    heat, cooling, price = hot, 1e-3 ** (1.0 / max(1, rounds)), dear
    for made in range(rounds):
        heat *= cooling
        if made % 500 == 499:
            price = price * 1.1 if over > 0 else max(0.2 * dear, price * 0.95)
        one, other = draw(bits, n), -1
        if site[one] < 0:
            continue
        to = near[one, draw(bits, k)]
        if to == site[one]:
            continue
        if made % 3:
            other = next_at(to, draw(bits, n), site)
        change, more = shift_or_swap(one, to, other, work)
        if not np.isfinite(change) or not accepts(change + price * more, heat, bits):
            continue
        here, moved = site[one], units[one]
        site[one] = to
        if other >= 0:
            site[other], moved = here, moved - units[other]
        load[here] -= moved
        load[to] += moved
        value, over = value + change, over + more
        if over == 0 and (not is_found or value < least - 1e-9):
            least, is_found = value, True
            # In a loop: what numba makes of slices takes longer to compile than all of this.
            for at in range(n):
                kept[at] = site[at]
    return kept, is_found


@compiled()
def shared(one: Any, other: Any, work: Any) -> Any:  # noqa: C901, PLR0912 - compiled as a whole
    """Share the customers of two sites between them at least cost; return what that saves.

    Dynamic programming over the load of the first. The room of both must hold already.
    """
    cost, units, room, site, load, _ = work
    total, sure, now = 0, 0, 0.0
    size = 0
    free = np.empty(len(site), dtype=np.int64)
    for i in range(len(site)):
        if site[i] != one and site[i] != other:
            continue
        total += units[i]
        if np.isinf(cost[other, i]):
            sure += units[i]
        elif np.isfinite(cost[one, i]):
            free[size] = i
            size += 1
            if site[i] == one:
                now += cost[one, i] - cost[other, i]
    most = min(room[one] - sure, total)
    least = max(0, total - room[other] - sure)
    best = np.empty(most + 1)
    for space in range(most + 1):
        best[space] = np.inf if space else 0.0
    taken = np.zeros((size, most + 1), dtype=np.bool_)
    for at in range(size):
        i = free[at]
        change = cost[one, i] - cost[other, i]
        for space in range(most, units[i] - 1, -1):
            value = best[space - units[i]] + change
            if value < best[space]:
                best[space] = value
                taken[at, space] = True
    space = least
    for at in range(least, most + 1):
        if best[at] < best[space]:
            space = at
    if not best[space] < now - 1e-9:
        return 0.0
    saved = now - best[space]
    for at in range(size - 1, -1, -1):
        i = free[at]
        to = other
        if taken[at, space]:
            to = one
            space -= units[i]
        if site[i] != to:
            load[site[i]] -= units[i]
            load[to] += units[i]
            site[i] = to
    return saved


@compiled()
def exchanged(opened: Any, work: Any) -> Any:
    """Share customers anew between all pairs of open sites until that saves nothing."""
    saved = 0.0
    for _ in range(20):
        last = saved
        for at in range(len(opened)):
            for to in range(at):
                saved += shared(opened[at], opened[to], work)
        if saved <= last + 1e-9:
            break
    return saved
