"""The center engine: reductions change nothing, and rules on sites hold."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.result import Status
from dispatchopt.core.stop import Stop
from dispatchopt.siting import SitingGoal, SitingProblem
from dispatchopt.siting.engines._center_cover import Rules, reduced


@given(seed=st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_reductions_keep_the_fewest_columns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(1, 8)), int(rng.integers(1, 7))
    reach = rng.random((rows, columns)) < 0.45
    rules = Rules(
        is_fixed=np.zeros(columns, dtype=bool),
        max_open=columns,
        spend=np.zeros(columns),
        budget=np.inf,
        conflicts=np.zeros((0, 2), dtype=np.int64),
    )

    def fewest(table: np.ndarray[Any, np.dtype[np.bool_]]) -> int | None:
        for count in range(table.shape[1] + 1):
            for chosen in itertools.combinations(range(table.shape[1]), count):
                if table[:, list(chosen)].any(axis=1).all():
                    return count
        return None

    cover = reduced(reach, rules)
    assert fewest(cover.reach) == fewest(reach)
    assert cover.reach.sum() <= reach.sum()
    assert cover.column.tolist() == sorted(cover.column)


@given(seed=st.integers(0, 10**6), budget=st.integers(0, 60))
@settings(max_examples=15, deadline=None)
def test_budget_and_spacing_hold_with_center(make_coverage: Any, seed: int, budget: int) -> None:
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(2, 7)), int(rng.integers(1, 10))
    apart = rng.integers(0, 60, (m, m))
    problem = SitingProblem(
        goal=SitingGoal.P_CENTER,
        coverage=make_coverage(rng.integers(0, 30, (m, n))),
        demand_units=rng.integers(0, 3, n),
        max_sites=int(rng.integers(1, m + 1)),
        site_cost_cents=rng.integers(0, 20, m),
        budget_cents=budget,
        min_spacing_m=40,
        site_distance_m=apart + apart.T,
    )
    found = siting.solve(problem, engine="center", stop=Stop(time_s=30))
    other = siting.solve(problem, engine="mip", stop=Stop(time_s=30))
    assert found.status is other.status
    assert found.objective == other.objective


def test_a_radius_that_one_site_too_few_cannot_reach(make_coverage: Any) -> None:
    # Three customers at three sites 10 apart: two sites leave one customer 10 away.
    away = np.abs(np.subtract.outer([0, 10, 20], [0, 10, 20]))
    problem = SitingProblem(
        goal=SitingGoal.P_CENTER,
        coverage=make_coverage(away),
        demand_units=np.ones(3, dtype=np.int64),
        max_sites=2,
    )
    result = siting.solve(problem, engine="center")
    assert (result.status, result.objective, result.bound) == (Status.OPTIMAL, 10, 10)
