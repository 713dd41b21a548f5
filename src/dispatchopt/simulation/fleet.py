"""The couriers of a simulated day: trips, moves and declines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.dispatch.state import TripPlan
from dispatchopt.dispatch.timing import NEVER_S, at_goods_s, drive_s
from dispatchopt.simulation.clock import Clock
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventKind
from dispatchopt.simulation.ledger import DELIVERED, RIDING, Ledger
from dispatchopt.simulation.noise import Noise


@dataclass(kw_only=True)
class Ride:
    """A trip under way: its way, and the times known so far."""

    courier: int
    store: int
    orders: tuple[int, ...]
    assigned_s: int
    places: list[int]
    distance_m: IntArray
    free_flow_s: IntArray
    pending: int
    expected_s: int
    parked_s: int
    arrived_s: int = -1
    pickup_s: int = -1
    departed_s: int = -1
    end_s: int = -1


@dataclass(frozen=True, kw_only=True)
class Drive:
    """One leg, as it will be recorded."""

    courier: int
    trip: int
    order: int
    depart_s: int
    arrive_s: int
    from_place: int
    to_place: int
    distance_m: int
    noise: float


class Fleet:
    """Where couriers are, what they do, and when they are expected to be free."""

    def __init__(
        self,
        *,
        day: Day,
        noise: Noise,
        clock: Clock,
        ledger: Ledger,
        expected_ready_s: Callable[[list[int]], int],
    ) -> None:
        k = len(day.couriers)
        self._day, self._noise, self._clock, self._ledger = day, noise, clock, ledger
        self._expected_ready_s = expected_ready_s
        self.is_busy = np.zeros(k, dtype=np.bool_)
        self.free_s = day.couriers.on_s.copy()
        self.place_idx = day.couriers.place_idx.copy()
        self.parked_s = np.full(k, NEVER_S, dtype=np.int64)
        self.taken_orders = np.zeros(k, dtype=np.int64)
        self.has_left = np.zeros(k, dtype=np.bool_)
        self.rides: list[Ride] = []
        self.drives: list[Drive] = []
        self.handlers = {
            EventKind.DELIVERED: self._on_delivered,
            EventKind.FREED: self._on_freed,
            EventKind.STOPPED: self._on_stopped,
            EventKind.ARRIVED: self._on_arrived,
            EventKind.PICKED_UP: self._on_picked_up,
            EventKind.LEFT: self._on_left,
            EventKind.BREAK: self._on_break,
            EventKind.BACK: self._on_back,
        }
        self._pause_s: dict[int, int] = {}
        self._breaks: dict[int, list[int]] = {}
        self._delay_s = dict(
            zip(day.incidents.delay_order.tolist(), day.incidents.delay_s.tolist(), strict=True)
        )
        self._expect_incidents()

    def _expect_incidents(self) -> None:
        """Queue what will go wrong with couriers."""
        given, couriers = self._day.incidents, self._day.couriers
        for courier, at_s in zip(given.quit_courier.tolist(), given.quit_s.tolist(), strict=True):
            if at_s < couriers.off_s[courier]:
                self._clock.at(max(at_s, int(couriers.on_s[courier])), EventKind.LEFT, courier)
        rows = zip(
            given.break_courier.tolist(),
            given.break_from_s.tolist(),
            given.break_s.tolist(),
            strict=True,
        )
        for courier, from_s, length_s in sorted(rows):
            begin_s = max(from_s, int(couriers.on_s[courier]))
            if begin_s < couriers.off_s[courier] and length_s > 0:
                self._breaks.setdefault(courier, []).append(length_s)
                self._clock.at(begin_s, EventKind.BREAK, courier)

    def _on_left(self, courier: int) -> None:
        self.has_left[courier] = True
        self._ledger.note(EventKind.LEFT, courier=courier, place=int(self.place_idx[courier]))

    def _on_break(self, courier: int) -> None:
        """Begin a break, or owe one until the work at hand is done."""
        length_s = self._breaks[courier].pop(0)
        self._pause_s[courier] = self._pause_s.get(courier, 0) + length_s
        if not self.is_busy[courier]:
            self._rest(courier)

    def _rest(self, courier: int) -> None:
        length_s = self._pause_s.pop(courier, 0)
        if length_s == 0 or self.has_left[courier]:
            return
        now_s = self._clock.now_s
        self.is_busy[courier], self.free_s[courier] = True, now_s + length_s
        self._ledger.note(EventKind.BREAK, courier=courier, place=int(self.place_idx[courier]))
        self._clock.at(now_s + length_s, EventKind.BACK, courier)

    def _on_back(self, courier: int) -> None:
        self.is_busy[courier] = False
        self._ledger.note(EventKind.BACK, courier=courier, place=int(self.place_idx[courier]))
        self._rest(courier)

    def send(self, trips: list[TripPlan]) -> None:
        """Send couriers on trips, unless they decline; all ways are asked for in one call."""
        kept = [trip for trip in trips if not self._declines(trip)]
        if not kept:
            return
        ways = [self._way(trip) for trip in kept]
        distance_m, free_flow_s = self._day.travel.pairs(
            np.array([place for way in ways for place in way[:-1]], dtype=np.int64),
            np.array([place for way in ways for place in way[1:]], dtype=np.int64),
        )
        at = 0
        for trip, way in zip(kept, ways, strict=True):
            legs = slice(at, at + len(way) - 1)
            at = legs.stop
            self._set_off(trip, way, distance_m[legs], free_flow_s[legs])

    def _declines(self, trip: TripPlan) -> bool:
        if not self._noise.is_declined(trip.courier, min(trip.orders)):
            return False
        for order in trip.orders:
            self._ledger.declined.setdefault(order, []).append(trip.courier)
            self._ledger.at_store(EventKind.DECLINED, trip.store, order=order, courier=trip.courier)
        return True

    def _way(self, trip: TripPlan) -> list[int]:
        store = int(self._day.stores.place_idx[trip.store])
        doors = self._day.orders.place_idx[list(trip.orders)].tolist()
        return [int(self.place_idx[trip.courier]), store, *doors]

    def _set_off(
        self, trip: TripPlan, way: list[int], distance_m: IntArray, free_flow_s: IntArray
    ) -> None:
        now_s, number, courier = self._clock.now_s, len(self.rides), trip.courier
        rules, ledger, listed = self._day.rules, self._ledger, list(trip.orders)
        factor = self._factor(courier, now_s)
        expected_s = drive_s(free_flow_s, factor)
        ride = Ride(
            courier=courier,
            store=trip.store,
            orders=trip.orders,
            assigned_s=now_s,
            places=way,
            distance_m=distance_m,
            free_flow_s=free_flow_s,
            pending=int((ledger.times["ready_s"][listed] < 0).sum()),
            expected_s=rules.pickup_s
            + int(expected_s[1:].sum())
            + len(listed) * (rules.dropoff_s + rules.leave_s),
            parked_s=int(self.parked_s[courier]) if way[0] == way[1] else NEVER_S,
        )
        self.rides.append(ride)
        ledger.status[listed] = RIDING
        ledger.trip[listed] = number
        for order in listed:
            ledger.stamp("assigned_s", order)
            ledger.at_store(EventKind.ASSIGNED, trip.store, order=order, courier=courier)
        noise = float(self._noise.to_store[min(listed)])
        arrive_s = self._drive(number, 0, now_s, noise)
        self.is_busy[courier] = True
        self.place_idx[courier] = way[-1]
        self.parked_s[courier] = NEVER_S
        self.taken_orders[courier] += len(listed)
        self._expect(ride, now_s + int(expected_s[0]))
        self._clock.at(arrive_s, EventKind.ARRIVED, number)

    def _factor(self, courier: int, depart_s: int) -> float:
        return self._day.travel.slowdown(depart_s) * float(self._day.couriers.pace[courier])

    def _expect(self, ride: Ride, arrive_s: int) -> None:
        ready_s = self._expected_ready_s(list(ride.orders))
        pickup_s = max(self._at_goods_s(ride, arrive_s), ready_s)
        self.free_s[ride.courier] = pickup_s + ride.expected_s

    def _at_goods_s(self, ride: Ride, arrive_s: int) -> int:
        return int(at_goods_s(arrive_s, 0, self._day.rules.park_s, ride.parked_s))

    def _drive(self, trip: int, leg: int, depart_s: int, noise: float) -> int:
        """Record a leg of a trip and return its arrival."""
        ride = self.rides[trip]
        factor = self._factor(ride.courier, depart_s) * noise
        arrive_s = depart_s + int(drive_s(ride.free_flow_s[leg], factor))
        self.drives.append(
            Drive(
                courier=ride.courier,
                trip=trip,
                order=ride.orders[leg - 1] if leg else -1,
                depart_s=depart_s,
                arrive_s=arrive_s,
                from_place=ride.places[leg],
                to_place=ride.places[leg + 1],
                distance_m=int(ride.distance_m[leg]),
                noise=noise,
            )
        )
        return arrive_s

    def _on_arrived(self, trip: int) -> None:
        ride = self.rides[trip]
        ride.arrived_s = self._clock.now_s
        self._ledger.at_store(EventKind.ARRIVED, ride.store, courier=ride.courier)
        self._expect(ride, ride.arrived_s)
        self._hand_over(trip)

    def order_is_ready(self, trip: int) -> None:
        """Let a trip know that one of its orders is ready."""
        self.rides[trip].pending -= 1
        self._hand_over(trip)

    def _hand_over(self, trip: int) -> None:
        """Begin the hand-over once the courier is there and everything is ready."""
        ride = self.rides[trip]
        if ride.arrived_s >= 0 and ride.pending == 0 and ride.pickup_s < 0:
            ride.pickup_s = max(self._at_goods_s(ride, ride.arrived_s), self._clock.now_s)
            self._clock.at(ride.pickup_s, EventKind.PICKED_UP, trip)

    def _on_picked_up(self, trip: int) -> None:
        ride, rules = self.rides[trip], self._day.rules
        for order in ride.orders:
            self._ledger.stamp("pickup_s", order)
            self._ledger.at_store(
                EventKind.PICKED_UP, ride.store, order=order, courier=ride.courier
            )
        self.free_s[ride.courier] = self._clock.now_s + ride.expected_s
        at_s = ride.departed_s = self._clock.now_s + rules.pickup_s
        for leg, order in enumerate(ride.orders, start=1):
            at_s = self._drive(trip, leg, at_s, self._hold_up(ride, leg, order, at_s))
            self._clock.at(at_s + rules.dropoff_s, EventKind.DELIVERED, order)
            at_s += rules.dropoff_s + rules.leave_s
        ride.end_s = at_s
        self._clock.at(at_s, EventKind.FREED, trip)

    def _hold_up(self, ride: Ride, leg: int, order: int, depart_s: int) -> float:
        """Return the factor on a ride to a door, with what holds it up."""
        noise = float(self._noise.to_door[order])
        delay_s, free_s = self._delay_s.get(order, 0), int(ride.free_flow_s[leg])
        if delay_s == 0 or free_s == 0:
            return noise
        exact = free_s * self._factor(ride.courier, depart_s)
        return float((int(drive_s(exact, noise)) + delay_s) / exact)

    def _on_delivered(self, order: int) -> None:
        ride = self.rides[int(self._ledger.trip[order])]
        self._ledger.close(order, DELIVERED)
        self._ledger.stamp("delivered_s", order)
        self._ledger.at_door(EventKind.DELIVERED, order, courier=ride.courier)

    def _on_freed(self, trip: int) -> None:
        courier = self.rides[trip].courier
        self.is_busy[courier] = False
        self._ledger.note(EventKind.FREED, courier=courier, place=int(self.place_idx[courier]))
        self._rest(courier)

    def move(self, moves: tuple[tuple[int, int], ...]) -> None:
        """Send couriers to places without goods."""
        if not moves:
            return
        now_s = self._clock.now_s
        couriers = np.array([courier for courier, _ in moves], dtype=np.int64)
        places = np.array([place for _, place in moves], dtype=np.int64)
        distance_m, free_flow_s = self._day.travel.pairs(self.place_idx[couriers], places)
        factor = self._day.travel.slowdown(now_s) * self._day.couriers.pace[couriers]
        noise = self._noise.moves[couriers]
        expected_s, took_s = drive_s(free_flow_s, factor), drive_s(free_flow_s, factor * noise)
        for row, (courier, place) in enumerate(moves):
            start = int(self.place_idx[courier])
            self._ledger.note(EventKind.MOVED, courier=courier, place=start)
            self.drives.append(
                Drive(
                    courier=courier,
                    trip=-1,
                    order=-1,
                    depart_s=now_s,
                    arrive_s=now_s + int(took_s[row]),
                    from_place=start,
                    to_place=place,
                    distance_m=int(distance_m[row]),
                    noise=float(noise[row]),
                )
            )
            self.is_busy[courier] = True
            self.place_idx[courier] = place
            self.parked_s[courier] = NEVER_S
            self.free_s[courier] = now_s + int(expected_s[row])
            self._clock.at(now_s + int(took_s[row]), EventKind.STOPPED, courier)

    def _on_stopped(self, courier: int) -> None:
        self.is_busy[courier] = False
        self.parked_s[courier] = self._clock.now_s
        self._ledger.note(EventKind.STOPPED, courier=courier, place=int(self.place_idx[courier]))
        self._rest(courier)
