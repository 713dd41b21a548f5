"""OR-Tools' routing library: a constraint solver under guided local search, for unusual rules.

Perron and Furnon, OR-Tools (Google). Voudouris and Tsang (1999), Guided local search and its
application to the traveling salesman problem, European Journal of Operational Research 113.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dispatchopt.core.run import Run
from dispatchopt.routing.engines._ortools_model import Model
from dispatchopt.routing.picking import has_picking
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution
from dispatchopt.routing.reach import proof_of_infeasibility

#: Questions whether to stop between two that look at the clock.
_BETWEEN_LOOKS = 64
_LONGEST_S = 86_400.0


@dataclass(frozen=True, kw_only=True)
class OrToolsEngine:
    """OR-Tools' routing library behind the common shape.

    Parameters
    ----------
    most_nodes
        Most orders, pick-ups, and vehicles together: its matrices are lists in memory.
    patience_per_order
        Neighbours looked at without improvement, per order, after which the search ends by itself.
    """

    name: str = "ortools"
    packages: tuple[str, ...] = ("ortools",)
    most_nodes: int = 4_000
    patience_per_order: int = 20_000

    def unsupported(self, problem: RoutingProblem) -> str | None:
        """Return why the library cannot take the problem, or None."""
        if has_picking(problem):
            return "it takes orders to be ready at set times, and some stores pick them in turn"
        orders = len(problem.orders)
        couriers = sum(min(int(count), orders) for count in problem.couriers.count)
        if 2 * orders + couriers > self.most_nodes:
            return f"it takes at most {self.most_nodes} orders and couriers"
        return None

    def search(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Build the model, search, and offer what is found on the way."""
        proof = proof_of_infeasibility(problem)
        if proof is None and math.isinf(run.bound):
            proof = "no set of trips reaches every order that must be served"
        if proof is not None:
            run.note(f"No solution exists: {proof}.")
            run.prove_infeasible()
            return
        if run.should_stop():
            return
        model = Model(problem)
        if not model.is_empty and not run.should_stop():
            _Search(self, model, run).go()


class _Search:
    """One run of the library, watched."""

    def __init__(self, engine: OrToolsEngine, model: Model, run: Run[RoutingSolution]) -> None:
        self._model, self._run = model, run
        self._must = model.problem.orders.is_mandatory.nonzero()[0].tolist()
        self._patience = engine.patience_per_order * (1 + len(model.problem.orders))
        self._best = math.inf
        self._asked = self._asked_at_best = 0
        self._failure: Exception | None = None

    def go(self) -> None:
        """Search till a limit, or till nothing has been found for long."""
        from ortools.constraint_solver import pywrapcp, routing_enums_pb2

        routing, run = self._model.routing, self._run
        limits: Any = pywrapcp.DefaultRoutingSearchParameters()
        limits.first_solution_strategy = (
            routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
        )
        limits.local_search_metaheuristic = (
            routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        )
        # The run's own clock ends the search; the library's, on the wall, is a second line, and
        # without any it complains.
        most_s = min(4 * run.time_left_s + 1, _LONGEST_S)
        limits.time_limit.FromMilliseconds(int(1_000 * most_s))
        solver = routing.solver()
        solver.ReSeed(run.seed % (1 << 31))
        routing.AddSearchMonitor(solver.CustomLimit(self._is_over))
        routing.AddAtSolutionCallback(self._on_solution)
        routing.SolveWithParameters(limits)
        if self._failure is not None:
            raise self._failure

    def _is_over(self) -> bool:
        """Whether to end; asked so often that the clock is looked at only now and then."""
        self._asked += 1
        if self._failure is not None or self._asked - self._asked_at_best > self._patience:
            return True
        limit = self._run.iterations_left
        if limit is not None and limit <= 0:
            return True
        return self._asked % _BETWEEN_LOOKS == 0 and self._run.should_stop()

    def _on_solution(self) -> None:
        """Count a solution, and offer it if it is better than all before."""
        try:
            self._run.step()
            cost = self._model.routing.CostVar().Max()
            if cost >= self._best:
                return
            self._best, self._asked_at_best = cost, self._asked
            found = self._model.solution()
            if found is not None and found.served().issuperset(self._must):
                self._run.offer(found)
        except Exception as error:  # noqa: BLE001 - the library would lose it; it is raised after
            self._failure = error


ENGINE = OrToolsEngine()
