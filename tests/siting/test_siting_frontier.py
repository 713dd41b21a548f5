"""Coverage against cost, point by point against enumeration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.errors import InputError
from dispatchopt.core.result import Status
from dispatchopt.geography.coverage import Coverage
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


@pytest.mark.parametrize("rule", ["worst", "share"])
@pytest.mark.parametrize("has_room", [False, True])
def test_curves_over_scenarios(
    make_problem: Callable[..., SitingProblem],
    best_of: Callable[[SitingProblem], float | None],
    rule: str,
    has_room: bool,
) -> None:
    rng = np.random.default_rng(4)
    plain = make_problem(3, SitingGoal.MAX_COVERAGE, status=None, budget_cents=None)
    ground = plain.coverage
    kept = (ground.site_idx < 3) & (ground.customer_idx < 3)
    small = Coverage.from_pairs(
        site_idx=ground.site_idx[kept], customer_idx=ground.customer_idx[kept],
        distance_m=ground.distance_m[kept], num_sites=3, num_customers=3, cutoff_m=ground.cutoff_m,
    )  # fmt: skip
    room: dict[str, Any] = {}
    if has_room:
        room = {"capacity_units": rng.integers(2, 9, 3), "single_source": True}
    one = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE, coverage=small, demand_units=np.ones(3, dtype=np.int64),
        max_sites=1, **room,
    )  # fmt: skip
    problem = with_scenarios(one, rng.integers(0, 7, (2, 3)), [1, 2], rule=rule, target=0.5)
    points = curve(problem, 3)
    for point in points:
        best = best_of(problem.replace(max_sites=point.num_sites))
        assert point.unserved_units == point.bound_units == best
        assert 0 <= point.covered_share <= 1
    assert points[0].unserved_units >= points[-1].unserved_units
