"""Compiled rounds of the Lagrangian bound with capacities; see ``_load_dual`` for what they do."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def fill_site(
    profit: np.ndarray,
    units: np.ndarray,
    room: float,
    share: np.ndarray,
    work: np.ndarray,
    picked: np.ndarray,
) -> tuple[float, float]:
    """Fill a site with the most profitable units; returns what it earns and a unit's price.

    Quickselect by thresholds: customers are split at a pivot until the one that no longer fits
    wholly is found, which takes linear time where a sort would not.
    """
    count = 0
    total = 0
    for i in range(len(profit)):
        share[i] = 0.0
        if profit[i] > 0:
            picked[count] = i
            work[count] = profit[i] / units[i]
            count += 1
            total += units[i]
    earned = 0.0
    if total <= room:
        for at in range(count):
            share[picked[at]] = 1.0
            earned += profit[picked[at]]
        return earned, 0.0
    low, high, left = 0, count, room
    while high - low > 1:
        pivot = work[(low + high) // 2]
        before, after = low, high - 1
        at = low
        # Three parts: above, equal, below the pivot.
        while at <= after:
            if work[at] > pivot:
                _exchange(work, picked, at, before)
                before += 1
                at += 1
            elif work[at] < pivot:
                _exchange(work, picked, at, after)
                after -= 1
            else:
                at += 1
        above = 0
        for k in range(low, before):
            above += units[picked[k]]
        if above > left:
            high = before
            continue
        equal = 0
        for k in range(before, after + 1):
            equal += units[picked[k]]
        if above + equal > left:
            left -= above
            low = before
            # Among equals any order is as good.
            while units[picked[low]] <= left:
                left -= units[picked[low]]
                low += 1
            break
        left -= above + equal
        low = after + 1
    for at in range(low):
        share[picked[at]] = 1.0
        earned += profit[picked[at]]
    cut = picked[low]
    share[cut] = left / units[cut]
    earned += profit[cut] * share[cut]
    return earned, work[low]


@njit(cache=True, nogil=True)
def _exchange(work: np.ndarray, picked: np.ndarray, one: int, other: int) -> None:
    work[one], work[other] = work[other], work[one]
    picked[one], picked[other] = picked[other], picked[one]


@njit(cache=True, nogil=True)
def choose(
    value: np.ndarray,
    room: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    most: int,
    least: float,
    reduced: np.ndarray,
    is_open: np.ndarray,
) -> tuple[float, float]:
    """Choose sites; returns the bound of the choice, and the price of all room.

    The price is found by bisection on whether the sites chosen have room enough; any price gives a
    valid bound, and the best one seen is kept.
    """
    m = len(value)
    low, high = 0.0, 0.0
    for j in range(m):
        if upper[j] and room[j] > 0:
            high = max(high, value[j] / room[j])
    high = 2.0 * high + 1.0
    best, best_price, price = -np.inf, 0.0, 0.0
    order = np.empty(m, dtype=np.int64)
    for trial in range(40):
        total = price * least
        enough = 0.0
        count, free = 0, 0
        for j in range(m):
            is_open[j] = False
            reduced[j] = value[j] - price * room[j]
            if lower[j]:
                total += reduced[j]
                enough += room[j]
                is_open[j] = True
                count += 1
            elif upper[j] and reduced[j] < 0:
                order[free] = j
                free += 1
        if count + free > most:
            picked = order[:free]
            rank = np.argsort(reduced[picked])
            for k in range(most - count):
                j = picked[rank[k]]
                total += reduced[j]
                enough += room[j]
                is_open[j] = True
        else:
            for k in range(free):
                j = order[k]
                total += reduced[j]
                enough += room[j]
                is_open[j] = True
        if total > best:
            best, best_price = total, price
        if trial == 0 and enough >= least:
            break
        if enough >= least:
            high = price
        else:
            low = price
        if high - low <= 1e-9 * high:
            break
        price = 0.5 * (low + high)
    return best, best_price


@njit(cache=True, nogil=True)
def evaluate(
    cost: np.ndarray,
    units: np.ndarray,
    room: np.ndarray,
    opening: np.ndarray,
    price: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    most: int,
    least: float,
    worth: np.ndarray,
    share: np.ndarray,
    value: np.ndarray,
    fill_price: np.ndarray,
    served: np.ndarray,
    is_open: np.ndarray,
    room_price: np.ndarray,
) -> float:
    """Return the bound of multipliers, and write all that it rests on."""
    m, n = cost.shape
    profit, work, picked = np.empty(n), np.empty(n), np.empty(n, dtype=np.int64)
    reduced = np.empty(m)
    for j in range(m):
        if not upper[j]:
            value[j] = np.inf
            continue
        for i in range(n):
            profit[i] = worth[i] - cost[j, i]
        earned, fill_price[j] = fill_site(profit, units, room[j], share[j], work, picked)
        value[j] = opening[j] - earned
    total, at = choose(value, room, lower, upper, most, least, reduced, is_open)
    room_price[0] = at
    # The choice once more, at the price that is best.
    _, _ = _open_at(value, room, lower, upper, most, at, is_open)
    for i in range(n):
        served[i] = 0.0
        total += worth[i]
        if price[i] < worth[i]:
            total += price[i] - worth[i]
            served[i] = 1.0
    for j in range(m):
        if is_open[j]:
            for i in range(n):
                served[i] += share[j, i]
    return total


@njit(cache=True, nogil=True)
def _open_at(
    value: np.ndarray,
    room: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    most: int,
    price: float,
    is_open: np.ndarray,
) -> tuple[int, float]:
    m = len(value)
    count, enough = 0, 0.0
    for j in range(m):
        is_open[j] = lower[j]
        if lower[j]:
            count += 1
            enough += room[j]
    rank = np.argsort(np.where(upper & ~lower, value - price * room, np.inf))
    for k in range(m):
        j = rank[k]
        if count >= most or lower[j] or not upper[j] or value[j] - price * room[j] > 1e-9:
            break
        is_open[j] = True
        count += 1
        enough += room[j]
    return count, enough


@njit(cache=True, nogil=True)
def ascend(
    ground: tuple,
    lower: np.ndarray,
    upper: np.ndarray,
    worth: np.ndarray,
    rules: tuple,
    often: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Raise the bound by deflected subgradients; see ``_load_dual.ascend``.

    Returns the best bound and its multipliers; ``often`` gets how often each site was open.
    """
    cost, units, room, opening, price, most, least = ground
    goal, rounds, step, patience, least_step, deflection, memory = rules
    m, n = cost.shape
    share, value, fill = np.zeros((m, n)), np.zeros(m), np.zeros(m)
    served, is_open, room_price = np.zeros(n), np.zeros(m, dtype=np.bool_), np.zeros(1)
    way = np.zeros(n)
    found = evaluate(
        cost, units, room, opening, price, lower, upper, most, least,
        worth, share, value, fill, served, is_open, room_price,
    )  # fmt: skip
    best, kept, kept_served = found, worth.copy(), served.copy()
    often[:] = is_open
    since = 0
    current = worth.copy()
    for _ in range(rounds):
        size = 0.0
        for i in range(n):
            way[i] = 1.0 - served[i] + deflection * way[i]
            size += way[i] * way[i]
        if step < least_step or best >= goal or size <= 1e-12:
            break
        aim = min(max(goal, best + 1e-4 * abs(best) + 1e-9), best + 0.05 * abs(best) + 1.0)
        length = step * (aim - found) / size
        for i in range(n):
            current[i] = min(current[i] + length * way[i], price[i])
        found = evaluate(
            cost, units, room, opening, price, lower, upper, most, least,
            current, share, value, fill, served, is_open, room_price,
        )  # fmt: skip
        for j in range(m):
            often[j] = memory * often[j] + (1.0 - memory) * is_open[j]
        since += 1
        if found > best + 1e-7 * abs(best):
            best, since = found, 0
            kept[:] = current
            kept_served[:] = served
        if since >= patience:
            step, since = step / 1.6, 0
            current[:] = kept
            served[:] = kept_served
            found = best
            way[:] = 0.0
    return best, kept


@njit(cache=True, nogil=True)
def anneal(
    cost: np.ndarray,
    units: np.ndarray,
    room: np.ndarray,
    near: np.ndarray,
    site: np.ndarray,
    rounds: int,
    hot: float,
    seed: int,
) -> np.ndarray:
    """Return the best assignment that shifts and swaps under a falling temperature meet.

    ``near`` holds the cheapest open sites of each customer, (n, k); ``room`` what is left at each
    site. Both ``site`` and ``room`` are worked on. Customers that are not served stay so.
    """
    np.random.seed(seed)
    n, k = near.shape
    best, value, least = site.copy(), 0.0, 0.0
    cooling = (1e-3) ** (1.0 / max(1, rounds))
    heat = hot
    for _ in range(rounds):
        heat *= cooling
        one = np.random.randint(n)
        to = near[one, np.random.randint(k)]
        here = site[one]
        if here < 0 or to == here or not np.isfinite(cost[to, one]):
            continue
        change = cost[to, one] - cost[here, one]
        if room[to] >= units[one]:
            if change <= 0 or np.random.random() < np.exp(-change / heat):
                site[one] = to
                room[to] -= units[one]
                room[here] += units[one]
                value += change
        else:
            other = np.random.randint(n)
            # Whoever sits where this customer wants to go changes places with it.
            for _ in range(n):
                if site[other] == to:
                    break
                other = (other + 1) % n
            if site[other] != to:
                continue
            more = units[one] - units[other]
            if more > room[to] or -more > room[here] or not np.isfinite(cost[here, other]):
                continue
            change += cost[here, other] - cost[to, other]
            if change <= 0 or np.random.random() < np.exp(-change / heat):
                site[one], site[other] = to, here
                room[to] -= more
                room[here] += more
                value += change
        if value < least - 1e-9:
            least = value
            best[:] = site
    return best
