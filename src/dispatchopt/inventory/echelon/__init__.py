"""Base stock on several levels: a warehouse with its stores, and lines of stages."""

from __future__ import annotations

from dispatchopt.core import Callback, Result, Stop
from dispatchopt.core import solve as _solve
from dispatchopt.inventory.echelon.check import check
from dispatchopt.inventory.echelon.domain import DOMAIN
from dispatchopt.inventory.echelon.formulas import (
    SerialBaseStock,
    TwoLevelBaseStock,
    serial_base_stock,
    two_level_base_stock,
)
from dispatchopt.inventory.echelon.problem import (
    OUTSIDE,
    EchelonLaw,
    EchelonProblem,
    EchelonSolution,
    two_levels,
)

__all__ = [
    "DOMAIN",
    "OUTSIDE",
    "EchelonLaw",
    "EchelonProblem",
    "EchelonSolution",
    "SerialBaseStock",
    "TwoLevelBaseStock",
    "check",
    "serial_base_stock",
    "solve",
    "two_level_base_stock",
    "two_levels",
]


def solve(
    problem: EchelonProblem,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: EchelonSolution | None = None,
) -> Result[EchelonSolution]:
    """Choose the base stock of every stage; see ``dispatchopt.core.solve`` for the parameters."""
    return _solve(
        DOMAIN, problem, engine=engine, stop=stop, seed=seed, callback=callback, start=start
    )
