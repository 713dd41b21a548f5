"""Coverage against cost: the best coverage for each of several budgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.result import Result, Status
from dispatchopt.core.run import solve
from dispatchopt.core.stop import Stop
from dispatchopt.siting.domain import DOMAIN
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution


@dataclass(frozen=True, kw_only=True)
class FrontierPoint:
    """The best coverage found within a budget.

    Parameters
    ----------
    budget_cents
        Most that may be spent on opening.
    opening_cents
        Spent by the sites found.
    unserved, bound
        max-coverage's objective, and what no choice within the budget can go below.
    status
        Whether the point is proven.
    is_efficient
        Whether no point found leaves less unserved for the same money, or as little for less.
    solution
        The sites found.
    """

    budget_cents: int
    opening_cents: int
    unserved: float
    bound: float
    status: Status
    is_efficient: bool
    solution: SitingSolution


def frontier(
    problem: SitingProblem,
    budgets_cents: Sequence[int],
    *,
    stop: Stop | None = None,
    seed: int = 1,
    engine: str = "auto",
) -> tuple[FrontierPoint, ...]:
    """Return the best coverage for each budget, in rising order (epsilon constraint).

    Each point starts from the one before, which stays within the larger budget, so that coverage
    never falls; a bound also holds for every smaller budget. Time is shared evenly over the points
    that are left. A budget that no solution keeps has no point.

    Parameters
    ----------
    problem
        A max-coverage problem with any side rules; its budget is replaced.
    budgets_cents
        Budgets, >= 0.
    stop
        Limits of the whole call; without any, each point is solved to its proof.
    seed, engine
        As for ``solve``.

    Raises
    ------
    InputError
        If the goal is another one, or a budget is not a whole number >= 0.

    Notes
    -----
    Epsilon constraint: Haimes, Lasdon and Wismer 1971.
    """
    if problem.goal is not SitingGoal.MAX_COVERAGE:
        raise InputError(
            Issue(
                code="field-of-other-goal",
                where="goal",
                found=repr(str(problem.goal)),
                wanted="max-coverage",
            )
        )
    budgets = sorted(set(budgets_cents))
    stop = Stop() if stop is None else stop
    clock = stop.start()
    results: list[tuple[int, Result[SitingSolution]]] = []
    known: SitingSolution | None = None
    for at, budget in enumerate(budgets):
        if clock.is_cancelled():
            break
        part = clock.share(1.0 / (len(budgets) - at))
        result = solve(
            DOMAIN,
            problem.replace(budget_cents=budget),
            engine=engine,
            stop=replace(stop, time_s=part.time_s),
            seed=seed,
            start=known,
        )
        if result.solution is not None:
            known = result.solution
            results.append((budget, result))
    return _points(problem, results)


def even_budgets(problem: SitingProblem, count: int) -> tuple[int, ...]:
    """Return budgets from what must be spent to what opening everything costs, evenly apart."""
    if count < 1:
        raise InputError(Issue(code="bad-value", where="count", found=repr(count), wanted=">= 1"))
    opening = problem.opening_cents
    least = int(opening[problem.is_fixed_open].sum())
    most = int(opening[problem.is_allowed].sum())
    return tuple(int(each) for each in np.unique(np.linspace(least, most, count).round()))


def _points(
    problem: SitingProblem, results: list[tuple[int, Result[SitingSolution]]]
) -> tuple[FrontierPoint, ...]:
    floors: list[float] = []
    floor = 0.0
    # From the right: a smaller budget can never leave less demand unserved.
    for _, result in reversed(results):
        floor = min(max(floor, result.bound or 0.0), result.objective or 0.0)
        floors.append(floor)
    points: list[FrontierPoint] = []
    cost = problem.opening_cents
    spent = [int(cost[result.require().open_sites].sum()) for _, result in results]
    values = [result.objective or 0.0 for _, result in results]
    for at, (budget, result) in enumerate(results):
        bound = floors[len(results) - 1 - at]
        is_proven = result.status is Status.OPTIMAL or (
            problem.is_whole and math.ceil(bound) >= values[at]
        )
        is_beaten = any(
            (values[other] <= values[at] and spent[other] < spent[at])
            or (values[other] < values[at] and spent[other] <= spent[at])
            for other in range(len(results))
        )
        points.append(
            FrontierPoint(
                budget_cents=budget,
                opening_cents=spent[at],
                unserved=values[at],
                bound=bound,
                status=Status.OPTIMAL if is_proven else result.status,
                is_efficient=not is_beaten,
                solution=result.require(),
            )
        )
    return tuple(points)
