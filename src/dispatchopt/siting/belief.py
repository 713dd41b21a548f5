"""What it costs to choose sites by one measure of reach and to be held to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.result import Result
from dispatchopt.core.run import Callback, solve
from dispatchopt.core.stop import Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting.assign import cheapest_assignment
from dispatchopt.siting.domain import DOMAIN
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution


@dataclass(frozen=True, kw_only=True, eq=False)
class Belief:
    """Sites chosen by a believed reach (by ruler), beside those chosen by the true one (by road).

    Parameters
    ----------
    true, believed
        The two results; the second one's objective is what the ruler promises.
    promised_units
        Demand within the believed reach of the sites chosen by it.
    kept_units
        Of these, demand within the true reach of the same sites.
    gained_units
        Demand within the true reach of these sites that the ruler did not promise.
    best_units
        Demand within the true reach of the sites chosen by it.
    broken
        Customers with demand whom the ruler promises and no site truly reaches, the largest first.
    nearest_site
        For each of them, the nearest of the sites chosen by ruler, and by ruler.
    nearest_m
        Its distance by ruler.
    """

    true: Result[SitingSolution]
    believed: Result[SitingSolution]
    promised_units: int
    kept_units: int
    gained_units: int
    best_units: int
    broken: IntArray
    nearest_site: IntArray
    nearest_m: IntArray

    @property
    def lost_units(self) -> int:
        """Demand that the sites chosen by road cover and those chosen by ruler do not."""
        return self.best_units - self.kept_units - self.gained_units


def compare_beliefs(
    problem: SitingProblem,
    believed: Coverage,
    true: Result[SitingSolution],
    *,
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
) -> Belief | None:
    """Solve the problem by a believed reach, and hold the answer to the true one.

    Parameters
    ----------
    problem
        A problem without capacities, with the true reach.
    believed
        The same sites and customers by the other measure.
    true
        The answer to the problem itself.
    stop, seed, callback
        Of the second solve.

    Returns
    -------
    Belief | None
        None where one of the two has no answer.

    Raises
    ------
    InputError
        If sites and customers of the two differ, or there are capacities.
    """
    shape = (problem.num_sites, problem.num_customers)
    if shape != (believed.num_sites, believed.num_customers):
        found = f"{believed.num_sites} x {believed.num_customers}"
        raise InputError(
            Issue(code="wrong-shape", where="believed", found=found, wanted=f"{shape}")
        )
    if problem.capacity_units is not None or problem.pair_cost_cents is not None:
        raise InputError(
            Issue(code="fields-clash", where="problem", found="capacities", wanted="none")
        )
    start = None
    if problem.goal is SitingGoal.MAX_COVERAGE and true.solution is not None:
        # The same sites are a choice by ruler as well, and a good one.
        start = cheapest_assignment(problem.replace(coverage=believed), true.solution.open_sites)
    other = problem.replace(coverage=believed)
    result = solve(DOMAIN, other, stop=stop, seed=seed, start=start, callback=callback)
    if result.solution is None or true.solution is None:
        return None
    demand, chosen = problem.demand_units, result.solution.open_sites
    promised = reached(believed, chosen) & (demand > 0)
    kept = reached(problem.coverage, chosen)
    best = reached(problem.coverage, true.solution.open_sites)
    broken = np.flatnonzero(promised & ~kept)
    broken = broken[np.argsort(-demand[broken], kind="stable")]
    nearest = cheapest_assignment(_plain(other), chosen).assignment[broken]
    return Belief(
        true=true,
        believed=result,
        promised_units=int(demand[promised].sum()),
        kept_units=int(demand[promised & kept].sum()),
        gained_units=int(demand[kept & ~promised].sum()),
        best_units=int(demand[best].sum()),
        broken=broken,
        nearest_site=nearest,
        nearest_m=_distance(believed, nearest, broken),
    )


def reached(coverage: Coverage, sites: IntArray) -> BoolArray:
    """Return which customers at least one of the sites reaches, shape (n,)."""
    found = np.zeros(coverage.num_customers, dtype=bool)
    for site in sites.tolist():
        found[coverage.customer_idx[coverage.indptr[site] : coverage.indptr[site + 1]]] = True
    return found


def _plain(problem: SitingProblem) -> SitingProblem:
    """Return the problem as plain coverage, in which everyone is served from the nearest site."""
    return SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=problem.coverage,
        demand_units=problem.demand_units,
        max_sites=problem.num_sites,
    )


def _distance(coverage: Coverage, site: IntArray, customer: IntArray) -> IntArray:
    """Return the distance of each pair, all of which the coverage holds."""
    away = np.zeros(len(site), dtype=np.int64)
    for each in np.unique(site).tolist():
        begin, end = coverage.indptr[each], coverage.indptr[each + 1]
        own = np.flatnonzero(site == each)
        at = begin + np.searchsorted(coverage.customer_idx[begin:end], customer[own])
        away[own] = coverage.distance_m[at]
    return away
