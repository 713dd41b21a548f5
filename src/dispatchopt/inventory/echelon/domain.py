"""What the runner needs to know about base stock on several levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dispatchopt.core import Domain, Engine, Finding
from dispatchopt.core.plugins import scan
from dispatchopt.inventory.echelon.bound import bound
from dispatchopt.inventory.echelon.check import check
from dispatchopt.inventory.echelon.problem import EchelonProblem, EchelonSolution


@cache
def _engines() -> Mapping[str, Engine[EchelonProblem, EchelonSolution]]:
    package = "dispatchopt.inventory.echelon.engines"
    return scan(package, "ENGINE", group="dispatchopt.echelon.engines")


def _choose(_problem: EchelonProblem) -> tuple[Sequence[str], str]:
    return ("exact", "descent"), "lines and two levels are solved exactly"


def _explain(problem: EchelonProblem, solution: EchelonSolution) -> Sequence[Finding]:
    from dispatchopt.inventory.echelon.explain import explain

    return explain(problem, solution)


DOMAIN: Domain[EchelonProblem, EchelonSolution] = Domain(
    name="echelon",
    problem_type=EchelonProblem,
    check=check,
    bound=bound,
    engines=_engines,
    choose=_choose,
    explain=_explain,
)
