"""Set partitioning over columns, to proven optimality or till time is up.

1. The linear relaxation, by pricing all columns in vectors.
2. A dive to a first plan; columns whose reduced cost exceeds the gap are left out.
3. Subset-row and zero-half cuts, in rounds; the bound rises, and more columns are left out. Better
   plans by ruin and recreate and by regions, in turns, leave fewer columns to further cuts.
4. Branch and bound. While many columns are left, only those are taken whose reduced cost is below
   a guess of the gap: if a plan is found, or none, all is proven up to the guess, which then grows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.engines._columns import Columns
from dispatchopt.routing.engines._cuts import violated_cuts
from dispatchopt.routing.engines._effort import Effort, Warm, kept_columns, starting_columns
from dispatchopt.routing.engines._regions import bettered_regions
from dispatchopt.routing.engines._relaxation import Relaxation, Solved
from dispatchopt.routing.engines._tree import Tree

_ZERO = 1e-6
#: How often the search of a region asks whether to end: about its rounds of cuts and dives.
_REGION_CALLS = 40
#: Regions that may bring nothing in a turn.
_PATIENCE = 6
#: Before regions, ruin and recreate takes twice as long each time, up to so many times as at first.
_MOST_TIMES = 4


class Partition:
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

    def solve(self) -> bool:
        """Search; returns whether the best plan is proven (or that there is none below)."""
        some = starting_columns(self.columns, self._known, self._effort, self._warm)
        relaxation = self._relaxation(some)
        if self._warm is not None and len(self._warm.cuts):
            relaxation.cut([self.columns.subset_row(cut) for cut in self._warm.cuts])
        root = relaxation.converge()
        if root is None:
            return False
        self.duals = root[0].duals[: self.columns.num_rows].copy()
        self.kept = kept_columns(self.columns, relaxation.present, root[1], self._effort)
        state = self._shrink(relaxation, *root, is_first=True)
        if state is None:
            return self._is_proven()
        state = self._tighten(*state)
        if state is None:
            return self._is_proven()
        self.kept = kept_columns(self.columns, state[0].present, state[2], self._effort)
        self._dive(*state[:2])
        state = self._better(state)
        return self._is_proven() if state is None else self._close(*state)

    def _is_wide(self, share: float) -> bool:
        return self.best - self.bound > share * abs(self.best)

    def _better(
        self, state: tuple[Relaxation, Solved, FloatArray]
    ) -> tuple[Relaxation, Solved, FloatArray] | None:
        """Better the plan while the gap is wide; None at the end of the search.

        Ruin and recreate moves many orders a little, a region is solved as a whole: in turns they
        go on where the other one is stuck.
        """
        left_s, wide = self._time_left(), self._effort.wide_cut
        kept_s = 0.0 if math.isinf(left_s) else (1 - self._effort.better_share) * left_s
        regions: Iterator[bool] | None = None
        cut_at, times = math.inf, 1
        while self._is_wide(wide) and not self._should_stop() and self._time_left() > kept_s:
            best = self.best
            self._look(0.0, times)
            if regions is None and times < _MOST_TIMES and self._is_wide(self._effort.wide_region):
                times *= 2
                continue
            times = 1
            if self.best < cut_at:
                cut_at = self.best
                again = self._again(*state)
                if again is None:
                    return None
                state, regions = again, None
                if len(self.columns) <= self._effort.most_settled:
                    break
            regions = self._by_regions(state[2]) if regions is None else regions
            failed = 0
            for is_better in regions:
                failed = 0 if is_better else failed + 1
                if failed >= _PATIENCE or not self._is_wide(wide) or self._time_left() < kept_s:
                    break
            else:
                if self.best == best:
                    break
                regions = None
        return self._again(*state) if self.best < cut_at else state

    def _again(
        self, relaxation: Relaxation, solved: Solved, reduced: FloatArray
    ) -> tuple[Relaxation, Solved, FloatArray] | None:
        """Leave out and cut once more."""
        state = self._shrink(relaxation, solved, reduced, is_first=False)
        return None if state is None else self._tighten(*state)

    def _by_regions(self, reduced: FloatArray) -> Iterator[bool]:
        """Better the best plan, region by region; yields whether one was bettered."""
        if self._current is None:
            return
        origin, near = self._current()
        columns = self.columns
        plan = np.searchsorted(columns.origin, origin)
        plan = np.minimum(plan, len(columns) - 1)
        # A column that no better plan can hold may have been left out, though the best one has it.
        if not np.array_equal(columns.origin[plan], origin) or not len(origin):
            return

        def solve(some: IntArray) -> IntArray | None:
            found: list[IntArray] = []

            def offer(chosen: IntArray, cost: float) -> None:
                found.append(chosen)
                self._offered(chosen, cost)

            calls = itertools.count()
            part = Partition(
                columns.take(some),
                best=self.best,
                known=np.zeros(0, dtype=np.int64),
                effort=self._effort,
                seed=self._seed,
                offer=offer,
                tell_bound=lambda value: None,  # noqa: ARG005 - of a region only
                should_stop=lambda: next(calls) > _REGION_CALLS or self._should_stop(),
                time_left=self._time_left,
            )
            part.look()
            return np.searchsorted(columns.origin, found[-1]) if found else None

        yield from bettered_regions(
            columns,
            reduced,
            plan,
            near,
            solve=solve,
            should_stop=lambda: self._should_stop() or self._is_proven(),
            seed=self._seed,
        )

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

    def _close(self, relaxation: Relaxation, solved: Solved, reduced: FloatArray) -> bool:
        """Branch and bound, on as few columns as will do."""
        value = self._value(solved, reduced)
        order = np.sort(reduced)
        first = min(self._effort.first_guess, len(order) - 1)
        guess = max(float(order[first]), 1.0)
        while not self._is_proven():
            if self.bound >= self.ceiling:
                return False
            # A plan that costs less than a whole ceiling costs one less.
            ceiling = min(self.best, math.ceil(max(value, self.bound) + guess))
            some = np.flatnonzero(reduced <= ceiling - value + 1e-4)
            if not self._part(relaxation, some, ceiling):
                return False
            self._raise(min(self.best, ceiling))
            guess *= self._effort.guess_growth
        return True

    def _part(self, relaxation: Relaxation, some: IntArray, ceiling: float) -> bool:
        """Prove that some columns hold no plan below the ceiling, or find the best of them."""
        part = Partition(
            self.columns.take(some),
            best=ceiling,
            plan=self.best,
            known=np.zeros(0, dtype=np.int64),
            effort=self._effort,
            seed=self._seed,
            offer=self._offered,
            tell_bound=self._raise,
            # What is known outside may end the search inside.
            should_stop=lambda: self._should_stop() or self._is_proven(),
            time_left=self._time_left,
        )
        part.bound = self.bound
        narrow = relaxation.narrowed(part.columns, some, is_full=True)
        return part.prove(narrow) or self._is_proven()

    def _offered(self, origin: IntArray, cost: float) -> None:
        self.best = min(self.best, cost)
        self.plan = min(self.plan, cost)
        self._offer(origin, cost)

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

    def prove(self, relaxation: Relaxation | None = None) -> bool:
        """Cut and branch, with all columns in the linear programme."""
        if relaxation is None:
            relaxation = self._relaxation(np.arange(len(self.columns)))
        root = relaxation.converge()
        if root is None:
            return False
        state = self._shrink(relaxation, *root, is_first=True)
        state = None if state is None else self._tighten(*state)
        if state is None:
            return self._is_proven()
        relaxation, solved, reduced = state
        keep = reduced <= self.best - 1 - self._value(solved, reduced) + 1e-4
        rest = np.flatnonzero(keep)
        self.columns = self.columns.take(rest)
        relaxation = relaxation.narrowed(self.columns, rest, is_full=True)
        if relaxation.solve() is None:
            return False
        return self._tree(self.columns, relaxation).search()
