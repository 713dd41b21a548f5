"""A stronger linear relaxation where lanes cost something: each single unit asks for an open lane.

Where a lane is open by a third, a third of every unit may come on it, not the dearest unit whole.
Columns: a single unit of a SKU that comes to its store by a lane, units that come by a lane to
leave again, single units that leave a store, and lanes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.rebalancing.engines._columns import Columns
from dispatchopt.inventory.rebalancing.engines._steps import Worth


class _Rows:
    """Entries of a matrix, block of rows by block of rows."""

    def __init__(self) -> None:
        self.entries: list[tuple[Any, Any, Any]] = []
        self.lower: list[FloatArray] = []
        self.upper: list[FloatArray] = []
        self.count = 0

    def add(
        self, parts: list[tuple[IntArray, IntArray, Any]], upper: FloatArray, *, is_equation: bool
    ) -> None:
        """Add rows: parts of row, column, value."""
        for row, column, value in parts:
            self.entries.append((row + self.count, column, np.broadcast_to(value, row.shape)))
        self.lower.append(upper if is_equation else np.full(upper.size, -np.inf))
        self.upper.append(upper)
        self.count += upper.size

    def matrix(self, columns: int) -> Any:
        """Return all entries by columns."""
        from scipy import sparse

        row, column, value = (np.concatenate(each) for each in zip(*self.entries, strict=True))
        return sparse.csc_matrix((value, (row, column)), shape=(self.count, columns))


def num_columns(worth: Worth) -> int:
    """Return how many columns the relaxation has, at most."""
    problem = worth.problem
    head = problem.lane_to[worth.lane]
    sku = np.repeat(np.arange(problem.num_skus), np.diff(worth.lane_first))
    pair = sku * problem.num_stores + head
    comes = int((worth.up.first[pair + 1] - worth.up.first[pair]).sum())
    return comes + int(worth.lane.size + worth.down.store.size + problem.num_lanes)


def unit_relaxation(worth: Worth) -> Columns:
    """Return the relaxation; its value is the saving of transfers, negative."""
    problem, lane = worth.problem, worth.lane
    stores, skus, lanes = problem.num_stores, problem.num_skus, problem.num_lanes
    sku = np.repeat(np.arange(skus), np.diff(worth.lane_first))
    tail = sku * stores + problem.lane_from[lane]
    head = sku * stores + problem.lane_to[lane]
    first = worth.up.first
    many = first[head + 1] - first[head]
    owner = np.repeat(np.arange(lane.size), many)
    unit = np.arange(owner.size) - np.repeat(np.cumsum(many) - many, many)
    unit += np.repeat(first[head], many)
    room = problem.movable_units.T.ravel().astype(np.float64)
    has_way_on = np.zeros(stores * skus, dtype=bool)
    has_way_on[tail] = True
    through = np.flatnonzero((room[head] > 0) & has_way_on[head])
    down_pair = np.repeat(np.arange(stores * skus), np.diff(worth.down.first))
    come = np.arange(owner.size)
    passing = come.size + np.arange(through.size)
    leave = come.size + through.size + np.arange(down_pair.size)
    opened = leave.size + come.size + through.size + np.arange(lanes)
    most = np.minimum(room[tail[through]], room[head[through]])
    rows, pairs = _Rows(), np.zeros(stores * skus)
    rows.add([(unit, come, 1.0)], np.ones(worth.up.store.size), is_equation=False)
    out = [(tail[owner], come, 1.0), (tail[through], passing, 1.0)]
    ends = [(head[through], passing, -1.0), (down_pair, leave, -1.0)]
    rows.add([*out, *ends], pairs, is_equation=True)
    rows.add(out, room, is_equation=False)
    if problem.capacity_ml is not None:
        size = np.maximum(problem.capacity_ml, 1).astype(np.float64)
        share = problem.stock.volume_ml[sku] / size[lane]
        full = (problem.capacity_ml > 0).astype(np.float64)
        load = [(lane[owner], come, share[owner]), (lane[through], passing, share[through])]
        rows.add([*load, (np.arange(lanes), opened, -full)], np.zeros(lanes), is_equation=False)
    is_paid = problem.lane_cost[lane] > 0
    paid, paid_through = np.flatnonzero(is_paid[owner]), np.flatnonzero(is_paid[through])
    for column, on, value in (
        (come[paid], lane[owner[paid]], np.ones(paid.size)),
        (passing[paid_through], lane[through[paid_through]], most[paid_through]),
    ):
        row = np.arange(column.size)
        parts = [(row, column, 1.0), (row, opened[on], -value)]
        rows.add(parts, np.zeros(column.size), is_equation=False)
    cost = np.concatenate(
        [
            problem.unit_cost[lane[owner]] - worth.up.cost[unit],
            problem.unit_cost[lane[through]],
            worth.down.cost,
            problem.lane_cost,
        ]
    )
    upper = np.concatenate([np.ones(come.size), most, np.ones(leave.size + lanes)])
    return Columns(
        cost=cost, lower=np.zeros(cost.size), upper=upper, matrix=rows.matrix(cost.size),
        row_lower=np.concatenate(rows.lower), row_upper=np.concatenate(rows.upper),
    )  # fmt: skip
