"""Annealing of open columns on a table of costs, where swaps by steepest descent get stuck."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray
from dispatchopt.siting.engines._median_table import Table

#: See ``_median_anneal_kernels``.
State = tuple[Any, ...]
#: First and last temperature, as shares of what the mean open column saves.
_WARM, _COLD = 0.15, 0.003
#: Nearest columns known of each row, in times of how many there are for each open one.
_REACH, _LEAST_REACH = 4, 16
#: Steps between two looks at the clock.
_CHUNK = 50_000
#: Rows that a run looks at, and the most steps that these make.
_WORK, _MOST_STEPS = 2e7, 400_000


class Annealer:
    """Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) over swaps, openings and closings.

    Every row knows its nearest and second nearest open column, so that a move is valued over the
    rows that one of its columns serves or is near to. Only for tables without side rules.

    Parameters
    ----------
    table
        Costs and rules.
    num_open
        How many columns are open in a good solution, about.
    should_stop
        Asked between parts of a run.
    seed
        Of the random moves.
    """

    def __init__(
        self, table: Table, num_open: int, should_stop: Callable[[], bool], seed: int
    ) -> None:
        from dispatchopt.siting.engines import _median_anneal_kernels

        self._kernels = _median_anneal_kernels
        self._table, self._should_stop = table, should_stop
        m = table.num_columns
        width = _width(table, num_open)
        near = np.ascontiguousarray(table.order[:, :width], dtype=np.int32)
        near_cost = np.take_along_axis(table.cost, near, axis=1)
        row, at = np.nonzero(near_cost < table.price[:, None])
        column = near[row, at]
        by_column = np.argsort(column, kind="stable")
        self._ground = (
            np.ascontiguousarray(table.cost.T),
            near,
            near_cost,
            np.concatenate([[0], np.cumsum(np.bincount(column, minlength=m))]),
            row[by_column].astype(np.int32),
            near_cost[row, at][by_column],
            np.array(table.price),
            np.array(table.opening, dtype=np.float64),
            np.array(table.is_fixed),
        )
        self._seed = np.array([2 * (seed % 2**30) + 1], dtype=np.int64)
        #: Steps of a run: a step looks at the rows of one open column, and at those near another.
        self.steps = int(min(_MOST_STEPS, _WORK / _rows_of_step(table, num_open)))

    def begun(self, is_open: BoolArray) -> tuple[State, float]:
        """Return the state of open columns, and what they cost."""
        m, n = self._table.num_columns, self._table.num_rows
        columns = np.flatnonzero(is_open)
        members, place = np.full(m, -1), np.full(m, -1)
        members[: len(columns)], place[columns] = columns, np.arange(len(columns))
        chains = np.full((2, m + 1), -1), np.full((2, n), -1), np.full((2, n), -1)
        count = np.array([len(columns)])
        state = (members, place, np.full((2, n), m), np.zeros((2, n)), chains, count)
        value = self._kernels.begin(self._ground, state)
        return state, value + float(self._table.opening[columns].sum())

    def moved(self, out: int, into: int, state: State) -> tuple[float, float]:
        """Swap two columns, of which either may be -1; return the change foretold and made."""
        opening = self._table.opening
        told = self._kernels.change_of(out, into, self._ground, state)
        made = 0.0
        if into >= 0:
            made += opening[into] - self._kernels.enter(into, self._ground, state)
        if out >= 0:
            made += self._kernels.leave(out, self._ground, state) - opening[out]
        return told, made

    def run(self, is_open: BoolArray, steps: int | None = None) -> BoolArray:
        """Return the best columns met in a run, those given at first, shape (m,)."""
        steps = self.steps if steps is None else steps
        state, value = self.begun(is_open)
        near, rest = state[3]
        loss = float((rest - near).sum()) / max(1, int(is_open.sum()))
        best, reached = is_open.copy(), value
        warm, cold = max(_WARM * loss, 1e-9), max(_COLD * loss, 1e-10)
        parts = max(1, math.ceil(steps / _CHUNK))
        levels = warm * (cold / warm) ** (np.arange(parts + 1) / parts)
        for first, last in itertools.pairwise(levels.tolist()):
            if self._should_stop():
                break
            most = self._table.max_open
            how = (min(steps, _CHUNK), first, last, self._seed, most, value, reached)
            value, reached = self._kernels.anneal(how, best, self._ground, state)
        return best


def is_quick(table: Table, num_open: int) -> bool:
    """Whether a run has as many steps as it may: so many open columns that each has few rows."""
    return _MOST_STEPS * _rows_of_step(table, num_open) <= _WORK


def _width(table: Table, num_open: int) -> int:
    m = table.num_columns
    return min(m, _REACH * m // max(1, num_open) + _LEAST_REACH)


def _rows_of_step(table: Table, num_open: int) -> float:
    per_column = table.num_rows / max(1, table.num_columns)
    return table.num_rows / max(1, num_open) + per_column * _width(table, num_open)
