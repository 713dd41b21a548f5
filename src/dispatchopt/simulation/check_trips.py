"""Rules on couriers: one thing at a time, from place to place, within shift and capacity."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.result import Violation
from dispatchopt.geography.matrix import UNREACHABLE
from dispatchopt.simulation.check_orders import broken, rounding
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventKind
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus


def check_trips(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Check bundles, capacities, home stores, shifts, hand-overs and deliveries of trips."""
    trips, records, couriers = outcome.trips, outcome.orders, day.couriers
    names = tuple(str(trip) for trip in range(len(trips)))
    sizes = np.diff(trips.order_ptr)
    owner = np.repeat(np.arange(len(trips)), sizes)
    orders = trips.order_idx
    found = broken("empty-trip", "trip", names, sizes == 0)
    found += broken("bundle-size", "trip", names, sizes - day.rules.max_bundle)
    by = sizes - couriers.capacity_orders[trips.courier]
    found += broken("capacity-orders", "trip", names, by)
    load = np.zeros(len(trips), dtype=np.int64)
    np.add.at(load, owner, day.orders.load_ml[orders])
    found += broken("capacity-ml", "trip", names, load - couriers.capacity_ml[trips.courier])
    home = couriers.store_idx[trips.courier]
    found += broken("wrong-store", "trip", names, (home >= 0) & (home != trips.store))
    early = couriers.on_s[trips.courier] - trips.assigned_s
    found += broken("trip-before-shift", "trip", names, early)
    late = trips.assigned_s - couriers.off_s[trips.courier] + 1
    found += broken("trip-after-shift", "trip", names, late)
    early = records.sourced_s[orders] - trips.assigned_s[owner]
    found += broken("assigned-before-sourced", "order", day.orders.ids, early, orders)
    listed = np.bincount(orders, minlength=len(day.orders))
    found += broken("order-on-two-trips", "order", day.orders.ids, listed - 1)
    same = (records.trip[orders] == owner) & (records.store[orders] == trips.store[owner])
    same &= records.courier[orders] == trips.courier[owner]
    found += broken("trip-disagrees", "order", day.orders.ids, ~same, orders)
    lost = (records.trip >= 0) & (listed == 0)
    found += broken("trip-disagrees", "order", day.orders.ids, lost)
    found += _hand_over(day, outcome, owner, names)
    return found + _declined(day, outcome)


def _hand_over(
    day: Day, outcome: DayOutcome, owner: IntArray, names: tuple[str, ...]
) -> list[Violation]:
    """Goods are taken over as soon as courier and all goods are there."""
    trips, records, rules = outcome.trips, outcome.orders, day.rules
    here = trips.pickup_s >= 0
    wanted = _parked_s(outcome) + rules.park_s
    wanted = np.maximum(wanted, trips.arrived_s)
    np.maximum.at(wanted, owner, records.ready_s[trips.order_idx])
    found = broken(
        "hand-over-time", "trip", names, np.where(here, np.abs(trips.pickup_s - wanted), 0)
    )
    is_sure = day.orders.expected_ready_s is None
    if is_sure and rules.travel_noise_sd == 0 and rules.picking_noise_sd == 0:
        # Without noise or estimates expectations are exact: no take-over falls after the shift.
        late = trips.pickup_s - day.couriers.off_s[trips.courier]
        found += broken("pickup-after-shift", "trip", names, late)
    differs = records.pickup_s[trips.order_idx] != trips.pickup_s[owner]
    found += broken("pickup-disagrees", "order", day.orders.ids, differs, trips.order_idx)
    left = np.where(here, np.abs(trips.departed_s - trips.pickup_s - rules.pickup_s), 0)
    return found + broken("departure-time", "trip", names, left)


def _parked_s(outcome: DayOutcome) -> IntArray:
    """Second at which each trip's courier stopped at the store: on arrival, or by a move before."""
    legs, parked_s = outcome.legs, outcome.trips.arrived_s.copy()
    keys = np.lexsort((np.arange(len(legs)), legs.depart_s, legs.courier))
    trip, courier = legs.trip[keys], legs.courier[keys]
    was_here = legs.from_place[keys] == legs.to_place[keys]
    before = np.roll(np.arange(len(keys)), 1)
    is_after_move = (courier[before] == courier) & (trip[before] < 0) & (trip >= 0)
    is_after_move[:1] = False
    rows = np.flatnonzero(is_after_move & was_here & (legs.order[keys] < 0))
    parked_s[trip[rows]] = legs.arrive_s[keys][before[rows]]
    return parked_s


def _declined(day: Day, outcome: DayOutcome) -> list[Violation]:
    """No courier brings what the courier declined before."""
    log, records = outcome.log, outcome.orders
    said_no = log.kind == EventKind.DECLINED
    orders, couriers = log.order[said_no], log.courier[said_no]
    return broken(
        "brought-after-decline",
        "order",
        day.orders.ids,
        records.courier[orders] == couriers,
        orders,
    )


def check_legs(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Check that each leg takes as long as travel, pace, time of day and noise say."""
    legs = outcome.legs
    names = tuple(str(leg) for leg in range(len(legs)))
    distance_m, free_s = day.travel.pairs(legs.from_place, legs.to_place)
    found = broken("unreachable", "leg", names, free_s >= UNREACHABLE)
    found += broken("leg-distance", "leg", names, np.abs(legs.distance_m - distance_m))
    times, at = np.unique(legs.depart_s, return_inverse=True)
    slowdown: FloatArray = np.array([day.travel.slowdown(int(t)) for t in times], dtype=np.float64)
    exact = free_s * slowdown[at] * day.couriers.pace[legs.courier] * legs.noise
    off = rounding(legs.arrive_s - legs.depart_s - exact)
    found += broken("leg-duration", "leg", names, off)
    if day.rules.travel_noise_sd == 0:
        # A ride that was held up says so by its factor.
        is_held = np.isin(legs.order, day.incidents.delay_order)
        found += broken("noise-where-none-is", "leg", names, np.abs(legs.noise - 1) * ~is_held)
    return found + _deliveries(day, outcome)


def _deliveries(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Each delivered order has one leg to its door, and is handed over ``dropoff_s`` after it."""
    legs, records, rules = outcome.legs, outcome.orders, day.rules
    to_door = legs.order >= 0
    orders = legs.order[to_door]
    done = records.status == OrderStatus.DELIVERED
    counts = np.bincount(orders, minlength=len(records))
    found = broken("no-leg-to-door", "order", day.orders.ids, done & (counts != 1))
    off = np.abs(records.delivered_s[orders] - legs.arrive_s[to_door] - rules.dropoff_s)
    found += broken(
        "delivery-time", "order", day.orders.ids, np.where(done[orders], off, 0), orders
    )
    wrong = legs.to_place[to_door] != day.orders.place_idx[orders]
    return found + broken("wrong-door", "order", day.orders.ids, wrong, orders)


def check_couriers(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Check that couriers move from place to place without jumps, gaps in time or overlaps."""
    legs, trips, rules, ids = outcome.legs, outcome.trips, day.rules, day.couriers.ids
    k = len(day.couriers)
    keys = np.lexsort((legs.depart_s, legs.courier))
    courier, trip = legs.courier[keys], legs.trip[keys]
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = np.diff(courier) != 0
    start = day.couriers.place_idx[courier]
    came_from = np.where(first, start, np.roll(legs.to_place[keys], 1))
    found = broken("jump", "courier", ids, legs.from_place[keys] != came_from, courier)
    service_s = np.where(legs.order >= 0, rules.dropoff_s + rules.leave_s, 0)[keys]
    free_s = np.where(first, 0, np.roll(legs.arrive_s[keys] + service_s, 1))
    found += broken("overlap", "courier", ids, free_s - legs.depart_s[keys], courier)
    # Within a trip each leg to a door begins where the service before it ends.
    inside = ~first & (legs.order[keys] >= 0)
    departed_s = trips.departed_s[np.maximum(trip, 0)] if len(trips) else np.zeros(len(keys))
    after_store = np.roll(legs.order[keys], 1) < 0
    wanted = np.where(after_store, departed_s, free_s)
    late = np.where(inside, np.abs(legs.depart_s[keys] - wanted), 0)
    found += broken("dawdling", "courier", ids, late, courier)
    on_s, off_s = day.couriers.on_s[courier], day.couriers.off_s[courier]
    is_start = legs.order[keys] < 0
    depart_s = legs.depart_s[keys]
    found += broken(
        "leg-outside-shift",
        "courier",
        ids,
        is_start & ((depart_s < on_s) | (depart_s >= off_s)),
        courier,
    )
    metres = np.zeros(k, dtype=np.int64)
    np.add.at(metres, legs.courier, legs.distance_m)
    found += broken(
        "courier-distance", "courier", ids, np.abs(metres - outcome.couriers.distance_m)
    )
    done = (outcome.orders.status == OrderStatus.DELIVERED) & (outcome.orders.courier >= 0)
    brought = np.bincount(outcome.orders.courier[done], minlength=k)
    off = np.abs(brought - outcome.couriers.orders)
    return found + broken("courier-orders", "courier", ids, off)
