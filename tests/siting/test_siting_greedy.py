"""The first solution that engines start from: by hand, and against enumeration."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import SiteStatus, SitingGoal, SitingProblem
from dispatchopt.siting.check import check
from dispatchopt.siting.greedy import greedy

Maker = Callable[..., SitingProblem]
BestOf = Callable[[SitingProblem], float | None]
FEW = settings(max_examples=25, deadline=None)


def street(**changes: Any) -> SitingProblem:
    """Three sites in a row; each reaches its own customer at 100 m and the next at 300 m."""
    fields: dict[str, Any] = {
        "goal": SitingGoal.MAX_COVERAGE,
        "coverage": Coverage.from_pairs(
            site_idx=np.array([0, 0, 1, 1, 2, 2]),
            customer_idx=np.array([0, 1, 1, 2, 2, 3]),
            distance_m=np.array([100, 300, 100, 300, 100, 300]),
            num_sites=3,
            num_customers=5,
            cutoff_m=500,
        ),
        "demand_units": np.array([5, 4, 4, 2, 9]),
        "max_sites": 2,
    }
    return SitingProblem(**(fields | changes))


def opened(problem: SitingProblem) -> list[int]:
    solution = greedy(problem)
    assert solution is not None
    return list(solution.open_sites.tolist())


def test_the_most_demand_first() -> None:
    # Site 2 adds 2 + 9, then site 0 adds 5 + 4 where site 1 would add 4; nobody reaches the last.
    solution = greedy(street())
    assert solution is not None
    assert solution.open_sites.tolist() == [0, 2]
    assert solution.assignment.tolist() == [0, 0, 2, 2, -1]


def test_room_goes_to_the_nearest() -> None:
    # Site 1 serves 4 + 2; of 5 + 4 site 0 has room for 5, of 2 + 9 site 2 has room for 2.
    problem = street(capacity_units=np.array([5, 8, 4]))
    solution = greedy(problem)
    assert solution is not None
    assert solution.open_sites.tolist() == [0, 1]
    assert solution.assignment.tolist() == [0, 1, 1, -1, -1]


def test_whom_no_room_was_left_for_fits_elsewhere() -> None:
    # Both sites must be open: site 0 has no room for its second customer, and site 1 takes it.
    status = [SiteStatus.REQUIRED, SiteStatus.REQUIRED, SiteStatus.FORBIDDEN]
    problem = street(status=np.array(status), capacity_units=np.array([8, 20, 9]))
    solution = greedy(problem)
    assert solution is not None
    assert solution.assignment.tolist() == [0, 1, 1, -1, -1]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # Per cent of cost, site 1 adds most.
        ({"site_cost_cents": np.array([9, 1, 9]), "budget_cents": 9, "max_sites": None}, [1]),
        ({"status": np.array([3, 0, 0]), "max_sites": 1}, [1]),
        ({"status": np.array([0, 0, 2]), "max_sites": 1}, [2]),
        (
            {
                "min_spacing_m": 500,
                "site_distance_m": np.array([[0, 900, 400], [900, 0, 900], [400, 900, 0]]),
            },
            [0, 1],
        ),
        ({"goal": SitingGoal.COVER_ALL, "required_share": 9 / 24, "max_sites": None}, [0]),
        ({"goal": SitingGoal.P_MEDIAN, "unserved_m": 900, "max_sites": 1}, [0]),
        # To open costs more than the 4 or 6 units that are left would.
        (
            {
                "goal": SitingGoal.FIXED_CHARGE,
                "unserved_cents": 10.0,
                "site_cost_cents": np.array([50, 70, 70]),
                "max_sites": None,
            },
            [0],
        ),
        ({"cover_by": 2, "max_sites": 3}, [0, 1, 2]),
    ],
)
def test_rules_are_kept(changes: dict[str, Any], expected: list[int]) -> None:
    assert opened(street(**changes)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"goal": SitingGoal.COVER_ALL, "required_share": 1.0},
        {"goal": SitingGoal.P_MEDIAN},
        {"goal": SitingGoal.P_CENTER},
    ],
)
def test_nothing_where_it_leads_to_nothing(changes: dict[str, Any]) -> None:
    # The last customer is out of reach of all.
    assert greedy(street(**changes)) is None


@pytest.mark.parametrize("goal", SitingGoal)
@given(seed=st.integers(0, 10**6))
@FEW
def test_every_rule_and_no_miracle(
    make_problem: Maker, best_of: BestOf, goal: SitingGoal, seed: int
) -> None:
    problem = make_problem(seed, goal)
    solution = greedy(problem)
    if solution is None:
        return
    report = check(problem, solution)
    best = best_of(problem)
    assert report.is_feasible
    assert best is not None
    assert report.objective >= best - 1e-9


@given(seed=st.integers(0, 10**6))
@FEW
def test_the_share_that_greedy_is_known_to_reach(
    make_problem: Maker, best_of: BestOf, seed: int
) -> None:
    """At least 1 - 1/e of the most coverable (Nemhauser, Wolsey and Fisher 1978)."""
    problem = make_problem(seed, SitingGoal.MAX_COVERAGE).replace(
        budget_cents=None,
        status=None,
        capacity_units=None,
        min_spacing_m=0,
        site_distance_m=None,
        cover_by=1,
    )
    solution, best = greedy(problem), best_of(problem)
    assert solution is not None
    assert best is not None
    covered = problem.total_units - check(problem, solution).objective
    assert covered >= (1 - 1 / math.e) * (problem.total_units - best) - 1e-9
