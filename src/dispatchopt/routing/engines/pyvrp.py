"""PyVRP: an iterated local search of the best published quality on static sets.

Wouda, Lan and Kool (2024), PyVRP: a high-performance VRP solver package, INFORMS Journal on
Computing 36(4), 943-955.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

from dispatchopt.core.run import Run
from dispatchopt.routing.engines import _pyvrp_model as translation
from dispatchopt.routing.engines import _strings
from dispatchopt.routing.engines._polish import Polish
from dispatchopt.routing.problem import FAR, RoutingProblem, RoutingSolution
from dispatchopt.routing.reach import proof_of_infeasibility

#: Iterations between two improvements that are checked and offered, so that the early ones cost
#: little: as many, and by orders, as a check takes the longer the more there are.
_BETWEEN_OFFERS, _BETWEEN_PER_ORDER = 100, 2
#: A round of the polish takes steps by orders, and a step the longer the more orders there are.
_ORDERS_SQUARED_PER_S = 1_700
#: With windows PyVRP settles after some iterations per order. Where there is time for fewer only,
#: and trips are of so few orders in the mean, ruin and recreate comes further in the rest.
_SETTLED, _SHORT_TRIP = 40, 20
#: Below such a limit of time, what is compiled on first use would leave too little of it.
_LEAST_S = 30
#: PyVRP multiplies penalties with violations of up to 1e9: the product has to fit 64 bits.
_LARGEST_PENALTY = 1e7


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
    share
        Share of the time that PyVRP has where a polish follows. The rest must be enough for a whole
        round of that, or PyVRP too slow to settle; else PyVRP has all of the time.
    """

    name: str = "pyvrp"
    packages: tuple[str, ...] = ("pyvrp", "highspy")
    num_neighbours: int = 50
    patience_per_order: int = 1_000
    min_polished: int = 25
    max_polished: int = 4_000
    share: float = 0.25

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
        may_polish = self._may_polish(problem, run)
        has_round = may_polish and self._has_time_for_round(problem, run)
        search = _Search(self, model, run, self.share if may_polish else 1.0)
        search.is_first_only = has_round
        search.go()
        if search.has_given_way and not run.should_stop():
            Polish(problem, run, run.solution).go()

    def _may_polish(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> bool:
        if not self.min_polished <= len(problem.orders) <= self.max_polished:
            return False
        # Orders go back one by one, so that a trip that only several pay for is seldom begun.
        if not problem.orders.is_mandatory.all():
            return False
        return run.time_left_s >= _LEAST_S and _strings.unsupported(problem) is None

    def _has_time_for_round(self, problem: RoutingProblem, run: Run[RoutingSolution]) -> bool:
        # A round of too few steps seldom gets back to what PyVRP finds in the same time.
        round_s = len(problem.orders) ** 2 / _ORDERS_SQUARED_PER_S
        return (1 - self.share) * run.time_left_s >= round_s


class _Search:
    """One run of PyVRP, watched."""

    def __init__(
        self, engine: PyVrpEngine, model: translation.Model, run: Run[Any], share: float
    ) -> None:
        self._engine = engine
        self._model = model
        self._run = run
        self._pending: Any = None
        self._next_offer = 0
        self._last_improved = 0
        self._is_first_query = True
        self._patience = engine.patience_per_order * (1 + len(model.problem.orders))
        self._best_cost = math.inf
        self._share, self._begun = share, run.iterations
        self._end_s = run.clock.elapsed_s + share * run.time_left_s
        #: Whether it ends with its share in any case, and whether what comes after it is to go on.
        self.is_first_only, self.has_given_way = False, False

    def go(self) -> None:
        import pyvrp

        with warnings.catch_warnings():
            # A large penalty is no news: what PyVRP finds is checked in any case.
            warnings.simplefilter("ignore")
            try:
                self._iterate(pyvrp)
            finally:
                self._flush()

    def _iterate(self, pyvrp: Any) -> None:
        from pyvrp.search import (
            OPERATORS,
            LocalSearch,
            NeighbourhoodParams,
            PerturbationManager,
            PerturbationParams,
            compute_neighbours,
        )

        data, run = self._model.data, self._run
        rng = pyvrp.RandomNumberGenerator(seed=run.seed)
        near = NeighbourhoodParams(num_neighbours=self._engine.num_neighbours)
        neighbours = compute_neighbours(data, near)
        if run.should_stop():
            return
        search = LocalSearch(data, rng, neighbours, PerturbationManager(PerturbationParams()))
        for operator in OPERATORS:
            if operator.supports(data):
                search.add_operator(operator(data))
        params = self._penalties(pyvrp)
        manager = pyvrp.PenaltyManager(pyvrp.PenaltyParams().midpoint_penalties(data), params)
        initial = None if run.start is None else self._model.start(run.start)
        if initial is None:
            random = pyvrp.Solution.make_random(data, rng)
            initial = search(random, manager.max_cost_evaluator(), exhaustive=True)
        self.on_best(initial)
        settings = pyvrp.IteratedLocalSearchParams(callbacks=_Callbacks(self))
        pyvrp.IteratedLocalSearch(data, manager, search, initial, settings).run(
            self, collect_stats=False, display=False
        )

    def _penalties(self, pyvrp: Any) -> Any:
        """Let penalties outgrow refusal costs and legs, or breaking a rule would pay."""
        problem = self._model.problem
        price = int(problem.orders.refusal_cost.max(initial=0))
        for travel in problem.travel:
            price = max(price, int(travel.distance_m[travel.is_reachable].max(initial=0)))
        usual = pyvrp.PenaltyParams().max_penalty
        return pyvrp.PenaltyParams(max_penalty=min(max(usual, 2.0 * price), _LARGEST_PENALTY))

    def __call__(self, best_cost: int) -> bool:  # noqa: ARG002 - PyVRP passes it
        """Count the iteration that has passed; PyVRP asks before each."""
        run = self._run
        if self._is_first_query:
            self._is_first_query = False
        else:
            run.step()
        if self._pending is not None and run.iterations >= self._next_offer:
            self._offer_pending()
        if run.should_stop():
            return True
        if run.iterations - self._last_improved >= self._patience:
            self.has_given_way = self.is_first_only
            return True
        if run.clock.elapsed_s >= self._end_s:
            self._end_s = math.inf
            self.has_given_way = self.is_first_only or self._is_slow()
        return self.has_given_way

    def _is_slow(self) -> bool:
        """Whether there is no time for as many iterations as PyVRP needs, and trips are short.

        Without windows it settles sooner.
        """
        self._flush()
        problem, found = self._model.problem, self._run.solution
        has_windows = bool((problem.orders.latest_s < FAR).any())
        if found is None or self._share >= 1 or not has_windows:
            return False
        trips = sum(len(route.trips) for route in found.routes)
        all_iterations = (self._run.iterations - self._begun) / self._share
        is_short = len(problem.orders) <= _SHORT_TRIP * trips
        return is_short and all_iterations < _SETTLED * len(problem.orders)

    def on_best(self, best: Any) -> None:
        """Keep an improvement; the first is offered at once."""
        cost = self._cost(best) if best.is_feasible() else math.inf
        if cost < self._best_cost:
            self._best_cost = cost
            self._last_improved = self._run.iterations
            self._pending = best
            if self._run.iterations >= self._next_offer:
                self._offer_pending()

    def _flush(self) -> None:
        if self._pending is not None:
            self._offer_pending()

    def _offer_pending(self) -> None:
        found, self._pending = self._pending, None
        pause = max(_BETWEEN_OFFERS, _BETWEEN_PER_ORDER * len(self._model.problem.orders))
        self._next_offer = self._run.iterations + pause
        solution = self._model.solution(found)
        if solution is not None:
            self._run.offer(solution, claimed=self._cost(found))

    def _cost(self, found: Any) -> float:
        """Return what PyVRP says a solution costs, in our terms."""
        total = (
            found.distance_cost()
            + found.duration_cost()
            + found.fixed_vehicle_cost()
            + found.uncollected_prizes()
        )
        return float(total - self._model.surplus)


class _Callbacks:
    """What PyVRP calls during its search."""

    def __init__(self, search: _Search) -> None:
        self._search = search

    def on_best(self, best: Any) -> None:
        """Hand an improvement on."""
        self._search.on_best(best)

    def on_start(self, ils: Any) -> None:
        """Nothing to do."""

    def on_end(self, result: Any) -> None:
        """Nothing to do."""

    def on_iteration(self, *_: Any) -> None:
        """Nothing to do."""

    def on_restart(self, best: Any) -> None:
        """Nothing to do."""


ENGINE = PyVrpEngine()
