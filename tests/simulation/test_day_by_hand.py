"""A day of three orders, redone by hand.

The courier sets off at the tick at which leaving later would mean arriving after the goods.
a: sourced 0, picked 0-120, taken 120, left 180, 600 m = 120 s, door 300, delivered 390.
b: sourced 30, the picker is busy till 120, picked 120-240; the courier is free at 390, 600 m from
   the store: there at 510, left 570, 1200 m = 240 s, delivered 900.
c: sourced 420, picked 420-540; the courier comes back from 1200 m: 900 + 240 = 1140, left 1200,
   delivered 1200 + 120 + 90 = 1410, 110 s late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from dispatchopt.core import Cancel, EngineError, InputError, Stop, StopReason, UnsupportedError
from dispatchopt.dispatch import (
    Couriers,
    DayRules,
    Decision,
    DispatchState,
    Orders,
    Stores,
    TripPlan,
)
from dispatchopt.simulation import Day, DayProgress, check_day, metrics, simulate

DayMaker = Callable[..., Day]


def test_three_orders_by_hand(make_line_day: DayMaker) -> None:
    outcome = simulate(make_line_day(), "nearest")
    orders = outcome.orders
    assert outcome.stopped_by is StopReason.COMPLETED
    assert orders.sourced_s.tolist() == [0, 30, 420]
    assert orders.picking_s.tolist() == [0, 120, 420]
    assert orders.ready_s.tolist() == [120, 240, 540]
    assert orders.assigned_s.tolist() == [120, 390, 900]
    assert orders.pickup_s.tolist() == [120, 510, 1140]
    assert orders.delivered_s.tolist() == [390, 900, 1410]
    assert orders.late_s.tolist() == [0, 0, 110]
    assert outcome.couriers.distance_m.tolist() == [600 + 1800 + 1800]
    assert outcome.couriers.driving_s.tolist() == [840]
    assert outcome.couriers.busy_s.tolist() == [270 + 510 + 510]
    assert outcome.couriers.orders.tolist() == [3]


def test_metrics_by_hand(make_line_day: DayMaker) -> None:
    day = make_line_day()
    figures = metrics(day, simulate(day, "nearest"))
    assert figures["on_time_share"] == pytest.approx(2 / 3)
    assert figures["click_to_door_s"]["mean"] == pytest.approx((390 + 890 + 1010) / 3)
    assert figures["ready_to_pickup_s"]["mean"] == pytest.approx((0 + 270 + 600) / 3)
    assert figures["ready_to_door_s"]["max"] == 1410 - 540
    # Driving 840 s and 60 + 90 s of service for each order, in a shift of two hours.
    assert figures["couriers"]["utilisation"]["mean"] == pytest.approx((840 + 450) / 7200)
    assert figures["couriers"]["orders_per_hour"] == pytest.approx(1.5)
    parts = figures["cost"]["parts_cents"]
    assert parts == pytest.approx(
        {
            "wages": 3000,
            "pay_per_order": 300,
            "kilometres": 42,
            "lateness": 110 / 6,
            "lost_orders": 0,
        }
    )
    assert figures["cost"]["per_order_cents"] == pytest.approx(sum(parts.values()) / 3)
    assert figures["reasons"] == {"courier-busy": 1}
    assert figures["worst"][0]["order"] == "c"
    assert sum(figures["worst"][0]["parts_s"].values()) == 1010
    assert [row["placed"] for row in figures["by_hour"]] == [3]


def test_the_log_tells_each_step_in_order(make_line_day: DayMaker) -> None:
    outcome = simulate(make_line_day(), "nearest")
    log = outcome.log
    of_a = [
        name for name, order in zip(log.kind_names, log.order.tolist(), strict=True) if order == 0
    ]
    assert of_a == ["placed", "sourced", "picking", "ready", "assigned", "picked-up", "delivered"]


def test_rolling_is_checked_and_brings_a_pair_in_one_trip(make_line_day: DayMaker) -> None:
    # Both are ready at once and lie one behind the other.
    day = make_line_day(
        orders=Orders.build(
            ids=["a", "b"],
            place_idx=[1, 2],
            placed_s=[0, 0],
            due_s=[1800, 1800],
            ready_s=[300, 300],
            options=[[0], [0]],
        )
    )
    outcome = simulate(day, "rolling")
    assert not check_day(day, outcome).violations
    assert outcome.trips.order_idx.tolist() == [0, 1]
    assert len(outcome.trips) == 1
    # Taken at 300, left 360, 120 s, 90 s at the door, 120 s, 90 s.
    assert outcome.orders.delivered_s.tolist() == [570, 780]


def test_a_missing_line_is_recorded_and_the_rest_delivered(make_line_day: DayMaker) -> None:
    day = make_line_day()
    orders = Orders.build(
        ids=["a", "b", "c"],
        place_idx=[1, 1, 1],
        placed_s=[0, 0, 0],
        due_s=[9000, 9000, 9000],
        options=[[0]] * 3,
        lines=[[(0, 2), (1, 1)], [(0, 2), (1, 1)], [(0, 1)]],
    )
    stores = replace(day.stores, stock_units=np.array([[3, 5]]))
    for policy in ("nearest", "rolling"):
        served = replace(day, orders=orders, stores=stores, sku_ids=("x", "y"))
        outcome = simulate(served, policy)
        # a takes two of three x, b the last one, and nothing is left for c.
        assert outcome.orders.missing_lines.tolist() == [0, 1, -1]
        assert outcome.orders.reason == ("", "", "out-of-stock")
        assert metrics(served, outcome)["complete_share"] == pytest.approx(1 / 3)
        assert not check_day(served, outcome).violations


def test_whole_orders_only_where_the_rules_say_so(make_line_day: DayMaker) -> None:
    day = make_line_day(
        orders=Orders.build(
            ids=["a", "b"],
            place_idx=[1, 1],
            placed_s=[0, 0],
            due_s=[9000, 9000],
            options=[[0]] * 2,
            lines=[[(0, 2)], [(0, 2)]],
        ),
        rules=DayRules(is_partial_allowed=False),
        sku_ids=("x",),
        stores=Stores(
            **{
                **make_line_day().stores.__dict__,
                "stock_units": np.array([[3]]),
            }
        ),
    )
    outcome = simulate(day, "rolling")
    assert outcome.orders.missing_lines.tolist() == [0, -1]
    assert outcome.orders.reason == ("", "out-of-stock")
    assert not check_day(day, outcome).violations


def test_customers_give_up_without_couriers(make_line_day: DayMaker) -> None:
    day = make_line_day(couriers=Couriers.build(ids=[], place_idx=[], on_s=[], off_s=[]))
    outcome = simulate(day, "rolling")
    assert outcome.orders.reason == ("gave-up",) * 3
    assert outcome.simulated_until_s >= 1300 + day.rules.max_late_s
    patient = replace(day, rules=DayRules(max_late_s=-1))
    assert simulate(patient, "rolling").orders.reason == ("no-courier",) * 3


def test_limits_return_the_day_so_far(make_line_day: DayMaker) -> None:
    day = make_line_day()
    outcome = simulate(day, "nearest", stop=Stop(iterations=5))
    assert outcome.stopped_by is StopReason.ITERATIONS
    assert len(outcome.decision_at_s) == 5
    assert outcome.simulated_until_s == 150
    assert not check_day(day, outcome).violations
    cancel = Cancel()
    cancel.set()
    assert simulate(day, stop=Stop(cancel=cancel)).stopped_by is StopReason.CANCELLED
    ended = simulate(day, callback=lambda seen: seen.delivered >= 1)
    assert ended.stopped_by is StopReason.CANCELLED
    assert ended.orders.delivered_s[0] > 0
    assert not check_day(day, ended).violations
    assert metrics(day, ended)["orders"]["delivered"] >= 1


def test_progress_only_grows(make_line_day: DayMaker) -> None:
    seen: list[DayProgress] = []
    simulate(make_line_day(), "nearest", callback=seen.append)
    assert [each.now_s for each in seen] == sorted({each.now_s for each in seen})
    done = [each.orders_done for each in seen]
    assert done == sorted(done)
    assert all(each.placed <= each.num_orders == 3 for each in seen)


@dataclass(frozen=True)
class Illegal:
    name: str = "illegal"

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        return Decision(trips=(TripPlan(courier=0, store=0, orders=(0,)),))


def test_an_illegal_decision_never_reaches_the_world(make_line_day: DayMaker) -> None:
    with pytest.raises(EngineError, match="not-sourced"):
        simulate(make_line_day(), Illegal())


def test_unknown_policies_and_seeds_are_refused(make_line_day: DayMaker) -> None:
    with pytest.raises(UnsupportedError, match="nearest, reyes, rolling"):
        simulate(make_line_day(), "best")
    with pytest.raises(InputError, match="seed"):
        simulate(make_line_day(), seed=-1)


def test_a_day_without_orders_is_over_at_once(make_line_day: DayMaker) -> None:
    empty = Orders.build(ids=[], place_idx=[], placed_s=[], due_s=[], options=[])
    day = make_line_day(orders=empty)
    outcome = simulate(day)
    assert outcome.stopped_by is StopReason.COMPLETED
    assert metrics(day, outcome)["on_time_share"] is None
    assert not check_day(day, outcome).violations
