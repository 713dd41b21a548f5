"""Price and cut: bounds for routes with time windows from one store, and a plan from their routes.

The linear programme over all routes is solved by column generation (Desrochers, Desrosiers and
Solomon 1992, Operations Research 40(2), 342-354). Routes are priced with ng-sets, which grow once
the smaller ones are done with, and subset-row cuts raise the bound. It is the Lagrangian value

    sum of order prices + K * min(0, route price + least reduced cost) - sum of cut prices

for at most K routes, so that it holds before nothing is left to be priced too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.run import Run
from dispatchopt.routing.check import check
from dispatchopt.routing.engines._route_graph import (
    courier_row,
    route_graph,
    unsupported,
)
from dispatchopt.routing.engines._route_master import (
    FINE,
    Duals,
    RouteMaster,
    Stops,
    came_back,
    remembered,
)
from dispatchopt.routing.engines._share import Share
from dispatchopt.routing.engines._subset_rows import violated_triples
from dispatchopt.routing.engines.pyvrp import ENGINE as PYVRP
from dispatchopt.routing.problem import Route, RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.reach import proof_of_infeasibility
from dispatchopt.routing.schedule import best_route

#: Reduced costs above this pay for nothing.
_LEAST_GAIN = 1e-2
#: Routes taken from one search, and of these before a door counts as often visited.
_MOST_ROUTES, _MOST_PER_DOOR = 150, 12
_MOST_SORTED = 3_000
#: Routes from a rough search that make a finer one needless, and labels of it at most.
_ENOUGH, _ROUGH = 5, 200_000
#: Cuts added in a round.
_CUTS_AT_ONCE = 20
#: A bound this close to the linear programme, as a share, is close enough to cut on.
_CLOSE = 2e-4
#: Comparisons of labels in a second, about, and of one search at most.
_WORK_PER_S, _MOST_WORK = 1e8, 2_000_000_000
_LABELS = 1_500_000
#: Share of the best prices known in those that routes are priced with.
_WEIGHT = 0.8
#: Loads are left out at first where no route is loaded above this share of its most.
_LIGHT = 0.8
#: Rounds in which doors are only remembered at more doors, before cuts are added as well.
_GROWTHS = 3
#: Units of load in the tables of beginnings, at most.
_UNITS = 32


@dataclass(frozen=True, kw_only=True)
class ColgenEngine:
    """Column generation behind the common shape.

    Parameters
    ----------
    near, most_near
        Doors that are remembered at each door at first, and at most.
    most_cuts
        Subset-row cuts at most.
    most_orders
        Larger problems are refused.
    search_share, search_steps
        PyVRP goes first, for this share of the time and so many steps per order.
    plan_share
        Share of the time for the plan from the routes found.
    """

    name: str = "colgen"
    packages: tuple[str, ...] = ("highspy", "numba", "pyvrp")
    near: int = 8
    most_near: int = 16
    most_cuts: int = 256
    most_orders: int = 400
    search_share: float = 0.1
    search_steps: int = 20
    plan_share: float = 0.15

    def unsupported(self, problem: RoutingProblem) -> str | None:
        """Return why the problem is refused, or None."""
        if len(problem.orders) > self.most_orders:
            return f"it takes at most {self.most_orders} orders"
        return unsupported(problem)

    def search(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Search first, then price and cut, then put the routes together."""
        proof = proof_of_infeasibility(problem)
        if proof is not None:
            run.note(f"No solution exists: {proof}.")
            run.prove_infeasible()
            return
        if not len(problem.orders) or run.should_stop():
            return
        plan_s = self.plan_share * run.time_left_s
        if PYVRP.unsupported(problem) is None:
            steps = self.search_steps * len(problem.orders)
            if run.iterations_left is not None:
                steps = min(steps, run.iterations_left // 2)
            share: Any = Share(run, self.search_share * run.time_left_s, steps)
            PYVRP.search(problem, share)
        if run.is_infeasible or run.should_stop():
            return
        graph = route_graph(problem)
        master = RouteMaster(graph, seed=run.seed)
        if run.solution is not None:
            stops = [trip.stops for route in run.solution.routes for trip in route.trips]
            master.add([each for each in stops if math.isfinite(graph.cost(each))])
        _PriceAndCut(self, master, run, 0.0 if math.isinf(plan_s) else plan_s).go()
        if run.should_stop() or graph.is_relaxed:
            return
        found = master.plan(run.time_left_s, run.seed, 1_000)
        if found is not None:
            _offer(problem, run, found)


class _PriceAndCut:
    """One run of column generation; ``kept_s`` is left for what comes after it."""

    def __init__(
        self, engine: ColgenEngine, master: RouteMaster, run: Run[Any], kept_s: float
    ) -> None:
        from dispatchopt.routing.engines import _ng_pricing

        self._engine, self._master, self._run, self._kept_s = engine, master, run, kept_s
        self._kernel: Any = _ng_pricing
        graph = master.graph
        n = len(graph)
        cut_words = max(1, -(-engine.most_cuts // 64))
        self._member = np.zeros((n, cut_words), dtype=np.int64)
        self._cut_kept = np.zeros((n, cut_words), dtype=np.int64)
        words = -(-n // 64)
        self._pool = (
            np.zeros(_LABELS, dtype=np.int32),
            np.zeros(_LABELS, dtype=np.int32),
            np.zeros(_LABELS, dtype=np.int64),
            np.zeros((_LABELS, 4 + words + cut_words), dtype=np.int64),
        )
        self._own = _bits([{i} for i in range(n)])
        self._near = graph.near(engine.near)
        self._kept = _bits(self._near)
        self._load = graph.load
        self._growths = 0
        self._centre: Duals | None = None

    def go(self) -> None:
        """Price and cut till nothing is left to be gained, or till the time is over."""
        run, master = self._run, self._master
        self._loosen_load()
        weight = 0.0
        most_weight = _WEIGHT
        if run.solution is not None:
            weight = most_weight
            self._centre = master.guess([t.stops for r in run.solution.routes for t in r.trips])
        while run.step():
            duals = master.solve(run.time_left_s - self._kept_s)
            if duals is None:
                return
            at = duals
            if weight and self._centre is not None:
                at = duals.towards(self._centre, weight)
            routes, least, is_known = self._price(at, is_rough=weight > 0)
            bound = self._bound(at, least)
            run.raise_bound(float(math.ceil(bound - 1e-9)))
            self._centre = at
            if is_known and (bound >= (1 - _CLOSE) * duals.value or not routes):
                if run.should_stop() or not self._go_on():
                    return
                weight = most_weight
                continue
            paying = [r for r in routes if master.reduced(r, duals) < -_LEAST_GAIN]
            added = master.add(routes)
            if paying:
                weight = most_weight
            elif weight:
                weight, most_weight = 0.0, max(0.0, most_weight - 0.05)
            elif not added:
                return

    def _loosen_load(self) -> None:
        """Leave loads out as long as no route is near its most."""
        graph, solution = self._master.graph, self._run.solution
        if solution is None:
            return
        heaviest = max(
            (int(graph.load[list(t.stops)].sum()) for r in solution.routes for t in r.trips),
            default=0,
        )
        if heaviest <= _LIGHT * graph.most_load:
            self._load = np.zeros_like(graph.load)

    def _bound(self, duals: Duals, least: float) -> float:
        graph = self._master.graph
        refused = np.minimum(0.0, graph.refusal - duals.order).sum()
        return float(
            duals.order.sum()
            - duals.cut.sum()
            + graph.most_routes * min(duals.route, 0.0)
            + graph.most_routes * min(0.0, least)
            + refused
        )

    def _go_on(self) -> bool:
        """Have doors remembered at more doors, or cut; False if there is nothing to be done."""
        master, engine = self._master, self._engine
        graph = master.graph
        routes, share = master.chosen()
        is_changed = False
        is_heavy = any(int(graph.load[list(stops)].sum()) > graph.most_load for stops in routes)
        if is_heavy and not self._load.any():
            self._load, is_changed = graph.load, True
        for door, between in came_back(routes):
            for other in between:
                if door not in self._near[other] and len(self._near[other]) < engine.most_near:
                    self._near[other].add(door)
                    is_changed = True
        if is_changed:
            self._kept = _bits(self._near)
            master.forbid(self._near, is_heavy=bool(self._load.any()))
        self._growths += is_changed
        if is_changed and self._growths < _GROWTHS:
            return True
        holds = np.zeros((len(routes), len(graph)))
        for row, stops in enumerate(routes):
            holds[row, list(stops)] = 1.0
        most = min(_CUTS_AT_ONCE, engine.most_cuts - len(master.cuts))
        found = violated_triples(holds, share, most).tolist() if most > 0 else []
        triples = [(a, b, c) for a, b, c in found]
        kept = [remembered(triple, routes) for triple in triples]
        for number, (triple, memory) in enumerate(
            zip(triples, kept, strict=True), len(master.cuts)
        ):
            bit = np.array([1 << (number % 64)], dtype=np.uint64).view(np.int64)[0]
            self._member[list(triple), number // 64] |= bit
            self._cut_kept[[*triple, *memory], number // 64] |= bit
        master.cut(triples, kept)
        return is_changed or bool(triples)

    def _price(self, duals: Duals, *, is_rough: bool) -> tuple[list[Stops], float, bool]:
        """Return routes that pay, what no reduced cost is below, and whether one comes to that."""
        kernel, graph = self._kernel, self._master.graph
        costs = tuple(
            whole(cost)
            for cost in (
                graph.start - duals.order,
                graph.arc - duals.order,
                graph.end - duals.route,
            )
        )
        price = np.zeros(64 * self._member.shape[1], dtype=np.int64)
        price[: len(duals.cut)] = whole(duals.cut)
        last = kernel.LOAD if is_rough else kernel.EXACT
        for care in range(kernel.TIME, last + 1):
            # Tables by load take longer than rough searches.
            unit, most = self._units() if care == kernel.EXACT else (graph.most_load + 1, 0)
            ahead, least = self._beginnings(costs, unit, most)
            pool = self._pool if care == kernel.EXACT else [each[:_ROUGH] for each in self._pool]
            left_s = max(0.0, self._run.time_left_s - self._kept_s)
            count, status = kernel.label(
                costs,
                (
                    *(graph.release_s, graph.out_s, graph.soonest_s, graph.duration_s),
                    *(graph.window_s, graph.first_s, graph.width_s, graph.steps),
                ),
                (self._load, graph.most_load, unit),
                (self._own, self._kept),
                (self._member, self._cut_kept, price),
                ahead,
                tuple(pool),
                care,
                int(min(_MOST_WORK, _WORK_PER_S * left_s)),
            )
            reduced = self._pool[2][:count]
            paying = np.flatnonzero(reduced < -_LEAST_GAIN * FINE)
            routes = self._traced(paying, reduced)
            if len(routes) >= _ENOUGH or (routes and care == kernel.LOAD):
                break
        is_known = care == kernel.EXACT and status == kernel.COMPLETE
        if is_known:
            least = float(reduced.min(initial=0)) / FINE
        return routes, least, is_known

    def _beginnings(self, costs: Any, unit: int, most: int) -> tuple[Any, float]:
        """Return tables of beginnings, and what no reduced cost is below."""
        kernel, graph = self._kernel, self._master.graph
        if not graph.has_order:
            nothing = np.full((len(graph), graph.steps, most + 1), -kernel.NEVER)
            return (nothing, nothing, np.full(nothing.shape, -1, dtype=np.int32)), -math.inf
        ways = graph.release_s + graph.out_s, graph.duration_s, graph.window_s
        units = self._load // unit
        grid = graph.first_s, graph.width_s, graph.steps
        ahead = kernel.beginnings(costs[0], costs[1], ways, (units, most), *grid)
        last = ahead[0][np.arange(len(graph)), -1, most - units]
        return ahead, float((last + costs[2]).min(initial=0)) / FINE

    def _units(self) -> tuple[int, int]:
        """Return the unit of load of the tables, and how many a route holds."""
        if not self._load.any():
            return self._master.graph.most_load + 1, 0
        divisor = int(np.gcd.reduce(self._load))
        most = self._master.graph.most_load
        unit = divisor * -(-most // (divisor * _UNITS))
        return unit, most // unit

    def _traced(self, paying: IntArray, reduced: IntArray) -> list[Stops]:
        """Return the routes of some labels, the best first, no door in nearly all of them."""
        door, then = self._pool[0], self._pool[1]
        order = paying[np.argsort(reduced[paying], kind="stable")][:_MOST_SORTED]
        count = np.zeros(len(self._master.graph), dtype=np.int64)
        routes: list[Stops] = []
        for first in order.tolist():
            stops, at = [], first
            while at >= 0:
                stops.append(int(door[at]))
                at = int(then[at])
            # Routes that share most doors tell the linear programme the same.
            if (count[stops] < _MOST_PER_DOOR).sum() * 2 < len(stops):
                continue
            count[stops] += 1
            routes.append(tuple(stops))
            if len(routes) >= _MOST_ROUTES:
                break
        return routes


def whole(cost: FloatArray) -> IntArray:
    """Return costs in steps of prices, ``NEVER`` where there is no way."""
    from dispatchopt.routing.engines._ng_pricing import NEVER

    fine = np.where(np.isfinite(cost), cost, 0.0) * FINE
    return np.where(np.isfinite(cost), np.rint(fine).astype(np.int64), NEVER)


def _bits(sets: list[set[int]]) -> Any:
    words = np.zeros((len(sets), max(1, -(-len(sets) // 64))), dtype=np.uint64)
    for row, members in enumerate(sets):
        for i in members:
            words[row, i // 64] |= np.uint64(1) << np.uint64(i % 64)
    return words.view(np.int64)


def _offer(problem: RoutingProblem, run: Run[RoutingSolution], found: list[Stops]) -> None:
    courier = courier_row(problem)
    routes: list[Route] = []
    for stops in found:
        route = best_route(problem, courier, (Trip(store=0, stops=stops),))
        if route is None:
            return
        routes.append(route)
    solution = RoutingSolution(routes=tuple(routes))
    if not check(problem, solution).violations:
        run.offer(solution)


ENGINE = ColgenEngine()
