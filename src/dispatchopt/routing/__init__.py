"""Routing: which courier carries which orders, from which store, in which sequence."""

from __future__ import annotations

from dispatchopt.core.result import Result
from dispatchopt.core.run import Callback
from dispatchopt.core.run import solve as _solve
from dispatchopt.core.stop import Stop
from dispatchopt.routing.bound import lower_bound
from dispatchopt.routing.check import check
from dispatchopt.routing.domain import DOMAIN
from dispatchopt.routing.problem import (
    AFTER,
    ANYWHERE,
    BEFORE,
    FAR,
    MANDATORY,
    NO_STORE,
    Breaks,
    Couriers,
    Options,
    Orders,
    Route,
    RoutingProblem,
    RoutingSolution,
    Stores,
    Trip,
)
from dispatchopt.routing.schedule import best_route, timetable

__all__ = [
    "AFTER",
    "ANYWHERE",
    "BEFORE",
    "DOMAIN",
    "FAR",
    "MANDATORY",
    "NO_STORE",
    "Breaks",
    "Couriers",
    "Options",
    "Orders",
    "Route",
    "RoutingProblem",
    "RoutingSolution",
    "Stores",
    "Trip",
    "best_route",
    "check",
    "lower_bound",
    "solve",
    "timetable",
]


def solve(
    problem: RoutingProblem,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: RoutingSolution | None = None,
) -> Result[RoutingSolution]:
    """Solve a routing problem; see :func:`dispatchopt.core.solve`."""
    return _solve(
        DOMAIN, problem, engine=engine, stop=stop, seed=seed, callback=callback, start=start
    )
