"""Coverage against the number of sites."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.result import Result, Status
from dispatchopt.core.run import solve
from dispatchopt.core.stop import Stop
from dispatchopt.siting.assign import cheapest_assignment, open_mask
from dispatchopt.siting.domain import DOMAIN
from dispatchopt.siting.problem import ScenarioRule, SitingGoal, SitingProblem, SitingSolution


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """The best coverage found with at most so many sites.

    Parameters
    ----------
    num_sites
        Most sites allowed to be open.
    unserved_units, bound_units
        Demand left unserved, and what no choice of so many sites can go below.
    covered_share, covered_share_bound
        The same as shares of all demand: reached, and at most reachable. Under the worst of
        several scenarios, of the demand of the largest one.
    opening_cents
        Opening cost of the sites found.
    status
        Whether the point is proven.
    solution
        The sites found.
    """

    num_sites: int
    unserved_units: int
    bound_units: int
    covered_share: float
    covered_share_bound: float
    opening_cents: int
    status: Status
    solution: SitingSolution


def curve(
    problem: SitingProblem,
    max_sites: int,
    *,
    stop: Stop | None = None,
    seed: int = 1,
    engine: str = "auto",
) -> tuple[CurvePoint, ...]:
    """Return the best coverage for each number of sites up to a maximum.

    Each point starts from the one before plus the site that adds most, so that coverage never
    falls; a bound also holds for every smaller number of sites. The time is shared evenly over the
    points that are left, so that points proven early leave theirs to the others.

    Parameters
    ----------
    problem
        Any goal; only coverage, demand, site rules, capacities and the worst of several scenarios
        count.
    max_sites
        The largest number of sites, >= 1.
    stop
        Limits of the whole call; without any, each point is solved to its proof.
    seed, engine
        As for ``solve``.

    Raises
    ------
    InputError
        For a share of scenarios, whose objective is no demand (``frontier`` takes it); or if
        ``max_sites`` < 1.
    """
    if max_sites < 1:
        raise InputError(
            Issue(code="bad-value", where="max_sites", found=repr(max_sites), wanted=">= 1")
        )
    if problem.scenario_rule is ScenarioRule.SHARE:
        wanted = "None or worst, which count demand"
        found = str(problem.scenario_rule)
        raise InputError(
            Issue(code="fields-clash", where="scenario_rule", found=found, wanted=wanted)
        )
    stop = Stop() if stop is None else stop
    clock = stop.start()
    results: list[tuple[int, Result[SitingSolution]]] = []
    known: SitingSolution | None = None
    first = max(1, int(problem.is_fixed_open.sum()))
    last = min(max_sites, max(first, problem.num_sites))
    for count in range(first, last + 1):
        if clock.is_cancelled():
            break
        variant = coverage_variant(problem, count)
        part = clock.share(1.0 / (last + 1 - count))
        result = solve(
            DOMAIN,
            variant,
            engine=engine,
            stop=replace(stop, time_s=part.time_s),
            seed=seed,
            start=None if known is None else _extended(variant, known),
        )
        if result.solution is not None:
            known = result.solution
            results.append((count, result))
    return _points(problem, results)


def coverage_variant(problem: SitingProblem, count: int) -> SitingProblem:
    """Return the maximum coverage problem with so many sites on the same ground."""
    return problem.replace(
        goal=SitingGoal.MAX_COVERAGE,
        max_sites=count,
        required_share=1.0,
        minimise_cost=False,
        unserved_m=None,
        unserved_cents=None,
        cents_per_unit_km=0.0,
        pair_cost_cents=None,
    )


def counted_units(problem: SitingProblem) -> int:
    """Return the demand that shares refer to: all, or that of the largest scenario."""
    if problem.scenario_units is None:
        return problem.total_units
    return int(problem.scenario_units.sum(axis=1).max())


def _extended(problem: SitingProblem, known: SitingSolution) -> SitingSolution:
    """Return a solution with the one further site that adds most, as far as the rules allow."""
    is_plain = problem.capacity_units is None and problem.phase is None
    if not is_plain or problem.cover_by > 1:
        return known
    is_open = open_mask(problem, known.open_sites)
    may_open = _may_open(problem, is_open)
    coverage, missing = problem.coverage, known.assignment < 0
    units = (problem.demand_units * missing)[coverage.customer_idx]
    gain = np.bincount(coverage.site_idx, weights=units, minlength=problem.num_sites)
    gain[~may_open] = 0.0
    if not gain.any():
        return known
    sites: IntArray = np.append(known.open_sites, int(np.argmax(gain)))
    return cheapest_assignment(problem, np.sort(sites))


def _may_open(problem: SitingProblem, is_open: BoolArray) -> BoolArray:
    may_open: BoolArray = problem.is_allowed & ~is_open
    if problem.budget_cents is not None:
        opening = problem.opening_cents
        may_open &= opening <= problem.budget_cents - int(opening[is_open].sum())
    for first, second in problem.conflicts():
        may_open[first] &= not is_open[second]
        may_open[second] &= not is_open[first]
    return may_open


def _points(
    problem: SitingProblem, results: list[tuple[int, Result[SitingSolution]]]
) -> tuple[CurvePoint, ...]:
    points: list[CurvePoint] = []
    total, floor = counted_units(problem), 0
    # From the right: fewer sites can never leave less demand unserved than more sites.
    for count, result in reversed(results):
        unserved = round(result.objective or 0.0)
        # Fading coverage is no whole number: its bound is rounded down to stay one.
        whole = round if problem.is_whole else math.floor
        floor = max(floor, whole(result.bound or 0.0))
        floor = min(floor, unserved)
        points.append(
            CurvePoint(
                num_sites=count,
                unserved_units=unserved,
                bound_units=floor,
                covered_share=1.0 - unserved / total if total else 1.0,
                covered_share_bound=1.0 - floor / total if total else 1.0,
                opening_cents=round(result.figures["opening_cents"]),
                status=Status.OPTIMAL if problem.is_whole and floor == unserved else result.status,
                solution=result.require(),
            )
        )
    return tuple(reversed(points))
