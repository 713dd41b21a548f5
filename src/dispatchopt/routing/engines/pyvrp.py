"""PyVRP: an iterated local search of the best published quality on static sets.

Wouda, Lan and Kool (2024), PyVRP: a high-performance VRP solver package, INFORMS Journal on
Computing 36(4), 943-955.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dispatchopt.core.run import Run
from dispatchopt.routing.engines import _pyvrp_model as translation
from dispatchopt.routing.engines import _strings
from dispatchopt.routing.engines._polish import Polish
from dispatchopt.routing.engines._pyvrp_search import Search
from dispatchopt.routing.engines._share import Share
from dispatchopt.routing.problem import FAR, RoutingProblem, RoutingSolution
from dispatchopt.routing.reach import proof_of_infeasibility

#: A round of the polish takes steps by orders, and a step the longer the more orders there are: so
#: many, squared, for a second of the whole limit.
_ORDERS_SQUARED_PER_S = 1_275
#: With less time left, what is compiled on first use would leave too little of it. A limit of half
#: a minute leaves more: some of it is gone before an engine begins.
_LEAST_S = 28
#: More steps than a run takes.
_MANY = 1 << 62


@dataclass(frozen=True, kw_only=True)
class PyVrpEngine:
    """PyVRP behind the common shape.

    Parameters
    ----------
    num_neighbours
        Length of the neighbour lists of the local search.
    patience_per_order
        Steps without improvement, per order, after which the search ends by itself.
    min_polished, max_polished
        Least and most orders of problems that are polished: ruin and recreate goes on from PyVRP's
        plan, and a plan is chosen from all routes that it passes through.
    shares, window_shares
        Shares of the time that PyVRP has where there is a polish, before it and after it from its
        plan: in general, and where orders have windows and couriers make one trip each, for which
        it is strong. Where there is no time for a round of the polish it has all of the time, for
        the whole plan and parts of it.
    """

    name: str = "pyvrp"
    packages: tuple[str, ...] = ("pyvrp", "highspy")
    num_neighbours: int = 50
    patience_per_order: int = 1_000
    min_polished: int = 25
    max_polished: int = 4_000
    shares: tuple[float, float] = (0.15, 0.1)
    window_shares: tuple[float, float] = (0.65, 0.05)

    def unsupported(self, problem: RoutingProblem) -> str | None:
        """Return why PyVRP cannot take the problem, or None."""
        return translation.unsupported(problem)

    def search(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> None:
        """Translate, search, and offer what is found on the way."""
        proof = proof_of_infeasibility(problem)
        if proof is None and math.isinf(run.bound):
            proof = "no set of trips reaches every order that must be served"
        if proof is not None:
            run.note(f"No solution exists: {proof}.")
            run.prove_infeasible()
            return
        model = translation.build(problem)
        if model is None or run.should_stop():
            return
        is_polished = self._may_polish(problem, run) and self._has_time_for_round(problem, run)
        patience = self.patience_per_order * (1 + len(problem.orders))
        search = Search(model, run, num_neighbours=self.num_neighbours, patience=patience)
        try:
            if is_polished:
                self._polish(problem, run, search)
            else:
                search.alternate()
        finally:
            search.flush()

    def _polish(self, problem: RoutingProblem, run: Run[RoutingSolution], search: Search) -> None:
        """Search, polish what was found, and search from there: each goes on where one is stuck."""
        is_windowed = bool((problem.orders.latest_s < FAR).any())
        has_trips = bool((problem.couriers.max_trips > 1).any())
        before, after = self.window_shares if is_windowed and not has_trips else self.shares
        time_s = run.time_left_s
        search.whole(run.clock.elapsed_s + before * time_s)
        search.flush()
        if run.should_stop():
            return
        part: Any = Share(run, (1 - before - after) * time_s, _MANY)
        Polish(problem, part, run.solution).go()
        if run.solution is not None and not run.should_stop():
            search.resume(run.solution)
            search.whole()

    def _may_polish(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> bool:
        if not self.min_polished <= len(problem.orders) <= self.max_polished:
            return False
        # Orders go back one by one, so that a trip that only several pay for is seldom begun.
        if not problem.orders.is_mandatory.all():
            return False
        return run.time_left_s >= _LEAST_S and _strings.unsupported(problem) is None

    def _has_time_for_round(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> bool:
        # A round of too few steps seldom gets back to what PyVRP finds in the same time.
        return run.time_left_s >= len(problem.orders) ** 2 / _ORDERS_SQUARED_PER_S


ENGINE = PyVrpEngine()
