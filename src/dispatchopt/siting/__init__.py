"""Which sites to open, so that customers lie within reach: problems, checker, bounds, engines."""

from __future__ import annotations

from dispatchopt.core.result import Result
from dispatchopt.core.run import Callback
from dispatchopt.core.run import solve as _solve
from dispatchopt.core.stop import Stop
from dispatchopt.siting.domain import DOMAIN
from dispatchopt.siting.points import PointGround
from dispatchopt.siting.problem import SiteStatus, SitingGoal, SitingProblem, SitingSolution

__all__ = [
    "DOMAIN",
    "PointGround",
    "SiteStatus",
    "SitingGoal",
    "SitingProblem",
    "SitingSolution",
    "solve",
]


def solve(
    problem: SitingProblem,
    *,
    stop: Stop | None = None,
    seed: int = 1,
    engine: str = "auto",
    callback: Callback | None = None,
    start: SitingSolution | None = None,
) -> Result[SitingSolution]:
    """Choose sites; see ``dispatchopt.core.solve`` for the parameters."""
    return _solve(
        DOMAIN, problem, stop=stop, seed=seed, engine=engine, callback=callback, start=start
    )
