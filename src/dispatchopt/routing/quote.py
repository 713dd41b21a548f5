"""Can this basket be promised, from which store, at what marginal cost? In milliseconds.

Against a solved state: a trip that holds the basket costs what it costs, less what its other
orders are worth, plus what its courier is worth, all at the shadow prices of the relaxation. The
least of this over all trips is what the basket adds to the cost; it is promised if that is below
its price of refusal. Beside it stands what it costs when the plan is changed a little, which holds
for certain: one trip of it, or, where that leaves the answer open, trips nearby.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, UnsupportedError
from dispatchopt.routing.bundles import Bundles
from dispatchopt.routing.engines._ruin import Ruin
from dispatchopt.routing.prices import Prices, shadow_prices
from dispatchopt.routing.problem import (
    ANYWHERE,
    FAR,
    Orders,
    RoutingProblem,
    RoutingSolution,
)
from dispatchopt.routing.tables import problem_issue
from dispatchopt.routing.trip_timing import TripTiming, kernel_orders

#: Trips per courier class, store and size that the basket is tried in, of least reduced cost.
_TRIED = 80
#: Multiple of the refusal up to which a marginal cost at the prices leaves the answer open.
_OPEN = 2.0
#: A trip without any order.
_NOBODY: IntArray = np.zeros((1, 0), dtype=np.int64)
#: Orders of the longest trip.
_WIDTH = 6


@dataclass(frozen=True, kw_only=True)
class Basket:
    """A basket that a customer asks about.

    Parameters
    ----------
    place
        Index into the travel matrices.
    release_s, latest_s
        When it would be ready at a store, and when service at the door has to begin.
    service_s
        Seconds at the door.
    load
        Amount per dimension; nothing by default.
    skills
        Bit mask of what its courier must have.
    stores
        Which stores hold it; None means all.
    refusal_cost
        What not delivering it costs: it is promised if delivery adds less.
    """

    place: int
    release_s: int
    latest_s: int
    refusal_cost: int
    service_s: int = 0
    load: tuple[int, ...] = ()
    skills: int = 0
    stores: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The answer.

    Parameters
    ----------
    can_promise
        Whether delivery in time adds less than refusal.
    store, courier
        From where, and by which class of couriers; -1 if no trip reaches it in time.
    marginal_cost
        What it adds to the cost of all, at the margin; infinite if no trip reaches it.
    certain_cost
        What it adds when one trip of the plan is changed, an idle courier sent, or trips nearby
        are put together anew; infinite if that cannot be done. Not below the true marginal cost of
        the plan.
    shared_with
        Orders of the trip that it would be part of, in sequence, without itself.
    """

    can_promise: bool
    store: int
    courier: int
    marginal_cost: float
    certain_cost: float
    shared_with: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Shelf:
    """Trips of one class at one store and of one size, by reduced cost."""

    sequences: IntArray
    worth: FloatArray
    reduced: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class QuoteState:
    """A solved state, made ready by :func:`prepare`.

    By courier row and store there are trips of least reduced cost, the trips of the plan with what
    they cost, and what times them.
    """

    problem: RoutingProblem
    solution: RoutingSolution
    prices: Prices
    shelves: dict[tuple[int, int], list[_Shelf]]
    stops: dict[tuple[int, int], list[tuple[IntArray, int]]]
    timings: dict[tuple[int, int], TripTiming]
    numbers: dict[tuple[int, int], tuple[Any, IntArray]]
    stores_of: list[set[int]]
    ruin: Ruin | None


def prepare(problem: RoutingProblem, solution: RoutingSolution) -> QuoteState:
    """Make a plan ready for quotes; takes about as long as its first bound.

    Raises
    ------
    UnsupportedError
        If trips are not short, or are not one per courier: then nothing prices them.
    """
    prices = shadow_prices(problem)
    if prices is None:
        raise UnsupportedError("quotes need short trips from stores, one per courier")
    shelves: dict[tuple[int, int], list[_Shelf]] = {}
    for block in prices.trips.blocks:
        shelves.setdefault((block.courier, block.store), []).append(_shelf(prices, block))
    timings = {
        (row, int(store)): TripTiming(problem, row, int(store))
        for row in np.flatnonzero(problem.couriers.count > 0).tolist()
        for store in problem.stores_of_courier(row)
    }
    numbers = {
        pair: (
            (np.ascontiguousarray(timing.metres), np.ascontiguousarray(timing.seconds)),
            timing.numbers(),
        )
        for pair, timing in timings.items()
    }
    stops: dict[tuple[int, int], list[tuple[IntArray, int]]] = {}
    for route in solution.routes:
        pair = route.courier, route.trips[0].store
        own = np.array([route.trips[0].stops], dtype=np.int64)
        stops.setdefault(pair, []).append((own, int(timings[pair].cost(own)[0][0])))
    state = QuoteState(
        problem=problem,
        solution=solution,
        prices=prices,
        shelves=shelves,
        stops=stops,
        timings=timings,
        numbers=numbers,
        stores_of=[
            set(problem.stores_of_courier(row).tolist()) for row in range(len(problem.couriers))
        ],
        ruin=_ruin(problem, solution, prices),
    )
    # Compiled code is loaded now, not by the first quote.
    for row, store in list(timings)[:1]:
        _Insertions(state, problem.orders).cost(row, store, _NOBODY)
    return state


def _ruin(problem: RoutingProblem, solution: RoutingSolution, prices: Prices) -> Ruin | None:
    """Return a search that begins with the plan, or None if there are no trips."""
    from dispatchopt.routing.engines._columns import columns_of, columns_of_plan

    if not prices.trips.num_bundles:
        return None
    columns, _ = columns_of(problem, prices.trips.blocks)
    place = problem.orders.place
    near_s = problem.travel[int(problem.couriers.profile[0])].duration_s[np.ix_(place, place)]
    known = columns_of_plan(columns, solution)
    search = Ruin(columns, near_s, seed=1)
    search.start_from(known)
    return search


def _shelf(prices: Prices, block: Bundles) -> _Shelf:
    worth = prices.order[block.sequences].sum(axis=1)
    reduced = block.cost - worth + prices.courier[block.courier]
    best = np.argsort(reduced, kind="stable")[:_TRIED]
    return _Shelf(block.sequences[best], worth[best], reduced[best])


def quote(state: QuoteState, basket: Basket) -> Quote:
    """Answer whether a basket can be promised, from which store, at what marginal cost.

    Raises
    ------
    InputError
        If the basket names a place or a store that is not there, or has wrong loads.
    """
    insertions = _Insertions(state, _with(state.problem, basket))
    problem, prices = state.problem, state.prices
    best: tuple[float, int, int, tuple[int, ...]] = (math.inf, -1, -1, ())
    certain = math.inf
    free = _idle(state)
    stores = set(range(len(problem.stores)) if basket.stores is None else basket.stores)
    for row in np.flatnonzero(problem.couriers.count > 0).tolist():
        if basket.skills & ~int(problem.couriers.skills[row]):
            continue
        for store in sorted(stores & state.stores_of[row]):
            alone = float(insertions.cost(row, store, _NOBODY)[0])
            if math.isinf(alone):
                # What is too late alone is too late with others.
                continue
            sure = _changed(insertions, row, store)
            if free[row]:
                sure = min(sure, (alone, ()))
            certain = min(certain, sure[0])
            best = min(best, (alone + float(prices.courier[row]), store, row, ()))
            for shelf in state.shelves.get((row, store), []):
                best = min(best, _shared(insertions, row, store, shelf, best[0]))
            best = min(best, (sure[0], store, row, sure[1]))
    if basket.refusal_cost <= certain and best[0] < _OPEN * basket.refusal_cost:
        # Serving it costs less than refusing it only if more than one trip is changed.
        certain = min(certain, basket.refusal_cost - _rearranged(insertions, sorted(stores)))
    marginal, store, row, others = best
    return Quote(
        can_promise=certain < basket.refusal_cost,
        store=store,
        courier=row,
        marginal_cost=marginal,
        certain_cost=certain,
        shared_with=others,
    )


def _rearranged(insertions: _Insertions, stores: list[int]) -> float:
    """Return what serving the new order, instead of refusing it, saves by other trips nearby."""
    state, orders, new = insertions.state, insertions.orders, insertions.new
    search = state.ruin
    if search is None:
        return 0.0
    stops, pairs, costs = [], [], []
    for (row, store), shelves in state.shelves.items():
        pair = search.pair_of(row, store)
        if store not in stores or pair < 0:
            continue
        if int(orders.skills[new]) & ~int(state.problem.couriers.skills[row]):
            continue
        for known in [_NOBODY, *(shelf.sequences for shelf in shelves)]:
            cost = insertions.cost(row, store, known)
            good = np.isfinite(cost)
            wide = np.full((int(good.sum()), _WIDTH), new, dtype=np.int64)
            wide[:, : known.shape[1]] = known[good]
            stops.append(wide)
            pairs.append(np.full(len(wide), pair))
            costs.append(cost[good])
    if not stops:
        return 0.0
    travel = state.problem.travel[int(state.problem.couriers.profile[0])].duration_s
    near = np.argsort(travel[orders.place[new], orders.place[:-1]], kind="stable")
    together = np.concatenate(stops), np.concatenate(pairs), np.concatenate(costs).astype(np.int64)
    return search.with_order(*together, int(orders.refusal_cost[new]), near)


def _with(problem: RoutingProblem, basket: Basket) -> Orders:
    """Return the orders with the basket as the last one."""
    load = basket.load or (0,) * problem.num_dims
    issues = []
    if not 0 <= basket.place < problem.num_places:
        wanted = f"a place from 0 to {problem.num_places - 1}"
        issues.append(problem_issue("bad-place", "basket.place", basket.place, wanted))
    if len(load) != problem.num_dims or min(load, default=0) < 0:
        wanted = f"{problem.num_dims} amounts >= 0"
        issues.append(problem_issue("bad-shape", "basket.load", load, wanted))
    for name in ("release_s", "latest_s", "service_s", "refusal_cost", "skills"):
        value, low = getattr(basket, name), -FAR if name in {"release_s", "latest_s"} else 0
        if not low <= value <= FAR:
            wanted = f"a whole number from {low} to {FAR}"
            issues.append(problem_issue("out-of-range", f"basket.{name}", value, wanted))
    bad = [store for store in basket.stores or () if not 0 <= store < len(problem.stores)]
    if bad:
        wanted = f"stores from 0 to {len(problem.stores) - 1}"
        issues.append(problem_issue("bad-option", "basket.stores", bad, wanted))
    if issues:
        raise InputError(issues)
    orders = problem.orders
    return Orders.of(
        place=np.append(orders.place, basket.place),
        load=np.concatenate([orders.load, np.array([load], dtype=np.int64).reshape(1, -1)]),
        service_s=np.append(orders.service_s, basket.service_s),
        earliest_s=np.append(orders.earliest_s, -FAR),
        latest_s=np.append(orders.latest_s, basket.latest_s),
        release_s=np.append(orders.release_s, basket.release_s),
        max_age_s=np.append(orders.max_age_s, FAR),
        promise_s=np.append(orders.promise_s, FAR),
        late_cost_per_s=np.append(orders.late_cost_per_s, 0),
        promise_2_s=np.append(orders.promise_2_s, FAR),
        late_2_cost_per_s=np.append(orders.late_2_cost_per_s, 0),
        promise_3_s=np.append(orders.promise_3_s, FAR),
        late_3_cost_per_s=np.append(orders.late_3_cost_per_s, 0),
        skills=np.append(orders.skills, basket.skills),
        planned_courier=np.append(orders.planned_courier, ANYWHERE),
        planned_store=np.append(orders.planned_store, ANYWHERE),
        change_cost=np.append(orders.change_cost, 0),
        refusal_cost=np.append(orders.refusal_cost, basket.refusal_cost),
    )


def _idle(state: QuoteState) -> list[bool]:
    """Return which classes have a courier that stays at home."""
    used = Counter(route.courier for route in state.solution.routes)
    return [used[row] < int(count) for row, count in enumerate(state.problem.couriers.count)]


class _Insertions:
    """What trips cost with the new order added where it costs least, other orders as they are."""

    def __init__(self, state: QuoteState, orders: Orders) -> None:
        self.state, self.orders, self.new = state, orders, len(orders) - 1
        self._table = kernel_orders(orders)
        self._is_fitting = state.problem.num_dims == 0

    def cost(self, row: int, store: int, sequences: IntArray) -> FloatArray:
        """Return the least cost of each trip, inf where it cannot be done, shape (num_trips,)."""
        state, new = self.state, self.new
        couriers, size = state.problem.couriers, sequences.shape[1]
        if size >= couriers.max_stops[row]:
            return np.full(len(sequences), math.inf)
        timing = state.timings[row, store]
        if timing.min_pay:
            costs = self._by_vectors(row, store, sequences)
        else:
            from dispatchopt.routing import _trip_kernel

            costs = np.empty(len(sequences))
            legs, numbers = state.numbers[row, store]
            _trip_kernel.insertions(sequences, new, self._table, legs, numbers, costs)
            if timing.has_changes:
                costs += timing.changes[sequences].sum(axis=1)
        if not self._is_fitting:
            load = self.orders.load[sequences].sum(axis=1) + self.orders.load[new]
            costs[(load > couriers.capacity[row]).any(axis=1)] = math.inf
        return costs

    def _by_vectors(self, row: int, store: int, sequences: IntArray) -> FloatArray:
        count, size = sequences.shape
        tried = np.empty((count, size + 1, size + 1), dtype=np.int64)
        for at in range(size + 1):
            tried[:, at, :at] = sequences[:, :at]
            tried[:, at, at] = self.new
            tried[:, at, at + 1 :] = sequences[:, at:]
        cost, late, far = TripTiming(self.state.problem, row, store, self.orders).cost(tried)
        priced = np.where((late <= 0) & (far <= 0), cost.astype(np.float64), math.inf)
        return np.asarray(priced.min(axis=1))


def _shared(
    insertions: _Insertions, row: int, store: int, shelf: _Shelf, limit: float
) -> tuple[float, int, int, tuple[int, ...]]:
    """Return the least marginal cost among some trips with the basket added."""
    # A trip with one order more costs no less, but for rounding.
    num = int(np.searchsorted(shelf.reduced, min(limit, 1e300)))
    if not num:
        return (math.inf, -1, -1, ())
    cost = insertions.cost(row, store, shelf.sequences[:num])
    total = cost - shelf.worth[:num] + insertions.state.prices.courier[row]
    at = int(total.argmin())
    others = tuple(shelf.sequences[at].tolist())
    return (float(total[at]), store, row, others)


def _changed(insertions: _Insertions, row: int, store: int) -> tuple[float, tuple[int, ...]]:
    """Return the least cost of adding the basket to one trip of the plan, and that trip."""
    least: tuple[float, tuple[int, ...]] = (math.inf, ())
    for own, before in insertions.state.stops.get((row, store), []):
        added = float(insertions.cost(row, store, own)[0]) - before
        least = min(least, (added, tuple(own[0].tolist())))
    return least


__all__ = ["Basket", "Quote", "QuoteState", "prepare", "quote"]
