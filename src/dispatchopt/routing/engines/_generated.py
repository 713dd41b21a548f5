"""A search without a list of all trips: those near the optimum of the relaxation are generated.

1. The linear relaxation, by generating trips of negative reduced cost.
2. Subset-row cuts, whose prices trips are generated with from then on, raise its bound in rounds.
3. Trips whose reduced cost is below a small gap are listed: a plan that costs less than the bound
   and the gap has no others. The gap grows till there are many, or till nothing is left.
4. The search over these goes on as over all, and is proven up to the gap, which then grows.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import partial

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.run import Run
from dispatchopt.routing.bundles import Bundles, Enumeration, best_of_sets
from dispatchopt.routing.engines._bundle_search import BundleSearch
from dispatchopt.routing.engines._effort import Effort, Warm
from dispatchopt.routing.engines._generation import Generation, Near, small_bundles
from dispatchopt.routing.known_trips import keys_of
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution

#: Times that trips are listed; the gap grows between them.
_MOST_GAPS = 24
#: Shares of the time left that the cuts, and a list of trips, may take.
_CUT_SHARE, _LIST_SHARE = 0.2, 0.2
#: Within a list the gap grows by this power of what it grows by from one to the next.
_LIST_GROWTH = 0.5
#: As long as the trips of a list are fewer than this share of the most, it is made longer.
_FEW = 0.1


@dataclass(frozen=True, kw_only=True)
class Widths:
    """How many trips are listed.

    Parameters
    ----------
    max_small, max_near
        Most of the smaller trips that are kept, and most that are generated.
    first_gap, gap_growth
        Reduced cost of the trips that are generated first, as a share of the bound, and by what
        it grows.
    """

    max_small: int
    max_near: int
    first_gap: float
    gap_growth: float


def solve_generated(
    problem: RoutingProblem,
    found: Enumeration,
    run: Run[RoutingSolution],
    effort: Effort,
    widths: Widths,
) -> bool:
    """Search; returns False where the relaxation could not be solved."""
    search = _Generated(problem, found, run, effort, widths)
    search.relax()
    if math.isinf(search.generation.bound):
        return False
    return search.solve()


class _Generated:
    """One run."""

    def __init__(
        self,
        problem: RoutingProblem,
        found: Enumeration,
        run: Run[RoutingSolution],
        effort: Effort,
        widths: Widths,
    ) -> None:
        self.problem, self.run, self.effort, self.widths = problem, run, effort, widths
        self.small, self.size = small_bundles(found, widths.max_small)
        self.generation = Generation(
            problem,
            self.small,
            seed=run.seed,
            should_stop=run.should_stop,
            time_left=lambda: run.time_left_s,
        )
        self.gap = 0.0

    def relax(self) -> None:
        """Solve the relaxation, and cut it."""
        run = self.run
        solved = self.generation.relax(self._tell)
        if solved is not None:
            until_s = (1 - _CUT_SHARE) * run.time_left_s
            self.generation.tighten(
                solved,
                self._tell,
                partial(self._is_over, until_s),
                self.effort,
            )

    def solve(self) -> bool:
        """List trips and search among them, till nothing is left or time is up."""
        run, bound, reached = self.run, self.generation.bound, -math.inf
        self.gap = max(1.0, self.widths.first_gap * abs(bound))
        for _ in range(_MOST_GAPS):
            near = self._listed(reached) if run.step() else None
            if near is None:
                break
            reached = near.reached
            # A plan that costs less than that has no other trips; costs are whole.
            ceiling = float(math.ceil(bound + reached - 1e-3))
            self._search(near, ceiling)
            if run.objective is not None and run.objective <= max(ceiling, run.bound):
                break
            self.gap = self.widths.gap_growth * max(self.gap, reached)
        if math.isinf(reached):
            return False
        run.note(f"Other trips were generated, to {reached:.0f} above the relaxation.")
        return True

    def _listed(self, least: float) -> Near | None:
        """Return the trips whose reduced cost is below a gap; None if there is no wider list.

        As long as they are few the gap grows, which also tells how long a longer list would take.
        """
        run, widths = self.run, self.widths
        until_s = (1 - _LIST_SHARE) * run.time_left_s
        best: Near | None = None
        for _ in range(_MOST_GAPS):
            needed = math.inf
            if run.objective is not None:
                needed = run.objective - self.generation.bound + 1.0
            self.gap = min(self.gap, needed)
            near = self.generation.near(
                self.gap, widths.max_near, partial(self._is_over, -1.0 if best is None else until_s)
            )
            if near is not None and math.isinf(near.reached) and best is None:
                # There were too many sequences to end the search.
                self.gap /= widths.gap_growth**2
                continue
            if near is None or near.reached <= least:
                return best
            best = near
            is_long = near.reached < self.gap or near.count > _FEW * widths.max_near
            if is_long or self.gap >= needed:
                return best
            self.gap *= widths.gap_growth**_LIST_GROWTH
        return best

    def _is_over(self, until_s: float) -> bool:
        return self.run.should_stop() or self.run.time_left_s < until_s

    def _search(self, near: Near, ceiling: float) -> None:
        larger = [at for at, each in enumerate(near.bundles) if each.sequences.shape[1] > self.size]
        blocks = [near.bundles[at] for at in larger]
        between = self._between(blocks)
        part = Enumeration(blocks=self.small + between + blocks, is_complete=False)
        search = BundleSearch(self.effort, self.problem, part, self.run, ceiling)
        reduced = np.concatenate([np.zeros(0), *(near.reduced[at] for at in larger)])
        first = part.num_bundles - len(reduced)
        least = first + np.argsort(reduced, kind="stable")[: self.effort.most_kept]
        search.solve(None, Warm(columns=np.sort(least), cuts=self.generation.cuts.orders))

    def _between(self, blocks: list[Bundles]) -> list[Bundles]:
        """Return the trips through which larger ones can be reached order by order."""
        base = len(self.problem.orders)
        there: dict[tuple[int, int, int], list[IntArray]] = defaultdict(list)
        for each in blocks:
            key = each.courier, each.store, each.sequences.shape[1]
            there[key].append(keys_of(np.sort(each.sequences, axis=1), base))
        found = []
        for size in range(max((key[2] for key in there), default=0), self.size + 1, -1):
            for courier, store in sorted({key[:2] for key in there if key[2] == size}):
                sets = _sets_of(np.concatenate(there[courier, store, size]), size, base)
                parts = [keys_of(np.delete(sets, out, axis=1), base) for out in range(size)]
                own = np.unique(np.concatenate(parts))
                known = there[courier, store, size - 1]
                own = np.setdiff1d(own, np.concatenate([own[:0], *known]), assume_unique=True)
                known.append(own)
                own_sets = _sets_of(own, size - 1, base)
                found.append(best_of_sets(self.problem, courier, store, own_sets))
        return [each for each in found if len(each.cost)]

    def _tell(self, value: float) -> None:
        """Tell a bound, rounded up: costs are whole."""
        run = self.run
        whole = float(math.ceil(value - 1e-6 * max(1.0, abs(value)) ** 0.5 - 1e-6))
        run.raise_bound(whole if run.objective is None else min(whole, run.objective))


def _sets_of(keys: IntArray, size: int, base: int) -> IntArray:
    """Return the sorted sets that ``keys_of`` gave these numbers, shape (len(keys), size)."""
    powers = base ** np.arange(size - 1, -1, -1, dtype=np.int64)
    return np.asarray(keys[:, None] // powers % base)
