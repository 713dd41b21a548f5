"""Compiled rounds of the Lagrangian bound with capacities; see ``_load_dual``.

Compiled code is kept on disk, so that only the first use on a machine waits for the compiler. Loops
in place of expressions over arrays keep that wait short.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled
from dispatchopt.siting.engines._load_knapsack import (
    MOST_CELLS,
    enough,
    fill_between,
    fill_part,
)

# A ``ground`` is that of ``LoadTable.ground``; ``span`` is (lower, upper) of the open sites and the
# least load of each; a
# ``state`` is (share of each pair, value of each site, share served, is open).


@compiled()
def open_at(price: Any, value: Any, ground: Any, span: Any, is_open: Any) -> Any:
    """Open the sites that pay at a price of room; return the bound, and the room they have."""
    _, _, room, _, _, most, least = ground
    lower, upper, _ = span
    total, enough_room, count = price * least, 0, 0
    reduced = np.empty(len(value))
    for j in range(len(value)):
        reduced[j] = value[j] - price * room[j]
        is_open[j] = lower[j]
        if lower[j]:
            total, enough_room, count = total + reduced[j], enough_room + room[j], count + 1
    free = np.empty(len(value), dtype=np.int64)
    size = 0
    for j in range(len(value)):
        if upper[j] and not lower[j] and reduced[j] < 0:
            free[size] = j
            size += 1
    if size > most - count:
        # Only the cheapest, found one by one: there are few.
        for at in range(max(0, most - count)):
            for other in range(at + 1, size):
                if reduced[free[other]] < reduced[free[at]]:
                    free[at], free[other] = free[other], free[at]
        size = max(0, most - count)
    for at in range(size):
        j = free[at]
        is_open[j] = True
        total, enough_room = total + reduced[j], enough_room + room[j]
    return total, enough_room


@compiled()
def choose_part(value: Any, ground: Any, span: Any, is_open: Any) -> Any:
    """Choose sites at the price of room that bounds best, by bisection on enough room.

    Returns the bound and the price.
    """
    room, least = ground[2], ground[6]
    upper = span[1]
    best, total_room = open_at(0.0, value, ground, span, is_open)
    low, high, best_price = 0.0, 1.0, 0.0
    for j in range(len(value)):
        if upper[j] and room[j] > 0 and np.isfinite(value[j]):
            high = max(high, 2.0 * value[j] / room[j])
    for made in range(41):
        # The last time, a little above the best price, ties count as open.
        is_last = made == 40 or high - low <= 1e-9 * high
        if made == 0 and total_room >= least:
            return best, 0.0
        price = best_price * (1 + 1e-9) if is_last else 0.5 * (low + high)
        total, total_room = open_at(price, value, ground, span, is_open)
        if is_last:
            break
        if total > best:
            best, best_price = total, price
        if total_room >= least:
            high = price
        else:
            low = price
    return best, best_price


@compiled()
def completed(value: Any, ground: Any, span: Any, is_open: Any) -> Any:
    """Return what a choice costs once enough sites are added to it; inf if there is no room."""
    room, least = ground[2], ground[6]
    is_used = is_open.copy()
    have, cost = 0, 0.0
    for j in range(len(value)):
        if is_used[j]:
            have, cost = have + room[j], cost + value[j]
    while have < least:
        chosen, lowest = -1, np.inf
        for j in range(len(value)):
            if span[1][j] and not is_used[j] and room[j] > 0:
                each = max(value[j], 0.0) / min(room[j], least - have)
                if each < lowest:
                    chosen, lowest = j, each
        if chosen < 0:
            return np.inf
        is_used[chosen] = True
        have, cost = have + room[chosen], cost + value[chosen]
    return cost


@compiled()
def choose(value: Any, ground: Any, span: Any, is_open: Any) -> Any:  # noqa: C901 - compiled as a whole
    """Choose whole sites of least value with enough room, where that is not too large."""
    room, most, least = ground[2], ground[5], ground[6]
    lower, upper, _ = span
    best, price = choose_part(value, ground, span, is_open)
    if price <= 0.0:
        return best
    # Sites outside the core cost more to change than the relaxation is away from a choice.
    gap = completed(value, ground, span, is_open) - best + 1e-9
    m = len(value)
    core, core_value, core_room = np.empty(m, dtype=np.int64), np.empty(m), np.empty(m, np.int64)
    is_sure = np.zeros(m, dtype=np.bool_)
    size, wanted, total, paying, sure, unit = 0, least, 0.0, 0, 0, 0
    for j in range(m):
        reduced = value[j] - price * room[j]
        is_free = upper[j] and not lower[j]
        paying += lower[j] or (is_free and reduced < 0)
        if is_free and abs(reduced) <= gap and value[j] > 0:
            core[size], core_value[size], core_room[size] = j, value[j], room[j]
            size, unit = size + 1, np.gcd(unit, room[j])
        elif lower[j] or (is_free and (reduced < 0 or value[j] <= 0)):
            is_sure[j] = True
            sure, wanted, total = sure + 1, wanted - room[j], total + value[j]
    # A limit on the number of sites that binds would make other sites worth opening.
    if paying > most or wanted <= 0 or size == 0:
        return best
    unit = max(1, unit)
    wanted = -(-wanted // unit)
    if size * wanted > MOST_CELLS:
        return best
    is_taken = np.zeros(size, dtype=np.bool_)
    total += enough(core_value[:size], core_room[:size], unit, wanted, is_taken)
    for at in range(size):
        sure += is_taken[at]
    if not total > best or sure > most:
        return best
    for j in range(m):
        is_open[j] = is_sure[j]
    for at in range(size):
        if is_taken[at]:
            is_open[core[at]] = True
    return total


@compiled()
def evaluate(worth: Any, ground: Any, span: Any, state: Any, is_whole: Any) -> Any:
    """Return the bound of multipliers, and write what it opens and serves."""
    cost, units, room, opening, price, _, _ = ground
    share, value, served, is_open = state
    profit = np.empty(len(units))
    for j in range(len(room)):
        value[j] = np.inf
        if span[1][j]:
            for i in range(len(units)):
                profit[i] = worth[i] - cost[j, i]
            if is_whole:
                limits = (span[2][j], room[j])
                value[j] = opening[j] - fill_between(profit, units, limits, share[j])
            else:
                value[j] = opening[j] - fill_part(profit, units, room[j], share[j])
    total = choose(value, ground, span, is_open)
    for i in range(len(units)):
        total += min(worth[i], price[i])
        served[i] = 1.0 if price[i] < worth[i] else 0.0
    for j in range(len(room)):
        if is_open[j]:
            for i in range(len(units)):
                served[i] += share[j, i]
    return total


@compiled()
def on_grid(value: Any, grid: Any) -> Any:
    """Return the nearest multiple of 1 / grid; the value itself without a grid."""
    return np.floor(value * grid + 0.5) / grid if grid > 0 else value


@compiled()
def ascend(worth: Any, ground: Any, span: Any, rules: Any, means: Any) -> Any:  # noqa: C901 - compiled as a whole
    """Raise the bound by deflected subgradients; see ``_load_dual.ascend``.

    Returns the best bound, its multipliers and the last step; ``means`` gets how often each site
    was open, and what each served of whom unless that is empty.
    """
    cost, price = ground[0], ground[4]
    goal, rounds, step, patience, least_step, deflection, memory, is_whole, grid = rules
    m, n = cost.shape
    state = (np.zeros((m, n)), np.zeros(m), np.zeros(n), np.zeros(m, dtype=np.bool_))
    share, _, served, is_open = state
    often, shares = means
    kept, kept_served, way, current = np.empty(n), np.empty(n), np.zeros(n), np.empty(n)
    for i in range(n):
        current[i] = on_grid(worth[i], grid)
    found, best, since = 0.0, -np.inf, 0
    for made in range(rounds + 1):
        if made > 0:
            size = 0.0
            for i in range(n):
                way[i] = 1.0 - served[i] + deflection * way[i]
                size += way[i] * way[i]
            if step < least_step or best >= goal or size <= 1e-12:
                break
            aim = min(max(goal, best + 1e-4 * abs(best) + 1e-9), best + 0.05 * abs(best) + 1.0)
            length = step * (aim - found) / size
            for i in range(n):
                current[i] = min(on_grid(current[i] + length * way[i], grid), price[i])
        found = evaluate(current, ground, span, state, is_whole)
        for j in range(m):
            now = 1.0 if is_open[j] else 0.0
            often[j] = now if made == 0 else memory * often[j] + (1.0 - memory) * now
            if shares.size:
                for i in range(n):
                    shares[j, i] = memory * shares[j, i] + (1.0 - memory) * now * share[j, i]
        since += 1
        if made == 0 or found > best + 1e-7 * abs(best):
            best, since = found, 0
            for i in range(n):
                kept[i], kept_served[i] = current[i], served[i]
        if since >= patience:
            step, since, found = step / 1.6, 0, best
            for i in range(n):
                current[i], served[i], way[i] = kept[i], kept_served[i], 0.0
    return best, kept, step
