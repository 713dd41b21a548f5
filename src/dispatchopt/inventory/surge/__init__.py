"""Live-stream surges: stock sent before, released during, and rebalanced after the stream."""

from __future__ import annotations

from dispatchopt.core import Callback, Result, Stop
from dispatchopt.core import solve as _solve
from dispatchopt.inventory.surge.check import check
from dispatchopt.inventory.surge.domain import DOMAIN
from dispatchopt.inventory.surge.problem import SurgeProblem, SurgeSolution
from dispatchopt.inventory.surge.stream import (
    after_stream,
    draw_scenarios,
    release_levels,
    shelf_demand,
)

__all__ = [
    "DOMAIN",
    "SurgeProblem",
    "SurgeSolution",
    "after_stream",
    "check",
    "draw_scenarios",
    "release_levels",
    "shelf_demand",
    "solve",
]


def solve(
    problem: SurgeProblem,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: SurgeSolution | None = None,
) -> Result[SurgeSolution]:
    """Choose what to send before the stream; see ``dispatchopt.core.solve`` for the parameters."""
    return _solve(
        DOMAIN, problem, engine=engine, stop=stop, seed=seed, callback=callback, start=start
    )
