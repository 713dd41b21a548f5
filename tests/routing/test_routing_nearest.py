"""The plan by next stops, for more orders than choices among insertions have time for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.routing.conftest import line_travel
from tests.routing.test_routing_at_hand import any_problem

from dispatchopt.core.stop import Stop
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import (
    MANDATORY,
    Couriers,
    Orders,
    RoutingProblem,
    RoutingSolution,
    Stores,
    check,
    solve,
)
from dispatchopt.routing.nearest import nearest_routes

Line = Callable[..., RoutingProblem]


def _spread(num: int, *, is_paired: bool, max_trips: int = 1) -> RoutingProblem:
    """Return orders at random places, windows of a fifth of the day, one store in the middle."""
    rng = np.random.default_rng(num)
    points = rng.integers(0, 5_000, (2 * num + 1, 2))
    points[0] = 2_500
    ways = np.abs(points[:, None] - points[None]).sum(axis=-1)
    early = rng.integers(6_000, 50_000, num)
    pickups = {"pickup_place": np.arange(num) + num + 1, "release_s": early - 6_000}
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=ways, duration_s=ways // 5),),
        orders=Orders.of(
            place=np.arange(num) + 1,
            load=rng.integers(1, 4, (num, 1)),
            service_s=120,
            earliest_s=early,
            latest_s=early + 12_000,
            **(pickups if is_paired else {}),
        ),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0], end_place=[0], count=[num // 4], capacity=[[20]], max_trips=max_trips
        ),
    )


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_its_routes_keep_every_rule(seed: int) -> None:
    problem = any_problem(seed)
    must = np.full(len(problem.orders), MANDATORY)
    problem = problem.replace(orders=problem.orders.replace(refusal_cost=must))
    report = check(problem, RoutingSolution(routes=tuple(nearest_routes(problem))))
    # Orders that are left out are not in a plan then, nor in what stores pick.
    assert {each.rule for each in report.violations} <= {"order-mandatory", "pick-missing"}


def test_the_random_problems_have_routes() -> None:
    problems = [any_problem(seed) for seed in range(200)]
    assert sum(bool(nearest_routes(problem)) for problem in problems) > 30


def test_the_nearest_follows(line_problem: Line) -> None:
    routes = nearest_routes(line_problem())
    assert [trip.stops for route in routes for trip in route.trips] == [(0, 1, 2)]


def test_a_full_courier_drives_again(line_problem: Line) -> None:
    """Two orders fill it: 10 and 20 go first, then -30."""
    problem = line_problem(couriers={"capacity": [[2]], "max_trips": [2]})
    [route] = nearest_routes(problem)
    assert [trip.stops for trip in route.trips] == [(0, 1), (2,)]
    assert check(problem, RoutingSolution(routes=(route,))).violations == ()


def test_orders_are_aboard_together() -> None:
    """Picked up at 10 and 20, delivered at 30 and 40: there and back once."""
    problem = RoutingProblem(
        travel=(line_travel(0, 10, 20, 30, 40),),
        orders=Orders.of(place=[3, 4], pickup_place=[1, 2]),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(start_place=[0], end_place=[0]),
    )
    [route] = nearest_routes(problem)
    assert [trip.stops for trip in route.trips] == [(0, 1, 0, 1)]
    assert check(problem, RoutingSolution(routes=(route,))).objective == 80


def test_without_time_many_orders_that_must_be_served_are_served() -> None:
    for problem in (
        _spread(400, is_paired=False),
        _spread(400, is_paired=False, max_trips=3),
        _spread(150, is_paired=True),
    ):
        result = solve(problem, stop=Stop(time_s=1e-9))
        assert result.figures["orders_served"] == len(problem.orders)
        assert result.figures["routes"] < len(problem.orders) / 8
