"""Guaranteed service: where a supply network keeps safety stock, and how much."""

from __future__ import annotations

from dispatchopt.core import Callback, Result, Stop
from dispatchopt.core import solve as _solve
from dispatchopt.inventory.guaranteed_service.chain import supply_chain
from dispatchopt.inventory.guaranteed_service.check import check
from dispatchopt.inventory.guaranteed_service.problem import (
    NO_LIMIT,
    GuaranteedServiceProblem,
    GuaranteedServiceSolution,
)

__all__ = [
    "NO_LIMIT",
    "GuaranteedServiceProblem",
    "GuaranteedServiceSolution",
    "check",
    "solve",
    "supply_chain",
]


def solve(
    problem: GuaranteedServiceProblem,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: GuaranteedServiceSolution | None = None,
) -> Result[GuaranteedServiceSolution]:
    """Choose service times; see ``dispatchopt.core.solve`` for the parameters."""
    from dispatchopt.inventory.guaranteed_service.domain import DOMAIN

    return _solve(
        DOMAIN, problem, engine=engine, stop=stop, seed=seed, callback=callback, start=start
    )
