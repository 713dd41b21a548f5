"""Quotes: by hand on a line, against a full re-solve, and on bad baskets."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from benchmarks.snapshot import snapshot

from dispatchopt.core import InputError, UnsupportedError
from dispatchopt.routing import Options, Orders, RoutingProblem, RoutingSolution, solve
from dispatchopt.routing.quote import Basket, prepare, quote

Line = Callable[..., RoutingProblem]


def some_orders(problem: RoutingProblem, keep: list[int]) -> RoutingProblem:
    orders = problem.orders
    names = ("place", "load", "service_s", "latest_s", "release_s", "refusal_cost")
    options = orders.store_options
    assert options is not None
    columns = {name: getattr(orders, name)[keep] for name in names}
    own = Options.of([options.row(order).tolist() for order in keep])
    return problem.replace(orders=Orders.of(**columns, store_options=own))


def test_marginal_cost_by_hand(line_problem: Line) -> None:
    """One courier serves 10 on the right; 20 lies on the way, -30 costs 60, and 90 does not pay."""
    problem = line_problem(
        orders={"place": [1], "load": [[1]], "refusal_cost": 500}, couriers={"max_stops": [2]}
    )
    state = prepare(problem, solve(problem).require())
    asked = {"release_s": 0, "latest_s": 1_000, "load": (1,)}
    near = quote(state, Basket(place=2, refusal_cost=50, **asked))  # type: ignore[arg-type]
    assert (near.can_promise, near.store, near.certain_cost) == (True, 0, 20)
    assert near.marginal_cost <= 20
    far = quote(state, Basket(place=3, refusal_cost=59, **asked))  # type: ignore[arg-type]
    assert (
        (far.can_promise, far.certain_cost) == (True, 60)
        if far.marginal_cost < 59
        else (far.can_promise is False)
    )
    late = quote(state, Basket(place=3, refusal_cost=99, release_s=0, latest_s=29, load=(1,)))
    assert (late.can_promise, late.store, late.marginal_cost) == (False, -1, math.inf)


def test_agrees_with_a_full_solve() -> None:
    problem = snapshot(48, 4, 9, 5)
    asked = list(range(38, 48))
    kept = list(range(38))
    before = solve(some_orders(problem, kept))
    state = prepare(some_orders(problem, kept), before.require())
    options = problem.orders.store_options
    assert options is not None
    agreed = 0
    for order in asked:
        basket = Basket(
            place=int(problem.orders.place[order]),
            release_s=int(problem.orders.release_s[order]),
            latest_s=int(problem.orders.latest_s[order]),
            service_s=90,
            refusal_cost=3_600,
            stores=tuple(options.row(order).tolist()),
        )
        found = quote(state, basket)
        after = solve(some_orders(problem, [*kept, order]))
        agreed += found.can_promise == (38 in after.require().served())
        assert before.objective is not None
        assert after.objective is not None
        if found.certain_cost < math.inf:
            assert after.objective - before.objective <= found.certain_cost
        assert found.marginal_cost <= found.certain_cost + 1e-6 or not found.shared_with
    assert agreed >= 9


def test_bad_baskets_name_everything(line_problem: Line) -> None:
    problem = line_problem(couriers={"max_stops": [2]}, orders={"refusal_cost": 5})
    state = prepare(problem, RoutingSolution())
    with pytest.raises(InputError) as caught:
        quote(
            state,
            Basket(place=9, release_s=0, latest_s=0, refusal_cost=-1, load=(1, 2), stores=(4,)),
        )
    codes = sorted(issue.code for issue in caught.value.issues)
    assert codes == ["bad-option", "bad-place", "bad-shape", "out-of-range"]


def test_long_trips_are_refused(line_problem: Line) -> None:
    with pytest.raises(UnsupportedError, match="short trips"):
        prepare(line_problem(), RoutingSolution())


def test_idle_couriers_cost_a_trip(line_problem: Line) -> None:
    problem = line_problem(
        orders={"place": [1], "load": [[1]]}, couriers={"max_stops": [1], "count": [2]}
    )
    state = prepare(problem, solve(problem).require())
    asked = Basket(place=3, release_s=0, latest_s=99, refusal_cost=61, load=(1,))
    found = quote(state, asked)
    assert np.isclose(found.marginal_cost, 60)
    assert (found.certain_cost, found.shared_with, found.can_promise) == (60, (), True)
