"""Compiled pricing of chains of trips: the cheapest way on from a door or a store at a time.

Times lie on a grid. Where they are rounded down, no chain costs less than what is found, so that
it bounds all chains; where they are rounded up, every chain found can be driven.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled

_NONE = -1
_INF = np.inf
#: Columns of the table of orders.
_SERVICE, _EARLIEST, _DEADLINE, _RELEASE = range(4)
#: After them, moment and price of each hinge of lateness.
_HINGES = 4
#: Numbers of a group of couriers.
PER_M, PER_S, LATEST_S, FIRST_S, STEP_S, IS_ROUNDED_UP, NUM_HINGES = range(7)


@compiled(inline="always")
def grid_index(time_s: int, numbers: Any) -> Any:
    """Return the step of the grid that a time is rounded to."""
    since = time_s - numbers[FIRST_S]
    if numbers[IS_ROUNDED_UP]:
        return -((-since) // numbers[STEP_S])
    return since // numbers[STEP_S]


@compiled()
def drive(  # noqa: PLR0917 - compiled code takes no keywords
    load_s: int, stops: Any, size: int, store: Any, orders: Any, legs: Any
) -> Any:
    """Return when a trip leaves its last door, and its lateness; -1 if it misses a window.

    ``store`` has place, opening, closing and loading time; ``legs`` are from stores to doors and
    from doors to doors, seconds.
    """
    time_s = max(load_s, store[1])
    for position in range(size):
        time_s = max(time_s, orders[stops[position], _RELEASE])
    if time_s > store[2]:
        return _NONE, 0
    time_s += store[3]
    late = 0
    for position in range(size):
        order = stops[position]
        if position == 0:
            time_s += legs[0][store[0], order]
        else:
            time_s += legs[1][stops[position - 1], order]
        time_s = max(time_s, orders[order, _EARLIEST])
        if time_s > orders[order, _DEADLINE]:
            return _NONE, 0
        for column in range(_HINGES, orders.shape[1], 2):
            late += max(0, time_s - orders[order, column]) * orders[order, column + 1]
        time_s += orders[order, _SERVICE]
    return time_s, late


@compiled()
def spans(trips: Any, stores: Any, orders: Any, legs: Any) -> Any:
    """Return when each trip is ready, done at the earliest, takes, and is loaded at the latest."""
    stops, sizes, store_of = trips
    found = np.zeros((len(sizes), 4), dtype=np.int64)
    for trip in range(len(sizes)):
        store = stores[store_of[trip]]
        ready_s, high_s, delay_s = store[1], store[2], store[3]
        before = _NONE
        for position in range(sizes[trip]):
            order = stops[trip, position]
            ready_s = max(ready_s, orders[order, _RELEASE])
            delay_s += legs[0][store[0], order] if before == _NONE else legs[1][before, order]
            high_s = min(high_s, orders[order, _DEADLINE] - delay_s)
            delay_s += orders[order, _SERVICE]
            before = order
        done_s, _ = drive(ready_s, stops[trip], sizes[trip], store, orders, legs)
        found[trip, 0], found[trip, 1], found[trip, 2] = ready_s, done_s, delay_s
        found[trip, 3] = high_s if done_s != _NONE else ready_s - 1
    return found


@compiled()
def _fill_stores(  # noqa: PLR0917 - compiled code takes no keywords
    trips: Any,
    reduced: Any,
    span: Any,
    stores: Any,
    orders: Any,
    legs: Any,
    numbers: Any,
    after: Any,
) -> Any:
    """Return the least cost, and the trip, from arriving at a store, (stores, steps)."""
    stops, sizes, store_of = trips
    steps = after.shape[1]
    best = np.full((len(stores), steps), _INF)
    which = np.full((len(stores), steps), _NONE, dtype=np.int32)
    for trip in range(len(sizes)):
        store, size = store_of[trip], sizes[trip]
        ready_s, done_s, delay_s, high_s = span[trip]
        first = max(0, (ready_s - numbers[FIRST_S]) // numbers[STEP_S])
        last = stops[trip, size - 1]
        for step in range(first, steps):
            at_s = max(ready_s, numbers[FIRST_S] + step * numbers[STEP_S])
            if at_s > high_s:
                break
            leave_s, late = max(done_s, at_s + delay_s), 0
            if numbers[NUM_HINGES]:
                leave_s, late = drive(at_s, stops[trip], size, stores[store], orders, legs)
            then = grid_index(leave_s, numbers)
            if then >= steps:
                break
            value = reduced[trip] + late + after[last, max(0, then)]
            if value < best[store, step]:
                best[store, step], which[store, step] = value, trip
    for store in range(len(stores)):
        for step in range(steps - 2, -1, -1):
            if best[store, step + 1] < best[store, step]:
                best[store, step] = best[store, step + 1]
                which[store, step] = which[store, step + 1]
    return best, which


@compiled()
def _fill_doors(home: Any, to_store: Any, at_store: Any, numbers: Any) -> Any:
    """Return the least cost from leaving a door, and the next store, (doors, steps)."""
    best, next_store = home.copy(), np.full(home.shape, _NONE, dtype=np.int32)
    steps = home.shape[1]
    for door in range(len(best)):
        for store in range(len(at_store)):
            way_s = to_store[0][door, store]
            for step in range(steps):
                at_s = numbers[FIRST_S] + step * numbers[STEP_S] + way_s
                then = max(0, grid_index(at_s, numbers))
                if then >= steps:
                    break
                value = to_store[1][door, store] * numbers[PER_M] + at_store[store, then]
                if value < best[door, step]:
                    best[door, step], next_store[door, step] = value, store
    return best, next_store


@compiled()
def go_home(end_s: Any, end_m: Any, steps: int, numbers: Any) -> Any:
    """Return the cost of ending after a door, by the time of leaving it, (doors, steps)."""
    cost = np.full((len(end_s), steps), _INF)
    for door in range(len(end_s)):
        for step in range(steps):
            at_s = numbers[FIRST_S] + step * numbers[STEP_S] + end_s[door]
            if at_s <= numbers[LATEST_S]:
                cost[door, step] = end_m[door] * numbers[PER_M] + at_s * numbers[PER_S]
    return cost


@compiled()
def price(  # noqa: PLR0917 - compiled code takes no keywords
    trips: Any,
    reduced: Any,
    span: Any,
    stores: Any,
    orders: Any,
    legs: Any,
    to_store: Any,
    home: Any,
    numbers: Any,
    most_trips: int,
) -> Any:
    """Return cost and trip at the stores, and next store after doors, by number of trips left.

    Layer ``k`` of the first two, (most_trips, stores, steps), has ``k + 1`` trips left; layer ``k``
    of the third, (most_trips, doors, steps), has ``k``.
    """
    steps = home.shape[1]
    best = np.full((most_trips, len(stores), steps), _INF)
    which = np.full((most_trips, len(stores), steps), _NONE, dtype=np.int32)
    following = np.full((most_trips, len(home), steps), _NONE, dtype=np.int32)
    after = home
    for layer in range(most_trips):
        if layer:
            after, following[layer] = _fill_doors(home, to_store, best[layer - 1], numbers)
        best[layer], which[layer] = _fill_stores(
            trips, reduced, span, stores, orders, legs, numbers, after
        )
    return best, which, following
