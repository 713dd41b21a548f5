"""Compiled annealing on tables of costs; imported only where bounds and swaps leave a gap.

Compiled code is kept on disk, so that only the first use on a machine waits for the compiler.
"""

from __future__ import annotations

import math
from typing import Any

from dispatchopt.core.compiled import compiled
from dispatchopt.siting.engines._cover_kernels import draw

# A ``ground`` is (costs by column and row, nearest columns of each row, their costs, first entry of
# each column, its rows, their costs, prices, costs of opening, columns that stay open). A ``state``
# is (open columns in the first places, place of each column or -1, columns by rank, costs by rank,
# chains, number of open columns); ranks are nearest and second nearest open column, the number of
# columns standing for none. ``chains`` link the rows of each column and rank: heads, next and last
# row of each.


@compiled()
def attach(row: Any, rank: Any, column: Any, cost: Any, state: Any) -> None:
    """Let a column be the nearest (0) or second nearest (1) of a row."""
    _, _, column_at, cost_at, (head, after, before), _ = state
    column_at[rank, row], cost_at[rank, row] = column, cost
    first = head[rank, column]
    after[rank, row], before[rank, row] = first, -1
    if first >= 0:
        before[rank, first] = row
    head[rank, column] = row


@compiled()
def detach(row: Any, rank: Any, state: Any) -> None:
    """Take a row out of the chain of its nearest (0) or second nearest (1) column."""
    _, _, column_at, _, (head, after, before), _ = state
    ahead, behind = before[rank, row], after[rank, row]
    if ahead >= 0:
        after[rank, ahead] = behind
    else:
        head[rank, column_at[rank, row]] = behind
    if behind >= 0:
        before[rank, behind] = ahead


@compiled()
def following(row: Any, other: Any, ground: Any, state: Any) -> Any:
    """Return the nearest open column of a row but one, as it serves it; the last one for none."""
    cost, near, near_cost, _, _, _, price, _, _ = ground
    members, place, _, _, _, count = state
    none = len(place)
    for at in range(near.shape[1]):
        column = near[row, at]
        if near_cost[row, at] >= price[row]:
            return none
        if place[column] >= 0 and column != other:
            return column
    found, least = none, price[row]
    if near.shape[1] < none:
        for at in range(count[0]):
            column = members[at]
            if column != other and cost[column, row] < least:
                found, least = column, cost[column, row]
    return found


@compiled()
def enter(column: Any, ground: Any, state: Any) -> Any:
    """Open a column; return by how much costs fall, its own apart."""
    _, _, _, start, row_of, cost_of, _, _, _ = ground
    members, place, column_at, cost_at, _, count = state
    members[count[0]], place[column] = column, count[0]
    count[0] += 1
    saved = 0.0
    for at in range(start[column], start[column + 1]):
        row = row_of[at]
        own = cost_of[at]
        if own < cost_at[0, row]:
            saved += cost_at[0, row] - own
            detach(row, 1, state)
            attach(row, 1, column_at[0, row], cost_at[0, row], state)
            detach(row, 0, state)
            attach(row, 0, column, own, state)
        elif own < cost_at[1, row]:
            detach(row, 1, state)
            attach(row, 1, column, own, state)
    return saved


@compiled()
def leave(column: Any, ground: Any, state: Any) -> Any:
    """Close a column; return by how much costs rise, its own apart."""
    cost, _, _, _, _, _, price, _, _ = ground
    members, place, column_at, cost_at, (head, _, _), count = state
    none = len(place)
    count[0] -= 1
    last = members[count[0]]
    members[place[column]], place[last] = last, place[column]
    place[column] = -1
    lost = 0.0
    while head[0, column] >= 0:
        row = head[0, column]
        detach(row, 0, state)
        detach(row, 1, state)
        into = column_at[1, row]
        lost += cost_at[1, row] - cost_at[0, row]
        attach(row, 0, into, cost_at[1, row], state)
        second = following(row, into, ground, state) if into < none else none
        attach(row, 1, second, cost[second, row] if second < none else price[row], state)
    while head[1, column] >= 0:
        row = head[1, column]
        detach(row, 1, state)
        second = following(row, column_at[0, row], ground, state)
        attach(row, 1, second, cost[second, row] if second < none else price[row], state)
    return lost


@compiled()
def begin(ground: Any, state: Any) -> Any:
    """Rank the open columns of all rows; return what the rows cost."""
    cost, _, _, _, _, _, price, _, _ = ground
    place = state[1]
    none, total = len(place), 0.0
    for row in range(len(price)):
        first = following(row, -1, ground, state)
        second = following(row, first, ground, state) if first < none else none
        for rank, column in enumerate((first, second)):
            attach(row, rank, column, cost[column, row] if column < none else price[row], state)
        total += state[3][0, row]
    return total


@compiled()
def change_of(out: Any, into: Any, ground: Any, state: Any) -> Any:
    """Return what a swap changes; -1 as ``out`` or ``into``: a column only opens or closes."""
    cost, _, _, start, row_of, cost_of, _, opening, _ = ground
    _, _, column_at, cost_at, (head, after, _), _ = state
    change = 0.0
    if out >= 0:
        change -= opening[out]
        row = head[0, out]
        while row >= 0:
            rest = cost_at[1, row]
            if into >= 0 and cost[into, row] < rest:
                rest = cost[into, row]
            change += rest - cost_at[0, row]
            row = after[0, row]
    if into >= 0:
        change += opening[into]
        for at in range(start[into], start[into + 1]):
            row = row_of[at]
            if cost_of[at] < cost_at[0, row] and column_at[0, row] != out:
                change += cost_of[at] - cost_at[0, row]
    return change


@compiled()
def proposed(most: Any, seed: Any, near: Any, state: Any) -> Any:
    """Return columns to close and to open, near to a row drawn at random; -1 for none of them.

    Nothing to be done is told as twice -1.
    """
    members, place, column_at, _, _, count = state
    none = len(place)
    row = draw(seed, near.shape[0])
    part = draw(seed, 1 << 30) / (1 << 30)
    into = near[row, int(near.shape[1] * part * part)]
    kind = draw(seed, 128)
    if kind < 16 and count[0] < most:
        out = -1
    elif kind < 72:
        out = column_at[0, row]
    elif kind < 112:
        out = column_at[1, row]
    else:
        out = members[draw(seed, count[0])] if count[0] > 0 else none
    if out >= 0 and draw(seed, 8) == 0:
        into = -1
    if out == none or (into >= 0 and place[into] >= 0):
        return -1, -1
    return out, into


@compiled()
def anneal(how: Any, best: Any, ground: Any, state: Any) -> Any:
    """Take so many random moves at falling temperature; return the last value and the best one.

    ``how`` is (steps, first and last temperature, random bits, most open columns, value now, best
    value so far); ``best`` tells which columns are open where that is beaten.
    """
    near, opening, is_fixed = ground[1], ground[7], ground[8]
    place = state[1]
    steps, warm, last, seed, most, value, reached = how
    cooling = (last / warm) ** (1.0 / max(1, steps // 100))
    for step in range(steps):
        if step % 100 == 99:
            warm *= cooling
        out, into = proposed(most, seed, near, state)
        if (out < 0 and into < 0) or (out >= 0 and is_fixed[out]):
            continue
        change = change_of(out, into, ground, state)
        if change > 0 and draw(seed, 1 << 30) >= math.exp(-change / warm) * (1 << 30):
            continue
        if into >= 0:
            value += opening[into] - enter(into, ground, state)
        if out >= 0:
            value += leave(out, ground, state) - opening[out]
        if value < reached:
            reached = value
            for column in range(len(place)):
                best[column] = place[column] >= 0
    return value, reached
