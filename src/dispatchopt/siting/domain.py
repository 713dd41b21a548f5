"""What the runner needs to know about siting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dispatchopt.core.domain import Domain, Engine
from dispatchopt.core.plugins import scan
from dispatchopt.siting.bound import bound
from dispatchopt.siting.check import check
from dispatchopt.siting.explain import explain, explain_further
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution

#: Pairs of an assignment model up to which it is built; beyond, memory and time are not enough.
MAX_ASSIGNMENT_PAIRS = 600_000
#: Pairs with split demand up to which a model is solved before multipliers have found their worth,
#: or compiled rounds have been loaded.
MAX_LOADED_PAIRS = 1_000


def engines() -> Mapping[str, Engine[SitingProblem, SitingSolution]]:
    """Return the siting engines by name."""
    return scan("dispatchopt.siting.engines", "ENGINE", group="dispatchopt.siting.engines")


def needs_assignment(problem: SitingProblem) -> bool:
    """Whether a model must say who serves whom, not only who is served."""
    return problem.by_distance or problem.capacity_units is not None


#: What each engine is taken for.
_WHY = {
    "coverage": "branch and bound on customers merged by who covers them",
    "median": "cuts in closed form on customers' costs, and branching",
    "center": "reduced covers, radius by radius",
    "capacitated": "multipliers bound what full sites cost, and branching opens and closes them",
    "mip": "a mixed-integer model takes every side rule and proves how good its answer is",
    "interchange": "local search, as a model of all pairs would be too large",
}


def choose(problem: SitingProblem) -> tuple[Sequence[str], str]:
    """Return the engines in the order in which ``auto`` tries them, and why."""
    order = _order(problem)
    # The reason is that of the engine that will take it: others say themselves why they do not.
    known = engines()
    taken = next(
        (name for name in order if name in known and known[name].unsupported(problem) is None),
        order[0],
    )
    return order, _WHY[taken]


def _order(problem: SitingProblem) -> tuple[str, ...]:
    is_plain = problem.capacity_units is None and problem.cover_by == 1
    if problem.full_cover_m is not None or problem.not_modelled("sizes of a site") is not None:
        return ("mip", "interchange")
    if is_plain and problem.goal in (SitingGoal.P_MEDIAN, SitingGoal.FIXED_CHARGE):
        return ("median", "interchange", "mip")
    if is_plain and problem.goal is SitingGoal.P_CENTER:
        return ("center", "mip", "interchange")
    # Where coverage is all that counts, every pair costs alike, and the model's relaxation is the
    # better bound.
    has_cost = problem.goal in (SitingGoal.P_MEDIAN, SitingGoal.FIXED_CHARGE)
    is_large = problem.coverage.num_pairs > MAX_ASSIGNMENT_PAIRS
    if problem.capacity_units is not None and has_cost and not is_large:
        if not problem.single_source and problem.coverage.num_pairs <= MAX_LOADED_PAIRS:
            return ("mip", "capacitated", "interchange")
        return ("capacitated", "mip", "interchange")
    if needs_assignment(problem) and is_large:
        return ("interchange", "mip")
    is_partial = problem.goal is SitingGoal.COVER_ALL and not problem.must_serve_all
    if problem.goal is SitingGoal.MAX_COVERAGE or is_partial:
        return ("coverage", "mip", "interchange")
    return ("mip", "interchange")


DOMAIN: Domain[SitingProblem, SitingSolution] = Domain(
    name="siting",
    problem_type=SitingProblem,
    check=check,
    bound=bound,
    engines=engines,
    choose=choose,
    explain=explain,
    explain_further=explain_further,
)
