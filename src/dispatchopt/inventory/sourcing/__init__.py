"""Order sourcing: which store, or which split, sends each multi-line order."""

from __future__ import annotations

from dispatchopt.core import Callback, Result, Stop
from dispatchopt.core import solve as _solve
from dispatchopt.inventory.sourcing.check import check
from dispatchopt.inventory.sourcing.domain import DOMAIN
from dispatchopt.inventory.sourcing.online import OnlineSourcing, source_in_turn
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution
from dispatchopt.inventory.sourcing.shadow import shadow_prices

__all__ = [
    "DOMAIN",
    "OnlineSourcing",
    "SourcingProblem",
    "SourcingSolution",
    "check",
    "shadow_prices",
    "solve",
    "source_in_turn",
]


def solve(
    problem: SourcingProblem,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: SourcingSolution | None = None,
) -> Result[SourcingSolution]:
    """Source all orders together; see ``dispatchopt.core.solve`` for the parameters."""
    return _solve(
        DOMAIN, problem, engine=engine, stop=stop, seed=seed, callback=callback, start=start
    )
