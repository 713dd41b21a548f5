"""Customers that no model needs to tell apart become one row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.siting.assign import unserved_price
from dispatchopt.siting.hashing import Hashes, first_of_each, mix
from dispatchopt.siting.problem import SitingGoal, SitingProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Rows of merged customers with the pairs that may serve them, without capacities.

    Parameters
    ----------
    row, site
        Row and site of each pair, sorted by row, then cost, then site.
    cost
        Cost of serving the whole row over the pair; equal sites of a row have equal cost.
    price
        Cost of leaving a row unserved, shape (num_rows,); inf where it must be served.
    units
        Demand of each row.
    num_sites
        Number of sites m, those that must stay closed included.
    constant
        Cost of customers that no allowed site reaches.
    row_of
        Row of each customer, shape (n,); -1 for none.
    is_unreachable
        Whether a customer that must be served cannot be.
    """

    row: IntArray
    site: IntArray
    cost: FloatArray
    price: FloatArray
    units: IntArray
    num_sites: int
    constant: float
    row_of: IntArray
    is_unreachable: bool

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.price)


def merge(problem: SitingProblem) -> Pairs:
    """Merge customers that are served alike: by the same sites, and distances if they count.

    Customers without demand, forbidden sites, and pairs that cost more than leaving the customer
    unserved are left out.
    """
    coverage, demand = problem.coverage, problem.demand_units
    price = unserved_price(problem)
    price = np.full(len(demand), np.inf) if price is None else price
    if not problem.by_distance:
        return _merge_by_sites(problem, price)
    cost = problem.pair_costs()
    site, customer = coverage.site_idx, coverage.customer_idx
    keep = problem.is_allowed[site] & (demand[customer] > 0)
    keep &= cost < price[customer]
    site, customer, cost = site[keep], customer[keep], cost[keep]
    count = np.bincount(customer, minlength=len(demand))
    # With backup coverage a customer needs several sites in reach.
    is_reached = (count >= problem.cover_by) & (demand > 0)
    lost = price[~is_reached & (demand > 0)]
    members = np.flatnonzero(is_reached)
    if problem.goal is SitingGoal.FIXED_CHARGE and problem.pair_cost_cents is not None:
        first, group = np.arange(len(members)), np.arange(len(members))
    else:
        tag = coverage.distance_m[keep]
        hashes = [
            _row_hashes(
                customer, mix(mix(site, salt) ^ tag.astype(np.uint64), salt + 1), len(demand)
            )
            for salt in (1, 3)
        ]
        first, group = first_of_each(hashes[0][members], hashes[1][members])
    units = np.bincount(group, weights=demand[members], minlength=len(first)).astype(np.int64)
    row_of = np.full(len(demand), -1, dtype=np.int64)
    row_of[members[first]] = np.arange(len(first))
    keep = row_of[customer] >= 0
    row, site, cost, customer = row_of[customer[keep]], site[keep], cost[keep], customer[keep]
    cost = cost * (units[row] / demand[customer])
    if problem.goal is SitingGoal.P_MEDIAN:
        cost = np.round(cost)
    order = np.lexsort((site, cost, row))
    return Pairs(
        row=row[order],
        site=site[order],
        cost=cost[order],
        price=np.bincount(group, weights=price[members], minlength=len(first)).astype(np.float64),
        units=units,
        num_sites=problem.num_sites,
        constant=float(lost[np.isfinite(lost)].sum()),
        row_of=_rows(members, group, len(demand)),
        is_unreachable=bool(problem.must_serve_all and len(lost)),
    )


def _merge_by_sites(problem: SitingProblem, price: FloatArray) -> Pairs:
    """Merge customers within reach of the same sites, distances apart."""
    coverage, demand = problem.coverage, problem.demand_units
    keys = [mix(np.arange(problem.num_sites), salt) for salt in (1, 3)]
    hashes = [np.zeros(len(demand), dtype=np.uint64) for _ in keys]
    count = np.zeros(len(demand), dtype=np.int32)
    sites = np.flatnonzero(problem.is_allowed)
    # Site by site no customer comes twice, which plain indexing takes several times faster.
    for site in sites:
        customers = coverage.customer_idx[coverage.indptr[site] : coverage.indptr[site + 1]]
        count[customers] += 1
        for hashed, key in zip(hashes, keys, strict=True):
            hashed[customers] ^= key[site]
    needs = demand > 0
    is_reached = (count >= problem.cover_by) & needs
    lost = price[~is_reached & needs]
    members = np.flatnonzero(is_reached)
    first, group = first_of_each(hashes[0][members], hashes[1][members])
    units = np.zeros(len(first), dtype=np.int64)
    np.add.at(units, group, demand[members])
    row_of = np.full(len(demand), -1, dtype=np.int32)
    row_of[members[first]] = np.arange(len(first))
    rows, length = [np.zeros(0, dtype=np.int64)], []
    for site in sites:
        found = row_of[coverage.customer_idx[coverage.indptr[site] : coverage.indptr[site + 1]]]
        rows.append(found[found >= 0].astype(np.int64))
        length.append(len(rows[-1]))
    row, site_of = np.concatenate(rows), np.repeat(sites, length)
    # Sites rise already, so that a stable sort by row is enough.
    order = np.argsort(row, kind="stable")
    return Pairs(
        row=row[order],
        site=site_of[order],
        cost=np.zeros(len(row)),
        price=np.bincount(group, weights=price[members], minlength=len(first)).astype(np.float64),
        units=units,
        num_sites=problem.num_sites,
        constant=float(lost[np.isfinite(lost)].sum()),
        row_of=_rows(members, group, len(demand)),
        is_unreachable=bool(problem.must_serve_all and len(lost)),
    )


def _rows(members: IntArray, group: IntArray, num_customers: int) -> IntArray:
    row_of = np.full(num_customers, -1, dtype=np.int64)
    row_of[members] = group
    return row_of


def _row_hashes(customer: IntArray, bits: Hashes, num_customers: int) -> Hashes:
    hashes = np.zeros(num_customers, dtype=np.uint64)
    np.bitwise_xor.at(hashes, customer, bits)
    return hashes
