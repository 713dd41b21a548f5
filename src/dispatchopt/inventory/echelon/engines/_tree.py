"""Any tree of stages: its cost for given levels of inner stages, leaves at their best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.echelon.engines._laws import Stores, debt, on_order, poisson
from dispatchopt.inventory.echelon.problem import EchelonProblem


class Tree:
    """One tree under Poisson demand; inner stages are those that supply others."""

    def __init__(self, problem: EchelonProblem, root: int) -> None:
        self.problem = problem
        self.inner: list[int] = []
        self.children: dict[int, list[int]] = {}
        self.stores: dict[int, Stores] = {}
        waiting = [root]
        while waiting:
            stage = waiting.pop()
            self.inner.append(stage)
            below = problem.groups.get(stage, np.zeros(0, dtype=np.int64))
            is_inner = problem.has_customers[below]
            self.children[stage] = below[is_inner].tolist()
            self.stores[stage] = Stores(problem, below[~is_inner])
            waiting += self.children[stage]
        mean = problem.total_rate * problem.lead_time
        self.mean = {stage: float(mean[stage]) for stage in self.inner}
        self.level = {stage: int(self.mean[stage]) for stage in self.inner}
        self.cost, self.store_levels = self.evaluate(self.level)

    def evaluate(self, level: dict[int, int]) -> tuple[float, dict[int, IntArray]]:
        """Return the cost, in transit apart, and the leaves' best levels by their supplier."""
        problem, total, found = self.problem, 0.0, {}
        nothing = np.ones(1)
        waiting = [(self.inner[0], nothing)]
        while waiting:
            stage, owed_above = waiting.pop()
            law = self._law(stage, owed_above)
            owed = debt(law, level[stage])
            units = np.arange(law.size)
            total += float(problem.holding_cost[stage]) * float(
                np.maximum(level[stage] - units, 0) @ law
            )
            rate = float(problem.total_rate[stage])
            if rate > 0:
                own = float(problem.rate[stage]) / rate
                late = float(np.arange(owed.size) @ owed)
                total += float(problem.shortage_cost[stage]) * own * late
            found[stage], costs = self.stores[stage].best(owed)
            total += float(costs.sum())
            waiting += [(child, owed) for child in self.children[stage]]
        return total, found

    def descend(self, stop: Callable[[], bool]) -> None:
        """Move one level at a time, in ever smaller steps, towards less cost."""
        step = max(1, int(np.sqrt(max(self.mean.values()))))
        while not stop():
            moved = [self._move(stage, step, stop) for stage in self.inner]
            if any(moved):
                continue
            if step == 1:
                return
            step //= 2

    def _move(self, stage: int, step: int, stop: Callable[[], bool]) -> bool:
        for change in (step, -step):
            if stop():
                return False
            level = {**self.level, stage: max(0, self.level[stage] + change)}
            cost, levels = self.evaluate(level)
            if cost < self.cost - 1e-12 * abs(self.cost):
                self.level, self.cost, self.store_levels = level, cost, levels
                return True
        return False

    def _law(self, stage: int, owed: FloatArray) -> FloatArray:
        mean = np.array([self.mean[stage]])
        if owed.size == 1:
            alone: FloatArray = poisson(mean)[0]
            return alone
        return on_order(float(self.problem.share[stage]), mean, owed)
