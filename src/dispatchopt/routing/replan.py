"""One state after another: orders come and go, trips leave, and the plan is kept where it can be.

What the last answer was made of is kept: all trips, so that only those with new orders are
enumerated; the trips and cuts of the linear programme, from which the next one starts; and the
plan, mended, as the first one. A price on changes keeps orders with the courier and the store that
were told of them, unless another way saves more.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.domain import Domain
from dispatchopt.core.result import Result
from dispatchopt.core.run import Callback, Run, solve
from dispatchopt.core.stop import Stop
from dispatchopt.routing.check import check
from dispatchopt.routing.domain import DOMAIN
from dispatchopt.routing.known_trips import positions
from dispatchopt.routing.problem import (
    ANYWHERE,
    MANDATORY,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
)
from dispatchopt.routing.schedule import best_route

if TYPE_CHECKING:
    from dispatchopt.routing.engines._bundle_search import Known
    from dispatchopt.routing.engines.bundles import BundlesEngine

Names = Sequence[Hashable]

#: Trips up to which all are listed: but once, so that it pays for more of them than in one solve.
_MOST_LISTED = 1_000_000


class Replanner:
    """Solves states by the engine ``bundles``, each from what is known of the one before.

    Parameters
    ----------
    change_cost
        Price of delivering an order by another courier, or from another store, than the last plan
        said; for orders that have no ``planned_courier`` and ``planned_store`` of their own.
    seed
        A whole number >= 0.
    """

    def __init__(self, *, change_cost: int = 0, seed: int = 1) -> None:
        from dispatchopt.routing.engines.bundles import BundlesEngine

        self.change_cost, self.seed = change_cost, seed
        # Only trips that are listed are known in the next state.
        self._engine: BundlesEngine = BundlesEngine(max_bundles=_MOST_LISTED)
        self._known: Known | None = None
        self._plan = RoutingSolution()
        self._names: tuple[Names, Names, Names] = ((), (), ())

    def solve(
        self,
        problem: RoutingProblem,
        orders: Names,
        *,
        couriers: Names | None = None,
        stores: Names | None = None,
        stop: Stop | None = None,
        callback: Callback | None = None,
    ) -> Result[RoutingSolution]:
        """Solve a state.

        Parameters
        ----------
        problem
            The open orders, the couriers that are free for them, and the stores. Orders whose trips
            have left are not among them, nor are their couriers counted.
        orders, couriers, stores
            Name of each row, by which it is known again; row numbers where nothing is given.
        stop, callback
            As for :func:`dispatchopt.routing.solve`.

        Raises
        ------
        UnsupportedError
            If the engine refuses the problem.
        """
        names = (
            orders,
            range(len(problem.couriers)) if couriers is None else couriers,
            range(len(problem.stores)) if stores is None else stores,
        )
        to = [positions(old, new) for old, new in zip(self._names, names, strict=True)]
        state = self._priced(problem, *to)
        start = self._start(state, *to)
        engine = _Remembering(self._engine, self._moved(state, *to))
        domain: Domain[RoutingProblem, RoutingSolution] = replace(
            DOMAIN, engines=lambda: {engine.name: engine}
        )
        result = solve(
            domain,
            state,
            engine=engine.name,
            stop=stop,
            seed=self.seed,
            callback=callback,
            start=start,
        )
        self._known, self._names = engine.known, names
        self._plan = RoutingSolution() if result.solution is None else result.solution
        return result

    def _priced(
        self, problem: RoutingProblem, orders: IntArray, couriers: IntArray, stores: IntArray
    ) -> RoutingProblem:
        """Return the problem with the last plan as what was planned."""
        table = problem.orders
        if not self.change_cost:
            return problem
        courier, store, cost = (
            column.copy()
            for column in (table.planned_courier, table.planned_store, table.change_cost)
        )
        for route in self._plan.routes:
            for trip in route.trips:
                now = orders[list(trip.stops)]
                now = now[now >= 0]
                now = now[(courier[now] == ANYWHERE) & (store[now] == ANYWHERE)]
                if couriers[route.courier] >= 0:
                    courier[now] = couriers[route.courier]
                if stores[trip.store] >= 0:
                    store[now] = stores[trip.store]
                cost[now] = self.change_cost
        table = table.replace(planned_courier=courier, planned_store=store, change_cost=cost)
        return problem.replace(orders=table)

    def _start(
        self, problem: RoutingProblem, orders: IntArray, couriers: IntArray, stores: IntArray
    ) -> RoutingSolution | None:
        """Return what is left of the last plan; None if that is no plan."""
        routes: list[Route] = []
        left = problem.couriers.count.copy()
        for route in self._plan.routes:
            row = int(couriers[route.courier])
            trip = route.trips[0]
            now = orders[list(trip.stops)]
            stops = tuple(now[now >= 0].tolist())
            if row < 0 or stores[trip.store] < 0 or not stops or not left[row]:
                continue
            timed = best_route(problem, row, (Trip(store=int(stores[trip.store]), stops=stops),))
            if timed is not None:
                left[row] -= 1
                routes.append(timed)
        plan = RoutingSolution(routes=tuple(routes))
        if _breaks_rules(problem, plan):
            kept = [each for each in routes if not _breaks_rules(problem, _alone(each))]
            plan = RoutingSolution(routes=tuple(kept))
        out = [order for order in range(len(problem.orders)) if order not in plan.served()]
        if not plan.routes or (problem.orders.refusal_cost[out] == MANDATORY).any():
            return None
        return plan

    def _moved(
        self, problem: RoutingProblem, orders: IntArray, couriers: IntArray, stores: IntArray
    ) -> Known | None:
        """Return what is known, in the rows of the new problem."""
        known = self._known
        if known is None:
            return None
        trips = None
        if known.trips is not None:
            trips = known.trips.moved_to(problem, orders, couriers, stores)
        warm = known.warm
        if warm is not None and len(warm.trips):
            stops = warm.trips[:, 2:]
            # Those that lose an order are of use too: they are trips still.
            now = np.where(stops >= 0, orders[stops], -1)
            head = np.column_stack([couriers[warm.trips[:, 0]], stores[warm.trips[:, 1]]])
            good = (head >= 0).all(axis=1) & (now >= 0).any(axis=1)
            cuts = orders[warm.cuts]
            warm = replace(
                warm,
                trips=np.column_stack([head, now])[good],
                cuts=cuts[(cuts >= 0).all(axis=1)],
            )
        return replace(known, trips=trips, warm=warm)


def _alone(route: Route) -> RoutingSolution:
    return RoutingSolution(routes=(route,))


def _breaks_rules(problem: RoutingProblem, plan: RoutingSolution) -> bool:
    """Whether a plan breaks a rule; what it leaves out is for others to serve."""
    report = check(problem, plan)
    return any(each.rule != "order-mandatory" for each in report.violations)


class _Remembering:
    """The engine, with what it knew before and what it knows then."""

    def __init__(self, engine: BundlesEngine, known: Known | None) -> None:
        self._engine, self.known = engine, known
        self.name, self.packages = engine.name, engine.packages

    def unsupported(self, problem: RoutingProblem) -> str | None:
        """Return why the engine refuses the problem, or None."""
        return self._engine.unsupported(problem)

    def search(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Search from what is known."""
        self.known = self._engine.search_on(problem, run, self.known)
