"""Set partitioning over columns, to proven optimality or till time is up.

1. The linear relaxation, by pricing all columns in vectors.
2. A dive to a first plan; columns whose reduced cost exceeds the gap are left out.
3. Subset-row and zero-half cuts, in rounds; the bound rises, and more columns are left out.
4. Branch and bound. While many columns are left, only those are taken whose reduced cost is below
   a guess of the gap: if a plan is found, or none, all is proven up to the guess, which then grows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.engines._columns import Columns, Cut
from dispatchopt.routing.engines._effort import Effort, Warm, starting_columns
from dispatchopt.routing.engines._regions import improve_by_regions
from dispatchopt.routing.engines._relaxation import Relaxation, Solved
from dispatchopt.routing.engines._subset_rows import violated_triples
from dispatchopt.routing.engines._tree import Tree
from dispatchopt.routing.engines._zero_half import zero_half_cuts

_ZERO = 1e-6
#: How often the search of a region asks whether to end: about its rounds of cuts and dives.
_REGION_CALLS = 40


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
        Called for a better plan where the gap is wide; returns the cost of the best one.
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
        improve: Callable[[], float] | None = None,
        warm: Warm | None = None,
        current: Callable[[], tuple[IntArray, IntArray]] | None = None,
        plan: float | None = None,
        ceiling: float = math.inf,
    ) -> None:
        self.columns = columns
        self.best = best
        self.plan = best if plan is None else plan
        self.ceiling = ceiling
        self._improve = improve
        self.bound = -math.inf
        self.duals: FloatArray = np.zeros(columns.num_rows)
        self.kept: Warm | None = None
        self._warm = warm
        self._current = current
        self._known, self._effort, self._seed = known, effort, seed
        self._offer, self._tell_bound = offer, tell_bound
        self._should_stop, self._time_left = should_stop, time_left

    def solve(self) -> bool:
        """Search; returns whether the best plan is proven (or that there is none below)."""
        relaxation = self._relaxation(self._starting())
        if self._warm is not None and len(self._warm.cuts):
            relaxation.cut([self.columns.subset_row(cut) for cut in self._warm.cuts])
        root = relaxation.converge()
        if root is None:
            return False
        self.duals = root[0].duals[: self.columns.num_rows].copy()
        self._keep(relaxation, root[1])
        state = self._shrink(relaxation, *root, is_first=True)
        if state is None:
            return self._is_proven()
        state = self._tighten(*state)
        if state is None:
            return self._is_proven()
        self._keep(state[0], state[2])
        self._dive(*state[:2])
        if self.best - self.bound > self._effort.wide_region * abs(self.best):
            self._by_regions(state[2])
        self._look(self._effort.wide_cut)
        return self._close(*state[1:])

    def _by_regions(self, reduced: FloatArray) -> None:
        """Better the best plan, region by region."""
        if self._current is None:
            return
        left_s = self._time_left()
        kept_s = 0.0 if math.isinf(left_s) else (1 - self._effort.region_share) * left_s
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

        improve_by_regions(
            columns,
            reduced,
            plan,
            near,
            solve=solve,
            should_stop=lambda: (
                self._should_stop() or self._is_proven() or self._time_left() < kept_s
            ),
            seed=self._seed,
        )

    def _starting(self) -> IntArray:
        """Return the columns that the linear programme starts from."""
        warm = self._warm
        if warm is None:
            return starting_columns(self.columns, self._known, self._effort)
        some = starting_columns(self.columns, self._known, self._effort, warm.is_new)
        return np.union1d(some, warm.columns)

    def _keep(self, relaxation: Relaxation, reduced: FloatArray) -> None:
        """Keep what a search for the next state may begin with."""
        present = relaxation.present
        least = present[np.argsort(reduced[present], kind="stable")[: self._effort.most_kept]]
        triples = [cut.orders for cut in self.columns.cuts if cut.orders]
        self.kept = Warm(
            columns=np.sort(self.columns.origin[least]),
            cuts=np.array(triples, dtype=np.int64).reshape(-1, 3),
        )

    def _look(self, wide: float) -> None:
        """Look for a better plan if the gap is wide."""
        if self._improve is None or self._should_stop():
            return
        if self.best - self.bound > wide * abs(self.best):
            self.best = min(self.best, self._improve())
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
        present = relaxation.is_present[rest]
        self.columns = columns.take(rest)
        smaller = self._relaxation(np.flatnonzero(present))
        again = smaller.converge()
        return None if again is None else (smaller, *again)

    def _dive(self, relaxation: Relaxation, solved: Solved) -> None:
        """Look for a plan by rounding up; the relaxation is left without bans."""
        columns = self.columns
        basis = relaxation.basis()
        count = len(relaxation.present)
        tree = self._tree(columns, relaxation)
        lower, upper = columns.sides()
        nothing = np.zeros(len(columns), dtype=np.bool_)
        tree.dive(nothing, solved)
        relaxation.restrict(nothing, lower, upper)
        if count == len(relaxation.present):
            relaxation.set_basis(basis)

    def _tree(self, columns: Columns, relaxation: Relaxation) -> Tree:
        def offer(chosen: IntArray, cost: float) -> None:
            if cost < self.plan - 0.5:
                self.best, self.plan = min(cost, self.best), cost
                self._offer(np.sort(columns.origin[chosen]), cost)

        return Tree(
            columns,
            relaxation,
            best=self.best,
            known=self.plan,
            offer=offer,
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
            cuts = self._violated(solved)
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
            is_slow = solved.value - value < self._effort.least_rise * (solved.value - first)
            slow = slow + 1 if is_slow else 0
            if slow > 1:
                break
            value = solved.value
        return relaxation, solved, reduced

    def _violated(self, solved: Solved) -> list[Cut]:
        columns = self.columns
        holds = np.zeros((len(solved.columns), columns.num_rows + 1))
        for rows in columns.members[solved.columns].T:
            holds[np.arange(len(holds)), rows] = 1.0
        most = self._effort.cuts_per_round
        triples = violated_triples(holds[:, : columns.num_orders], solved.shares, most)
        cuts = [columns.subset_row(triple) for triple in triples]
        if len(cuts) < most // 6:
            cuts += zero_half_cuts(columns, solved.columns, solved.shares, most)
        return cuts

    def _value(self, solved: Solved, reduced: FloatArray) -> float:
        """Return the bound that the reduced costs belong to, not rounded."""
        return self.columns.bound(solved.duals, reduced, self.columns.sides())

    def _close(self, solved: Solved, reduced: FloatArray) -> bool:
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
            if not self._part(some, ceiling):
                return False
            self._raise(min(self.best, ceiling))
            guess *= self._effort.guess_growth
        return True

    def _part(self, some: IntArray, ceiling: float) -> bool:
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
        return part.prove() or self._is_proven()

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

    def prove(self) -> bool:
        """Cut and branch, with all columns in the linear programme."""
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
        self.columns = self.columns.take(np.flatnonzero(keep))
        relaxation = self._relaxation(np.arange(len(self.columns)))
        if relaxation.solve() is None:
            return False
        return self._tree(self.columns, relaxation).search()
