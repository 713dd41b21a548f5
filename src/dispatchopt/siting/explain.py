"""Why customers stay unserved, and what each open site is good for."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.explain import Finding, Row
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting.assign import open_mask
from dispatchopt.siting.problem import SitingProblem, SitingSolution


class Reason(enum.StrEnum):
    """Why a customer is not served in full."""

    NO_SITE_IN_REACH = "out-of-reach"
    """No site, open or not, reaches the customer: a new candidate site is needed."""
    ONLY_FORBIDDEN = "only-forbidden-sites"
    """Only sites that must stay closed reach the customer."""
    SITES_CLOSED = "no-open-site-in-reach"
    """Sites that reach the customer were not chosen: more sites or budget would help."""
    TOO_FEW = "too-few-open-sites-in-reach"
    """Fewer open sites reach the customer than backup coverage asks for."""
    NO_ROOM = "capacity"
    """Open sites reach the customer, and have no room left (or serving costs too much)."""
    NOT_WORTH_IT = "not-worth-it"
    """Open sites without a limit reach the customer, and serving costs more than not serving."""


_REMEDIES = {
    Reason.NO_SITE_IN_REACH: "a candidate site within reach, or a longer reach",
    Reason.ONLY_FORBIDDEN: "permission to open one of the sites in reach",
    Reason.SITES_CLOSED: "one more of the {} sites in reach",
    Reason.TOO_FEW: "one more of the {} sites in reach",
    Reason.NO_ROOM: "more capacity at the sites in reach",
    Reason.NOT_WORTH_IT: "a higher price of unserved demand",
}


@dataclass(frozen=True, kw_only=True)
class Unserved:
    """A customer that is not served in full.

    Parameters
    ----------
    customer
        Index of the customer.
    units
        Demand that is not served.
    reason
        Why.
    nearest_site, nearest_m
        The nearest site that may be open, and its distance; -1 where none is known. It may be
        beyond the reach if a wider coverage was given.
    sites_in_reach
        Number of sites that reach the customer and may be open.
    """

    customer: int
    units: int
    reason: Reason
    nearest_site: int
    nearest_m: int
    sites_in_reach: int

    @property
    def remedy(self) -> str:
        """What would serve the customer."""
        return _REMEDIES[self.reason].format(self.sites_in_reach)


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
        Demand that no other open site reaches: lost if the site closes.
    overlap_units
        Demand in its reach that another open site reaches as well.
    """

    site: IntArray
    served_units: IntArray
    reached_units: IntArray
    sole_units: IntArray
    overlap_units: IntArray


def unserved(
    problem: SitingProblem, solution: SitingSolution, *, wider: Coverage | None = None
) -> tuple[Unserved, ...]:
    """Return each customer that is not served in full, the largest demand first.

    Parameters
    ----------
    problem, solution
        A problem and a solution of it.
    wider
        The same sites and customers with a longer cut-off, to name the nearest site of customers
        that none reaches.
    """
    served = np.where(solution.assignment >= 0, problem.demand_units, 0)
    np.add.at(served, solution.split_customer_idx, solution.split_units)
    missing = problem.demand_units - served
    customers = np.flatnonzero(missing > 0)
    coverage = problem.coverage
    n = problem.num_customers
    allowed = problem.is_allowed[coverage.site_idx]
    is_open = open_mask(problem, solution.open_sites)[coverage.site_idx]
    in_reach = np.bincount(coverage.customer_idx, minlength=n)
    usable = np.bincount(coverage.customer_idx[allowed], minlength=n)
    opened = np.bincount(coverage.customer_idx[is_open], minlength=n)
    nearest, distance = _nearest(problem, coverage if wider is None else wider)
    found = []
    for customer in customers[np.argsort(-missing[customers], kind="stable")]:
        reason = Reason.NOT_WORTH_IT if problem.capacity_units is None else Reason.NO_ROOM
        if in_reach[customer] == 0:
            reason = Reason.NO_SITE_IN_REACH
        elif usable[customer] == 0:
            reason = Reason.ONLY_FORBIDDEN
        elif opened[customer] == 0:
            reason = Reason.SITES_CLOSED
        elif opened[customer] < problem.cover_by:
            reason = Reason.TOO_FEW
        found.append(
            Unserved(
                customer=int(customer),
                units=int(missing[customer]),
                reason=reason,
                nearest_site=int(nearest[customer]),
                nearest_m=int(distance[customer]),
                sites_in_reach=int(usable[customer]),
            )
        )
    return tuple(found)


def contributions(problem: SitingProblem, solution: SitingSolution) -> Contributions:
    """Return what each open site serves, reaches, and reaches alone."""
    coverage, m = problem.coverage, problem.num_sites
    used = open_mask(problem, solution.open_sites)[coverage.site_idx]
    site, customer = coverage.site_idx[used], coverage.customer_idx[used]
    units = problem.demand_units[customer]
    count = np.bincount(customer, minlength=problem.num_customers)
    is_sole = count[customer] == 1
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


def _nearest(problem: SitingProblem, coverage: Coverage) -> tuple[IntArray, IntArray]:
    """Return the nearest allowed site of each customer and its distance, -1 without one."""
    keep = problem.is_allowed[coverage.site_idx]
    site, customer = coverage.site_idx[keep], coverage.customer_idx[keep]
    distance = coverage.distance_m[keep]
    order = np.lexsort((site, distance, customer))
    first = np.ones(len(order), dtype=bool)
    first[1:] = np.diff(customer[order]) != 0
    picks = order[first]
    nearest = np.full(problem.num_customers, -1, dtype=np.int64)
    away = np.full(problem.num_customers, -1, dtype=np.int64)
    nearest[customer[picks]] = site[picks]
    away[customer[picks]] = distance[picks]
    return nearest, away


def explain(problem: SitingProblem, solution: SitingSolution) -> tuple[Finding, ...]:
    """Return who is not served and why, and what each open site is good for."""
    sites = problem.site_ids or tuple(str(row) for row in range(problem.num_sites))
    customers = problem.customer_ids or tuple(str(row) for row in range(problem.num_customers))
    missing: tuple[Row, ...] = tuple(
        {
            "customer": customers[each.customer],
            "units": each.units,
            "reason": str(each.reason),
            "remedy": each.remedy,
            "nearest_site": sites[each.nearest_site] if each.nearest_site >= 0 else None,
            "nearest_m": each.nearest_m if each.nearest_site >= 0 else None,
            "sites_in_reach": each.sites_in_reach,
        }
        for each in unserved(problem, solution)
    )
    worth = contributions(problem, solution)
    order = np.lexsort((-worth.served_units, -worth.sole_units))
    stores: tuple[Row, ...] = tuple(
        {
            "site": sites[worth.site[row]],
            "served_units": int(worth.served_units[row]),
            "reached_units": int(worth.reached_units[row]),
            "sole_units": int(worth.sole_units[row]),
            "overlap_units": int(worth.overlap_units[row]),
        }
        for row in order.tolist()
    )
    return (
        Finding(
            name="unserved",
            about="customers not served in full, the largest demand first",
            rows=missing,
        ),
        Finding(
            name="sites",
            about="open sites; sole_units are lost if the site closes, overlap_units are not",
            rows=stores,
        ),
    )
