"""What the runner needs to know about order sourcing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dispatchopt.core import Domain, Engine, Finding
from dispatchopt.core.plugins import scan
from dispatchopt.inventory.sourcing.bound import bound
from dispatchopt.inventory.sourcing.check import check
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution


@cache
def _engines() -> Mapping[str, Engine[SourcingProblem, SourcingSolution]]:
    package = "dispatchopt.inventory.sourcing.engines"
    return scan(package, "ENGINE", group="dispatchopt.sourcing.engines")


def _choose(_problem: SourcingProblem) -> tuple[Sequence[str], str]:
    return ("exact", "neighbourhood"), "a model of all orders proves its answer, where it is small"


def _explain(problem: SourcingProblem, solution: SourcingSolution) -> Sequence[Finding]:
    from dispatchopt.inventory.sourcing.explain import explain

    return explain(problem, solution)


DOMAIN: Domain[SourcingProblem, SourcingSolution] = Domain(
    name="sourcing",
    problem_type=SourcingProblem,
    check=check,
    bound=bound,
    engines=_engines,
    choose=_choose,
    explain=_explain,
)
