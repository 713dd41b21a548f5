"""What each open site is good for, and what would be lost without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.result import Status
from dispatchopt.core.stop import StopClock
from dispatchopt.siting.assign import cheapest_assignment, open_mask
from dispatchopt.siting.check import check
from dispatchopt.siting.problem import SiteStatus, SitingProblem, SitingSolution

#: Rules that say which sites must be open: they are put by when one is closed for the question.
_OF_STATUS = ("existing-closed", "required-closed")
#: Rules that a choice of sites breaks because too little is served, not because of what is open.
_OF_SERVICE = ("unserved", "required-share", "too-few-sites-in-reach")


@dataclass(frozen=True, kw_only=True, eq=False)
class Contributions:
    """What each open site is good for; arrays of shape (number of open sites,).

    Parameters
    ----------
    site
        Index of the site.
    served_units
        Demand that it serves.
    reached_units
        Demand within its reach.
    sole_units
        Demand in its reach that is not covered without it: no other open site reaches it, or, with
        backup coverage, not enough others do.
    overlap_units
        Demand in its reach that is covered without it as well, or not even with it.
    """

    site: IntArray
    served_units: IntArray
    reached_units: IntArray
    sole_units: IntArray
    overlap_units: IntArray


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What the objective loses if an open site closes and the others take over what they can.

    Parameters
    ----------
    site
        Index of the site.
    amount
        Rise of the objective, at most (exact without capacities); negative where the plan gets
        cheaper. None where no solution with the other sites was found.
    breaks
        The rule that the others cannot keep, or that nothing was found; empty if there is none.
    """

    site: int
    amount: float | None
    breaks: str


def contributions(problem: SitingProblem, solution: SitingSolution) -> Contributions:
    """Return what each open site serves, reaches, and covers alone."""
    coverage, m = problem.coverage, problem.num_sites
    used = open_mask(problem, solution.open_sites)[coverage.site_idx]
    site, customer = coverage.site_idx[used], coverage.customer_idx[used]
    units = problem.demand_units[customer]
    count = np.bincount(customer, minlength=problem.num_customers)
    is_sole = count[customer] == problem.cover_by
    reached, sole = np.zeros((2, m), dtype=np.int64)
    np.add.at(reached, site, units)
    np.add.at(sole, site[is_sole], units[is_sole])
    served = np.zeros(m, dtype=np.int64)
    whole = solution.assignment >= 0
    np.add.at(served, solution.assignment[whole], problem.demand_units[whole])
    np.add.at(served, solution.split_site_idx, solution.split_units)
    picks = solution.open_sites
    return Contributions(
        site=picks,
        served_units=served[picks],
        reached_units=reached[picks],
        sole_units=sole[picks],
        overlap_units=(reached - sole)[picks],
    )


def losses(
    problem: SitingProblem, solution: SitingSolution, clock: StopClock, *, seed: int = 1
) -> tuple[Loss, ...]:
    """Return what each open site's closing would lose, as many as there is time for.

    Parameters
    ----------
    problem, solution
        A problem and a feasible solution of it.
    clock
        Ends the work.
    seed
        Seed of the engine that assigns customers under capacities.
    """
    now = check(problem, solution).objective
    found = []
    for at, site in enumerate(solution.open_sites.tolist()):
        if at and (clock.time_left_s <= 0 or clock.is_cancelled()):
            break
        rest = solution.open_sites[solution.open_sites != site]
        share = 1.0 / (len(solution.open_sites) - at)
        value, breaks = value_of(problem, rest, clock, share, seed)
        amount = None if value is None else value - now
        found.append(Loss(site=site, amount=amount, breaks=breaks))
    return tuple(found)


def value_of(
    problem: SitingProblem, sites: IntArray, clock: StopClock, share: float, seed: int
) -> tuple[float | None, str]:
    """Return the objective with exactly these sites open, or the rule that cannot be kept then.

    Whether sites must be open is put by. Without capacities the value is exact; with them it is
    that of the best assignment found in a share of the time left; in place of a rule may stand
    that nothing was found.
    """
    if problem.capacity_units is None:
        report = check(problem, cheapest_assignment(problem, sites))
        broken = [each for each in report.violations if each.rule not in _OF_STATUS]
        return (None, broken[0].rule) if broken else (report.objective, "")
    from dispatchopt.core.run import solve
    from dispatchopt.siting.domain import DOMAIN  # which names this module's caller

    empty = SitingSolution(open_sites=sites, assignment=np.full(problem.num_customers, -1))
    by_choice = [
        each
        for each in check(problem, empty).violations
        if each.rule not in _OF_STATUS and each.rule not in _OF_SERVICE
    ]
    if by_choice:
        return None, by_choice[0].rule
    fixed = with_only(problem, open_mask(problem, sites))
    result = solve(DOMAIN, fixed, stop=clock.share(share), seed=seed)
    if result.objective is None:
        is_proven = result.status is Status.INFEASIBLE
        return None, "unserved" if is_proven else "nothing found in time"
    return result.objective, ""


def with_only(problem: SitingProblem, is_open: BoolArray) -> SitingProblem:
    """Return the problem in which these sites must be open, at what they cost, and no others."""
    status = np.where(is_open, SiteStatus.REQUIRED, SiteStatus.FORBIDDEN)
    status[is_open & problem.stands] = SiteStatus.EXISTING
    return problem.replace(status=status)
