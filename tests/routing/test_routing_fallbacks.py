"""Engines for what others refuse: ortools, picking and vroom."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Status, Stop, UnsupportedError
from dispatchopt.routing import (
    DOMAIN,
    FAR,
    Breaks,
    Couriers,
    Options,
    Orders,
    RoutingProblem,
    Stores,
    check,
    lower_bound,
    solve,
)
from dispatchopt.routing.engines.vroom import VroomEngine
from dispatchopt.routing.picking import as_picked
from dispatchopt.testing.conformance import CHECKS, EngineCases

Line = Callable[..., RoutingProblem]
Least = Callable[[RoutingProblem], float | None]

needs_vroom = pytest.mark.skipif(
    importlib.util.find_spec("vroom") is None, reason="pyvroom is not installed"
)


def any_rules(seed: int, base: RoutingProblem) -> RoutingProblem:
    """Return a problem of up to three orders on a line, with any of the rules in use."""
    rng = np.random.default_rng(seed)
    num, rows = int(rng.integers(1, 4)), int(rng.integers(1, 3))

    def some(share: float, values: Any, otherwise: int) -> Any:
        return np.where(rng.random(len(values)) < share, values, otherwise)

    orders = Orders.of(
        place=rng.integers(1, 4, num),
        load=rng.integers(0, 3, (num, 1)),
        service_s=rng.integers(0, 5, num),
        latest_s=rng.integers(60, 300, num),
        release_s=rng.integers(0, 40, num),
        max_age_s=some(0.4, rng.integers(60, 300, num), FAR),
        promise_s=rng.integers(0, 100, num),
        late_cost_per_s=rng.integers(0, 3, num),
        promise_3_s=rng.integers(50, 200, num),
        late_3_cost_per_s=rng.integers(0, 3, num),
        refusal_cost=some(0.7, rng.integers(0, 400, num), -1),
        pickup_place=some(0.3, rng.integers(0, 4, num), -1),
        skills=some(0.2, np.ones(num, dtype=np.int64), 0),
        locked_courier=some(0.2, rng.integers(0, rows, num), -1),
    )
    couriers = Couriers.of(
        start_place=rng.integers(-1, 4, rows),
        end_place=rng.integers(-1, 4, rows),
        count=rng.integers(1, 3, rows),
        capacity=rng.integers(1, 5, (rows, 1)),
        latest_s=rng.integers(150, 400, rows),
        fixed_cost=rng.integers(0, 40, rows),
        cost_per_s=0,
        cost_per_order=rng.integers(0, 9, rows),
        min_pay=some(0.4, rng.integers(0, 300, rows), 0),
        max_trips=rng.integers(1, 3, rows),
        max_stops=rng.integers(1, 4, rows),
        skills=rng.integers(0, 2, rows),
        max_distance_m=some(0.3, rng.integers(80, 300, rows), FAR),
    )
    num_breaks = int(rng.integers(0, 2))
    early = rng.integers(0, 80, num_breaks)
    breaks = Breaks(
        courier=rng.integers(0, rows, num_breaks),
        earliest_s=early,
        latest_s=early + rng.integers(0, 80, num_breaks),
        duration_s=rng.integers(0, 40, num_breaks),
    )
    return base.replace(orders=orders, couriers=couriers, breaks=breaks)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_ortools_lies_between_bound_and_brute_force(
    seed: int, least_cost: Least, line_problem: Line
) -> None:
    problem = any_rules(seed, line_problem())
    least = least_cost(problem)
    result = solve(problem, engine="ortools", stop=Stop(iterations=40))
    if least is None:
        assert result.solution is None
        return
    assert result.status is not Status.INFEASIBLE
    assert lower_bound(problem) <= least
    if result.objective is not None:
        assert least <= result.objective


def test_ortools_mostly_finds_the_least(least_cost: Least, line_problem: Line) -> None:
    found = wanted = 0
    for seed in range(12):
        problem = any_rules(seed, line_problem())
        least = least_cost(problem)
        if least is not None:
            wanted += 1
            result = solve(problem, engine="ortools", stop=Stop(iterations=200))
            found += result.objective == least
    assert found >= 0.8 * wanted


def test_ortools_rests_where_it_costs_least(line_problem: Line) -> None:
    """A rest of 30 s from 20 on: 100 s of way, home at 130 and not later."""
    breaks = Breaks(
        courier=np.array([0]),
        earliest_s=np.array([20]),
        latest_s=np.array([60]),
        duration_s=np.array([30]),
    )
    problem = line_problem(couriers={"latest_s": [130], "cost_per_s": [1]}).replace(breaks=breaks)
    result = solve(problem, stop=Stop(iterations=200))
    assert result.engine == "ortools"
    assert "no breaks" in result.reason
    assert result.objective == 100 + 130
    # A shift that ends sooner leaves no room for it.
    tight = problem.replace(couriers=problem.couriers.replace(latest_s=[129]))
    assert solve(tight, stop=Stop(iterations=50)).solution is None


def test_ortools_goes_round_again(line_problem: Line) -> None:
    problem = line_problem(couriers={"capacity": [[1]], "max_trips": [3]})
    result = solve(problem, engine="ortools", stop=Stop(iterations=300))
    assert result.objective == 120
    assert result.figures["trips"] == 3
    with_two = line_problem(couriers={"capacity": [[1]], "max_trips": [2]})
    assert solve(with_two, engine="ortools", stop=Stop(iterations=50)).solution is None


def test_ortools_mixes_stores_and_pick_ups(line_problem: Line) -> None:
    """Order 2 is picked up at 20 and goes to -30: 10, 20, 10 (order 0 at 10), -30, home."""
    problem = line_problem(orders={"pickup_place": [-1, -1, 2]})
    result = solve(problem, stop=Stop(iterations=300))
    assert result.engine == "ortools"
    assert result.objective == 100


def test_ortools_has_a_size(line_problem: Line) -> None:
    big = line_problem(orders={"place": [1] * 2_001, "load": np.ones((2_001, 1), dtype=np.int64)})
    with pytest.raises(UnsupportedError, match="at most 4000"):
        solve(big, engine="ortools")


def least_with_picking(problem: RoutingProblem, least_cost: Least) -> float | None:
    """Return the least cost over all stores, sequences of picking, and plans."""
    orders, best = range(len(problem.orders)), None
    slow = np.flatnonzero(problem.stores.pick_s).tolist()
    for chosen in itertools.product([-1, *slow], repeat=len(orders)):
        groups = [[o for o in orders if chosen[o] == s] for s in range(len(problem.stores))]
        rows = [
            [
                s
                for s in problem.stores_of_order(o).tolist()
                if s == chosen[o] or (chosen[o] == -1 and s not in slow)
            ]
            for o in orders
        ]
        for picks in itertools.product(*(list(itertools.permutations(g)) for g in groups)):
            timed = as_picked(problem, picks)
            bound = timed.orders.replace(store_options=Options.of(rows))
            value = least_cost(timed.replace(orders=bound))
            if value is not None and (best is None or value < best):
                best = value
    return best


def slow_stores(seed: int, line_problem: Line) -> RoutingProblem:
    rng = np.random.default_rng(seed)
    problem = line_problem(
        orders={
            "release_s": rng.integers(0, 30, 3),
            "latest_s": rng.integers(60, 160, 3),
            "refusal_cost": rng.integers(20, 200, 3),
            "promise_s": rng.integers(20, 90, 3),
            "late_cost_per_s": rng.integers(0, 3, 3),
            "max_age_s": np.where(rng.random(3) < 0.3, rng.integers(50, 120, 3), FAR),
        },
        stores={"place": [0, 2], "pick_s": rng.integers(0, 30, 2), "pickers": [1, 2]},
        couriers={"count": [2], "max_stops": [3], "cost_per_s": [int(rng.integers(0, 2))]},
    )
    return problem.replace(
        stores=problem.stores.replace(pick_s=np.maximum(1, problem.stores.pick_s))
    )


def test_picking_lies_between_bound_and_all_sequences(
    least_cost: Least, line_problem: Line
) -> None:
    met = 0
    seeds = range(3)
    for seed in seeds:
        problem = slow_stores(seed, line_problem)
        least = least_with_picking(problem, least_cost)
        result = solve(problem)
        assert result.engine == "picking"
        assert least is not None
        assert result.objective is not None
        assert result.bound is not None
        assert result.bound <= least <= result.objective
        assert check(problem, result.require()).is_feasible
        met += result.objective == least
    assert met >= len(seeds) - 1


def test_quicker_pickers_never_cost_more(least_cost: Least, line_problem: Line) -> None:
    for seed in range(2):
        problem = slow_stores(seed, line_problem)
        quicker = problem.replace(
            stores=problem.stores.replace(pick_s=problem.stores.pick_s // 2 + 1)
        )
        more = problem.replace(stores=problem.stores.replace(pickers=problem.stores.pickers + 1))
        slow = least_with_picking(problem, least_cost)
        assert slow is not None
        for eased in (quicker, more):
            relaxed = least_with_picking(
                eased.replace(orders=eased.orders.replace(max_age_s=FAR)), least_cost
            )
            assert relaxed is not None
            assert relaxed <= slow


@pytest.mark.parametrize("conforms", CHECKS, ids=lambda each: str(each.__name__))
def test_conformance_of_picking(conforms: Any, line_problem: Line) -> None:
    stores = {"pick_s": [5]}
    usual = line_problem(
        orders={"refusal_cost": [500, 30, 99], "release_s": [5, 0, 40]},
        stores={"place": [0], **stores},
        couriers={"count": [2], "capacity": [[2]], "max_stops": [2]},
    )
    none = np.zeros((0, 1), dtype=np.int64)
    cases = EngineCases(
        usual=(usual,),
        empty=line_problem(orders={"place": [], "load": none}, stores={"place": [0], **stores}),
        infeasible=line_problem(stores={"place": [0], **stores}, couriers={"capacity": [[0]]}),
    )
    conforms(DOMAIN, "picking", cases)


@needs_vroom
@pytest.mark.parametrize("conforms", CHECKS, ids=lambda each: str(each.__name__))
def test_conformance_of_vroom(conforms: Any, line_problem: Line) -> None:
    cases = EngineCases(
        usual=(
            line_problem(),
            line_problem(orders={"pickup_place": [3, 1, 2]}, couriers={"capacity": [[1]]}),
            line_problem(orders={"latest_s": [30, 40, 90]}, couriers={"count": [2]}),
        ),
        empty=line_problem(orders={"place": [], "load": np.zeros((0, 1), dtype=np.int64)}),
        infeasible=line_problem(couriers={"capacity": [[0]]}),
    )
    conforms(DOMAIN, "vroom", cases)


@needs_vroom
def test_vroom_keeps_the_rules_it_has(least_cost: Least) -> None:
    """Skills, locks, stores, windows, loads, leads, breaks: against brute force."""
    met = wanted = 0
    for seed in range(16):
        rng = np.random.default_rng(seed)
        num, rows = 3, 2
        xy = rng.integers(0, 60, (7, 2))
        metres = np.abs(xy[:, None] - xy[None]).sum(axis=2).astype(np.int64)
        from dispatchopt.geography.matrix import TravelMatrix

        early = int(rng.integers(0, 60))
        problem = RoutingProblem(
            travel=(TravelMatrix(distance_m=metres, duration_s=metres),),
            orders=Orders.of(
                place=[0, 1, 2],
                load=rng.integers(0, 3, (num, 1)),
                service_s=5,
                latest_s=rng.integers(80, 300, num),
                skills=rng.integers(0, 2, num),
                locked_courier=np.where(rng.random(num) < 0.2, rng.integers(0, rows, num), -1),
                store_options=Options.of([[0, 1], [int(rng.integers(0, 2))], [0, 1]]),
            ),
            stores=Stores.of(place=[3, 4], service_s=4, earliest_s=[0, 20]),
            couriers=Couriers.of(
                start_place=[5, -1],
                end_place=[6, 3],
                count=[1, 2],
                capacity=[[4], [3]],
                skills=[1, int(rng.integers(0, 2))],
                fixed_cost=rng.integers(0, 30, rows),
                store_options=Options.of([[0], [1]]),
                max_stops=[3, 2],
            ),
            breaks=Breaks(
                courier=np.array([0]),
                earliest_s=np.array([early]),
                latest_s=np.array([early + 50]),
                duration_s=np.array([15]),
            ),
        )
        least = least_cost(problem)
        result = solve(problem, engine="vroom")
        if least is None:
            assert result.solution is None
            continue
        wanted += 1
        if result.objective is not None:
            assert least <= result.objective
            met += result.objective == least
    assert wanted > 5
    assert met >= 0.8 * wanted


def test_vroom_that_is_not_there_says_so(
    line_problem: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    why = VroomEngine().unsupported(line_problem())
    assert why is not None
    assert "pip install" in why
    assert not VroomEngine().is_installed


@needs_vroom
def test_vroom_refuses_what_it_lacks(line_problem: Line) -> None:
    for why, problem in {
        "price of lateness": line_problem(orders={"promise_2_s": 10, "late_2_cost_per_s": 1}),
        "ready times": line_problem(orders={"release_s": 50}),
        "prices driving": line_problem(couriers={"cost_per_s": [1]}),
        "one trip": line_problem(couriers={"max_trips": [2]}),
        "closing times": line_problem(stores={"place": [0], "latest_s": [90]}),
        "one store each": line_problem(stores={"place": [0, 1]}),
        "only pick-ups": line_problem(orders={"pickup_place": [-1, 2, 2]}),
    }.items():
        with pytest.raises(UnsupportedError, match=why):
            solve(problem, engine="vroom")
