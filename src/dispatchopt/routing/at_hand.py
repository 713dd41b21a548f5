"""A first plan without search, by arrays alone: no solver and no compiled code is loaded."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.routing.nearest import may_carry, nearest_routes
from dispatchopt.routing.problem import Route, RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.schedule import best_route
from dispatchopt.routing.trip_timing import TripTiming

#: What serving an order that must be served is worth: more than any trip costs.
_MUST = 1 << 60
#: What a trip saves that cannot be.
_NEVER = -(1 << 61)
# How much is looked at, so that it takes no time.
_MOST_PAIRS = 300  # of courier row and store
_MOST_CELLS = 1_000_000  # of such a pair and an order
_MOST_NEAR = 40  # orders that may join a trip
_MOST_STOPS = 10  # orders of a trip
_MOST_SERVED = 300  # orders of the plan


def plan_at_hand(problem: RoutingProblem) -> RoutingSolution | None:
    """Return a feasible plan that takes no search, never worse than refusing everything.

    One trip per courier: the order whose trip saves most opens it, and those nearby join it one by
    one where they save most. Orders with a pick-up place, stores that take time to pick, and
    couriers with breaks are left out of it. Where more orders must be served than there is time
    for, or some of them are not, routes of nearest orders serve these alone.

    Returns
    -------
    RoutingSolution or None
        None if orders must be served that it does not serve.
    """
    must = problem.orders.is_mandatory
    if must.sum() <= _MOST_SERVED:
        plan = RoutingSolution(routes=tuple(_Greedy(problem).routes()))
        if _serves(plan, must):
            return plan
    plan = RoutingSolution(routes=tuple(nearest_routes(problem)))
    return plan if _serves(plan, must) else None


def _serves(plan: RoutingSolution, must: BoolArray) -> bool:
    """Whether a plan serves all orders that must be served."""
    return set(np.flatnonzero(must).tolist()) <= plan.served()


class _Greedy:
    def __init__(self, problem: RoutingProblem) -> None:
        self.problem = problem
        orders = problem.orders
        self.worth: IntArray = np.where(orders.is_mandatory, _MUST, orders.refusal_cost)
        self.is_left: BoolArray = ~orders.has_pickup
        self.num_free = problem.couriers.count.copy()
        self.num_free[problem.breaks.courier] = 0
        self.pairs = self._pairs()

    def routes(self) -> list[Route]:
        """Return the routes of the plan."""
        routes: list[Route] = []
        saves = np.array([self._alone(*pair) for pair in self.pairs], dtype=np.int64)
        rows = np.array([row for row, _ in self.pairs], dtype=np.int64)
        num_served = 0
        while saves.size and num_served < _MOST_SERVED:
            at, order = divmod(int(saves.argmax()), saves.shape[1])
            if saves[at, order] <= 0:
                break
            row, store = self.pairs[at]
            stops = self._grown(row, store, order)
            route = best_route(self.problem, row, [Trip(store=store, stops=tuple(stops))])
            if route is None:
                # Both ways of timing agree; a plan with less is a plan all the same.
                saves[at, order] = _NEVER
                continue
            routes.append(route)
            num_served += len(stops)
            self.is_left[stops] = False
            saves[:, stops] = _NEVER
            self.num_free[row] -= 1
            if not self.num_free[row]:
                saves[rows == row] = _NEVER
        return routes

    def _pairs(self) -> list[tuple[int, int]]:
        """Return pairs of courier row and store: one of each courier, then a second one, ..."""
        problem = self.problem
        most = min(_MOST_PAIRS, _MOST_CELLS // max(1, len(problem.orders)))
        is_quick = problem.stores.pick_s == 0
        rows = np.flatnonzero(self.num_free > 0)[:most].tolist()
        own = {row: problem.stores_of_courier(row) for row in rows}
        own = {row: stores[is_quick[stores]] for row, stores in own.items()}
        pairs = [
            (row, int(stores[(row + turn) % len(stores)]))
            for turn in range(min(len(problem.stores), most))
            for row, stores in own.items()
            if turn < len(stores)
        ]
        return pairs[:most]

    def _may_carry(self, row: int, store: int) -> IntArray:
        """Return orders on no trip that a courier may carry from a store, time apart."""
        return np.flatnonzero(self.is_left & may_carry(self.problem, row, store))

    def _alone(self, row: int, store: int) -> IntArray:
        """Return what a trip for each order alone saves."""
        saves = np.full(len(self.worth), _NEVER, dtype=np.int64)
        tried = self._may_carry(row, store)
        if len(tried):
            cost, late, far = TripTiming(self.problem, row, store).cost(tried[:, None])
            saves[tried] = np.where((late <= 0) & (far <= 0), self.worth[tried] - cost, _NEVER)
        return saves

    def _grown(self, row: int, store: int, order: int) -> list[int]:
        """Return the stops of a trip that an order opens, once others have joined it."""
        orders, couriers = self.problem.orders, self.problem.couriers
        timing = TripTiming(self.problem, row, store)
        stops = [order]
        cost = int(timing.cost(np.array([stops]))[0][0])
        near = self._may_carry(row, store)
        near = near[near != order]
        way_s = timing.seconds[orders.place[order], orders.place[near]]
        near = near[np.argsort(way_s, kind="stable")[:_MOST_NEAR]]
        while len(stops) < min(_MOST_STOPS, int(couriers.max_stops[row])):
            load = orders.load[near] + orders.load[stops].sum(axis=0)
            near = near[(load <= couriers.capacity[row]).all(axis=1)]
            if not len(near):
                break
            tried = np.empty((len(near), len(stops) + 1, len(stops) + 1), dtype=np.int64)
            for at in range(len(stops) + 1):
                tried[:, at, :at], tried[:, at, at + 1 :] = stops[:at], stops[at:]
                tried[:, at, at] = near
            costs, late, far = timing.cost(tried)
            saves = self.worth[near][:, None] - (costs - cost)
            saves = np.where((late <= 0) & (far <= 0), saves, _NEVER)
            joins, at = divmod(int(saves.argmax()), saves.shape[1])
            if saves[joins, at] <= 0:
                break
            cost = int(costs[joins, at])
            stops.insert(at, int(near[joins]))
            near = np.delete(near, joins)
        return stops
