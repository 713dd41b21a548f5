"""Compiled search for trips whose cost is below the prices of their orders."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled
from dispatchopt.routing._trip_kernel import NUM_HINGES, one_sequence

_FIRST_ROOM = 2_048


@compiled()
def in_time(some: Any, orders: Any, legs: Any, numbers: Any, slacks: Any) -> Any:
    """Return which of ``some`` orders may follow which, at once, shape (count, count)."""
    count = len(some)
    may = np.zeros((count, count), dtype=np.bool_)
    pair = np.zeros(2, dtype=np.int64)
    events = np.zeros((2 * numbers[NUM_HINGES], 4), dtype=np.int64)
    for first in range(count):
        for second in range(count):
            if first != second:
                pair[0], pair[1] = some[first], some[second]
                _, late, far = one_sequence(pair, orders, legs, numbers, events)
                may[first, second] = late <= slacks[0] and far <= slacks[1]
    return may


@compiled()
def completions(arcs: Any, ends: Any, most: int) -> Any:
    """Return the least cost from each order to the end over at most so many more orders.

    Orders may come twice, but not with only one between. ``best[r, i]`` goes next to ``to[r, i]``
    (-1: to the end), ``other[r, i]`` is the least that does not.
    """
    count = len(ends)
    best = np.full((most + 1, count), np.inf)
    other = np.full((most + 1, count), np.inf)
    to = np.full((most + 1, count), -1, dtype=np.int64)
    best[0] = ends
    for more in range(1, most + 1):
        for i in range(count):
            first, second, at = ends[i], np.inf, -1
            for j in range(count):
                arc = arcs[i, j]
                if arc == np.inf:
                    continue
                rest = other[more - 1, j] if to[more - 1, j] == i else best[more - 1, j]
                value = arc + rest
                if value < first:
                    first, second, at = value, first, j
                elif value < second:
                    second = value
            best[more, i], other[more, i], to[more, i] = first, second, at
    return best, other, to


@compiled()
def _longer(sequences: Any, reduced: Any, costs: Any, size: int) -> Any:
    """Return the tables with more rows."""
    count = len(costs)
    more_sequences = np.full((size, sequences.shape[1]), -1, dtype=np.int64)
    more_reduced = np.full(size, np.inf)
    more_costs = np.zeros(size, dtype=np.int64)
    more_sequences[:count] = sequences
    more_reduced[:count] = reduced
    more_costs[:count] = costs
    return more_sequences, more_reduced, more_costs


@compiled()
def trips_below(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one search, without keywords
    threshold: float,
    room: int,
    some: Any,
    paid: Any,
    arcs: Any,
    tables: Any,
    loads: Any,
    cuts: Any,
    orders: Any,
    legs: Any,
    numbers: Any,
    most: int,
    slacks: Any,
    most_nodes: int,
) -> Any:
    """Return sequences of positions in ``some`` with reduced cost below a threshold, and that.

    Depth first; ``arcs[0]`` are the ways from the store, the others from each order. Where there is
    no room for all, the threshold is lowered, so that all below the one returned are there. It is
    minus infinity if there were too many nodes to end. ``cuts`` are, per position, where its
    subset-row cuts begin in a list of their numbers, the list, and what each costs a trip that
    holds two of its orders: that only grows as orders are added.
    """
    best, other, to = tables
    load, capacity = loads
    cut_start, cut_of, cut_price = cuts
    count = len(some)
    # Little is found as a rule: large tables would take longer to fill than the search.
    size = min(room, _FIRST_ROOM)
    sequences = np.full((size, most), -1, dtype=np.int64)
    reduced = np.full(size, np.inf)
    costs = np.zeros(size, dtype=np.int64)
    found = 0
    path = np.zeros(most, dtype=np.int64)
    stops = np.zeros(most, dtype=np.int64)
    following = np.zeros(most + 1, dtype=np.int64)
    partial = np.zeros(most + 1)
    gain = np.zeros(most + 1)
    fined = np.zeros(most + 1)
    met = np.zeros(len(cut_price), dtype=np.int64)
    weight = np.zeros((most + 1, load.shape[1]), dtype=np.int64)
    is_held = np.zeros(count, dtype=np.bool_)
    events = np.zeros((most * numbers[NUM_HINGES], 4), dtype=np.int64)
    nodes = 0
    depth = 0
    while depth >= 0:
        order = following[depth]
        if order >= count:
            depth -= 1
            if depth >= 0:
                last = path[depth]
                is_held[last] = False
                for at in range(cut_start[last], cut_start[last + 1]):
                    met[cut_of[at]] -= 1
            continue
        following[depth] += 1
        if is_held[order]:
            continue
        row = 0 if depth == 0 else 1 + path[depth - 1]
        left = most - depth - 1
        after = partial[depth] + arcs[row, order]
        if after + best[left, order] >= threshold - fined[depth]:
            continue
        fine = fined[depth]
        for at in range(cut_start[order], cut_start[order + 1]):
            if met[cut_of[at]] == 1:
                fine += cut_price[cut_of[at]]
        if after + best[left, order] >= threshold - fine:
            continue
        at = to[left, order]
        if at >= 0 and is_held[at] and after + other[left, order] >= threshold - fine:
            continue
        fits = True
        for kind in range(load.shape[1]):
            weight[depth + 1, kind] = weight[depth, kind] + load[some[order], kind]
            if weight[depth + 1, kind] > capacity[kind]:
                fits = False
        if not fits:
            continue
        path[depth], stops[depth] = order, some[order]
        nodes += 1
        if nodes > most_nodes:
            threshold = -np.inf
            break
        cost, late, far = one_sequence(stops[: depth + 1], orders, legs, numbers, events)
        if late > left * slacks[0] or far > left * slacks[1]:
            continue
        gain[depth + 1] = gain[depth] + paid[order]
        value = cost - gain[depth + 1] - paid[count] + fine
        if late <= 0 and far <= 0 and value < threshold:
            if found == size and size < room:
                size = min(2 * size, room)
                sequences, reduced, costs = _longer(sequences, reduced, costs, size)
            elif found == room:
                threshold = np.partition(reduced, room // 2)[room // 2]
                found = 0
                for number in range(room):
                    if reduced[number] < threshold:
                        sequences[found] = sequences[number]
                        reduced[found] = reduced[number]
                        costs[found] = costs[number]
                        found += 1
            if value < threshold:
                sequences[found] = -1
                sequences[found, : depth + 1] = path[: depth + 1]
                reduced[found] = value
                costs[found] = cost
                found += 1
        if left > 0:
            is_held[order] = True
            for at in range(cut_start[order], cut_start[order + 1]):
                met[cut_of[at]] += 1
            partial[depth + 1] = after
            fined[depth + 1] = fine
            following[depth + 1] = 0
            depth += 1
    return sequences[:found], costs[:found], reduced[:found], threshold
