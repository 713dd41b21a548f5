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
from dispatchopt.routing.engines._route_master import Duals, RouteMaster, Stops
from dispatchopt.routing.engines._share import Share
from dispatchopt.routing.engines._subset_rows import violated_triples
from dispatchopt.routing.engines.pyvrp import ENGINE as PYVRP
from dispatchopt.routing.problem import Route, RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.reach import proof_of_infeasibility
from dispatchopt.routing.schedule import best_route

#: Reduced costs above this pay for nothing.
_LEAST_GAIN = 1e-2
#: Routes taken from one search, and of these with the same last door.
_MOST_ROUTES, _MOST_PER_DOOR = 200, 3
_MOST_SORTED = 5_000
#: Cuts added in a round.
_CUTS_AT_ONCE = 20
#: A bound this close to the linear programme, as a share, is close enough to cut on.
_CLOSE = 2e-4
#: Comparisons of labels in a second, about, and of one search at most.
_WORK_PER_S, _MOST_WORK = 1e8, 2_000_000_000
_LABELS, _FRONT = 1_500_000, 2_000_000


@dataclass(frozen=True, kw_only=True)
class ColgenEngine:
    """Column generation behind the common shape.

    Parameters
    ----------
    near
        Doors that are remembered at each door, stage by stage.
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
    near: tuple[int, ...] = (3, 8, 12)
    most_cuts: int = 256
    most_orders: int = 400
    search_share: float = 0.2
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
        if not problem.orders.is_mandatory.any():
            run.offer(RoutingSolution())
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
        self._member = np.zeros((n, max(1, -(-engine.most_cuts // 64))), dtype=np.uint64)
        words = -(-n // 64)
        front = max(1_000, _FRONT // n)
        self._pool = (
            np.zeros(_LABELS, dtype=np.int32),
            np.zeros(_LABELS, dtype=np.int32),
            np.zeros(_LABELS, dtype=np.int64),
            np.zeros(_LABELS, dtype=np.int64),
            np.zeros(_LABELS),
            np.zeros((_LABELS, words), dtype=np.uint64),
            np.zeros((_LABELS, self._member.shape[1]), dtype=np.uint64),
            np.zeros((_LABELS if len(graph.release_s) else 1, 4), dtype=np.int64),
            np.zeros((n, front)),
            np.zeros((n, front), dtype=np.int32),
        )
        self._own = _bits([{i} for i in range(n)])
        self._stage = 0
        self._kept = self._own

    def go(self) -> None:
        """Price and cut till nothing is left to be gained, or till the time is over."""
        engine, run, master = self._engine, self._run, self._master
        self._kept = _bits(master.graph.near(engine.near[0]))
        while run.step():
            duals = master.solve(run.time_left_s - self._kept_s)
            if duals is None:
                return
            routes, least = self._price(duals)
            if least is not None:
                bound = self._bound(duals, least)
                run.raise_bound(float(math.ceil(bound - 1e-9)))
                if bound >= (1 - _CLOSE) * duals.value or not routes:
                    if run.should_stop() or not self._go_on(routes):
                        return
                    continue
            if not master.add(routes):
                return

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

    def _go_on(self, routes: list[Stops]) -> bool:
        """Let doors be remembered at more doors, or cut; False if there is nothing to be done."""
        master, engine = self._master, self._engine
        if self._stage + 1 < len(engine.near):
            self._stage += 1
            near = master.graph.near(engine.near[self._stage])
            self._kept = _bits(near)
            master.forbid(near)
            return True
        holds, share = master.chosen()
        most = min(_CUTS_AT_ONCE, engine.most_cuts - len(master.cuts))
        triples = violated_triples(holds, share, most) if most > 0 else np.zeros((0, 3), np.int64)
        if len(triples):
            for number, triple in enumerate(triples.tolist(), len(master.cuts)):
                bit = np.uint64(1) << np.uint64(number % 64)
                self._member[triple, number // 64] |= bit
            master.cut(triples)
            return True
        return master.add(routes) > 0

    def _price(self, duals: Duals) -> tuple[list[Stops], float | None]:
        """Return routes that pay, and the least reduced cost of all; None if that is not known."""
        kernel, graph = self._kernel, self._master.graph
        costs = graph.start - duals.order, graph.arc - duals.order, graph.end - duals.route
        grid = graph.first_s, graph.width_s, graph.steps
        if graph.has_order:
            rest = kernel.completions(costs[1], costs[2], graph.duration_s, graph.window_s, *grid)
        else:
            shape = len(graph), graph.steps
            nothing = np.full(shape, -math.inf)
            rest = nothing, nothing, np.full(shape, -1, dtype=np.int32)
        price = np.zeros(64 * self._member.shape[1])
        price[: len(duals.cut)] = duals.cut
        for care in (kernel.TIME, kernel.LOAD, kernel.EXACT):
            left_s = max(0.0, self._run.time_left_s - self._kept_s)
            count, status = kernel.label(
                costs,
                (
                    *(graph.arrive_s, graph.duration_s, graph.window_s, *grid),
                    *(graph.release_s, graph.out_s),
                ),
                (graph.load, graph.most_load),
                (self._own, self._kept),
                (self._member, price),
                rest,
                self._pool,
                care,
                int(min(_MOST_WORK, _WORK_PER_S * left_s)),
            )
            reduced = self._pool[4][:count] + costs[2][self._pool[0][:count]]
            paying = np.flatnonzero(reduced < -_LEAST_GAIN)
            if len(paying) or care == kernel.EXACT:
                break
        is_known = care == kernel.EXACT and status == kernel.COMPLETE
        least = float(reduced.min(initial=0.0)) if is_known else None
        return self._traced(paying, reduced), least

    def _traced(self, paying: IntArray, reduced: FloatArray) -> list[Stops]:
        """Return the routes of some labels, the best first, few of them with one last door."""
        door, before = self._pool[0], self._pool[1]
        order = paying[np.argsort(reduced[paying], kind="stable")][:_MOST_SORTED]
        count = np.zeros(len(self._master.graph), dtype=np.int64)
        routes: list[Stops] = []
        for last in order.tolist():
            if count[door[last]] >= _MOST_PER_DOOR:
                continue
            count[door[last]] += 1
            stops, at = [], last
            while at >= 0:
                stops.append(int(door[at]))
                at = int(before[at])
            routes.append(tuple(reversed(stops)))
            if len(routes) >= _MOST_ROUTES:
                break
        return routes


def _bits(sets: list[set[int]]) -> Any:
    words = np.zeros((len(sets), max(1, -(-len(sets) // 64))), dtype=np.uint64)
    for row, members in enumerate(sets):
        for i in members:
            words[row, i // 64] |= np.uint64(1) << np.uint64(i % 64)
    return words


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
