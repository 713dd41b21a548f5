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
======================= ==================================================== =====================
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from dispatchopt.core.result import Report, Violation
from dispatchopt.routing.problem import (
    ANYWHERE,
    FAR,
    MANDATORY,
    NO_STORE,
    UNREACHABLE,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
)


@dataclass
class _Tally:
    """What accumulates while routes are driven."""

    violations: list[Violation] = field(default_factory=list)
    travel: int = 0
    fixed: int = 0
    duration: int = 0
    lateness: int = 0
    deliveries: int = 0
    distance_m: int = 0
    duration_s: int = 0
    num_trips: int = 0
    num_late: int = 0
    late_s: int = 0
    times_served: Counter[int] = field(default_factory=Counter)

    def broken(self, rule: str, where: str, by: float = 1) -> None:
        self.violations.append(Violation(rule=rule, where=where, by=by))


def check(problem: RoutingProblem, solution: RoutingSolution) -> Report:
    """Recompute feasibility and cost of a solution from the definition.

    Returns
    -------
    Report
        The objective in cost units with its parts ``travel``, ``fixed``, ``duration``,
        ``deliveries``, ``lateness`` and ``refusal``, all whole; and every broken rule, by how
        much. Legs without a way and references to nothing count no cost.
    """
    tally = _Tally()
    routes_of: Counter[int] = Counter()
    for index, route in enumerate(solution.routes):
        if not 0 <= route.courier < len(problem.couriers):
            tally.broken("unknown-courier", f"route {index}")
            continue
        routes_of[route.courier] += 1
        if not route.trips:
            tally.broken("empty-route", f"route {index}")
            continue
        _Drive(problem, tally, index, route).run()
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
        "lateness": float(tally.lateness),
        "refusal": float(refusal),
    }
    figures = {
        "routes": float(sum(routes_of.values())),
        "trips": float(tally.num_trips),
        "orders_served": float(len(problem.orders) - num_refused),
        "orders_refused": float(num_refused),
        "orders_late": float(tally.num_late),
        "late_s": float(tally.late_s),
        "distance_m": float(tally.distance_m),
        "duration_s": float(tally.duration_s),
    }
    total = tally.travel + tally.fixed + tally.duration + tally.deliveries
    total += tally.lateness + refusal
    return Report(
        objective=float(total), parts=parts, violations=tuple(tally.violations), figures=figures
    )


def _refusals(problem: RoutingProblem, tally: _Tally) -> tuple[int, int]:
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


class _Drive:
    """One route, driven from start to end."""

    def __init__(self, problem: RoutingProblem, tally: _Tally, index: int, route: Route) -> None:
        self.problem = problem
        self.tally = tally
        self.name = f"route {index}"
        self.route = route
        self.courier = route.courier
        self.travel = problem.travel[int(problem.couriers.profile[route.courier])]
        self.place = int(problem.couriers.start_place[route.courier])
        self.time_s = route.start_s
        self.distance_m = 0

    def run(self) -> None:
        couriers, row, tally = self.problem.couriers, self.courier, self.tally
        for number, trip in enumerate(self.route.trips):
            self._trip(number, trip)
        if int(couriers.end_place[row]) != ANYWHERE:
            self._go(int(couriers.end_place[row]), f"{self.name} end")
        duration_s = self.time_s - self.route.start_s
        self._at_most("max-trips", self.name, len(self.route.trips), couriers.max_trips[row])
        self._at_most("max-distance", self.name, self.distance_m, couriers.max_distance_m[row])
        self._at_most("max-duration", self.name, duration_s, couriers.max_duration_s[row])
        self._at_most("shift-start", self.name, int(couriers.earliest_s[row]), self.route.start_s)
        self._at_most("shift-end", self.name, self.time_s, couriers.latest_s[row])
        tally.travel += self.distance_m * int(couriers.cost_per_m[row])
        tally.duration += duration_s * int(couriers.cost_per_s[row])
        tally.fixed += int(couriers.fixed_cost[row])
        tally.distance_m += self.distance_m
        tally.duration_s += duration_s
        tally.num_trips += len(self.route.trips)

    def _trip(self, number: int, trip: Trip) -> None:
        where = f"{self.name} trip {number}"
        stops = self._known_stops(where, trip)
        if not trip.stops:
            self.tally.broken("empty-trip", where)
        if self._has_store(where, number, trip):
            self._load_at_store(where, trip.store, stops)
        picked: set[int] = set()
        paired: set[int] = set()
        for order in stops:
            if self.problem.orders.has_pickup[order] and order not in picked:
                picked.add(order)
                self._pick_up(order)
            else:
                self._deliver(order, trip.store)
                paired.add(order)
        for order in sorted(picked - paired):
            self.tally.broken("pairing", f"order {order}")
        self._at_most("max-stops", where, len(set(stops)), self._limit("max_stops"))
        self._loads(where, stops)

    def _known_stops(self, where: str, trip: Trip) -> list[int]:
        known = [order for order in trip.stops if 0 <= order < len(self.problem.orders)]
        for _ in range(len(trip.stops) - len(known)):
            self.tally.broken("unknown-order", where)
        return known

    def _has_store(self, where: str, number: int, trip: Trip) -> bool:
        if trip.store == NO_STORE:
            if number > 0:
                self.tally.broken("trip-store", where)
            return False
        if not 0 <= trip.store < len(self.problem.stores):
            self.tally.broken("unknown-store", where)
            return False
        if trip.store not in self.problem.stores_of_courier(self.courier):
            self.tally.broken("courier-store", where)
        return True

    def _load_at_store(self, where: str, store: int, stops: list[int]) -> None:
        orders, stores = self.problem.orders, self.problem.stores
        self._go(int(stores.place[store]), where)
        begin_s = max(self.time_s, int(stores.earliest_s[store]))
        for order in stops:
            if not orders.has_pickup[order]:
                begin_s = max(begin_s, int(orders.release_s[order]))
        self._at_most("store-window", where, begin_s, stores.latest_s[store])
        self.time_s = begin_s + int(stores.service_s[store])

    def _pick_up(self, order: int) -> None:
        orders = self.problem.orders
        self._go(int(orders.pickup_place[order]), f"order {order}")
        begin_s = max(
            self.time_s, int(orders.pickup_earliest_s[order]), int(orders.release_s[order])
        )
        self._at_most("pickup-window", f"order {order}", begin_s, orders.pickup_latest_s[order])
        self.time_s = begin_s + int(orders.pickup_service_s[order])

    def _deliver(self, order: int, store: int) -> None:
        orders, where, tally = self.problem.orders, f"order {order}", self.tally
        if not orders.has_pickup[order] and store not in self.problem.stores_of_order(order):
            tally.broken("order-store", where)
        locked = int(orders.locked_courier[order])
        if locked not in (ANYWHERE, self.courier):
            tally.broken("order-courier", where)
        lacking = int(orders.skills[order]) & ~self._limit("skills")
        if lacking:
            tally.broken("skill", where, lacking.bit_count())
        self._go(int(orders.place[order]), where)
        begin_s = max(self.time_s, int(orders.earliest_s[order]))
        self._at_most("order-window", where, begin_s, orders.latest_s[order])
        if int(orders.max_age_s[order]) < FAR:
            age_s = begin_s - int(orders.release_s[order])
            self._at_most("freshness", where, age_s, orders.max_age_s[order])
        late_s = begin_s - int(orders.promise_s[order])
        if late_s > 0:
            tally.num_late += 1
            tally.late_s += late_s
            tally.lateness += late_s * int(orders.late_cost_per_s[order])
        self.time_s = begin_s + int(orders.service_s[order])
        tally.times_served[order] += 1
        tally.deliveries += self._limit("cost_per_order")

    def _loads(self, where: str, stops: list[int]) -> None:
        """Compare the largest load on board in each dimension with the capacity."""
        orders = self.problem.orders
        for dim in range(self.problem.num_dims):
            on_board = sum(
                int(orders.load[order, dim]) for order in stops if not orders.has_pickup[order]
            )
            largest = on_board
            aboard: set[int] = set()
            for order in stops:
                amount = int(orders.load[order, dim])
                if orders.has_pickup[order] and order not in aboard:
                    aboard.add(order)
                    on_board += amount
                else:
                    on_board -= amount
                largest = max(largest, on_board)
            capacity = int(self.problem.couriers.capacity[self.courier, dim])
            self._at_most("load", f"{where} dimension {dim}", largest, capacity)

    def _go(self, target: int, where: str) -> None:
        if self.place not in (ANYWHERE, target):
            distance_m = int(self.travel.distance_m[self.place, target])
            duration_s = int(self.travel.duration_s[self.place, target])
            if distance_m >= UNREACHABLE or duration_s >= UNREACHABLE:
                self.tally.broken("no-way", where)
            else:
                self.distance_m += distance_m
                self.time_s += duration_s
        self.place = target

    def _at_most(self, rule: str, where: str, value: int, limit: object) -> None:
        excess = value - int(limit)  # type: ignore[call-overload]
        if excess > 0:
            self.tally.broken(rule, where, excess)

    def _limit(self, column: str) -> int:
        return int(getattr(self.problem.couriers, column)[self.courier])
