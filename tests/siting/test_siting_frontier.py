"""Coverage against cost, point by point against enumeration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.errors import InputError
from dispatchopt.core.result import Status
from dispatchopt.siting import SitingGoal, SitingProblem, explain
from dispatchopt.siting.curve import curve
from dispatchopt.siting.frontier import even_budgets, frontier
from dispatchopt.siting.phases import phased
from dispatchopt.siting.scenarios import with_scenarios


@given(seed=st.integers(0, 10**6), fades=st.booleans())
@settings(max_examples=8, deadline=None)
def test_each_budget_is_proven(
    make_problem: Callable[..., SitingProblem],
    best_of: Callable[[SitingProblem], float | None],
    seed: int,
    fades: bool,
) -> None:
    problem = make_problem(seed, SitingGoal.MAX_COVERAGE, full_cover_m=100 if fades else None)
    budgets = even_budgets(problem, 4)
    best = {each: best_of(problem.replace(budget_cents=each)) for each in budgets}
    points = frontier(problem, budgets)
    assert [point.budget_cents for point in points] == [b for b in budgets if best[b] is not None]
    for point in points:
        assert point.unserved == pytest.approx(best[point.budget_cents])
        assert point.bound <= point.unserved
        assert point.status is Status.OPTIMAL
        assert point.opening_cents <= point.budget_cents
    efficient = [point for point in points if point.is_efficient]
    costs = [point.opening_cents for point in efficient]
    assert costs == sorted(costs)
    assert bool(efficient) == bool(points)


def test_by_hand(make_coverage: Any) -> None:
    """The small site first, then the large one, then both; 6 cents buy no more than 5."""
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[0, 9], [9, 0]], 5),
        demand_units=np.array([3, 4]),
        site_cost_cents=np.array([2, 5]),
        max_sites=2,
    )
    points = frontier(problem, [7, 2, 5, 6])
    assert [(point.budget_cents, point.unserved) for point in points] == [
        (2, 4),
        (5, 3),
        (6, 3),
        (7, 0),
    ]
    assert all(point.is_efficient for point in points)
    assert even_budgets(problem, 2) == (0, 7)


def test_other_goals_are_refused(make_coverage: Any) -> None:
    problem = SitingProblem(
        goal=SitingGoal.P_CENTER,
        coverage=make_coverage([[0]]),
        demand_units=np.array([1]),
        max_sites=1,
    )
    with pytest.raises(InputError):
        frontier(problem, [1])
    with pytest.raises(InputError):
        even_budgets(problem, 0)


@pytest.mark.parametrize("seed", [2, 3, 5, 8])
def test_curves_and_reasons_take_the_side_rules(
    make_problem: Callable[..., SitingProblem], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    plain = make_problem(seed, SitingGoal.MAX_COVERAGE, status=None, budget_cents=None)
    units = rng.integers(0, 5, (2, plain.num_customers))
    sized = plain.replace(place=rng.integers(0, 3, plain.num_sites), full_cover_m=200)
    for problem in (sized, phased(plain, units, max_sites=[1, 2])):
        points = curve(problem, 2)
        assert all(point.bound_units <= point.unserved_units for point in points)
        left = {each.customer for each in explain.unserved(problem, points[-1].solution)}
        missed = (points[-1].solution.assignment < 0) & (problem.demand_units > 0)
        assert left == set(np.flatnonzero(missed).tolist())
    worst = with_scenarios(plain, units, rule="worst")
    points = curve(worst, 2)
    assert points
    for point in points:
        alone = siting.solve(worst.replace(max_sites=point.num_sites), engine="mip")
        assert point.unserved_units == point.bound_units == alone.objective
        largest = max(1, int(units.sum(axis=1).max()))
        assert point.covered_share == pytest.approx(1 - point.unserved_units / largest)
    with pytest.raises(InputError):
        curve(with_scenarios(plain, units, rule="share", target=0.5), 2)
