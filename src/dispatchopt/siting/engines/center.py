"""p-center: bisection over the radius, by relaxations first and whole numbers last."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.run import Run
from dispatchopt.siting.assign import cheapest_assignment
from dispatchopt.siting.check import check
from dispatchopt.siting.engines import _solver
from dispatchopt.siting.engines._center_cover import Cover, Rules, model_of, reduced, relaxed
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution

#: Entries of the table of distances up to which it is kept in memory.
MOST_ENTRIES = 60_000_000
#: Distance of a pair that may not be served.
_FAR = np.iinfo(np.int32).max


@dataclass(frozen=True, kw_only=True)
class CenterEngine:
    """Set covering within a radius, for the radius that no smaller one replaces.

    Customers are covered within a radius by few sites or not (Minieka 1970). Covers are reduced by
    dominance; the least radius that the linear relaxation does not rule out is found first, then
    whole numbers decide between it and the best known (Elloumi, Labbe and Pochet 2004 bisect in
    the same two stages). Iterations are radii tried.
    """

    name: str = "center"
    packages: tuple[str, ...] = ("highspy", "pulp")

    def unsupported(self, problem: SitingProblem) -> str | None:
        """Return why not, or None."""
        if problem.goal is not SitingGoal.P_CENTER:
            return f"it solves p-center, not {problem.goal}"
        if problem.capacity_units is not None:
            return "it does not model capacities"
        if problem.cover_by > 1:
            return "it does not model backup coverage"
        if (reason := problem.not_modelled("sizes of a site")) is not None:
            return reason
        entries = problem.num_customers * problem.num_sites
        if entries > MOST_ENTRIES:
            return f"it keeps a table of at most {MOST_ENTRIES:,} distances, not {entries:,}"
        return None

    def search(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        """Search until proven or told to stop."""
        _Search(problem, run).go()


ENGINE = CenterEngine()


class _Search:
    def __init__(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        self._problem, self._run = problem, run
        self._site = np.flatnonzero(problem.is_allowed)
        column = np.full(problem.num_sites, -1, dtype=np.int64)
        column[self._site] = np.arange(len(self._site))
        coverage = problem.coverage
        rows = np.flatnonzero(problem.demand_units > 0)
        row = np.full(problem.num_customers, -1, dtype=np.int64)
        row[rows] = np.arange(len(rows))
        at_row, at_column = row[coverage.customer_idx], column[coverage.site_idx]
        keep = (at_row >= 0) & (at_column >= 0)
        table = np.full((len(rows), len(self._site)), _FAR, dtype=np.int32)
        table[at_row[keep], at_column[keep]] = coverage.distance_m[keep]
        # Customers at one place, for all that sites can tell, are one.
        self._distance = np.unique(table, axis=0)
        self._radii: IntArray = np.unique(coverage.distance_m[keep])
        conflicts = problem.conflicts()
        conflicts = column[conflicts[problem.is_allowed[conflicts].all(axis=1)]]
        most = problem.num_sites if problem.max_sites is None else problem.max_sites
        self._rules = Rules(
            is_fixed=problem.is_fixed_open[self._site],
            max_open=most,
            spend=problem.opening_cents[self._site].astype(np.float64),
            budget=math.inf if problem.budget_cents is None else float(problem.budget_cents),
            conflicts=conflicts.reshape(-1, 2),
        )

    def go(self) -> None:
        """Bound by relaxations, then decide by whole numbers."""
        run, rules = self._run, self._rules
        if self._offer(rules.is_fixed) and not len(self._distance):
            return
        if not self._is_possible():
            run.prove_infeasible()
            return
        self._offer(self._greedy(None))
        low = self._least_by_relaxation()
        if low is None:
            return
        if low == len(self._radii):
            run.prove_infeasible()
            return
        run.raise_bound(float(self._radii[low]))
        self._decide(low)

    def _is_possible(self) -> bool:
        """Whether the columns that must be open keep the rules, and everyone is in reach."""
        fixed, rules = self._rules.is_fixed, self._rules
        if int(fixed.sum()) > rules.max_open or float(rules.spend[fixed].sum()) > rules.budget:
            return False
        if len(rules.conflicts) and fixed[rules.conflicts].all(axis=1).any():
            return False
        if not len(self._distance):
            return True
        return bool(len(self._site)) and bool((self._distance.min(axis=1) < _FAR).all())

    def _cover(self, at: int) -> Cover:
        return reduced(self._distance <= self._radii[at], self._rules)

    def _known(self) -> int:
        """Index of the radius of the best solution; one past the end without one."""
        objective = self._run.objective
        if objective is None:
            return len(self._radii)
        return int(np.searchsorted(self._radii, objective))

    def _least_by_relaxation(self) -> int | None:
        """Return the least radius that no relaxation rules out; None if told to stop."""
        nearest = self._distance.min(axis=1, initial=_FAR)
        low = int(np.searchsorted(self._radii, nearest.max(initial=0)))
        high = self._known()
        while low < high:
            if self._run.should_stop():
                return None
            middle = (low + high) // 2
            cover = self._cover(middle)
            is_out, share = relaxed(cover, self._rules, self._limits(), self._hooks())
            if is_out is None:
                return None
            if is_out:
                low = middle + 1
                if low < len(self._radii):
                    self._run.raise_bound(float(self._radii[low]))
            else:
                high = middle
                if share is not None:
                    self._offer(self._greedy(self._whole_share(cover, share)))
            if not self._run.step():
                return None
            high = min(high, self._known())
        return low

    def _decide(self, low: int) -> None:
        """Bisect between the bound and the best solution by whole numbers."""
        run = self._run
        is_first = True
        while low < self._known() and not run.should_stop():
            # The relaxation is right more often than not.
            middle = low if is_first else (low + self._known() - 1) // 2
            is_first = False
            cover = self._cover(middle)
            outcome = _solver.solve(
                model_of(cover, self._rules, is_whole=True),
                solver="HiGHS",
                limits=self._limits(),
                hooks=self._hooks(),
            )
            if outcome.values is not None:
                is_open = self._rules.is_fixed.copy()
                is_open[cover.column[outcome.values > 0.5]] = True
                self._offer(is_open)
            elif outcome.ending is _solver.Ending.INFEASIBLE:
                low = middle + 1
                if low == len(self._radii):
                    run.prove_infeasible()
                    return
                run.raise_bound(float(self._radii[low]))
            if outcome.ending is _solver.Ending.STOPPED and outcome.values is None:
                return
            run.step()
        if run.objective is not None and low >= self._known():
            run.raise_bound(run.objective)

    def _whole_share(self, cover: Cover, share: FloatArray) -> FloatArray:
        whole = np.zeros(len(self._site))
        whole[cover.column] = share
        return whole

    def _greedy(self, share: FloatArray | None) -> BoolArray:
        """Open, for the farthest row, the likeliest of the columns that bring it near."""
        rules, distance = self._rules, self._distance
        is_open = rules.is_fixed.copy()
        away = distance[:, is_open].min(axis=1, initial=_FAR)
        spent = float(rules.spend[is_open].sum())
        while len(distance) and is_open.sum() < rules.max_open and away.max() > 0:
            row = int(away.argmax())
            usable = (distance[row] < away[row]) & ~is_open & (spent + rules.spend <= rules.budget)
            for first, second in rules.conflicts:
                usable[second] &= not is_open[first]
                usable[first] &= not is_open[second]
            choices = np.flatnonzero(usable)
            if not len(choices):
                break
            worst = np.minimum(away[:, None], distance[:, choices])
            # How far everyone is afterwards, squared so that the far count; shares come first.
            score = (worst.astype(np.float64) ** 2).sum(axis=0)
            order = np.lexsort((score,) if share is None else (score, -share[choices].round(3)))
            best = int(choices[order[0]])
            is_open[best] = True
            spent += float(rules.spend[best])
            away = np.minimum(away, distance[:, best])
        return is_open

    def _offer(self, is_open: BoolArray) -> bool:
        problem, run = self._problem, self._run
        solution = cheapest_assignment(problem, self._site[is_open])
        report = check(problem, solution)
        known = run.objective
        if not report.is_feasible or (known is not None and report.objective >= known):
            return False
        return run.offer(solution)

    def _limits(self) -> _solver.Limits:
        return _solver.Limits(time_s=self._run.time_left_s, seed=self._run.seed, gap_absolute=0.99)

    def _hooks(self) -> _solver.Hooks:
        return _solver.Hooks(
            should_stop=self._run.should_stop,
            found=lambda _values: None,
            bounded=lambda _bound, _nodes: None,
        )
