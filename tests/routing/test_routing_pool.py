"""The pool of routes behind the PyVRP engine: what it keeps, and the plan made from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dispatchopt.core import Stop
from dispatchopt.core.run import solve
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import DOMAIN, Couriers, Orders, RoutingProblem, Stores, check
from dispatchopt.routing.engines._pyvrp_model import build
from dispatchopt.routing.engines._pyvrp_pool import Pool
from dispatchopt.routing.engines.pyvrp import PyVrpEngine

Line = Callable[..., RoutingProblem]


def never() -> bool:
    return False


def plan(model: Any, *routes: list[int]) -> Any:
    """Return a solution of PyVRP whose routes visit these orders."""
    import pyvrp

    return pyvrp.Solution(
        model.data,
        [
            pyvrp.Route(
                model.data,
                [pyvrp.Activity(pyvrp.ActivityType.CLIENT, order) for order in route],
                0,
            )
            for route in routes
        ],
    )


def test_halves_of_two_plans_make_a_better_one(line_problem: Line) -> None:
    # Orders at 10, 20, -30: the best plan of two couriers is (10, 20) and (-30), 40 + 60.
    problem = line_problem(couriers={"count": [2], "capacity": [[2]]})
    model = build(problem)
    assert model is not None
    first, second = plan(model, [0, 2], [1]), plan(model, [0, 1], [2])
    pool = Pool(model)
    pool.add(first)
    assert pool.best(first, time_s=5.0, seed=1, should_stop=never) is None
    pool.add(second)
    assert len(pool) == 4
    best = pool.best(first, time_s=5.0, seed=1, should_stop=never)
    assert best is not None
    assert best.distance() == 100
    assert pool.best(second, time_s=5.0, seed=1, should_stop=never) is None


def test_infeasible_and_repeated_routes_are_not_kept(line_problem: Line) -> None:
    model = build(line_problem(couriers={"count": [2], "capacity": [[2]]}))
    assert model is not None
    pool = Pool(model)
    pool.add(plan(model, [0, 1, 2]))
    assert len(pool) == 0
    pool.add(plan(model, [0, 1]))
    pool.add(plan(model, [0, 1]))
    assert len(pool) == 1


def test_couriers_are_not_used_twice(line_problem: Line) -> None:
    model = build(line_problem(couriers={"count": [1], "capacity": [[3]]}))
    assert model is not None
    known = plan(model, [0, 1, 2])
    pool = Pool(model)
    for route in ([0, 1], [2], [0], [1]):
        pool.add(plan(model, route))
    # Any split would need a second courier.
    assert pool.best(known, time_s=5.0, seed=1, should_stop=never) is None


def test_orders_may_be_refused_in_a_plan(line_problem: Line) -> None:
    problem = line_problem(
        orders={"refusal_cost": [50, 50, 5]}, couriers={"count": [1], "capacity": [[3]]}
    )
    model = build(problem)
    assert model is not None
    known = plan(model, [0, 1, 2])
    pool = Pool(model)
    pool.add(plan(model, [0, 1]))
    best = pool.best(known, time_s=5.0, seed=1, should_stop=never)
    assert best is not None
    assert (best.distance(), best.num_clients()) == (40, 2)


def test_a_run_with_a_pool_is_checked_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    xy = rng.integers(0, 100, (26, 2))
    delta = xy[:, None, :] - xy[None, :, :]
    metres = np.rint(np.sqrt((delta**2).sum(axis=2))).astype(np.int64)
    opens = rng.integers(0, 300, 25)
    problem = RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=metres),),
        orders=Orders.of(
            place=np.arange(1, 26),
            load=np.full((25, 1), 10),
            earliest_s=opens,
            latest_s=opens + 150,
            release_s=np.maximum(opens - 100, 0),
        ),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0], end_place=[0], count=[25], capacity=[[60]], max_trips=3
        ),
    )
    asked: list[Any] = []
    inner = Pool.best

    def best(self: Pool, *args: Any, **words: Any) -> Any:
        asked.append(inner(self, *args, **words))
        return asked[-1]

    monkeypatch.setattr(Pool, "best", best)
    engine = PyVrpEngine(max_polished=100)
    domain = dataclasses.replace(DOMAIN, engines=lambda: {"pyvrp": engine})
    result = solve(domain, problem, engine="pyvrp", stop=Stop(iterations=60), seed=1)
    assert len(asked) == 1
    assert check(problem, result.require()).objective == result.objective
    # One that is stale soon begins again, and ends at the limit all the same.
    asked.clear()
    impatient = PyVrpEngine(max_polished=100, stale_per_order=1)
    again = dataclasses.replace(DOMAIN, engines=lambda: {"pyvrp": impatient})
    result = solve(again, problem, engine="pyvrp", stop=Stop(iterations=400), seed=1)
    assert result.iterations == 400
    assert len(asked) > 2
    assert check(problem, result.require()).objective == result.objective


def test_what_two_routes_serve_is_left_to_one(line_problem: Line) -> None:
    """Routes (10, 20) and (20, -30): the order at 20 costs nothing on the way to nowhere else."""
    problem = line_problem(couriers={"count": [2], "capacity": [[2]]})
    model = build(problem)
    assert model is not None
    pool = Pool(model)
    for routes in ([[0, 1], [2]], [[1, 2], [0]]):
        pool.add(plan(model, *routes))
    made = pool._once(
        [*plan(model, [0, 1], [2]).routes()[:1], *plan(model, [1, 2], [0]).routes()[:1]]
    )
    assert made is not None
    # Taken out of (20, -30) it saves 40 m, out of (10, 20) 20 m.
    assert made.distance() == 40 + 60
    assert made.num_clients() == 3
