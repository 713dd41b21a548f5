"""Compiled rounds of the Lagrangian bound with capacities; see ``_load_dual``.

Compiled code is kept on disk, so that only the first use on a machine waits for the compiler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.siting.engines._load_knapsack import (
    MOST_CELLS,
    enough,
    fill_between,
    fill_part,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    def njit(**_options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Stand in for the compiler, which has no types."""
        raise NotImplementedError
else:
    from numba import njit

# A ``ground`` is that of ``LoadTable.ground``; ``span`` is (lower, upper) of the open sites and the
# least load of each; a
# ``state`` is (share of each pair, value of each site, share served, is open).


@njit(cache=True)
def open_at(price: Any, value: Any, ground: Any, span: Any, is_open: Any) -> Any:
    """Open the sites that pay at a price of room; return the bound, and the room they have."""
    _, _, room, _, _, most, least = ground
    lower, upper, _ = span
    reduced = value - price * room
    total, enough = price * least, 0.0
    count = np.sum(lower)
    for j in range(len(value)):
        is_open[j] = lower[j]
        if lower[j]:
            total, enough = total + reduced[j], enough + room[j]
    free = np.flatnonzero(upper & ~lower & (reduced < 0))
    if len(free) > most - count:
        free = free[np.argsort(reduced[free])][: most - count]
    for site in free:
        is_open[site] = True
        total, enough = total + reduced[site], enough + room[site]
    return total, enough


@njit(cache=True)
def choose_part(value: Any, ground: Any, span: Any, is_open: Any) -> Any:
    """Choose sites at the price of room that bounds best, by bisection on enough room.

    Returns the bound and the price.
    """
    room, least = ground[2], ground[6]
    upper = span[1]
    best, total_room = open_at(0.0, value, ground, span, is_open)
    if total_room >= least:
        return best, 0.0
    low, high, best_price = 0.0, 1.0, 0.0
    for j in range(len(value)):
        if upper[j] and room[j] > 0 and np.isfinite(value[j]):
            high = max(high, 2.0 * value[j] / room[j])
    for _ in range(40):
        price = 0.5 * (low + high)
        total, total_room = open_at(price, value, ground, span, is_open)
        if total > best:
            best, best_price = total, price
        if total_room >= least:
            high = price
        else:
            low = price
        if high - low <= 1e-9 * high:
            break
    # A little above, ties count as open.
    open_at(best_price * (1 + 1e-9), value, ground, span, is_open)
    return best, best_price


@njit(cache=True)
def completed(value: Any, ground: Any, span: Any, is_open: Any) -> Any:
    """Return what a choice costs once enough sites are added to it; inf if there is no room."""
    room, least = ground[2], ground[6]
    is_used = is_open.copy()
    have, cost = room[is_used].sum(), value[is_used].sum()
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


@njit(cache=True)
def choose(value: Any, ground: Any, span: Any, is_open: Any) -> Any:
    """Choose whole sites of least value with enough room, where that is not too large."""
    room, most, least = ground[2], ground[5], ground[6]
    lower, upper, _ = span
    best, price = choose_part(value, ground, span, is_open)
    if price <= 0.0:
        return best
    reduced = value - price * room
    is_free = upper & ~lower
    # A limit on the number of sites that binds would make other sites worth opening.
    if np.sum(is_free & (reduced < 0)) > most - np.sum(lower):
        return best
    gap = completed(value, ground, span, is_open) - best + 1e-9
    is_core = is_free & (np.abs(reduced) <= gap) & (value > 0)
    is_sure = lower | (is_free & ~is_core & (reduced < 0)) | (is_free & (value <= 0))
    core, wanted = np.flatnonzero(is_core), least - room[is_sure].sum()
    if wanted <= 0 or not len(core):
        return best
    unit = room[core[0]]
    for j in core:
        unit = np.gcd(unit, room[j])
    unit = max(1, unit)
    wanted = -(-wanted // unit)
    if len(core) * wanted > MOST_CELLS:
        return best
    is_taken = np.zeros(len(core), dtype=np.bool_)
    total = value[is_sure].sum() + enough(value[core], room[core] // unit, wanted, is_taken)
    if not total > best or np.sum(is_sure) + np.sum(is_taken) > most:
        return best
    is_open[:] = is_sure
    is_open[core[is_taken]] = True
    return total


@njit(cache=True)
def evaluate(worth: Any, ground: Any, span: Any, state: Any, is_whole: Any) -> Any:
    """Return the bound of multipliers, and write what it opens and serves."""
    cost, units, room, opening, price, _, _ = ground
    share, value, served, is_open = state
    for j in range(len(room)):
        value[j] = np.inf
        if span[1][j]:
            if is_whole:
                limits = (span[2][j], room[j])
                value[j] = opening[j] - fill_between(worth - cost[j], units, limits, share[j])
            else:
                value[j] = opening[j] - fill_part(worth - cost[j], units, room[j], share[j])
    total = choose(value, ground, span, is_open)
    for i in range(len(units)):
        total += min(worth[i], price[i])
        served[i] = 1.0 if price[i] < worth[i] else 0.0
    for j in range(len(room)):
        if is_open[j]:
            served += share[j]
    return total


@njit(cache=True)
def ascend(worth: Any, ground: Any, span: Any, rules: Any, means: Any) -> Any:
    """Raise the bound by deflected subgradients; see ``_load_dual.ascend``.

    Returns the best bound, its multipliers and the last step; ``means`` gets how
    often each site was open, and what each served of whom unless that is empty.
    """
    cost, price = ground[0], ground[4]
    goal, rounds, step, patience, least_step, deflection, memory, is_whole = rules
    m, n = cost.shape
    state = (np.zeros((m, n)), np.zeros(m), np.zeros(n), np.zeros(m, dtype=np.bool_))
    served, is_open = state[2], state[3]
    found = evaluate(worth, ground, span, state, is_whole)
    best, kept, kept_served = found, worth.copy(), served.copy()
    often, shares = means
    often[:] = is_open
    way, since, current = np.zeros(n), 0, worth.copy()
    for _ in range(rounds):
        way = 1.0 - served + deflection * way
        size = (way * way).sum()
        if step < least_step or best >= goal or size <= 1e-12:
            break
        aim = min(max(goal, best + 1e-4 * abs(best) + 1e-9), best + 0.05 * abs(best) + 1.0)
        current = np.minimum(current + step * (aim - found) / size * way, price)
        found = evaluate(current, ground, span, state, is_whole)
        often[:] = memory * often + (1.0 - memory) * is_open
        for j in range(len(shares)):
            shares[j] = memory * shares[j] + (1.0 - memory) * is_open[j] * state[0][j]
        since += 1
        if found > best + 1e-7 * abs(best):
            best, since = found, 0
            kept[:] = current
            kept_served[:] = served
        if since >= patience:
            step, since, found = step / 1.6, 0, best
            current[:] = kept
            served[:] = kept_served
            way[:] = 0.0
    return best, kept, step
