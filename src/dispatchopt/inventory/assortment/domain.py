"""What the runner needs to know about assortments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dispatchopt.core import Domain, Engine
from dispatchopt.core.plugins import scan
from dispatchopt.inventory.assortment.bound import bound
from dispatchopt.inventory.assortment.check import check
from dispatchopt.inventory.assortment.explain import explain
from dispatchopt.inventory.assortment.problem import AssortmentProblem, AssortmentSolution


@cache
def _engines() -> Mapping[str, Engine[AssortmentProblem, AssortmentSolution]]:
    package = "dispatchopt.inventory.assortment.engines"
    return scan(package, "ENGINE", group="dispatchopt.assortment.engines")


def _choose(_problem: AssortmentProblem) -> tuple[Sequence[str], str]:
    return ("exact", "cut"), "a model of all orders proves its answer, where it is small"


DOMAIN: Domain[AssortmentProblem, AssortmentSolution] = Domain(
    name="assortment",
    problem_type=AssortmentProblem,
    check=check,
    bound=bound,
    engines=_engines,
    choose=_choose,
    explain=explain,
)
