"""Chains of trips of one group of couriers, priced on a grid of times, in both roundings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.engines._chain_trips import ChainTrips
from dispatchopt.routing.problem import ANYWHERE, FAR, UNREACHABLE, RoutingProblem, Trip

#: Steps of the grid at most.
_STEPS = 400


@dataclass(frozen=True, eq=False)
class Chain:
    """A route: a courier row, its trips, and its reduced cost where times are rounded."""

    row: int
    trips: tuple[Trip, ...]
    reduced: float


class ChainPricing:
    """Prices the chains of one group; all of them if ``trips.is_complete``."""

    def __init__(self, problem: RoutingProblem, trips: ChainTrips) -> None:
        from dispatchopt.routing.engines import _chain_kernel

        self._kernel: Any = _chain_kernel
        self._problem, self.trips = problem, trips
        orders, stores, couriers = problem.orders, problem.stores, problem.couriers
        row = trips.rows[0]
        travel = problem.travel[int(couriers.profile[row])]
        self._travel = travel
        columns = (orders.service_s, orders.earliest_s, orders.deadline_s, orders.release_s)
        hinges = [column for hinge in orders.hinges for column in hinge]
        self._orders = np.column_stack([*columns, *hinges])
        self._stores = np.column_stack(
            [np.arange(len(stores)), stores.earliest_s, stores.latest_s, stores.service_s]
        )
        store_to_door = np.ix_(stores.place, orders.place)
        door_to_door = np.ix_(orders.place, orders.place)
        door_to_store = np.ix_(orders.place, stores.place)
        self._legs = (
            np.ascontiguousarray(travel.duration_s[store_to_door]),
            np.ascontiguousarray(travel.duration_s[door_to_door]),
        )
        metres = travel.distance_m[door_to_store]
        seconds = np.where(metres < UNREACHABLE, travel.duration_s[door_to_store], FAR)
        self._to_store = (np.ascontiguousarray(seconds), np.ascontiguousarray(metres))
        self._end = self._ends(int(couriers.end_place[row]))
        first_s, last_s = self._horizon()
        width_s = max(1, -(-(last_s - first_s) // _STEPS))
        self._steps = (last_s - first_s) // width_s + 2
        latest_s = int(couriers.latest_s[row])
        rates = (int(couriers.cost_per_m[row]), int(couriers.cost_per_s[row]))
        numbers = [*rates, latest_s, first_s, width_s, 0, len(orders.hinges)]
        self._numbers = np.array(numbers, dtype=np.int64)
        self._table = (np.ascontiguousarray(trips.stops), trips.size, trips.store)
        self._span = _chain_kernel.spans(self._table, self._stores, self._orders, self._legs)
        self.is_exact = width_s == 1
        self._most_trips = int(min(couriers.max_trips[row], max(1, len(orders))))

    def _ends(self, place: int) -> tuple[IntArray, IntArray]:
        doors = self._problem.orders.place
        if place == ANYWHERE:
            nothing = np.zeros(len(doors), dtype=np.int64)
            return nothing, nothing
        metres = self._travel.distance_m[doors, place]
        return np.where(metres < UNREACHABLE, self._travel.duration_s[doors, place], FAR), metres

    def _horizon(self) -> tuple[int, int]:
        """Return the span in which everything happens: nobody waits for nothing."""
        orders, stores = self._problem.orders, self._problem.stores
        couriers, rows = self._problem.couriers, self.trips.rows
        first_s = int(couriers.earliest_s[rows].min())
        legs = np.concatenate([self._legs[0], self._legs[1], self._to_store[0].T])
        legs = np.where(legs < UNREACHABLE, legs, 0)
        busy_s = int(2 * legs.max(axis=0, initial=0).sum() + orders.service_s.sum())
        busy_s += len(orders) * int(stores.service_s.max(initial=0)) + int(legs.max(initial=0))
        busy_s += int(self._end[0][self._end[0] < FAR].max(initial=0))
        starts = [orders.release_s, orders.earliest_s, stores.earliest_s, couriers.earliest_s[rows]]
        begin_s = max(int(each.max(initial=first_s)) for each in starts)
        last_s = min(begin_s + busy_s, int(couriers.latest_s[rows[0]]))
        closes_s = int(orders.deadline_s.max(initial=first_s))
        if closes_s < FAR:
            last_s = min(last_s, closes_s + int(orders.service_s.max(initial=0)) + busy_s)
        return first_s, max(first_s, last_s)

    def price(self, order: FloatArray, *, is_rounded_up: bool) -> tuple[FloatArray, list[Chain]]:
        """Return the least reduced cost per row of the group, and chains that pay.

        Prices of rows are not counted. With times rounded up all chains can be driven; rounded
        down, the least cost is not above that of any chain.
        """
        trips, kernel = self.trips, self._kernel
        numbers = self._numbers.copy()
        numbers[kernel.IS_ROUNDED_UP] = int(is_rounded_up)
        paid = np.append(order, 0.0)
        reduced = trips.cost - paid[trips.stops].sum(axis=1)
        home = kernel.go_home(*self._end, self._steps, numbers)
        best, which, following = kernel.price(
            self._table,
            reduced,
            self._span,
            self._stores,
            self._orders,
            self._legs,
            self._to_store,
            home,
            numbers,
            self._most_trips,
        )
        least, chains = [], []
        for row in trips.rows:
            cost, step = self._starts(row, best, numbers)
            least.append(float(cost.min(initial=math.inf)))
            if is_rounded_up:
                for layer, store in zip(*np.nonzero(np.isfinite(cost)), strict=True):
                    at = (int(layer), int(store), int(step[layer, store]))
                    found = self._traced(at, which, following, numbers)
                    chains.append(Chain(row, found, float(cost[layer, store])))
        return np.array(least), chains

    def _starts(self, row: int, best: FloatArray, numbers: IntArray) -> tuple[FloatArray, IntArray]:
        """Return the least reduced cost of a row by trips left and store, and the step of it."""
        couriers, kernel = self._problem.couriers, self._kernel
        start, begin_s = int(couriers.start_place[row]), int(couriers.earliest_s[row])
        per_m, per_s = int(numbers[kernel.PER_M]), int(numbers[kernel.PER_S])
        fixed = float(couriers.fixed_cost[row])
        own = set(self._problem.stores_of_courier(row).tolist())
        cost = np.full(best.shape[:2], math.inf)
        step = np.zeros(best.shape[:2], dtype=np.int64)
        for store, place in enumerate(self._problem.stores.place.tolist()):
            way_m = 0 if start == ANYWHERE else int(self._travel.distance_m[start, place])
            way_s = 0 if start == ANYWHERE else int(self._travel.duration_s[start, place])
            if store not in own or way_m >= UNREACHABLE or way_s >= UNREACHABLE:
                continue
            first = max(0, int(kernel.grid_index(begin_s + way_s, numbers)))
            if first >= best.shape[2]:
                continue
            value = best[:, store, first:] + fixed + way_m * per_m
            if per_s:
                at_s = (
                    numbers[kernel.FIRST_S]
                    + np.arange(first, best.shape[2]) * numbers[kernel.STEP_S]
                )
                if not numbers[kernel.IS_ROUNDED_UP]:
                    at_s = at_s + numbers[kernel.STEP_S] - 1
                value = value - per_s * np.maximum(at_s - way_s, begin_s)[None, :]
            else:
                value = value[:, :1]
            at = value.argmin(axis=1)
            cost[:, store] = value[np.arange(len(value)), at]
            step[:, store] = first + at
        return cost, step

    def _traced(
        self, at: tuple[int, int, int], which: Any, following: Any, numbers: IntArray
    ) -> tuple[Trip, ...]:
        """Return the trips from a store and a step on."""
        kernel, trips = self._kernel, self.trips
        layer, store, step = at
        found = []
        while True:
            trip = int(which[layer, store, step])
            size = int(trips.size[trip])
            found.append(Trip(store=store, stops=tuple(trips.stops[trip, :size].tolist())))
            last = int(trips.stops[trip, size - 1])
            at_s = int(numbers[kernel.FIRST_S] + step * numbers[kernel.STEP_S])
            leave_s, _ = kernel.drive(
                at_s, trips.stops[trip], size, self._stores[store], self._orders, self._legs
            )
            then = max(0, int(kernel.grid_index(leave_s, numbers)))
            store = int(following[layer, last, then])
            if layer == 0 or store < 0:
                return tuple(found)
            layer -= 1
            at_s = int(numbers[kernel.FIRST_S] + then * numbers[kernel.STEP_S])
            at_s += int(self._to_store[0][last, store])
            step = max(0, int(kernel.grid_index(at_s, numbers)))
