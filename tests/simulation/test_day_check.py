"""The checker of days: break one thing of a sound day, and that rule is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dispatchopt.simulation import Day, DayOutcome, EventLog, OrderStatus, check_day, simulate

DayMaker = Callable[..., Day]


@pytest.fixture(scope="module")
def day(make_line_day: DayMaker) -> Day:
    return make_line_day()


@pytest.fixture(scope="module")
def sound(day: Day) -> DayOutcome:
    return simulate(day, "nearest")


def rules_of(day: Day, outcome: DayOutcome) -> set[str]:
    return {violation.rule for violation in check_day(day, outcome).violations}


def changed(outcome: DayOutcome, table: str, column: str, row: int, value: Any) -> DayOutcome:
    """One entry of one record, all else as it was."""
    values = getattr(getattr(outcome, table), column).copy()
    values[row] = value
    return replace(outcome, **{table: replace(getattr(outcome, table), **{column: values})})


def test_a_sound_day_has_no_violation(day: Day, sound: DayOutcome) -> None:
    report = check_day(day, sound)
    assert report.is_feasible
    assert report.objective == pytest.approx(sum(report.parts.values()))
    assert report.figures["on_time_share"] == pytest.approx(2 / 3)


# The line day: a 120-390, b 390-900, c 900-1410; see test_day_by_hand.py.
@pytest.mark.parametrize(
    ("table", "column", "row", "value", "rules"),
    [
        ("orders", "late_s", 2, 109, {"wrong-lateness"}),
        ("orders", "missing_lines", 0, 1, {"missing-lines"}),
        ("orders", "picking_noise", 0, 1.5, {"noise-where-none-is", "picking-time"}),
        ("orders", "courier", 0, -1, {"trip-disagrees", "courier-orders"}),
        ("orders", "courier", 0, 7, {"unknown-index"}),
        ("legs", "to_place", 0, -1, {"unknown-index"}),
        ("orders", "sourced_s", 0, -1, {"delivered-without-step", "log-disagrees-on-sourced"}),
        (
            "orders",
            "sourced_s",
            1,
            5,
            {"sourced-too-early", "log-disagrees-on-sourced"},
        ),
        (
            "orders",
            "picking_s",
            1,
            119,
            {"too-many-picking", "picking-time", "log-disagrees-on-picking"},
        ),
        (
            "orders",
            "delivered_s",
            0,
            389,
            {"delivery-time", "log-disagrees-on-delivered"},
        ),
        (
            "orders",
            "status",
            2,
            int(OrderStatus.REFUSED),
            {
                "status-without-delivery",
                "wrong-lateness",
                "lost-without-reason",
                "log-disagrees-on-refused",
                "log-disagrees-on-delivered",
                "courier-orders",
            },
        ),
        ("trips", "assigned_s", 0, 7200, {"trip-after-shift"}),
        ("trips", "pickup_s", 0, 121, {"hand-over-time", "pickup-disagrees", "departure-time"}),
        ("trips", "departed_s", 0, 181, {"departure-time", "dawdling"}),
        ("trips", "store", 0, 1, {"unknown-index"}),
        ("trips", "order_idx", 0, 1, {"order-on-two-trips", "trip-disagrees", "pickup-disagrees",
                                      "hand-over-time"}),
        ("legs", "distance_m", 1, 599, {"leg-distance", "courier-distance"}),
        ("legs", "noise", 1, 1.5, {"noise-where-none-is", "leg-duration"}),
        ("legs", "from_place", 2, 2, {"jump", "leg-distance", "leg-duration"}),
        ("legs", "to_place", 5, 1, {"wrong-door"}),
        ("legs", "depart_s", 2, 389, {"overlap", "leg-duration"}),
        ("legs", "order", 1, 1, {"no-leg-to-door", "delivery-time", "wrong-door"}),
        ("couriers", "orders", 0, 2, {"courier-orders"}),
        ("couriers", "distance_m", 0, 1, {"courier-distance"}),
    ],
)  # fmt: skip
def test_one_wrong_entry_is_named(
    *, day: Day, sound: DayOutcome, table: str, column: str, row: int, value: Any, rules: set[str]
) -> None:
    assert rules_of(day, changed(sound, table, column, row, value)) == rules


def test_rules_of_the_day_are_compared_with_the_records(day: Day, sound: DayOutcome) -> None:
    couriers, orders, stores = day.couriers, day.orders, day.stores
    full = np.full(4, 100)
    variants: list[tuple[Day, set[str]]] = [
        (replace(day, couriers=replace(couriers, on_s=np.array([300]))),
         {"trip-before-shift", "leg-outside-shift"}),
        (replace(day, couriers=replace(couriers, off_s=np.array([890]))),
         {"trip-after-shift", "leg-outside-shift", "pickup-after-shift"}),
        (replace(day, couriers=replace(couriers, capacity_ml=np.array([50])),
                 orders=replace(orders, load_ml=full[:3])), {"capacity-ml"}),
        (replace(day, couriers=replace(couriers, pace=np.array([2.0]))), {"leg-duration"}),
        (replace(day, stores=replace(stores, close_s=np.array([400]))), {"store-closed"}),
        (replace(day, stores=replace(stores, pickers=np.array([0]))), {"too-many-picking"}),
        (replace(day, stores=replace(stores, pick_base_s=np.array([100]))), {"picking-time"}),
        (replace(day, orders=replace(orders, option_ptr=full - full, option_store=full[:0])),
         {"store-not-in-reach"}),
    ]  # fmt: skip
    for variant, rules in variants:
        assert rules_of(variant, sound) == rules


def test_bundles_and_home_stores(make_line_day: DayMaker) -> None:
    day = make_line_day()
    far = replace(day.orders, placed_s=np.array([0, 0, 0]), ready_s=np.array([60, 60, 60]))
    day = replace(day, orders=far)
    outcome = simulate(day, "rolling")
    assert np.diff(outcome.trips.order_ptr).max() == 3
    assert rules_of(day, outcome) == set()
    single = replace(day, rules=replace(day.rules, max_bundle=1))
    assert rules_of(single, outcome) == {"bundle-size"}
    small = replace(day.couriers, capacity_orders=np.array([1]))
    assert rules_of(replace(day, couriers=small), outcome) == {"capacity-orders"}


def test_stock_is_replayed(make_line_day: DayMaker) -> None:
    day = make_line_day()
    orders = replace(
        day.orders,
        line_ptr=np.array([0, 1, 2, 3]),
        line_sku=np.array([0, 0, 0]),
        line_units=np.array([2, 2, 2]),
    )
    rich = replace(
        day,
        orders=orders,
        sku_ids=("x",),
        stores=replace(day.stores, stock_units=np.array([[6]])),
    )
    outcome = simulate(rich, "nearest")
    assert rules_of(rich, outcome) == set()
    poor = replace(rich, stores=replace(rich.stores, stock_units=np.array([[4]])))
    assert rules_of(poor, outcome) == {"missing-lines", "nothing-in-stock"}
    scarce = replace(
        rich,
        stores=replace(rich.stores, stock_units=np.array([[5]])),
        rules=replace(rich.rules, is_partial_allowed=False),
    )
    assert rules_of(scarce, outcome) == {"missing-lines", "partial-not-allowed"}


def test_the_log_must_be_sorted_and_whole(day: Day, sound: DayOutcome) -> None:
    rows = {name: getattr(sound.log, name) for name in EventLog.__dataclass_fields__}
    swapped = EventLog(**{name: values[::-1] for name, values in rows.items()})
    assert rules_of(day, replace(sound, log=swapped)) == {"log-not-sorted"}
    without_last = EventLog(**{name: values[:-2] for name, values in rows.items()})
    assert rules_of(day, replace(sound, log=without_last)) == {"log-disagrees-on-delivered"}
    doubled = EventLog(**{
        name: np.concatenate([values, values[-2:-1]]) for name, values in rows.items()
    })  # fmt: skip
    assert "ended-twice" in rules_of(day, replace(sound, log=doubled))


def test_customers_who_give_up_are_checked(make_line_day: DayMaker) -> None:
    from dispatchopt.dispatch import Couriers

    day = make_line_day(couriers=Couriers.build(ids=[], place_idx=[], on_s=[], off_s=[]))
    outcome = simulate(day, "nearest")
    assert rules_of(day, outcome) == set()
    patient = replace(day, rules=replace(day.rules, max_late_s=3601))
    assert rules_of(patient, outcome) == {"cancelled-at-wrong-time"}


def test_records_of_another_day_are_refused(make_random_day: DayMaker, sound: DayOutcome) -> None:
    assert rules_of(make_random_day(1), sound) == {"wrong-size"}
