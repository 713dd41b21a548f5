"""The checker: figures by hand, and exactly one rule named when one is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dispatchopt.core.result import Report
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.routing import (
    ANYWHERE,
    NO_STORE,
    Options,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
    check,
)

Line = Callable[..., RoutingProblem]
One = Callable[..., RoutingSolution]


def broken(report: Report) -> list[tuple[str, str, float]]:
    return [(each.rule, each.where, each.by) for each in report.violations]


def test_costs_by_hand(line_problem: Line, one_route: One) -> None:
    """0 -> 10 -> 20 -> -30 -> 0 is 10 + 10 + 50 + 30 = 100 m and s, and 3 x 5 s at doors."""
    problem = line_problem(
        orders={"service_s": 5, "promise_s": [10, 20, 70], "late_cost_per_s": 3},
        couriers={
            "fixed_cost": [7],
            "cost_per_m": [2],
            "cost_per_s": [4],
            "cost_per_order": [11],
        },
    )
    report = check(problem, one_route(0, 1, 2, start_s=0))
    # Doors are reached at 10, 25 and 80: 0, 5 and 10 s late.
    assert report.parts == {
        "travel": 200.0,
        "fixed": 7.0,
        "duration": 4.0 * 115,
        "deliveries": 33.0,
        "top_up": 0.0,
        "lateness": 3.0 * 15,
        "changes": 0.0,
        "refusal": 0.0,
    }
    assert report.objective == 200 + 7 + 460 + 33 + 45
    assert report.is_feasible
    assert report.figures["orders_late"] == 2
    assert report.figures["distance_m"] == 100
    assert report.figures["duration_s"] == 115


def test_price_of_lateness_bends(line_problem: Line, one_route: One) -> None:
    """Doors are reached at 10, 20 and 70; from each promise on a second costs so much more."""
    late = {
        "promise_s": [5, 30, 60],
        "late_cost_per_s": 2,
        "promise_2_s": [9, 0, 65],
        "late_2_cost_per_s": [10, 0, 3],
        "promise_3_s": 68,
        "late_3_cost_per_s": 100,
    }
    report = check(line_problem(orders=late), one_route(0, 1, 2, start_s=0))
    assert report.parts["lateness"] == (2 * 5 + 10 * 1) + 0 + (2 * 10 + 3 * 5 + 100 * 2)
    assert report.figures["orders_late"] == 2


def test_waiting_counts_as_duration(line_problem: Line, one_route: One) -> None:
    problem = line_problem(
        orders={"release_s": [100, 0, 0], "refusal_cost": [-1, 8, 9]},
        stores={"service_s": 6},
        couriers={"cost_per_m": 0, "cost_per_s": 1},
    )
    # Leaves 0 at 106, is at the door at 116 and home at 126, having started at 40.
    report = check(problem, one_route(0, start_s=40))
    assert report.parts["duration"] == 126 - 40
    assert report.parts["refusal"] == 17


def test_open_ends_cost_nothing(line_problem: Line, one_route: One) -> None:
    problem = line_problem(
        orders={"refusal_cost": 0}, couriers={"start_place": [ANYWHERE], "end_place": [ANYWHERE]}
    )
    assert check(problem, one_route(1)).objective == 20


def test_nothing_served_costs_the_refusals(line_problem: Line) -> None:
    problem = line_problem(orders={"refusal_cost": [5, 6, 7]})
    report = check(problem, RoutingSolution())
    assert report.is_feasible
    assert report.objective == 18


CASES: dict[str, tuple[dict[str, dict[str, Any]], tuple[str, str, float]]] = {
    "load": ({"couriers": {"capacity": [[2]]}}, ("load", "route 0 trip 0 dimension 0", 1)),
    "order-window": ({"orders": {"latest_s": [10, 17, 999]}}, ("order-window", "order 1", 3)),
    "store-window": (
        {"stores": {"latest_s": [4]}, "orders": {"release_s": [0, 0, 9]}},
        ("store-window", "route 0 trip 0", 5),
    ),
    "shift-start": ({"couriers": {"earliest_s": [8]}}, ("shift-start", "route 0", 8)),
    "shift-end": ({"couriers": {"latest_s": [93]}}, ("shift-end", "route 0", 7)),
    "max-distance": ({"couriers": {"max_distance_m": [98]}}, ("max-distance", "route 0", 2)),
    "max-duration": ({"couriers": {"max_duration_s": [60]}}, ("max-duration", "route 0", 40)),
    "max-stops": ({"couriers": {"max_stops": [1]}}, ("max-stops", "route 0 trip 0", 2)),
    "skill": (
        {"orders": {"skills": [0, 0b111, 0]}, "couriers": {"skills": [0b010]}},
        ("skill", "order 1", 2),
    ),
    "order-store": (
        {"orders": {"store_options": Options.of([[0], [0], []])}},
        ("order-store", "order 2", 1),
    ),
    "courier-store": (
        {"couriers": {"store_options": Options.of([[]])}},
        ("courier-store", "route 0 trip 0", 1),
    ),
    # Doors are reached at 10, 20 and 70.
    "freshness": (
        {"orders": {"release_s": [-5, -5, -5], "max_age_s": [15, 25, 70]}},
        ("freshness", "order 2", 5),
    ),
    "order-courier": (
        {
            "orders": {"locked_courier": [0, 1, -1]},
            "couriers": {"start_place": [0, 0], "end_place": [0, 0], "capacity": [[3], [3]]},
        },
        ("order-courier", "order 1", 1),
    ),
    "courier-count": ({"couriers": {"count": [0]}}, ("courier-count", "courier 0", 1)),
}


@pytest.mark.parametrize("name", CASES)
def test_one_broken_rule_is_named_with_its_amount(
    name: str, line_problem: Line, one_route: One
) -> None:
    solution = one_route(0, 1, 2)
    assert check(line_problem(), solution).is_feasible
    columns, expected = CASES[name]
    assert broken(check(line_problem(**columns), solution)) == [expected]


BAD_SOLUTIONS: dict[str, tuple[tuple[Route, ...], list[tuple[str, str, float]]]] = {
    "twice": (
        (Route(courier=0, trips=(Trip(store=0, stops=(0, 1, 2, 1)),), start_s=0),),
        [("load", "route 0 trip 0 dimension 0", 1), ("order-twice", "order 1", 1)],
    ),
    "missing": (
        (Route(courier=0, trips=(Trip(store=0, stops=(0, 2)),), start_s=0),),
        [("order-mandatory", "order 1", 1)],
    ),
    "two trips": (
        (
            Route(
                courier=0,
                trips=(Trip(store=0, stops=(0, 1)), Trip(store=0, stops=(2,))),
                start_s=0,
            ),
        ),
        [("max-trips", "route 0", 1)],
    ),
    "empty trip": (
        (
            Route(
                courier=0,
                trips=(Trip(store=0, stops=()), Trip(store=0, stops=(0, 1, 2))),
                start_s=0,
            ),
        ),
        [("empty-trip", "route 0 trip 0", 1), ("max-trips", "route 0", 1)],
    ),
    "unknown courier": (
        (
            Route(courier=4, trips=(), start_s=0),
            Route(courier=0, trips=(Trip(store=0, stops=(0, 1, 2)),), start_s=0),
        ),
        [("unknown-courier", "route 0", 1)],
    ),
    "unknown order": (
        (Route(courier=0, trips=(Trip(store=0, stops=(0, 1, 2, 7)),), start_s=0),),
        [("unknown-order", "route 0 trip 0", 1)],
    ),
    "unknown store": (
        (Route(courier=0, trips=(Trip(store=3, stops=(0, 1, 2)),), start_s=0),),
        [
            ("unknown-store", "route 0 trip 0", 1),
            ("order-store", "order 0", 1),
            ("order-store", "order 1", 1),
            ("order-store", "order 2", 1),
        ],
    ),
    "no store": (
        (Route(courier=0, trips=(Trip(store=NO_STORE, stops=(0, 1, 2)),), start_s=0),),
        [("order-store", f"order {order}", 1) for order in range(3)],
    ),
    "empty route": (
        (
            Route(courier=0, trips=(Trip(store=0, stops=(0, 1, 2)),), start_s=0),
            Route(courier=0, trips=(), start_s=0),
        ),
        [("empty-route", "route 1", 1), ("courier-count", "courier 0", 1)],
    ),
}


@pytest.mark.parametrize("name", BAD_SOLUTIONS)
def test_malformed_plans_are_described(name: str, line_problem: Line) -> None:
    routes, expected = BAD_SOLUTIONS[name]
    assert broken(check(line_problem(), RoutingSolution(routes=routes))) == expected


def test_leg_without_way(line_problem: Line, one_route: One) -> None:
    problem = line_problem()
    closed = problem.travel[0].distance_m.copy()
    closed[1, 2] = UNREACHABLE
    travel = TravelMatrix(distance_m=closed, duration_s=problem.travel[0].duration_s)
    assert broken(check(problem.replace(travel=(travel,)), one_route(0, 1, 2))) == [
        ("no-way", "order 1", 1)
    ]
    assert check(problem.replace(travel=(travel,)), one_route(1, 0, 2)).is_feasible


def test_pick_up_and_delivery(line_problem: Line) -> None:
    """Order 0 goes from -30 to 10, order 1 from 10 to 20, order 2 from 20 to -30."""
    problem = line_problem(
        orders={"pickup_place": [3, 1, 2], "pickup_service_s": 2, "pickup_latest_s": [40, 90, 90]},
        couriers={"capacity": [[1]]},
    )

    def drive(*stops: int) -> Report:
        trip = Trip(store=NO_STORE, stops=stops)
        route = Route(courier=0, trips=(trip,), start_s=0)
        return check(problem, RoutingSolution(routes=(route,)))

    # 0 -> -30 -> 10 -> 10 -> 20 -> 20 -> -30 -> 0
    good = drive(0, 0, 1, 1, 2, 2)
    assert good.is_feasible
    assert good.parts["travel"] == 30 + 40 + 10 + 50 + 30
    # Both orders on board at once, after the second pick-up.
    assert broken(drive(0, 1, 0, 1, 2, 2)) == [("load", "route 0 trip 0 dimension 0", 1)]
    # Picked up at 10, 72 (10 + 2 + 10 + 50) and 124 s (72 + 2 + 40 + 10).
    assert broken(drive(1, 1, 0, 0, 2, 2)) == [
        ("pickup-window", "order 0", 32),
        ("pickup-window", "order 2", 34),
    ]
    assert ("pairing", "order 2", 1) in broken(drive(0, 0, 1, 1, 2))


def test_trip_without_store_comes_first(line_problem: Line) -> None:
    problem = line_problem(orders={"pickup_place": [1, 1, 1]}, couriers={"max_trips": [2]})
    trips = (Trip(store=0, stops=(0, 0, 1, 1)), Trip(store=NO_STORE, stops=(2, 2)))
    route = Route(courier=0, trips=trips, start_s=0)
    report = check(problem, RoutingSolution(routes=(route,)))
    assert broken(report) == [("trip-store", "route 0 trip 1", 1)]
