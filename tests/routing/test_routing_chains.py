"""Couriers with several trips, chained in time by engine ``bundles``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Status, Stop
from dispatchopt.core.errors import UnsupportedError
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import Couriers, Orders, RoutingProblem, Stores, check, solve

Line = Callable[..., RoutingProblem]
Least = Callable[[RoutingProblem], float | None]


def _chained(seed: int) -> RoutingProblem:
    """Return a problem of up to 3 orders and two trips, sometimes with a price of lateness."""
    rng = np.random.default_rng(seed)
    num_orders, num_stores, rows = (int(rng.integers(1, top)) for top in (4, 3, 3))
    size = num_orders + num_stores + 2
    xy = rng.integers(0, 60, (size, 2))
    metres = np.rint(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    metres += rng.integers(0, 4, metres.shape)
    np.fill_diagonal(metres, 0)
    late = rng.integers(0, 4, num_orders) * int(rng.random() < 0.4)
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=2 * metres),),
        orders=Orders.of(
            place=np.arange(num_orders),
            load=rng.integers(0, 4, (num_orders, 1)),
            service_s=rng.integers(0, 10, num_orders),
            earliest_s=rng.integers(0, 60, num_orders),
            latest_s=rng.integers(100, 500, num_orders),
            release_s=rng.integers(0, 80, num_orders),
            refusal_cost=np.where(rng.random(num_orders) < 0.2, -1, rng.integers(0, 900)),
            promise_s=rng.integers(0, 300, num_orders),
            late_cost_per_s=late,
            promise_2_s=rng.integers(100, 400, num_orders),
            late_2_cost_per_s=late * rng.integers(0, 2, num_orders),
        ),
        stores=Stores.of(
            place=num_orders + np.arange(num_stores),
            service_s=rng.integers(0, 6, num_stores),
            earliest_s=rng.integers(0, 30, num_stores),
        ),
        couriers=Couriers.of(
            start_place=rng.integers(-1, size, rows),
            end_place=rng.integers(-1, size, rows),
            count=1,
            capacity=rng.integers(3, 9, (rows, 1)),
            earliest_s=rng.integers(-20, 30, rows),
            latest_s=rng.integers(300, 700, rows),
            fixed_cost=rng.integers(0, 60, rows),
            cost_per_m=rng.integers(0, 4, rows),
            cost_per_s=rng.integers(0, 3, rows),
            cost_per_order=rng.integers(0, 20, rows),
            max_stops=rng.integers(1, 4, rows),
            max_trips=2,
        ),
    )


@settings(max_examples=10, deadline=None)
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
    if "all trips" in result.reason:
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


def test_a_wave_of_orders_has_a_certified_gap() -> None:
    """Twelve orders of an hour, four couriers with four trips: the gap is certified."""
    rng = np.random.default_rng(3)
    xy = rng.integers(0, 3_000, (14, 2))
    metres = np.rint(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    release = rng.integers(0, 2_400, 12)
    problem = RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=metres // 5),),
        orders=Orders.of(
            place=np.arange(2, 14),
            service_s=60,
            release_s=release,
            latest_s=release + 1_800,
            refusal_cost=5_000,
        ),
        stores=Stores.of(place=[0, 1], service_s=30),
        couriers=Couriers.of(
            start_place=[0, 1],
            end_place=[0, 1],
            count=[2, 2],
            max_trips=4,
            max_stops=2,
            latest_s=5_400,
        ),
    )
    result = solve(problem, engine="bundles", stop=Stop(iterations=400))
    report = check(problem, result.require())
    assert report.is_feasible
    assert result.gap is not None
    assert result.gap < 0.15
