"""A known plan, mended: orders that it leaves out are put where they cost least."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.schedule import best_route
from dispatchopt.routing.trip_timing import TripTiming

#: Orders left out that are tried; in a plan with more, most are left out for a reason.
_MOST_TRIED = 200


def mended(problem: RoutingProblem, plan: RoutingSolution) -> RoutingSolution | None:
    """Return the plan with more orders where that pays, or None if none does.

    Each order is put, one after the other, into the trip of the plan, or the hands of the idle
    courier, where it adds least, if that is less than its refusal. Other trips stay as they are.
    """
    routes = [(route.courier, route.trips[0].store, route.trips[0].stops) for route in plan.routes]
    served = plan.served()
    left = [order for order in range(len(problem.orders)) if order not in served]
    timings: dict[tuple[int, int], TripTiming] = {}
    has_changed = False
    for order in left[:_MOST_TRIED]:
        price = int(problem.orders.refusal_cost[order])
        least, where = (math.inf if price < 0 else float(price)), None
        for place in _places(problem, routes, order):
            at, row, store, stops = place
            timing = timings.setdefault((row, store), TripTiming(problem, row, store))
            added, sequence = _added(problem, timing, stops, order)
            if added < least:
                least, where = added, (at, row, store, sequence)
        if where is not None:
            at, row, store, sequence = where
            routes[at : at + 1] = [(row, store, sequence)]
            has_changed = True
    if not has_changed:
        return None
    timed = [best_route(problem, row, [Trip(store=s, stops=stops)]) for row, s, stops in routes]
    found = tuple(route for route in timed if route is not None)
    return RoutingSolution(routes=found) if len(found) == len(timed) else None


def _places(
    problem: RoutingProblem, routes: list[tuple[int, int, tuple[int, ...]]], order: int
) -> list[tuple[int, int, int, tuple[int, ...]]]:
    """Return trips that the order may join, and idle couriers at stores that may serve it."""
    stores = set(problem.stores_of_order(order).tolist())
    found = [
        (at, row, store, stops)
        for at, (row, store, stops) in enumerate(routes)
        if store in stores and len(stops) < int(problem.couriers.max_stops[row])
    ]
    used = Counter(row for row, _, _ in routes)
    for row, count in enumerate(problem.couriers.count.tolist()):
        if used[row] < count:
            own = problem.stores_of_courier(row).tolist()
            found += [(len(routes), row, store, ()) for store in own if store in stores]
    return found


def _added(
    problem: RoutingProblem, timing: TripTiming, stops: tuple[int, ...], order: int
) -> tuple[float, tuple[int, ...]]:
    """Return what the order adds to a trip at its best place, and the sequence."""
    orders, couriers, row = problem.orders, problem.couriers, timing.courier
    lock = int(orders.locked_courier[order])
    lacks = int(orders.skills[order]) & ~int(couriers.skills[row])
    load = orders.load[[*stops, order]].sum(axis=0)
    if lacks or lock not in (-1, row) or (load > couriers.capacity[row]).any():
        return math.inf, ()
    tried: IntArray = np.array(
        [[*stops[:at], order, *stops[at:]] for at in range(len(stops) + 1)], dtype=np.int64
    )
    cost, late, far = timing.cost(tried)
    priced = np.where((late <= 0) & (far <= 0), cost.astype(np.float64), math.inf)
    best = int(priced.argmin())
    before = float(timing.cost(np.array([stops], dtype=np.int64))[0][0]) if stops else 0.0
    return float(priced[best]) - before, tuple(tried[best].tolist())
