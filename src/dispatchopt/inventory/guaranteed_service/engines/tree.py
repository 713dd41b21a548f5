"""Trees to the optimum in one pass, by the recursion of Graves and Willems."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.inventory.guaranteed_service.engines._forest import Forest, tightened, whole_box
from dispatchopt.inventory.guaranteed_service.engines._prices import Pricing
from dispatchopt.inventory.guaranteed_service.problem import (
    GuaranteedServiceProblem,
    GuaranteedServiceSolution,
)


@dataclass(frozen=True, kw_only=True)
class TreeEngine:
    """Exact recursion for networks in which at most one way joins any two stages."""

    name: str = "tree"
    packages: tuple[str, ...] = ("numpy",)

    def unsupported(self, problem: GuaranteedServiceProblem) -> str | None:
        """Refuse networks with two ways between two stages."""
        more = Forest(problem, np.zeros(problem.num_arcs)).relaxed.size
        if more:
            return f"{more} arcs close a circle, so the network is no tree"
        return None

    def search(
        self, problem: GuaranteedServiceProblem, run: Run[GuaranteedServiceSolution]
    ) -> None:
        """Solve the one recursion."""
        if run.should_stop():
            return
        service = np.zeros(0, dtype=np.int64)
        if problem.num_stages:
            pricing = Pricing(problem)
            none = np.zeros(problem.num_stages)
            box = tightened(problem, whole_box(problem))
            service = pricing.forest.solve(box, none, none).service
        run.step()
        run.offer(GuaranteedServiceSolution(service_periods=service))
        run.raise_bound(run.objective or 0.0)


ENGINE = TreeEngine()
