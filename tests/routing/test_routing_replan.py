"""One state after another: what is known is what would be found anew, and changes have a price."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from benchmarks.snapshot import NOW_S, snapshot
from benchmarks.suites.routing_ticks import part
from benchmarks.ticks import Owners, kept_shares, leaving, owners
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import InputError, Stop
from dispatchopt.core.arrays import IntArray
from dispatchopt.routing import (
    DOMAIN,
    RoutingProblem,
    RoutingSolution,
    check,
    solve,
)
from dispatchopt.routing.bundles import Enumeration, enumerate_bundles
from dispatchopt.routing.replan import Replanner

Line = Callable[..., RoutingProblem]
One = Callable[..., RoutingSolution]


def trips_of(found: Enumeration) -> list[tuple[int, int, tuple[int, ...], int]]:
    """Return all trips, by courier, store and orders, with their costs."""
    return sorted(
        (block.courier, block.store, tuple(sorted(stops)), cost)
        for block in found.blocks
        for stops, cost in zip(block.sequences.tolist(), block.cost.tolist(), strict=True)
    )


def test_the_price_of_a_change_by_hand(line_problem: Line, one_route: One) -> None:
    """Of two couriers at one store the second was told of 10, and the store of -30 is another."""
    problem = line_problem(
        orders={
            "planned_courier": [1, 0, -1],
            "planned_store": [0, -1, 1],
            "change_cost": [7, 5, 3],
        },
        stores={"place": [0, 1]},
        couriers={"start_place": [0, 0], "end_place": [0, 0], "capacity": [[3], [3]]},
    )  # fmt: skip
    report = check(problem, one_route(0, 1, 2))
    assert (report.parts["changes"], report.figures["orders_changed"]) == (7 + 3, 2)
    assert report.objective == 100 + 10
    other = check(problem, one_route(0, 1, 2, courier=1))
    assert (other.parts["changes"], other.figures["orders_changed"]) == (5 + 3, 2)


def test_a_plan_is_kept_unless_another_saves_more(line_problem: Line) -> None:
    """One courier does all for 100; if the second one goes to 20, as it was told, it is 120."""
    for price, serving in ((19, 0), (21, 1)):
        problem = line_problem(
            orders={"planned_courier": [0, 1, 0], "change_cost": [50, price, 50]},
            couriers={
                "start_place": [0, 0],
                "end_place": [0, 0],
                "capacity": [[3], [3]],
                "max_stops": 3,
            },
        )
        for engine in ("bundles", "ortools"):
            result = solve(problem, engine=engine, stop=Stop(iterations=2_000))
            told = [route.courier for route in result.require().routes if 1 in route.trips[0].stops]
            assert told == [serving], (engine, price)
        for engine in ("pyvrp", "vroom", "colgen"):
            assert DOMAIN.engines()[engine].unsupported(problem) == "it knows no price of changes"


def test_bad_plans_are_named(line_problem: Line) -> None:
    with pytest.raises(InputError, match="planned_courier") as caught:
        line_problem(orders={"planned_courier": [0, 1, 0], "planned_store": [0, 0, 4]})
    assert [issue.code for issue in caught.value.issues] == ["bad-courier", "bad-option"]


def state_of(problem: RoutingProblem, names: IntArray, now_s: int) -> RoutingProblem:
    some = part(problem, names)
    return some.replace(couriers=some.couriers.replace(earliest_s=now_s))


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_known_trips_are_what_is_found_anew(seed: int) -> None:
    """Orders leave and come, time moves on, and a road may become slower."""
    rng = np.random.default_rng(seed)
    problem = snapshot(26, 4, 8, seed)
    names = np.sort(rng.choice(26, 18, replace=False))
    now_s = NOW_S
    known = None
    for _ in range(3):
        state = state_of(problem, names, now_s)
        found = enumerate_bundles(state, limit=1_000_000, known=known)
        assert trips_of(found) == trips_of(enumerate_bundles(state, limit=1_000_000))
        left = np.sort(rng.choice(names, 15, replace=False))
        new = rng.choice(np.setdiff1d(np.arange(26), names), 3, replace=False)
        then = np.append(left, new)
        now_s += int(rng.integers(0, 120))
        if rng.random() < 0.2:
            travel = problem.travel[0]
            slower = travel.duration_s + 5
            np.fill_diagonal(slower, 0)
            problem = problem.replace(travel=(type(travel)(
                distance_m=travel.distance_m, duration_s=slower),))  # fmt: skip
        at = {int(name): row for row, name in enumerate(then)}
        to = np.array([at.get(int(name), -1) for name in names])
        rows = np.arange(len(problem.couriers)), np.arange(len(problem.stores))
        assert found.known is not None
        known = found.known.moved_to(state_of(problem, then, now_s), to, *rows)
        names = then


@pytest.mark.parametrize("price", [0, 200])
def test_ticks_are_solved_as_from_scratch(price: int) -> None:
    """Each answer is the optimum of its state, found with what is known or without."""
    problem = snapshot(40, 4, 14, 3)
    planner = Replanner(change_cost=price)
    names, gone, shares = np.arange(28), set[int](), []
    before: Owners = {}
    for tick in range(3):
        names = names[~np.isin(names, list(gone))]
        names = np.append(names, 28 + np.arange(3 * (tick - 1), 3 * tick)) if tick else names
        state = state_of(problem, names, NOW_S + 30 * tick)
        result = planner.solve(state, names.tolist())
        assert result.objective == result.bound
        plan = result.require()
        bare = check(state, plan).objective
        anew = solve(state, engine="bundles").objective
        assert anew is not None
        if price == 0:
            assert result.objective == bare == anew
        else:
            assert result.objective is not None
            assert anew <= bare <= result.objective
        after = owners(plan, names)
        shares.append(kept_shares(before, after, set(names.tolist()))[0])
        before, gone = after, leaving(state, plan, names)
    assert min(shares[1:]) > (0.5 if price == 0 else 0.9)


def test_what_is_gone_is_forgotten(line_problem: Line) -> None:
    """Other couriers, stores and orders under the same numbers are not taken for the old ones."""
    problem = line_problem(orders={"refusal_cost": 500}, couriers={"max_stops": [3]})
    planner = Replanner(change_cost=50)
    first = planner.solve(problem, ["a", "b", "c"], couriers=["x"], stores=["s"])
    assert first.objective == 100
    other = planner.solve(problem, ["a", "b", "d"], couriers=["y"], stores=["t"])
    assert other.objective == 100
    moved = planner.solve(problem, ["d", "a", "b"], couriers=["y"], stores=["t"])
    assert moved.objective == 100
    locked = problem.replace(couriers=problem.couriers.replace(count=0))
    assert planner.solve(locked, ["d", "a", "b"]).objective == 1_500
    assert planner.solve(problem, ["d", "a", "b"]).objective == 100


def test_a_start_of_trips_that_came_apart_is_mended(line_problem: Line) -> None:
    planner = Replanner()
    problem = line_problem(orders={"refusal_cost": 500}, couriers={"max_stops": [3]})
    planner.solve(problem, [0, 1, 2])
    late = problem.replace(orders=problem.orders.replace(latest_s=[10, 70, 30]))
    result = planner.solve(late, [0, 1, 2])
    assert result.objective == solve(late).objective
