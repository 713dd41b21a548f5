"""The plan that is there before any engine is loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from benchmarks.snapshot import snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.stop import Stop
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.routing import (
    FAR,
    Breaks,
    Couriers,
    Options,
    Orders,
    RoutingProblem,
    RoutingSolution,
    Stores,
    check,
    solve,
)
from dispatchopt.routing.at_hand import plan_at_hand

Line = Callable[..., RoutingProblem]


def any_problem(seed: int) -> RoutingProblem:
    """Return a problem of up to 14 orders in which every rule may be in use, and bind."""
    rng = np.random.default_rng(seed)
    num, stores, rows, size = *(int(rng.integers(1, top)) for top in (15, 4, 5)), 9
    profiles = int(rng.integers(1, 3))

    def some(share: float, low: int, high: int, length: int, otherwise: int) -> Any:
        drawn = rng.integers(low, high, length)
        return np.where(rng.random(length) < share * rng.integers(0, 2), drawn, otherwise)

    def matrix() -> TravelMatrix:
        metres = rng.integers(0, 90, (size, size))
        seconds = rng.integers(0, 90, (size, size))
        seconds[rng.random((size, size)) < 0.1 * rng.integers(0, 2)] = UNREACHABLE
        np.fill_diagonal(metres, 0)
        np.fill_diagonal(seconds, 0)
        return TravelMatrix(distance_m=metres, duration_s=seconds)

    def options(length: int) -> Options | None:
        listed = [np.flatnonzero(rng.random(stores) < 0.7).tolist() for _ in range(length)]
        return Options.of(listed) if rng.random() < 0.5 else None

    orders = Orders.of(
        place=rng.integers(0, size, num),
        load=rng.integers(0, 4, (num, 2)),
        service_s=rng.integers(0, 20, num),
        earliest_s=rng.integers(0, 120, num),
        latest_s=some(0.7, 60, 400, num, FAR),
        release_s=rng.integers(0, 90, num),
        max_age_s=some(0.5, 30, 300, num, FAR),
        promise_s=rng.integers(0, 200, num),
        late_cost_per_s=some(0.8, 0, 4, num, 0),
        promise_2_s=rng.integers(50, 250, num),
        late_2_cost_per_s=some(0.5, 0, 4, num, 0),
        promise_3_s=rng.integers(50, 300, num),
        late_3_cost_per_s=some(0.5, 0, 4, num, 0),
        refusal_cost=some(0.3, -1, 0, num, int(rng.integers(0, 900))),
        pickup_place=some(0.2, 0, size, num, -1),
        skills=some(0.3, 0, 4, num, 0),
        locked_courier=some(0.2, 0, rows, num, -1),
        planned_courier=rng.integers(-1, rows, num),
        planned_store=rng.integers(-1, stores, num),
        change_cost=some(0.5, 0, 300, num, 0),
        store_options=options(num),
    )
    couriers = Couriers.of(
        start_place=rng.integers(-1, size, rows),
        end_place=rng.integers(-1, size, rows),
        count=rng.integers(0, 4, rows),
        capacity=rng.integers(2, 12, (rows, 2)),
        earliest_s=rng.integers(-20, 90, rows),
        latest_s=some(0.7, 200, 700, rows, FAR),
        profile=rng.integers(0, profiles, rows),
        fixed_cost=rng.integers(0, 60, rows),
        cost_per_m=rng.integers(0, 4, rows),
        cost_per_s=rng.integers(0, 4, rows),
        cost_per_order=rng.integers(0, 20, rows),
        min_pay=some(0.5, 0, 2500, rows, 0),
        max_distance_m=some(0.5, 50, 500, rows, FAR),
        max_duration_s=some(0.5, 100, 600, rows, FAR),
        max_trips=rng.integers(1, 3, rows),
        max_stops=rng.integers(1, 8, rows),
        skills=rng.integers(0, 4, rows),
        store_options=options(rows),
    )
    num_breaks = int(rng.integers(0, 3))
    early = rng.integers(0, 200, num_breaks)
    return RoutingProblem(
        travel=tuple(matrix() for _ in range(profiles)),
        orders=orders,
        stores=Stores.of(
            place=rng.integers(0, size, stores),
            service_s=rng.integers(0, 20, stores),
            earliest_s=rng.integers(0, 90, stores),
            latest_s=some(0.5, 60, 300, stores, FAR),
            pick_s=some(0.4, 1, 60, stores, 0),
        ),
        couriers=couriers,
        breaks=Breaks(
            courier=rng.integers(0, rows, num_breaks),
            earliest_s=early,
            latest_s=early + rng.integers(0, 80, num_breaks),
            duration_s=rng.integers(0, 40, num_breaks),
        ),
    )


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_plan_at_hand_keeps_every_rule_and_is_no_worse_than_refusing_all(seed: int) -> None:
    problem = any_problem(seed)
    plan = plan_at_hand(problem)
    nothing = check(problem, RoutingSolution())
    if plan is None:
        assert not nothing.is_feasible
        return
    report = check(problem, plan)
    assert report.violations == ()
    assert not nothing.is_feasible or report.objective <= nothing.objective


def test_the_random_problems_have_plans_that_serve() -> None:
    plans = [plan_at_hand(any_problem(seed)) for seed in range(200)]
    assert sum(plan is not None and len(plan.served()) > 1 for plan in plans) > 20
    assert any(plan is None for plan in plans)


def test_trips_are_shared_where_that_saves(line_problem: Line) -> None:
    """10 and 20 lie on one way, -30 on the other; each would pay alone."""
    problem = line_problem(orders={"refusal_cost": 500}, couriers={"count": [2]})
    plan = plan_at_hand(problem)
    assert plan is not None
    assert plan.served() == {0, 1, 2}
    assert check(problem, plan).objective == 100


@pytest.mark.parametrize("refusal_cost", [3000, -1])
def test_without_time_the_answer_is_the_plan_at_hand(refusal_cost: int) -> None:
    problem = snapshot(40, 4, 20, 3)
    problem = problem.replace(orders=problem.orders.replace(refusal_cost=refusal_cost))
    result = solve(problem, stop=Stop(time_s=1e-9))
    assert result.figures["orders_served"] == 40
    assert result.objective == check(problem, result.require()).objective


def test_no_compiler_and_no_solver_is_loaded_for_it() -> None:
    code = (
        "import sys; from dispatchopt.routing.at_hand import plan_at_hand;"
        "from benchmarks.snapshot import snapshot; assert plan_at_hand(snapshot(20, 3, 10, 2));"
        "print([name for name in ('numba', 'highspy', 'pyvrp', 'ortools') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
