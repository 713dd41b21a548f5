"""Routes of negative reduced cost, by dynamic programming over doors and steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.simulation.hindsight.engines._kernel import values_for
from dispatchopt.simulation.hindsight.problem import HindsightProblem

#: Routes taken from each courier and pricing at most, with different first bundles.
_PER_COURIER = 6
_TOLERANCE = 1e-6

Route = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Active:
    """Bundles that may be used within the present limits; ``row`` is their row in the problem."""

    row: IntArray
    store: IntArray
    ready: IntArray
    latest: IntArray
    took: IntArray
    size: IntArray
    last: IntArray
    cost: FloatArray

    def until(self, off: int) -> IntArray:
        """Return the last step of a take-over in a shift that ends at ``off``; -1 for none."""
        latest = np.minimum(self.latest, off)
        steps: IntArray = np.where(latest < self.ready, -1, latest)
        return steps


class Pricing:
    """Prices routes of all couriers; those whose shifts end together share a table."""

    def __init__(self, problem: HindsightProblem) -> None:
        self._problem, bundles = problem, problem.bundles
        self._groups = [
            (int(off), np.flatnonzero(problem.off == off)) for off in np.unique(problem.off)
        ]
        self._excess = bundles.excess.sum(axis=1)
        self._steps = int((problem.bundles.latest + problem.bundles.took).max(initial=0)) + 2
        self._members = [
            tuple(row[:size].tolist())
            for row, size in zip(bundles.member, bundles.size, strict=True)
        ]

        self._of_members = {orders: at for at, orders in enumerate(self._members)}

    def orders_of(self, route: tuple[int, ...]) -> list[int]:
        """Return the orders of a route of bundles, in sequence; twice where visited twice."""
        return [order for bundle in route for order in self._members[bundle]]

    def route_of(self, trips: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """Return trips as bundles; sequences that are no bundle are taken apart."""
        route: list[int] = []
        for orders in trips:
            parts = [orders] if orders in self._of_members else [(order,) for order in orders]
            route += [self._of_members[part] for part in parts if part in self._of_members]
        return tuple(route)

    def visits_of(self, courier: int, route: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
        """Return (step of take-over, orders) of each trip of a route."""
        _, taken = self.cost_of(courier, route)
        return [(at, self._members[bundle]) for at, bundle in zip(taken, route, strict=True)]

    def cost_of(self, courier: int, route: tuple[int, ...]) -> tuple[int, list[int]]:
        """Return the excess of a route, and the step of each take-over; -1 if it is too late."""
        problem, bundles = self._problem, self._problem.bundles
        clock, at, cost, taken = int(problem.on[courier]), -1, 0, []
        for bundle in route:
            store = bundles.store[bundle]
            way = problem.start_way[courier, store] if at < 0 else problem.door_way[at, store]
            pickup = max(int(bundles.ready[bundle]), clock + int(way) + problem.park)
            if pickup > min(int(bundles.latest[bundle]), int(problem.off[courier])):
                return -1, []
            wait = pickup - int(bundles.ready[bundle])
            cost += int(self._excess[bundle] + bundles.size[bundle] * wait)
            clock, at = pickup + int(bundles.took[bundle]), int(bundles.last[bundle])
            taken.append(pickup)
        return cost, taken

    def price(
        self, reward: FloatArray, courier_price: FloatArray, left: IntArray
    ) -> tuple[float, list[Route]]:
        """Return the sum of least reduced costs, and routes (courier, bundles) below 0.

        Parameters
        ----------
        reward
            Dual of each order, >= 0.
        courier_price
            Dual of each courier, <= 0.
        left
            Steps past the soonest delivery that an order is brought within at most.
        """
        problem, bundles = self._problem, self._problem.bundles
        within = np.concatenate([left, [2 * problem.left_steps]])[bundles.member] - bundles.excess
        latest = bundles.ready + within.min(axis=1)
        rows = np.flatnonzero(latest >= bundles.ready)
        active = _Active(
            row=rows,
            store=bundles.store[rows],
            ready=bundles.ready[rows],
            latest=latest[rows],
            took=bundles.took[rows],
            size=bundles.size[rows],
            last=bundles.last[rows],
            cost=(self._excess - np.concatenate([reward, [0.0]])[bundles.member].sum(axis=1))[rows],
        )
        begin = np.full(problem.num_orders, self._steps, dtype=np.int64)
        end = np.full(problem.num_orders, -1, dtype=np.int64)
        np.minimum.at(begin, active.last, active.ready + active.took)
        np.maximum.at(end, active.last, active.latest + active.took)
        value = np.zeros((problem.num_orders, self._steps))
        choice = np.full(value.shape, -1, dtype=np.int64)
        total, routes = 0.0, []
        for off, couriers in self._groups:
            self._fill(active, off, (begin, end), (value, choice))
            least, found = self._start(active, off, couriers, courier_price, (value, choice))
            total += least
            routes += found
        return total, routes

    def _fill(
        self,
        active: _Active,
        off: int,
        span: tuple[IntArray, IntArray],
        tables: tuple[FloatArray, IntArray],
    ) -> None:
        """Fill the tables for shifts that end at a step."""
        latest = active.until(off)
        num, steps = tables[0].shape
        loop = values_for(num, steps, len(latest))
        loop(
            (self._problem.door_way, active.store, self._problem.park),
            (active.ready, latest, active.took),
            (active.cost, active.size, active.last, np.argsort(latest, kind="stable")),
            span,
            tables,
        )

    def _start(
        self,
        active: _Active,
        off: int,
        couriers: IntArray,
        courier_price: FloatArray,
        tables: tuple[FloatArray, IntArray],
    ) -> tuple[float, list[Route]]:
        """Return the least reduced costs of some couriers, summed, and their best routes."""
        problem, latest = self._problem, active.until(off)
        value, choice = tables
        pickup = problem.on[couriers][:, None] + problem.start_way[couriers][:, active.store]
        pickup = np.maximum(pickup + problem.park, active.ready)
        found = active.cost + active.size * (pickup - active.ready)
        can = pickup <= latest
        free = np.where(can, pickup + active.took, 0)
        found = np.where(can, found + value[active.last, free], np.inf)
        found -= courier_price[couriers][:, None]
        routes: list[Route] = []
        for row, courier in enumerate(couriers.tolist()):
            for first in np.argsort(found[row], kind="stable")[:_PER_COURIER].tolist():
                if found[row, first] < -_TOLERANCE:
                    follow = self._follow(active, first, int(free[row, first]), choice)
                    routes.append((courier, follow))
        return float(found.min(axis=1, initial=0).sum()), routes

    def _follow(self, active: _Active, first: int, free: int, choice: IntArray) -> tuple[int, ...]:
        problem, route, clock = self._problem, [first], free
        while (following := int(choice[active.last[route[-1]], clock])) >= 0:
            way = int(problem.door_way[active.last[route[-1]], active.store[following]])
            pickup = max(int(active.ready[following]), clock + way + problem.park)
            clock = pickup + int(active.took[following])
            route.append(following)
        return tuple(active.row[route].tolist())
