"""Bounds on tables of costs from multipliers, and the columns that they settle."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.siting.engines._median_table import Table

#: Rounding of float64 sums, relative to the bound: far above what it can be, far below 1.
_ROUNDING = 1e-9
#: Rounds without a better bound after which steps are halved, and the least step.
_PATIENCE, _LEAST_SCALE = 20, 1e-3
#: Share of the last direction in the next, against the zigzag of plain subgradients.
_MOMENTUM = 0.7


@dataclass(frozen=True, kw_only=True, eq=False)
class DualBound:
    """A proven bound and what each column weighs in it.

    Parameters
    ----------
    value
        Lower bound on the cost of every solution within the bounds on columns, constants left out.
    reduced
        Reduced cost of each column, shape (m,).
    chosen
        Columns that the relaxed problem opens, shape (m,).
    """

    value: float
    reduced: FloatArray
    chosen: BoolArray

    def settled(
        self, table: Table, best: float, lower: BoolArray, upper: BoolArray
    ) -> tuple[BoolArray, BoolArray]:
        """Return bounds on columns without those that no better solution has.

        Opening a column that the relaxed problem leaves closed costs its reduced cost, less that
        of the column whose place it takes; closing an open one the other way round.
        """
        slack = best - (1.0 if table.is_whole else 0.0) + _ROUNDING * max(1.0, abs(best))
        free = upper & ~lower
        inside, outside = free & self.chosen, free & ~self.chosen
        is_full = int(self.chosen.sum()) >= table.max_open
        worst_in = float(self.reduced[inside].max(initial=-math.inf)) if is_full else 0.0
        best_out = min(0.0, float(self.reduced[outside].min(initial=math.inf)))
        if not is_full:
            best_out = 0.0
        # With no free column to give up, one more cannot be opened at all.
        rise_open = self.reduced - (worst_in if math.isfinite(worst_in) else -math.inf)
        rise_close = np.minimum(best_out, 0.0) - self.reduced
        closes = outside & (self.value + rise_open > slack)
        opens = inside & (self.value + rise_close > slack)
        return lower | opens, upper & ~closes


def bound_of(
    table: Table, base: float, saving: FloatArray, lower: BoolArray, upper: BoolArray
) -> DualBound:
    """Return the bound ``base + min (opening - saving) y`` over the columns within bounds.

    At most ``max_open`` columns are opened: those that are fixed, and the best of the others.
    """
    reduced = table.opening - saving
    chosen = lower.copy()
    free = np.flatnonzero(upper & ~lower & (reduced < 0))
    room = max(0, table.max_open - int(chosen.sum()))
    if len(free) > room:
        free = free[np.argpartition(reduced[free], max(room - 1, 0))[:room]]
    chosen[free] = True
    value = base + float(reduced[chosen].sum())
    value -= _ROUNDING * max(1.0, abs(value), abs(base))
    return DualBound(value=value, reduced=reduced, chosen=chosen)


class Multipliers:
    """Subgradient search over what each row is worth (Cornuejols, Fisher, Nemhauser 1977).

    A row that is worth v saves v - c at each column cheaper than that, whatever v is, so each v
    gives a bound.

    Parameters
    ----------
    table
        Costs and rules.
    start
        First worth of each row, shape (n,), such as what it costs in a good solution.
    """

    def __init__(self, table: Table, start: FloatArray) -> None:
        self.table = table
        self.worth = np.minimum(start, table.price)
        self._value = self.worth
        self._scale, self._stale = 1.0, 0
        self.best: DualBound | None = None
        self._direction: FloatArray = np.zeros(table.num_rows)
        self._width = 0

    def search(
        self,
        target: float,
        lower: BoolArray,
        upper: BoolArray,
        *,
        rounds: int,
        should_stop: Callable[[], bool],
    ) -> DualBound:
        """Return the best bound of some rounds; ``target`` is the cost of a known solution."""
        table = self.table
        best = self._evaluate(self._value, lower, upper)
        for _ in range(rounds):
            bound, slope = best
            if self.best is None or bound.value > self.best.value + 1e-12 * abs(bound.value):
                self.best, self.worth, self._stale = bound, self._value, 0
            else:
                self._stale += 1
                if self._stale >= _PATIENCE:
                    self._scale, self._stale = self._scale / 2, 0
                    self._value, self._direction = self.worth, np.zeros(table.num_rows)
            is_done = target - self.best.value < (1.0 if table.is_whole else 1e-9 * abs(target))
            if is_done or self._scale < _LEAST_SCALE or should_stop():
                break
            # Deflected subgradients (Camerini, Fratta and Maffioli 1975).
            self._direction = _MOMENTUM * self._direction + slope
            length = float(self._direction @ self._direction)
            if length == 0:
                break
            size = self._scale * max(target - bound.value, 1e-12) / length
            self._value = np.clip(self._value + size * self._direction, 0.0, table.price)
            best = self._evaluate(self._value, lower, upper)
        if self.best is None:
            self.best = best[0]
        return self.best

    def _evaluate(
        self, value: FloatArray, lower: BoolArray, upper: BoolArray
    ) -> tuple[DualBound, FloatArray]:
        table = self.table
        width = self._needed(value)
        column = table.order[:, :width]
        saved = np.maximum(value[:, None] - table.sorted_cost[:, :width], 0.0)
        saving = np.bincount(
            column.ravel(), weights=saved.ravel(), minlength=table.num_columns
        ).astype(np.float64)
        bound = bound_of(table, float(value.sum()), saving, lower, upper)
        served = (bound.chosen[column] & (saved > 0)).sum(axis=1)
        return bound, 1.0 - served

    def _needed(self, value: FloatArray) -> int:
        """Return how many columns of the sorted table matter at most."""
        table = self.table
        width = max(1, min(self._width or 32, table.num_columns))
        while width < table.num_columns and (table.sorted_cost[:, width - 1] < value).any():
            width = min(2 * width, table.num_columns)
        self._width = width
        return width
