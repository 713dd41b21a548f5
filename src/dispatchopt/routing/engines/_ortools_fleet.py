"""Nodes, vehicles and times of a routing problem in the words of OR-Tools' routing library.

A vehicle is a courier and the store where it loads first, or none where it only goes to pick-up
places; of the vehicles of a courier class no more are used than it has couriers. The way to that
store, and loading there, belong to the first arc of the route. Further trips load at nodes of their
own, which any vehicle of that store may visit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.routing.problem import ANYWHERE, FAR, NO_STORE, UNREACHABLE, RoutingProblem

#: What is at least this large limits nothing.
NO_LIMIT = FAR // 2
#: Room before the first time that is told, for couriers that have been on shift for ever.
_ROOM_S = 10_000_000
#: Loading nodes of a store for trips after the first.
_MOST_RELOADS = 60


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    """A courier row, the store of its trips, and the nodes where it starts and ends."""

    courier: int
    store: int
    start: int
    end: int
    lead_s: int
    service_s: int


@dataclass
class Nodes:
    """All nodes: deliveries, then pick-ups, loading nodes, starts and ends.

    Parameters
    ----------
    problem, kept
        The problem, and the orders that somebody may serve.
    """

    problem: RoutingProblem
    kept: IntArray
    vehicles: list[Vehicle] = field(default_factory=list)
    #: Place of every node; ANYWHERE where it is at no distance from any other.
    place: list[int] = field(default_factory=list)
    #: Order of every node; -1 where it is none.
    order: list[int] = field(default_factory=list)
    #: What is driven and done between a start node and its store: metres from where, and seconds.
    lead: dict[int, tuple[int, int]] = field(default_factory=dict)
    reloads: dict[int, int] = field(default_factory=dict)
    delivery: dict[int, int] = field(default_factory=dict)
    pickup: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        orders = self.problem.orders
        for order in self.kept.tolist():
            self.delivery[order] = self._node(int(orders.place[order]), order)
        for order in self.kept[orders.has_pickup[self.kept]].tolist():
            self.pickup[order] = self._node(int(orders.pickup_place[order]), order)
        self._add_vehicles()
        self._add_reloads()

    def _node(self, place: int, order: int = -1) -> int:
        self.place.append(place)
        self.order.append(order)
        return len(self.place) - 1

    def _add_vehicles(self) -> None:
        problem, orders = self.problem, self.problem.orders
        couriers = problem.couriers
        has_pickups = bool(self.pickup)
        needs_stores = bool((~orders.has_pickup[self.kept]).any())
        starts: dict[tuple[int, int, int], int] = {}
        ends: dict[int, int] = {}
        for row in range(len(couriers)):
            stores = problem.stores_of_courier(row).tolist() if needs_stores else []
            for store in [*([NO_STORE] if has_pickups else []), *stores]:
                made = self._vehicle(row, store, starts, ends)
                copies = min(int(couriers.count[row]), len(self.kept))
                self.vehicles += [made] * copies if made is not None else []

    def _vehicle(
        self,
        row: int,
        store: int,
        starts: dict[tuple[int, int, int], int],
        ends: dict[int, int],
    ) -> Vehicle | None:
        couriers, stores = self.problem.couriers, self.problem.stores
        travel = self.problem.travel[int(couriers.profile[row])]
        begin, end = int(couriers.start_place[row]), int(couriers.end_place[row])
        lead_m = lead_s = service_s = 0
        place = begin
        if store != NO_STORE:
            place = int(stores.place[store])
            service_s = int(stores.service_s[store])
            if begin != ANYWHERE:
                lead_m = int(travel.distance_m[begin, place])
                lead_s = int(travel.duration_s[begin, place])
            soonest = max(int(couriers.earliest_s[row]) + lead_s, int(stores.earliest_s[store]))
            latest = min(int(stores.latest_s[store]), int(couriers.latest_s[row]))
            if max(lead_m, lead_s) >= UNREACHABLE or soonest > latest:
                return None
        if couriers.earliest_s[row] > couriers.latest_s[row]:
            return None
        # Start nodes differ where profiles do, as the way to the store is part of their arcs.
        key = (begin, store, int(couriers.profile[row]))
        if key not in starts:
            starts[key] = self._node(place)
            self.lead[starts[key]] = (lead_m, lead_s + service_s)
        if end not in ends:
            ends[end] = self._node(end)
        return Vehicle(
            courier=row,
            store=store,
            start=starts[key],
            end=ends[end],
            lead_s=lead_s,
            service_s=service_s,
        )

    def _add_reloads(self) -> None:
        more: dict[int, int] = {}
        for vehicle in self.vehicles:
            if vehicle.store != NO_STORE:
                extra = int(self.problem.couriers.max_trips[vehicle.courier]) - 1
                more[vehicle.store] = min(FAR, more.get(vehicle.store, 0) + extra)
        for store, number in more.items():
            for _ in range(min(number, _MOST_RELOADS, max(0, len(self.kept) - 1))):
                self.reloads[self._node(int(self.problem.stores.place[store]))] = store

    def clock_start_s(self) -> int:
        """Return the time that is 0 in the model."""
        orders, couriers = self.problem.orders, self.problem.couriers
        told = np.concatenate([couriers.earliest_s, orders.release_s, orders.earliest_s])
        told = told[np.abs(told) < NO_LIMIT]
        first = int(told.min()) if len(told) else 0
        if (couriers.earliest_s <= -NO_LIMIT).any():
            return first - _ROOM_S
        return min(first, int(couriers.earliest_s.min(initial=first)))

    def matrices(self, profile: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Return metres, seconds with service at the origin, arcs without a way, and visits.

        The last ones are the seconds spent at each node before its arc can be driven.
        """
        problem = self.problem
        travel, stores = problem.travel[profile], problem.stores
        place = np.array(self.place, dtype=np.int64)
        nowhere = place == ANYWHERE
        take = np.ix_(np.where(nowhere, 0, place), np.where(nowhere, 0, place))
        metres, seconds = travel.distance_m[take].copy(), travel.duration_s[take].copy()
        for matrix in (metres, seconds):
            matrix[nowhere, :] = 0
            matrix[:, nowhere] = 0
        closed = (metres >= UNREACHABLE) | (seconds >= UNREACHABLE)
        metres[closed] = 0
        seconds[closed] = 0
        visit = np.zeros(len(place), dtype=np.int64)
        for order, node in self.delivery.items():
            visit[node] = problem.orders.service_s[order]
        for order, node in self.pickup.items():
            visit[node] = problem.orders.pickup_service_s[order]
        for node, store in self.reloads.items():
            visit[node] = stores.service_s[store]
        for node, (lead_m, lead_s) in self.lead.items():
            metres[node] += lead_m
            visit[node] = lead_s
        seconds += visit[:, None]
        ends = sorted({vehicle.end for vehicle in self.vehicles})
        starts = sorted(self.lead)
        # A vehicle that is not used goes nowhere.
        for matrix in (metres, seconds):
            matrix[np.ix_(starts, ends)] = 0
        closed[np.ix_(starts, ends)] = False
        return metres, seconds, closed.astype(np.int64), visit
