"""Compiled bounds on who is served from which open site, up to a target; see ``_load_leaf``.

With multipliers u of "served once", each site fills a knapsack, and a solution costs at least the
sum of u less what the best fillings earn. That a customer is served from a site costs at least what
the best filling with it earns less there, and the best fillings without it at the sites that would
have it too. Pairs for which that exceeds the target are left out, and the multipliers follow by
subgradients (compare Posta, Ferland and Michelon 2012). Compiled code is kept on disk.

Memory comes from Python, and arrays are copied in loops: what numba makes of the rest takes longer
to compile than all that is here. So does a function that is given the constant that a variable
starts with, which numba takes for another type. A ``desk`` is what ``desk`` makes, a ``node`` is
(cost, site of each customer, room, least load, multipliers), ``shown`` is (who is in which filling,
what serving over each pair adds).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled
from dispatchopt.siting.engines._load_kernels import on_grid

#: Units between least and most load up to which both count in what a change of a filling costs.
_NARROW = 12
#: Times that a node is bounded anew because many pairs were left out.
_TRIALS = 6


def desk(count: int, room: int) -> tuple[Any, ...]:
    """Return memory to fill a site of so much room with so many items."""
    return (
        np.empty(count, dtype=np.int64),
        np.empty(count),
        np.empty(count, dtype=np.int64),
        np.empty(count, dtype=np.bool_),
        np.empty((2, count)),
        np.empty((count + 1, room + 1)),
        np.empty((2, room + 1)),
    )


@compiled()
def tabulate(size: Any, profit: Any, units: Any, start: Any, room: Any, best: Any) -> None:
    """Write into row t of ``best`` what the first t items earn at most at each load.

    With ``start`` of -inf a load is met exactly, with 0 it is a limit.
    """
    for load in range(room + 1):
        best[0, load] = start
    best[0, 0] = 0.0
    for at in range(size):
        gain, own = profit[at], units[at]
        for load in range(min(own, room + 1)):
            best[at + 1, load] = best[at, load]
        for load in range(own, room + 1):
            best[at + 1, load] = max(best[at, load], best[at, load - own] + gain)


@compiled()
def fill(size: Any, low: Any, room: Any, desk: Any) -> Any:
    """Fill a site with items to a load within limits; return what they earn, -inf for no filling.

    The desk holds the items, and gets which of them are in.
    """
    _, profit, units, is_in, _, best, _ = desk
    tabulate(size, profit, units, -np.inf if low > 0 else 0.0, room, best)
    load = max(low, 0)
    for other in range(load, room + 1):
        if best[size, other] > best[size, load]:
            load = other
    earned = best[size, load]
    for at in range(size - 1, -1, -1):
        is_in[at] = earned > -np.inf and best[at + 1, load] > best[at, load]
        if is_in[at]:
            load -= units[at]
    return earned


@compiled()
def changes(size: Any, low: Any, room: Any, earned: Any, desk: Any) -> None:
    """Write what it costs a filling at least to hold each item, and not to hold it."""
    _, profit, units, _, change, best, rest = desk
    is_exact = low > 0 and room - low <= _NARROW
    start = -np.inf if is_exact else 0.0
    tabulate(size, profit, units, start, room, best)
    # What the items after one earn, in two rows by turns.
    now = 0
    for load in range(room + 1):
        rest[now, load] = start
    rest[now, 0] = 0.0
    wide = room - low if is_exact else 0
    for at in range(size - 1, -1, -1):
        gain, own = profit[at], units[at]
        without, having = -np.inf, -np.inf
        for less in range(wide + 1):
            total = room - less
            for load in range(total + 1):
                without = max(without, best[at, load] + rest[now, total - load])
            for load in range(total - own + 1):
                having = max(having, best[at, load] + rest[now, total - own - load])
        change[0, at] = max(0.0, earned - having - gain)
        change[1, at] = max(0.0, earned - without)
        for load in range(min(own, room + 1)):
            rest[1 - now, load] = rest[now, load]
        for load in range(own, room + 1):
            rest[1 - now, load] = max(rest[now, load], rest[now, load - own] + gain)
        now = 1 - now


@compiled()
def settle(node: Any, units: Any) -> Any:
    """Serve customers that one site is left for; return what they cost, -1 for a dead end."""
    cost, site_of, room, low, _ = node
    k, n = cost.shape
    added = 0.0
    is_new = True
    while is_new:
        is_new = False
        for i in range(n):
            if site_of[i] >= 0:
                continue
            count, last = 0, -1
            for j in range(k):
                if cost[j, i] < np.inf:
                    if units[i] > room[j]:
                        cost[j, i] = np.inf
                    else:
                        count, last = count + 1, j
            if count == 0:
                return -1.0
            if count == 1:
                added += cost[last, i]
                site_of[i] = last
                room[last] -= units[i]
                low[last] = max(0, low[last] - units[i])
                cost[last, i] = np.inf
                is_new = True
    return added


@compiled()
def laid_out(j: Any, least: Any, worth: Any, cost: Any, units: Any, desk: Any) -> Any:
    """Lay the customers that a site earns more than so much with on the desk; return how many."""
    items, profit, own, _, _, _, _ = desk
    size = 0
    for i in range(len(worth)):
        if cost[j, i] < np.inf and worth[i] - cost[j, i] > least:
            items[size], profit[size], own[size] = i, worth[i] - cost[j, i], units[i]
            size += 1
    return size


@compiled()
def evaluated(worth: Any, node: Any, units: Any, held: Any, desk: Any) -> Any:
    """Return the bound of multipliers on the free customers; ``held`` gets who is in fillings."""
    cost, site_of, room, low, _ = node
    items, is_in = desk[0], desk[3]
    k, n = cost.shape
    total = 0.0
    for i in range(n):
        if site_of[i] < 0:
            total += worth[i]
    for j in range(k):
        size = laid_out(j, -np.inf if low[j] > 0 else 0.0, worth, cost, units, desk)
        earned = fill(size, low[j], room[j], desk)
        if earned == -np.inf:
            return np.inf
        total -= earned
        for i in range(n):
            held[j, i] = False
        for at in range(size):
            held[j, items[at]] = is_in[at]
    return total


@compiled()
def copied(source: Any, target: Any) -> None:
    """Copy a table."""
    for j in range(len(source)):
        for i in range(len(source[0])):
            target[j, i] = source[j, i]


@compiled()
def raised(  # noqa: C901 - compiled as a whole
    node: Any, units: Any, held: Any, goal: Any, rounds: Any, grid: Any, desk: Any, ascent: Any
) -> Any:
    """Raise the bound by subgradients above ``goal``; leave the best multipliers and fillings.

    ``ascent`` is memory: direction and multipliers, shape (n,), and the best fillings, (k, n).
    """
    _, site_of, room, _, worth = node
    way, current, kept_held = ascent
    k, n = len(room), len(worth)
    step, since, best, found = 0.8, 0, -np.inf, 0.0
    # Many rounds are meant to come near the best bound, few to follow a small change.
    patience, least_step = (20, 0.003) if rounds > 100 else (3, 0.02)
    for i in range(n):
        way[i], current[i] = 0.0, worth[i]
    for made in range(rounds + 1):
        if made > 0:
            size = 0.0
            for i in range(n):
                if site_of[i] >= 0:
                    continue
                served = 0
                for j in range(k):
                    served += held[j, i]
                way[i] = 1.0 - served + 0.5 * way[i]
                size += way[i] * way[i]
            if best > goal or step < least_step or size < 1e-9:
                break
            # Far goals would make steps wild.
            aim = min(goal + 0.5, best + 0.02 * abs(best) + 1.0)
            length = step * (aim - found) / size
            for i in range(n):
                if site_of[i] < 0:
                    current[i] = on_grid(current[i] + length * way[i], grid)
        found = evaluated(current, node, units, held, desk)
        since += 1
        if made == 0 or found > best:
            best, since = found, 0
            copied(held, kept_held)
            for i in range(n):
                worth[i] = current[i]
        elif since >= patience:
            step, since, found = 0.5 * step, 0, best
            copied(kept_held, held)
            for i in range(n):
                way[i], current[i] = 0.0, worth[i]
    copied(kept_held, held)
    return best


@compiled()
def squeezed(  # noqa: C901, PLR0912 - compiled as a whole
    node: Any, units: Any, shown: Any, bound: Any, goal: Any, desk: Any, work: Any
) -> Any:
    """Leave out pairs that cost more than the goal; return how many went, and how many are left.

    ``shown`` gets what each of the others costs; ``work`` is memory: what leaving each pair costs,
    shape (k, n), that in all for each customer, and sites that cannot do without it, shape (n,).
    """
    cost, _, room, low, worth = node
    held, rise = shown
    items, profit, change = desk[0], desk[1], desk[4]
    out, left, needed = work
    k, n = cost.shape
    for i in range(n):
        left[i], needed[i] = 0.0, 0
    for j in range(k):
        for i in range(n):
            rise[j, i], out[j, i] = np.inf, 0.0
        size, earned = laid_out(j, -np.inf, worth, cost, units, desk), 0.0
        for at in range(size):
            if held[j, items[at]]:
                earned += profit[at]
        changes(size, low[j], room[j], earned, desk)
        for at in range(size):
            i = items[at]
            rise[j, i] = change[0, at]
            out[j, i] = change[1, at] if held[j, i] else 0.0
            if out[j, i] < np.inf:
                left[i] += out[j, i]
            else:
                needed[i] += 1
    dropped, pairs = 0, 0
    for j in range(k):
        for i in range(n):
            if cost[j, i] < np.inf:
                # Other sites that hold the customer go without it.
                if out[j, i] < np.inf:
                    others, barred = left[i] - out[j, i], needed[i] > 0
                else:
                    others, barred = left[i], needed[i] > 1
                rise[j, i] = np.inf if barred else rise[j, i] + others
                if bound + rise[j, i] > goal:
                    cost[j, i], rise[j, i] = np.inf, np.inf
                    dropped += 1
                else:
                    pairs += 1
    return dropped, pairs


@compiled()
def visited(node: Any, units: Any, shown: Any, fixed: Any, rules: Any, memory: Any) -> Any:
    """Bound a node and leave out pairs until little changes; return fixed cost and bound.

    The bound is inf where nothing up to the goal is left.
    """
    goal, first_rounds, rounds, grid = rules
    desk, ascent, work = memory
    bound, is_done = -np.inf, False
    for trial in range(_TRIALS + 1):
        added = settle(node, units)
        if added < 0:
            return fixed, np.inf
        fixed += added
        if is_done or trial == _TRIALS:
            break
        many = first_rounds if trial == 0 else rounds
        bound = fixed + raised(node, units, shown[0], goal - fixed, many, grid, desk, ascent)
        if bound > goal:
            return fixed, np.inf
        dropped, pairs = squeezed(node, units, shown, bound, goal, desk, work)
        is_done = dropped * 11 <= pairs
    return fixed, bound
