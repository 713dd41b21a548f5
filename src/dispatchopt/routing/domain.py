"""The routing domain: what the runner needs to know about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from dispatchopt.core.plugins import scan
from dispatchopt.core.run import Domain, Engine
from dispatchopt.routing.bound import lower_bound
from dispatchopt.routing.check import check
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution


@cache
def engines() -> Mapping[str, Engine[RoutingProblem, RoutingSolution]]:
    """Return the engines by name."""
    found: dict[str, Any] = scan(
        "dispatchopt.routing.engines", "ENGINE", group="dispatchopt.routing.engines"
    )
    return found


def choose(_problem: RoutingProblem) -> tuple[Sequence[str], str]:
    """Return the engines in the order in which ``auto`` tries them, and why."""
    return ("pyvrp",), "the best published heuristic for long routes"


DOMAIN: Domain[RoutingProblem, RoutingSolution] = Domain(
    name="routing",
    problem_type=RoutingProblem,
    check=check,
    bound=lower_bound,
    engines=engines,
    choose=choose,
)
