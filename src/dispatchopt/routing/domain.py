"""The routing domain: what the runner needs to know about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from dispatchopt.core.domain import Domain, Engine
from dispatchopt.core.explain import Aim, Finding
from dispatchopt.core.plugins import scan
from dispatchopt.routing.at_hand import plan_at_hand
from dispatchopt.routing.bound import lower_bound
from dispatchopt.routing.bundles import is_short
from dispatchopt.routing.check import check
from dispatchopt.routing.picking import has_picking
from dispatchopt.routing.problem import RoutingProblem, RoutingSolution


@cache
def engines() -> Mapping[str, Engine[RoutingProblem, RoutingSolution]]:
    """Return the engines by name."""
    return scan("dispatchopt.routing.engines", "ENGINE", group="dispatchopt.routing.engines")


def choose(problem: RoutingProblem) -> tuple[Sequence[str], str]:
    """Return the engines in the order in which ``auto`` tries them, and why."""
    if has_picking(problem):
        return ("picking",), "stores pick orders in turn, so ready times are part of the plan"
    if is_short(problem):
        most = int(problem.couriers.max_stops.max(initial=0))
        why = f"trips of at most {most} orders can all be enumerated"
        return ("bundles", "pyvrp", "ortools"), why
    return ("pyvrp", "bundles", "ortools"), "trips are too long to be enumerated"


def _explain(problem: RoutingProblem, solution: RoutingSolution, aim: Aim) -> Iterable[Finding]:
    """Return what stands behind a plan; prices need a solver, which is imported when asked for."""
    from dispatchopt.routing.explain import each_finding

    return each_finding(problem, solution, aim.names)


DOMAIN: Domain[RoutingProblem, RoutingSolution] = Domain(
    name="routing",
    problem_type=RoutingProblem,
    check=check,
    bound=lower_bound,
    engines=engines,
    choose=choose,
    explain_further=_explain,
    at_hand=plan_at_hand,
)
