"""Can few sites cover everyone within a radius? Reductions, the relaxation, then whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines import _solver
from dispatchopt.siting.engines._model import LinearModel

#: Rows or columns up to which all pairs of them are compared for dominance.
_MOST_COMPARED = 4_000
#: How far beyond the most sites the relaxation must lie to rule a radius out.
_BEYOND = 1e-5


@dataclass(frozen=True, kw_only=True, eq=False)
class Rules:
    """Rules on open columns.

    Parameters
    ----------
    is_fixed
        Columns that must be open, shape (m,).
    max_open
        Most open columns.
    spend, budget
        What opening costs, shape (m,), and the most to be spent; inf for no limit.
    conflicts
        Pairs of columns of which at most one may be open, shape (k, 2).
    """

    is_fixed: BoolArray
    max_open: int
    spend: FloatArray
    budget: float
    conflicts: IntArray

    @property
    def is_plain(self) -> bool:
        """Whether a column may stand in for any other."""
        return not np.isfinite(self.budget) and not len(self.conflicts)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cover:
    """Rows still to be covered by columns, reduced.

    Parameters
    ----------
    reach
        Which column covers which row, shape (rows, columns).
    column
        Index of each column among those of the whole problem.
    """

    reach: BoolArray
    column: IntArray


def reduced(reach: BoolArray, rules: Rules) -> Cover:
    """Drop rows that others imply and columns that others replace (Beasley 1987).

    Rows covered by columns that are open anyway are done. A row whose columns include all columns
    of another row is covered whenever that one is. A column that covers no more than another can
    be replaced by it, unless rules tell them apart.
    """
    reach = reach[~reach[:, rules.is_fixed].any(axis=1)]
    column = np.flatnonzero(~rules.is_fixed)
    reach = reach[:, column]
    while True:
        size = reach.shape
        reach = _without_implied(np.unique(reach, axis=0))
        if rules.is_plain and reach.shape[1]:
            keep = _undominated(reach)
            reach, column = reach[:, keep], column[keep]
        if reach.shape == size:
            return Cover(reach=reach, column=column)


def _without_implied(reach: BoolArray) -> BoolArray:
    if not 1 < len(reach) <= _MOST_COMPARED:
        return reach
    table = reach.astype(np.float32)
    count = reach.sum(axis=1)
    holds = (table @ table.T == count[None, :]) & (count[None, :] < count[:, None])
    kept: BoolArray = reach[~holds.any(axis=1)]
    return kept


def _undominated(reach: BoolArray) -> IntArray:
    """Return columns that no other covers as well as; of equal ones the first."""
    _, first = np.unique(reach.T, axis=0, return_index=True)
    first = np.sort(first)
    if len(first) > _MOST_COMPARED:
        return first
    table = reach[:, first].astype(np.float32)
    count = table.sum(axis=0)
    holds = (table.T @ table == count[:, None]) & (count[:, None] < count[None, :])
    kept: IntArray = first[~holds.any(axis=1)]
    return kept


def model_of(cover: Cover, rules: Rules, *, is_whole: bool) -> LinearModel:
    """Return the model of opening the fewest columns that cover all rows."""
    model = LinearModel()
    count = len(cover.column)
    columns = model.columns(np.ones(count), is_whole=is_whole)
    row, at = np.nonzero(cover.reach)
    model.rows(len(cover.reach), (row, columns[at], 1.0), lower=1.0)
    # Opening more than allowed is of no use: the model says so at once.
    left = rules.max_open - int(rules.is_fixed.sum())
    if is_whole:
        model.rows(1, (np.zeros(count, dtype=np.int64), columns, 1.0), upper=float(left))
    if np.isfinite(rules.budget):
        spend = rules.spend[cover.column]
        rest = rules.budget - float(rules.spend[rules.is_fixed].sum())
        model.rows(1, (np.zeros(count, dtype=np.int64), columns, spend), upper=rest)
    place = np.full(len(rules.is_fixed), -1, dtype=np.int64)
    place[cover.column] = np.arange(count)
    for first, second in rules.conflicts:
        taken = place[[first, second]]
        inside = taken[taken >= 0]
        # A column in conflict with an open one stays closed.
        limit = 1.0 - float(rules.is_fixed[[first, second]].sum())
        if len(inside):
            zeros = np.zeros(len(inside), dtype=np.int64)
            model.rows(1, (zeros, columns[inside], 1.0), upper=limit)
    return model


def relaxed(
    cover: Cover, rules: Rules, limits: _solver.Limits, hooks: _solver.Hooks
) -> tuple[bool | None, FloatArray | None]:
    """Return whether the relaxation rules the radius out (None if stopped), and open shares."""
    left = rules.max_open - int(rules.is_fixed.sum())
    if len(cover.reach) and not cover.reach.any(axis=1).all():
        return True, None
    if not len(cover.reach):
        return left < 0, np.zeros(len(cover.column))
    outcome = _solver.solve(
        model_of(cover, rules, is_whole=False), solver="HiGHS", limits=limits, hooks=hooks
    )
    if outcome.ending is _solver.Ending.INFEASIBLE:
        return True, None
    if outcome.ending is not _solver.Ending.OPTIMAL or outcome.values is None:
        return None, None
    return outcome.bound > left + _BEYOND, outcome.values
