"""The first half of a search over columns: the relaxation, dives to a plan, and cuts.

Columns whose reduced cost exceeds the gap are left out as the bound rises.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.engines._columns import Columns
from dispatchopt.routing.engines._cuts import violated_cuts
from dispatchopt.routing.engines._effort import Effort, Warm
from dispatchopt.routing.engines._relaxation import Relaxation, Solved
from dispatchopt.routing.engines._tree import Tree

_ZERO = 1e-6


class ColumnSearch:
    """One search.

    Parameters
    ----------
    columns
        All columns.
    best
        What is proven: that no plan stays below, or which. The cost of the best plan known.
    plan
        That cost, if it is another: plans below it are of use too.
    ceiling
        Cost from which on plans may have columns that are not there: proofs end here.
    known
        Columns of plans that are known, to start from.
    current
        Returns the columns of the best plan known, ascending, by origin, and the orders by distance
        from each order.
    warm
        What an earlier search ended with, if it was nearly this one.
    offer
        Called with columns (by origin) and cost of each better plan.
    tell_bound
        Called with each higher bound on all plans.
    improve
        Called for a better plan where the gap is wide, with what one courier more would save, per
        class, and how many times as long as usual; returns the cost of the best one.
    should_stop, time_left
        Whether to end, and seconds till then.
    """

    def __init__(
        self,
        columns: Columns,
        *,
        best: float,
        known: IntArray,
        effort: Effort,
        seed: int,
        offer: Callable[[IntArray, float], None],
        tell_bound: Callable[[float], None],
        should_stop: Callable[[], bool],
        time_left: Callable[[], float],
        improve: Callable[[FloatArray, int], float] | None = None,
        warm: Warm | None = None,
        current: Callable[[], tuple[IntArray, IntArray]] | None = None,
        plan: float | None = None,
        ceiling: float = math.inf,
    ) -> None:
        self.columns, self.best = columns, best
        self.plan = best if plan is None else plan
        self.ceiling = ceiling
        self._improve = improve
        self.bound = -math.inf
        self.duals: FloatArray = np.zeros(columns.num_rows)
        self.kept: Warm | None = None
        self._warm, self._current = warm, current
        self._known, self._effort, self._seed = known, effort, seed
        self._offer, self._tell_bound = offer, tell_bound
        self._should_stop, self._time_left = should_stop, time_left

    def look(self) -> None:
        """Look for a plan by cuts and dives, with all columns in the linear programme."""
        relaxation = self._relaxation(np.arange(len(self.columns)))
        root = relaxation.converge()
        if root is None:
            return
        state = self._shrink(relaxation, *root, is_first=True)
        state = None if state is None else self._tighten(*state)
        if state is not None and not self._should_stop():
            self._dive(*state[:2])

    def _is_wide(self, share: float) -> bool:
        return self.best - self.bound > share * abs(self.best)

    def _look(self, wide: float, times: int = 1) -> None:
        """Look for a better plan if the gap is wide, so many times as long as usual."""
        if self._improve is None or self._should_stop():
            return
        if self._is_wide(wide):
            courier = self.duals[self.columns.num_orders : self.columns.num_rows - 1]
            self.best = min(self.best, self._improve(np.maximum(-courier, 0.0), times))
            self.plan = min(self.plan, self.best)

    def _is_proven(self) -> bool:
        return self.bound > self.best - 1 + _ZERO

    def _relaxation(self, some: IntArray) -> Relaxation:
        return Relaxation(self.columns, some, seed=self._seed, time_left=self._time_left)

    def _raise(self, value: float) -> None:
        """Tell the bound: costs are whole, so it may be rounded up."""
        if not math.isfinite(value):
            return
        whole = float(math.ceil(value - 1e-6 * max(1.0, abs(value)) ** 0.5 - 1e-6))
        whole = min(whole, self.best)
        if whole > self.bound:
            self.bound = whole
            self._tell_bound(whole)

    def _found(self, chosen: IntArray, cost: float) -> None:
        if cost < self.plan - 0.5:
            self.best, self.plan = min(cost, self.best), cost
            self._offer(np.sort(self.columns.origin[chosen]), cost)

    def _offered(self, origin: IntArray, cost: float) -> None:
        self.best = min(self.best, cost)
        self.plan = min(self.plan, cost)
        self._offer(origin, cost)

    def _shrink(
        self, relaxation: Relaxation, solved: Solved, reduced: FloatArray, *, is_first: bool
    ) -> tuple[Relaxation, Solved, FloatArray] | None:
        """Note the bound, look for a plan, leave out what costs too much; None at the end."""
        columns = self.columns
        if solved.is_infeasible:
            self._raise(self.best)
            return None
        value = columns.bound(solved.duals, reduced, columns.sides())
        self._raise(value)
        if solved.is_whole:
            self._found(solved.columns, float(columns.cost[solved.columns].sum()))
        if self._is_proven() or self._should_stop():
            return None
        if is_first:
            self._look(self._effort.wide_first)
            self._dive(relaxation, solved)
            if self._is_proven() or self._should_stop():
                return None
        keep = reduced <= self.best - 1 - value + 1e-4
        if keep.sum() > 0.7 * len(columns):
            return relaxation, solved, reduced
        rest = np.flatnonzero(keep)
        self.columns = columns.take(rest)
        smaller = relaxation.narrowed(self.columns, rest)
        again = smaller.converge()
        return None if again is None else (smaller, *again)

    def _dive(self, relaxation: Relaxation, solved: Solved) -> None:
        """Look for a plan by rounding up; the relaxation is left without bans."""
        columns = self.columns
        basis = relaxation.basis()
        tree = self._tree(columns, relaxation)
        lower, upper = columns.sides()
        nothing = np.zeros(len(columns), dtype=np.bool_)
        tree.dive(nothing, solved)
        relaxation.restrict(nothing, lower, upper)
        relaxation.set_basis(basis)

    def _tree(self, columns: Columns, relaxation: Relaxation) -> Tree:
        return Tree(
            columns,
            relaxation,
            best=self.best,
            known=self.plan,
            offer=self._found,
            tell_bound=self._raise,
            should_stop=self._should_stop,
        )

    def _tighten(
        self, relaxation: Relaxation, solved: Solved, reduced: FloatArray
    ) -> tuple[Relaxation, Solved, FloatArray] | None:
        """Raise the bound by cuts; None at the end of the search."""
        first = value = solved.value
        slow = 0
        for _ in range(self._effort.cut_rounds):
            cuts = violated_cuts(self.columns, solved, self._effort.cuts_per_round)
            if not cuts:
                break
            relaxation.cut(cuts)
            again = relaxation.converge()
            if again is None:
                return None
            state = self._shrink(relaxation, *again, is_first=False)
            if state is None:
                return None
            relaxation, solved, reduced = state
            is_used = np.abs(solved.duals[self.columns.num_rows :]) > 1e-9
            relaxation.drop_cuts(is_used)
            keep = np.concatenate([np.ones(self.columns.num_rows, dtype=np.bool_), is_used])
            solved = Solved(solved.value, solved.duals[keep], solved.columns, solved.shares)
            effort, rise = self._effort, solved.value - value
            is_slow = rise < effort.least_rise * (
                solved.value - first
            ) or rise < effort.least_closed * (self.best - solved.value)
            slow = slow + 1 if is_slow else 0
            if slow > 1:
                break
            value = solved.value
        return relaxation, solved, reduced

    def _value(self, solved: Solved, reduced: FloatArray) -> float:
        """Return the bound that the reduced costs belong to, not rounded."""
        return self.columns.bound(solved.duals, reduced, self.columns.sides())
