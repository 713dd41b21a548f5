"""The Lagrangian bound on p-median, and the merging of customers by sites and distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.result import Status
from dispatchopt.siting import SitingGoal, SitingProblem
from dispatchopt.siting.engines._pairs import merge

Maker = Callable[..., SitingProblem]
BestOf = Callable[[SitingProblem], float | None]


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_bound_is_never_above_the_optimum(make_problem: Maker, best_of: BestOf, seed: int) -> None:
    problem = make_problem(seed, SitingGoal.P_MEDIAN)
    best = best_of(problem)
    result = siting.solve(problem, engine="interchange")
    if best is not None and result.bound is not None:
        assert result.bound <= best


def test_bound_is_near_on_a_plane(make_coverage: Any) -> None:
    rng = np.random.default_rng(3)
    place = rng.random((60, 2)) * 1000
    away = np.linalg.norm(place[:, None] - place[None], axis=2).astype(np.int64)
    problem = SitingProblem(
        goal=SitingGoal.P_MEDIAN,
        coverage=make_coverage(away),
        demand_units=rng.integers(1, 9, size=60),
        max_sites=6,
    )
    exact = siting.solve(problem, engine="mip")
    local = siting.solve(problem, engine="interchange")
    assert exact.status is Status.OPTIMAL
    assert exact.objective is not None
    assert local.bound is not None
    assert 0.97 * exact.objective <= local.bound <= exact.objective


@pytest.mark.parametrize("table", [[[100, 200], [200, 100]], [[100, 200], [100, 200]]])
def test_bug_customers_with_other_distances_were_merged(
    table: list[list[int]], make_coverage: Any, best_of: BestOf
) -> None:
    """Exchanged distances, or distances equal within each customer, hashed alike."""
    problem = SitingProblem(
        goal=SitingGoal.P_MEDIAN,
        coverage=make_coverage(table),
        demand_units=np.array([1, 1]),
        max_sites=1,
    )
    assert merge(problem).num_rows == 2
    result = siting.solve(problem, engine="mip")
    assert result.objective == best_of(problem) == 300
    assert result.status is Status.OPTIMAL
