"""Why customers stay unserved, and what would serve them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import loads
from dispatchopt.siting.assign import open_mask
from dispatchopt.siting.obstacles import is_apart, obstacles, opens_later
from dispatchopt.siting.problem import SitingProblem, SitingSolution


class Reason(enum.StrEnum):
    """Why a customer is not served in full."""

    NO_SITE_IN_REACH = "out-of-reach"
    """No site, open or not, reaches the customer: a new candidate site is needed."""
    ONLY_FORBIDDEN = "only-forbidden-sites"
    """Only sites that must stay closed reach the customer."""
    TOO_FEW_EXIST = "too-few-sites-in-reach"
    """Fewer sites reach the customer, open or not, than backup coverage asks for."""
    OPENS_LATER = "opens-later"
    """A site that reaches the customer opens in a later phase only."""
    TOO_CLOSE = "too-close-to-open-sites"
    """Every site that reaches the customer stands too close to an open one."""
    SITES_CLOSED = "no-open-site-in-reach"
    """Sites that reach the customer were not chosen: more sites or budget would help."""
    TOO_FEW = "too-few-open-sites-in-reach"
    """Fewer open sites reach the customer than backup coverage asks for."""
    FADED_OUT = "faded-out"
    """Open sites reach the customer only from where coverage has faded to nothing."""
    NO_ROOM = "capacity"
    """Open sites reach the customer, and have no room left (or serving costs too much)."""
    NOT_WORTH_IT = "not-worth-it"
    """Open sites without a limit reach the customer, and serving costs more than not serving."""


_REMEDIES = {
    Reason.NO_SITE_IN_REACH: "a candidate site within reach, or a longer reach",
    Reason.ONLY_FORBIDDEN: "permission to open one of the sites in reach",
    Reason.TOO_FEW_EXIST: "{needed} more candidate sites within reach, or less backup",
    Reason.OPENS_LATER: "opening {later} in an earlier phase",
    Reason.TOO_CLOSE: "less spacing, or one of the {usable} sites in reach in place of an open one",
    Reason.SITES_CLOSED: "one more of the {usable} sites in reach",
    Reason.TOO_FEW: "{needed} more of the {usable} sites in reach",
    Reason.FADED_OUT: "an open site nearer than {zero:,} m",
    Reason.NO_ROOM: "more capacity at the sites in reach",
    Reason.NOT_WORTH_IT: "a higher price of unserved demand",
}
#: Reasons for which a closed site that would help is named.
_NAMED = (Reason.SITES_CLOSED, Reason.TOO_FEW, Reason.FADED_OUT, Reason.NO_ROOM)


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
    remedy
        What would serve the customer.
    best_site, best_units
        Of the closed sites that would serve the customer, the one that would serve most demand
        that is unserved now, and how much; -1 and 0 where there is none.
    obstacle
        The rule that keeps that site closed; empty if none does.
    """

    customer: int
    units: int
    reason: Reason
    nearest_site: int
    nearest_m: int
    sites_in_reach: int
    remedy: str
    best_site: int = -1
    best_units: int = 0
    obstacle: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ground:
    """What is known of each customer, and of the sites; arrays of shape (n,) and (m,)."""

    in_reach: IntArray
    usable: IntArray
    opened: IntArray
    nearest: IntArray
    nearest_m: IntArray
    apart: IntArray
    later: IntArray
    best: IntArray
    gain: IntArray
    obstacle: list[str]


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
    missing = missing_units(problem, solution)
    customers = np.flatnonzero(missing > 0)
    if not len(customers):
        return ()
    ground = _ground(problem, solution, missing, problem.coverage if wider is None else wider)
    return tuple(
        _one(problem, ground, int(customer), int(missing[customer]))
        for customer in customers[np.argsort(-missing[customers], kind="stable")]
    )


def missing_units(problem: SitingProblem, solution: SitingSolution) -> IntArray:
    """Return the demand of each customer that is not served, shape (n,)."""
    served = np.where(solution.assignment >= 0, problem.demand_units, 0)
    np.add.at(served, solution.split_customer_idx, solution.split_units)
    missing: IntArray = problem.demand_units - served
    return missing


def gains(problem: SitingProblem, is_open: BoolArray, missing: IntArray) -> IntArray:
    """Return the unserved demand that each closed site would serve on its own, shape (m,).

    With backup coverage only customers count that lack no more than this one site; what a site has
    no room for, and what coverage that fades would lose, is left out.
    """
    coverage = problem.coverage
    opened = np.bincount(
        coverage.customer_idx[is_open[coverage.site_idx]], minlength=problem.num_customers
    )
    helped = np.where(opened + 1 >= problem.cover_by, missing, 0)
    units = helped[coverage.customer_idx]
    if problem.full_cover_m is not None:
        full, zero = problem.fade_m
        part = (zero - np.clip(coverage.distance_m, full, zero)) / (zero - full)
        units = np.floor(units * part).astype(np.int64)
    gain = np.zeros(problem.num_sites, dtype=np.int64)
    np.add.at(gain, coverage.site_idx, units)
    most = loads.most_served(problem)
    if most is not None:
        gain = np.minimum(gain, most)
    return np.where(is_open, 0, gain)


def _ground(
    problem: SitingProblem, solution: SitingSolution, missing: IntArray, wider: Coverage
) -> _Ground:
    coverage, n = problem.coverage, problem.num_customers
    is_open = open_mask(problem, solution.open_sites)
    allowed = problem.is_allowed

    def count(is_kept: BoolArray) -> IntArray:
        kept = coverage.customer_idx[is_kept[coverage.site_idx]]
        counted: IntArray = np.bincount(kept, minlength=n)
        return counted

    gain = gains(problem, is_open, missing)
    later = np.full(n, -1, dtype=np.int64)
    pairs = opens_later(problem, is_open)[coverage.site_idx]
    later[coverage.customer_idx[pairs]] = coverage.site_idx[pairs]
    nearest, nearest_m = _nearest(problem, wider)
    return _Ground(
        in_reach=np.bincount(coverage.customer_idx, minlength=n),
        usable=count(allowed),
        opened=count(is_open),
        nearest=nearest,
        nearest_m=nearest_m,
        apart=count(allowed & ~is_open & is_apart(problem, is_open)),
        later=later,
        best=_best(problem, np.where(allowed & ~is_open, gain, 0), missing),
        gain=gain,
        obstacle=obstacles(problem, is_open),
    )


def _best(problem: SitingProblem, gain: IntArray, missing: IntArray) -> IntArray:
    """Return for each unserved customer the site in reach that gains most, -1 without one."""
    coverage = problem.coverage
    keep = np.flatnonzero((missing[coverage.customer_idx] > 0) & (gain[coverage.site_idx] > 0))
    customer, site = coverage.customer_idx[keep], coverage.site_idx[keep]
    order = np.lexsort((-site, gain[site], customer))
    best = np.full(problem.num_customers, -1, dtype=np.int64)
    # Of several entries of a customer the last one stays: the largest gain, the first such site.
    best[customer[order]] = site[order]
    return best


def _one(problem: SitingProblem, ground: _Ground, customer: int, units: int) -> Unserved:
    reason = _reason(problem, ground, customer)
    best = int(ground.best[customer]) if reason in _NAMED else -1
    later = int(ground.later[customer])
    known = ground.usable if reason is Reason.TOO_FEW_EXIST else ground.opened
    remedy = _REMEDIES[reason].format(
        usable=int(ground.usable[customer]),
        needed=int(problem.cover_by - known[customer]),
        later=problem.site_name(later),
        zero=problem.fade_m[1],
    )
    return Unserved(
        customer=customer,
        units=units,
        reason=reason,
        nearest_site=int(ground.nearest[customer]),
        nearest_m=int(ground.nearest_m[customer]),
        sites_in_reach=int(ground.usable[customer]),
        remedy=remedy,
        best_site=best,
        best_units=int(ground.gain[best]) if best >= 0 else 0,
        obstacle=ground.obstacle[best] if best >= 0 else "",
    )


def _reason(problem: SitingProblem, ground: _Ground, customer: int) -> Reason:
    opened, usable = ground.opened[customer], ground.usable[customer]
    if ground.in_reach[customer] == 0:
        return Reason.NO_SITE_IN_REACH
    if usable == 0:
        return Reason.ONLY_FORBIDDEN
    if usable < problem.cover_by:
        return Reason.TOO_FEW_EXIST
    if opened < problem.cover_by:
        return _closed(ground, customer)
    if problem.full_cover_m is not None:
        return Reason.FADED_OUT
    return Reason.NOT_WORTH_IT if problem.capacity_units is None else Reason.NO_ROOM


def _closed(ground: _Ground, customer: int) -> Reason:
    """Return why too few sites are open around a customer of whom enough exist."""
    if ground.later[customer] >= 0:
        return Reason.OPENS_LATER
    if ground.apart[customer] == 0:
        return Reason.TOO_CLOSE
    return Reason.SITES_CLOSED if ground.opened[customer] == 0 else Reason.TOO_FEW


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
