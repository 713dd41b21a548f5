"""Moves, parking, guaranteed pay and the floor, by hand; and the checker of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from dispatchopt.core.stop import Stop
from dispatchopt.dispatch import (
    Answer,
    Couriers,
    DayRules,
    Decision,
    DispatchState,
    Orders,
    Stores,
    TripPlan,
    dispatch,
    find_policy,
)
from dispatchopt.dispatch.policies.reyes import Reyes
from dispatchopt.dispatch.policies.rolling import Rolling
from dispatchopt.dispatch.preposition import Moving, moves
from dispatchopt.geography.plane import PlaneTravel
from dispatchopt.simulation import Day, DayOutcome, check_day, metrics, runner, simulate
from dispatchopt.simulation.soonest import soonest_s
from dispatchopt.simulation.view import observe

DayMaker = Callable[..., Day]


def strict_day(**changes: Any) -> Day:
    """A store at 0 m, doors at 600 and -1200 m, a courier at 1500 m; 300 m a minute."""
    fields: dict[str, Any] = {
        "name": "strict",
        "travel": PlaneTravel(
            x_m=np.array([0, 600, -1200, 1500]),
            y_m=np.zeros(4),
            metres_per_step=300,
            step_s=60,
        ),
        "orders": Orders.build(
            ids=["a", "b"],
            place_idx=[1, 2],
            placed_s=[0, 120],
            due_s=[2400, 2520],
            ready_s=[900, 960],
            options=[[0], [0]],
        ),
        "stores": Stores(
            ids=("s",),
            place_idx=np.array([0]),
            pickers=np.array([0]),
            pick_base_s=np.array([0]),
            pick_line_s=np.array([0]),
            open_s=np.array([0]),
            close_s=np.array([86_400]),
        ),
        "couriers": Couriers.build(ids=["k"], place_idx=[3], on_s=[0], off_s=[7200]),
        "rules": DayRules(
            tick_s=60,
            park_s=120,
            pickup_s=120,
            dropoff_s=120,
            leave_s=120,
            max_bundle=1,
            wage_cents_per_hour=1500,
            pay_cents_per_order=1000,
            is_wage_guarantee=True,
            cents_per_km=0,
            lateness_cents_per_min=0,
            refusal_cents=0,
        ),
    }
    return Day(**{**fields, **changes})


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """Moves at second 60, takes order a at a stated second and b when free again."""

    take_s: int
    name: str = "scripted"

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        del stop, seed
        orders = state.orders
        sourcing = tuple((int(orders.idx[row]), 0) for row in np.flatnonzero(orders.store < 0))
        is_free = len(state.couriers) > 0 and bool(state.couriers.is_free[0])
        if state.now_s == 60:
            return Decision(sourcing=sourcing, moves=((0, 0),))
        if is_free and state.now_s >= self.take_s and len(orders):
            trip = TripPlan(courier=0, store=0, orders=(int(orders.idx[0]),))
            return Decision(sourcing=sourcing, trips=(trip,))
        return Decision(sourcing=sourcing)


def rules_of(day: Day, outcome: DayOutcome) -> set[str]:
    return {violation.rule for violation in check_day(day, outcome).violations}


@pytest.mark.parametrize(
    ("policy", "on_time"),
    [(Rolling(), ["b"]), (Rolling(late_s=0.0, hard_late_s=0.0), [])],
)
def test_who_can_be_in_time_goes_before_who_cannot(policy: Rolling, on_time: list[str]) -> None:
    """Ready at 900, a is at its door at 1260 at best, 6 minutes late; b at 1380, just in time."""
    orders = Orders.build(
        ids=["a", "b"],
        place_idx=[1, 2],
        placed_s=[0, 120],
        due_s=[900, 1380],
        ready_s=[900, 900],
        options=[[0], [0]],
    )
    day = strict_day(orders=orders)
    # A customer who soon gives up is as good as lost once late, so a must not delay b, although it
    # takes less; where lateness has no price, what takes less goes first.
    day = replace(day, rules=replace(day.rules, max_late_s=900))
    outcome = simulate(day, policy)
    assert check_day(day, outcome).is_feasible
    records = outcome.orders
    is_in_time = (records.delivered_s >= 0) & (records.late_s == 0)
    assert [name for name, is_good in zip("ab", is_in_time, strict=True) if is_good] == on_time


@pytest.mark.parametrize(
    # There at 60 + 300 = 360, parked at 480; order a is ready at 900.
    ("take_s", "pickup_s"),
    [(360, 900), (900, 900), (960, 960)],
)
def test_parking_counts_from_the_end_of_a_move(take_s: int, pickup_s: int) -> None:
    day = strict_day()
    outcome = simulate(day, Scripted(take_s=take_s))
    assert rules_of(day, outcome) == set()
    assert outcome.orders.pickup_s[0] == pickup_s
    # Off at + 120, two minutes on the way, delivered 120 later; then leaving and the way back.
    assert outcome.orders.delivered_s[0] == pickup_s + 120 + 120 + 120
    # After a trip parking counts anew: free at + 480, there at + 600, parked at + 720.
    assert outcome.orders.pickup_s[1] == pickup_s + 480 + 120 + 120


def test_parking_in_time_is_checked() -> None:
    """At the store since 360, parked at 480; the first order is ready before."""
    day = strict_day()
    early = replace(day, orders=replace(day.orders, ready_s=np.array([300, 960])))
    outcome = simulate(early, Scripted(take_s=420))
    assert outcome.orders.pickup_s[0] == 480
    assert rules_of(early, outcome) == set()
    longer = replace(early, rules=replace(early.rules, park_s=180))
    assert rules_of(longer, outcome) == {"hand-over-time"}


def test_take_over_after_the_shift_is_named() -> None:
    day = strict_day()
    outcome = simulate(day, Scripted(take_s=360))
    short = replace(day.couriers, off_s=np.array([1610]))
    # The second trip is assigned at 1380 and taken over at 1620.
    assert outcome.orders.pickup_s[1] == 1620
    assert rules_of(replace(day, couriers=short), outcome) == {"pickup-after-shift"}


def test_a_trip_before_its_order_has_a_store_is_named() -> None:
    day = strict_day()
    outcome = simulate(day, Scripted(take_s=360))
    trips = replace(outcome.trips, assigned_s=outcome.trips.assigned_s - 3600)
    assert "assigned-before-sourced" in rules_of(day, replace(outcome, trips=trips))


@pytest.mark.parametrize(("hours", "cents"), [(2, 3000), (1, 2000)])
def test_couriers_get_the_larger_of_pay_and_guarantee(hours: int, cents: int) -> None:
    couriers = Couriers.build(ids=["k"], place_idx=[3], on_s=[0], off_s=[hours * 3600])
    day = strict_day(couriers=couriers)
    cost = metrics(day, simulate(day, "rolling"))["cost"]
    assert cost["total_cents"] == cents
    assert cost["parts_cents"]["pay_per_order"] == 2000


def test_the_floor_is_the_soonest_delivery() -> None:
    day = strict_day()
    # Ready, 120 to leave, 2 or 4 minutes of way, 120 at the door.
    assert soonest_s(day).tolist() == [900 + 360, 960 + 480]
    figures = metrics(day, simulate(day, "rolling"))
    assert figures["floor_s"]["mean"] == (1260 + 1320) / 2
    assert figures["excess_s"]["min"] == 0
    unreachable = replace(day.orders, option_ptr=np.array([0, 0, 1]), option_store=np.array([0]))
    assert soonest_s(replace(day, orders=unreachable)).tolist() == [-1, 1440]


def test_rolling_waits_uncommitted_and_does_not_lose_by_it() -> None:
    """The courier drives ahead without goods and takes the first order when it is ready."""
    day = strict_day()
    outcome = simulate(day, "rolling")
    assert rules_of(day, outcome) == set()
    assert outcome.legs.trip[0] == -1
    assert outcome.orders.assigned_s[0] == outcome.orders.pickup_s[0] == 900


@pytest.mark.parametrize(("max_late_s", "first"), [(-1, 0), (1500, 1)])
def test_what_can_be_on_time_goes_first_where_customers_give_up(
    max_late_s: int, first: int
) -> None:
    """The nearer order is late whatever is done; the other one is not if it goes first."""
    day = strict_day()
    orders = replace(
        day.orders,
        placed_s=np.array([0, 0]),
        ready_s=np.array([900, 900]),
        due_s=np.array([900, 1500]),
    )
    day = replace(day, orders=orders, rules=replace(day.rules, max_late_s=max_late_s))
    outcome = simulate(day, "rolling")
    assert rules_of(day, outcome) == set()
    assert int(np.argmin(outcome.orders.pickup_s)) == first
    assert outcome.orders.pickup_s.min() == 900
    assert (outcome.orders.late_s[1] == 0) == (first == 1)


def test_idle_couriers_share_the_demand() -> None:
    """Two stores far apart with equal demand; of two couriers between them each goes to one."""
    x_m = np.array([0.0, 3000.0, 1400.0, 1600.0])
    day = strict_day(
        travel=PlaneTravel(x_m=x_m, y_m=np.zeros(4), metres_per_step=300, step_s=60),
        stores=Stores(
            ids=("s", "t"),
            place_idx=np.array([0, 1]),
            pickers=np.array([0, 0]),
            pick_base_s=np.array([0, 0]),
            pick_line_s=np.array([0, 0]),
            open_s=np.array([0, 0]),
            close_s=np.array([86_400, 86_400]),
        ),
        couriers=Couriers.build(ids=["k", "l"], place_idx=[2, 3], on_s=[0, 0], off_s=[7200, 7200]),
    )
    state = _observed(day)
    busy = replace(state, stores=replace(state.stores, recent_orders=np.array([2, 2])))
    idle = np.ones(2, dtype=np.bool_)
    nobody, how = ~idle, Moving()
    assert sorted(moves(busy, idle, nobody, how)) == [(0, 0), (1, 1)]
    # Nothing expected, nobody idle, the shift nearly over, or no drive allowed: all stay.
    assert moves(state, idle, nobody, how) == []
    assert moves(busy, nobody, nobody, how) == []
    assert moves(replace(busy, now_s=6400), idle, nobody, how) == []
    assert moves(busy, idle, nobody, Moving(far_s=0)) == []
    # What a kilometre costs is weighed against what a minute of lateness costs.
    for cents, moved in ((0, 2), (10_000, 0)):
        rules = replace(busy.rules, lateness_cents_per_min=10, cents_per_km=cents)
        decided = find_policy("rolling").decide(replace(busy, rules=rules), stop=Stop(), seed=1)
        assert len(decided.moves) == moved
    # A courier who stands at the only store stays there, and the other sees it covered.
    one = replace(state, stores=replace(state.stores, recent_orders=np.array([3, 0])))
    there = replace(one, couriers=replace(one.couriers, place_idx=np.array([0, 0])))
    assert moves(there, idle, nobody, how) == []
    # Who is on the way to a store, or will be free there, counts as well.
    first, second = np.array([True, False]), np.array([False, True])
    some = replace(state, stores=replace(state.stores, recent_orders=np.array([2, 0])))
    coming = replace(some, couriers=replace(some.couriers, place_idx=np.array([2, 0])))
    assert moves(coming, first, nobody, how) == [(0, 0)]
    assert moves(coming, first, second, how) == []


def _observed(day: Day) -> DispatchState:
    from dispatchopt.simulation.noise import Noise
    from dispatchopt.simulation.world import World

    noise = Noise(
        seed=1,
        num_orders=len(day.orders),
        num_couriers=len(day.couriers),
        travel_sd=0.0,
        picking_sd=0.0,
        decline_probability=0.0,
    )
    return observe(World(day, noise))


def _scarce_day() -> Day:
    """Sixty orders of five stores within two hours, and four couriers."""
    rng = np.random.default_rng(4)
    n, k = 60, 4
    place = 5 + np.arange(n)
    placed = np.sort(rng.integers(0, 120, n)) * 60
    return strict_day(
        travel=PlaneTravel(
            x_m=rng.integers(0, 4000, n + 5).astype(float),
            y_m=rng.integers(0, 4000, n + 5).astype(float),
            metres_per_step=320,
            step_s=60,
        ),
        orders=Orders.build(
            ids=[f"o{i}" for i in range(n)],
            place_idx=place,
            placed_s=placed,
            due_s=placed + 2400,
            ready_s=placed + 600,
            options=[[int(store)] for store in rng.integers(0, 5, n)],
        ),
        stores=Stores(
            ids=tuple("stuvw"),
            place_idx=np.arange(5),
            pickers=np.zeros(5, dtype=np.int64),
            pick_base_s=np.zeros(5, dtype=np.int64),
            pick_line_s=np.zeros(5, dtype=np.int64),
            open_s=np.zeros(5, dtype=np.int64),
            close_s=np.full(5, 86_400),
        ),
        couriers=Couriers.build(
            ids=[f"c{i}" for i in range(k)],
            place_idx=np.arange(k),
            on_s=np.zeros(k),
            off_s=np.full(k, 14_400),
        ),
        rules=replace(strict_day().rules, max_bundle=3, max_late_s=-1),
    )


def test_reyes_is_sound_and_between_the_others() -> None:
    """Scarce couriers: no policy breaks rules, and matching does not lose to the greedy one."""
    day, brought = _scarce_day(), {}
    for policy in ("nearest", "reyes", "rolling"):
        outcome = simulate(day, policy)
        assert rules_of(day, outcome) == set()
        brought[policy] = metrics(day, outcome)["delivered_share"]
    assert brought["nearest"] <= brought["reyes"] <= brought["rolling"]


def test_reyes_lets_couriers_sent_ahead_keep_their_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bool] = []

    def spied(state: DispatchState, **options: Any) -> Answer:
        answer = dispatch(state, **options)
        plans = (*answer.decision.trips, *answer.decision.planned)
        now_with = {order: plan.courier for plan in plans for order in plan.orders}
        for plan in state.last:
            kept.extend(now_with.get(order) == plan.courier for order in plan.orders)
        return answer

    monkeypatch.setattr(runner, "dispatch", spied)
    # The shorter the period, the more often a courier arrives before it is final.
    simulate(_scarce_day(), Reyes(period_s=60))
    assert len(kept) > 10
    assert all(kept)


def test_an_order_far_from_all_couriers_does_not_starve() -> None:
    """The only courier is 90 minutes away: a delay beyond any price of leaving an order open."""
    far = PlaneTravel(
        x_m=np.array([0, 600, -1200, 27_000]), y_m=np.zeros(4), metres_per_step=300, step_s=60
    )
    couriers = Couriers.build(ids=["k"], place_idx=[3], on_s=[0], off_s=[36_000])
    day = strict_day(travel=far, couriers=couriers)
    day = replace(day, rules=replace(day.rules, max_late_s=-1))
    outcome = simulate(day, "rolling")
    assert rules_of(day, outcome) == set()
    # The courier sets off at once, though the goods are ready after a quarter of an hour.
    assert outcome.orders.pickup_s[0] == 5400 + 120
    assert outcome.orders.delivered_s[1] >= 0
