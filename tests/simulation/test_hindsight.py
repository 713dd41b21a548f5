"""The day known from its beginning: by hand, against brute force, and below every policy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.errors import UnsupportedError
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch import Couriers, DayRules, Orders, Stores
from dispatchopt.geography.plane import PlaneTravel
from dispatchopt.simulation import Day, check_day, simulate
from dispatchopt.simulation.hindsight import hindsight, mean_excess_s
from dispatchopt.simulation.hindsight.engines._kernel import _values, values_for
from dispatchopt.simulation.hindsight.plan import once_each
from dispatchopt.simulation.hindsight.problem import problem_of

MINUTE = 60
STRICT = DayRules(
    tick_s=60,
    park_s=120,
    pickup_s=120,
    dropoff_s=120,
    leave_s=120,
    max_bundle=3,
    max_late_s=-1,
    max_wait_s=86_400,
    lateness_cents_per_min=0,
    refusal_cents=0,
)


def line_day(
    stores_m: list[int],
    orders: list[tuple[int, int, int, int]],
    couriers: list[tuple[int, int, int]],
    **changes: Any,
) -> Day:
    """All on one line, 100 m a minute; orders are (store, door m, placed, ready) in minutes.

    Couriers are (start m, on, off).
    """
    x_m = [*stores_m, *(door for _, door, _, _ in orders), *(start for start, _, _ in couriers)]
    m, n = len(stores_m), len(orders)
    nothing = np.zeros(m, dtype=np.int64)
    fields: dict[str, Any] = {
        "name": "line",
        "travel": PlaneTravel(
            x_m=np.array(x_m, dtype=float), y_m=np.zeros(len(x_m)), metres_per_step=100, step_s=60
        ),
        "orders": Orders.build(
            ids=[f"o{i}" for i in range(n)],
            place_idx=m + np.arange(n),
            placed_s=[placed * MINUTE for _, _, placed, _ in orders],
            due_s=[(placed + 40) * MINUTE for _, _, placed, _ in orders],
            ready_s=[ready * MINUTE for _, _, _, ready in orders],
            options=[[store] for store, _, _, _ in orders],
        ),
        "stores": Stores(
            ids=tuple(f"s{i}" for i in range(m)),
            place_idx=np.arange(m),
            pickers=nothing,
            pick_base_s=nothing,
            pick_line_s=nothing,
            open_s=nothing,
            close_s=np.full(m, 10**9),
        ),
        "couriers": Couriers.build(
            ids=[f"c{i}" for i in range(len(couriers))],
            place_idx=m + n + np.arange(len(couriers)),
            on_s=[on * MINUTE for _, on, _ in couriers],
            off_s=[off * MINUTE for _, _, off in couriers],
        ),
        "rules": STRICT,
    }
    return Day(**{**fields, **changes})


def test_one_courier_goes_ahead_of_an_order_nobody_knows() -> None:
    # The order is placed and ready at minute 30; the nearest-courier policy chooses the store then,
    # the courier a minute later, who drives 10 minutes and parks for 2. Who knows it waits there.
    day = line_day([1000], [(0, 1500, 30, 30)], [(0, 0, 120)])
    found = hindsight(day)
    assert mean_excess_s(day, simulate(day, "nearest")) == 13 * MINUTE
    assert found.bound_s == 0
    assert found.is_converged


def test_two_orders_at_once_by_hand() -> None:
    # Both are ready at minute 20 at one store, doors at 300 m left and 500 m right; the courier
    # waits there. Left first: 2 + 3 + 2 = minute 27, on at 29, back at 32, parked 34, 2 + 5 + 2 =
    # minute 43 against 29: 14 minutes. Right first: back at 38, left at 45 against 27: 18 minutes.
    # In one trip left first: 29 + 8 + 2 = minute 39 against 29: 10 minutes.
    day = line_day([0], [(0, -300, 0, 20), (0, 500, 0, 20)], [(0, 0, 200)])
    apart = hindsight(day, max_bundle=1)
    assert (apart.bound_s, apart.excess_s) == (7 * MINUTE, 7 * MINUTE)
    together = hindsight(day)
    assert (together.bound_s, together.excess_s) == (5 * MINUTE, 5 * MINUTE)
    assert together.floor_s == 28 * MINUTE


def test_what_nobody_can_bring_costs_its_price() -> None:
    day = line_day([0], [(0, 300, 0, 20), (0, 300, 0, 90)], [(0, 0, 60)])
    found = hindsight(day)
    assert found.bound_s == pytest.approx(45 * MINUTE)
    assert found.excess_s == pytest.approx(45 * MINUTE)
    nobody = line_day([0], [(0, 300, 0, 20)], [])
    assert hindsight(nobody).bound_s == pytest.approx(90 * MINUTE)
    nothing = line_day([0], [], [(0, 0, 60)])
    assert hindsight(nothing).bound_s == 0


def test_what_is_not_supported_is_named() -> None:
    orders = [(0, 300, 0, 20)]
    noisy = line_day([0], orders, [(0, 0, 60)], rules=DayRules(travel_noise_sd=0.1))
    with pytest.raises(UnsupportedError, match="times are uncertain"):
        hindsight(noisy)


def test_an_order_is_brought_once_and_early() -> None:
    visits = {0: [(5, (1, 2)), (20, (3,))], 1: [(4, (2,)), (30, (3, 1))]}
    assert once_each(visits) == {0: [(1,), (3,)], 1: [(2,)]}


@st.composite
def days(draw: st.DrawFn) -> Day:
    """Up to three orders of two stores and two couriers, all on one line."""
    minute = st.integers(0, 40)
    orders = []
    for _ in range(draw(st.integers(1, 3))):
        placed = draw(minute)
        ready = placed + draw(st.integers(0, 20))
        door = 100 * draw(st.integers(-15, 15))
        orders.append((draw(st.integers(0, 1)), door, placed, ready))
    orders.sort(key=lambda order: order[2])
    couriers = [
        (100 * draw(st.integers(-10, 10)), draw(st.integers(0, 20)), draw(st.integers(30, 120)))
        for _ in range(draw(st.integers(1, 2)))
    ]
    return line_day([0, 700], orders, couriers)


def brute_force_s(day: Day, left_s: int) -> float:
    """Try every route of every courier; returns the least sum of excess."""
    problem = problem_of(day, left_s=left_s, max_bundle=2)
    bundles = problem.bundles
    n = problem.num_orders

    def best(courier: int, clock: int, door: int, open_orders: frozenset[int]) -> float:
        if courier == len(problem.on):
            return float(problem.left_steps * len(open_orders))
        least = best(
            courier + 1,
            int(problem.on[courier + 1]) if courier + 1 < len(problem.on) else 0,
            -1,
            open_orders,
        )
        for at in range(len(bundles)):
            orders = {int(order) for order in bundles.member[at] if order >= 0}
            if not orders <= open_orders:
                continue
            way = (problem.start_way[courier] if door < 0 else problem.door_way[door])[
                bundles.store[at]
            ]
            pickup = max(int(bundles.ready[at]), clock + int(way) + problem.park)
            if pickup > min(int(bundles.latest[at]), int(problem.off[courier])):
                continue
            cost = int(bundles.excess[at].sum()) + len(orders) * (pickup - int(bundles.ready[at]))
            rest = best(
                courier,
                pickup + int(bundles.took[at]),
                int(bundles.last[at]),
                open_orders - orders,
            )
            least = min(least, cost + rest)
        return least

    clock = int(problem.on[0]) if len(problem.on) else 0
    return best(0, clock, -1, frozenset(range(n))) * problem.step_s


@settings(max_examples=25, deadline=None)
@given(days())
def test_bound_brute_force_and_policies_stand_in_order(day: Day) -> None:
    left_s = 90 * MINUTE
    found, n = hindsight(day), len(day.orders)
    assert found.is_converged
    assert not check_day(day, found.outcome).violations
    assert found.bound_s * n <= brute_force_s(day, left_s) + 1e-6
    assert found.bound_s <= found.excess_s + 1e-6
    for policy in ("nearest", "rolling"):
        outcome = simulate(day, policy)
        sizes = np.diff(outcome.trips.order_ptr)
        if sizes.max(initial=0) <= 2:
            assert found.bound_s <= mean_excess_s(day, outcome, left_s=left_s) + 1e-6


def test_a_stopped_search_still_bounds() -> None:
    orders = [(at % 2, 100 * (7 * at % 11 - 5), 3 * at, 3 * at + 10) for at in range(7)]
    day = line_day([0, 700], orders, [(0, 0, 120), (300, 10, 100)])
    whole = hindsight(day)
    short = hindsight(day, stop=Stop(time_s=1e-9))
    assert not short.is_converged
    assert short.bound_s <= whole.bound_s <= whole.excess_s <= short.excess_s


def test_compiled_and_plain_loops_agree() -> None:
    rng = np.random.default_rng(3)
    orders, bundles, stores, steps = 6, 9, 3, 60
    ready = rng.integers(0, 25, bundles)
    latest = ready + rng.integers(-3, 8, bundles)
    took = rng.integers(3, 12, bundles)
    given_to = (
        (rng.integers(0, 9, (orders, stores)), rng.integers(0, stores, bundles), 2),
        (ready, latest, took),
        (
            rng.normal(-5, 4, bundles),
            rng.integers(1, 3, bundles),
            rng.integers(0, orders, bundles),
            np.argsort(latest, kind="stable"),
        ),
        (np.zeros(orders, dtype=np.int64), np.full(orders, steps - 1)),
    )
    tables = []
    for loop in (_values, values_for(10**4, 10**4, 10**4)):
        value, choice = np.zeros((orders, steps)), np.zeros((orders, steps), dtype=np.int64)
        loop(*given_to, (value, choice))
        tables.append((value, choice))
    assert (tables[0][1] >= 0).any()
    for plain, compiled in itertools.pairwise(tables):
        np.testing.assert_allclose(plain[0], compiled[0])
        np.testing.assert_array_equal(plain[1], compiled[1])
