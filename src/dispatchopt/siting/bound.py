"""Cheap proven lower bounds, so that every result carries a gap."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting import loads
from dispatchopt.siting.assign import unserved_price
from dispatchopt.siting.problem import SitingGoal, SitingProblem


def bound(problem: SitingProblem) -> float:
    """Return a number that no solution of the problem can cost less than.

    Each bound drops rules: sites are open for nothing, or each site serves on its own all that it
    reaches. It costs a pass or two over the pairs of the coverage.
    """
    goal = problem.goal
    if goal is SitingGoal.COVER_ALL:
        return float(_cover_all(problem))
    if goal is SitingGoal.MAX_COVERAGE:
        if problem.scenario_rule is not None:
            return 0.0
        return float(problem.total_units - _most_coverable(problem))
    if goal is SitingGoal.P_CENTER:
        return _p_center(problem)
    return _cheapest_service(problem)


def _reach(problem: SitingProblem) -> IntArray:
    """Return the demand that each site can serve on its own, shape (m,); 0 if it must be closed."""
    coverage = problem.coverage
    is_servable = _servable(problem)
    units = np.where(is_servable, problem.demand_units, 0)
    reach: IntArray = np.zeros(problem.num_sites, dtype=np.int64)
    for site in np.flatnonzero(problem.is_allowed):
        customers = coverage.customer_idx[coverage.indptr[site] : coverage.indptr[site + 1]]
        reach[site] = units[customers].sum()
    most = loads.most_served(problem)
    if most is not None:
        reach = np.minimum(reach, most)
    return np.where(problem.is_allowed, reach, 0)


def _servable(problem: SitingProblem) -> BoolArray:
    """Return which customers enough sites could reach, shape (n,)."""
    customers = problem.coverage.customer_idx
    if not problem.is_allowed.all():
        customers = customers[problem.is_allowed[problem.coverage.site_idx]]
    count = np.bincount(customers, minlength=problem.num_customers)
    servable: BoolArray = count >= problem.cover_by
    return servable


def _cover_all(problem: SitingProblem) -> int:
    """Sites must reach the required demand, each its share, ``cover_by`` times over."""
    fixed, reach = problem.is_fixed_open, _reach(problem)
    missing = problem.required_units * problem.cover_by - int(reach[fixed].sum())
    free = np.flatnonzero(problem.is_allowed & ~fixed & (reach > 0))
    order = free[np.argsort(-reach[free], kind="stable")]
    if not problem.minimise_cost:
        needed = 0
        if missing > 0:
            needed = int(np.searchsorted(np.cumsum(reach[order]), missing)) + 1
        needed = min(needed, len(order))
        least = 1 if problem.required_units > 0 and problem.num_sites else 0
        return max(int(fixed.sum()) + needed, least)
    cost = problem.opening_cents
    spent = int(cost[fixed].sum())
    # Fractional knapsack: sites by cost per unit reached.
    order = free[np.argsort(cost[free] / reach[free], kind="stable")]
    for site in order:
        if missing <= 0:
            break
        if reach[site] > missing:
            return spent + -((-int(cost[site]) * missing) // int(reach[site]))
        spent += int(cost[site])
        missing -= int(reach[site])
    return spent


def _most_coverable(problem: SitingProblem) -> int:
    """Return an upper bound on the demand that the allowed number of sites can serve."""
    servable = int(problem.demand_units[_servable(problem)].sum())
    fixed, reach = problem.is_fixed_open, _reach(problem)
    free = problem.is_allowed & ~fixed
    sums = []
    if problem.max_sites is not None:
        left = max(0, problem.max_sites - int(fixed.sum()))
        best = np.sort(reach[free])[::-1][:left]
        sums.append(int(reach[fixed].sum()) + int(best.sum()))
    if problem.budget_cents is not None:
        cost = problem.opening_cents
        left_cents = max(0, problem.budget_cents - int(cost[fixed].sum()))
        sums.append(int(reach[fixed].sum()) + _knapsack(reach[free], cost[free], left_cents))
    return min([servable, *(total // problem.cover_by for total in sums)])


def _knapsack(value: IntArray, cost: IntArray, budget: int) -> int:
    """Return the value of the fractional knapsack, rounded up (Dantzig 1957)."""
    total = int(value[cost == 0].sum())
    priced = np.flatnonzero(cost > 0)
    for item in priced[np.argsort(-(value[priced] / cost[priced]), kind="stable")]:
        if cost[item] > budget:
            return total + -((-int(value[item]) * budget) // int(cost[item]))
        total += int(value[item])
        budget -= int(cost[item])
    return total


def _least_per_customer(problem: SitingProblem, values: FloatArray | IntArray) -> FloatArray:
    """Return each customer's least value over its allowed pairs, inf without one, shape (n,)."""
    pairs = problem.is_allowed[problem.coverage.site_idx]
    least = np.full(problem.num_customers, np.inf)
    np.minimum.at(least, problem.coverage.customer_idx[pairs], values[pairs].astype(np.float64))
    return least


def _p_center(problem: SitingProblem) -> float:
    nearest = _least_per_customer(problem, problem.coverage.distance_m)
    nearest = nearest[problem.demand_units > 0]
    # A customer out of reach makes the problem infeasible; a finite bound stays a bound.
    return float(nearest[np.isfinite(nearest)].max(initial=0.0))


def _cheapest_service(problem: SitingProblem) -> float:
    """Every customer is served at its cheapest, and only sites that must be open are paid."""
    least = _least_per_customer(problem, problem.pair_costs())
    price = unserved_price(problem)
    if price is not None:
        least = np.minimum(least, price)
    total = float(least[np.isfinite(least) & (problem.demand_units > 0)].sum())
    if problem.goal is SitingGoal.P_MEDIAN:
        return total
    opening = problem.opening_cents
    allowed = problem.is_allowed
    spent = float(opening[problem.is_fixed_open].sum())
    if price is None and not problem.is_fixed_open.any() and allowed.any():
        # Someone has to be served from somewhere.
        spent = float(opening[allowed].min()) if problem.total_units > 0 else 0.0
    return (total + spent) * (1.0 - 1e-12)
