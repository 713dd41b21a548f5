"""Mixed-integer programming through PuLP, HiGHS by default: exact, any-time, any side rule."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.core.run import Run
from dispatchopt.core.stop import Stop
from dispatchopt.siting.assign import cheapest_assignment
from dispatchopt.siting.check import check
from dispatchopt.siting.engines import _solver
from dispatchopt.siting.engines._capacitated import restricted
from dispatchopt.siting.engines._formulate import Formulation, formulate
from dispatchopt.siting.engines.interchange import InterchangeEngine
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution

#: Slack of a solver's floating-point bound, relative to it.
_BOUND_SLACK = 5e-7
#: Moves of the local search that goes before the solver.
_START_MOVES = 2000
#: Pairs from which on a better start saves the solver more time than it costs.
_LARGE_PAIRS = 20_000


@dataclass(frozen=True, kw_only=True)
class MipEngine:
    """Branch and bound on a compact model, from a start that local search finds.

    Iterations are nodes of branch and bound; with a limit on them and none on time the answer is
    the same each time.

    Parameters
    ----------
    solver
        A solver that PuLP knows by name: ``HiGHS``, ``GUROBI``, ``CPLEX_CMD``, ``PULP_CBC_CMD``
        and others. Only HiGHS reports solutions and bounds on its way.
    start_share
        Share of the time that the local search may use before the solver starts, in [0, 1).
    """

    name: str = "mip"
    packages: tuple[str, ...] = ("pulp", "highspy")
    solver: str = "HiGHS"
    start_share: float = 0.25

    def unsupported(self, problem: SitingProblem) -> str | None:  # noqa: ARG002 (it takes all)
        """Return None: every rule has a model."""
        return None

    def search(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        """Search until proven or told to stop."""
        if problem.num_sites == 0 or problem.total_units == 0:
            # The solver needs at least one column, and someone to serve.
            _search_trivial(problem, run)
            if run.is_infeasible or run.should_stop():
                return
        if self.start_share > 0:
            self._start(problem, run)
        if problem.goal is SitingGoal.P_CENTER:
            self._search_center(problem, run)
        elif problem.num_sites:
            self._solve(problem, problem, run)

    def _start(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        """Let the local search find a first solution."""
        is_large = problem.coverage.num_pairs > _LARGE_PAIRS
        local = InterchangeEngine(max_kicks=40 if is_large else 5, bound_rounds=0)
        if local.unsupported(problem) or run.should_stop():
            return
        part: Run[SitingSolution] = Run(
            check=lambda solution: check(problem, solution),
            stop=_start_stop(run, self.start_share),
            seed=run.seed,
            label=f"{run.label}, its start",
            start=run.start,
        )
        part.raise_bound(run.bound)
        try:
            local.search(problem, part)
        finally:
            # Ctrl-C in the local search must not lose what it found.
            if part.solution is not None:
                run.offer(part.solution)

    def _solve(
        self,
        problem: SitingProblem,
        model_of: SitingProblem,
        run: Run[SitingSolution],
        *,
        first_is_enough: bool = False,
    ) -> _solver.Outcome | None:
        """Solve one model; None if the time went into building it."""
        if run.should_stop():
            return None
        formulation = formulate(model_of, run.should_stop)
        if formulation is None or run.should_stop():
            return None
        watch = _Watch(problem, run, formulation, first_is_enough)
        is_whole = model_of.is_whole
        outcome = _solver.solve(
            formulation.model,
            solver=self.solver,
            limits=_solver.Limits(
                time_s=run.time_left_s,
                nodes=run.iterations_left,
                gap_relative=run.gap,
                # Whole objectives that are less than 1 apart are the same.
                gap_absolute=0.99 if is_whole else 1e-9,
                seed=run.seed,
            ),
            hooks=_solver.Hooks(
                should_stop=watch.should_stop,
                found=watch.found,
                bounded=watch.bounded,
            ),
            start=_start_values(run, formulation, is_own=model_of is problem),
        )
        if outcome.values is not None:
            watch.found(outcome.values)
        if model_of is problem:
            watch.bounded(outcome.bound, outcome.nodes)
            if outcome.ending is _solver.Ending.INFEASIBLE and run.solution is None:
                run.prove_infeasible()
        run.step(watch.uncounted(max(1, outcome.nodes)))
        if outcome.ending is _solver.Ending.FAILED:
            run.note(f"{self.solver} failed on the model.")
        return outcome

    def _search_center(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        """Bisect over the radius within which everyone can be covered (Minieka 1970)."""
        served = problem.demand_units[problem.coverage.customer_idx] > 0
        used = served & problem.is_allowed[problem.coverage.site_idx]
        radii = np.unique(problem.coverage.distance_m[used])
        low, high = int(np.searchsorted(radii, run.bound)), len(radii) - 1
        if high < 0:
            radii, high = np.zeros(1, dtype=np.int64), 0
        is_last_tried = run.objective is not None
        while not run.should_stop():
            if run.objective is not None:
                high = min(high, int(np.searchsorted(radii, run.objective)) - 1)
            if low > high:
                break
            # Without a solution the widest radius comes first: it shows whether there is one.
            middle = (low + high) // 2 if is_last_tried else high
            outcome = self._cover_within(problem, run, int(radii[middle]))
            if outcome is _solver.Ending.INFEASIBLE:
                if not is_last_tried:
                    run.prove_infeasible()
                    return
                low = middle + 1
                if low < len(radii):
                    run.raise_bound(float(radii[low]))
            elif outcome is _solver.Ending.STOPPED:
                return
            is_last_tried = True
        if low > high and run.objective is not None:
            run.raise_bound(run.objective)

    def _cover_within(
        self, problem: SitingProblem, run: Run[SitingSolution], radius_m: int
    ) -> _solver.Ending:
        """Say whether everyone can be covered within a radius; offers what it finds."""
        near = problem.coverage.distance_m <= radius_m
        variant = problem.replace(
            goal=SitingGoal.COVER_ALL, coverage=restricted(problem.coverage, near)
        )
        outcome = self._solve(problem, variant, run, first_is_enough=True)
        if run.objective is not None and run.objective <= radius_m:
            return _solver.Ending.OPTIMAL
        if outcome is not None and outcome.ending is _solver.Ending.INFEASIBLE:
            return _solver.Ending.INFEASIBLE
        return _solver.Ending.STOPPED


ENGINE = MipEngine()


class _Watch:
    """What the solver tells on its way, passed on to the run."""

    def __init__(
        self,
        problem: SitingProblem,
        run: Run[SitingSolution],
        formulation: Formulation,
        first_is_enough: bool,
    ) -> None:
        self._problem = problem
        self._run = run
        self._formulation = formulation
        self._first_is_enough = first_is_enough
        self._counted = 0
        self._has_found = False
        self._limit = run.iterations_left

    def should_stop(self) -> bool:
        return (self._first_is_enough and self._has_found) or self._run.should_stop()

    def found(self, values: FloatArray) -> None:
        solution = self._formulation.decode(values)
        report = check(self._problem, solution)
        # The solver's tolerances allow what the rules do not.
        if not report.is_feasible:
            return
        self._has_found = True
        if self._run.objective is None or report.objective < self._run.objective:
            self._run.offer(solution)

    def bounded(self, value: float, nodes: int) -> None:
        if self._first_is_enough or not math.isfinite(value):
            return
        safe = value - _BOUND_SLACK * max(1.0, abs(value))
        self._run.raise_bound(math.ceil(safe) if self._problem.is_whole else safe)
        # The last node is counted when the solver has ended, so that it stops where its own limit
        # says and not where it happens to ask.
        if self._limit is not None:
            nodes = min(nodes, self._limit - 1)
        fresh = nodes - self._counted
        if fresh > 0:
            self._counted = nodes
            self._run.step(fresh)

    def uncounted(self, nodes: int) -> int:
        return max(0, nodes - self._counted)


def _start_stop(run: Run[SitingSolution], share: float) -> Stop:
    part = run.clock.share(share)
    return Stop(time_s=part.time_s, iterations=_START_MOVES, gap=part.gap, cancel=part.cancel)


def _start_values(
    run: Run[SitingSolution], formulation: Formulation, *, is_own: bool
) -> FloatArray | None:
    if run.solution is None or not is_own:
        return None
    return formulation.encode(run.solution)


def _search_trivial(problem: SitingProblem, run: Run[SitingSolution]) -> None:
    """Without sites or demand, the sites that must be open are the whole answer."""
    is_open: BoolArray = problem.is_fixed_open
    solution = cheapest_assignment(problem, np.flatnonzero(is_open))
    report = check(problem, solution)
    if report.is_feasible:
        run.offer(solution)
        run.raise_bound(report.objective)
    else:
        run.prove_infeasible()
