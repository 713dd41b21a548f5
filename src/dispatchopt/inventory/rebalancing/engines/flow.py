"""Transfers without vans: every SKU is a minimum-cost flow of its own, and optimal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.inventory.rebalancing.engines._flow import Flows
from dispatchopt.inventory.rebalancing.engines._steps import Worth
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution

#: SKUs between two looks at the clock.
_PER_STEP = 50


@dataclass(frozen=True, kw_only=True)
class FlowEngine:
    """Minimum-cost flows over single units, SKU by SKU."""

    name: str = "flow"
    packages: tuple[str, ...] = ("numpy", "scipy", "ortools")

    def unsupported(self, problem: RebalancingProblem) -> str | None:
        """Refuse what ties SKUs together."""
        if problem.is_coupled:
            return "capacities and costs of lanes tie the SKUs together: use the engine 'lanes'"
        return None

    def search(self, problem: RebalancingProblem, run: Run[RebalancingSolution]) -> None:
        """Solve all SKUs."""
        moved = np.zeros((problem.num_lanes, problem.num_skus), dtype=np.int64)
        if run.solution is None:
            run.offer(RebalancingSolution(moved_units=moved.copy()))
        if run.should_stop():
            return
        worth = Worth(problem)
        flows = Flows(worth)
        bound = base_cost(problem)
        for sku in range(problem.num_skus):
            units, cost = flows.best(sku)
            moved[flows.lanes(sku), sku] = units
            bound += cost
            if sku % _PER_STEP == 0 and run.should_stop():
                break
        else:
            run.offer(RebalancingSolution(moved_units=moved))
            if worth.is_whole:
                run.raise_bound(min(bound, run.objective or 0.0))
            run.step()
            return
        # Out of time: what is known of the SKUs so far is an answer too.
        run.offer(RebalancingSolution(moved_units=moved))


def base_cost(problem: RebalancingProblem) -> float:
    """Return the expected cost without any transfers."""
    from dispatchopt.inventory.rebalancing.check import check

    none = np.zeros((problem.num_lanes, problem.num_skus), dtype=np.int64)
    return check(problem, RebalancingSolution(moved_units=none)).objective


ENGINE = FlowEngine()
