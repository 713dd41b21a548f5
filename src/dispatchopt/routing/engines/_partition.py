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
from collections.abc import Iterator

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.engines._column_search import ColumnSearch
from dispatchopt.routing.engines._effort import kept_columns, starting_columns
from dispatchopt.routing.engines._regions import bettered_regions
from dispatchopt.routing.engines._relaxation import Relaxation, Solved

#: How often the search of a region asks whether to end: about its rounds of cuts and dives.
_REGION_CALLS = 40
#: Regions that may bring nothing in a turn.
_PATIENCE = 6
#: Where a plan may refuse too many, ruin and recreate takes twice as long each time, up to so many
#: times as at first.
_MOST_TIMES = 4


class Partition(ColumnSearch):
    """One search, to a proof; parameters as there."""

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

    def _better(
        self, state: tuple[Relaxation, Solved, FloatArray]
    ) -> tuple[Relaxation, Solved, FloatArray] | None:
        """Better the plan while the gap is wide; None at the end of the search.

        Ruin and recreate moves many orders a little, a region is solved as a whole: in turns they
        go on where the other one is stuck.
        """
        columns = self.columns
        least_refusal = columns.cost[columns.store < 0].min(initial=math.inf)
        left_s, wide = self._time_left(), self._effort.wide_cut
        kept_s = 0.0 if math.isinf(left_s) else (1 - self._effort.better_share) * left_s
        regions: Iterator[bool] | None = None
        cut_at, times = math.inf, 1
        while self._is_wide(wide) and not self._should_stop() and self._time_left() > kept_s:
            best = self.best
            self._look(0.0, times)
            # A region hardly ever serves one order more; that takes changes all over the plan.
            if regions is None and times < _MOST_TIMES and self.best - self.bound > least_refusal:
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
        narrow = relaxation.narrowed(part.columns, some)
        return part.prove(narrow) or self._is_proven()

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
        relaxation = relaxation.narrowed(self.columns, rest)
        if relaxation.converge() is None:
            return False
        return self._tree(self.columns, relaxation).search()
