"""Coverage against number of sites or cost, as plain rows for tables and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.stop import Stop
from dispatchopt.core.tolerance import relative_gap
from dispatchopt.pipeline.city import City
from dispatchopt.pipeline.siting_stage import router_of, siting_problem
from dispatchopt.siting.curve import CurvePoint, counted_units, coverage_variant, curve
from dispatchopt.siting.frontier import FrontierPoint, even_budgets, frontier
from dispatchopt.siting.greedy import greedy
from dispatchopt.siting.problem import ScenarioRule, SitingGoal, SitingProblem

#: Largest number of sites, and number of budgets, where none is asked for.
MOST_SITES, MOST_BUDGETS = 40, 12


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A curve of coverage.

    Parameters
    ----------
    against
        ``sites`` or ``cost``.
    rows
        One mapping of plain values for each point, from left to right, with ``covered_share`` and
        ``bound_share`` among them.
    """

    against: str
    rows: Sequence[Mapping[str, Any]]


def problem_of(problem: Any) -> SitingProblem:
    """Return the siting problem of a city, or the problem itself.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(problem, SitingProblem):
        return problem
    if isinstance(problem, City):
        router = router_of(problem)
        places = (problem.sites.points, problem.customers.points)
        return siting_problem(problem, router.within(*places, problem.parameters.reach_m))[0]
    wanted = "a siting document or a city, which have sites to open"
    found = type(problem).__name__
    raise InputError(Issue(code="wrong-kind", where="instance", found=found, wanted=wanted))


def trace(
    problem: SitingProblem,
    against: str,
    *,
    points: int | None = None,
    budgets: Sequence[int] = (),
    stop: Stop | None = None,
    seed: int = 1,
    engine: str = "auto",
) -> Curve:
    """Return the best coverage for each number of sites, or for each budget.

    Parameters
    ----------
    problem
        Any siting problem; of other goals than max-coverage only the ground and the rules on sites
        count. Over cost, its limit on the number of sites holds as well.
    against
        ``sites`` or ``cost``.
    points
        The largest number of sites, or how many budgets; by default 40 and 12.
    budgets
        Budgets in place of evenly spaced ones, cents.
    stop, seed, engine
        As for ``siting.curve.curve``.

    Raises
    ------
    InputError
        If opening costs nothing, so that no budget makes a difference; if more sites stand
        already than ``points``.
    """
    if against == "sites":
        standing = int(problem.is_fixed_open.sum())
        if points is not None and points < standing:
            wanted = f"at least {standing}, the sites that stand already or must"
            raise InputError(
                Issue(code="out-of-range", where="points", found=str(points), wanted=wanted)
            )
        found = curve(problem, points or MOST_SITES, stop=stop, seed=seed, engine=engine)
        return Curve(against=against, rows=[site_row(problem, each) for each in found])
    if problem.goal is not SitingGoal.MAX_COVERAGE:
        limit = problem.num_sites if problem.max_sites is None else problem.max_sites
        problem = coverage_variant(problem, limit)
    if not problem.opening_cents.any():
        wanted = "costs of opening, for coverage against cost"
        raise InputError(
            Issue(code="missing-value", where="cost_cents", found="none", wanted=wanted)
        )
    chosen = tuple(budgets) or useful_budgets(problem, points or MOST_BUDGETS)
    made = frontier(problem, chosen, stop=stop, seed=seed, engine=engine)
    return Curve(against=against, rows=[cost_row(problem, each) for each in made])


def useful_budgets(problem: SitingProblem, count: int) -> tuple[int, ...]:
    """Return budgets from what must be spent to what greedy opening without a budget spends.

    Beyond that hardly anything is left to be covered; where greedy opening finds nothing, the
    range ends with the cost of all sites.
    """
    limit = problem.num_sites if problem.max_sites is None else problem.max_sites
    found = greedy(problem.replace(budget_cents=None, max_sites=limit))
    opening = problem.opening_cents
    least = int(opening[problem.is_fixed_open].sum())
    most = 0 if found is None else int(opening[found.open_sites].sum())
    if most <= least:
        return even_budgets(problem, count)
    return tuple(int(each) for each in np.unique(np.linspace(least, most, count).round()))


def site_row(problem: SitingProblem, point: CurvePoint) -> dict[str, Any]:
    """Return a point of coverage against number of sites as plain values."""
    return {
        "sites": point.num_sites,
        "covered_share": point.covered_share,
        "bound_share": point.covered_share_bound,
        "unserved_units": point.unserved_units,
        "bound_units": point.bound_units,
        "gap": relative_gap(point.unserved_units, point.bound_units),
        "opening_cents": point.opening_cents,
        "status": str(point.status),
        "open_sites": _names(problem, point.solution.open_sites),
    }


def cost_row(problem: SitingProblem, point: FrontierPoint) -> dict[str, Any]:
    """Return a point of coverage against cost as plain values."""
    total = _total(problem)
    return {
        "budget_cents": point.budget_cents,
        "opening_cents": point.opening_cents,
        "sites": len(point.solution.open_sites),
        "covered_share": 1.0 - point.unserved / total if total else 1.0,
        "bound_share": 1.0 - point.bound / total if total else 1.0,
        "unserved": point.unserved,
        "bound": point.bound,
        "gap": relative_gap(point.unserved, point.bound),
        "is_efficient": point.is_efficient,
        "status": str(point.status),
        "open_sites": _names(problem, point.solution.open_sites),
    }


def _total(problem: SitingProblem) -> float:
    """Return what the objective would be if nothing were served."""
    if problem.scenario_rule is ScenarioRule.SHARE and problem.scenario_weight is not None:
        return float(problem.scenario_weight.sum())
    return float(counted_units(problem))


def _names(problem: SitingProblem, sites: Any) -> list[str]:
    return [
        str(each) if problem.site_ids is None else problem.site_ids[each]
        for each in np.asarray(sites).tolist()
    ]
