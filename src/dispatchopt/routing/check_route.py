"""The checker's drive: one route, event by event, from the definition.

Part of the independent checker: it shares no code with the engines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from dispatchopt.core.result import Violation
from dispatchopt.routing.problem import (
    AFTER,
    ANYWHERE,
    BEFORE,
    FAR,
    NO_STORE,
    UNREACHABLE,
    Route,
    RoutingProblem,
    Trip,
)


@dataclass
class Tally:
    """What accumulates while routes are driven."""

    violations: list[Violation] = field(default_factory=list)
    travel: int = 0
    fixed: int = 0
    duration: int = 0
    lateness: int = 0
    deliveries: int = 0
    top_up: int = 0
    changes: int = 0
    distance_m: int = 0
    duration_s: int = 0
    num_trips: int = 0
    num_late: int = 0
    num_changed: int = 0
    late_s: int = 0
    times_served: Counter[int] = field(default_factory=Counter)

    def broken(self, rule: str, where: str, by: float = 1) -> None:
        """Keep a broken rule."""
        self.violations.append(Violation(rule=rule, where=where, by=by))


class Drive:
    """One route, driven from start to end."""

    def __init__(
        self,
        problem: RoutingProblem,
        tally: Tally,
        index: int,
        route: Route,
        ready: Mapping[tuple[int, int], int],
    ) -> None:
        self.problem = problem
        self.tally = tally
        self.name = f"route {index}"
        self.route = route
        self.courier = route.courier
        self.travel = problem.travel[int(problem.couriers.profile[route.courier])]
        self.place = int(problem.couriers.start_place[route.courier])
        self.time_s = route.start_s
        self.distance_m = 0
        self.leg = 0
        self.num_delivered = 0
        self.ready = ready
        self.breaks = problem.breaks.of_courier(route.courier)

    def run(self) -> None:
        """Drive the route, and add what it costs."""
        couriers, row, tally = self.problem.couriers, self.courier, self.tally
        for number, trip in enumerate(self.route.trips):
            self._trip(number, trip)
        self._go(int(couriers.end_place[row]), f"{self.name} end")
        self._other_breaks()
        duration_s = self.time_s - self.route.start_s
        self._at_most("max-trips", self.name, len(self.route.trips), couriers.max_trips[row])
        self._at_most("max-distance", self.name, self.distance_m, couriers.max_distance_m[row])
        self._at_most("max-duration", self.name, duration_s, couriers.max_duration_s[row])
        self._at_most("shift-start", self.name, int(couriers.earliest_s[row]), self.route.start_s)
        self._at_most("shift-end", self.name, self.time_s, couriers.latest_s[row])
        self._pay(duration_s)
        tally.distance_m += self.distance_m
        tally.duration_s += duration_s
        tally.num_trips += len(self.route.trips)

    def _pay(self, duration_s: int) -> None:
        """Add what the courier costs, and what that lacks of its minimum."""
        couriers, row, tally = self.problem.couriers, self.courier, self.tally
        travel = self.distance_m * int(couriers.cost_per_m[row])
        duration = duration_s * int(couriers.cost_per_s[row])
        fixed = int(couriers.fixed_cost[row])
        deliveries = self.num_delivered * int(couriers.cost_per_order[row])
        tally.travel += travel
        tally.duration += duration
        tally.fixed += fixed
        tally.deliveries += deliveries
        pay = travel + duration + fixed + deliveries
        tally.top_up += max(0, int(couriers.min_pay[row]) - pay)

    def _other_breaks(self) -> None:
        """Judge how many breaks are told of, and those that are off the route."""
        told, breaks = self.route.breaks, self.problem.breaks
        if len(told) != len(self.breaks):
            self.tally.broken("break-count", self.name, abs(len(told) - len(self.breaks)))
        for number, (row, leg) in enumerate(zip(self.breaks, told, strict=False)):
            where = f"{self.name} break {number}"
            if leg == BEFORE:
                done_s = int(breaks.earliest_s[row]) + int(breaks.duration_s[row])
                self._at_most("break-window", where, done_s, self.route.start_s)
            elif leg == AFTER:
                self._at_most("break-window", where, self.time_s, breaks.latest_s[row])
            elif not 0 <= leg < self.leg:
                self.tally.broken("break-leg", where)

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
                begin_s = max(begin_s, self._ready_s(order, store))
        self._at_most("store-window", where, begin_s, stores.latest_s[store])
        self.time_s = begin_s + int(stores.service_s[store])

    def _ready_s(self, order: int, store: int, *, is_told: bool = True) -> int:
        """Return when an order is ready, and tell if its store never picks it."""
        orders, stores = self.problem.orders, self.problem.stores
        release_s = int(orders.release_s[order])
        is_at_store = 0 <= store < len(stores) and not orders.has_pickup[order]
        if not is_at_store or stores.pick_s[store] == 0:
            return release_s
        if (order, store) in self.ready:
            return self.ready[order, store]
        if is_told:
            self.tally.broken("pick-missing", f"order {order}")
        return release_s + int(stores.pick_s[store])

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
            age_s = begin_s - self._ready_s(order, store, is_told=False)
            self._at_most("freshness", where, age_s, orders.max_age_s[order])
        late_s = begin_s - int(orders.promise_s[order])
        if late_s > 0:
            tally.num_late += 1
            tally.late_s += late_s
            tally.lateness += late_s * int(orders.late_cost_per_s[order])
        for promise_s, rate in (
            (orders.promise_2_s[order], orders.late_2_cost_per_s[order]),
            (orders.promise_3_s[order], orders.late_3_cost_per_s[order]),
        ):
            tally.lateness += max(0, begin_s - int(promise_s)) * int(rate)
        self.time_s = begin_s + int(orders.service_s[order])
        if self._is_changed(order, store):
            tally.num_changed += 1
            tally.changes += int(orders.change_cost[order])
        tally.times_served[order] += 1
        self.num_delivered += 1

    def _is_changed(self, order: int, store: int) -> bool:
        """Whether the order was planned for another courier, or from another store."""
        orders = self.problem.orders
        if int(orders.planned_courier[order]) not in (ANYWHERE, self.courier):
            return True
        if orders.has_pickup[order]:
            return False
        return int(orders.planned_store[order]) not in (ANYWHERE, store)

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
        """Drive a leg, with the breaks that are taken on it; ``ANYWHERE`` is no way at all."""
        leg_s = 0
        if self.place not in (ANYWHERE, target) and target != ANYWHERE:
            distance_m = int(self.travel.distance_m[self.place, target])
            duration_s = int(self.travel.duration_s[self.place, target])
            if distance_m >= UNREACHABLE or duration_s >= UNREACHABLE:
                self.tally.broken("no-way", where)
            else:
                self.distance_m += distance_m
                leg_s = duration_s
        breaks = self.problem.breaks
        for number, (row, leg) in enumerate(zip(self.breaks, self.route.breaks, strict=False)):
            if leg == self.leg:
                begin_s = max(self.time_s, int(breaks.earliest_s[row]))
                latest_s = int(breaks.latest_s[row])
                self._at_most("break-window", f"{self.name} break {number}", begin_s, latest_s)
                # What is driven till the break begins need not be driven after it.
                leg_s = max(0, leg_s - (begin_s - self.time_s))
                self.time_s = begin_s + int(breaks.duration_s[row])
        self.time_s += leg_s
        self.place = target
        self.leg += 1

    def _at_most(self, rule: str, where: str, value: int, limit: object) -> None:
        excess = value - int(limit)  # type: ignore[call-overload]
        if excess > 0:
            self.tally.broken(rule, where, excess)

    def _limit(self, column: str) -> int:
        return int(getattr(self.problem.couriers, column)[self.courier])
