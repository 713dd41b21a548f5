"""What the runner needs to know about rebalancing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dispatchopt.core import Domain, Engine
from dispatchopt.core.plugins import scan
from dispatchopt.inventory.rebalancing.bound import bound
from dispatchopt.inventory.rebalancing.check import check
from dispatchopt.inventory.rebalancing.explain import explain
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution


@cache
def _engines() -> Mapping[str, Engine[RebalancingProblem, RebalancingSolution]]:
    package = "dispatchopt.inventory.rebalancing.engines"
    return scan(package, "ENGINE", group="dispatchopt.rebalancing.engines")


def _choose(problem: RebalancingProblem) -> tuple[Sequence[str], str]:
    if problem.has_expiring:
        return ("expiry",), "units expire before the next replenishment"
    if problem.is_coupled:
        return ("lanes",), "vans tie the SKUs together"
    return ("flow",), "nothing ties the SKUs together, so each is a minimum-cost flow"


DOMAIN: Domain[RebalancingProblem, RebalancingSolution] = Domain(
    name="rebalancing",
    problem_type=RebalancingProblem,
    check=check,
    bound=bound,
    engines=_engines,
    choose=_choose,
    explain=explain,
)
