"""Turning what the world kept into the records of an outcome."""

from __future__ import annotations

import dataclasses

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.simulation import ledger as states
from dispatchopt.simulation.fleet import Drive, Ride
from dispatchopt.simulation.noise import Noise
from dispatchopt.simulation.outcome import CourierRecords, Legs, OrderRecords, OrderStatus, Trips
from dispatchopt.simulation.world import World

_STATUS = {
    states.HIDDEN: OrderStatus.UNPLACED,
    states.OPEN: OrderStatus.UNDELIVERED,
    states.RIDING: OrderStatus.UNDELIVERED,
    states.DELIVERED: OrderStatus.DELIVERED,
    states.REFUSED: OrderStatus.REFUSED,
    states.CANCELLED: OrderStatus.CANCELLED,
}


def order_records(world: World, noise: Noise) -> OrderRecords:
    """Return one row per order of the day."""
    day, ledger = world.day, world.ledger
    status = np.array([int(_STATUS[state]) for state in range(len(_STATUS))])[ledger.status]
    times = ledger.times
    delivered_s = times["delivered_s"]
    couriers = np.array([ride.courier for ride in world.fleet.rides], dtype=np.int64)
    is_riding = ledger.trip >= 0
    courier = np.full(len(day.orders), -1, dtype=np.int64)
    courier[is_riding] = couriers[ledger.trip[is_riding]]
    late_s = np.where(delivered_s >= 0, np.maximum(delivered_s - day.orders.due_s, 0), -1)
    reasons = [ledger.reason.get(order, "") for order in range(len(day.orders))]
    for order in np.flatnonzero(status == OrderStatus.UNDELIVERED):
        reasons[order] = _why_open(ledger, int(order))
    return OrderRecords(
        status=status,
        store=ledger.store,
        courier=courier,
        trip=ledger.trip,
        late_s=late_s,
        missing_lines=ledger.missing_lines,
        picking_noise=noise.picking,
        reason=tuple(reasons),
        **times,
    )


def _why_open(ledger: states.Ledger, order: int) -> str:
    if ledger.trip[order] >= 0:
        return "on-the-way"
    if ledger.store[order] < 0:
        return "no-store-chosen"
    return "no-courier" if ledger.times["ready_s"][order] >= 0 else "not-picked"


def trip_table(rides: list[Ride]) -> Trips:
    """Return one row per trip."""

    def column(name: str) -> IntArray:
        return np.array([getattr(ride, name) for ride in rides], dtype=np.int64)

    return Trips(
        courier=column("courier"),
        store=column("store"),
        assigned_s=column("assigned_s"),
        arrived_s=column("arrived_s"),
        pickup_s=column("pickup_s"),
        departed_s=column("departed_s"),
        end_s=column("end_s"),
        order_ptr=np.cumsum([0, *(len(ride.orders) for ride in rides)]),
        order_idx=np.array([order for ride in rides for order in ride.orders], dtype=np.int64),
    )


def leg_table(drives: list[Drive]) -> Legs:
    """Return one row per leg, sorted by courier and departure."""
    kept = sorted(drives, key=lambda leg: (leg.courier, leg.depart_s, leg.arrive_s))
    whole: dict[str, IntArray] = {
        field.name: np.array([getattr(leg, field.name) for leg in kept], dtype=np.int64)
        for field in dataclasses.fields(Drive)
        if field.name != "noise"
    }
    return Legs(noise=np.array([leg.noise for leg in kept], dtype=np.float64), **whole)


def courier_records(world: World, orders: OrderRecords, trips: Trips, legs: Legs) -> CourierRecords:
    """Return one row per courier, added up over trips and legs that began."""
    k = len(world.day.couriers)

    def total(courier: IntArray, seconds: IntArray) -> IntArray:
        sums = np.zeros(k, dtype=np.int64)
        np.add.at(sums, courier, seconds)
        return sums

    now_s = world.clock.now_s
    is_move = legs.trip < 0
    driving_s = np.minimum(legs.arrive_s, now_s) - np.minimum(legs.depart_s, now_s)
    trip_end_s = np.where(trips.end_s < 0, now_s, np.minimum(trips.end_s, now_s))
    is_taken = trips.pickup_s >= 0
    parked_s = trips.pickup_s - trips.arrived_s - world.day.rules.park_s
    busy_s = total(trips.courier, trip_end_s - trips.assigned_s)
    end_s = world.day.couriers.off_s.copy()
    np.maximum.at(end_s, trips.courier, trip_end_s)
    np.maximum.at(end_s, legs.courier[is_move], np.minimum(legs.arrive_s[is_move], now_s))
    is_delivered = orders.status == OrderStatus.DELIVERED
    return CourierRecords(
        busy_s=busy_s + total(legs.courier[is_move], driving_s[is_move]),
        driving_s=total(legs.courier, driving_s),
        waiting_s=total(trips.courier[is_taken], parked_s[is_taken]),
        distance_m=total(legs.courier, legs.distance_m),
        orders=np.bincount(orders.courier[is_delivered], minlength=k),
        trips=np.bincount(trips.courier, minlength=k),
        end_s=end_s,
    )
