"""Local search on a table of costs: lazy greedy opening, then swaps kept up to date."""

from __future__ import annotations

import heapq
from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._median_table import Table


def greedy(table: Table, should_stop: Callable[[], bool]) -> BoolArray:
    """Open the column that saves most, again and again, while that pays.

    Savings only fall as more columns are open, so a column is valued anew only when it heads the
    queue (Minoux 1978).
    """
    is_open = table.is_fixed.copy()
    now = np.minimum(table.cost[:, is_open].min(axis=1, initial=np.inf), table.price)
    room = table.limit - table.side @ is_open

    def saving(column: int) -> float:
        return float(np.maximum(now - table.cost[:, column], 0.0).sum() - table.opening[column])

    closed = np.flatnonzero(~is_open)
    first = np.concatenate(
        [
            np.maximum(now[:, None] - table.cost[:, part], 0.0).sum(axis=0)
            for part in np.array_split(closed, max(1, len(closed) // 256))
        ]
        or [np.empty(0)]
    )
    queue = [
        (-float(value), int(column))
        for value, column in zip(first - table.opening[closed], closed, strict=True)
    ]
    heapq.heapify(queue)
    count = int(is_open.sum())
    while queue and count < table.max_open and not should_stop():
        _, column = heapq.heappop(queue)
        if (table.side[:, column] > room + 1e-9).any():
            continue
        value = saving(column)
        if queue and -value > queue[0][0]:
            heapq.heappush(queue, (-value, column))
            continue
        if value <= 0:
            break
        is_open[column] = True
        count += 1
        room = room - table.side[:, column]
        now = np.minimum(now, table.cost[:, column])
    return is_open


class Swapper:
    """Best open, close or swap moves, with their values kept up to date (Resende, Werneck 2004).

    Only for tables without side rules. With one pass over the rows that a move touches, the values
    of all moves are right again.

    Parameters
    ----------
    table
        Costs and rules.
    is_open
        Where to start, shape (m,).
    """

    def __init__(self, table: Table, is_open: BoolArray) -> None:
        self._table = table
        self._columns = np.flatnonzero(is_open)
        m = table.num_columns
        self._gain = np.zeros(m)
        self._loss = np.zeros(len(self._columns))
        self._extra = np.zeros((len(self._columns), m))
        n = table.num_rows
        self._first, self._second = table.price.copy(), table.price.copy()
        # Slots of the nearest and second nearest open columns, -1 for none.
        self._near, self._next = np.full((2, n), -1)
        rows = np.arange(n)
        self._rank(rows)
        self._count(rows, 1.0)

    @property
    def is_open(self) -> BoolArray:
        """Open columns, shape (m,)."""
        is_open = np.zeros(self._table.num_columns, dtype=bool)
        is_open[self._columns] = True
        return is_open

    @property
    def value(self) -> float:
        """Cost of the open columns, constants left out."""
        return float(self._first.sum() + self._table.opening[self._columns].sum())

    def descend(self, step: Callable[[], bool]) -> None:
        """Take the best swap till none improves, or ``step`` says stop."""
        while self._move() and step():
            pass

    def _move(self) -> bool:
        table, columns = self._table, self._columns
        if not len(columns):
            return False
        drop = self._loss - table.opening[columns]
        add = table.opening - self._gain
        add[columns] = np.inf
        drop[table.is_fixed[columns]] = np.inf
        change = drop[:, None] + add[None, :] - self._extra
        slot, column = divmod(int(np.argmin(change)), table.num_columns)
        if not change[slot, column] < -1e-9 * max(1.0, abs(self.value)):
            return False
        self._swap(slot, column)
        return True

    def _swap(self, slot: int, column: int) -> None:
        cost = self._table.cost[:, column]
        touched = (self._near == slot) | (self._next == slot) | (cost < self._second)
        rows = np.flatnonzero(touched)
        self._count(rows, -1.0)
        # What the slot holds beyond rounding belongs to no row any more.
        self._extra[slot] = 0.0
        self._loss[slot] = 0.0
        self._columns[slot] = column
        self._rank(rows)
        self._count(rows, 1.0)

    def _rank(self, rows: IntArray) -> None:
        """Find the two nearest open columns of some rows."""
        table = self._table
        if not len(self._columns) or not len(rows):
            return
        block = table.cost[rows][:, self._columns]
        price = table.price[rows]
        near = block.argmin(axis=1)
        at = np.arange(len(rows))
        first = block[at, near]
        block[at, near] = np.inf
        following = block.argmin(axis=1)
        second = np.minimum(block[at, following], price)
        self._near[rows] = np.where(first < price, near, -1)
        self._next[rows] = np.where(second < price, following, -1)
        self._first[rows] = np.minimum(first, price)
        self._second[rows] = second

    def _count(self, rows: IntArray, sign: float) -> None:
        """Add (or take away) what some rows say about all moves."""
        table = self._table
        step = max(1, 4_000_000 // max(1, table.num_columns))
        for begin in range(0, len(rows), step):
            part = rows[begin : begin + step]
            part = part[np.argsort(self._near[part], kind="stable")]
            cost = table.cost[part]
            first, second = self._first[part][:, None], self._second[part][:, None]
            self._gain += sign * np.maximum(first - cost, 0.0).sum(axis=0)
            owner = self._near[part]
            has = owner >= 0
            if not has.any():
                continue
            saved = np.maximum(second[has] - np.maximum(cost[has], first[has]), 0.0)
            slots, starts = np.unique(owner[has], return_index=True)
            self._extra[slots] += sign * np.add.reduceat(saved, starts, axis=0)
            np.add.at(self._loss, owner[has], sign * (second - first)[has, 0])


def kicked(
    rng: np.random.Generator, table: Table, is_open: BoolArray, share: float
) -> BoolArray | None:
    """Return open columns with some swapped at random; None if nothing can be."""
    loose = np.flatnonzero(is_open & ~table.is_fixed)
    closed = np.flatnonzero(~is_open)
    count = min(max(1, round(share * len(loose))), len(loose), len(closed))
    if count == 0:
        return None
    moved = is_open.copy()
    moved[rng.choice(loose, size=count, replace=False)] = False
    moved[rng.choice(closed, size=count, replace=False)] = True
    return moved


def usual_worth(table: Table, is_open: BoolArray) -> FloatArray:
    """Return the mean of what each row costs at its two nearest open columns, shape (n,)."""
    if is_open.sum() < 2:
        only: FloatArray = table.cost[:, is_open].min(axis=1, initial=np.inf)
        return np.asarray(np.minimum(only, table.price), dtype=np.float64)
    nearest = np.partition(table.cost[:, is_open], 1, axis=1)[:, :2]
    worth: FloatArray = np.minimum(nearest, table.price[:, None]).mean(axis=1)
    return worth
