"""From open sites to who is served from where."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting import loads
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


def fullest_assignment(problem: SitingProblem, open_sites: IntArray) -> SitingSolution:
    """Serve as much as open sites have room for in each load phase, by a largest flow.

    Demand may be split; sums of a phase must be below 2**31.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import maximum_flow

    coverage, sites = problem.coverage, np.sort(open_sites)
    if problem.capacity_units is None:
        raise AssertionError("asked for where there are capacities")
    m, n, phases = problem.num_sites, problem.num_customers, loads.num_load_phases(problem)
    is_used = open_mask(problem, sites)[coverage.site_idx]
    is_used &= problem.demand_units[coverage.customer_idx] > 0
    site, customer = coverage.site_idx[is_used], coverage.customer_idx[is_used]
    place = loads.load_phase(problem)[customer] * m + site
    # Source, each site in each phase, customers, sink.
    source, first, last = 0, 1 + m * phases, 1 + m * phases + n
    most = np.bincount(loads.load_phase(problem), weights=problem.demand_units, minlength=phases)
    room = (loads.load_weights(problem)[:, None] * problem.capacity_units[None, :]).astype(
        np.float64
    )
    room = np.minimum(room, most[:, None]).ravel()
    tail = np.concatenate([np.full(m * phases, source), 1 + place, first + np.arange(n)])
    head = np.concatenate([1 + np.arange(m * phases), first + customer, np.full(n, last)])
    demand = problem.demand_units
    limit = np.concatenate([room, demand[customer], demand]).astype(np.int32)
    network = sparse.csr_matrix((limit, (tail, head)), shape=(last + 1, last + 1))
    network.eliminate_zeros()
    flow = maximum_flow(network, source, last).flow.tocoo()
    is_way = (flow.data > 0) & (flow.row >= 1) & (flow.row < first)
    from_site, to = (flow.row[is_way] - 1) % m, flow.col[is_way] - first
    units = flow.data[is_way].astype(np.int64)
    whole = units == demand[to]
    assignment = np.full(n, -1, dtype=np.int64)
    assignment[to[whole]] = from_site[whole]
    order = np.lexsort((from_site[~whole], to[~whole]))
    return SitingSolution(
        open_sites=sites,
        assignment=assignment,
        split_customer_idx=to[~whole][order],
        split_site_idx=from_site[~whole][order],
        split_units=units[~whole][order],
    )


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
