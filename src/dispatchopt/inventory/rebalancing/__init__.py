"""Rebalancing: stock from stores that have too much to stores that have too little."""

from __future__ import annotations

from dispatchopt.core import Callback, Result, Stop
from dispatchopt.core import solve as _solve
from dispatchopt.inventory.rebalancing.check import check
from dispatchopt.inventory.rebalancing.domain import DOMAIN
from dispatchopt.inventory.rebalancing.lanes import Lanes, lanes_within, movable_units
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution

__all__ = [
    "DOMAIN",
    "Lanes",
    "RebalancingProblem",
    "RebalancingSolution",
    "check",
    "lanes_within",
    "movable_units",
    "solve",
]


def solve(
    problem: RebalancingProblem,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: RebalancingSolution | None = None,
) -> Result[RebalancingSolution]:
    """Choose transfers; see ``dispatchopt.core.solve`` for the parameters."""
    return _solve(
        DOMAIN, problem, engine=engine, stop=stop, seed=seed, callback=callback, start=start
    )
