"""Coverage: branch and bound of our own, exact to the last unit, for a million customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray
from dispatchopt.core.run import Run
from dispatchopt.siting.assign import cheapest_assignment, open_mask
from dispatchopt.siting.check import check
from dispatchopt.siting.engines import _cover_local
from dispatchopt.siting.engines._cover_build import model_of
from dispatchopt.siting.engines._cover_model import CoverModel
from dispatchopt.siting.engines._cover_search import settle_and_branch
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution

#: Sites of which all pairs are kept in memory.
_MOST_SITES = 5_000


@dataclass(frozen=True, kw_only=True)
class CoverageEngine:
    """Maximum coverage and covering all or part of the demand, without capacities.

    Customers within reach of the same sites are one; sites that another is as good as are dropped;
    a linear relaxation, solved by HiGHS, bounds branch and bound. Every bound that is reported or
    prunes a node is evaluated in whole numbers, so that no proof rests on rounding. Iterations are
    nodes.

    Parameters
    ----------
    start_kicks
        Most kicks of the local search that goes before.
    """

    name: str = "coverage"
    packages: tuple[str, ...] = ("highspy", "scipy")
    start_kicks: int = 20

    def unsupported(self, problem: SitingProblem) -> str | None:
        """Return why not, or None."""
        if problem.goal not in (SitingGoal.MAX_COVERAGE, SitingGoal.COVER_ALL):
            return f"it solves coverage, not {problem.goal}"
        for name, is_set in (
            ("capacities", problem.capacity_units is not None),
            ("backup coverage", problem.cover_by > 1),
            ("a spacing of sites", problem.min_spacing_m > 0),
        ):
            if is_set:
                return f"it does not model {name}"
        if (reason := problem.not_modelled()) is not None:
            return reason
        is_limited = problem.max_sites is not None or problem.budget_cents is not None
        if problem.num_sites > _MOST_SITES:
            return f"it keeps a table of sites x sites, for at most {_MOST_SITES} sites"
        if problem.goal is SitingGoal.COVER_ALL and is_limited:
            return "covering at least cost under a limit on sites or budget is not modelled"
        return None

    def search(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        """Search until proven or told to stop."""
        # Costs are whole, and so is every bound: they meet where they are equal, not nearly so.
        run.is_whole = True
        fixed = problem.is_fixed_open
        keeper = _Keeper(problem, run)
        if not _fits(problem, fixed):
            run.prove_infeasible()
            return
        keeper.consider_fixed(fixed)
        if run.should_stop():
            return
        try:
            self._search(problem, run, keeper)
        finally:
            # Also on Ctrl-C: what has been found must not be lost.
            keeper.flush()

    def _search(self, problem: SitingProblem, run: Run[SitingSolution], keeper: _Keeper) -> None:
        model = model_of(problem)
        if model is None:
            run.prove_infeasible()
            return
        keeper.model = model
        if run.should_stop():
            return
        first = None if run.start is None else open_mask(problem, run.start.open_sites)
        if first is not None:
            first = (first & model.upper) | model.lower
            first = first if model.value(first) is not None else None
        improver = _cover_local.Improver(model, run.should_stop)
        _cover_local.start(
            improver,
            first,
            run.rng,
            run.should_stop,
            keeper.consider,
            most_kicks=self.start_kicks,
        )
        if run.should_stop():
            return
        if keeper.best == _NONE:
            # All allowed sites cover enough, or the model would not be possible.
            keeper.consider(_cover_local.thinned(model, model.upper))
        settle_and_branch(improver, keeper, _Watch(run, keeper))


ENGINE = CoverageEngine()

#: Value of no solution.
_NONE = 2**62
#: Times that an offer takes which pass before the next one.
_PATIENCE = 20.0


class _Keeper:
    """The best open sites so far; they go through the checker, which may take longer than all else.

    So not each of many quick improvements is offered at once, but all are before the end.
    """

    def __init__(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        self._problem = problem
        self._run = run
        self.model: CoverModel | None = None
        self.best = _NONE if run.objective is None else round(run.objective)
        self._waiting: BoolArray | None = None
        self._latest: BoolArray | None = None
        self._took_s = 0.0
        self._ended_s = 0.0

    def consider_fixed(self, is_open: BoolArray) -> None:
        """Offer open sites of which no model has been asked whether they are a solution."""
        solution = cheapest_assignment(self._problem, np.flatnonzero(is_open))
        if self._problem.goal is SitingGoal.COVER_ALL:
            report = check(self._problem, solution)
            if not report.is_feasible:
                return
        if self._run.offer(solution):
            self._latest = is_open.copy()
            self.best = round(self._run.objective or 0.0)

    def consider(self, is_open: BoolArray) -> None:
        """Keep open sites if they are better than the best."""
        value = None if self.model is None else self.model.value(is_open)
        if value is None or value >= self.best:
            return
        self.best, self._waiting = value, is_open.copy()
        self._latest = self._waiting
        if self._run.clock.elapsed_s - self._ended_s >= _PATIENCE * self._took_s:
            self.flush()

    def rebase(self, model: CoverModel) -> None:
        """Go on with a smaller model."""
        self.model = model

    def open_sites(self, model: CoverModel) -> BoolArray | None:
        """Return the best open sites, if the model allows them."""
        if self._latest is None or model.value(self._latest) is None:
            return None
        return self._latest

    def flush(self) -> None:
        """Offer what waits."""
        if self._waiting is None:
            return
        began = self._run.clock.elapsed_s
        waiting, self._waiting = self._waiting, None
        solution = cheapest_assignment(self._problem, np.flatnonzero(waiting))
        self._run.offer(solution, claimed=float(self.best))
        self._ended_s = self._run.clock.elapsed_s
        self._took_s = self._ended_s - began


def _fits(problem: SitingProblem, fixed: BoolArray) -> bool:
    """Whether the sites that must be open keep the limits on sites and budget."""
    if problem.max_sites is not None and int(fixed.sum()) > problem.max_sites:
        return False
    spent = int(problem.opening_cents[fixed].sum())
    return problem.budget_cents is None or spent <= problem.budget_cents


class _Watch:
    """What a search may use, and where its bounds go."""

    def __init__(self, run: Run[SitingSolution], keeper: _Keeper) -> None:
        self._run = run
        self._keeper = keeper
        self.seed = run.seed

    @property
    def time_left_s(self) -> float:
        """Seconds left."""
        return self._run.time_left_s

    def should_stop(self) -> bool:
        """Whether to return now."""
        return self._run.should_stop()

    def step(self) -> bool:
        """Count a node; whether to go on."""
        return self._run.step()

    def raise_bound(self, value: int) -> None:
        """Report a proven bound."""
        if value >= self._keeper.best or self._run.gap > 0:
            self._keeper.flush()
        self._run.raise_bound(float(min(value, self._keeper.best)))
