"""The plan that compiled ruin and recreate works on: chains of nodes, their times and loads.

Nodes are the orders, then a start and an end per courier in turn, then visits to the store between
two trips. A visit (or start) holds when its trip is ready and how much it carries, so that most
insertions are judged in constant time. Arrays are handed on one by one: in tuples compiled code
would count who holds each of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled

#: Last axis of ``ways``, by place and place: there, and from there back, so that all that is asked
#: of one order lies in one row.
METRES, SECONDS, METRES_BACK, SECONDS_BACK = range(4)
#: Rows of ``given``, a column per node. The class of the courier and what follows are known of
#: starts: ``UNIT`` is the cost of a metre, ``MOST_M`` and ``MOST_S`` the longest route.
PLACE, EARLY, LATE, SERVICE, LOAD, RELEASE, REFUSAL = range(7)
KIND, CAPACITY, UNIT, FIXED, MOST_TRIPS, MOST_M, MOST_S = range(7, 14)
GIVEN_SIZE = 14
#: Rows of ``plan``. ``VISIT`` is what loads an order; ``CARRIED``, ``READY``, ``SIZE`` of a visit
#: are load, ready time and orders of its trip; ``COST``, ``LENGTH``, ``TRIPS`` of a start those of
#: its route, ``WORK`` its seconds under way and in service. ``LATEST`` is when a node may be
#: arrived at so that the rest is in time.
AFTER, BEFORE, ROUTE, VISIT, ARRIVAL, BEGIN, LATEST, CARRIED, READY, SIZE = range(10)
#: ``LEG_M`` and ``LEG_S`` are the way to the following node.
COST, LENGTH, TRIPS, LEG_M, LEG_S, WORK = range(10, 16)
PLAN_SIZE = 16
#: Sets, each with a row of members and one of their positions (-1: not in it): free visits, routes
#: without orders, orders in no trip. Their sizes stand first in ``meta``.
VISITS, EMPTY, ABSENT = range(3)
#: Entries of ``meta``: cost of the plan and of the best one, the length of the latter's text, state
#: of the random numbers, whether couriers make several trips.
NUM_ORDERS, NUM_ROUTES, TOTAL, BEST, BEST_SIZE, RANDOM, MANY_TRIPS = range(3, 10)
#: Of routes that were met: how many, and the length of their text.
NUM_MET, MET_SIZE = range(10, 12)
#: Of the step under way: orders out, routes touched, length of their text, their cost before, and
#: how many times its refusal an order may add, as the first one of a trip pays for those to come.
NUM_OUT, NUM_TOUCHED, SAVED_SIZE, COST_BEFORE, EAGERNESS = range(12, 17)
#: Number of classes of couriers.
NUM_KINDS = 17
META_SIZE = 18
_FAR = 1 << 60


@compiled(error_model="numpy")
def uniform(meta: Any) -> float:
    """Return the next number from [0, 1) (xorshift*; Vigna 2016)."""
    x = np.uint64(meta[RANDOM])
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    meta[RANDOM] = np.int64(x)
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) * (1.0 / (1 << 53))


@compiled(error_model="numpy")
def add(group: int, member: int, sets: Any, meta: Any) -> None:
    """Put a member into a set."""
    if sets[2 * group + 1, member] < 0:
        sets[2 * group + 1, member] = meta[group]
        sets[2 * group, meta[group]] = member
        meta[group] += 1


@compiled(error_model="numpy")
def drop(group: int, member: int, sets: Any, meta: Any) -> None:
    """Take a member out of a set."""
    at = sets[2 * group + 1, member]
    if at >= 0:
        meta[group] -= 1
        last = sets[2 * group, meta[group]]
        sets[2 * group, at] = last
        sets[2 * group + 1, last] = at
        sets[2 * group + 1, member] = -1


@compiled(error_model="numpy")
def link(node: int, previous: int, plan: Any) -> None:
    """Put a node after another one."""
    following = plan[AFTER, previous]
    plan[AFTER, previous], plan[BEFORE, node] = node, previous
    plan[AFTER, node], plan[BEFORE, following] = following, node


@compiled(error_model="numpy")
def unlink(node: int, plan: Any) -> None:
    """Take a node out of its chain."""
    previous, following = plan[BEFORE, node], plan[AFTER, node]
    plan[AFTER, previous], plan[BEFORE, following] = following, previous


@compiled(error_model="numpy")
def settle(visit: int, start: int, given: Any) -> None:
    """Let a visit be to the store of a start."""
    for row in range(SERVICE + 1):
        given[row, visit] = given[row, start]


@compiled(error_model="numpy")
def _tidy(route: int, plan: Any, sets: Any, meta: Any) -> None:
    """Take visits that load nothing out of a route."""
    n = meta[NUM_ORDERS]
    first_visit = n + 2 * meta[NUM_ROUTES]
    start = n + 2 * route
    node = plan[AFTER, start]
    while node != start + 1:
        following = plan[AFTER, node]
        # The visit before another one, or before the end, or right after the start.
        if node >= n and (following >= n or plan[BEFORE, node] == start):
            unlink(node, plan)
            add(VISITS, node - first_visit, sets, meta)
        node = following


@compiled(error_model="numpy")
def _fill(route: int, ways: Any, given: Any, plan: Any, meta: Any) -> None:
    """Compute loads, ready times and cost of a route that has orders."""
    n = meta[NUM_ORDERS]
    start = n + 2 * route
    plan[CARRIED, start], plan[READY, start], plan[SIZE, start] = 0, -_FAR, 0
    visit, previous, node = start, start, plan[AFTER, start]
    trips, length, work = 1, 0, 0
    while True:
        here, there = given[PLACE, previous], given[PLACE, node]
        plan[LEG_M, previous] = ways[here, there, METRES]
        plan[LEG_S, previous] = ways[here, there, SECONDS]
        length += plan[LEG_M, previous]
        work += given[SERVICE, previous] + plan[LEG_S, previous]
        if node == start + 1:
            break
        plan[ROUTE, node] = route
        if node >= n:
            trips += 1
            visit = node
            plan[CARRIED, node], plan[READY, node], plan[SIZE, node] = 0, -_FAR, 0
        else:
            plan[CARRIED, visit] += given[LOAD, node]
            plan[READY, visit] = max(plan[READY, visit], given[RELEASE, node])
            plan[SIZE, visit] += 1
            plan[VISIT, node] = visit
        previous, node = node, plan[AFTER, node]
    plan[COST, start] = given[FIXED, start] + length * given[UNIT, start]
    plan[LENGTH, start], plan[TRIPS, start], plan[WORK, start] = length, trips, work


@compiled(error_model="numpy")
def renew(route: int, ways: Any, given: Any, plan: Any, sets: Any, meta: Any) -> bool:  # noqa: PLR0917 - compiled code takes no keywords
    """Compute times, loads and cost of a route anew; returns whether it keeps its times."""
    n = meta[NUM_ORDERS]
    start, end = n + 2 * route, n + 2 * route + 1
    _tidy(route, plan, sets, meta)
    if plan[AFTER, start] == end:
        plan[COST, start], plan[LENGTH, start], plan[TRIPS, start], plan[WORK, start] = 0, 0, 0, 0
        plan[CARRIED, start], plan[READY, start], plan[SIZE, start] = 0, -_FAR, 0
        # What a first trip is compared with: it ends by the end of the shift.
        plan[ARRIVAL, end], plan[LATEST, end] = given[EARLY, start], given[LATE, end]
        add(EMPTY, route, sets, meta)
        return True
    drop(EMPTY, route, sets, meta)
    _fill(route, ways, given, plan, meta)
    is_kept = plan[LENGTH, start] <= given[MOST_M, start]
    node = start
    plan[ARRIVAL, start] = given[EARLY, start]
    # Waiting under way, and by how much the start may be later (Savelsbergh 1992).
    waits, slack = 0, _FAR
    while True:
        begin = max(plan[ARRIVAL, node], given[EARLY, node])
        if node >= n and node != end:
            begin = max(begin, plan[READY, node])
        plan[BEGIN, node] = begin
        is_kept &= begin <= given[LATE, node]
        if node != start:
            waits += begin - plan[ARRIVAL, node]
        slack = min(slack, given[LATE, node] - begin + waits)
        if node == end:
            break
        following = plan[AFTER, node]
        plan[ARRIVAL, following] = begin + given[SERVICE, node] + plan[LEG_S, node]
        node = following
    is_kept &= plan[WORK, start] + waits - min(waits, slack) <= given[MOST_S, start]
    plan[LATEST, end] = given[LATE, end]
    while node != start:
        previous = plan[BEFORE, node]
        limit = plan[LATEST, node] - plan[LEG_S, previous] - given[SERVICE, previous]
        plan[LATEST, previous] = min(given[LATE, previous], limit)
        node = previous
    return bool(is_kept)


@compiled(error_model="numpy")
def tell(route: int, into: Any, used: int, plan: Any, meta: Any) -> int:
    """Write a route down: its number, its nodes, -2; returns the end."""
    n = meta[NUM_ORDERS]
    into[used] = route
    used += 1
    node = plan[AFTER, n + 2 * route]
    while node != n + 2 * route + 1:
        into[used] = node
        used += 1
        node = plan[AFTER, node]
    into[used] = -2
    return used + 1


@compiled(error_model="numpy")
def dump(plan: Any, meta: Any, into: Any) -> int:
    """Write the plan down, route after route; returns the length."""
    used = 0
    for route in range(meta[NUM_ROUTES]):
        if plan[TRIPS, meta[NUM_ORDERS] + 2 * route]:
            used = tell(route, into, used, plan, meta)
    return used


@compiled(error_model="numpy")
def touch(route: int, touched: Any, is_touched: Any, saved: Any, plan: Any, meta: Any) -> None:  # noqa: PLR0917 - compiled code takes no keywords
    """Write a route down before the first change of a step."""
    if is_touched[route]:
        return
    is_touched[route] = True
    touched[meta[NUM_TOUCHED]] = route
    meta[NUM_TOUCHED] += 1
    meta[SAVED_SIZE] = tell(route, saved, meta[SAVED_SIZE], plan, meta)
    meta[COST_BEFORE] += plan[COST, meta[NUM_ORDERS] + 2 * route]


@compiled(error_model="numpy")
def restore(  # noqa: PLR0917 - compiled code takes no keywords
    touched: Any, saved: Any, ways: Any, given: Any, plan: Any, sets: Any, meta: Any
) -> None:
    """Bring the routes that a step has touched back."""
    n = meta[NUM_ORDERS]
    first_visit = n + 2 * meta[NUM_ROUTES]
    for number in range(meta[NUM_TOUCHED]):
        start = n + 2 * touched[number]
        node = plan[AFTER, start]
        while node != start + 1:
            if node >= n:
                add(VISITS, node - first_visit, sets, meta)
            else:
                plan[ROUTE, node] = -1
                add(ABSENT, node, sets, meta)
            node = plan[AFTER, node]
    position = 0
    while position < meta[SAVED_SIZE]:
        route = saved[position]
        start = n + 2 * route
        plan[AFTER, start], plan[BEFORE, start + 1] = start + 1, start
        position += 1
        while saved[position] != -2:
            node = saved[position]
            link(node, plan[BEFORE, start + 1], plan)
            if node >= n:
                drop(VISITS, node - first_visit, sets, meta)
                settle(node, start, given)
            else:
                plan[ROUTE, node] = route
                drop(ABSENT, node, sets, meta)
            position += 1
        position += 1
    for number in range(meta[NUM_TOUCHED]):
        renew(touched[number], ways, given, plan, sets, meta)
