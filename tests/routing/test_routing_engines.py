"""Every engine: the conformance suite, brute force on tiny problems, and what each refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Cancel, Status, Stop, StopReason, UnsupportedError
from dispatchopt.core.arrays import digest
from dispatchopt.core.run import solve as run_solve
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.routing import (
    DOMAIN,
    FAR,
    Couriers,
    Options,
    Orders,
    RoutingProblem,
    RoutingSolution,
    Stores,
    check,
    lower_bound,
    solve,
)
from dispatchopt.testing.conformance import CHECKS, EngineCases

Line = Callable[..., RoutingProblem]
Least = Callable[[RoutingProblem], float | None]


def random_problem(
    seed: int, *, is_paired: bool = False, is_single: bool = False
) -> RoutingProblem:
    """Return a problem of up to 3 orders in which every variant may occur.

    ``is_single`` has one trip per courier, prices lateness, and has ways everywhere;
    ``is_paired`` has pick-up places.
    """
    rng = np.random.default_rng(seed)
    num_orders, num_stores, rows = (int(rng.integers(1, top)) for top in (4, 3, 3))
    size = 2 * num_orders + num_stores + 2
    xy = rng.integers(0, 60, (size, 2))
    metres = np.rint(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    metres += rng.integers(0, 8, metres.shape)
    if not is_single and rng.random() < 0.3:
        metres[rng.integers(0, size), rng.integers(0, size)] = UNREACHABLE
    np.fill_diagonal(metres, 0)
    seconds = np.where(metres >= UNREACHABLE, UNREACHABLE, 2 * metres)
    orders: dict[str, Any] = {
        "place": np.arange(num_orders),
        "load": rng.integers(0, 4, (num_orders, 2)),
        "service_s": rng.integers(0, 10, num_orders),
        "earliest_s": rng.integers(0, 60, num_orders),
        "latest_s": rng.integers(60, 500, num_orders),
        "release_s": rng.integers(0, 80, num_orders),
        "refusal_cost": np.where(rng.random(num_orders) < 0.3, -1, rng.integers(0, 900)),
        "skills": rng.integers(0, 2, num_orders),
        "max_age_s": rng.integers(60, 600, num_orders),
    }
    couriers: dict[str, Any] = {
        "start_place": rng.integers(-1, size, rows),
        "end_place": rng.integers(-1, size, rows),
        "count": rng.integers(1, 3, rows),
        "capacity": rng.integers(2, 9, (rows, 2)),
        "earliest_s": rng.integers(-20, 30, rows),
        "latest_s": rng.integers(300, 700, rows),
        "fixed_cost": rng.integers(0, 60, rows),
        "cost_per_m": rng.integers(0, 4, rows),
        "cost_per_s": rng.integers(0, 4, rows),
        "skills": rng.integers(0, 2, rows) | rng.integers(0, 2, rows),
        "max_distance_m": rng.integers(150, 500, rows),
        "max_duration_s": rng.integers(200, 600, rows),
    }
    if is_paired:
        orders["pickup_place"] = num_orders + np.arange(num_orders)
        orders["pickup_service_s"] = rng.integers(0, 5, num_orders)
        orders["pickup_latest_s"] = rng.integers(60, 400, num_orders)
    else:
        couriers["max_stops"] = rng.integers(1, 4, rows)
        couriers["max_trips"] = 1 if is_single else rng.integers(1, 3, rows)
        if rng.random() < 0.6:
            some = [np.flatnonzero(rng.random(num_stores) < 0.7) for _ in range(num_orders)]
            orders["store_options"] = Options.of([each.tolist() for each in some])
        if rng.random() < 0.6:
            own = [[int(rng.integers(0, num_stores))] for _ in range(rows)]
            couriers["store_options"] = Options.of(own)
    if is_single:
        orders["locked_courier"] = np.where(
            rng.random(num_orders) < 0.2, rng.integers(0, rows, num_orders), -1
        )
        couriers["cost_per_order"] = rng.integers(0, 20, rows)
        couriers["min_pay"] = np.where(rng.random(rows) < 0.3, rng.integers(0, 900, rows), 0)
        orders["promise_s"] = rng.integers(0, 300, num_orders)
        orders["late_cost_per_s"] = rng.integers(0, 5, num_orders)
        if rng.random() < 0.5:
            # The price of lateness bends again, and at times once more.
            orders["promise_2_s"] = orders["promise_s"] + rng.integers(0, 100, num_orders)
            orders["late_2_cost_per_s"] = rng.integers(0, 5, num_orders)
            orders["promise_3_s"] = orders["promise_s"] + rng.integers(0, 200, num_orders)
            orders["late_3_cost_per_s"] = rng.integers(0, 3, num_orders)
        orders["planned_courier"] = rng.integers(-1, rows, num_orders)
        orders["planned_store"] = rng.integers(-1, num_stores, num_orders)
        orders["change_cost"] = np.where(rng.random() < 0.5, rng.integers(0, 200), 0)
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=seconds),),
        orders=Orders.of(**orders),
        stores=Stores.of(
            place=2 * num_orders + np.arange(num_stores),
            service_s=rng.integers(0, 6, num_stores),
            earliest_s=rng.integers(0, 30, num_stores),
            latest_s=rng.integers(100, 400, num_stores),
        ),
        couriers=Couriers.of(**couriers),
    )


def usual_cases(line_problem: Line) -> tuple[RoutingProblem, ...]:
    return (
        line_problem(),
        line_problem(orders={"place": [2], "load": [[1]]}, couriers={"cost_per_s": 1}),
        line_problem(
            orders={"refusal_cost": [4, 30, 99], "release_s": [5, 0, 40]},
            couriers={"count": [2], "capacity": [[2]], "max_stops": [2]},
        ),
        line_problem(
            orders={"refusal_cost": 500, "store_options": Options.of([[0, 1], [1], [0]])},
            stores={"place": [0, 1]},
            couriers={
                "start_place": [0, 1],
                "end_place": [0, 1],
                "capacity": [[3], [3]],
                "store_options": Options.of([[0], [1]]),
            },
        ),
    )


@pytest.mark.parametrize("engine", ["pyvrp", "bundles", "ortools"])
@pytest.mark.parametrize("conforms", CHECKS, ids=lambda each: str(each.__name__))
def test_conformance(conforms: Any, engine: str, line_problem: Line) -> None:
    cases = EngineCases(
        usual=usual_cases(line_problem),
        empty=line_problem(orders={"place": [], "load": np.zeros((0, 1), dtype=np.int64)}),
        infeasible=line_problem(couriers={"capacity": [[0]]}),
        exact=engine == "bundles",
    )
    conforms(DOMAIN, engine, cases)


@pytest.mark.parametrize("engine", ["pyvrp", "bundles", "ortools"])
def test_no_couriers(engine: str, line_problem: Line) -> None:
    idle = line_problem(orders={"refusal_cost": 5}, couriers={"count": [0]})
    result = solve(idle, engine=engine, stop=Stop(iterations=5))
    assert (result.status, result.objective) == (Status.OPTIMAL, 15)
    result = solve(line_problem(couriers={"count": [0]}), engine=engine, stop=Stop(iterations=5))
    assert result.status is Status.INFEASIBLE
    assert "order 0" in result.reason


def test_best_tour_on_a_line(line_problem: Line) -> None:
    """There and back on both sides: 2 x 20 + 2 x 30 metres."""
    for engine in ("pyvrp", "bundles", "ortools"):
        result = solve(line_problem(), engine=engine, stop=Stop(iterations=300))
        assert result.objective == 100


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), is_paired=st.booleans())
def test_pyvrp_lies_between_bound_and_brute_force(
    seed: int, is_paired: bool, least_cost: Least
) -> None:
    problem = random_problem(seed, is_paired=is_paired)
    least = least_cost(problem)
    result = solve(problem, engine="pyvrp", stop=Stop(iterations=60))
    if least is None:
        assert result.solution is None
        return
    assert result.status is not Status.INFEASIBLE
    assert lower_bound(problem) <= least
    if result.objective is not None:
        assert least <= result.objective


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_bundles_equal_brute_force(seed: int, least_cost: Least) -> None:
    problem = random_problem(seed, is_single=True)
    least = least_cost(problem)
    result = solve(problem, engine="bundles")
    assert lower_bound(problem) <= (np.inf if least is None else least)
    assert result.objective == least
    assert result.status is (Status.INFEASIBLE if least is None else Status.OPTIMAL)


def test_no_proof_where_detours_are_short_cuts(line_problem: Line) -> None:
    """The way to -30 leads over 10 only: extending feasible sets would never find it."""
    problem = line_problem(orders={"refusal_cost": 1000}, couriers={"max_stops": [3]})
    metres = problem.travel[0].distance_m.copy()
    metres[0, 3] = UNREACHABLE
    closed = TravelMatrix(distance_m=metres, duration_s=problem.travel[0].duration_s)
    # The plan at hand finds it, and meets the bound that comes before the engine.
    domain = replace(DOMAIN, at_hand=lambda _: RoutingSolution())
    result = run_solve(domain, problem.replace(travel=(closed,)), engine="bundles")
    assert result.status is Status.FEASIBLE
    assert "some of the feasible trips" in result.reason


RELAXATIONS: dict[str, Callable[[RoutingProblem], RoutingProblem]] = {
    "freshness": lambda p: p.replace(orders=p.orders.replace(max_age_s=FAR)),
    "locks": lambda p: p.replace(orders=p.orders.replace(locked_courier=-1)),
    "windows": lambda p: p.replace(orders=p.orders.replace(latest_s=FAR, earliest_s=-FAR)),
    "releases": lambda p: p.replace(orders=p.orders.replace(release_s=-FAR, max_age_s=FAR)),
    "loads": lambda p: p.replace(orders=p.orders.replace(load=0 * p.orders.load)),
    "skills": lambda p: p.replace(orders=p.orders.replace(skills=0)),
    "stores": lambda p: p.replace(orders=p.orders.replace(store_options=None)),
    "limits": lambda p: p.replace(
        couriers=p.couriers.replace(max_distance_m=FAR, max_duration_s=FAR, max_stops=3)
    ),
    "couriers": lambda p: p.replace(couriers=p.couriers.replace(count=p.couriers.count + 1)),
    "minimum pay": lambda p: p.replace(couriers=p.couriers.replace(min_pay=0)),
}


@pytest.mark.parametrize("rule", RELAXATIONS)
def test_a_relaxed_rule_never_costs_more(rule: str) -> None:
    for seed in range(12):
        problem = random_problem(seed, is_single=True)
        strict = solve(problem, engine="bundles").objective
        relaxed = solve(RELAXATIONS[rule](problem), engine="bundles").objective
        if strict is not None:
            assert relaxed is not None
            assert relaxed <= strict


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_renumbering_changes_nothing(seed: int) -> None:
    problem = random_problem(seed, is_single=True)
    turned = np.arange(len(problem.orders))[::-1]
    orders = problem.orders
    names = ["place", "load", "service_s", "earliest_s", "latest_s", "release_s", "skills"]
    names += ["refusal_cost", "promise_s", "late_cost_per_s", "max_age_s", "locked_courier"]
    names += ["planned_courier", "planned_store", "change_cost", "promise_2_s", "promise_3_s"]
    names += ["late_2_cost_per_s", "late_3_cost_per_s"]
    columns = {name: getattr(orders, name)[turned] for name in names}
    if orders.store_options is not None:
        options = [orders.store_options.row(int(order)).tolist() for order in turned]
        columns["store_options"] = Options.of(options)
    renumbered = problem.replace(orders=Orders.of(**columns))
    assert lower_bound(renumbered) == lower_bound(problem)
    assert (
        solve(renumbered, engine="bundles").objective == solve(problem, engine="bundles").objective
    )


def test_auto_says_why(line_problem: Line) -> None:
    short = solve(line_problem(couriers={"max_stops": [3]}), stop=Stop(iterations=20))
    assert short.engine == "bundles"
    assert "at most 3 orders" in short.reason
    long = solve(line_problem(), stop=Stop(iterations=20))
    assert long.engine == "pyvrp"


def test_refusals_name_the_reason(line_problem: Line) -> None:
    late = line_problem(orders={"promise_s": 10, "late_cost_per_s": 1})
    with pytest.raises(UnsupportedError, match="price of lateness"):
        solve(late, engine="pyvrp")
    mixed = line_problem(orders={"pickup_place": [-1, 2, 2]})
    with pytest.raises(UnsupportedError, match="cannot mix"):
        solve(mixed, engine="pyvrp")
    with pytest.raises(UnsupportedError, match="pick-up place"):
        solve(mixed, engine="bundles")
    with pytest.raises(UnsupportedError, match="lock orders"):
        solve(line_problem(orders={"locked_courier": [0, -1, -1]}), engine="pyvrp")
    with pytest.raises(UnsupportedError, match="cost per order"):
        solve(line_problem(couriers={"cost_per_order": 3}), engine="pyvrp")
    for limit in ({"max_distance_m": [500]}, {"min_pay": [5]}):
        with pytest.raises(UnsupportedError, match="does not chain trips"):
            solve(line_problem(couriers={"max_trips": [2], **limit}), engine="bundles")


def test_reloads_make_up_for_capacity(line_problem: Line) -> None:
    """One courier that carries one order drives three rounds: 20 + 40 + 60 metres."""
    problem = line_problem(couriers={"capacity": [[1]], "max_trips": [3]})
    result = solve(problem, engine="pyvrp", stop=Stop(iterations=500))
    assert result.objective == 120
    assert result.figures["trips"] == 3


def test_pyvrp_keeps_pick_up_before_delivery(line_problem: Line) -> None:
    problem = line_problem(orders={"pickup_place": [3, 1, 2]}, couriers={"capacity": [[1]]})
    result = solve(problem, engine="pyvrp", stop=Stop(iterations=500))
    # One at a time, each delivery is the place of the next pick-up: 0, 10, 20, -30, 10, 0.
    assert result.objective == 10 + 10 + 50 + 40 + 10


def test_a_better_start_is_used(line_problem: Line, one_route: Callable[..., Any]) -> None:
    problem = line_problem()
    best = one_route(0, 1, 2)
    result = solve(problem, engine="pyvrp", stop=Stop(iterations=1), start=best)
    assert result.objective == 100
    assert isinstance(result.require(), RoutingSolution)


def test_cancel_keeps_the_best(line_problem: Line) -> None:
    cancel = Cancel()
    seen: list[int] = []

    def watch(progress: Any) -> None:
        seen.append(progress.iterations)
        if progress.iterations >= 7:
            cancel.set()

    problem = line_problem(orders={"pickup_place": [3, 1, 2]}, couriers={"capacity": [[1]]})
    result = solve(problem, engine="pyvrp", stop=Stop(cancel=cancel), callback=watch)
    assert result.stopped_by is StopReason.CANCELLED
    assert seen[-1] == 7
    assert check(problem, result.require()).is_feasible


def test_bundles_are_the_same_each_time() -> None:
    problem = random_problem(3, is_single=True)
    first, second = (solve(problem, engine="bundles", seed=5) for _ in range(2))
    assert digest(first.solution) == digest(second.solution)


def test_pyvrp_keeps_capacities_where_figures_are_large() -> None:
    """Loads fill 97 % of the couriers, and a leg costs more than the usual penalty of a unit."""
    rng = np.random.default_rng(5)
    xy = rng.integers(0, 100, (41, 2))
    metres = 1_000_000 * np.abs(xy[:, None] - xy[None]).sum(axis=2).astype(np.int64)
    load = rng.integers(5, 30, (40, 1))
    problem = RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=metres),),
        orders=Orders.of(place=np.arange(1, 41), load=load),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0], end_place=[0], count=[6], capacity=[[int(load.sum() / 6 / 0.97)]]
        ),
    )
    result = solve(problem, engine="pyvrp", stop=Stop(iterations=500))
    assert result.solution is not None
