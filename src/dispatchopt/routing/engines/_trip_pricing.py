"""Trips by their reduced cost, without a list of all trips.

A compiled depth-first search extends sequences. It leaves those whose way so far, and the least
that can follow (walks that may come back to an order, but not at once), stays above a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.bundles import MAX_SIZE, Bundles, fitting_orders, slacks_of
from dispatchopt.routing.problem import ANYWHERE, UNREACHABLE, RoutingProblem
from dispatchopt.routing.trip_timing import TripTiming, kernel_orders

#: Sequences that are kept at a time are a multiple of the sets that are asked for.
_SPARE = 4
#: Sequences that are looked at, per courier row and store: some tenths of a second.
_MOST_NODES = 1_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class PricedCuts:
    """Subset-row cuts, and what each costs a trip that holds two of its three orders.

    Parameters
    ----------
    orders
        Shape (num_cuts, 3).
    price
        At least 0, shape (num_cuts,).
    """

    orders: IntArray = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))
    price: FloatArray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Priced:
    """Trips of one courier row at one store, each set of orders once.

    Parameters
    ----------
    bundles
        The trips, by size.
    reduced
        Their reduced costs.
    least
        What no trip's reduced cost is below; minus infinity where the search was not ended.
    threshold
        Reduced cost below which all trips are there.
    """

    bundles: list[Bundles]
    reduced: list[FloatArray]
    least: float
    threshold: float


def why_not(problem: RoutingProblem) -> str | None:
    """Return why trips cannot be priced without a list of all, or None."""
    couriers = problem.couriers
    used = couriers.count > 0
    if couriers.min_pay[used].any():
        return "couriers have a minimum pay"
    if int(couriers.max_stops[used].max(initial=0)) > MAX_SIZE:
        return f"trips may have more than {MAX_SIZE} orders"
    return None if slacks_of(problem)[2] else "detours are much shorter than direct ways"


def pricings_of(problem: RoutingProblem) -> list[Pricing]:
    """Return what prices trips, one for each courier row at each store."""
    slack_s, slack_m, _ = slacks_of(problem)
    return [
        Pricing(problem, row, int(store), slack_s, slack_m)
        for row in np.flatnonzero(problem.couriers.count > 0).tolist()
        for store in problem.stores_of_courier(row)
    ]


class Pricing:
    """Trips of one courier row at one store."""

    def __init__(
        self, problem: RoutingProblem, courier: int, store: int, slack_s: int, slack_m: int
    ) -> None:
        from dispatchopt.routing.engines import _trip_pricing_kernel

        self._kernel = _trip_pricing_kernel
        self.courier, self.store = courier, store
        couriers, orders = problem.couriers, problem.orders
        self._changes = orders.changes(courier, store)
        timing = TripTiming(problem, courier, store, orders.replace(change_cost=0))
        self._orders = kernel_orders(timing.orders)
        self._legs = (np.ascontiguousarray(timing.metres), np.ascontiguousarray(timing.seconds))
        self._numbers = timing.numbers()
        self._some = fitting_orders(problem, courier, store)
        self._most = int(min(couriers.max_stops[courier], MAX_SIZE, len(self._some)))
        self._slacks = np.array([slack_s, slack_m], dtype=np.int64)
        self._loads = (np.ascontiguousarray(orders.load), couriers.capacity[courier].copy())
        self._num_orders = len(orders)
        self._first, self._arcs, self._ends = self._ways(timing)

    def _ways(self, timing: TripTiming) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what ways cost at least: from the store, between orders, and to the end.

        Time costs what it takes without waiting; service belongs to the way that leads to it.
        """
        some, orders = self._some, timing.orders
        place = orders.place[some]

        def ways(start: IntArray | int, end: IntArray | int) -> FloatArray:
            metres, seconds = timing.metres[start, end], timing.seconds[start, end]
            cost = metres * float(timing.per_m) + seconds * float(timing.per_s)
            return np.where(np.maximum(metres, seconds) >= UNREACHABLE, np.inf, cost)

        served = orders.service_s[some] * float(timing.per_s) + timing.per_order
        begun = timing.fixed + timing.lead_m * float(timing.per_m)
        begun += (timing.lead_s + timing.store_service_s) * float(timing.per_s)
        arcs = ways(place[:, None], place[None, :]) + served
        margin = max(0, self._most - 2) * self._slacks
        numbers = self._numbers
        may = self._kernel.in_time(some, self._orders, self._legs, numbers, margin)
        arcs[~may] = np.inf
        ends = np.zeros(len(some)) if timing.end == ANYWHERE else ways(place, timing.end)
        return begun + ways(timing.origin, place) + served, arcs, ends

    def below(
        self,
        threshold: float,
        most: int,
        duals: FloatArray,
        cuts: PricedCuts | None = None,
        most_nodes: int | None = None,
    ) -> Priced:
        """Return the trips whose reduced cost is below a threshold; the least where they are many.

        Parameters
        ----------
        threshold
            Reduced cost.
        most
            Trips, about.
        duals
            Prices of orders, then of courier rows.
        cuts
            What trips pay besides.
        most_nodes
            Sequences that are looked at.
        """
        if not len(self._some) or self._most < 1:
            return Priced(bundles=[], reduced=[], least=threshold, threshold=threshold)
        own = duals[self._some] - self._changes[self._some]
        of_class = float(duals[self._num_orders + self.courier])
        arcs = self._arcs - own
        tables = self._kernel.completions(arcs, self._ends, self._most - 1)
        positions, costs, reduced, reached = self._kernel.trips_below(
            float(threshold),
            _SPARE * most,
            self._some,
            np.append(own, of_class),
            np.concatenate([(self._first - own - of_class)[None, :], arcs]),
            tables,
            self._loads,
            self._own_cuts(cuts or PricedCuts()),
            self._orders,
            self._legs,
            self._numbers,
            self._most,
            self._slacks,
            _MOST_NODES if most_nodes is None else most_nodes,
        )
        kept = _cheapest(positions, costs)
        positions, costs, reduced = positions[kept], costs[kept], reduced[kept]
        sizes = (positions >= 0).sum(axis=1)
        bundles, by_size = [], []
        for size in np.unique(sizes).tolist():
            chosen = sizes == size
            sequences = self._some[positions[chosen, :size]]
            cost = costs[chosen] + self._changes[sequences].sum(axis=1)
            each = Bundles(courier=self.courier, store=self.store, sequences=sequences, cost=cost)
            bundles.append(each)
            by_size.append(reduced[chosen])
        least = min(float(reduced.min(initial=np.inf)), float(threshold))
        least = least if reached > -np.inf else -np.inf
        return Priced(bundles=bundles, reduced=by_size, least=least, threshold=float(reached))

    def _own_cuts(self, cuts: PricedCuts) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the cuts of each position: where they begin, their numbers, and all prices."""
        position = np.full(self._num_orders, -1, dtype=np.int64)
        position[self._some] = np.arange(len(self._some))
        own = position[cuts.orders]
        # A cut of which no trip from here can hold two orders costs nothing.
        own[(own >= 0).sum(axis=1) < 2] = -1
        number, column = np.nonzero(own >= 0)
        at = own[number, column]
        order = np.argsort(at, kind="stable")
        starts = np.searchsorted(at[order], np.arange(len(self._some) + 1))
        return starts.astype(np.int64), number[order], np.ascontiguousarray(cuts.price)


def _cheapest(positions: IntArray, costs: IntArray) -> IntArray:
    """Return the cheapest sequence of each set, as row numbers."""
    sets = np.sort(positions, axis=1)
    keys = np.zeros(len(sets), dtype=np.int64)
    for column in sets.T:
        keys = keys * (int(positions.max(initial=0)) + 2) + column + 1
    order = np.lexsort((costs, keys))
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = keys[order][1:] != keys[order][:-1]
    return order[is_first]
