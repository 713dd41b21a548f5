"""Compiled timing of trips: the best sequence of each set of orders; as ``bundles.TripTiming``."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled

_FAR_BACK = 1 << 50
_MOST = np.iinfo(np.int64).max
#: Column of ready times in the table of orders; hinges follow it.
_READY = 4
#: Positions in the numbers of a trip; see ``TripTiming.numbers``.
(
    _PLACE,
    _LEAD_M,
    _LEAD_S,
    _OPENS_S,
    _CLOSES_S,
    _LOAD_S,
    _END,
    _PER_M,
    _PER_S,
    _FIXED,
    _PER_ORDER,
    _EARLIEST_S,
    _LATEST_S,
    _MOST_S,
    _MOST_M,
    NUM_HINGES,
    _UNREACHABLE,
) = range(17)


@compiled()
def _cost_at(start: int, floor: int, delay: int, per_s: int, events: Any) -> Any:
    total = (max(floor, start + delay) - start) * per_s
    for event in range(len(events)):
        late = max(events[event, 0], start + events[event, 1]) - events[event, 2]
        if late > 0:
            total += late * events[event, 3]
    return total


@compiled()
def _time_cost(span: Any, floor: int, delay: int, numbers: Any, events: Any) -> Any:
    """Return the least cost of duration and lateness over the start of the route."""
    low, high = span
    per_s, count = numbers[_PER_S], len(events)
    if not numbers[NUM_HINGES]:
        return max(delay, floor - high) * per_s
    best = _cost_at(low, floor, delay, per_s, events)
    if not per_s:
        return best
    top = max(low, high)
    for kink in range(2 + 2 * count):
        if kink == 0:
            start = high
        elif kink == 1:
            start = floor - delay
        elif kink % 2 == 0:
            start = events[kink // 2 - 1, 0] - events[kink // 2 - 1, 1]
        else:
            start = events[kink // 2 - 1, 2] - events[kink // 2 - 1, 1]
        start = min(max(start, low), top)
        best = min(best, _cost_at(start, floor, delay, per_s, events))
    return best


@compiled()
def one_sequence(
    stops: Any, orders: Any, legs: Any, numbers: Any, events: Any
) -> tuple[int, int, int]:
    """Return cost, seconds too late and metres too far of one sequence."""
    (metres_of, seconds_of), num_hinges = legs, numbers[NUM_HINGES]
    floor = numbers[_OPENS_S]
    for order in stops:
        floor = max(floor, orders[order, _READY])
    delay, metres = numbers[_LEAD_S], numbers[_LEAD_M]
    late, high = floor - numbers[_CLOSES_S], numbers[_CLOSES_S] - delay
    floor += numbers[_LOAD_S]
    delay += numbers[_LOAD_S]
    place = numbers[_PLACE]
    longest = max(delay, metres)
    for position in range(len(stops)):
        order = stops[position]
        target = orders[order, 0]
        leg_s, leg_m = seconds_of[place, target], metres_of[place, target]
        longest = max(longest, leg_s, leg_m)
        metres += leg_m
        floor = max(floor + leg_s, orders[order, 2])
        delay += leg_s
        late = max(late, floor - orders[order, 3])
        high = min(high, orders[order, 3] - delay)
        for hinge in range(num_hinges):
            event, column = position * num_hinges + hinge, _READY + 1 + 2 * hinge
            events[event, 0], events[event, 1] = floor, delay
            events[event, 2], events[event, 3] = orders[order, column], orders[order, column + 1]
        floor += orders[order, 1]
        delay += orders[order, 1]
        place = target
    if numbers[_END] >= 0:
        leg_s, leg_m = seconds_of[place, numbers[_END]], metres_of[place, numbers[_END]]
        longest = max(longest, leg_s, leg_m)
        metres += leg_m
        floor += leg_s
        delay += leg_s
    late = max(late, floor - numbers[_LATEST_S])
    high = min(high, numbers[_LATEST_S] - delay)
    low = max(numbers[_EARLIEST_S], floor - numbers[_MOST_S])
    late = max(late, low - high, delay - numbers[_MOST_S])
    if longest >= numbers[_UNREACHABLE]:
        late = _FAR_BACK
    cost = metres * numbers[_PER_M] + numbers[_FIXED] + len(stops) * numbers[_PER_ORDER]
    if late <= 0:
        cost += _time_cost((low, high), floor, delay, numbers, events[: len(stops) * num_hinges])
    return cost, late, metres - numbers[_MOST_M]


@compiled()
def best_sequences(  # noqa: PLR0917 - compiled code takes no keywords
    sets: Any,
    permutations: Any,
    orders: Any,
    legs: Any,
    numbers: Any,
    slack_s: int,
    slack_m: int,
) -> Any:
    """Return the cheapest sequence of each set, its cost, and whether any is (nearly) feasible.

    ``orders`` has place, service, earliest, deadline, release, and moment and price of each hinge.
    """
    count, size = sets.shape
    sequences = sets.copy()
    costs = np.full(count, _MOST, dtype=np.int64)
    nearly = np.zeros(count, dtype=np.bool_)
    tried = np.zeros(size, dtype=np.int64)
    events = np.zeros((size * numbers[NUM_HINGES], 4), dtype=np.int64)
    for row in range(count):
        for number in range(len(permutations)):
            for position in range(size):
                tried[position] = sets[row, permutations[number, position]]
            cost, late, far = one_sequence(tried, orders, legs, numbers, events)
            nearly[row] |= late <= slack_s and far <= slack_m
            if late <= 0 and far <= 0 and cost < costs[row]:
                costs[row] = cost
                sequences[row] = tried
    return sequences, costs, nearly


@compiled()
def insertions(  # noqa: PLR0917 - compiled code takes no keywords
    sequences: Any, new: int, orders: Any, legs: Any, numbers: Any, costs: Any
) -> None:
    """Write the least cost of each sequence with one order added anywhere; inf if none is feasible.

    Other orders of a sequence stay in their places.
    """
    count, size = sequences.shape
    tried = np.zeros(size + 1, dtype=np.int64)
    events = np.zeros(((size + 1) * numbers[NUM_HINGES], 4), dtype=np.int64)
    for row in range(count):
        costs[row] = np.inf
        for place in range(size + 1):
            for position in range(size + 1):
                if position < place:
                    tried[position] = sequences[row, position]
                elif position > place:
                    tried[position] = sequences[row, position - 1]
            tried[place] = new
            cost, late, far = one_sequence(tried, orders, legs, numbers, events)
            if late <= 0 and far <= 0 and cost < costs[row]:
                costs[row] = cost
