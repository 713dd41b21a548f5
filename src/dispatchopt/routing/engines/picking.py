"""Stores that pick orders in turn: sequences of picking and routes, by turns.

With the sequence of every store fixed, orders are ready at set times, and any engine plans the
routes; with the routes fixed, orders are picked by the time at which their trip is loaded. Both
steps alternate. The routes of a problem in which every order is picked at once bound the cost from
below.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.run import Run
from dispatchopt.core.run import solve as run_solve
from dispatchopt.core.stop import Stop
from dispatchopt.routing.check import check
from dispatchopt.routing.picking import as_picked, has_picking, sequence_for, without_picking
from dispatchopt.routing.problem import NO_STORE, RoutingProblem, RoutingSolution
from dispatchopt.routing.reach import proof_of_infeasibility
from dispatchopt.routing.schedule import timetable
from dispatchopt.routing.tables import FAR, Options

Picks = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, kw_only=True)
class PickingEngine:
    """Pick by due time, plan the routes with another engine, and repeat.

    Parameters
    ----------
    most_rounds
        Plans of routes, after the first one that picks everything at once.
    first_share
        Share of the time for that first one, which also gives the bound.
    """

    name: str = "picking"
    packages: tuple[str, ...] = ("highspy", "ortools", "pyvrp")
    most_rounds: int = 8
    first_share: float = 0.35

    def unsupported(self, problem: RoutingProblem) -> str | None:
        """Return why the problem is refused, or None."""
        if not has_picking(problem):
            return "it is for stores that take time to pick"
        return None if self._inner(problem) else "no other engine takes it with orders picked"

    def _inner(self, problem: RoutingProblem) -> str | None:
        """Return the engine of the routes, or None if there is none."""
        from dispatchopt.routing.domain import DOMAIN

        relaxed = without_picking(problem)
        order, _ = DOMAIN.choose(relaxed)
        for name in order:
            if name != self.name and DOMAIN.engines()[name].unsupported(relaxed) is None:
                return name
        return None

    def search(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Alternate till nothing changes; each plan of routes is a step."""
        proof = proof_of_infeasibility(problem)
        if proof is not None:
            run.note(f"No solution exists: {proof}.")
            run.prove_infeasible()
            return
        engine = self._inner(problem)
        if engine is None or run.should_stop():
            return
        run.note(f"Routes are planned by engine {engine!r}.")
        turns = _Turns(self, problem, run, engine)
        first = turns.plan(without_picking(problem), self.first_share, is_bound=True)
        if first is not None and not run.is_infeasible:
            turns.alternate(first)


class _Turns:
    """One run."""

    def __init__(
        self, engine: PickingEngine, problem: RoutingProblem, run: Run[Any], inner: str
    ) -> None:
        self.engine, self.problem, self.run, self.inner = engine, problem, run, inner

    def plan(
        self, timed: RoutingProblem, share: float, *, is_bound: bool = False
    ) -> RoutingSolution | None:
        """Return routes for orders that are ready at set times."""
        from dispatchopt.routing.domain import DOMAIN

        run = self.run
        limits = run.clock.share(share)
        if run.iterations_left is not None:
            # Steps of the inner engine are many to one of ours.
            limits = Stop(time_s=limits.time_s, gap=limits.gap, iterations=400)
        result = run_solve(DOMAIN, timed, engine=self.inner, stop=limits, seed=run.seed)
        run.step()
        if is_bound:
            if result.status == "infeasible":
                run.note("No solution exists even where every order is picked at once.")
                run.prove_infeasible()
            if result.bound is not None:
                run.raise_bound(result.bound)
        return result.solution

    def alternate(self, plan: RoutingSolution) -> None:
        """Pick for a plan, plan for the picks, and so on."""
        tried: set[Picks] = set()
        for turn in range(self.engine.most_rounds):
            if self.run.should_stop():
                return
            left = self.engine.most_rounds - turn
            new = [picks for picks in self._sequences(plan, turn) if picks not in tried]
            if not new:
                return
            tried.add(new[0])
            found = self.plan(self._timed(new[0]), 1.0 / left)
            if found is None:
                continue
            plan = found
            self._offer(found, new[0])

    def _sequences(self, plan: RoutingSolution, turn: int) -> Iterator[Picks]:
        """Yield sequences of picking for a plan: by loading times, then by deadlines."""
        store_of, loaded_s = self._loading(plan)
        orders = self.problem.orders
        promised = np.minimum(orders.promise_s, orders.latest_s)
        by_promise = np.where(loaded_s < FAR, promised, FAR)
        # Turns differ in what comes first, so that one bad sequence is not the end.
        rules = [loaded_s, by_promise] if turn % 2 == 0 else [by_promise, loaded_s]
        for due_s in rules:
            yield sequence_for(self.problem, due_s, store_of)

    def _loading(self, plan: RoutingSolution) -> tuple[IntArray, IntArray]:
        """Return where and when each order is loaded; what is on no route comes last somewhere."""
        problem, orders = self.problem, self.problem.orders
        store_of = np.full(len(orders), NO_STORE, dtype=np.int64)
        loaded_s = np.full(len(orders), FAR, dtype=np.int64)
        for route in plan.routes:
            for number, trip in enumerate(route.trips):
                if trip.store == NO_STORE:
                    continue
                table = timetable(problem, route.courier, route.trips[number:])
                at = int(np.argmin(table.delay_s)) if number else 0
                own = [stop for stop in set(trip.stops) if not orders.has_pickup[stop]]
                store_of[own] = trip.store
                # When the last door of the trip has to be reached tells how urgent it is.
                slack = [
                    latest - delay
                    for delay, latest in zip(table.delay_s, table.latest_s, strict=True)
                ]
                loaded_s[own] = min(*slack, FAR - 1) + table.delay_s[at]
        usual = (store_of == NO_STORE) & ~orders.has_pickup
        for order in np.flatnonzero(usual).tolist():
            options = problem.stores_of_order(order)
            if len(options):
                busy = [int((store_of == store).sum()) for store in options]
                rate = problem.stores.pick_s[options] / problem.stores.pickers[options]
                store_of[order] = options[int(np.argmin(rate * busy))]
        return store_of, loaded_s

    def _timed(self, picks: Picks) -> RoutingProblem:
        """Return the problem with ready times, each picked order bound to its store."""
        timed, problem = as_picked(self.problem, picks), self.problem
        where = {order: store for store, sequence in enumerate(picks) for order in sequence}
        quick = set(np.flatnonzero(problem.stores.pick_s == 0).tolist())
        rows = []
        for order in range(len(problem.orders)):
            own = problem.stores_of_order(order).tolist()
            picked = where.get(order)
            rows.append([s for s in own if s in quick] if picked is None else [picked])
        return timed.replace(orders=timed.orders.replace(store_options=Options.of(rows)))

    def _offer(self, plan: RoutingSolution, picks: Picks) -> None:
        """Offer a plan; what it leaves out is not picked, unless other orders grow too old then."""
        served = plan.served()
        fewer = tuple(tuple(o for o in sequence if o in served) for sequence in picks)
        for sequences in (fewer, picks):
            whole = RoutingSolution(routes=plan.routes, picks=sequences)
            report = check(self.problem, whole)
            if report.is_feasible and not math.isnan(report.objective):
                self.run.offer(whole)
                return


ENGINE = PickingEngine()
