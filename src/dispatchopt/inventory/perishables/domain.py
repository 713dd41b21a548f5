"""What the runner needs to know about goods that expire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dispatchopt.core import Domain, Engine, Finding
from dispatchopt.core.plugins import scan
from dispatchopt.inventory.perishables.bound import bound
from dispatchopt.inventory.perishables.check import check
from dispatchopt.inventory.perishables.problem import PerishablesProblem, PerishablesSolution


@cache
def _engines() -> Mapping[str, Engine[PerishablesProblem, PerishablesSolution]]:
    package = "dispatchopt.inventory.perishables.engines"
    return scan(package, "ENGINE", group="dispatchopt.perishables.engines")


def _choose(_problem: PerishablesProblem) -> tuple[Sequence[str], str]:
    return ("dynamic",), "every item has few enough states to be enumerated"


def _explain(problem: PerishablesProblem, solution: PerishablesSolution) -> Sequence[Finding]:
    from dispatchopt.inventory.perishables.explain import explain

    return explain(problem, solution)


DOMAIN: Domain[PerishablesProblem, PerishablesSolution] = Domain(
    name="perishables",
    problem_type=PerishablesProblem,
    check=check,
    bound=bound,
    engines=_engines,
    choose=_choose,
    explain=_explain,
)
