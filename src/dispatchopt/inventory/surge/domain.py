"""What the runner needs to know about live-stream surges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dispatchopt.core import Domain, Engine, Finding
from dispatchopt.core.plugins import scan
from dispatchopt.inventory.surge.bound import bound
from dispatchopt.inventory.surge.check import check
from dispatchopt.inventory.surge.problem import SurgeProblem, SurgeSolution

#: Scenarios times pairs up to which linear models are the way.
_MAX_MODEL = 120_000


@cache
def _engines() -> Mapping[str, Engine[SurgeProblem, SurgeSolution]]:
    package = "dispatchopt.inventory.surge.engines"
    return scan(package, "ENGINE", group="dispatchopt.surge.engines")


def _choose(problem: SurgeProblem) -> tuple[Sequence[str], str]:
    if problem.num_scenarios * problem.on_hand_units.size > _MAX_MODEL:
        return ("prices", "scenarios"), "too large for models of all scenarios"
    return ("scenarios",), "one model of all scenarios"


def _explain(problem: SurgeProblem, solution: SurgeSolution) -> Sequence[Finding]:
    from dispatchopt.inventory.surge.explain import explain

    return explain(problem, solution)


DOMAIN: Domain[SurgeProblem, SurgeSolution] = Domain(
    name="surge",
    problem_type=SurgeProblem,
    check=check,
    bound=bound,
    engines=_engines,
    choose=_choose,
    explain=_explain,
)
