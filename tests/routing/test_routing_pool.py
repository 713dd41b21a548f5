"""What comes after PyVRP: ruin and recreate of its plan, and a plan chosen from the routes met."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Stop
from dispatchopt.core.run import Run, solve
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import (
    DOMAIN,
    Couriers,
    Orders,
    RoutingProblem,
    RoutingSolution,
    Stores,
    Trip,
    check,
)
from dispatchopt.routing.engines import _strings, pyvrp
from dispatchopt.routing.engines._polish import Polish
from dispatchopt.routing.engines._route_pool import RoutePool
from dispatchopt.routing.engines.pyvrp import PyVrpEngine
from dispatchopt.routing.schedule import best_route

Line = Callable[..., RoutingProblem]


def never() -> bool:
    return False


def trips(*routes: list[int]) -> list[tuple[Trip, ...]]:
    return [(Trip(store=0, stops=tuple(route)),) for route in routes]


def plan(problem: RoutingProblem, *routes: list[int]) -> RoutingSolution:
    """Return a solution whose routes have one trip each."""
    timed = [best_route(problem, 0, each) for each in trips(*routes)]
    return RoutingSolution(routes=tuple(route for route in timed if route is not None))


def pooled(problem: RoutingProblem, *routes: list[int]) -> RoutePool:
    pool = RoutePool(problem)
    for each in trips(*routes):
        pool.add([(0, pool._cost(0, each), each)])
    return pool


def test_halves_of_two_plans_make_a_better_one(line_problem: Line) -> None:
    # Orders at 10, 20, -30: the best plan of two couriers is (10, 20) and (-30), 40 + 60.
    problem = line_problem(couriers={"count": [2], "capacity": [[2]]})
    first, second = plan(problem, [0, 2], [1]), plan(problem, [0, 1], [2])
    assert pooled(problem).best(first, time_s=5.0, seed=1, should_stop=never) is None
    pool = pooled(problem, [0, 1], [2])
    best = pool.best(first, time_s=5.0, seed=1, should_stop=never)
    assert best is not None
    assert check(problem, best).objective == 100
    assert pool.best(second, time_s=5.0, seed=1, should_stop=never) is None


def test_of_two_sequences_the_shorter_is_kept(line_problem: Line) -> None:
    problem = line_problem(couriers={"count": [2], "capacity": [[3]]})
    for routes in ([[0, 2, 1], [0, 1, 2]], [[0, 1, 2], [0, 2, 1]]):
        pool = pooled(problem, *routes)
        assert len(pool) == 1
        [column] = pool._columns.values()
        assert column.trips[0].stops == (0, 1, 2)


def test_couriers_are_not_used_twice(line_problem: Line) -> None:
    problem = line_problem(couriers={"count": [1], "capacity": [[3]]})
    pool = pooled(problem, [0, 1], [2], [0], [1])
    # Any split would need a second courier.
    known = plan(problem, [0, 1, 2])
    assert pool.best(known, time_s=5.0, seed=1, should_stop=never) is None


def test_orders_may_be_refused_in_a_plan(line_problem: Line) -> None:
    problem = line_problem(
        orders={"refusal_cost": [50, 50, 5]}, couriers={"count": [1], "capacity": [[3]]}
    )
    known = plan(problem, [0, 1, 2])
    best = pooled(problem, [0, 1]).best(known, time_s=5.0, seed=1, should_stop=never)
    assert best is not None
    assert best.served() == {0, 1}
    assert check(problem, best).objective == 45


def test_what_two_routes_serve_is_left_to_one(line_problem: Line) -> None:
    """Routes (10, 20) and (20, -30): the order at 20 is taken out where it costs most."""
    problem = line_problem(couriers={"count": [2], "capacity": [[2]]})
    pool = pooled(problem, [0, 1], [1, 2])
    made = pool._once(list(pool._columns.values()))
    assert made is not None
    # Taken out of (20, -30) it saves 40 m, out of (10, 20) 20 m.
    assert check(problem, made).objective == 40 + 60


def _random(seed: int) -> RoutingProblem:
    """Return a problem that ruin and recreate takes, with any of its rules."""
    rng = np.random.default_rng(seed)
    num, num_stores = int(rng.integers(1, 14)), int(rng.integers(1, 3))
    xy = rng.integers(0, 100, (num + num_stores, 2))
    metres = np.rint(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    metres += rng.integers(0, 3, metres.shape)
    seconds = metres + rng.integers(0, 6, metres.shape)
    np.fill_diagonal(metres, 0)
    np.fill_diagonal(seconds, 0)
    opens = rng.integers(-50, 300, num)
    refusal = np.where(rng.random(num) < 0.5, -1, rng.integers(0, 200, num))
    place = num + np.arange(num_stores)
    own = None if num_stores == 1 else [[0], [1]]
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=seconds),),
        orders=Orders.of(
            place=np.arange(num),
            load=rng.integers(0, 10, (num, 1)),
            earliest_s=opens,
            latest_s=opens + rng.integers(20, 400, num),
            release_s=opens - rng.integers(0, 200, num),
            service_s=rng.integers(0, 9, num),
            refusal_cost=refusal,
        ),
        stores=Stores.of(
            place=place, service_s=rng.integers(0, 9, num_stores), latest_s=rng.integers(200, 900)
        ),
        couriers=Couriers.of(
            start_place=place,
            end_place=place,
            count=rng.integers(1, 4, num_stores),
            capacity=rng.integers(10, 40, (num_stores, 1)),
            cost_per_m=rng.integers(1, 3, num_stores),
            fixed_cost=rng.integers(0, 50, num_stores),
            max_trips=rng.integers(1, 4, num_stores),
            max_distance_m=int(rng.choice([300, 1 << 40])),
            max_duration_s=rng.choice([250, 400, 1 << 40], num_stores),
            earliest_s=rng.integers(-20, 50, num_stores),
            latest_s=rng.integers(400, 1000, num_stores),
            store_options=None if own is None else _options(own),
        ),
    )


def _options(rows: list[list[int]]) -> Any:
    from dispatchopt.routing import Options

    return Options.of(rows)


@settings(max_examples=60)
@given(st.integers(0, 1 << 32))
def test_plans_and_routes_met_cost_what_the_checker_says(seed: int) -> None:
    problem = _random(seed)
    assert _strings.unsupported(problem) is None
    search = _strings.Strings(problem, RoutingSolution(), seed=seed)
    if not len(search.kept):
        return
    search.run(300, 40.0)
    search.run(300, 0.0)
    best = search.best()
    if best is None:
        # Something that must be served was not.
        assert problem.orders.is_mandatory.any()
        return
    left_out = np.setdiff1d(np.arange(len(problem.orders)), search.kept)
    others = problem.orders.refusal_cost[left_out]
    if (others < 0).any():
        return
    report = check(problem, best)
    assert not report.violations
    assert report.objective == search.best_cost + others.sum()
    for courier, cost, made in search.met(1_000):
        route = best_route(problem, courier, made)
        assert route is not None
        alone = check(problem, RoutingSolution(routes=(route,)))
        assert alone.parts["travel"] + alone.parts["fixed"] == cost
    # What is read back costs the same.
    assert search.load(best)
    assert search.cost == search.best_cost


@settings(max_examples=30)
@given(st.integers(0, 1 << 32))
def test_lists_of_neighbours_leave_out_what_is_too_late_only(seed: int) -> None:
    problem = _random(seed)
    orders, travel = problem.orders, problem.travel[0]
    search = _strings.Strings(problem, RoutingSolution(), seed=seed)
    kept = search.kept
    if len(kept) < 2:
        return
    _, beside = search._near
    own = orders.place[kept]
    for row, order in enumerate(kept.tolist()):
        begins = np.maximum(orders.earliest_s, orders.release_s)[kept] + orders.service_s[kept]
        may_lead = begins + travel.duration_s[own, own[row]] <= orders.deadline_s[order]
        soonest = max(orders.earliest_s[order], orders.release_s[order]) + orders.service_s[order]
        legs = travel.duration_s[own[row], own]
        may_follow = soonest + legs <= orders.deadline_s[kept]
        for side, may in enumerate((may_lead, may_follow)):
            listed = beside[row, side::2]
            expected = set(np.flatnonzero(may).tolist()) - {row}
            assert set(listed[listed >= 0].tolist()) == expected


def test_a_late_start_saves_waiting_under_a_limit_of_duration(line_problem: Line) -> None:
    """Orders 10 m east and 30 m west, open from 100 and 160: 20 + 60 seconds under way.

    Begun at 90 the route ends at 190; one second less is too short for both.
    """
    problem = line_problem(
        orders={"earliest_s": [100, 1_000, 160], "latest_s": [100, 1_000, 160]},
        couriers={"count": [3], "capacity": [[3]], "max_duration_s": [100]},
    )
    problem = problem.replace(orders=problem.orders.replace(refusal_cost=[0, 0, 0]))
    for limit, is_sound in ((100, True), (99, False)):
        couriers = problem.couriers.replace(max_duration_s=limit)
        search = _strings.Strings(problem.replace(couriers=couriers), plan(problem, [0, 2]), seed=1)
        assert search.is_sound is is_sound


def test_ruin_and_recreate_finds_the_best_of_small_plans() -> None:
    """Against the engine that proves, one trip per courier of at most six orders."""
    compared = found = 0
    for seed in range(16):
        problem = _random(seed)
        couriers = problem.couriers.replace(max_trips=1, max_stops=6)
        orders = problem.orders.replace(refusal_cost=np.maximum(problem.orders.refusal_cost, 400))
        problem = problem.replace(couriers=couriers, orders=orders)
        proven = solve(DOMAIN, problem, engine="bundles", seed=1)
        wide = problem.replace(couriers=couriers.replace(max_stops=len(orders)))
        search = _strings.Strings(wide, RoutingSolution(), seed=1)
        for heat in (30.0, 10.0, 3.0, 1.0, 30.0, 10.0, 3.0, 1.0):
            search.run(1_000, heat)
        best = search.best()
        assert best is not None
        if all(len(trip.stops) <= 6 for route in best.routes for trip in route.trips):
            objective = check(problem, best).objective
            assert proven.bound is not None
            assert objective >= proven.bound - 1e-6
            compared += 1
            found += objective <= (proven.objective or 0)
    assert compared >= 8
    assert found >= compared - 1


def test_a_run_is_polished_and_checked_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = _random(5)
    far = 1 << 30
    problem = problem.replace(
        orders=problem.orders.replace(refusal_cost=-1, latest_s=far),
        stores=problem.stores.replace(latest_s=far),
        couriers=problem.couriers.replace(count=13, latest_s=far, max_distance_m=far),
    )
    asked: list[float] = []
    inner = Polish.go

    def go(self: Polish) -> None:
        asked.append(self._search.best_cost)
        inner(self)

    monkeypatch.setattr(Polish, "go", go)
    results = []
    for limit in (0, 10_000):
        engine = PyVrpEngine(min_polished=0, max_polished=limit, patience_per_order=5)
        domain = dataclasses.replace(DOMAIN, engines=partial(dict, pyvrp=engine))
        results.append(solve(domain, problem, engine="pyvrp", stop=Stop(), seed=1))
    assert len(asked) == 1
    plain, polished = (result.objective for result in results)
    assert plain is not None
    assert polished is not None
    assert polished <= plain
    # The same seed polishes the same way.
    assert results[1].objective == solve(domain, problem, engine="pyvrp", seed=1).objective


def test_a_polish_needs_time_for_a_whole_round(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = _random(5)
    problem = problem.replace(orders=problem.orders.replace(refusal_cost=-1))
    assert _strings.unsupported(problem) is None
    engine, size = PyVrpEngine(min_polished=0), len(problem.orders)
    for orders_squared, time_s, expected in (
        (size**2 / 10.0, 40.0, (True, True)),
        (size**2 / 41.0, 40.0, (True, False)),
        (size**2 / 10.0, 20.0, (False, True)),
        # Half a minute counts, though some of it has gone by before an engine begins.
        (size**2 / 10.0, 29.5, (True, True)),
        (size**2 / 10.0, 27.9, (False, True)),
        (size**2 / 1e9, None, (True, True)),
    ):
        monkeypatch.setattr(pyvrp, "_ORDERS_SQUARED_PER_S", orders_squared)
        run: Run[RoutingSolution] = Run(
            check=partial(check, problem), stop=Stop(time_s=time_s), seed=1, label="polish"
        )
        asked = engine._may_polish(problem, run), engine._has_time_for_round(problem, run)
        assert asked == expected


@pytest.mark.parametrize(
    ("orders", "couriers", "what"),
    [
        ({"promise_2_s": 5, "late_2_cost_per_s": 1}, {}, "a price of lateness"),
        ({"skills": 1}, {"skills": 1}, "skills"),
        ({}, {"cost_per_s": 1}, "costs of time"),
        ({}, {"max_stops": 2}, "limits of stops"),
        ({}, {"end_place": [-1]}, "ways to the store"),
    ],
)
def test_rules_that_it_lacks_are_named(
    line_problem: Line, orders: Any, couriers: Any, what: str
) -> None:
    problem = line_problem(orders=orders, couriers=couriers)
    assert _strings.unsupported(problem) == what
