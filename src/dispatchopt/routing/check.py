"""The independent checker: drives every route, minute by minute, from the definition.

Written to be read, not to be fast; shares no code with the engines. Rules, by name:

======================= ==================================================== =====================
rule                    broken when                                          by
======================= ==================================================== =====================
unknown-courier         a route names no courier                             1
unknown-store           a trip names no store                                1
unknown-order           a stop names no order                                1
empty-route, empty-trip a route has no trip, a trip has no stop              1
courier-count           more routes than couriers of the class               routes too many
order-twice             an order is served more than once                    times too many
order-mandatory         an order that must be served is not                  1
pairing                 an order with a pick-up place is not picked up and   1
                        then delivered in one trip
trip-store              a trip without store is not the first                1
order-store             an order is loaded at a store that cannot serve it   1
courier-store           a courier loads where it may not                     1
skill                   a courier lacks skills of an order                   skills missing
load                    the load on board exceeds a capacity                 units
max-stops, max-trips    too many orders in a trip, trips in a route          number too many
max-distance            a route is too long                                  metres
max-duration            a route takes too long                               seconds
no-way                  a leg has no way                                     1
shift-start, shift-end  a route starts too early, ends too late              seconds
store-window            loading begins too late                              seconds
order-courier           an order is carried by a courier it is not locked to 1
freshness               service at a door begins too long after readiness    seconds
order-window            service at a door begins too late                    seconds
pickup-window           service at a pick-up place begins too late           seconds
break-count             a route does not say where each break is taken       breaks too many
                                                                             or too few
break-leg               a break is taken on a leg that the route has not     1
break-window            a break begins too late, or has not ended by the     seconds
                        start, or begins before the end
pick-store              picking is told of a store that there is not, or     1
                        that takes no time for it
pick-order              picking is told of an order that there is not, or    1
                        of one twice
pick-missing            an order is loaded that its store has not picked     1
======================= ==================================================== =====================
"""

from __future__ import annotations

from collections import Counter

from dispatchopt.core.result import Report
from dispatchopt.routing.check_route import Drive, Tally
from dispatchopt.routing.problem import MANDATORY, RoutingProblem, RoutingSolution


def check(problem: RoutingProblem, solution: RoutingSolution) -> Report:
    """Recompute feasibility and cost of a solution from the definition.

    Returns
    -------
    Report
        The objective in cost units with its parts ``travel``, ``fixed``, ``duration``,
        ``deliveries``, ``top_up``, ``lateness``, ``changes`` and ``refusal``, all whole; and every
        broken rule, by how much. Legs without a way and references to nothing count no cost.
    """
    tally = Tally()
    ready = _picked(problem, solution, tally)
    routes_of: Counter[int] = Counter()
    for index, route in enumerate(solution.routes):
        if not 0 <= route.courier < len(problem.couriers):
            tally.broken("unknown-courier", f"route {index}")
            continue
        routes_of[route.courier] += 1
        if not route.trips:
            tally.broken("empty-route", f"route {index}")
            continue
        Drive(problem, tally, index, route, ready).run()
    for courier, count in sorted(routes_of.items()):
        excess = count - int(problem.couriers.count[courier])
        if excess > 0:
            tally.broken("courier-count", f"courier {courier}", excess)
    refusal, num_refused = _refusals(problem, tally)
    parts = {
        "travel": float(tally.travel),
        "fixed": float(tally.fixed),
        "duration": float(tally.duration),
        "deliveries": float(tally.deliveries),
        "top_up": float(tally.top_up),
        "lateness": float(tally.lateness),
        "changes": float(tally.changes),
        "refusal": float(refusal),
    }
    figures = {
        "routes": float(sum(routes_of.values())),
        "trips": float(tally.num_trips),
        "orders_served": float(len(problem.orders) - num_refused),
        "orders_refused": float(num_refused),
        "orders_late": float(tally.num_late),
        "late_s": float(tally.late_s),
        "orders_changed": float(tally.num_changed),
        "distance_m": float(tally.distance_m),
        "duration_s": float(tally.duration_s),
    }
    total = tally.travel + tally.fixed + tally.duration + tally.deliveries
    total += tally.top_up + tally.lateness + tally.changes + refusal
    return Report(
        objective=float(total), parts=parts, violations=tuple(tally.violations), figures=figures
    )


def _refusals(problem: RoutingProblem, tally: Tally) -> tuple[int, int]:
    """Return cost and number of the orders that no route serves."""
    cost = number = 0
    for order in range(len(problem.orders)):
        times = tally.times_served[order]
        price = int(problem.orders.refusal_cost[order])
        if times > 1:
            tally.broken("order-twice", f"order {order}", times - 1)
        if times == 0:
            number += 1
            if price == MANDATORY:
                tally.broken("order-mandatory", f"order {order}")
            else:
                cost += price
    return cost, number


def _picked(
    problem: RoutingProblem, solution: RoutingSolution, tally: Tally
) -> dict[tuple[int, int], int]:
    """Return when orders are ready at the stores that pick them, by order and store."""
    stores, orders = problem.stores, problem.orders
    ready: dict[tuple[int, int], int] = {}
    seen: set[int] = set()
    for store, sequence in enumerate(solution.picks):
        if not sequence:
            continue
        if store >= len(stores) or stores.pick_s[store] == 0:
            tally.broken("pick-store", f"store {store}")
            continue
        # When each picker is free, all from the beginning of time.
        free: dict[int, int] = {}
        for order in sequence:
            if not 0 <= order < len(orders) or order in seen:
                tally.broken("pick-order", f"store {store} order {order}")
                continue
            seen.add(order)
            release_s = int(orders.release_s[order])
            if len(free) < int(stores.pickers[store]):
                picker, begin_s = len(free), release_s
            else:
                picker = min(free, key=lambda each: free[each])
                begin_s = max(free[picker], release_s)
            free[picker] = begin_s + int(stores.pick_s[store])
            ready[order, store] = free[picker]
    return ready
