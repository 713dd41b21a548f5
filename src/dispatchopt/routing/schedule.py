"""When a route should start: the cheapest start of a given sequence, for the engines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dispatchopt.routing.problem import (
    AFTER,
    ANYWHERE,
    BEFORE,
    NO_STORE,
    UNREACHABLE,
    Route,
    RoutingProblem,
    Trip,
)

#: A time before all others that leaves room for sums.
_NEVER_BINDS = -(1 << 60)
#: Ways to spread breaks over legs up to which all are tried; beyond, only those in sequence.
_MOST_SPREADS = 4_096


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """Events of a route as functions of its start.

    With nothing waiting longer than it must, event ``i`` begins at
    ``max(floor_s[i], start + delay_s[i])``, where ``floor_s`` is what the windows before it force
    and ``delay_s`` is the bare time under way.

    Parameters
    ----------
    floor_s, delay_s, latest_s
        One entry per event: breaks first, stops again per further price of lateness, then stops,
        and the last one is the end of the route.
    promise_s, late_cost_per_s
        Soft limits; a cost of 0 where there is none.
    distance_m
        Length of the route.
    has_way
        Whether every leg has a way.
    soonest_s
        No start is earlier, for breaks that are before the route.
    base, min_pay
        What the route costs apart from time, and the least that it costs with time.
    """

    floor_s: list[int]
    delay_s: list[int]
    latest_s: list[int]
    promise_s: list[int]
    late_cost_per_s: list[int]
    distance_m: int
    has_way: bool
    soonest_s: int = _NEVER_BINDS
    base: int = 0
    min_pay: int = 0

    def cost(self, start_s: int, cost_per_s: int) -> int:
        """Return the cost of time: duration (at least what minimum pay leaves) and lateness."""
        total = max((self.end(start_s) - start_s) * cost_per_s, self.min_pay - self.base)
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
    def __init__(self, problem: RoutingProblem, courier: int, breaks: Sequence[int]) -> None:
        self.problem = problem
        self.rests = list(zip(problem.breaks.of_courier(courier), breaks, strict=False))
        self.leg = 0
        self.soonest = _NEVER_BINDS
        self.break_rows: list[tuple[int, int, int, int, int]] = []
        self.travel = problem.travel[int(problem.couriers.profile[courier])]
        self.place = int(problem.couriers.start_place[courier])
        self.floor = _NEVER_BINDS
        self.delay = 0
        self.distance_m = 0
        self.has_way = True
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.hinge_rows: list[tuple[int, int, int, int, int]] = []

    def event(
        self,
        place: int,
        *,
        earliest_s: int,
        latest_s: int,
        service_s: int,
        hinges: Sequence[tuple[int, int]] = (),
    ) -> None:
        leg_s = 0
        if place != ANYWHERE and self.place not in (ANYWHERE, place):
            leg_m = int(self.travel.distance_m[self.place, place])
            leg_s = int(self.travel.duration_s[self.place, place])
            self.has_way &= leg_m < UNREACHABLE and leg_s < UNREACHABLE
            self.distance_m += leg_m
        self._drive(leg_s)
        self.place = place
        self.floor = max(self.floor, earliest_s)
        first, *more = hinges or [(0, 0)]
        self.rows.append((self.floor, self.delay, latest_s, *first))
        self.hinge_rows += [(self.floor, self.delay, latest_s, *each) for each in more]
        self.floor += service_s
        self.delay += service_s

    def _drive(self, leg_s: int) -> None:
        """Go on by a leg, with the breaks that are taken on it."""
        breaks, rest, rest_delay = self.problem.breaks, self.floor, self.delay
        self.floor += leg_s
        self.delay += leg_s
        for row, leg in self.rests:
            if leg != self.leg:
                continue
            early_s, duration_s = int(breaks.earliest_s[row]), int(breaks.duration_s[row])
            rest = max(rest, early_s)
            self.break_rows.append((rest, rest_delay, int(breaks.latest_s[row]), 0, 0))
            rest += duration_s
            rest_delay += duration_s
            self.floor = max(self.floor, early_s) + duration_s
            self.delay += duration_s
        self.leg += 1

    def off_route(self) -> None:
        """Keep what breaks before the start and after the end ask for."""
        breaks = self.problem.breaks
        for row, leg in self.rests:
            if leg == BEFORE:
                done_s = int(breaks.earliest_s[row]) + int(breaks.duration_s[row])
                self.soonest = max(self.soonest, done_s)
            elif leg == AFTER:
                self.break_rows.append((self.floor, self.delay, int(breaks.latest_s[row]), 0, 0))


def timetable(
    problem: RoutingProblem, courier: int, trips: Sequence[Trip], breaks: Sequence[int] = ()
) -> Timetable:
    """Return the timetable of a route; breaks by the leg on which each is taken."""
    orders, stores, couriers = problem.orders, problem.stores, problem.couriers
    builder = _Builder(problem, courier, breaks)
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
                    hinges=[
                        (int(moment[order]), int(rate[order])) for moment, rate in orders.hinges
                    ],
                )
    end_place, shift_end_s = int(couriers.end_place[courier]), int(couriers.latest_s[courier])
    builder.event(end_place, earliest_s=_NEVER_BINDS, latest_s=shift_end_s, service_s=0)
    builder.off_route()
    rows = [*builder.break_rows, *builder.hinge_rows, *builder.rows]
    floor, delay, latest, promise, price = (list(each) for each in zip(*rows, strict=True))
    served = sum(len(set(trip.stops)) for trip in trips)
    base = builder.distance_m * int(couriers.cost_per_m[courier])
    base += int(couriers.fixed_cost[courier]) + served * int(couriers.cost_per_order[courier])
    return Timetable(
        floor_s=floor,
        delay_s=delay,
        latest_s=latest,
        promise_s=promise,
        late_cost_per_s=price,
        distance_m=builder.distance_m,
        has_way=builder.has_way,
        soonest_s=builder.soonest,
        base=base,
        min_pay=int(couriers.min_pay[courier]),
    )


def best_route(problem: RoutingProblem, courier: int, trips: Sequence[Trip]) -> Route | None:
    """Return the route with its cheapest start, the earliest among equals; None if none keeps time.

    Duration plus lateness is convex and piecewise linear in the start, as is every event, so an
    optimum lies at a kink or at an end of the feasible interval. Windows, the shift, and the limits
    on duration and distance are kept; loads, skills and numbers are not looked at. Breaks are tried
    on all legs, and before and after the route.
    """
    best: tuple[int, Route] | None = None
    for breaks in _spreads(problem, courier, trips):
        table = timetable(problem, courier, trips, breaks)
        start_s = _best_start(problem, courier, table)
        if start_s is None:
            continue
        cost = table.cost(start_s, int(problem.couriers.cost_per_s[courier]))
        if best is None or cost < best[0]:
            route = Route(courier=courier, trips=tuple(trips), start_s=start_s, breaks=breaks)
            best = cost, route
    return None if best is None else best[1]


def _spreads(
    problem: RoutingProblem, courier: int, trips: Sequence[Trip]
) -> Iterator[tuple[int, ...]]:
    """Yield the legs on which the breaks of a courier may be taken."""
    num = len(problem.breaks.of_courier(courier))
    legs = 1 + sum(len(trip.stops) + (trip.store != NO_STORE) for trip in trips)
    choices = [BEFORE, *range(legs), AFTER]
    if len(choices) ** num <= _MOST_SPREADS:
        yield from itertools.product(choices, repeat=num)
    else:
        yield from itertools.combinations_with_replacement(choices, num)


def _best_start(problem: RoutingProblem, courier: int, table: Timetable) -> int | None:
    """Return the cheapest start, or None if none keeps time."""
    couriers = problem.couriers
    if not table.has_way or table.distance_m > int(couriers.max_distance_m[courier]):
        return None
    slack = zip(table.floor_s, table.delay_s, table.latest_s, strict=True)
    high = min(latest - delay for _, delay, latest in slack)
    if any(f > latest for f, latest in zip(table.floor_s, table.latest_s, strict=True)):
        return None
    low = max(int(couriers.earliest_s[courier]), table.soonest_s)
    limit_s = int(couriers.max_duration_s[courier])
    if table.delay_s[-1] > limit_s:
        return None
    low = max(low, table.floor_s[-1] - limit_s)
    if low > high:
        return None
    cost_per_s = int(couriers.cost_per_s[courier])
    if cost_per_s == 0:
        # Lateness never falls with a later start.
        return low
    kinks = {low, high}
    points = [
        at
        for floor, delay, promise in zip(table.floor_s, table.delay_s, table.promise_s, strict=True)
        for at in (floor - delay, promise - delay)
    ]
    if table.min_pay > table.base:
        # Up to there waiting is paid for in any case.
        paid_s = (table.min_pay - table.base) // cost_per_s
        points += [table.floor_s[-1] - paid_s, table.floor_s[-1] - paid_s - 1]
    kinks.update(at for at in points if low < at < high)
    return min(sorted(kinks), key=lambda at: table.cost(at, cost_per_s))
