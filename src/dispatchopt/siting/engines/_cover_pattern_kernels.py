"""Compiled search for the strongest inequality on a few customers."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled

#: Least profit of a column that enters, and least pivot.
_TINY, _PIVOT = 1e-7, 1e-9
#: Choices that are collected after each table of least costs.
_FRESH = 25
#: More than any choice costs.
_FAR = 1e18
#: Greatest denominator of prices; those that have none as small are rounded up to parts of it.
_DENOMINATOR, _CLOSE = 60, 1e-5


# *Items* cover customers: patterns (sites that cover the same ones of the few) and then, one by
# one, each customer's own leave to go unserved. ``mask`` has the customers of each item. A *choice*
# is a list of items that cover all.


# Sorting by hand and loops in place of operations on arrays: a third of the time to compile.


@compiled()
def _order(cost: Any) -> Any:
    """Return the places of costs, cheapest first."""
    order = np.zeros(len(cost), np.int64)
    for each in range(len(cost)):
        at = each
        while at > 0 and cost[order[at - 1]] > cost[each]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = each
    return order


@compiled()
def _worth_using(mask: Any, order: Any) -> Any:
    """Return the items of which none before them covers as much, and how many these are."""
    kept, count = np.zeros(len(mask), np.int64), 0
    for place in range(len(mask)):
        each, is_needed = order[place], True
        for at in range(count):
            if mask[each] & ~mask[kept[at]] == 0:
                is_needed = False
                break
        if is_needed:
            kept[count] = each
            count += 1
    return kept, count


@compiled()
def _by_customer(mask: Any, used: Any, size: Any, count: Any) -> Any:
    """Return the first place of each customer in a list of items by customer, and the list."""
    start = np.zeros(count + 1, np.int64)
    for place in range(size):
        for customer in range(count):
            start[customer + 1] += (mask[used[place]] >> customer) & 1
    for customer in range(count):
        start[customer + 1] += start[customer]
    item = np.zeros(start[count], np.int64)
    for customer in range(count):
        at = start[customer]
        for place in range(size):
            if (mask[used[place]] >> customer) & 1:
                item[at] = used[place]
                at += 1
    return start, item


@compiled()
def _least_costs(mask: Any, count: Any, cost: Any, order: Any, table: Any) -> None:
    """Fill in the least cost of covering each subset of customers, and an item that does it."""
    least, pick = table
    used, size = _worth_using(mask, order)
    start, item = _by_customer(mask, used, size, count)
    least[0] = 0
    for subset in range(1, len(least)):
        first = 0
        while not (subset >> first) & 1:
            first += 1
        chosen = item[start[first]]
        best = cost[chosen] + least[subset & ~mask[chosen]]
        for at in range(start[first] + 1, start[first + 1]):
            each = item[at]
            total = cost[each] + least[subset & ~mask[each]]
            if total < best:
                best, chosen = total, each
        least[subset] = best
        pick[subset] = chosen


@compiled()
def _collect(mask: Any, table: Any, cost: Any, pool: Any, known: Any) -> Any:
    """Add the cheapest choice with each item, cheapest first, where it costs less than 1."""
    (least, pick), (chosen, length) = table, pool
    everyone = len(least) - 1
    total = np.zeros(len(mask))
    for each in range(len(mask)):
        total[each] = cost[each] + least[everyone & ~mask[each]]
    most = min(known + _FRESH, len(length))
    order = _order(total)
    for place in range(len(mask)):
        each = order[place]
        if known == most or total[each] >= 1 - _TINY:
            break
        chosen[known, 0], size = each, 1
        left = everyone & ~mask[each]
        while left:
            chosen[known, size] = pick[left]
            left &= ~mask[pick[left]]
            size += 1
        length[known] = size
        known += 1
    return known


@compiled()
def _enter(pool: Any, known: Any, price: Any) -> Any:
    """Return the column with the greatest profit: a choice, or known + item for a slack; or -1."""
    chosen, length = pool
    best, most = -1, _TINY
    for each in range(known):
        profit = 1.0
        for link in range(length[each]):
            profit -= price[chosen[each, link]]
        if profit > most:
            best, most = each, profit
    for each in range(len(price)):
        if -price[each] > most:
            best, most = len(length) + each, -price[each]
    return best


@compiled()
def _step(column: Any, pool: Any, inverse: Any) -> Any:
    """Return a column in terms of the basis."""
    chosen, length = pool
    step = np.zeros(len(inverse))
    for row in range(len(inverse)):
        if column >= len(length):
            step[row] = inverse[row, column - len(length)]
        else:
            for link in range(length[column]):
                step[row] += inverse[row, chosen[column, link]]
    return step


@compiled()
def _pivot(column: Any, pool: Any, basis: Any, inverse: Any, room: Any) -> Any:
    """Let a column enter the basis; whether that was possible."""
    size = len(room)
    step = _step(column, pool, inverse)
    leave, far = -1, _FAR
    for row in range(size):
        if step[row] > _PIVOT and room[row] / step[row] < far:
            leave, far = row, room[row] / step[row]
    if leave < 0:
        return False
    for each in range(size):
        inverse[leave, each] /= step[leave]
    room[leave] = far
    for row in range(size):
        if row != leave and step[row] != 0.0:
            for each in range(size):
                inverse[row, each] -= step[row] * inverse[leave, each]
            room[row] = max(room[row] - step[row] * far, 0.0)
    basis[leave] = column
    return True


@compiled()
def _even(mask: Any, count: Any) -> Any:
    """Return prices to begin with: the same for each customer."""
    cost = np.zeros(len(mask))
    for each in range(len(mask)):
        for customer in range(count):
            cost[each] += ((mask[each] >> customer) & 1) / (count + 1.0)
    return cost


@compiled()
def _priced(basis: Any, inverse: Any, room: Any, most_known: Any, cost: Any) -> Any:
    """Fill in the prices of a basis, and return what they weigh."""
    total = 0.0
    for each in range(len(room)):
        cost[each] = 0.0
    for row in range(len(room)):
        if basis[row] < most_known:
            total += room[row]
            for each in range(len(room)):
                cost[each] += inverse[row, each]
    return total


@compiled()
def prices(mask: Any, count: Any, weight: Any, how: Any) -> Any:
    """Return prices of items that let each choice cost 1 at least, and weigh least.

    They solve ``min weight @ price, sum of prices of each choice >= 1``, whose dual packs choices
    into weights: the simplex method with columns that the table of least costs finds. ``how`` is
    (greatest weight of use, pivots at most, choices at most). Returns the prices and what they
    weigh, which is above the limit if the prices are of no use.
    """
    limit, most_pivots, most_known = how
    size = len(mask)
    table = (np.zeros(1 << count), np.zeros(1 << count, np.int64))
    pool = (np.zeros((most_known, count + 1), np.int64), np.zeros(most_known, np.int64))
    basis, inverse, room = np.zeros(size, np.int64), np.zeros((size, size)), np.zeros(size)
    for row in range(size):
        basis[row], inverse[row, row], room[row] = most_known + row, 1.0, weight[row]
    cost, known, total = _even(mask, count), 0, 0.0
    for _ in range(most_pivots):
        column = -1 if known == 0 else _enter(pool, known, cost)
        if column < 0:
            _least_costs(mask, count, cost, _order(cost), table)
            if known and table[0][-1] >= 1 - 10 * _TINY:
                return cost, total
            before = known
            known = _collect(mask, table, cost, pool, known)
            if known == before:
                break
            if before == 0:
                _priced(basis, inverse, room, most_known, cost)
            continue
        if not _pivot(column, pool, basis, inverse, room):
            break
        total = _priced(basis, inverse, room, most_known, cost)
        if total > limit:
            return cost, total
    return cost, limit + 1.0


@compiled()
def _whole(price: Any) -> Any:
    """Return prices as multiples of one small fraction, rounded up where there is none."""
    size = len(price)
    found = np.zeros(size, np.int64)
    for parts in range(1, _DENOMINATOR + 1):
        is_close = True
        for each in range(size):
            value = max(price[each], 0.0) * parts
            found[each] = round(value)
            if abs(value - found[each]) > _CLOSE * parts:
                is_close = False
                break
        if is_close:
            return found
    for each in range(size):
        value = max(price[each], 0.0) * _DENOMINATOR
        found[each] = np.int64(np.ceil(value - 1e-4))
    return found


@compiled()
def whole_cut(mask: Any, count: Any, price: Any, others: Any) -> Any:
    """Return whole coefficients of items and of further patterns, and the limit, all exact.

    The limit is the least cost of all choices of the items. A further pattern gets the least
    coefficient with which the limit holds, given those before it (sequential lifting).
    """
    cost = _whole(price)
    least, pick = np.zeros(1 << count, np.int64), np.zeros(1 << count, np.int64)
    _least_costs(mask, count, cost, _order(cost), (least, pick))
    everyone = len(least) - 1
    limit = least[everyone]
    lifted = np.zeros(len(others), np.int64)
    for each in range(len(others)):
        own = others[each]
        value = max(limit - least[everyone & ~own], 0)
        lifted[each] = value
        # From the largest subset on: an item is used once.
        for subset in range(everyone, 0, -1):
            least[subset] = min(least[subset], value + least[subset & ~own])
    return cost, lifted, limit
