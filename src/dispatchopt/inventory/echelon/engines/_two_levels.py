"""One warehouse and its stores: the least cost over all warehouse levels, with a proof.

With a warehouse level one higher, what it owes is one less or nothing, a unit of each store's
share; so stores' costs fall as the level rises, while warehouse stock rises. Between two levels a
and b, no cost is below warehouse stock at a + 1 and the stores' cost at b.

That stores' costs fall: taking the unit away takes from a store's units on order Z of them, 0 or 1,
and Z is the likelier the more are on order. By Chebyshev's sum inequality an independent Z of the
same mean would make the convex cost no larger, and a store that lowers its level by such a Z turns
the one cost into the other.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.echelon.engines._laws import Stores, debt, poisson
from dispatchopt.inventory.echelon.problem import EchelonProblem


class TwoLevels:
    """Costs of one tree of two levels, by warehouse level."""

    def __init__(self, problem: EchelonProblem, root: int) -> None:
        self.root = root
        self.held = float(problem.holding_cost[root])
        mean = float(problem.total_rate[root] * problem.lead_time[root])
        self.law: FloatArray = poisson(np.array([mean]))[0]
        own, total = float(problem.rate[root]), float(problem.total_rate[root])
        #: Cost of a unit owed that is one of the warehouse's own customers'.
        self.short = float(problem.shortage_cost[root]) * own / total if total > 0 else 0.0
        self.mean = mean
        #: No level beyond it owes anything.
        self.most = self.law.size - 1
        self.stores = Stores(problem, problem.groups[root])
        self.known: dict[int, tuple[float, float, IntArray]] = {}

    def stock(self, level: int) -> float:
        """Return the cost of the warehouse's own stock."""
        over = np.maximum(level - np.arange(self.law.size), 0)
        return self.held * float(over @ self.law)

    def at(self, level: int) -> tuple[float, float, IntArray]:
        """Return the whole cost, that of debts and stores alone, and the stores' levels."""
        if level not in self.known:
            owed = debt(self.law, level)
            levels, costs = self.stores.best(owed)
            below = float(costs.sum()) + self.short * float(np.arange(owed.size) @ owed)
            self.known[level] = (below + self.stock(level), below, levels)
        return self.known[level]

    def cost(self, level: int) -> float:
        """Return the whole cost at a warehouse level and the best store levels."""
        return self.at(level)[0]

    def best(self) -> int:
        """Return the cheapest level tried so far."""
        return min(self.known, key=lambda level: (self.known[level][0], level))

    def descend(self, stop: Callable[[], bool]) -> None:
        """Try levels from about the mean on, in ever smaller steps, towards less cost."""
        at = min(int(self.mean), self.most)
        step = max(1, int(np.sqrt(self.mean)))
        self.cost(at)
        while not stop():
            around = [at + step, at - step]
            better = next(
                (each for each in around
                 if 0 <= each <= self.most and self.cost(each) < self.cost(at)), None
            )  # fmt: skip
            if better is not None:
                at = better
            elif step == 1:
                return
            else:
                step //= 2

    def prove(self, gap: float, stop: Callable[[], bool]) -> float:
        """Search until no level between those tried can be cheaper; return the bound."""
        self.cost(self.most)
        tried = sorted({-1, *self.known})
        heap = [
            (self._least(low, high), low, high)
            for low, high in itertools.pairwise(tried)
            if high - low > 1
        ]
        heapq.heapify(heap)
        while heap:
            best = self.cost(self.best())
            least, low, high = heap[0]
            if least >= best - max(1e-9 * abs(best), gap * abs(best)):
                break
            if stop():
                return min(least, best)
            heapq.heappop(heap)
            middle = self._between(low, high)
            self.cost(middle)
            for left, right in ((low, middle), (middle, high)):
                if right - left > 1:
                    heapq.heappush(heap, (self._least(left, right), left, right))
        best = self.cost(self.best())
        return min(heap[0][0], best) if heap else best

    def _between(self, low: int, high: int) -> int:
        """Return a level inside an interval, not farther from the best than it need be."""
        best = self.best()
        if best <= low:
            return min(low + 2 * (low - best) + 1, (low + high) // 2)
        if best >= high:
            return max(high - 2 * (best - high) - 1, (low + high) // 2)
        return (low + high) // 2

    def _least(self, low: int, high: int) -> float:
        """Return what no level between two can undercut; ``low`` is -1 before the first."""
        return self.stock(low + 1) + self.at(high)[1]
