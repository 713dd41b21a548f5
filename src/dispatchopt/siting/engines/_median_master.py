"""The linear relaxation of a table of costs, with one closed-form cut per row and threshold.

With ``t`` the cost up to which a row is sure to be served, the row costs at least
``t - sum_j max(0, t - c_j) y_j`` (Cornuejols, Nemhauser and Wolsey 1990; separation over sorted
costs as in Duran-Mateluna, Ales and Elloumi 2023). Any threshold gives a valid cut, so multipliers
of a subgradient search are cuts to start from.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.errors import EngineError
from dispatchopt.siting.engines._median_dual import DualBound, bound_of
from dispatchopt.siting.engines._median_table import Table
from dispatchopt.siting.engines._solver import simplex

#: Least violation of a cut, relative to the row's cost.
_VIOLATED = 1e-7
#: Columns looked at first when a row is separated.
_FIRST_COLUMNS = 32
#: Steps of the solver after which to ask whether to stop.
_ASK_EVERY = 50


@dataclass(frozen=True, kw_only=True, eq=False)
class Solved:
    """Where a relaxation ended: open shares, row costs, and the bound that its duals prove."""

    is_infeasible: bool
    is_stopped: bool
    share: FloatArray
    theta: FloatArray
    bound: DualBound | None


class Master:
    """A relaxation that is kept in HiGHS, and grows by cuts.

    Parameters
    ----------
    table
        Costs and rules.
    time_left_s, should_stop
        How long a solve may take.
    seed
        Of the solver.
    """

    def __init__(
        self,
        table: Table,
        *,
        time_left_s: Callable[[], float],
        should_stop: Callable[[], bool],
        seed: int,
    ) -> None:
        self.table = table
        self._time_left_s, self._should_stop = time_left_s, should_stop
        self._highs = simplex(seed)
        m, n = table.num_columns, table.num_rows
        self._index = np.arange(m, dtype=np.int32)
        none = np.zeros(0, dtype=np.int32)
        empty = np.zeros(0)
        cost = np.concatenate([table.opening, np.ones(n)])
        lower = np.concatenate([np.zeros(m), table.sorted_cost[:, 0] if m else table.price])
        upper = np.concatenate([np.ones(m), table.price])
        starts = np.zeros(m + n, dtype=np.int32)
        self._highs.addCols(m + n, cost, lower, upper, 0, starts, none, empty)
        self._add(np.ones((1, m)), np.array([-math.inf]), np.array([float(table.max_open)]))
        if len(table.side):
            self._add(table.side, np.full(len(table.side), -math.inf), table.limit)
        self._num_rules = 1 + len(table.side)
        self._cut_row: list[IntArray] = []
        self._cut_level: list[FloatArray] = []
        self._cover: list[FloatArray] = []
        self._is_cut: list[bool] = []
        self._raised: list[BaseException] = []
        self._asked = 0
        self._purges = 0
        import highspy

        kinds = highspy.cb.HighsCallbackType
        self._highs.setCallback(self._called, None)
        self._highs.startCallback(kinds.kCallbackSimplexInterrupt)

    @property
    def num_cuts(self) -> int:
        """Number of cuts."""
        return len(self._is_cut)

    def _called(self, _kind: Any, _message: str, _out: Any, reply: Any, _data: Any) -> None:
        # The solver asks after every step, far more often than needed.
        self._asked += 1
        if self._asked % _ASK_EVERY and not self._raised:
            return
        # Ctrl-C arrives in whatever Python runs; an error must not cross the solver.
        try:
            if self._raised or self._should_stop():
                reply.user_interrupt = True
        except BaseException as error:  # noqa: BLE001  # re-raised in solve
            self._raised.append(error)
            reply.user_interrupt = True

    def _add(self, rows: FloatArray, lower: FloatArray, upper: FloatArray) -> None:
        row, column = np.nonzero(rows)
        starts = np.searchsorted(row, np.arange(len(rows)))
        self._highs.addRows(
            len(rows),
            lower,
            upper,
            len(column),
            starts.astype(np.int32),
            column.astype(np.int32),
            rows[row, column],
        )

    def add_cuts(self, rows: IntArray, level: FloatArray) -> None:
        """Add the cut of each row at a threshold."""
        table = self.table
        if not len(rows):
            return
        # Columns cheaper than the threshold come first in the sorted table.
        width = self._width_below(rows, level)
        block = table.sorted_cost[rows, :width]
        weight = np.maximum(level[:, None] - block, 0.0)
        at, place = np.nonzero(weight)
        column = table.order[rows[at], place]
        count = np.bincount(at, minlength=len(rows))
        # Each cut ends with its own theta.
        ends = np.cumsum(count + 1)
        starts = ends - count - 1
        index = np.empty(int(ends[-1]), dtype=np.int32)
        value = np.empty(int(ends[-1]))
        is_theta = np.zeros(len(index), dtype=bool)
        is_theta[ends - 1] = True
        index[is_theta], value[is_theta] = table.num_columns + rows, 1.0
        index[~is_theta], value[~is_theta] = column, weight[at, place]
        self._highs.addRows(
            len(rows),
            level,
            np.full(len(rows), math.inf),
            len(index),
            starts.astype(np.int32),
            index,
            value,
        )
        self._cut_row.append(np.asarray(rows, dtype=np.int64))
        self._cut_level.append(np.asarray(level, dtype=np.float64))
        self._is_cut += [True] * len(rows)

    def _width_below(self, rows: IntArray, level: FloatArray) -> int:
        table = self.table
        width = min(_FIRST_COLUMNS, table.num_columns)
        while width < table.num_columns and (table.sorted_cost[rows, width - 1] < level).any():
            width = min(2 * width, table.num_columns)
        return width

    def basis(self) -> tuple[Any, int]:
        """Return a copy of the basis, and which cuts it belongs to."""
        import highspy

        own, copy = self._highs.getBasis(), highspy.HighsBasis()
        copy.col_status, copy.row_status = own.col_status, own.row_status
        copy.valid = own.valid
        return copy, self._purges

    def restore(self, kept: tuple[Any, int]) -> None:
        """Go on from a basis, if its cuts are still there; those added since are slack in it."""
        import highspy

        basis, purges = kept
        if purges != self._purges or not basis.valid:
            return
        lacking = self._num_rules + self.num_cuts - len(basis.row_status)
        if lacking:
            basic = [highspy.HighsBasisStatus.kBasic] * lacking
            basis.row_status = list(basis.row_status) + basic
        self._highs.setBasis(basis)

    def solve(self, lower: BoolArray, upper: BoolArray) -> Solved:
        """Solve within bounds on columns."""
        import highspy

        highs, table = self._highs, self.table
        m = table.num_columns
        highs.changeColsBounds(m, self._index, lower.astype(float), upper.astype(float))
        left = self._time_left_s()
        clock = math.inf if math.isinf(left) else highs.getRunTime() + max(0.0, left)
        highs.setOptionValue("time_limit", clock)
        states = highspy.HighsModelStatus
        highs.run()
        if highs.getModelStatus() == states.kUnknown and not self._raised:
            # Lost in rounding: from scratch it finds the way.
            highs.clearSolver()
            highs.run()
        if self._raised:
            raise self._raised.pop()
        status = highs.getModelStatus()
        if status in (states.kInfeasible, states.kUnboundedOrInfeasible):
            zeros = np.zeros(m)
            return Solved(
                is_infeasible=True, is_stopped=False, share=zeros, theta=table.price, bound=None
            )
        stopped = (
            states.kTimeLimit,
            states.kInterrupt,
            states.kHighsInterrupt,
            states.kUnknown,
            states.kIterationLimit,
        )
        if status not in (states.kOptimal, states.kModelEmpty, *stopped):
            raise EngineError(f"HiGHS ended a relaxation with {status.name}")
        solution = highs.getSolution()
        value = np.asarray(solution.col_value, dtype=np.float64)
        dual = np.asarray(solution.row_dual, dtype=np.float64)
        return Solved(
            is_infeasible=False,
            is_stopped=status in stopped,
            share=np.clip(value[:m], 0.0, 1.0),
            theta=value[m:],
            bound=self.dual_bound(dual, lower, upper),
        )

    def dual_bound(self, dual: FloatArray, lower: BoolArray, upper: BoolArray) -> DualBound:
        """Return the bound that row duals prove, whatever the solver made of them.

        Cuts of one row are combined with weights that sum to at most 1; what is left of the row
        counts with its least cost, which is never above its true cost.
        """
        table = self.table
        n, m = table.num_rows, table.num_columns
        cut_row = np.concatenate([*self._cut_row, np.empty(0, dtype=np.int64)])
        cut_level = np.concatenate([*self._cut_level, np.empty(0)])
        is_cut = np.array(self._is_cut, dtype=bool)
        weights = np.maximum(dual[self._num_rules :], 0.0)
        weight = weights[is_cut]
        total = np.bincount(cut_row, weights=weight, minlength=n)
        weight = weight / np.maximum(total, 1.0)[cut_row]
        rest = np.maximum(1.0 - total, 0.0)
        least = table.sorted_cost[:, 0] if m else table.price
        base = float(rest @ np.minimum(least, table.price) + weight @ cut_level)
        saving = self._saving(cut_row, cut_level, weight)
        rules = np.maximum(-dual[1 : self._num_rules], 0.0)
        if len(rules):
            saving = saving - rules @ table.side
            base -= float(rules @ table.limit)
        covers = weights[~is_cut]
        if len(covers):
            saving = saving + covers @ np.array(self._cover)
            base += float(covers.sum())
        return bound_of(table, base, saving, lower, upper)

    def _saving(self, rows: IntArray, level: FloatArray, weight: FloatArray) -> FloatArray:
        table = self.table
        used = np.flatnonzero(weight > 0)
        saving = np.zeros(table.num_columns)
        if not len(used):
            return saving
        rows, level, weight = rows[used], level[used], weight[used]
        width = self._width_below(rows, level)
        step = max(1, 4_000_000 // width)
        for first in range(0, len(used), step):
            part = slice(first, first + step)
            block = table.sorted_cost[rows[part], :width]
            saved = np.maximum(level[part, None] - block, 0.0) * weight[part, None]
            column = table.order[rows[part], :width]
            saving += np.bincount(
                column.ravel(), weights=saved.ravel(), minlength=table.num_columns
            )
        return saving

    def separate(self, solved: Solved) -> int:
        """Add the most violated cut of each row, and covers of rows that must be served."""
        table = self.table
        share, n = solved.share, table.num_rows
        level = table.price.copy()
        cost = np.zeros(n)
        rows = np.arange(n)
        lacking = np.ones(n)
        begin, width = 0, min(_FIRST_COLUMNS, table.num_columns)
        while len(rows) and begin < table.num_columns:
            part = slice(begin, min(begin + width, table.num_columns))
            block, column = table.sorted_cost[rows, part], table.order[rows, part]
            amount = np.minimum(np.cumsum(share[column], axis=1), lacking[rows, None])
            taken = np.diff(amount, axis=1, prepend=0.0)
            cost[rows] += (taken * block).sum(axis=1)
            is_full = amount >= lacking[rows, None] - 1e-9
            has = is_full.any(axis=1)
            level[rows[has]] = block[has, is_full[has].argmax(axis=1)]
            lacking[rows] -= amount[:, -1]
            rows = rows[~has]
            begin, width = part.stop, 2 * width
        cost[rows] += lacking[rows] * table.price[rows]
        level = np.minimum(level, table.price)
        added = 0
        if table.must_serve and len(rows):
            short = rows[lacking[rows] > 1e-6]
            added += self._add_covers(short)
        bad = np.flatnonzero(cost > solved.theta + _VIOLATED * np.maximum(1.0, np.abs(cost)))
        self.add_cuts(bad, level[bad])
        return added + len(bad)

    def _add_covers(self, rows: IntArray) -> int:
        table = self.table
        reach = (table.cost[rows] < table.price[rows, None]).astype(np.float64)
        if not len(reach):
            return 0
        reach = np.unique(reach, axis=0)
        self._add(reach, np.ones(len(reach)), np.full(len(reach), math.inf))
        self._cover += list(reach)
        self._is_cut += [False] * len(reach)
        return len(reach)

    def tight_cuts(self) -> tuple[IntArray, FloatArray]:
        """Return row and threshold of the cuts that the last solution rests on."""
        dual = np.asarray(self._highs.getSolution().row_dual, dtype=np.float64)[self._num_rules :]
        keep = dual[np.array(self._is_cut, dtype=bool)] > 1e-9
        return np.concatenate(self._cut_row)[keep], np.concatenate(self._cut_level)[keep]

    def purge(self) -> None:
        """Take out cuts that the last solution does not rest on."""
        solution = self._highs.getSolution()
        dual = np.asarray(solution.row_dual, dtype=np.float64)[self._num_rules :]
        is_cut = np.array(self._is_cut, dtype=bool)
        drop = is_cut & (dual <= 1e-9)
        if not drop.any():
            return
        where = np.flatnonzero(drop) + self._num_rules
        self._purges += 1
        self._highs.deleteRows(len(where), where.astype(np.int32))
        keep = ~drop[is_cut]
        self._cut_row = [np.concatenate(self._cut_row)[keep]]
        self._cut_level = [np.concatenate(self._cut_level)[keep]]
        self._is_cut = list(is_cut[~drop])
