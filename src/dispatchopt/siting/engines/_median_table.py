"""Costs of serving every customer from every site, as a table, with the rules on sites."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.assign import unserved_price
from dispatchopt.siting.problem import SitingGoal, SitingProblem

#: Rows ranked at a time: the sort's index in 64 bits stays small.
_ROWS_AT_ONCE = 512


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Rows (customers with demand that some site can serve) by columns (sites that may open).

    Parameters
    ----------
    cost
        Cost of serving a row from a column, shape (n, m); the row's price where it cannot be, or
        where leaving it unserved is cheaper.
    price
        What an unserved row costs, shape (n,). Rows that must be served have one above all that
        serving them could cost.
    must_serve
        Whether every row must be served.
    site
        Index of each column's site, shape (m,).
    opening
        Cost of opening a column, shape (m,).
    is_fixed
        Columns that must be open, shape (m,).
    max_open
        Most open columns.
    side
        Further rules on columns, ``side @ y <= limit``, shape (k, m): budget and conflicts.
    limit
        Shape (k,).
    constant
        Cost of customers that no site may serve.
    is_whole
        Whether every cost is a whole number.
    """

    cost: FloatArray
    price: FloatArray
    must_serve: bool
    site: IntArray
    opening: FloatArray
    is_fixed: BoolArray
    max_open: int
    side: FloatArray
    limit: FloatArray
    constant: float
    is_whole: bool

    @property
    def num_rows(self) -> int:
        """Number of rows n."""
        return len(self.price)

    @property
    def num_columns(self) -> int:
        """Number of columns m."""
        return len(self.site)

    @cached_property
    def order(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Columns of each row from the cheapest on, shape (n, m)."""
        order: np.ndarray[Any, np.dtype[np.int32]] = np.empty(self.cost.shape, dtype=np.int32)
        for first in range(0, self.num_rows, _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            order[part] = np.argsort(self.cost[part], axis=1, kind="stable")
        return order

    @cached_property
    def sorted_cost(self) -> FloatArray:
        """Costs of each row in rising order, shape (n, m)."""
        return np.take_along_axis(self.cost, self.order, axis=1)

    def value(self, is_open: BoolArray) -> float:
        """Return the cost of open columns, constants left out."""
        served = np.minimum(self.cost[:, is_open].min(axis=1, initial=np.inf), self.price)
        return float(served.sum() + self.opening[is_open].sum())

    def is_possible(self, is_open: BoolArray) -> bool:
        """Whether open columns keep the rules on sites."""
        return bool(
            is_open.sum() <= self.max_open and (self.side @ is_open <= self.limit + 1e-9).all()
        )

    def without(self, closed: BoolArray, opened: BoolArray) -> Table:
        """Return the table with some columns taken out, and others fixed open."""
        keep = ~closed
        return Table(
            cost=np.ascontiguousarray(self.cost[:, keep]),
            price=self.price,
            must_serve=self.must_serve,
            site=self.site[keep],
            opening=self.opening[keep],
            is_fixed=(self.is_fixed | opened)[keep],
            max_open=self.max_open,
            side=self.side[:, keep],
            limit=self.limit,
            constant=self.constant,
            is_whole=self.is_whole,
        )


def table_of(problem: SitingProblem) -> Table | None:
    """Return the table of a problem without capacities; None if a customer cannot be served."""
    coverage, demand = problem.coverage, problem.demand_units
    pair_cost = problem.pair_costs()
    price = unserved_price(problem)
    steep = 2.0 * float(pair_cost.max(initial=0.0)) + 1.0
    if problem.goal is SitingGoal.FIXED_CHARGE:
        steep += 2.0 * float(problem.opening_cents.max(initial=0))
    prices = np.full(len(demand), steep) if price is None else price
    allowed = np.flatnonzero(problem.is_allowed)
    column = np.full(problem.num_sites, -1, dtype=np.int64)
    column[allowed] = np.arange(len(allowed))
    keep = (column[coverage.site_idx] >= 0) & (demand[coverage.customer_idx] > 0)
    count = np.bincount(coverage.customer_idx[keep], minlength=len(demand))
    lost = (count == 0) & (demand > 0)
    if price is None and lost.any():
        return None
    rows = np.flatnonzero(count > 0)
    row = np.full(len(demand), -1, dtype=np.int64)
    row[rows] = np.arange(len(rows))
    cost = np.repeat(prices[rows][:, None], len(allowed), axis=1)
    at = (row[coverage.customer_idx[keep]], column[coverage.site_idx[keep]])
    cost[at] = np.minimum(cost[at], pair_cost[keep])
    opening = np.zeros(problem.num_sites)
    if problem.goal is SitingGoal.FIXED_CHARGE:
        opening = problem.opening_cents.astype(np.float64)
    side, limit = _side_rules(problem, allowed)
    most = problem.num_sites if problem.max_sites is None else problem.max_sites
    is_whole = bool((cost == np.rint(cost)).all()) and bool((prices == np.rint(prices)).all())
    return Table(
        cost=cost,
        price=prices[rows],
        must_serve=price is None,
        site=allowed,
        opening=opening[allowed],
        is_fixed=problem.is_fixed_open[allowed],
        max_open=most,
        side=side,
        limit=limit,
        constant=float(prices[lost].sum()),
        is_whole=is_whole,
    )


def _side_rules(problem: SitingProblem, allowed: IntArray) -> tuple[FloatArray, FloatArray]:
    conflicts = problem.conflicts()
    conflicts = conflicts[problem.is_allowed[conflicts].all(axis=1)]
    side = np.zeros((len(conflicts), problem.num_sites))
    side[np.arange(len(conflicts)), conflicts[:, 0]] = 1.0
    side[np.arange(len(conflicts)), conflicts[:, 1]] = 1.0
    limit = np.ones(len(conflicts))
    if problem.budget_cents is not None:
        side = np.vstack([problem.opening_cents.astype(np.float64)[None, :], side])
        limit = np.concatenate([[float(problem.budget_cents)], limit])
    return side[:, allowed], limit
