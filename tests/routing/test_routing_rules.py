"""Breaks, minimum pay and stores that pick in turn: the checker by hand, and the timetable."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import InputError, UnsupportedError
from dispatchopt.core.result import Report
from dispatchopt.routing import (
    AFTER,
    ANYWHERE,
    BEFORE,
    Breaks,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
    best_route,
    check,
    lower_bound,
    solve,
)
from dispatchopt.routing.explain import explain
from dispatchopt.routing.picking import as_picked, picked_at, sequence_for, without_picking

Line = Callable[..., RoutingProblem]
One = Callable[..., RoutingSolution]


def broken(report: Report) -> list[tuple[str, str, float]]:
    return [(each.rule, each.where, each.by) for each in report.violations]


def resting(problem: RoutingProblem, *windows: tuple[int, int, int]) -> RoutingProblem:
    """Return the problem whose only courier has breaks: earliest, latest, duration."""
    early, late, length = zip(*windows, strict=True)
    breaks = Breaks(
        courier=np.zeros(len(windows), dtype=np.int64),
        earliest_s=np.array(early),
        latest_s=np.array(late),
        duration_s=np.array(length),
    )
    return problem.replace(breaks=breaks)


def on_legs(problem: RoutingProblem, *legs: int, start_s: int = 0) -> Report:
    """Return what the checker says of the round 0, 10, 20, -30, 0 with breaks on these legs."""
    route = Route(courier=0, trips=(Trip(store=0, stops=(0, 1, 2)),), start_s=start_s, breaks=legs)
    return check(problem, RoutingSolution(routes=(route,)))


def test_a_break_interrupts_driving_or_is_spent_at_the_door(line_problem: Line) -> None:
    """Legs: 0 to the store, 1 and 2 of 10 s, 3 of 50 s, 4 of 30 s to the end: 100 s in all."""
    problem = line_problem(couriers={"cost_per_s": [1]})
    rested = resting(problem, (15, 40, 7))
    # On leg 2 the courier sets out at 10, rests from 15 to 22, and is there at 27.
    assert on_legs(rested, 2).figures["duration_s"] == 107
    # On leg 1 it is at the door at 10 and waits there till 15.
    assert on_legs(rested, 1).figures["duration_s"] == 112
    assert on_legs(rested, 2).is_feasible
    assert on_legs(rested, 4).violations[0].by == 70 - 40


def test_two_breaks_on_a_leg_follow_each_other(line_problem: Line) -> None:
    """Setting out at 20 on 50 s: 30 to 35, then 38 to 44; 20 + 50 + 5 + 6."""
    rested = resting(line_problem(), (30, 99, 5), (38, 99, 6))
    assert on_legs(rested, 3, 3).figures["duration_s"] == 111


@pytest.mark.parametrize(
    ("legs", "start_s", "rule", "by"),
    [
        ((), 0, "break-count", 1),
        ((1, 2), 0, "break-count", 1),
        ((5,), 0, "break-leg", 1),
        ((-3,), 0, "break-leg", 1),
        ((BEFORE,), 60, "break-window", 50 + 20 - 60),
        ((AFTER,), 0, "break-window", 100 - 90),
        ((4,), 30, "break-window", 100 - 90),
    ],
)
def test_each_rule_of_breaks(
    legs: tuple[int, ...], start_s: int, rule: str, by: int, line_problem: Line
) -> None:
    rested = resting(line_problem(), (50, 90, 20))
    report = on_legs(rested, *legs, start_s=start_s)
    assert broken(report)[0][0] == rule
    assert [each.rule for each in report.violations] == [rule]
    assert report.violations[0].by == by


def test_breaks_off_the_route(line_problem: Line) -> None:
    assert on_legs(resting(line_problem(), (50, 90, 20)), BEFORE, start_s=70).is_feasible
    assert on_legs(resting(line_problem(), (50, 100, 20)), AFTER).is_feasible


def test_minimum_pay_is_topped_up(line_problem: Line, one_route: One) -> None:
    """100 m at 2, 3 orders at 5 and 7 for going out are 222."""
    columns = {"cost_per_m": [2], "cost_per_order": [5], "fixed_cost": [7]}
    for least, top_up in ((0, 0), (222, 0), (230, 8)):
        problem = line_problem(couriers=columns | {"min_pay": [least]})
        report = check(problem, one_route(0, 1, 2))
        assert report.parts["top_up"] == top_up
        assert report.objective == 222 + top_up
    assert check(problem.replace(orders=problem.orders.replace(refusal_cost=1)),
                 RoutingSolution()).objective == 3  # fmt: skip


def picking(problem: RoutingProblem, pick_s: int = 10, pickers: int = 1) -> RoutingProblem:
    return problem.replace(stores=problem.stores.replace(pick_s=pick_s, pickers=pickers))


def with_picks(solution: RoutingSolution, *picks: tuple[int, ...]) -> RoutingSolution:
    return RoutingSolution(routes=solution.routes, picks=picks)


def test_orders_are_ready_in_the_sequence_of_picking(line_problem: Line, one_route: One) -> None:
    """Picked at 10, 20 and (released at 50) 60; loaded at 60, home 100 s later."""
    problem = picking(line_problem(orders={"release_s": [0, 0, 50]}))
    report = check(problem, with_picks(one_route(0, 1, 2), (1, 0, 2)))
    assert report.is_feasible
    assert report.figures["duration_s"] == 160
    # Whoever waits for the last one first has the others later: 60, 70, 80.
    late = check(problem, with_picks(one_route(0, 1, 2), (2, 0, 1)))
    assert late.figures["duration_s"] == 180
    # Two pickers: 10, 10 and 60.
    both = check(picking(problem, pickers=2), with_picks(one_route(0, 1, 2), (0, 1, 2)))
    assert both.figures["duration_s"] == 160
    assert picked_at(picking(problem, pickers=2), 0, [0, 1, 2]) == [10, 10, 60]


@pytest.mark.parametrize(
    ("picks", "rule"),
    [
        (((0, 1),), "pick-missing"),
        (((0, 1, 2, 1),), "pick-order"),
        (((0, 1, 2, 9),), "pick-order"),
        (((0, 1, 2), (0,)), "pick-store"),
    ],
)
def test_each_rule_of_picking(
    picks: tuple[tuple[int, ...], ...], rule: str, line_problem: Line, one_route: One
) -> None:
    report = check(picking(line_problem()), with_picks(one_route(0, 1, 2), *picks))
    assert [each.rule for each in report.violations] == [rule]


def test_freshness_counts_from_when_it_is_picked(line_problem: Line, one_route: One) -> None:
    """Order 0 is picked at 30 and served at 40; order 2 at 10, and served at 100."""
    problem = picking(line_problem(orders={"max_age_s": [10, 99, 90], "release_s": 0}))
    assert check(problem, with_picks(one_route(0, 1, 2), (2, 1, 0))).is_feasible
    stale = check(problem, with_picks(one_route(0, 1, 2), (0, 1, 2)))
    assert broken(stale) == [("freshness", "order 0", 20)]


def test_picking_at_once_relaxes_and_bounds(line_problem: Line, one_route: One) -> None:
    problem = picking(line_problem(orders={"latest_s": 90, "max_age_s": 90}), pick_s=15)
    relaxed = without_picking(problem)
    assert relaxed.orders.release_s.tolist() == [-(1 << 40) + 15] * 3
    assert lower_bound(problem) == lower_bound(relaxed)
    timed = as_picked(problem.replace(orders=problem.orders.replace(release_s=0)), [(2, 0)])
    assert timed.orders.release_s.tolist() == [30, 15, 15]
    last = as_picked(
        problem.replace(orders=problem.orders.replace(release_s=0)), [(2, 0)], are_others_last=True
    )
    assert last.orders.release_s.tolist() == [30, 45, 15]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_due_first_is_the_best_sequence_for_one_release(seed: int, line_problem: Line) -> None:
    """With one picker and all orders there, nothing is less late than to pick by due time."""
    rng = np.random.default_rng(seed)
    problem = picking(line_problem(orders={"release_s": 0}), pick_s=int(rng.integers(1, 20)))
    due = rng.integers(0, 60, 3)

    def worst(sequence: tuple[int, ...]) -> int:
        return max(
            int(ready - due[order])
            for order, ready in zip(sequence, picked_at(problem, 0, sequence), strict=True)
        )

    made = sequence_for(problem, due, np.zeros(3, dtype=np.int64))[0]
    assert sorted(made) == [0, 1, 2]
    assert worst(made) == min(worst(each) for each in itertools.permutations(range(3)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_best_route_is_the_cheapest_start_and_place_of_breaks(
    seed: int, line_problem: Line
) -> None:
    """Against all starts and all legs, as the checker sees them."""
    rng = np.random.default_rng(seed)
    problem = line_problem(
        orders={
            "earliest_s": rng.integers(0, 30, 3),
            "latest_s": rng.integers(30, 150, 3),
            "promise_s": rng.integers(0, 100, 3),
            "late_cost_per_s": rng.integers(0, 3, 3),
            "release_s": rng.integers(0, 20, 3),
        },
        couriers={
            "cost_per_s": [int(rng.integers(0, 3))],
            "cost_per_m": [int(rng.integers(0, 2))],
            "min_pay": [int(rng.integers(0, 300))],
            "latest_s": [int(rng.integers(100, 200))],
            "end_place": [int(rng.choice([0, ANYWHERE]))],
        },
    )
    early = int(rng.integers(0, 60))
    rested = resting(problem, (early, early + int(rng.integers(0, 60)), int(rng.integers(0, 30))))
    trip = Trip(store=0, stops=(0, 1, 2))
    found = best_route(rested, 0, [trip])
    costs = []
    for leg in (BEFORE, AFTER, *range(5)):
        for start_s in range(120):
            route = Route(courier=0, trips=(trip,), start_s=start_s, breaks=(leg,))
            report = check(rested, RoutingSolution(routes=(route,)))
            if report.is_feasible:
                costs.append(report.objective)
    if found is None:
        assert not costs
        return
    report = check(rested, RoutingSolution(routes=(found,)))
    assert report.is_feasible
    assert report.objective == min(costs)


def test_engines_without_the_rules_say_so(line_problem: Line) -> None:
    rested = resting(line_problem(), (0, 90, 20))
    for engine, why in (("bundles", "no breaks"), ("pyvrp", "no breaks"), ("colgen", "no breaks")):
        with pytest.raises(UnsupportedError, match=why):
            solve(rested, engine=engine)
    paid = line_problem(couriers={"min_pay": [9]})
    for engine in ("pyvrp", "colgen"):
        with pytest.raises(UnsupportedError, match="minimum pay"):
            solve(paid, engine=engine)
    for engine in ("bundles", "pyvrp", "ortools", "colgen"):
        with pytest.raises(UnsupportedError, match="pick"):
            solve(picking(line_problem()), engine=engine)
    with pytest.raises(UnsupportedError, match="take time to pick"):
        solve(line_problem(), engine="picking")


def test_bad_breaks_are_named(line_problem: Line) -> None:
    def of(**columns: Any) -> Breaks:
        return Breaks(**{"courier": np.array([0]), **columns})

    with pytest.raises(InputError) as caught:
        line_problem().replace(breaks=of(courier=np.array([1])))
    assert caught.value.issues[0].where == "breaks[0].courier"
    with pytest.raises(InputError) as caught:
        line_problem().replace(breaks=of(duration_s=np.array([-1])))
    assert caught.value.issues[0].code == "out-of-range"
    with pytest.raises(InputError, match="at most 8"):
        line_problem().replace(breaks=Breaks(courier=np.zeros(9, dtype=np.int64)))
    with pytest.raises(InputError):
        of(courier=np.array([0.5]))


def test_explain_knows_breaks_and_picking(line_problem: Line) -> None:
    """The courier could serve the order, if it did not rest when the window is open."""
    problem = line_problem(
        orders={"refusal_cost": 500, "latest_s": [60, 60, 60], "release_s": 0},
        couriers={"count": [1], "max_stops": [3]},
    )
    rested = resting(problem, (0, 5, 90))
    reasons = [row["reason"] for row in explain(rested, RoutingSolution())[0].rows]
    assert reasons == ["courier-rests"] * 3
    # Order 0 would be picked third, at 60: its own 20 s alone would do.
    slow = picking(problem, pick_s=20)
    rows = explain(slow, RoutingSolution(picks=((1, 2),)))[0].rows
    assert rows[0]["reason"] == "picked-too-late"
    assert rows[0]["remedy"] == "quicker picking, or a window that ends 1 minute later"
    assert rows[1]["reason"] != "picked-too-late"
