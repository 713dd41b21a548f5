"""Column generation for couriers with several trips: chains of enumerated trips, in time.

A column is a whole route. The pricing follows a courier from store to store on a grid of times;
rounded down it bounds all routes (the Lagrangian value of the prices of the orders), rounded up it
finds routes that can be driven. A route that serves an order twice bounds, but is in no plan.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.run import Run
from dispatchopt.routing.check import check
from dispatchopt.routing.engines._chain_pricing import Chain, ChainPricing
from dispatchopt.routing.engines._chain_trips import chain_trips, groups_of
from dispatchopt.routing.problem import Route, RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.schedule import best_route, timetable

_LEAST_GAIN = 1e-4
#: Share of the time that is left for the plan.
_PLAN_SHARE = 0.3
#: Share of the best prices in those that are priced.
_SMOOTH = 0.5
_MOST_ADDED = 300


def solve_chains(problem: RoutingProblem, run: Run[RoutingSolution], limit: int) -> None:
    """Bound by column generation, then put a plan together from the routes found."""
    pricings = []
    is_complete = True
    for rows in groups_of(problem):
        trips = chain_trips(problem, rows, limit=limit, should_stop=run.should_stop)
        is_complete &= trips.is_complete
        pricings.append(ChainPricing(problem, trips))
    total = sum(len(pricing.trips.size) for pricing in pricings)
    run.note(f"It chained {'all' if is_complete else 'some'} trips in time: {total} sequences.")
    if not run.step():
        return
    search = _Search(problem, run, pricings, is_complete=is_complete)
    search.generate()
    search.plan()


class _Search:
    def __init__(
        self,
        problem: RoutingProblem,
        run: Run[RoutingSolution],
        pricings: list[ChainPricing],
        *,
        is_complete: bool,
    ) -> None:
        import highspy

        self.problem, self.run, self.pricings = problem, run, pricings
        self.is_complete = is_complete
        self._highspy = highspy
        self.routes: list[Route] = []
        self._costs: list[float] = []
        self._known: set[tuple[int, tuple[Trip, ...]]] = set()
        left_s = run.time_left_s
        self._until_s = 0.0 if math.isinf(left_s) else _PLAN_SHARE * left_s
        orders, couriers = problem.orders, problem.couriers
        n, self._rows = len(orders), len(couriers)
        self._solver = self._new_solver()
        ones = np.ones(n)
        self._lower = np.concatenate([ones, np.zeros(self._rows)])
        self._upper = np.concatenate([ones, couriers.count.astype(np.float64)])
        nothing = np.zeros(0, dtype=np.int32)
        self._solver.addRows(
            n + self._rows,
            self._lower,
            self._upper,
            0,
            np.zeros(n + self._rows, dtype=np.int32),
            nothing,
            np.zeros(0),
        )
        refusal = orders.refusal_cost.astype(np.float64)
        dearest = float(refusal.max(initial=1.0))
        metres = max(
            float(np.where(t.distance_m < 1 << 30, t.distance_m, 0).max(initial=0))
            for t in problem.travel
        )
        per_m = float(couriers.cost_per_m.max(initial=0))
        # What must be served is not left out for the sake of any route.
        must = 10 * (dearest + 4 * metres * per_m + float(couriers.fixed_cost.max(initial=0)) + 1e4)
        self.refusal = np.where(orders.is_mandatory, must, refusal)
        index = np.arange(n, dtype=np.int32)
        self._solver.addCols(
            n, self.refusal, np.zeros(n), np.full(n, math.inf), n, index, index, np.ones(n)
        )
        if run.solution is not None:
            self.add([Chain(r.courier, r.trips, 0.0) for r in run.solution.routes])

    def _new_solver(self) -> Any:
        solver = self._highspy.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", self.run.seed % (1 << 30)),
        ):
            solver.setOptionValue(name, value)
        return solver

    def add(self, chains: Sequence[Chain]) -> int:
        """Add routes that are not known and can be driven; returns how many."""
        n, added = len(self.problem.orders), 0
        for chain in chains:
            key = (chain.row, chain.trips)
            if key in self._known:
                continue
            self._known.add(key)
            route = best_route(self.problem, chain.row, chain.trips)
            if route is None:
                continue
            times = Counter(order for trip in chain.trips for order in trip.stops)
            cost = self._cost(route)
            self.routes.append(route)
            self._costs.append(cost)
            index = np.array([*times, n + chain.row], dtype=np.int32)
            value = np.array([*times.values(), 1], dtype=np.float64)
            self._solver.addCol(cost, 0.0, math.inf, len(index), index, value)
            added += 1
        return added

    def _cost(self, route: Route) -> float:
        """Return what a route costs, whatever it serves twice."""
        couriers, row = self.problem.couriers, route.courier
        table = timetable(self.problem, row, route.trips)
        cost = table.distance_m * int(couriers.cost_per_m[row]) + int(couriers.fixed_cost[row])
        cost += sum(len(trip.stops) for trip in route.trips) * int(couriers.cost_per_order[row])
        return float(cost + table.cost(route.start_s, int(couriers.cost_per_s[row])))

    def generate(self) -> None:
        """Price till nothing is left to be gained, or a share of the time is over."""
        run, n = self.run, len(self.problem.orders)
        best_bound, center = -math.inf, None
        while run.step() and run.time_left_s > self._until_s:
            self._solver.run()
            if self._solver.getModelStatus() != self._highspy.HighsModelStatus.kOptimal:
                return
            dual = np.array(self._solver.getSolution().row_dual, dtype=np.float64)
            mixed = dual if center is None else _SMOOTH * center + (1 - _SMOOTH) * dual
            bound, chains = self._round(mixed[:n])
            if bound > best_bound:
                best_bound, center = bound, mixed
                self._raise(bound)
            paying = self._paying(chains, mixed, dual)
            if not paying and mixed is not dual:
                bound, chains = self._round(dual[:n])
                if bound > best_bound:
                    best_bound, center = bound, dual
                    self._raise(bound)
                paying = self._paying(chains, dual, dual)
            if not paying or not self.add(paying):
                return

    def _round(self, order: FloatArray) -> tuple[float, list[Chain]]:
        """Return the bound that prices of orders give, and chains by these prices."""
        count = self.problem.couriers.count
        bound = float(order.sum() + np.minimum(0.0, self.refusal - order).sum())
        chains: list[Chain] = []
        for pricing in self.pricings:
            up, found = pricing.price(order, is_rounded_up=True)
            chains += found
            least = up if pricing.is_exact else pricing.price(order, is_rounded_up=False)[0]
            # A courier is one route, and no more routes than orders are needed.
            most = np.minimum(count[pricing.trips.rows], len(order))
            with np.errstate(invalid="ignore"):
                gain = np.where(np.isfinite(least), np.minimum(0.0, least) * most, 0.0)
            bound += float(gain.sum())
        return bound, chains

    def _paying(self, chains: list[Chain], priced: FloatArray, dual: FloatArray) -> list[Chain]:
        """Return chains that would lower the cost, the best first.

        ``priced`` are the prices that the chains were found with, ``dual`` those that count.
        """
        n = len(self.problem.orders)
        change = priced[:n] - dual[:n]
        scored = []
        for number, chain in enumerate(chains):
            orders = [order for trip in chain.trips for order in trip.stops]
            reduced = chain.reduced + change[orders].sum() - dual[n + chain.row]
            if reduced < -_LEAST_GAIN and (chain.row, chain.trips) not in self._known:
                scored.append((reduced, number, chain))
        scored.sort(key=lambda each: each[:2])
        return [chain for _, _, chain in scored[:_MOST_ADDED]]

    def _raise(self, value: float) -> None:
        """Tell the bound: costs are whole, so it may be rounded up."""
        run = self.run
        if not self.is_complete:
            return
        whole = float(math.ceil(value - 1e-6 * max(1.0, abs(value)) ** 0.5 - 1e-6))
        run.raise_bound(whole if run.objective is None else min(whole, run.objective))

    def plan(self) -> None:
        """Choose the cheapest routes that serve every order at most once, and offer the plan."""
        run, n = self.run, len(self.problem.orders)
        if run.time_left_s <= 0:
            return
        whole = [k for k, route in enumerate(self.routes) if _is_simple(route)]
        solver = self._new_solver()
        if not math.isinf(run.time_left_s):
            solver.setOptionValue("time_limit", run.time_left_s)
        solver.setOptionValue("mip_max_nodes", 5_000)
        nothing = np.zeros(0, dtype=np.int32)
        rows = n + self._rows
        solver.addRows(
            rows, self._lower, self._upper, 0, np.zeros(rows, dtype=np.int32), nothing, np.zeros(0)
        )
        index = np.arange(n, dtype=np.int32)
        solver.addCols(n, self.refusal, np.zeros(n), np.ones(n), n, index, index, np.ones(n))
        for k in whole:
            route = self.routes[k]
            orders = [order for trip in route.trips for order in trip.stops]
            entries = np.array([*orders, n + route.courier], dtype=np.int32)
            most = float(self.problem.couriers.count[route.courier])
            solver.addCol(
                self._costs[k], 0.0, min(1.0, most), len(entries), entries, np.ones(len(entries))
            )
        count = n + len(whole)
        kinds = [self._highspy.HighsVarType.kInteger] * count
        solver.changeColsIntegrality(count, np.arange(count, dtype=np.int32), kinds)
        solver.run()
        if not math.isfinite(solver.getInfo().mip_gap):
            return
        taken = np.array(solver.getSolution().col_value) > 0.5
        if (taken[:n] & self.problem.orders.is_mandatory).any():
            return
        chosen = tuple(self.routes[k] for k, is_in in zip(whole, taken[n:], strict=True) if is_in)
        plan = RoutingSolution(routes=chosen)
        if not check(self.problem, plan).violations:
            run.offer(plan)


def _is_simple(route: Route) -> bool:
    stops = [order for trip in route.trips for order in trip.stops]
    return len(set(stops)) == len(stops)
