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
    coverage = problem.coverage
    # Pairs lie together by site, so that the closed sites' need not be looked at.
    begin = coverage.indptr[np.sort(open_sites)]
    length = coverage.indptr[np.sort(open_sites) + 1] - begin
    site = np.repeat(np.sort(open_sites), length)
    picks = np.arange(int(length.sum())) + np.repeat(begin - np.cumsum(length) + length, length)
    customer = coverage.customer_idx[picks]
    rank: FloatArray | IntArray = coverage.distance_m[picks]
    if problem.goal is SitingGoal.FIXED_CHARGE:
        rank = problem.pair_costs()[picks]
    # Sorted by customer, then rank, then site: the first of each customer is its choice.
    order = np.lexsort((site, rank, customer))
    customer, site, rank = customer[order], site[order], rank[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = np.diff(customer) != 0
    count = np.bincount(customer, minlength=problem.num_customers)
    is_served = (count >= problem.cover_by) & (problem.demand_units > 0)
    chosen = first & is_served[customer]
    chosen &= _is_worth(problem, customer, rank)
    assignment = np.full(problem.num_customers, -1, dtype=np.int64)
    assignment[customer[chosen]] = site[chosen]
    return SitingSolution(open_sites=np.sort(open_sites), assignment=assignment)


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
    if price is None or problem.goal is SitingGoal.MAX_COVERAGE:
        return np.ones(len(customer), dtype=bool)
    cost = rank
    if problem.goal is SitingGoal.P_MEDIAN:
        cost = rank * problem.demand_units[customer]
    worth: BoolArray = cost <= price[customer]
    return worth
