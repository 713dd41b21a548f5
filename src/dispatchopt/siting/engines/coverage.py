"""Coverage: branch and bound of our own, exact to the last unit, for a million customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray
from dispatchopt.core.run import Run
from dispatchopt.siting.assign import cheapest_assignment, open_mask
from dispatchopt.siting.check import check
from dispatchopt.siting.engines import _cover_local
from dispatchopt.siting.engines._cover_build import model_of, shrunk
from dispatchopt.siting.engines._cover_lp import Ending, Relaxation
from dispatchopt.siting.engines._cover_model import CoverModel, dual_bound
from dispatchopt.siting.engines._cover_tree import Tree
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution

#: Sites of which all pairs are kept in memory.
_MOST_SITES = 5_000
#: Share of free sites that must be settled before the model is built anew, and how often.
_WORTH = 0.2
_MOST_ROUNDS = 4


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
        _settle_and_branch(improver, keeper, run)


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
            self.best = round(self._run.objective or 0.0)

    def consider(self, is_open: BoolArray) -> None:
        """Keep open sites if they are better than the best."""
        value = None if self.model is None else self.model.value(is_open)
        if value is None or value >= self.best:
            return
        self.best, self._waiting = value, is_open.copy()
        if self._run.clock.elapsed_s - self._ended_s >= _PATIENCE * self._took_s:
            self.flush()

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


def _settle_and_branch(
    improver: _cover_local.Improver, keeper: _Keeper, run: Run[SitingSolution]
) -> None:
    """Solve the root, settle sites by their reduced costs, shrink, and at last branch."""

    def raise_bound(value: int) -> None:
        if value >= keeper.best or run.gap > 0:
            keeper.flush()
        run.raise_bound(float(min(value, keeper.best)))

    model = improver.model
    for settled in range(_MOST_ROUNDS):
        if not (model.upper & ~model.lower).any():
            keeper.consider(model.lower)
            raise_bound(keeper.best)
            return
        relaxation = Relaxation(
            model,
            time_left_s=lambda: run.time_left_s,
            should_stop=run.should_stop,
            seed=run.seed,
        )
        root = relaxation.first(model.lower, model.upper)
        exact = dual_bound(model, root.row_dual, model.lower, model.upper)
        value = exact.value(model)
        if value is not None:
            raise_bound(value)
        if root.ending is Ending.STOPPED or not run.step():
            return
        is_open = _cover_local.rounded(model, root.sites)
        if is_open is not None:
            keeper.consider(improver.improved(is_open))
        lower, upper = exact.fixings(model, keeper.best, model.lower, model.upper)
        is_proven = value is not None and value >= keeper.best
        if is_proven or not model.is_possible(lower, upper):
            raise_bound(keeper.best)
            return
        free = int((model.upper & ~model.lower).sum())
        left = int((upper & ~lower).sum())
        if settled == _MOST_ROUNDS - 1 or free - left < _WORTH * free:
            break
        model = shrunk(model, lower, upper)
        keeper.model = model
        improver = _cover_local.Improver(model, run.should_stop)
    tree = Tree(improver, relaxation, keeper, step=run.step, raise_bound=raise_bound)
    tree.search(root, 0 if value is None else value)
