"""When a route should start: the cheapest start of a given sequence, for the engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatchopt.routing.problem import (
    ANYWHERE,
    NO_STORE,
    UNREACHABLE,
    Route,
    RoutingProblem,
    Trip,
)

#: A time before all others that leaves room for sums.
_NEVER_BINDS = -(1 << 60)


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """Events of a route as functions of its start.

    With nothing waiting longer than it must, event ``i`` begins at
    ``max(floor_s[i], start + delay_s[i])``, where ``floor_s`` is what the windows before it force
    and ``delay_s`` is the bare time under way.

    Parameters
    ----------
    floor_s, delay_s, latest_s
        One entry per event; the last one is the end of the route.
    promise_s, late_cost_per_s
        Soft limits; a cost of 0 where there is none.
    distance_m
        Length of the route.
    has_way
        Whether every leg has a way.
    """

    floor_s: list[int]
    delay_s: list[int]
    latest_s: list[int]
    promise_s: list[int]
    late_cost_per_s: list[int]
    distance_m: int
    has_way: bool

    def cost(self, start_s: int, cost_per_s: int) -> int:
        """Return the cost of time: duration and lateness."""
        total = (self.end(start_s) - start_s) * cost_per_s
        for floor, delay, promise, price in zip(
            self.floor_s, self.delay_s, self.promise_s, self.late_cost_per_s, strict=True
        ):
            if price:
                total += max(0, max(floor, start_s + delay) - promise) * price
        return total

    def end(self, start_s: int) -> int:
        """Return when the route ends."""
        return max(self.floor_s[-1], start_s + self.delay_s[-1])


class _Builder:
    def __init__(self, problem: RoutingProblem, courier: int) -> None:
        self.problem = problem
        self.travel = problem.travel[int(problem.couriers.profile[courier])]
        self.place = int(problem.couriers.start_place[courier])
        self.floor = _NEVER_BINDS
        self.delay = 0
        self.distance_m = 0
        self.has_way = True
        self.rows: list[tuple[int, int, int, int, int]] = []

    def event(
        self,
        place: int,
        *,
        earliest_s: int,
        latest_s: int,
        service_s: int,
        promise_s: int = 0,
        late_cost_per_s: int = 0,
    ) -> None:
        if place != ANYWHERE and self.place not in (ANYWHERE, place):
            leg_m = int(self.travel.distance_m[self.place, place])
            leg_s = int(self.travel.duration_s[self.place, place])
            self.has_way &= leg_m < UNREACHABLE and leg_s < UNREACHABLE
            self.distance_m += leg_m
            self.floor += leg_s
            self.delay += leg_s
        self.place = place
        self.floor = max(self.floor, earliest_s)
        self.rows.append((self.floor, self.delay, latest_s, promise_s, late_cost_per_s))
        self.floor += service_s
        self.delay += service_s


def timetable(problem: RoutingProblem, courier: int, trips: Sequence[Trip]) -> Timetable:
    """Return the timetable of a route."""
    orders, stores, couriers = problem.orders, problem.stores, problem.couriers
    builder = _Builder(problem, courier)
    for trip in trips:
        if trip.store != NO_STORE:
            ready = [int(orders.release_s[o]) for o in trip.stops if not orders.has_pickup[o]]
            builder.event(
                int(stores.place[trip.store]),
                earliest_s=max([int(stores.earliest_s[trip.store]), *ready]),
                latest_s=int(stores.latest_s[trip.store]),
                service_s=int(stores.service_s[trip.store]),
            )
        picked: set[int] = set()
        for order in trip.stops:
            if orders.has_pickup[order] and order not in picked:
                picked.add(order)
                ready_s = max(int(orders.pickup_earliest_s[order]), int(orders.release_s[order]))
                builder.event(
                    int(orders.pickup_place[order]),
                    earliest_s=ready_s,
                    latest_s=int(orders.pickup_latest_s[order]),
                    service_s=int(orders.pickup_service_s[order]),
                )
            else:
                builder.event(
                    int(orders.place[order]),
                    earliest_s=int(orders.earliest_s[order]),
                    latest_s=int(orders.deadline_s[order]),
                    service_s=int(orders.service_s[order]),
                    promise_s=int(orders.promise_s[order]),
                    late_cost_per_s=int(orders.late_cost_per_s[order]),
                )
    end_place, shift_end_s = int(couriers.end_place[courier]), int(couriers.latest_s[courier])
    builder.event(end_place, earliest_s=_NEVER_BINDS, latest_s=shift_end_s, service_s=0)
    floor, delay, latest, promise, price = (list(each) for each in zip(*builder.rows, strict=True))
    return Timetable(
        floor_s=floor,
        delay_s=delay,
        latest_s=latest,
        promise_s=promise,
        late_cost_per_s=price,
        distance_m=builder.distance_m,
        has_way=builder.has_way,
    )


def best_route(problem: RoutingProblem, courier: int, trips: Sequence[Trip]) -> Route | None:
    """Return the route with its cheapest start, the earliest among equals; None if none keeps time.

    Duration plus lateness is convex and piecewise linear in the start, as is every event, so an
    optimum lies at a kink or at an end of the feasible interval. Windows, the shift, and the limits
    on duration and distance are kept; loads, skills and numbers are not looked at.
    """
    table = timetable(problem, courier, trips)
    couriers = problem.couriers
    if not table.has_way or table.distance_m > int(couriers.max_distance_m[courier]):
        return None
    slack = zip(table.floor_s, table.delay_s, table.latest_s, strict=True)
    high = min(latest - delay for _, delay, latest in slack)
    if any(f > latest for f, latest in zip(table.floor_s, table.latest_s, strict=True)):
        return None
    low = int(couriers.earliest_s[courier])
    limit_s = int(couriers.max_duration_s[courier])
    if table.delay_s[-1] > limit_s:
        return None
    low = max(low, table.floor_s[-1] - limit_s)
    if low > high:
        return None
    cost_per_s = int(couriers.cost_per_s[courier])
    if cost_per_s == 0:
        # Lateness never falls with a later start.
        return Route(courier=courier, trips=tuple(trips), start_s=low)
    kinks = {low, high}
    for floor, delay, promise in zip(table.floor_s, table.delay_s, table.promise_s, strict=True):
        kinks.update(at for at in (floor - delay, promise - delay) if low < at < high)
    start_s = min(sorted(kinks), key=lambda at: table.cost(at, cost_per_s))
    return Route(courier=courier, trips=tuple(trips), start_s=start_s)
