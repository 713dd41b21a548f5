"""Transfers without vans: every SKU is a minimum-cost flow of its own, and optimal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.inventory.rebalancing.check import check
from dispatchopt.inventory.rebalancing.engines._flow import Flows
from dispatchopt.inventory.rebalancing.engines._steps import Worth
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution

#: Why an engine that knows one kind of unit refuses a problem.
NO_AGES = "units that expire soon are not like others: use the engine 'expiry'"


@dataclass(frozen=True, kw_only=True)
class FlowEngine:
    """Minimum-cost flows over single units, SKU by SKU."""

    name: str = "flow"
    packages: tuple[str, ...] = ("numpy", "scipy", "ortools")

    def unsupported(self, problem: RebalancingProblem) -> str | None:
        """Refuse what ties SKUs together, and units that expire."""
        if problem.has_expiring:
            return NO_AGES
        if problem.is_coupled:
            return "capacities and costs of lanes tie the SKUs together: use the engine 'lanes'"
        return None

    def search(self, problem: RebalancingProblem, run: Run[RebalancingSolution]) -> None:
        """Solve all SKUs."""
        base = offer_nothing(problem, run)
        if run.should_stop():
            return
        worth = Worth(problem)
        flows = Flows(worth)
        units, bound, done = flows.all(None, run.should_stop)
        # Out of time: what is known of the SKUs so far is an answer too.
        run.offer(flows.solution(units))
        if done == problem.num_skus:
            if worth.is_whole:
                run.raise_bound(min(base + float(bound.sum()), run.objective or 0.0))
            run.step()


def offer_nothing(problem: RebalancingProblem, run: Run[RebalancingSolution]) -> float:
    """Offer to leave all where it is, unless something is known; return what that costs."""
    moved = np.zeros((problem.num_lanes, problem.num_skus), dtype=np.int64)
    moved.setflags(write=False)
    none = RebalancingSolution(moved_units=moved)
    if run.solution is None:
        run.offer(none)
        return run.objective or 0.0
    return check(problem, none).objective


ENGINE = FlowEngine()
