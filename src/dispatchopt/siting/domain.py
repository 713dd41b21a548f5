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


def engines() -> Mapping[str, Engine[SitingProblem, SitingSolution]]:
    """Return the siting engines by name."""
    return scan("dispatchopt.siting.engines", "ENGINE", group="dispatchopt.siting.engines")


def needs_assignment(problem: SitingProblem) -> bool:
    """Whether a model must say who serves whom, not only who is served."""
    return problem.by_distance or problem.capacity_units is not None


def choose(problem: SitingProblem) -> tuple[Sequence[str], str]:
    """Return the engines in the order in which ``auto`` tries them, and why."""
    is_plain = problem.capacity_units is None and problem.cover_by == 1
    if problem.full_cover_m is not None or problem.not_modelled("sizes of a site") is not None:
        return ("mip", "interchange"), "side rules that only the general model knows"
    if is_plain and problem.goal in (SitingGoal.P_MEDIAN, SitingGoal.FIXED_CHARGE):
        # An engine that cannot take a problem says so, and the next one does.
        reason = "cuts in closed form on customers' costs, and branching"
        return ("median", "interchange", "mip"), reason
    if is_plain and problem.goal is SitingGoal.P_CENTER:
        return ("center", "mip", "interchange"), "reduced covers, radius by radius"
    # Where coverage is all that counts, every pair costs alike, and the model's relaxation is the
    # better bound.
    has_cost = problem.goal in (SitingGoal.P_MEDIAN, SitingGoal.FIXED_CHARGE)
    is_large = problem.coverage.num_pairs > MAX_ASSIGNMENT_PAIRS
    if problem.capacity_units is not None and has_cost and not is_large:
        reason = "multipliers bound what full sites cost, and branching opens and closes them"
        return ("capacitated", "mip", "interchange"), reason
    if needs_assignment(problem) and is_large:
        return ("interchange", "mip"), "too many pairs to serve for a mixed-integer model"
    is_partial = problem.goal is SitingGoal.COVER_ALL and not problem.must_serve_all
    if problem.goal is SitingGoal.MAX_COVERAGE or is_partial:
        reason = "branch and bound on customers merged by who covers them"
        return ("coverage", "mip", "interchange"), reason
    return ("mip", "interchange"), "a mixed-integer model proves how good its answer is"


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
