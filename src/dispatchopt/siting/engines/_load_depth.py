"""Compiled depth-first search for who is served from which open site, up to a target.

With multipliers u of "served once", each site fills a knapsack, and a solution costs at least the
sum of u less what the best fillings earn. That a customer is served from a site costs at least what
the best filling with it earns less there, and the best fillings without it at the sites that would
have it too. Pairs for which that exceeds the target are left out, and the multipliers follow by
subgradients (compare Posta, Ferland and Michelon 2012). Compiled code is kept on disk.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled
from dispatchopt.siting.engines._load_kernels import on_grid

#: Units between least and most load up to which both count in what a change of a filling costs.
_NARROW = 12


@compiled()
def fill(  # noqa: C901 - compiled as a whole
    profit: Any,
    units: Any,
    low: Any,
    room: Any,
    is_in: Any,
) -> Any:
    """Fill a site with items to a load within limits; return what they earn, -inf for no filling.

    ``is_in`` gets the items.
    """
    size = len(profit)
    taken = np.zeros((size, room + 1), dtype=np.bool_)
    best = np.full(room + 1, -np.inf if low > 0 else 0.0)
    best[0] = 0.0
    for at in range(size):
        gain, own = profit[at], units[at]
        if low <= 0 and gain <= 0:
            continue
        for load in range(room, own - 1, -1):
            value = best[load - own] + gain
            if value > best[load]:
                best[load] = value
                taken[at, load] = True
    load = max(low, 0)
    for other in range(load, room + 1):
        if best[other] > best[load]:
            load = other
    earned = best[load]
    for at in range(size):
        is_in[at] = False
    if earned > -np.inf:
        for at in range(size - 1, -1, -1):
            if taken[at, load]:
                is_in[at] = True
                load -= units[at]
    return earned


@compiled()
def changes(  # noqa: C901 - compiled as a whole
    profit: Any,
    units: Any,
    low: Any,
    room: Any,
    earned: Any,
    cost_in: Any,
    cost_out: Any,
) -> Any:
    """Write what it costs a filling at least to hold each item, and not to hold it."""
    size = len(profit)
    is_exact = low > 0 and room - low <= _NARROW
    start = -np.inf if is_exact else 0.0
    after = np.empty((size + 1, room + 1))
    after[size, :] = start
    after[size, 0] = 0.0
    for at in range(size - 1, -1, -1):
        gain, own = profit[at], units[at]
        for load in range(room + 1):
            value = after[at + 1, load]
            if load >= own:
                value = max(value, after[at + 1, load - own] + gain)
            after[at, load] = value
    before = np.full(room + 1, start)
    before[0] = 0.0
    for at in range(size):
        gain, own = profit[at], units[at]
        without, having = -np.inf, -np.inf
        for load in range(room + 1):
            if before[load] == -np.inf:
                continue
            if is_exact:
                for total in range(max(low, load), room + 1):
                    without = max(without, before[load] + after[at + 1, total - load])
                for total in range(max(low, load + own), room + 1):
                    having = max(having, before[load] + after[at + 1, total - load - own])
            else:
                without = max(without, before[load] + after[at + 1, room - load])
                if load + own <= room:
                    having = max(having, before[load] + after[at + 1, room - load - own])
        cost_in[at] = max(0.0, earned - having - gain)
        cost_out[at] = max(0.0, earned - without)
        for load in range(room, own - 1, -1):
            before[load] = max(before[load], before[load - own] + gain)


@compiled()
def settle(cost: Any, units: Any, site_of: Any, room: Any, low: Any) -> Any:
    """Serve customers that one site is left for; return what they cost, -1 for a dead end."""
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
def evaluated(
    worth: Any, cost: Any, units: Any, site_of: Any, room: Any, low: Any, held: Any
) -> Any:
    """Return the bound of multipliers on the free customers; ``held`` gets who is in fillings."""
    k, n = cost.shape
    total = 0.0
    items, profit, own = np.empty(n, np.int64), np.empty(n), np.empty(n, np.int64)
    for i in range(n):
        if site_of[i] < 0:
            total += worth[i]
    for j in range(k):
        size = 0
        for i in range(n):
            held[j, i] = False
            if cost[j, i] < np.inf and (low[j] > 0 or worth[i] > cost[j, i]):
                items[size], profit[size], own[size] = i, worth[i] - cost[j, i], units[i]
                size += 1
        is_in = np.zeros(size, dtype=np.bool_)
        earned = fill(profit[:size], own[:size], low[j], room[j], is_in)
        if earned == -np.inf:
            return np.inf
        total -= earned
        for at in range(size):
            held[j, items[at]] = is_in[at]
    return total


@compiled()
def raised(  # noqa: C901 - compiled as a whole
    worth: Any, cost: Any, units: Any, site_of: Any, room: Any, low: Any, held: Any, goal: Any,
    rounds: Any, grid: Any,
) -> Any:  # fmt: skip
    """Raise the bound by subgradients above ``goal``; leave the best multipliers and fillings."""
    n = len(worth)
    best = evaluated(worth, cost, units, site_of, room, low, held)
    kept, kept_held = worth.copy(), held.copy()
    way, step, since, found = np.zeros(n), 0.8, 0, best
    # Many rounds are meant to come near the best bound, few to follow a small change.
    patience, least_step = (20, 0.003) if rounds > 100 else (3, 0.02)
    for _ in range(rounds):
        if best > goal or step < least_step:
            break
        size = 0.0
        for i in range(n):
            if site_of[i] >= 0:
                continue
            served = 0
            for j in range(len(room)):
                served += held[j, i]
            way[i] = 1.0 - served + 0.5 * way[i]
            size += way[i] * way[i]
        if size < 1e-9:
            break
        # Far goals would make steps wild.
        aim = min(goal + 0.5, best + 0.02 * abs(best) + 1.0)
        length = step * (aim - found) / size
        for i in range(n):
            if site_of[i] < 0:
                worth[i] = on_grid(worth[i] + length * way[i], grid)
        found = evaluated(worth, cost, units, site_of, room, low, held)
        since += 1
        if found > best:
            best, since = found, 0
            kept[:] = worth
            kept_held[:] = held
        elif since >= patience:
            step, since, found = 0.5 * step, 0, best
            worth[:] = kept
            held[:] = kept_held
            way[:] = 0.0
    worth[:] = kept
    held[:] = kept_held
    return best


@compiled()
def squeezed(  # noqa: C901 - compiled as a whole
    worth: Any,
    cost: Any,
    units: Any,
    room: Any,
    low: Any,
    held: Any,
    bound: Any,
    goal: Any,
    rise: Any,
) -> Any:
    """Leave out pairs that cost more than the goal; return how many.

    ``rise`` gets what each of the others costs.
    """
    k, n = cost.shape
    out = np.zeros((k, n))
    left, needed = np.zeros(n), np.zeros(n, dtype=np.int64)
    items, profit, own = np.empty(n, np.int64), np.empty(n), np.empty(n, np.int64)
    more, less = np.empty(n), np.empty(n)
    for j in range(k):
        size, earned = 0, 0.0
        for i in range(n):
            rise[j, i] = np.inf
            if cost[j, i] < np.inf:
                items[size], profit[size], own[size] = i, worth[i] - cost[j, i], units[i]
                size += 1
                if held[j, i]:
                    earned += worth[i] - cost[j, i]
        changes(profit[:size], own[:size], low[j], room[j], earned, more[:size], less[:size])
        for at in range(size):
            i = items[at]
            rise[j, i] = more[at]
            out[j, i] = less[at] if held[j, i] else 0.0
            if out[j, i] < np.inf:
                left[i] += out[j, i]
            else:
                needed[i] += 1
    dropped = 0
    for j in range(k):
        for i in range(n):
            if cost[j, i] < np.inf:
                if out[j, i] < np.inf:
                    rise[j, i] = np.inf if needed[i] > 0 else rise[j, i] + left[i] - out[j, i]
                else:
                    rise[j, i] = np.inf if needed[i] > 1 else rise[j, i] + left[i]
                if bound + rise[j, i] > goal:
                    cost[j, i], rise[j, i] = np.inf, np.inf
                    dropped += 1
    return dropped


@compiled()
def visited(worth: Any, cost: Any, units: Any, state: Any, work: Any, rules: Any) -> Any:
    """Bound a node and leave out pairs until little changes; return fixed cost and bound.

    The bound is inf where nothing up to the goal is left.
    """
    site_of, room, low = state
    held, rise = work
    fixed, goal, first_rounds, rounds, grid = rules
    bound = -np.inf
    for trial in range(6):
        added = settle(cost, units, site_of, room, low)
        if added < 0:
            return fixed, np.inf
        fixed += added
        many = first_rounds if trial == 0 else rounds
        bound = fixed + raised(
            worth, cost, units, site_of, room, low, held, goal - fixed, many, grid
        )
        if bound > goal:
            return fixed, np.inf
        pairs = np.isfinite(cost).sum()
        dropped = squeezed(worth, cost, units, room, low, held, bound, goal, rise)
        if dropped * 12 <= pairs:
            break
    added = settle(cost, units, site_of, room, low)
    return (fixed, np.inf) if added < 0 else (fixed + added, bound)


@compiled()
def picked(cost: Any, site_of: Any, rise: Any, room: Any) -> Any:
    """Return the customer whose best two sites raise the bound most, -1 for none that is free."""
    most, who = -1.0, -1
    for i in range(len(site_of)):
        if site_of[i] >= 0:
            continue
        one, two = np.inf, np.inf
        for j in range(len(cost)):
            if cost[j, i] < np.inf:
                if rise[j, i] < one:
                    one, two = rise[j, i], one
                elif rise[j, i] < two:
                    two = rise[j, i]
        score = (one + 0.05) * (min(two, room) + 0.05)
        if score > most:
            most, who = score, i
    return who


@compiled()
def search(  # noqa: C901, PLR0915 - compiled as a whole
    worth: Any,
    ground: Any,
    rules: Any,
    best_of: Any,
) -> Any:
    """Search for the best assignment of cost up to a goal.

    ``ground`` is (cost (k, n), units, room, least load); ``rules`` is (goal, grain, rounds at the
    first node and at others, nodes, grid). ``best_of`` gets the best assignment. Returns its cost,
    inf for none, whether the search was complete, and the nodes.
    """
    cost0, units, room0, low0 = ground
    goal, grain, first_rounds, rounds, most_nodes, grid = rules
    k, n = cost0.shape
    most = n + 2
    cost, site_of = np.empty((most, k, n)), np.full((most, n), -1)
    room, low = np.empty((most, k), np.int64), np.empty((most, k), np.int64)
    worths, fixed = np.empty((most, n)), np.zeros(most)
    # Children of a node: a customer and sites, the most promising first.
    customer, child = np.empty(most, np.int64), np.zeros(most, np.int64)
    order, expected = np.empty((most, k), np.int64), np.empty((most, k))
    work = (np.zeros((k, n), dtype=np.bool_), np.empty((k, n)))
    cost[0], room[0], low[0], worths[0] = cost0, room0, low0, worth
    found, nodes, d, is_new = np.inf, 0, 0, True
    while d >= 0:
        if is_new:
            is_new = False
            nodes += 1
            if nodes > most_nodes:
                return found, False, nodes
            many = first_rounds if d == 0 else rounds
            state = (site_of[d], room[d], low[d])
            each = (fixed[d], goal, many, rounds, grid)
            fixed[d], bound = visited(worths[d], cost[d], units, state, work, each)
            if bound > goal:
                d -= 1
                continue
            who = picked(cost[d], site_of[d], work[1], goal - bound + 0.5)
            if who < 0:
                if low[d].max() <= 0 and fixed[d] <= goal:
                    found = fixed[d]
                    best_of[:] = site_of[d]
                    less = 0.5 * grain if grain > 0 else 1e-9 * max(1.0, abs(found))
                    goal = found - less
                d -= 1
                continue
            customer[d], child[d] = who, 0
            for j in range(k):
                expected[d, j] = bound + work[1][j, who] if cost[d, j, who] < np.inf else np.inf
            order[d] = np.argsort(expected[d])
        at = child[d]
        least = expected[d, order[d, at]] if at < k else np.inf
        if least == np.inf or least > goal:
            d -= 1
            continue
        child[d] += 1
        i, to = customer[d], order[d, at]
        cost[d + 1], site_of[d + 1], room[d + 1], low[d + 1] = cost[d], site_of[d], room[d], low[d]
        worths[d + 1], fixed[d + 1] = worths[d], fixed[d]
        for j in range(k):
            if j != to:
                cost[d + 1, j, i] = np.inf
        d += 1
        is_new = True
    return found, True, nodes
