"""What the runner needs to know about guaranteed service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dispatchopt.core import Domain, Engine, Finding
from dispatchopt.core.plugins import scan
from dispatchopt.inventory.guaranteed_service.bound import bound
from dispatchopt.inventory.guaranteed_service.check import check
from dispatchopt.inventory.guaranteed_service.problem import (
    GuaranteedServiceProblem,
    GuaranteedServiceSolution,
)


@cache
def _engines() -> Mapping[str, Engine[GuaranteedServiceProblem, GuaranteedServiceSolution]]:
    package = "dispatchopt.inventory.guaranteed_service.engines"
    return scan(package, "ENGINE", group="dispatchopt.guaranteed-service.engines")


def _choose(_problem: GuaranteedServiceProblem) -> tuple[Sequence[str], str]:
    return ("tree", "branch"), "one pass is exact on a tree, and any network is branched on"


def _explain(
    problem: GuaranteedServiceProblem, solution: GuaranteedServiceSolution
) -> Sequence[Finding]:
    from dispatchopt.inventory.guaranteed_service.explain import explain

    return explain(problem, solution)


DOMAIN: Domain[GuaranteedServiceProblem, GuaranteedServiceSolution] = Domain(
    name="guaranteed-service",
    problem_type=GuaranteedServiceProblem,
    check=check,
    bound=bound,
    engines=_engines,
    choose=_choose,
    explain=_explain,
)
