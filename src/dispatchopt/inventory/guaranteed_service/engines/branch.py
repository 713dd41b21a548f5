"""Any network to the proven optimum: bounds from priced forests, branching on waits."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.tolerance import bound_meets
from dispatchopt.inventory.guaranteed_service.engines._forest import (
    Box,
    tightened,
    whole_box,
)
from dispatchopt.inventory.guaranteed_service.engines._prices import Ascent, Pricing
from dispatchopt.inventory.guaranteed_service.problem import (
    GuaranteedServiceProblem,
    GuaranteedServiceSolution,
)


@dataclass(frozen=True, kw_only=True)
class BranchEngine:
    """Bounds by the exact recursion over a forest with prices on all other arcs; branch and bound.

    Parameters
    ----------
    root_steps, steps
        Price updates at the root of the search tree, and at other nodes.
    max_nodes
        Nodes of the search tree, a limit that is the same on any machine.
    """

    root_steps: int = 400
    steps: int = 30
    max_nodes: int = 20_000
    name: str = "branch"
    packages: tuple[str, ...] = ("numpy",)

    def unsupported(self, problem: GuaranteedServiceProblem) -> str | None:
        """Take everything."""
        del problem
        return None

    def search(
        self, problem: GuaranteedServiceProblem, run: Run[GuaranteedServiceSolution]
    ) -> None:
        """Price at the root, then branch on the node with the least bound."""
        if not problem.num_stages:
            run.offer(_answer(np.zeros(0, dtype=np.int64)), claimed=0.0)
            run.raise_bound(0.0)
            return
        pricing = Pricing(problem)
        if run.start is not None:
            pricing.best_service = run.start.service_periods
            pricing.best_cost = pricing.cost_of(run.start.service_periods)

        def proceed(found: Pricing, bound: float) -> bool:
            if found.best_service is not None and found.best_cost < (run.objective or math.inf):
                run.offer(_answer(found.best_service), claimed=found.best_cost)
            is_open = not bound_meets(bound, found.best_cost)
            return run.step() and is_open

        def at_root(found: Pricing, bound: float) -> bool:
            more = proceed(found, bound)
            run.raise_bound(min(bound, found.best_cost))
            return more

        box = tightened(problem, whole_box(problem))
        if run.should_stop():
            return
        price = np.zeros(pricing.supplier.size)
        root = pricing.ascend(box, price, steps=self.root_steps, proceed=at_root)
        self._branch(run, pricing, (box, root), proceed)

    def _branch(
        self,
        run: Run[GuaranteedServiceSolution],
        pricing: Pricing,
        start: tuple[Box, Ascent],
        proceed: Callable[[Pricing, float], bool],
    ) -> None:
        number = itertools.count()
        heap = [(start[1].bound, next(number), *start)]
        while heap and not run.should_stop() and next(number) < 3 * self.max_nodes:
            bound, _, box, node = heapq.heappop(heap)
            run.raise_bound(min(bound, pricing.best_cost))
            if bound_meets(bound, pricing.best_cost):
                return
            for child in _children(pricing, box, node):
                made = pricing.ascend(
                    child, node.price, steps=self.steps, proceed=proceed, size=0.5
                )
                least = max(made.bound, bound)
                if not bound_meets(least, pricing.best_cost):
                    heapq.heappush(heap, (least, next(number), child, made))
        if not heap and not run.should_stop():
            run.raise_bound(pricing.best_cost)


def _children(pricing: Pricing, box: Box, node: Ascent) -> Iterator[Box]:
    """Yield the halves of a box, cut at the relaxed arc that is worst broken or priced."""
    answer, problem = node.answer, pricing.problem
    over = answer.service[pricing.supplier] - answer.wait[pricing.customer]
    low, high = box.wait_low[pricing.customer], box.wait_high[pricing.customer]
    weight = np.minimum(problem.cost_rate[pricing.supplier], problem.cost_rate[pricing.customer])
    score: FloatArray = np.where(over > 0, over * weight, -over * node.price)
    # Broken arcs come first; without a range there is nothing to cut.
    score = np.where(over > 0, score + float(score.max(initial=0.0)), score)
    score = np.where(low < high, score, -1.0)
    arc = int(score.argmax()) if score.size else -1
    if arc < 0 or score[arc] <= 0:
        stage = int((box.wait_high - box.wait_low).argmax())
        if box.wait_low[stage] == box.wait_high[stage]:
            return
        cut = int(box.wait_low[stage] + box.wait_high[stage]) // 2
    else:
        stage = int(pricing.customer[arc])
        cut = int(answer.wait[stage])
        if over[arc] < 0:
            cut = int(answer.wait[stage] + answer.service[pricing.supplier[arc]]) // 2
        cut = int(np.clip(cut, box.wait_low[stage], box.wait_high[stage] - 1))
    for name, value in (("wait_high", cut), ("wait_low", cut + 1)):
        limit = getattr(box, name).copy()
        limit[stage] = value
        half = tightened(problem, dataclasses.replace(box, **{name: limit}))
        if not half.is_empty:
            yield half


def _answer(service: np.ndarray) -> GuaranteedServiceSolution:
    return GuaranteedServiceSolution(service_periods=service)


ENGINE = BranchEngine()
