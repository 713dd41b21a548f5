"""The linear relaxation over some columns, kept in HiGHS between solves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.routing.engines._columns import Columns, Cut

#: Columns added between two solves.
_MOST_ADDED = 2_000
_ZERO = 1e-6
_DUAL, _PRIMAL = 1, 4


@dataclass(frozen=True, eq=False)
class Solved:
    """An optimum of the relaxation.

    ``value`` is its cost, ``duals`` has an entry per row, ``columns`` and ``shares`` say what is
    chosen, and how much of it. ``is_infeasible`` means that there is none.
    """

    value: float
    duals: FloatArray
    columns: IntArray
    shares: FloatArray
    is_infeasible: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether nothing is chosen in part."""
        return bool((self.shares > 1 - _ZERO).all())


@dataclass(eq=False)
class Basis:
    """A basis of the solver, and of how many columns; to ask itself copies its whole list."""

    held: Any
    num_columns: int


class Relaxation:
    """A linear programme over some of the columns; columns, cuts and bans may be added."""

    def __init__(
        self, columns: Columns, some: IntArray, *, seed: int, time_left: Callable[[], float]
    ) -> None:
        import highspy

        self.columns = columns
        self.present = np.zeros(0, dtype=np.int64)
        self.is_present: BoolArray = np.zeros(len(columns), dtype=np.bool_)
        self._time_left, self._seed = time_left, seed
        self._highspy = highspy
        self._solver: Any = highspy.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("presolve", "off"),
            ("random_seed", seed % (1 << 30)),
        ):
            self._solver.setOptionValue(name, value)
        self._strategy = _DUAL
        self.lower, self.upper = (side.copy() for side in columns.sides())
        nothing = np.zeros(0, dtype=np.int32)
        starts = np.zeros(len(self.lower), dtype=np.int32)
        self._solver.addRows(
            len(self.lower), self.lower, self.upper, 0, starts, nothing, np.zeros(0)
        )
        self.add(some)

    def add(self, some: IntArray) -> None:
        """Add columns that are not present yet."""
        columns = self.columns
        rows = columns.members[some]
        used = rows < columns.num_rows
        owners, entries = [np.nonzero(used)[0]], [rows[used]]
        values = [np.ones(len(entries[0]))]
        position = np.full(len(columns), -1, dtype=np.int64)
        position[some] = np.arange(len(some))
        for number, cut in enumerate(columns.cuts):
            at = position[cut.hit]
            owners.append(at[at >= 0])
            entries.append(np.full(len(owners[-1]), columns.num_rows + number))
            values.append(cut.factor[at >= 0])
        owner = np.concatenate(owners)
        order = np.argsort(owner, kind="stable")
        self._solver.addCols(
            len(some),
            columns.cost[some],
            np.zeros(len(some)),
            np.full(len(some), math.inf),
            len(owner),
            np.searchsorted(owner[order], np.arange(len(some))).astype(np.int32),
            np.concatenate(entries)[order].astype(np.int32),
            np.concatenate(values)[order],
        )
        self.present = np.concatenate([self.present, some])
        self.is_present[some] = True
        self._strategy = _PRIMAL

    def grow(self, columns: Columns) -> None:
        """Go on with columns of which the first ones are those so far; the others are added."""
        first, last = len(self.columns), len(columns)
        self.columns = columns
        self.is_present = np.append(self.is_present, np.zeros(last - first, dtype=np.bool_))
        self.add(np.arange(first, last))

    def cut(self, cuts: list[Cut]) -> None:
        """Add inequalities; they become part of the columns' model too."""
        columns = self.columns
        position = np.full(len(columns), -1, dtype=np.int64)
        position[self.present] = np.arange(len(self.present))
        entries, values, starts = [], [], [0]
        for cut in cuts:
            at = position[cut.hit]
            entries.append(at[at >= 0])
            values.append(cut.factor[at >= 0])
            starts.append(starts[-1] + len(entries[-1]))
        limits = np.array([cut.limit for cut in cuts], dtype=np.float64)
        below = np.zeros(len(cuts))
        self._solver.addRows(
            len(cuts),
            below,
            limits,
            starts[-1],
            np.array(starts[:-1], dtype=np.int32),
            np.concatenate(entries).astype(np.int32),
            np.concatenate(values),
        )
        columns.cuts.extend(cuts)
        self.lower = np.concatenate([self.lower, below])
        self.upper = np.concatenate([self.upper, limits])
        self._strategy = _DUAL

    def drop_cuts(self, keep: BoolArray) -> None:
        """Leave out cuts, shape (num_cuts,); they leave the columns' model too."""
        columns = self.columns
        gone = columns.num_rows + np.flatnonzero(~keep)
        if not len(gone):
            return
        self._solver.deleteRows(len(gone), gone.astype(np.int32))
        columns.cuts[:] = [cut for cut, is_kept in zip(columns.cuts, keep, strict=True) if is_kept]
        self.lower, self.upper = np.delete(self.lower, gone), np.delete(self.upper, gone)

    def restrict(self, is_banned: BoolArray, lower: FloatArray, upper: FloatArray) -> None:
        """Ban columns, shape (num_columns,), and set the sides of the courier rows."""
        banned = is_banned[self.present]
        count = len(self.present)
        self._solver.changeColsBounds(
            count,
            np.arange(count, dtype=np.int32),
            np.zeros(count),
            np.where(banned, 0.0, math.inf),
        )
        first = self.columns.num_orders
        for row in range(first, self.columns.num_rows):
            if lower[row] != self.lower[row] or upper[row] != self.upper[row]:
                self._solver.changeRowBounds(row, lower[row], upper[row])
        self.lower[first : self.columns.num_rows] = lower[first : self.columns.num_rows]
        self.upper[first : self.columns.num_rows] = upper[first : self.columns.num_rows]
        self._strategy = _DUAL

    def narrowed(self, columns: Columns, some: IntArray) -> Relaxation:
        """Return the relaxation over fewer columns, at the basis that was met last.

        ``columns`` are ``some`` of the columns, which are its own by number, ascending.
        """
        inside = np.flatnonzero(self.is_present[some])
        made = Relaxation(columns, inside, seed=self._seed, time_left=self._time_left)
        kinds = self._highspy.HighsBasisStatus
        old = self._solver.getBasis()
        # Each look at a list of the solver copies the whole of it.
        own, rows = list(old.col_status), list(old.row_status)
        place = np.full(len(self.columns), -1, dtype=np.int64)
        place[self.present] = np.arange(len(self.present))
        states = [own[at] for at in place[some[inside]].tolist()]
        if (states + rows).count(kinds.kBasic) == len(self.lower):
            basis = self._highspy.HighsBasis()
            basis.col_status, basis.row_status = states, rows
            made.set_basis(Basis(basis, len(inside)))
        return made

    def missing(self, is_banned: BoolArray) -> IntArray:
        """Return the columns that are neither banned nor present."""
        return np.flatnonzero(~self.is_present & ~is_banned)

    def basis(self) -> Basis:
        """Return the basis, for ``set_basis``."""
        return Basis(self._solver.getBasis(), len(self.present))

    def set_basis(self, basis: Basis) -> None:
        """Go on from a basis that was met with these rows, before any columns were added."""
        missing = len(self.present) - basis.num_columns
        if missing:
            lower = self._highspy.HighsBasisStatus.kLower
            basis.held.col_status = [*basis.held.col_status, *[lower] * missing]
            basis.num_columns += missing
        self._solver.setBasis(basis.held)

    def solve(self, *, most_steps: int | None = None) -> Solved | None:
        """Return the optimum over the present columns; None if there was no time."""
        left_s = self._time_left()
        if left_s <= 0:
            return None
        solver = self._solver
        if not math.isinf(left_s):
            solver.setOptionValue("time_limit", float(solver.getRunTime()) + left_s)
        solver.setOptionValue("simplex_iteration_limit", most_steps or (1 << 30))
        solver.setOptionValue("simplex_strategy", self._strategy)
        solver.run()
        kinds, status = self._highspy.HighsModelStatus, solver.getModelStatus()
        nothing = np.zeros(0)
        if status in {kinds.kInfeasible, kinds.kUnboundedOrInfeasible}:
            none = np.zeros(0, dtype=np.int64)
            return Solved(math.inf, nothing, none, nothing, is_infeasible=True)
        is_cut_short = most_steps is not None and status == kinds.kIterationLimit
        if status != kinds.kOptimal and not is_cut_short:
            return None
        found = solver.getSolution()
        shares = np.array(found.col_value, dtype=np.float64)
        used = np.flatnonzero(shares > _ZERO)
        return Solved(
            float(solver.getInfo().objective_function_value),
            np.array(found.row_dual, dtype=np.float64),
            self.present[used],
            shares[used],
        )

    def converge(self, is_banned: BoolArray | None = None) -> tuple[Solved, FloatArray] | None:
        """Add columns till none is missing; return the optimum and all reduced costs."""
        while True:
            solved = self.solve()
            if solved is None or solved.is_infeasible:
                return None if solved is None else (solved, np.zeros(0))
            reduced = self.columns.reduced(solved.duals)
            is_missing = (reduced < -_ZERO) & ~self.is_present
            missing = np.flatnonzero(is_missing if is_banned is None else is_missing & ~is_banned)
            if not len(missing):
                return solved, reduced
            if len(missing) > _MOST_ADDED:
                least = np.argpartition(reduced[missing], _MOST_ADDED)[:_MOST_ADDED]
                missing = missing[least]
            self.add(np.sort(missing))
