"""Set partitioning over all feasible short trips, with a certified gap.

Every feasible trip is a column, priced with its best sequence and start; each order is in one of
the chosen columns or refused, and no courier class is used more often than it has couriers. The
linear relaxation, tightened by cuts, bounds the cost; branch and bound closes the gap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.run import Run
from dispatchopt.routing.bundles import Enumeration, enumerate_bundles
from dispatchopt.routing.engines._chains import solve_chains
from dispatchopt.routing.engines._columns import Columns, columns_of, columns_of_plan
from dispatchopt.routing.engines._partition import Effort, Partition
from dispatchopt.routing.engines._repair import mended
from dispatchopt.routing.engines._ruin import LEAST_TRIPS, Ruin, is_plan
from dispatchopt.routing.problem import FAR, RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.reach import proof_of_infeasibility
from dispatchopt.routing.schedule import best_route


@dataclass(frozen=True, kw_only=True)
class BundlesEngine:
    """Enumerate, bound by the linear relaxation, solve the integer programme.

    Parameters
    ----------
    max_bundles
        Most columns; a problem with more is solved on the smaller trips, without their bound.
    max_chained
        Most sets of orders per group of couriers that may do several trips.
    effort
        How much is done at each stage.
    ruin_steps, more_ruin_steps
        Steps of ruin and recreate per order: before the linear programme, and each time that the
        gap is found to be wide.
    """

    name: str = "bundles"
    packages: tuple[str, ...] = ("highspy",)
    max_bundles: int = 3_000_000
    max_chained: int = 200_000
    effort: Effort = field(default_factory=Effort)
    ruin_steps: int = 40
    more_ruin_steps: int = 200

    def unsupported(self, problem: RoutingProblem) -> str | None:
        """Return why bundles do not describe the problem, or None."""
        used = problem.couriers.count > 0
        if problem.orders.has_pickup.any():
            return "its trips are loaded at stores, and some orders have a pick-up place"
        if _has_chains(problem):
            couriers = problem.couriers
            limits = np.minimum(couriers.max_duration_s, couriers.max_distance_m)
            if (limits[used] < FAR).any():
                return "it does not chain trips within a limit on distance or duration"
        return None

    def search(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Enumerate and solve; each phase counts as a step."""
        proof = proof_of_infeasibility(problem)
        if proof is None and math.isinf(run.bound):
            proof = "no set of trips reaches every order that must be served"
        if proof is not None:
            run.note(f"No solution exists: {proof}.")
            run.prove_infeasible()
            return
        if not problem.orders.is_mandatory.any():
            run.offer(RoutingSolution())
        if _has_chains(problem):
            if not run.should_stop():
                solve_chains(problem, run, self.max_chained)
            return
        if run.solution is not None and run.solution.routes:
            better = mended(problem, run.solution)
            if better is not None:
                run.offer(better)
        if run.should_stop():
            return
        found = enumerate_bundles(problem, limit=self.max_bundles, should_stop=run.should_stop)
        how = "all feasible trips" if found.is_complete else "some of the feasible trips"
        run.note(f"It chose among {how}: {found.num_bundles}.")
        if run.step():
            _Search(self, problem, found, run).solve()


def _has_chains(problem: RoutingProblem) -> bool:
    """Whether a courier may do more than one trip."""
    used = problem.couriers.count > 0
    return bool((problem.couriers.max_trips[used] > 1).any())


class _Search:
    """One run: trips into columns, columns into plans."""

    def __init__(
        self,
        engine: BundlesEngine,
        problem: RoutingProblem,
        found: Enumeration,
        run: Run[RoutingSolution],
    ) -> None:
        self.problem, self.run = problem, run
        self.is_complete = found.is_complete
        self.blocks = found.blocks
        sizes = [len(block.cost) for block in found.blocks]
        self.first_of = np.cumsum([0, *sizes])
        self.engine, self.effort = engine, engine.effort
        self._seeds = run.seed

    def solve(self) -> None:
        run = self.run
        columns, top = columns_of(self.problem, self.blocks)
        self._ruin(columns, top, self.engine.ruin_steps)
        if run.should_stop():
            return
        best = run.objective
        partition = Partition(
            columns,
            best=top if best is None else best,
            known=self._known(columns),
            effort=self.effort,
            seed=run.seed,
            offer=self._offer,
            tell_bound=self._raise_bound,
            should_stop=run.should_stop,
            time_left=lambda: run.time_left_s,
            improve=lambda: self._ruin(columns, top, self.engine.more_ruin_steps),
        )
        # A plan is proven best where no other one can cost less by one, and costs are whole.
        is_proven = partition.solve()
        if is_proven and self.is_complete:
            if run.objective is None:
                run.note("No solution exists: trips and couriers do not suffice.")
                run.prove_infeasible()
            else:
                run.raise_bound(run.objective)

    def _ruin(self, columns: Columns, top: float, steps: int) -> float:
        """Look for a better plan, from the best one so far; returns the cost of the best."""
        run, orders = self.run, self.problem.orders
        best = top if run.objective is None else run.objective
        if len(columns) - columns.num_orders < LEAST_TRIPS or run.should_stop():
            return best
        profile = int(self.problem.couriers.profile[0])
        near_s = self.problem.travel[profile].duration_s[np.ix_(orders.place, orders.place)]
        search = Ruin(columns, near_s, seed=self._seeds)
        self._seeds += 1
        known = self._known(columns)
        if len(known):
            search.start_from(known)
        chosen, cost = search.run(steps * len(orders), run.should_stop)
        if cost < best - 0.5 and is_plan(columns, chosen):
            self._offer(columns.origin[chosen], cost)
            best = cost
        return best

    def _known(self, columns: Columns) -> IntArray:
        """Return the columns of the best plan so far, whatever its sequences."""
        plan = self.run.solution
        return np.zeros(0, dtype=np.int64) if plan is None else columns_of_plan(columns, plan)

    def _raise_bound(self, value: float) -> None:
        run = self.run
        if self.is_complete and (run.objective is not None or value < math.inf):
            run.raise_bound(value if run.objective is None else min(value, run.objective))
        run.step()

    def _offer(self, columns: IntArray, cost: float) -> None:
        routes = []
        for column in columns[columns < self.first_of[-1]].tolist():
            number = int(np.searchsorted(self.first_of, column, side="right")) - 1
            block = self.blocks[number]
            stops = tuple(block.sequences[column - self.first_of[number]].tolist())
            route = best_route(self.problem, block.courier, [Trip(store=block.store, stops=stops)])
            if route is None:
                return
            routes.append(route)
        self.run.offer(RoutingSolution(routes=tuple(routes)), claimed=cost)


ENGINE = BundlesEngine()
