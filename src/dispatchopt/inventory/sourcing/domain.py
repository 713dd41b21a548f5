"""What the runner needs to know about order sourcing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dispatchopt.core import Domain, Engine
from dispatchopt.core.plugins import scan
from dispatchopt.inventory.sourcing.bound import bound
from dispatchopt.inventory.sourcing.check import check
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution

#: Pairs of line and store up to which the exact engine is tried first.
_EXACT_CHOICES = 12_000


@cache
def _engines() -> Mapping[str, Engine[SourcingProblem, SourcingSolution]]:
    package = "dispatchopt.inventory.sourcing.engines"
    return scan(package, "ENGINE", group="dispatchopt.sourcing.engines")


def _choose(problem: SourcingProblem) -> tuple[Sequence[str], str]:
    if problem.choices[0].size <= _EXACT_CHOICES:
        return ("exact", "neighbourhood"), "few enough lines and stores for a proof"
    return ("neighbourhood",), "too many lines and stores for a model of all orders"


DOMAIN: Domain[SourcingProblem, SourcingSolution] = Domain(
    name="sourcing",
    problem_type=SourcingProblem,
    check=check,
    bound=bound,
    engines=_engines,
    choose=_choose,
)
