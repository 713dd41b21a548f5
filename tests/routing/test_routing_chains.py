"""Couriers with several trips, chained in time by engine ``bundles``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Status, Stop
from dispatchopt.core.errors import UnsupportedError
from dispatchopt.routing import Orders, RoutingProblem, Stores, check, solve
from dispatchopt.routing.problem import FAR, UNREACHABLE

sys.path.insert(0, str(Path(__file__).parent))
from test_routing_engines import random_problem

Line = Callable[..., RoutingProblem]
Least = Callable[[RoutingProblem], float | None]


def _chained(seed: int) -> RoutingProblem:
    """Return a problem with several trips, sometimes with a price of lateness."""
    problem = random_problem(seed)
    rng = np.random.default_rng(seed)
    couriers = problem.couriers
    some = np.where(rng.random(len(couriers)) < 0.8, couriers.max_trips + 1, couriers.max_trips)
    some[0] = max(2, some[0])
    orders = problem.orders
    if rng.random() < 0.4:
        orders = orders.replace(
            promise_s=rng.integers(0, 300, len(orders)),
            late_cost_per_s=rng.integers(0, 5, len(orders)),
        )
    free = couriers.replace(
        max_trips=some,
        max_duration_s=np.full(len(couriers), FAR),
        max_distance_m=np.full(len(couriers), FAR),
        count=np.maximum(1, couriers.count),
    )
    return problem.replace(couriers=free, orders=orders)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_bound_and_plan_enclose_brute_force(seed: int, least_cost: Least) -> None:
    problem = _chained(seed)
    least = least_cost(problem)
    result = solve(problem, engine="bundles")
    if least is None:
        assert result.solution is None
        return
    assert result.bound is None or result.bound <= least
    assert result.status is not Status.INFEASIBLE
    if result.objective is not None:
        assert least <= result.objective
    whole = bool((problem.travel[0].distance_m < UNREACHABLE).all())
    if whole and "all trips" in result.reason:
        assert result.objective is not None
        assert result.objective <= 1.25 * least + 50


def test_three_rounds_on_a_line(line_problem: Line) -> None:
    """One courier that carries one order drives 20 + 40 + 60 metres, and that is proven."""
    problem = line_problem(couriers={"capacity": [[1]], "max_trips": [3], "max_stops": [3]})
    result = solve(problem, engine="bundles")
    assert (result.status, result.objective) == (Status.OPTIMAL, 120)
    assert result.figures["trips"] == 3


def test_time_limits_the_rounds(line_problem: Line) -> None:
    """A shift that ends after 100 s leaves no time for the farthest order."""
    problem = line_problem(
        orders={"refusal_cost": 1_000},
        couriers={"capacity": [[1]], "max_trips": [3], "max_stops": [3], "latest_s": 100},
    )
    result = solve(problem, engine="bundles")
    # 20 + 60 or 40 + 60 metres; or 20 + 40, all with one refusal.
    assert result.objective == 1_060
    assert result.status is Status.OPTIMAL


def test_a_start_is_kept(line_problem: Line) -> None:
    problem = line_problem(couriers={"capacity": [[1]], "max_trips": [3], "max_stops": [3]})
    known = solve(problem, engine="bundles").require()
    again = solve(problem, engine="bundles", start=known, stop=Stop(iterations=1))
    assert again.objective == 120


def test_renumbering_changes_nothing(line_problem: Line) -> None:
    columns = {"refusal_cost": [70, 30, 99], "release_s": [5, 0, 40], "place": [1, 2, 3]}
    couriers = {"capacity": [[1]], "max_trips": [2], "max_stops": [3], "cost_per_s": 1}
    found = set()
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        turned = {name: [values[i] for i in order] for name, values in columns.items()}
        result = solve(line_problem(orders=turned, couriers=couriers), engine="bundles")
        found.add((result.status, result.objective))
    assert len(found) == 1


def test_limits_of_a_route_are_refused(line_problem: Line) -> None:
    problem = line_problem(couriers={"max_trips": [2], "max_distance_m": 50})
    with pytest.raises(UnsupportedError, match="within a limit"):
        solve(problem, engine="bundles")


def test_a_wave_of_orders_is_nearly_proven() -> None:
    """Forty orders of an hour, four couriers with four trips: the gap is certified."""
    rng = np.random.default_rng(3)
    xy = rng.integers(0, 3_000, (42, 2))
    metres = np.rint(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    from dispatchopt.geography.matrix import TravelMatrix
    from dispatchopt.routing import Couriers

    release = rng.integers(0, 2_400, 40)
    problem = RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=metres // 5),),
        orders=Orders.of(
            place=np.arange(2, 42),
            service_s=60,
            release_s=release,
            latest_s=release + 1_800,
            refusal_cost=5_000,
        ),
        stores=Stores.of(place=[0, 1], service_s=30),
        couriers=Couriers.of(
            start_place=[0, 1],
            end_place=[0, 1],
            count=[3, 3],
            max_trips=4,
            max_stops=3,
            latest_s=5_400,
        ),
    )
    result = solve(problem, engine="bundles", stop=Stop(iterations=60))
    report = check(problem, result.require())
    assert report.is_feasible
    assert result.gap is not None
    assert result.gap < 0.25
