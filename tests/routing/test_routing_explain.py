"""Reasons, remedies and shadow prices, on a line where each can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from benchmarks.snapshot import snapshot

from dispatchopt.registry import explain
from dispatchopt.routing import (
    Options,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
    check,
    solve,
)
from dispatchopt.routing.explain import Reason, arrivals, least_remedy, trials
from dispatchopt.routing.prices import shadow_prices

Line = Callable[..., RoutingProblem]

CASES: dict[Reason, tuple[dict[str, Any], dict[str, Any]]] = {
    Reason.NO_STOCK: ({"store_options": Options.of([[], [0], [0]])}, {}),
    Reason.NOT_HIS_STORE: ({}, {"store_options": Options.of([[]])}),
    Reason.SKILL: ({"skills": [1, 0, 0]}, {}),
    Reason.LOAD: ({"load": [[4], [1], [1]]}, {}),
    Reason.TOO_FAR: ({}, {"max_distance_m": 19}),
    Reason.SHIFT: ({}, {"latest_s": 19}),
    Reason.READY_TOO_LATE: ({"release_s": 100, "latest_s": 50}, {}),
    Reason.OUT_OF_REACH: ({"latest_s": 50}, {"earliest_s": 100}),
    Reason.DEARER: ({"refusal_cost": 20}, {}),
}


@pytest.mark.parametrize("reason", CASES)
def test_each_reason_is_named(reason: Reason, line_problem: Line) -> None:
    """The first order is 10 m away: 20 m and s there and back."""
    orders, couriers = CASES[reason]
    orders = {"refusal_cost": 1_000} | orders
    problem = line_problem(orders=orders, couriers={"max_stops": [3]} | couriers)
    (found,) = trials(problem, RoutingSolution(), [0])
    assert found.reason is reason
    assert found.needs_s == (60 if reason in {Reason.READY_TOO_LATE, Reason.OUT_OF_REACH} else 0)
    assert found.cost == (20 if reason is Reason.DEARER else None)
    assert least_remedy(problem, [found])[0] is reason


def test_windows_that_end_as_much_later_are_served(line_problem: Line) -> None:
    late = {"release_s": [100, 0, 0], "latest_s": [50, 99, 99], "refusal_cost": 1_000}
    problem = line_problem(orders=late, couriers={"max_stops": [3], "count": [2]})
    result = solve(problem)
    assert 0 not in result.require().served()
    (found,) = trials(problem, result.require(), [0])
    assert least_remedy(problem, [found])[1] == "a window that ends 1 minute later"
    for needed_s, is_served in ((found.needs_s, True), (found.needs_s - 1, False)):
        eased = problem.orders.replace(latest_s=[50 + needed_s, 99, 99])
        assert (0 in solve(problem.replace(orders=eased)).require().served()) is is_served


def test_one_courier_more(line_problem: Line) -> None:
    problem = line_problem(orders={"refusal_cost": 70}, couriers={"max_stops": [1]})
    result = solve(problem)
    assert result.objective == 20 + 140
    served = result.require().served()
    refused = [order for order in range(3) if order not in served]
    found = trials(problem, result.require(), refused)
    assert {trial.reason for trial in found} == {Reason.COURIERS_BUSY}
    assert least_remedy(problem, found[:1], ["Nord"])[1] == "one courier more at store Nord"
    prices = shadow_prices(problem)
    assert prices is not None
    # A second courier serves the order 20 m away for 40 instead of 70.
    assert prices.courier[0] == pytest.approx(30)


def test_a_courier_more_is_no_remedy_where_the_trip_costs_more_than_refusal(
    line_problem: Line,
) -> None:
    """The order 10 m away is served; alone, the others cost 40 and 60 and are refused at 40."""
    problem = line_problem(orders={"refusal_cost": 40}, couriers={"max_stops": [1]})
    served = RoutingSolution(
        routes=(Route(courier=0, trips=(Trip(store=0, stops=(0,)),), start_s=0),)
    )
    found = trials(problem, served, [1])
    reason, remedy = least_remedy(problem, found, ["Nord"])
    assert reason is Reason.DEARER
    assert remedy == "a price of refusal above 40, and one courier more at store Nord"
    (free,) = trials(problem, RoutingSolution(), [1])
    assert least_remedy(problem, [free])[1] == "a price of refusal above 40"


def test_an_order_that_would_pay_is_not_told_to_cost_more(line_problem: Line) -> None:
    """A plan that was cut off leaves out an order whose trip costs 20, and refusal 1,000."""
    problem = line_problem(orders={"refusal_cost": 1_000}, couriers={"max_stops": [3]})
    (found,) = trials(problem, RoutingSolution(), [0])
    reason, remedy = least_remedy(problem, [found])
    assert reason is Reason.LEFT_OUT
    assert remedy == "a longer search; a trip for it alone costs 20"


def test_prices_of_a_snapshot() -> None:
    problem = snapshot(30, 4, 6, 1)
    result = solve(problem)
    prices = shadow_prices(problem)
    assert prices is not None
    assert result.objective is not None
    assert prices.value <= result.objective
    assert (prices.order <= 3_600 + 1e-6).all()
    # Strong duality: what orders are worth, less what couriers are worth.
    total = prices.order.sum() - prices.courier @ problem.couriers.count
    assert total == pytest.approx(prices.value)
    tables = {table.name: table for table in explain(problem, result.require())}
    assert list(tables) == ["refused", "trials", "late", "couriers", "stores", "minutes"]
    assert len(tables["refused"].rows) == result.figures["orders_refused"]
    saves = [row["saves"] for row in tables["minutes"].rows]
    assert saves == sorted(saves)  # type: ignore[type-var]


def test_late_orders_say_what_is_unavoidable(line_problem: Line) -> None:
    late = {"promise_s": [5, 100, 25], "late_cost_per_s": 1, "refusal_cost": 10_000}
    late |= {"promise_2_s": [8, 10, 30], "late_2_cost_per_s": 3}
    problem = line_problem(orders=late, couriers={"max_stops": [3]})
    result = solve(problem)
    rows = {
        row["order"]: row
        for t in explain(problem, result.require())
        if t.name == "late"
        for row in t.rows
    }
    begins = arrivals(problem, result.require().routes[0])
    report = check(problem, result.require())
    assert (
        sum(max(0, begins[o] - int(problem.orders.promise_s[o])) for o in begins)
        == (report.figures["late_s"])
    )
    assert rows[0]["late_if_alone_s"] == 5
    assert rows[0]["reason"] == "ready-or-courier-too-late"
    assert np.isclose(sum(int(row["cost"] or 0) for row in rows.values()), report.parts["lateness"])
