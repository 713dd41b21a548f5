"""A day whose times are known: one order a trip, in a town of the reports' tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.result import StopReason
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.tables import Couriers, Orders, Stores
from dispatchopt.geography.points import Points
from dispatchopt.pipeline.city import (
    City,
)
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventLog
from dispatchopt.simulation.outcome import (
    CourierRecords,
    DayOutcome,
    Legs,
    OrderRecords,
    Trips,
)


def day_by_hand(
    city: City, router: Any, open_sites: IntArray, nearest: IntArray
) -> tuple[Any, Any]:
    """One order a trip; orders out of reach are refused; the courier who is free first goes."""
    num, crew, stores = len(city.orders), len(city.couriers), len(open_sites)
    if not num or not crew or not stores:
        return None, None
    places = Points.concatenate(city.sites.points[open_sites], city.customers.points)
    travel = router.travel(places)
    customer = city.orders.customer_idx
    placed, promise = city.orders.placed_s, city.parameters.promise_s
    store = nearest[customer]
    rows: dict[str, list[Any]] = {name: [] for name in _LEG_COLUMNS}
    trips: list[list[int]] = []
    free, at = np.full(crew, 8 * 3600), np.arange(crew) % stores
    table = np.full((num, 8), -1)  # store, courier, trip, ready, assigned, pickup, delivered, late
    for order in range(num):
        if store[order] < 0:
            continue
        courier = int(np.argmin(free))
        ready = int(placed[order]) + 240
        start = max(int(free[courier]), int(placed[order]) + 30)
        there = _drive(travel, at[courier], store[order])
        pickup = max(ready, start + there[1])
        leave = pickup + 60
        ride = _drive(travel, int(store[order]), stores + int(customer[order]))
        done = leave + ride[1] + 90
        trip = len(trips)
        for leg in (
            (courier, trip, -1, start, start + there[1], at[courier], store[order], there[0]),
            (
                courier,
                trip,
                order,
                leave,
                leave + ride[1],
                store[order],
                stores + customer[order],
                ride[0],
            ),
        ):
            for name, value in zip(_LEG_COLUMNS, leg, strict=True):
                rows[name].append(int(value))
        trips.append([courier, int(store[order]), start, start + there[1], pickup, leave, done])
        late = max(0, done - int(placed[order]) - promise)
        table[order] = (store[order], courier, trip, ready, start, pickup, done, late)
        free[courier], at[courier] = done, stores + customer[order]
    day = _make_day(city, travel, places, open_sites, store)
    return day, _outcome(day, table, trips, rows, crew)


_LEG_COLUMNS = (
    "courier",
    "trip",
    "order",
    "depart_s",
    "arrive_s",
    "from_place",
    "to_place",
    "distance_m",
)


def _drive(travel: Any, origin: Any, target: Any) -> tuple[int, int]:
    metres, seconds = travel.pairs(np.array([int(origin)]), np.array([int(target)]))
    return int(metres[0]), max(1, int(seconds[0]))


def _make_day(
    city: City, travel: Any, places: Points, open_sites: IntArray, store: IntArray
) -> Day:
    stores, crew = len(open_sites), len(city.couriers)
    return Day(
        name=city.name,
        travel=travel,
        orders=Orders.build(
            ids=city.orders.ids,
            place_idx=stores + city.orders.customer_idx,
            placed_s=city.orders.placed_s,
            due_s=city.orders.placed_s + city.parameters.promise_s,
            options=[[s] if s >= 0 else [] for s in store.tolist()],
        ),
        stores=Stores(
            ids=tuple(city.sites.ids[s] for s in open_sites),
            place_idx=np.arange(stores),
            pickers=np.full(stores, 3),
            pick_base_s=np.full(stores, 120),
            pick_line_s=np.full(stores, 15),
            open_s=np.zeros(stores, dtype=int),
            close_s=np.full(stores, 2 * 86_400),
        ),
        couriers=Couriers.build(
            ids=city.couriers.ids,
            place_idx=np.arange(crew) % stores,
            on_s=city.couriers.on_s,
            off_s=city.couriers.off_s,
        ),
        rules=DayRules(promise_s=city.parameters.promise_s),
        places=places,
    )


def _outcome(
    day: Day, table: IntArray, trips: list[list[int]], rows: dict[str, list[Any]], crew: int
) -> DayOutcome:
    num = len(day.orders)
    made = np.array(trips, dtype=np.int64).reshape(-1, 7)
    served = table[:, 0] >= 0
    order = np.lexsort((rows["depart_s"], rows["courier"]))
    legs = {name: np.array(values, dtype=np.int64)[order] for name, values in rows.items()}
    busy = np.bincount(made[:, 0], weights=made[:, 6] - made[:, 2], minlength=crew)
    driving = np.bincount(
        legs["courier"], weights=legs["arrive_s"] - legs["depart_s"], minlength=crew
    )
    missing = np.where(served, (np.arange(num) % 10 == 3).astype(int), -1)
    return DayOutcome(
        day_name=day.name,
        policy="by-hand",
        seed=1,
        stopped_by=StopReason.COMPLETED,
        simulated_until_s=int(made[:, 6].max(initial=86_400)),
        orders=OrderRecords(
            status=np.where(served, 0, 1),
            store=table[:, 0],
            courier=table[:, 1],
            trip=table[:, 2],
            sourced_s=np.where(served, day.orders.placed_s, -1),
            picking_s=np.where(served, day.orders.placed_s + 60, -1),
            ready_s=table[:, 3],
            assigned_s=table[:, 4],
            pickup_s=table[:, 5],
            delivered_s=table[:, 6],
            late_s=table[:, 7],
            missing_lines=missing,
            picking_noise=np.ones(num),
            reason=tuple("" if s else "no-store" for s in served),
        ),
        couriers=CourierRecords(
            busy_s=busy,
            driving_s=driving,
            waiting_s=busy * 0,
            distance_m=np.bincount(legs["courier"], weights=legs["distance_m"], minlength=crew),
            orders=np.bincount(made[:, 0], minlength=crew),
            trips=np.bincount(made[:, 0], minlength=crew),
            end_s=np.full(crew, 24 * 3600),
        ),
        trips=Trips(
            courier=made[:, 0],
            store=made[:, 1],
            assigned_s=made[:, 2],
            arrived_s=made[:, 3],
            pickup_s=made[:, 4],
            departed_s=made[:, 5],
            end_s=made[:, 6],
            order_ptr=np.arange(len(made) + 1),
            order_idx=np.flatnonzero(served)[np.argsort(table[served, 2])],
        ),
        legs=Legs(**legs, noise=np.ones(len(order))),
        log=EventLog.from_rows([]),
        decision_at_s=np.array([60, 120]),
        decision_wall_s=np.array([0.002, 0.003]),
    )
