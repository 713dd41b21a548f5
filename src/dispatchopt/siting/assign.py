"""From open sites to who is served from where."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution


def open_mask(problem: SitingProblem, open_sites: IntArray) -> BoolArray:
    """Return which sites are open, shape (m,)."""
    is_open = np.zeros(problem.num_sites, dtype=bool)
    is_open[open_sites] = True
    return is_open


def cheapest_assignment(problem: SitingProblem, open_sites: IntArray) -> SitingSolution:
    """Serve each customer from its best open site, where capacities do not matter.

    The best site is the cheapest for fixed-charge and the nearest for the other goals; of equal
    ones, that of the lowest index. Customers that no open site (or fewer than ``cover_by``)
    reaches stay unserved, and so do those whom serving would cost more than its price.
    """
    coverage, sites = problem.coverage, np.sort(open_sites)
    rank: FloatArray | IntArray = coverage.distance_m
    if problem.goal is SitingGoal.FIXED_CHARGE:
        rank = problem.pair_costs()
    count = np.zeros(problem.num_customers, dtype=np.int32)
    best = np.full(problem.num_customers, np.inf)
    assignment = np.full(problem.num_customers, -1, dtype=np.int64)
    # Site by site, no customer comes twice.
    for site in sites:
        pairs = slice(coverage.indptr[site], coverage.indptr[site + 1])
        customer, value = coverage.customer_idx[pairs], rank[pairs]
        count[customer] += 1
        nearer = value < best[customer]
        customer = customer[nearer]
        best[customer] = value[nearer]
        assignment[customer] = site
    served = np.flatnonzero(assignment >= 0)
    is_served = (count[served] >= problem.cover_by) & (problem.demand_units[served] > 0)
    is_served &= _is_worth(problem, served, best[served])
    assignment[served[~is_served]] = -1
    return SitingSolution(open_sites=sites, assignment=assignment)


def unserved_price(problem: SitingProblem) -> FloatArray | None:
    """Return what leaving each customer unserved costs, shape (n,); None if it has no price."""
    demand = problem.demand_units.astype(np.float64)
    if problem.goal is SitingGoal.P_MEDIAN and problem.unserved_m is not None:
        return demand * problem.unserved_m
    if problem.goal is SitingGoal.FIXED_CHARGE and problem.unserved_cents is not None:
        return demand * problem.unserved_cents
    if problem.goal is SitingGoal.MAX_COVERAGE:
        return demand
    return None


def _is_worth(problem: SitingProblem, customer: IntArray, rank: FloatArray | IntArray) -> BoolArray:
    """Return for which pairs serving costs no more than leaving the customer unserved."""
    price = unserved_price(problem)
    if problem.full_cover_m is not None:
        return rank < problem.fade_m[1]
    if price is None or problem.goal is SitingGoal.MAX_COVERAGE:
        return np.ones(len(customer), dtype=bool)
    cost = rank
    if problem.goal is SitingGoal.P_MEDIAN:
        cost = rank * problem.demand_units[customer]
    worth: BoolArray = cost <= price[customer]
    return worth
