"""Interchange: a fast any-time local search that opens, closes and swaps sites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.run import Run
from dispatchopt.siting.assign import cheapest_assignment, open_mask
from dispatchopt.siting.check import check
from dispatchopt.siting.engines import _capacitated, _local
from dispatchopt.siting.engines._capacitated import restricted
from dispatchopt.siting.engines._lagrange import p_median_bound
from dispatchopt.siting.engines._pairs import merge
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution


@dataclass(frozen=True, kw_only=True)
class InterchangeEngine:
    """Greedy opening, then the best open, close or swap move till none improves, then kicks.

    The greedy start is that of Kuehn and Hamburger (1963), the swap that of Teitz and Bart (1968),
    valued for all pairs of sites at once (Resende and Werneck 2004). A step is one move.

    Parameters
    ----------
    max_kicks
        Kicks without a better solution after which the search ends on its own, >= 0.
    kick_share
        Share of the open sites that a kick swaps for others, in (0, 1].
    bound_rounds
        Rounds of the Lagrangian bound on p-median, >= 0.
    """

    name: str = "interchange"
    packages: tuple[str, ...] = ("numpy", "scipy")
    max_kicks: int = 30
    kick_share: float = 0.4
    bound_rounds: int = 120

    def unsupported(self, problem: SitingProblem) -> str | None:
        """Return why not, or None."""
        if problem.cover_by > 1:
            return "it does not value coverage by several sites"
        return problem.not_modelled("gradual coverage", "sizes of a site")

    def search(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        """Search until told to stop, or until kicks no longer help."""
        if problem.capacity_units is not None:
            _capacitated.search(problem, run)
        elif problem.goal is SitingGoal.P_CENTER:
            _search_center(problem, run)
        else:
            self._search_costs(problem, run)

    def _search_costs(self, problem: SitingProblem, run: Run[SitingSolution]) -> None:
        begin = None if run.start is None else open_mask(problem, run.start.open_sites)
        if begin is None:
            # The sites that must be open are a solution already, if nobody must be served.
            offer(problem, run, problem.is_fixed_open)
        pairs = merge(problem)
        if run.should_stop():
            return
        land = _local.landscape(problem, pairs)
        first = problem.is_fixed_open if begin is None else begin
        best, best_cost = descend(problem, run, land, first)
        if problem.goal is SitingGoal.P_MEDIAN:
            self._bound(run, land, best)
        failures = 0
        while failures < self.max_kicks and not run.should_stop():
            before = run.objective
            kicked = _kick(run.rng, land, best, self.kick_share)
            if kicked is None:
                return
            local, cost = descend(problem, run, land, kicked)
            # Sideways moves count too: there are plateaus wherever sites are alike.
            if cost <= best_cost:
                best, best_cost = local, cost
            is_better = run.objective is not None and (before is None or run.objective < before)
            failures = 0 if is_better else failures + 1

    def _bound(self, run: Run[SitingSolution], land: _local.Landscape, best: BoolArray) -> None:
        """Raise the bound, starting from what rows cost in a good solution."""
        if not self.bound_rounds or run.objective is None:
            return
        at_best = _local.evaluate_rows(land, best)
        constant = land.pairs.constant
        bound = p_median_bound(
            land,
            at_best,
            run.objective - constant,
            rounds=self.bound_rounds,
            should_stop=run.should_stop,
        )
        if np.isfinite(bound):
            run.raise_bound(float(bound + constant))


ENGINE = InterchangeEngine()


def offer(problem: SitingProblem, run: Run[SitingSolution], is_open: BoolArray) -> bool:
    """Offer a set of open sites, each customer at its best, if that keeps the rules."""
    solution = cheapest_assignment(problem, np.flatnonzero(is_open))
    report = check(problem, solution)
    if not report.is_feasible or (run.objective is not None and report.objective >= run.objective):
        return False
    return run.offer(solution)


def descend(
    problem: SitingProblem,
    run: Run[SitingSolution],
    land: _local.Landscape,
    is_open: BoolArray,
) -> tuple[BoolArray, float]:
    """Take the best move till none improves, and offer what that leads to, even on Ctrl-C."""
    trail = [is_open]
    try:
        return _descend(problem, run, land, trail)
    except KeyboardInterrupt:
        offer(problem, run, trail[-1])
        raise


def _descend(
    problem: SitingProblem,
    run: Run[SitingSolution],
    land: _local.Landscape,
    trail: list[BoolArray],
) -> tuple[BoolArray, float]:
    """Take the best move till none improves; ``trail`` holds the sites open so far."""
    current = trail[-1]
    partial = problem.goal is SitingGoal.COVER_ALL and not problem.must_serve_all
    while True:
        moved, values = _local.step(land, current)
        if moved is not None and partial and _is_enough(problem, land, values):
            moved = None
        is_last = moved is None or not run.step()
        if is_last:
            if partial:
                current = _thinned(problem, land, current)
                cost = float(land.opening[current].sum())
            else:
                cost = values.cost + land.pairs.constant
            # Serving everyone and checking it takes far longer than a move: only for a better one.
            if run.objective is None or cost < run.objective:
                offer(problem, run, current)
            return current, cost
        current = moved if moved is not None else current
        trail[:] = [current]


def _is_enough(problem: SitingProblem, land: _local.Landscape, values: _local.Values) -> bool:
    covered = _covered_units(land, values.open_sites, problem.num_sites)
    return covered >= problem.required_units


def _covered_units(land: _local.Landscape, open_sites: IntArray, num_sites: int) -> int:
    is_open = np.zeros(num_sites, dtype=bool)
    is_open[open_sites] = True
    pairs = land.pairs
    covered = np.zeros(pairs.num_rows, dtype=bool)
    covered[pairs.row[is_open[pairs.site]]] = True
    return int(pairs.units[covered].sum())


def _thinned(problem: SitingProblem, land: _local.Landscape, is_open: BoolArray) -> BoolArray:
    """Close sites, dearest first, without which the required demand is still covered."""
    current = is_open.copy()
    loose = np.flatnonzero(is_open & ~land.is_fixed)
    for site in loose[np.argsort(-land.opening[loose], kind="stable")]:
        current[site] = False
        covered = _covered_units(land, np.flatnonzero(current), problem.num_sites)
        if covered < problem.required_units:
            current[site] = True
    return current


def _kick(
    rng: np.random.Generator, land: _local.Landscape, is_open: BoolArray, share: float
) -> BoolArray | None:
    """Close some sites at random; the descent opens others. None if there is nothing to close."""
    loose = np.flatnonzero(is_open & ~land.is_fixed)
    if not len(loose) or not (land.is_allowed & ~is_open).any():
        return None
    count = max(1, min(len(loose), round(share * len(loose))))
    kicked = is_open.copy()
    kicked[rng.choice(loose, size=count, replace=False)] = False
    fresh = np.flatnonzero(land.is_allowed & ~is_open)
    entered = rng.choice(fresh, size=min(max(1, count // 2), len(fresh)), replace=False)
    for site in entered:
        clashes = land.conflict is not None and land.conflict[site, kicked].any()
        fits = kicked.sum() < land.max_sites
        pays = land.spend[kicked].sum() + land.spend[site] <= land.budget
        if fits and pays and not clashes:
            kicked[site] = True
    return kicked


def _search_center(problem: SitingProblem, run: Run[SitingSolution]) -> None:
    """Bisect over the radius within which the sites allowed cover everyone."""
    offer(problem, run, problem.is_fixed_open)
    radii = np.unique(problem.coverage.distance_m)
    low, high = 0, len(radii) - 1
    while low <= high and not run.should_stop():
        middle = (low + high) // 2
        radius = int(radii[middle])
        if run.objective is not None and radius >= run.objective:
            high = middle - 1
            continue
        found = cover_within(problem, run, radius)
        if found is not None and offer(problem, run, found):
            high = middle - 1
        else:
            low = middle + 1
        if not run.step():
            return


def cover_within(
    problem: SitingProblem, run: Run[SitingSolution], radius_m: int
) -> BoolArray | None:
    """Search for open sites that cover everyone within a radius; None if none were found."""
    near = problem.coverage.distance_m <= radius_m
    variant = problem.replace(
        goal=SitingGoal.MAX_COVERAGE, coverage=restricted(problem.coverage, near)
    )
    pairs = merge(variant)
    if pairs.constant > 0:
        return None
    land = _local.landscape(variant, pairs)
    current: BoolArray | None = variant.is_fixed_open
    while current is not None:
        moved, values = _local.step(land, current)
        if values.cost == 0:
            return current
        if run.should_stop():
            return None
        current = moved
    return None
