"""Inventory: what stock lies in each store."""

from __future__ import annotations

from dispatchopt.core import Callback, Result, Stop
from dispatchopt.core import solve as _solve
from dispatchopt.inventory.check import check
from dispatchopt.inventory.domain import DOMAIN
from dispatchopt.inventory.problem import (
    DemandLaw,
    InventoryProblem,
    InventorySolution,
    LevelRule,
)

__all__ = [
    "DOMAIN",
    "DemandLaw",
    "InventoryProblem",
    "InventorySolution",
    "LevelRule",
    "check",
    "solve",
]


def solve(
    problem: InventoryProblem,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: InventorySolution | None = None,
) -> Result[InventorySolution]:
    """Solve an inventory problem; see ``dispatchopt.core.solve`` for the parameters."""
    return _solve(
        DOMAIN, problem, engine=engine, stop=stop, seed=seed, callback=callback, start=start
    )
