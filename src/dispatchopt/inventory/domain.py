"""What the runner needs to know about inventory problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from dispatchopt.core import Domain, Engine, Finding
from dispatchopt.core.plugins import scan
from dispatchopt.inventory.bound import bound
from dispatchopt.inventory.check import check
from dispatchopt.inventory.problem import InventoryProblem, InventorySolution

#: Pairs up to which the exact engine is tried first.
_EXACT_PAIRS = 2_000


@cache
def _engines() -> Mapping[str, Engine[InventoryProblem, InventorySolution]]:
    package = "dispatchopt.inventory.engines"
    return scan(package, "ENGINE", group="dispatchopt.inventory.engines")


def _choose(problem: InventoryProblem) -> tuple[Sequence[str], str]:
    if not problem.is_coupled:
        return ("levels",), "nothing ties the pairs together, so each has a closed form"
    if problem.num_stores * problem.num_skus <= _EXACT_PAIRS:
        return ("exact", "dual"), "limits tie the pairs together, and there are few of them"
    return ("dual",), "limits tie the pairs together"


def _explain(problem: InventoryProblem, solution: InventorySolution) -> Sequence[Finding]:
    # Prices are those of the dual engine, whose modules nobody else needs at import.
    from dispatchopt.inventory.explain import explain

    return explain(problem, solution)


DOMAIN: Domain[InventoryProblem, InventorySolution] = Domain(
    name="inventory",
    problem_type=InventoryProblem,
    check=check,
    bound=bound,
    engines=_engines,
    choose=_choose,
    explain=_explain,
)
