"""Columns of the set-partitioning model: every feasible trip, and the refusal of every order.

The columns stay in arrays; the linear programme holds but the few that matter, and the others are
priced by inspection, in vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.bundles import Bundles
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution


@dataclass(frozen=True, eq=False)
class Cut:
    """An inequality over columns: the sum of ``factor`` over ``hit`` is at most ``limit``.

    ``orders`` are three orders, where it says that one trip at most holds two of them.
    """

    hit: IntArray
    factor: FloatArray
    limit: float
    orders: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """All columns, by row of the model: orders, courier classes, and the number of refusals.

    Parameters
    ----------
    members
        Rows of each column, shape (num_columns, width), filled up with ``num_rows``.
    cost
        Cost units, shape (num_columns,).
    store
        Store of each trip, -1 for a refusal, shape (num_columns,).
    origin
        Index of each column in the enumeration: trips by block, then refusals.
    num_orders
        Number of rows that are orders.
    lower, upper
        Sides of the rows, shape (num_rows,).
    cuts
        Rows that were added.
    """

    members: IntArray
    cost: FloatArray
    store: IntArray
    origin: IntArray
    num_orders: int
    lower: FloatArray
    upper: FloatArray
    cuts: list[Cut] = field(default_factory=list)

    @property
    def num_rows(self) -> int:
        """Number of orders and courier classes, and one row for the number of refusals."""
        return len(self.lower)

    def __len__(self) -> int:
        return len(self.cost)

    def sides(self) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper sides of all rows, those of the cuts last."""
        limits = np.array([cut.limit for cut in self.cuts], dtype=np.float64)
        return (
            np.concatenate([self.lower, np.zeros(len(limits))]),
            np.concatenate([self.upper, limits]),
        )

    def reduced(self, duals: FloatArray) -> FloatArray:
        """Return the reduced cost of every column, given a dual value per row."""
        paid = np.append(duals[: self.num_rows], 0.0)
        reduced = self.cost.copy()
        for rows in self.members.T:
            reduced -= paid[rows]
        for cut, dual in zip(self.cuts, duals[self.num_rows :].tolist(), strict=True):
            if dual:
                reduced[cut.hit] -= dual * cut.factor
        return reduced

    def bound(
        self, duals: FloatArray, reduced: FloatArray, sides: tuple[FloatArray, FloatArray]
    ) -> float:
        """Return the Lagrangian bound of the duals: valid whatever the solver's tolerances."""
        lower, upper = sides
        side = np.where(duals > 0, lower, upper)
        # The sign of a dual that says nothing is noise.
        counted = np.abs(duals) > 1e-12
        return float((duals[counted] * side[counted]).sum() + np.minimum(reduced, 0.0).sum())

    @cached_property
    def _by_row(self) -> tuple[IntArray, IntArray]:
        """Columns sorted by the rows that they hold, and where each row begins."""
        flat = self.members.T.ravel()
        order = np.argsort(flat, kind="stable")
        starts = np.searchsorted(flat[order], np.arange(self.num_rows + 1))
        return order % max(1, len(self)), starts

    def holding(self, row: int) -> IntArray:
        """Return the columns that hold a row, ascending."""
        columns, starts = self._by_row
        return columns[starts[row] : starts[row + 1]]

    def half(self, rows: IntArray, limit: float) -> Cut:
        """Return half of the sum of some rows (cuts have the numbers after), rounded down."""
        own = [self.holding(int(row)) for row in rows if row < self.num_rows]
        added = [self.cuts[int(row) - self.num_rows] for row in rows if row >= self.num_rows]
        touched = np.concatenate([*own, *(cut.hit for cut in added)])
        weight = np.concatenate(
            [np.ones(sum(len(each) for each in own)), *(cut.factor for cut in added)]
        )
        # A stable sort of a few ascending runs merges them.
        order = np.argsort(touched, kind="stable")
        touched = touched[order]
        first = np.flatnonzero(np.diff(touched, prepend=-1))
        factor = np.floor(np.add.reduceat(weight[order], first) / 2 + 1e-9)
        good = factor > 0
        return Cut(touched[first[good]], factor[good], float(np.floor(limit / 2 + 1e-9)))

    def subset_row(self, orders: IntArray) -> Cut:
        """Return the cut of three orders: one trip at most holds two of them."""
        return replace(self.half(orders, 3.0), orders=tuple(orders.tolist()))

    def take(self, some: IntArray) -> Columns:
        """Return some of the columns, with the cuts as they are for these."""
        position = np.full(len(self), -1, dtype=np.int64)
        position[some] = np.arange(len(some))
        cuts = []
        for cut in self.cuts:
            at = position[cut.hit]
            cuts.append(Cut(at[at >= 0], cut.factor[at >= 0], cut.limit, cut.orders))
        return replace(
            self,
            members=np.asfortranarray(self.members[some]),
            cost=self.cost[some],
            store=self.store[some],
            origin=self.origin[some],
            cuts=cuts,
        )


def columns_of(problem: RoutingProblem, blocks: list[Bundles]) -> tuple[Columns, float]:
    """Return the columns of enumerated trips and of refusals, and what no plan may cost.

    Orders that must be served get a refusal too, at a price above every plan without one.
    """
    num_orders, num_classes = len(problem.orders), len(problem.couriers)
    num_rows = num_orders + num_classes + 1
    width = 1 + max((block.sequences.shape[1] for block in blocks), default=1)
    num_trips = sum(len(block.cost) for block in blocks)
    members = np.full((num_trips + num_orders, width), num_rows, dtype=np.int64, order="F")
    store = np.full(len(members), -1, dtype=np.int64)
    first = 0
    for block in blocks:
        last = first + len(block.cost)
        members[first:last, 0] = num_orders + block.courier
        members[first:last, 1 : 1 + block.sequences.shape[1]] = block.sequences
        store[first:last] = block.store
        first = last
    members[first:, 0] = np.arange(num_orders)
    members[first:, 1] = num_rows - 1
    must = problem.orders.is_mandatory
    prices = problem.orders.refusal_cost.astype(np.float64)
    dearest = max((float(b.cost.max()) for b in blocks if len(b.cost)), default=0.0)
    top = float(prices[~must].sum()) + dearest * num_orders + 1.0
    prices[must] = top
    # One more than could ever be used, so that a class without a shortage has no price.
    count = np.minimum(problem.couriers.count, num_orders + 1)
    columns = Columns(
        members=members,
        cost=np.concatenate([*(b.cost.astype(np.float64) for b in blocks), prices]),
        store=store,
        origin=np.arange(len(members)),
        num_orders=num_orders,
        # The last row says nothing until it is branched on.
        lower=np.concatenate([np.ones(num_orders), np.zeros(num_classes), [-1.0]]),
        upper=np.concatenate([np.ones(num_orders), count.astype(np.float64), [num_orders + 1.0]]),
    )
    return columns, top


def columns_of_plan(columns: Columns, plan: RoutingSolution) -> IntArray:
    """Return the columns that a plan consists of, whatever its sequences; refusals are left out."""
    known = [np.zeros(0, dtype=np.int64)]
    for route in plan.routes:
        trip = route.trips[0]
        near = columns.holding(trip.stops[0])
        near = near[columns.store[near] == trip.store]
        rows = columns.members[near]
        own = np.sort(np.where(rows < columns.num_rows, rows, -1), axis=1)
        stops = sorted([columns.num_orders + route.courier, *trip.stops])
        wanted = np.full(max(len(stops), own.shape[1]), -1, dtype=np.int64)
        wanted[len(wanted) - len(stops) :] = stops
        if len(wanted) == own.shape[1]:
            known.append(near[(own == wanted).all(axis=1)][:1])
    return np.sort(np.concatenate(known))


def row_keys(rows: IntArray) -> IntArray:
    """Return a number per row; rows that differ have other ones, but for one chance in 2^60."""
    factors = np.random.default_rng(1).integers(1, 1 << 62, rows.shape[1], dtype=np.uint64) | 1
    mixed = (rows + 2).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    return np.asarray((mixed * factors).sum(axis=1).view(np.int64))
