"""A plan by next stops: whichever order comes nearest and soonest follows, till none fits.

The time-oriented nearest neighbour of Solomon (1987), Algorithms for the vehicle routing and
scheduling problems with time window constraints, Operations Research 35(2). It looks at every order
once per stop, so that a thousand of them take a fraction of a second, where a choice among all
insertions would take minutes. The price is a plan that is far from good.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing.problem import (
    ANYWHERE,
    NO_STORE,
    UNREACHABLE,
    Route,
    RoutingProblem,
    Trip,
)
from dispatchopt.routing.schedule import best_route

# How much is looked at, so that it takes no time.
_MOST_PAIRS = 300  # of courier row and store
_MOST_CELLS = 2_000_000  # of such a pair and an order
_MOST_ABOARD = 3  # orders that were picked up, and are not delivered yet
_FAR_BACK = -(1 << 50)


def nearest_routes(problem: RoutingProblem) -> list[Route]:
    """Return routes of orders that must be served: of all of them, where couriers suffice.

    Couriers with breaks and stores that take time to pick are left out. A courier takes orders with
    pick-up places, or others.
    """
    return _Nearest(problem).routes()


def may_carry(problem: RoutingProblem, row: int, store: int) -> BoolArray:
    """Return which orders a courier may carry from a store, times and other orders apart.

    ``NO_STORE``: those with a pick-up place of their own; else all others.
    """
    orders, couriers = problem.orders, problem.couriers
    may: BoolArray = np.isin(orders.locked_courier, [ANYWHERE, row])
    may &= orders.has_pickup == (store == NO_STORE)
    may &= (orders.skills & ~couriers.skills[row]) == 0
    may &= (orders.load <= couriers.capacity[row]).all(axis=1)
    if orders.store_options is not None and store != NO_STORE:
        options = orders.store_options
        owner = np.repeat(np.arange(len(orders)), np.diff(options.indptr))
        may &= np.isin(np.arange(len(orders)), owner[options.stores == store])
    return may


@dataclass(frozen=True, kw_only=True)
class _Clock:
    """Where routes are after a visit, one entry per route, or one for all.

    ``waits_s`` was waited since the start, which may be later by ``slack_s`` (Savelsbergh 1992);
    ``work_s`` is time under way and in service.
    """

    place: IntArray
    time_s: IntArray
    metres: IntArray
    work_s: IntArray
    waits_s: IntArray
    slack_s: IntArray
    is_kept: BoolArray

    @classmethod
    def at(cls, place: int, time_s: int) -> _Clock:
        """Return the clock of a route that begins."""
        zero = np.zeros(1, dtype=np.int64)
        return cls(
            place=zero + place,
            time_s=zero + time_s,
            metres=zero,
            work_s=zero,
            waits_s=zero,
            slack_s=zero - _FAR_BACK,
            is_kept=np.ones(1, dtype=np.bool_),
        )

    def row(self, at: int) -> _Clock:
        """Return the clock of one route."""
        return _Clock(
            **{
                each.name: getattr(self, each.name)[at : at + 1]
                for each in dataclasses.fields(self)
            }
        )

    def visit(
        self,
        travel: TravelMatrix,
        place: IntArray,
        window: tuple[IntArray, IntArray],
        work: IntArray,
    ) -> _Clock:
        """Return what it is after visits: places, first and last begin of service, its seconds."""
        leg_m, leg_s = (
            np.where(self.place == ANYWHERE, 0, way[self.place, place])
            for way in (travel.distance_m, travel.duration_s)
        )
        begin = np.maximum(self.time_s + leg_s, window[0])
        waits = self.waits_s + begin - self.time_s - leg_s
        is_way = (leg_m < UNREACHABLE) & (leg_s < UNREACHABLE)
        return _Clock(
            place=place,
            time_s=begin + work,
            metres=self.metres + leg_m,
            work_s=self.work_s + leg_s + work,
            waits_s=waits,
            slack_s=np.minimum(self.slack_s, window[1] - begin + waits),
            is_kept=self.is_kept & is_way & (begin <= window[1]),
        )


@dataclass(kw_only=True)
class _Line:
    """A route under way.

    ``ready_s`` is when the first order of its last trip was ready, ``room`` what it could take
    besides, ``aboard`` what was picked up, in the sequence in which it is delivered.
    """

    row: int
    store: int
    clock: _Clock
    ready_s: int = 0
    room: IntArray
    trips: list[list[int]] = field(default_factory=list)
    aboard: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Next:
    """What comes of orders that are tried next, (k,) each.

    The clock after the next stop; the way with waiting, infinite where a rule is broken; and the
    place of the new order among what is aboard.
    """

    clock: _Clock
    way: FloatArray
    place: IntArray


class _Nearest:
    def __init__(self, problem: RoutingProblem) -> None:
        self.problem = problem
        self.is_left: BoolArray = problem.orders.is_mandatory.copy()
        self.num_free = problem.couriers.count.copy()
        self.num_free[problem.breaks.courier] = 0
        #: Metres in a second, by which waiting counts as way.
        self.speed = [
            float(each.distance_m.sum()) / max(1.0, float(each.duration_s.sum()))
            for each in problem.travel
        ]

    def routes(self) -> list[Route]:
        """Return the routes, each begun at the order that comes soonest and nearest."""
        pairs = list(self._pairs())
        if not pairs:
            return []
        ways = np.array([self._ways_out(*pair) for pair in pairs])
        rows = np.array([row for row, _ in pairs], dtype=np.int64)
        made: list[Route] = []
        while self.is_left.any():
            at, order = divmod(int(ways.argmin()), ways.shape[1])
            if np.isinf(ways[at, order]):
                break
            row, store = pairs[at]
            route = self._grown(row, store, order)
            if route is None:
                # Both ways of timing agree; a plan by another pair is a plan all the same.
                ways[at, order] = np.inf
                continue
            made.append(route)
            for trip in route.trips:
                stops = list(trip.stops)
                self.is_left[stops] = False
                ways[:, stops] = np.inf
            self.num_free[row] -= 1
            if not self.num_free[row]:
                ways[rows == row] = np.inf
        return made

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """Yield pairs of courier row and store, or no store where orders have pick-up places."""
        problem = self.problem
        most = min(_MOST_PAIRS, _MOST_CELLS // max(1, len(problem.orders)))
        must, is_paired = self.is_left, problem.orders.has_pickup
        is_quick = problem.stores.pick_s == 0
        for row in np.flatnonzero(self.num_free > 0)[:most].tolist():
            if (must & is_paired).any():
                yield row, NO_STORE
            if (must & ~is_paired).any():
                own = problem.stores_of_courier(row)
                # All stores of one courier, or a few of each of many.
                few = max(1, most // max(1, int((self.num_free > 0).sum())))
                yield from ((row, store) for store in own[is_quick[own]][:few].tolist())

    def _line(self, row: int, store: int) -> _Line:
        couriers = self.problem.couriers
        clock = _Clock.at(int(couriers.start_place[row]), int(couriers.earliest_s[row]))
        return _Line(row=row, store=store, clock=clock, room=couriers.capacity[row])

    def _may_carry(self, line: _Line) -> IntArray:
        """Return orders that are left and that the courier may carry in a new trip, time apart."""
        may = self.is_left & may_carry(self.problem, line.row, line.store)
        for stops in line.trips:
            may[stops] = False
        return np.flatnonzero(may)

    def _ways_out(self, row: int, store: int) -> FloatArray:
        """Return how far each order is as the first one of a route; infinite where it cannot be."""
        far = np.full(len(self.problem.orders), np.inf)
        line = self._line(row, store)
        tried = self._may_carry(line)
        if len(tried):
            far[tried] = self._after(line, tried, is_new=True).way
        return far

    def _after(self, line: _Line, tried: IntArray, *, is_new: bool) -> _Next:
        """Return what comes of each order tried next, in the trip under way or in a new one."""
        stores, orders, clock = self.problem.stores, self.problem.orders, line.clock
        travel = self._travel(line)
        if line.store == NO_STORE:
            return self._after_pickup(line, tried)
        if is_new:
            early = np.maximum(orders.release_s[tried], stores.earliest_s[line.store])
            window = early, np.full(len(tried), stores.latest_s[line.store])
            place = np.full(len(tried), stores.place[line.store])
            clock = clock.visit(travel, place, window, stores.service_s[[line.store]])
        then = self._at_door(line, clock, tried)
        return _Next(clock=then, way=self._way(line, then), place=np.zeros(len(tried), np.int64))

    def _after_pickup(self, line: _Line, tried: IntArray) -> _Next:
        """Return what comes of each pick-up that is tried next, delivered where that is nearest."""
        orders = self.problem.orders
        early = np.maximum(orders.pickup_earliest_s, orders.release_s)[tried]
        window, work = (early, orders.pickup_latest_s[tried]), orders.pickup_service_s[tried]
        then = line.clock.visit(self._travel(line), orders.pickup_place[tried], window, work)
        ways = []
        for place in range(len(line.aboard) + 1):
            clock = then
            for order in line.aboard[:place]:
                clock = self._at_door(line, clock, np.full(len(tried), order))
            clock = self._at_door(line, clock, tried)
            for order in line.aboard[place:]:
                clock = self._at_door(line, clock, np.full(len(tried), order))
            ways.append(self._way(line, clock))
        return _Next(clock=then, way=np.min(ways, axis=0), place=np.argmin(ways, axis=0))

    def _travel(self, line: _Line) -> TravelMatrix:
        return self.problem.travel[int(self.problem.couriers.profile[line.row])]

    def _at_door(self, line: _Line, clock: _Clock, order: IntArray) -> _Clock:
        orders = self.problem.orders
        window = orders.earliest_s[order], orders.deadline_s[order]
        return clock.visit(self._travel(line), orders.place[order], window, orders.service_s[order])

    def _way(self, line: _Line, then: _Clock) -> FloatArray:
        """Return the way to where routes are then, waiting included; infinite if they break a rule.

        From there they go home.
        """
        couriers, row = self.problem.couriers, line.row
        end = np.where(couriers.end_place[row] == ANYWHERE, then.place, couriers.end_place[row])
        always = np.full(len(end), _FAR_BACK), np.full(len(end), couriers.latest_s[row])
        home = then.visit(self._travel(line), end, always, np.zeros(1, dtype=np.int64))
        duration = home.work_s + home.waits_s - np.minimum(home.waits_s, home.slack_s)
        is_kept = home.is_kept & (home.metres <= couriers.max_distance_m[row])
        is_kept &= duration <= couriers.max_duration_s[row]
        speed = self.speed[int(couriers.profile[row])]
        way = then.metres - line.clock.metres + speed * (then.waits_s - line.clock.waits_s)
        return np.where(is_kept, way, np.inf)

    def _grown(self, row: int, store: int, order: int) -> Route | None:
        """Return the route that an order begins, once others have followed."""
        most = int(self.problem.couriers.max_trips[row]) if store != NO_STORE else 1
        line, opens = self._line(row, store), np.array([order])
        while len(line.trips) < most and len(opens) and self._open(line, opens):
            self._fill(line)
            opens = self._may_carry(line)
        trips = [Trip(store=store, stops=tuple(stops)) for stops in line.trips]
        return best_route(self.problem, row, trips) if trips else None

    def _open(self, line: _Line, tried: IntArray) -> bool:
        """Begin a trip with the nearest of some orders; returns whether one fits."""
        orders, stores = self.problem.orders, self.problem.stores
        found = self._after(line, tried, is_new=True)
        at = int(found.way.argmin())
        if np.isinf(found.way[at]):
            return False
        line.trips.append([])
        line.room = self.problem.couriers.capacity[line.row]
        self._join(line, tried, found, at)
        # What is ready later than the first order would make it, and all that follows, wait.
        line.ready_s = int(orders.release_s[tried[at]])
        if line.store != NO_STORE:
            line.ready_s = max(line.ready_s, int(stores.earliest_s[line.store]))
        return True

    def _fill(self, line: _Line) -> None:
        """Add the nearest orders to the trip under way, till none fits."""
        orders, most = self.problem.orders, int(self.problem.couriers.max_stops[line.row])
        near = self._may_carry(line)
        if line.store != NO_STORE:
            near = near[orders.release_s[near] <= line.ready_s]
        while True:
            has_room = len(set(line.trips[-1])) < most and len(line.aboard) < _MOST_ABOARD
            fits = near[(orders.load[near] <= line.room).all(axis=1)] if has_room else near[:0]
            found = self._after(line, fits, is_new=False)
            at = int(found.way.argmin()) if len(fits) else -1
            if at >= 0 and not np.isinf(found.way[at]):
                near = near[near != fits[at]]
                self._join(line, fits, found, at)
            elif line.aboard:
                self._deliver(line)
            else:
                return
            # Later on, what does not fit now fits even less; but what is aboard may be in the way.
            is_lost = ~found.clock.is_kept if line.store == NO_STORE else np.isinf(found.way)
            near = near[~np.isin(near, fits[is_lost])]

    def _join(self, line: _Line, tried: IntArray, found: _Next, at: int) -> None:
        order = int(tried[at])
        line.clock = found.clock.row(at)
        line.trips[-1].append(order)
        line.room = line.room - self.problem.orders.load[order]
        if line.store == NO_STORE:
            line.aboard.insert(int(found.place[at]), order)

    def _deliver(self, line: _Line) -> None:
        """Deliver the first of what is aboard."""
        order = line.aboard.pop(0)
        line.clock = self._at_door(line, line.clock, np.array([order]))
        line.trips[-1].append(order)
        line.room = line.room + self.problem.orders.load[order]
