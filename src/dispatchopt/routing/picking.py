"""Stores with picking capacity: when orders are ready, given the sequence in which they are picked.

A store with ``pick_s`` has ``pickers`` who take the orders of its sequence in turn: the next order
goes to whoever is free first, who begins when the order is released, and it is ready ``pick_s``
later. So ``60 * pickers / pick_s`` orders per minute is the most that a store can do.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.routing.problem import FAR, RoutingProblem

#: Before the first order, pickers wait.
_FAR_BACK = -(1 << 50)


def has_picking(problem: RoutingProblem) -> bool:
    """Whether some store takes time to pick."""
    return bool((problem.stores.pick_s > 0).any())


def picked_at(problem: RoutingProblem, store: int, sequence: Iterable[int]) -> list[int]:
    """Return when the orders of a store's sequence are ready, in the same order."""
    pick_s = int(problem.stores.pick_s[store])
    release = problem.orders.release_s
    free: list[int] = [_FAR_BACK] * int(min(problem.stores.pickers[store], len(problem.orders)))
    ready = []
    for order in sequence:
        done = max(heapq.heappop(free), int(release[order])) + pick_s
        heapq.heappush(free, done)
        ready.append(done)
    return ready


def without_picking(problem: RoutingProblem) -> RoutingProblem:
    """Return a relaxation in which every order is picked at once, and stays fresh.

    Whatever is possible at some cost is possible there at no more: no order is ready earlier than
    when the quickest of its stores picks nothing else.
    """
    if not has_picking(problem):
        return problem
    orders, stores = problem.orders, problem.stores
    soonest = orders.release_s.copy()
    is_slow = np.zeros(len(orders), dtype=np.bool_)
    for order in np.flatnonzero(~orders.has_pickup).tolist():
        own = stores.pick_s[problem.stores_of_order(order)]
        if len(own):
            soonest[order] += int(own.min())
            is_slow[order] = bool((own > 0).any())
    return problem.replace(
        orders=orders.replace(
            release_s=np.minimum(soonest, FAR),
            max_age_s=np.where(is_slow, FAR, orders.max_age_s),
        ),
        stores=stores.replace(pick_s=0, pickers=1),
    )


def as_picked(
    problem: RoutingProblem, picks: Sequence[Sequence[int]], *, are_others_last: bool = False
) -> RoutingProblem:
    """Return the problem in which orders are ready when a sequence of picking says so.

    Parameters
    ----------
    problem, picks
        The problem, and a sequence of orders per store; what is in none of them is ready as if it
        were picked at once.
    are_others_last
        Whether orders in no sequence are ready as if they came next at the soonest of their stores.
    """
    if not has_picking(problem):
        return problem
    orders, stores = problem.orders, problem.stores
    ready = without_picking(problem).orders.release_s.copy()
    for store, sequence in enumerate(picks):
        if stores.pick_s[store] > 0:
            ready[list(sequence)] = picked_at(problem, store, sequence)
    if are_others_last:
        listed = {order for sequence in picks for order in sequence}
        for order in np.flatnonzero(~orders.has_pickup).tolist():
            own = problem.stores_of_order(order).tolist()
            if order not in listed and own:
                ready[order] = min(_next(problem, store, picks, order) for store in own)
    return problem.replace(
        orders=orders.replace(release_s=np.minimum(ready, FAR)),
        stores=stores.replace(pick_s=0, pickers=1),
    )


def _next(problem: RoutingProblem, store: int, picks: Sequence[Sequence[int]], order: int) -> int:
    if problem.stores.pick_s[store] == 0:
        return int(problem.orders.release_s[order])
    before = picks[store] if store < len(picks) else ()
    return picked_at(problem, store, [*before, order])[-1]


def sequence_for(
    problem: RoutingProblem, due_s: IntArray, store_of: IntArray
) -> tuple[tuple[int, ...], ...]:
    """Return sequences of picking by due time, each picker on what is there and due first.

    Parameters
    ----------
    problem
        The problem.
    due_s
        By when each order should be ready, shape (num_orders,).
    store_of
        Where it is picked; -1 if nowhere, shape (num_orders,).
    """
    found = []
    for store in range(len(problem.stores)):
        own = np.flatnonzero(store_of == store).tolist() if problem.stores.pick_s[store] else []
        found.append(_by_due(problem, store, own, due_s))
    return tuple(found)


def _by_due(
    problem: RoutingProblem, store: int, own: list[int], due_s: IntArray
) -> tuple[int, ...]:
    release, pick_s = problem.orders.release_s, int(problem.stores.pick_s[store])
    waiting: list[tuple[int, int]] = []
    to_come = sorted(own, key=lambda order: (int(release[order]), int(due_s[order]), order))
    to_come.reverse()
    free = [_FAR_BACK] * int(min(problem.stores.pickers[store], max(1, len(own))))
    heapq.heapify(free)
    sequence = []
    while to_come or waiting:
        now = heapq.heappop(free)
        if not waiting and to_come:
            now = max(now, int(release[to_come[-1]]))
        while to_come and release[to_come[-1]] <= now:
            order = to_come.pop()
            heapq.heappush(waiting, (int(due_s[order]), order))
        _, order = heapq.heappop(waiting)
        sequence.append(order)
        heapq.heappush(free, now + pick_s)
    return tuple(sequence)


__all__ = [
    "as_picked",
    "has_picking",
    "picked_at",
    "sequence_for",
    "without_picking",
]
