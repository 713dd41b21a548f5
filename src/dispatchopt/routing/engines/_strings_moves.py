"""Compiled moves of ruin and recreate: where an order may go, and strings of orders taken out."""

from __future__ import annotations

from typing import Any

from dispatchopt.core.compiled import compiled
from dispatchopt.routing.engines._strings_plan import (
    AFTER,
    ARRIVAL,
    BEFORE,
    BEGIN,
    CAPACITY,
    CARRIED,
    EAGERNESS,
    EARLY,
    EMPTY,
    FIXED,
    KIND,
    LATE,
    LATEST,
    LEG_M,
    LEG_S,
    LENGTH,
    LOAD,
    MANY_TRIPS,
    METRES,
    METRES_BACK,
    MOST_M,
    MOST_S,
    MOST_TRIPS,
    NUM_KINDS,
    NUM_ORDERS,
    NUM_OUT,
    NUM_ROUTES,
    PLACE,
    READY,
    REFUSAL,
    RELEASE,
    ROUTE,
    SECONDS,
    SECONDS_BACK,
    SERVICE,
    SIZE,
    TRIPS,
    UNIT,
    VISIT,
    VISITS,
    WORK,
    drop,
    link,
    settle,
    uniform,
    unlink,
)

#: Shares of insertions passed over, of strings that keep a part, and of kept parts that grow.
_BLINK, _SPLIT, _GROW = 0.01, 0.5, 0.01


@compiled(error_model="numpy")
def _fits(order: int, previous: int, ways: Any, given: Any, plan: Any, meta: Any) -> bool:  # noqa: PLR0917 - compiled code takes no keywords
    """Whether an order may be served after a node of a route, in time."""
    n = meta[NUM_ORDERS]
    here, following = given[PLACE, order], plan[AFTER, previous]
    lead = given[SERVICE, previous] + ways[here, given[PLACE, previous], SECONDS_BACK]
    tail = given[SERVICE, order] + ways[here, given[PLACE, following], SECONDS]
    start = n + 2 * plan[ROUTE, previous]
    longer = lead + tail - given[SERVICE, previous] - plan[LEG_S, previous]
    if plan[WORK, start] + longer > given[MOST_S, start]:
        return False
    # As if nothing had to wait for it: most places are out of the question even so.
    time = max(plan[BEGIN, previous] + lead, given[EARLY, order])
    if time > given[LATE, order] or time + tail > plan[LATEST, following]:
        return False
    visit = previous if previous >= n else plan[VISIT, previous]
    if plan[CARRIED, visit] + given[LOAD, order] > given[CAPACITY, start]:
        return False
    if given[RELEASE, order] <= plan[READY, visit]:
        return True
    time = max(plan[BEGIN, visit], given[RELEASE, order])
    if time > plan[LATEST, visit]:
        return False
    node = visit
    while node != previous:
        then = plan[AFTER, node]
        leg = plan[LEG_S, node]
        time = max(given[EARLY, then], time + given[SERVICE, node] + leg)
        if time > plan[LATEST, then]:
            return False
        if time == plan[BEGIN, then]:
            return True
        node = then
    time = max(time + lead, given[EARLY, order])
    return bool(time <= given[LATE, order] and time + tail <= plan[LATEST, following])


@compiled(error_model="numpy")
def _fits_alone(  # noqa: PLR0917 - compiled code takes no keywords
    order: int, visit: int, start: int, ways: Any, given: Any, plan: Any
) -> bool:
    """Whether a trip of one order fits before the trip that a visit loads, or before the end."""
    store, here = given[PLACE, start], given[PLACE, order]
    if given[LOAD, order] > given[CAPACITY, start]:
        return False
    work = given[SERVICE, start] + ways[here, store, SECONDS_BACK]
    work += given[SERVICE, order] + ways[here, store, SECONDS]
    if plan[WORK, start] + work > given[MOST_S, start]:
        return False
    time = max(plan[ARRIVAL, visit], given[EARLY, start], given[RELEASE, order])
    if time > given[LATE, start]:
        return False
    time = max(given[EARLY, order], time + given[SERVICE, start] + ways[here, store, SECONDS_BACK])
    if time > given[LATE, order]:
        return False
    return bool(time + given[SERVICE, order] + ways[here, store, SECONDS] <= plan[LATEST, visit])


@compiled(error_model="numpy")
def _detour(order: int, previous: int, ways: Any, given: Any, plan: Any) -> int:
    """Return what an order after a node adds to the length."""
    here, there = given[PLACE, order], given[PLACE, previous]
    then = given[PLACE, plan[AFTER, previous]]
    return int(ways[here, there, METRES_BACK] + ways[here, then, METRES] - plan[LEG_M, previous])


@compiled(error_model="numpy")
def place_for(  # noqa: PLR0917 - compiled code takes no keywords
    order: int, beside: Any, ways: Any, given: Any, plan: Any, sets: Any, meta: Any
) -> int:
    """Find the cheapest place for an order.

    Returns the node to follow, or ``-2 - node`` for a trip of its own before a visit, or -1.
    """
    n = meta[NUM_ORDERS]
    best, chosen = meta[EAGERNESS] * given[REFUSAL, order], -1
    width = beside.shape[1] // 2
    for column in range(2 * width):
        other = beside[order, column]
        if other < 0:
            continue
        route = plan[ROUTE, other]
        if route < 0:
            continue
        previous = other if column % 2 == 0 else plan[BEFORE, other]
        if column % 2 and previous < n and width >= n - 1:
            # Every order is looked at: after that one this place has been tried.
            continue
        start = n + 2 * route
        longer = _detour(order, previous, ways, given, plan)
        more = longer * given[UNIT, start]
        if (
            more < best
            and plan[LENGTH, start] + longer <= given[MOST_M, start]
            and uniform(meta) >= _BLINK
            and _fits(order, previous, ways, given, plan, meta)
        ):
            best, chosen = more, previous
    if meta[MANY_TRIPS]:
        best, chosen = _further_trip(order, best, chosen, ways, given, plan, meta)
    return int(_first_trip(order, best, chosen, ways, given, plan, sets, meta))


@compiled(error_model="numpy")
def _further_trip(  # noqa: PLR0917 - compiled code takes no keywords
    order: int, best: int, chosen: int, ways: Any, given: Any, plan: Any, meta: Any
) -> tuple[int, int]:
    """Look for a trip of its own of a courier on the way, cheaper than what was found."""
    n, num = meta[NUM_ORDERS], meta[NUM_ROUTES]
    here = given[PLACE, order]
    first = int(uniform(meta) * num)
    for number in range(num):
        start = n + 2 * ((first + number) % num)
        if not 0 < plan[TRIPS, start] < given[MOST_TRIPS, start]:
            continue
        store = given[PLACE, start]
        longer = ways[here, store, METRES_BACK] + ways[here, store, METRES]
        if longer * given[UNIT, start] >= best:
            continue
        if plan[LENGTH, start] + longer > given[MOST_M, start]:
            continue
        node = start
        while True:
            if node >= n and _fits_alone(order, node, start, ways, given, plan):
                best, chosen = longer * given[UNIT, start], -2 - node
                break
            if node == start + 1:
                break
            node = plan[AFTER, node]
    return best, chosen


@compiled(error_model="numpy")
def _first_trip(  # noqa: PLR0917 - compiled code takes no keywords
    order: int, best: int, chosen: int, ways: Any, given: Any, plan: Any, sets: Any, meta: Any
) -> int:
    """Look for a trip of its own of a courier at home, cheaper than what was found."""
    n, here, tried = meta[NUM_ORDERS], given[PLACE, order], -1
    for number in range(meta[EMPTY]):
        start = n + 2 * sets[2 * EMPTY, number]
        if given[KIND, start] == tried:
            continue
        tried = given[KIND, start]
        store = given[PLACE, start]
        length = ways[here, store, METRES_BACK] + ways[here, store, METRES]
        more = length * given[UNIT, start] + given[FIXED, start]
        if more >= best or length > given[MOST_M, start]:
            continue
        if _fits_alone(order, start + 1, start, ways, given, plan):
            best, chosen = more, -2 - (start + 1)
        if meta[NUM_KINDS] == 1:
            break
    return int(chosen)


@compiled(error_model="numpy")
def insert(order: int, where: int, given: Any, plan: Any, sets: Any, meta: Any) -> None:  # noqa: PLR0917 - compiled code takes no keywords
    """Put an order where ``place_for`` says."""
    if where >= 0:
        link(order, where, plan)
        return
    visit = -2 - where
    start = meta[NUM_ORDERS] + 2 * plan[ROUTE, visit]
    end = start + 1
    if plan[AFTER, start] == end:
        link(order, start, plan)
        return
    fresh = sets[2 * VISITS, meta[VISITS] - 1]
    drop(VISITS, fresh, sets, meta)
    node = meta[NUM_ORDERS] + 2 * meta[NUM_ROUTES] + fresh
    settle(node, start, given)
    plan[ROUTE, node] = plan[ROUTE, visit]
    if visit == end:
        link(node, plan[BEFORE, end], plan)
        link(order, node, plan)
    else:
        # The new trip takes over the visit, the old one gets a new one.
        link(order, visit, plan)
        link(node, order, plan)


@compiled(error_model="numpy")
def take_string(order: int, most: int, out: Any, plan: Any, meta: Any) -> None:
    """Take a string of orders around one out of its trip, at times but for a part of it."""
    n = meta[NUM_ORDERS]
    size = plan[SIZE, plan[VISIT, order]]
    length = 1 + int(uniform(meta) * min(size, most))
    kept = 0
    if 1 < length < size and uniform(meta) < _SPLIT:
        kept = 1
        while length + kept < size and uniform(meta) < _GROW:
            kept += 1
    first = order
    for _ in range(int(uniform(meta) * (length + kept))):
        if plan[BEFORE, first] >= n:
            break
        first = plan[BEFORE, first]
    # Where the trip ends early the string begins earlier.
    last, span = first, 1
    while span < length + kept and plan[AFTER, last] < n:
        last = plan[AFTER, last]
        span += 1
    while span < length + kept and plan[BEFORE, first] < n:
        first = plan[BEFORE, first]
        span += 1
    keep_from = 1 + int(uniform(meta) * (length - 1)) if kept else span
    node = first
    for number in range(span):
        following = plan[AFTER, node]
        if not keep_from <= number < keep_from + kept:
            unlink(node, plan)
            out[meta[NUM_OUT]] = node
            meta[NUM_OUT] += 1
        node = following


@compiled(error_model="numpy")
def _key(order: int, draw: float, ways: Any, given: Any, meta: Any) -> float:
    """Return by what an order is sorted: chance, load, way, window or times, by weights."""
    n = meta[NUM_ORDERS]
    if draw < 4.0:
        return float(uniform(meta))
    if draw < 8.0:
        return -float(given[LOAD, order])
    if draw < 11.0:
        far = float(ways[given[PLACE, order], given[PLACE, n], METRES_BACK])
        return -far if draw < 10.0 else far
    if draw < 13.0:
        return float(given[LATE, order] - given[EARLY, order])
    if draw < 15.0:
        return float(max(given[EARLY, order], given[RELEASE, order]))
    return -float(given[LATE, order])


@compiled(error_model="numpy")
def sort_out(out: Any, keys: Any, ways: Any, given: Any, meta: Any) -> None:
    """Put orders that are out into the sequence in which they are inserted."""
    draw = uniform(meta) * 17.0
    for number in range(meta[NUM_OUT]):
        order = out[number]
        key = _key(order, draw, ways, given, meta)
        place = number
        while place > 0 and keys[place - 1] > key:
            keys[place], out[place] = keys[place - 1], out[place - 1]
            place -= 1
        keys[place], out[place] = key, order
