"""A dense table of what serving each customer costs, for problems with capacities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.assign import unserved_price
from dispatchopt.siting.problem import SitingGoal, SitingProblem

#: Whole numbers up to here are exact in float64, with room for sums.
_EXACT = 2.0**45


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadTable:
    """Sites that may open (columns) and customers with demand (rows).

    Parameters
    ----------
    site, customer
        Indices in the problem, shape (m,) and (n,).
    cost
        Cost of serving all of a customer from a site, inf where that cannot be, shape (m, n).
    units, room
        Demand and capacity, int64, shape (n,) and (m,).
    opening
        Cost of opening, shape (m,).
    price
        Cost of leaving a customer unserved, inf where it must be served, shape (n,).
    is_fixed
        Sites that must be open, shape (m,).
    max_open
        Most sites open.
    is_single
        Whether a customer is served from one site, or not at all.
    constant
        Cost of customers that no site can serve.
    grain
        Greatest whole number that divides all objective values less the constant; 0 if they are
        not whole.
    """

    site: IntArray
    customer: IntArray
    cost: FloatArray
    units: IntArray
    room: IntArray
    opening: FloatArray
    price: FloatArray
    is_fixed: BoolArray
    max_open: int
    is_single: bool
    constant: float
    grain: int

    @property
    def num_sites(self) -> int:
        """Number of sites that may open."""
        return len(self.site)

    @property
    def num_customers(self) -> int:
        """Number of customers with demand that some site reaches."""
        return len(self.customer)

    @cached_property
    def ground(self) -> tuple[FloatArray, IntArray, IntArray, FloatArray, FloatArray, int, int]:
        """All of it as compiled code takes it; read-only arrays would be another type."""
        return (
            np.array(self.cost),
            np.array(self.units, dtype=np.int64),
            np.array(self.room, dtype=np.int64),
            np.array(self.opening),
            np.array(self.price),
            self.max_open,
            self.least_units,
        )

    @property
    def least_units(self) -> int:
        """Capacity that must be open in any solution."""
        return int(self.units[np.isinf(self.price)].sum())

    def without(self, is_dropped: BoolArray) -> LoadTable:
        """Return the table without pairs that no solution of interest uses, shape (m, n)."""
        return replace(self, cost=np.where(is_dropped, np.inf, self.cost))

    def rounded_up(self, value: float) -> float:
        """Return the least objective that can occur at or above a bound, constants left out."""
        if not self.grain or not np.isfinite(value):
            return value
        safe = value - 1e-6 * max(1.0, abs(value) * 1e-3)
        return float(np.ceil(safe / self.grain) * self.grain)


def load_table(problem: SitingProblem) -> LoadTable | None:
    """Return the table; None if a customer that must be served is out of reach."""
    coverage, capacity = problem.coverage, problem.capacity_units
    if capacity is None:
        raise ValueError("a table of loads needs capacities")
    site = np.flatnonzero(problem.is_allowed)
    column = np.full(problem.num_sites, -1)
    column[site] = np.arange(len(site))
    demand = problem.demand_units
    price = unserved_price(problem)
    if price is None:
        price = np.full(problem.num_customers, np.inf)
    cost = np.full((len(site), problem.num_customers), np.inf)
    pair_site, pair_customer = column[coverage.site_idx], coverage.customer_idx
    needed = demand[pair_customer] if problem.single_source else 1
    keep = (pair_site >= 0) & (capacity[coverage.site_idx] >= needed)
    pair_cost = problem.pair_costs()
    # Serving at a loss is never better than not serving.
    keep &= pair_cost < price[pair_customer]
    cost[pair_site[keep], pair_customer[keep]] = pair_cost[keep]
    wanted = demand > 0
    reached = np.isfinite(cost).any(axis=0) if len(site) else np.zeros(len(wanted), dtype=bool)
    lost = wanted & ~reached
    if np.isinf(price[lost]).any():
        return None
    customer = np.flatnonzero(wanted & reached)
    opening = _opening(problem)[site]
    cost = np.ascontiguousarray(cost[:, customer])
    price = price[customer]
    most = len(site) if problem.max_sites is None else problem.max_sites
    return LoadTable(
        site=site,
        customer=customer,
        cost=cost,
        units=demand[customer],
        room=capacity[site],
        opening=opening,
        price=price,
        is_fixed=problem.is_fixed_open[site],
        max_open=min(most, len(site)),
        is_single=problem.single_source,
        constant=float(unserved_sum(problem, lost)),
        grain=_grain(cost, opening, price, demand[customer], is_single=problem.single_source),
    )


def unserved_sum(problem: SitingProblem, lost: BoolArray) -> float:
    """Return what leaving some customers unserved costs."""
    price = unserved_price(problem)
    return 0.0 if price is None else float(price[lost].sum())


def _opening(problem: SitingProblem) -> FloatArray:
    if problem.goal is SitingGoal.FIXED_CHARGE:
        return problem.opening_cents.astype(np.float64)
    return np.zeros(problem.num_sites)


def _grain(
    cost: FloatArray, opening: FloatArray, price: FloatArray, units: IntArray, *, is_single: bool
) -> int:
    """Return the greatest common divisor of all parts of an objective, 0 if they are not whole."""
    parts = [cost, np.broadcast_to(price, cost.shape)]
    if not is_single:
        # A single unit may go another way.
        parts = [part / units for part in parts]
    values = np.concatenate([opening, *(part[np.isfinite(part)] for part in parts)])
    if not len(values) or (values != np.round(values)).any() or values.max() > _EXACT:
        return 0
    return max(1, int(np.gcd.reduce(values.astype(np.int64))))
