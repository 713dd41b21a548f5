"""Known plans are mended before the search: new orders go where they cost least."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from benchmarks.snapshot import snapshot

from dispatchopt.core import Stop
from dispatchopt.routing import Route, RoutingProblem, RoutingSolution, Trip, check, solve
from dispatchopt.routing.engines import bundles
from dispatchopt.routing.engines._repair import mended

Line = Callable[..., RoutingProblem]
One = Callable[..., RoutingSolution]


def test_an_order_joins_the_trip_it_lies_on(line_problem: Line, one_route: One) -> None:
    """10 lies on the way to 20; -30 costs 60 with the idle courier, and the same on the way."""
    problem = line_problem(
        orders={"refusal_cost": [50, 50, 60]}, couriers={"max_stops": [2], "count": [2]}
    )
    better = mended(problem, one_route(1))
    assert better is not None
    assert [route.trips[0].stops for route in better.routes] == [(0, 1)]
    dearer = problem.replace(orders=problem.orders.replace(refusal_cost=61))
    better = mended(dearer, one_route(1))
    assert better is not None
    assert [route.trips[0].stops for route in better.routes] == [(0, 1), (2,)]
    assert check(dearer, better).is_feasible


def test_nothing_is_mended_where_nothing_pays(line_problem: Line, one_route: One) -> None:
    problem = line_problem(orders={"refusal_cost": 0}, couriers={"max_stops": [2]})
    assert mended(problem, one_route(1)) is None
    locked = line_problem(
        orders={"refusal_cost": 500, "locked_courier": [1, -1, 1]},
        couriers={
            "start_place": [0, 0],
            "end_place": [0, 0],
            "capacity": [[3], [0]],
            "max_stops": 3,
        },
    )
    assert mended(locked, one_route(1)) is None


@pytest.mark.parametrize("seed", range(3))
def test_a_start_is_never_made_worse(seed: int) -> None:
    problem = snapshot(30, 4, 8, seed)
    best = solve(problem).require()
    some = RoutingSolution(routes=best.routes[::2])
    better = mended(problem, some)
    assert better is not None
    report = check(problem, better)
    assert report.is_feasible
    assert report.objective < check(problem, some).objective
    again = solve(problem, stop=Stop(iterations=500), start=some)
    assert again.objective == check(problem, best).objective


def test_multi_trip_starts_are_left_alone(line_problem: Line) -> None:
    problem = line_problem(couriers={"max_trips": [2]}, orders={"refusal_cost": 500})
    trips = (Trip(store=0, stops=(0,)), Trip(store=0, stops=(1,)))
    start = RoutingSolution(routes=(Route(courier=0, trips=trips, start_s=0),))
    result = solve(problem, engine="pyvrp", stop=Stop(iterations=50), start=start)
    assert result.objective is not None
    assert result.objective <= check(problem, start).objective


def test_a_plan_is_begun_before_trips_are_enumerated(monkeypatch: pytest.MonkeyPatch) -> None:
    def enumerates(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    problem = snapshot(20, 3, 10, 2)
    problem = problem.replace(orders=problem.orders.replace(refusal_cost=-1))
    best = solve(problem).objective
    monkeypatch.setattr(bundles, "enumerate_bundles", enumerates)
    result = solve(problem, engine="bundles")
    assert result.solution is not None
    assert best is not None
    assert result.objective is not None
    assert result.objective >= best
