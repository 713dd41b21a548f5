"""Breaks, couriers who leave, closures and hold-ups: by hand, in bad worlds, and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatchopt.core import InputError
from dispatchopt.simulation import (
    Day,
    DayOutcome,
    EventKind,
    Incidents,
    OrderStatus,
    check_day,
    draw_incidents,
    metrics,
    simulate,
)
from dispatchopt.simulation.questions import with_surge, without_couriers

DayMaker = Callable[..., Day]


def with_incidents(day: Day, **columns: Any) -> Day:
    return replace(
        day, incidents=Incidents(**{name: np.array(column) for name, column in columns.items()})
    )


def rules_of(day: Day, outcome: DayOutcome) -> set[str]:
    return {violation.rule for violation in check_day(day, outcome).violations}


def test_a_break_waits_for_the_work_at_hand(make_line_day: DayMaker) -> None:
    """On the first trip from 120 to 390; the break is due at 200 and lasts 1000 seconds."""
    day = make_line_day()
    plain = simulate(day, "nearest")
    first_end_s = int(plain.trips.end_s[0])
    assert first_end_s > 200
    paused = with_incidents(day, break_courier=[0], break_from_s=[200], break_s=[1000])
    outcome = simulate(paused, "nearest")
    assert rules_of(paused, outcome) == set()
    log = outcome.log
    assert log.time_s[log.kind == EventKind.BREAK].tolist() == [first_end_s]
    assert log.time_s[log.kind == EventKind.BACK].tolist() == [first_end_s + 1000]
    assert outcome.trips.assigned_s[0] == plain.trips.assigned_s[0]
    assert outcome.trips.assigned_s[1] >= first_end_s + 1000
    # Who holds the same records against a day with a shorter break finds it too long.
    short = replace(paused, incidents=replace(paused.incidents, break_s=np.array([900])))
    assert rules_of(short, outcome) == {"break-too-long"}


def test_a_courier_goes_home_after_the_work_at_hand(make_line_day: DayMaker) -> None:
    day = make_line_day()
    gone = with_incidents(day, quit_courier=[0], quit_s=[200])
    outcome = simulate(gone, "nearest")
    assert rules_of(gone, outcome) == set()
    status = [OrderStatus(each).name for each in outcome.orders.status.tolist()]
    assert status == ["DELIVERED", "CANCELLED", "CANCELLED"]
    # Paid for 200 of 7200 seconds.
    assert metrics(gone, outcome)["cost"]["parts_cents"]["wages"] == pytest.approx(
        200 / 3600 * day.rules.wage_cents_per_hour
    )
    assert rules_of(gone, simulate(day, "nearest")) == {"work-after-leaving"}


def test_who_never_comes_is_not_seen(make_line_day: DayMaker) -> None:
    day = with_incidents(make_line_day(), quit_courier=[0], quit_s=[0])
    for policy in ("nearest", "reyes", "rolling"):
        outcome = simulate(day, policy)
        assert rules_of(day, outcome) == set()
        assert not len(outcome.trips)
        assert metrics(day, outcome)["cost"]["parts_cents"]["wages"] == 0


def test_a_shut_store_takes_nothing_on(make_line_day: DayMaker) -> None:
    """Shut from 5 to 600 seconds: the first order is taken on before, the second when it opens."""
    day = make_line_day()
    shut = with_incidents(
        day, closure_store=[0, 0], closure_from_s=[5, 300], closure_until_s=[310, 600]
    )
    outcome = simulate(shut, "nearest")
    assert rules_of(shut, outcome) == set()
    assert outcome.orders.sourced_s.tolist() == [0, 600, 600]
    assert rules_of(shut, simulate(day, "nearest")) == {"store-shut"}
    for_good = with_incidents(day, closure_store=[0], closure_from_s=[5], closure_until_s=[10**6])
    outcome = simulate(for_good, "nearest")
    assert outcome.orders.reason[1:] == ("store-closed", "store-closed")


def test_a_ride_is_held_up(make_line_day: DayMaker) -> None:
    day = make_line_day()
    plain = simulate(day, "nearest")
    held = with_incidents(day, delay_order=[0], delay_s=[77])
    outcome = simulate(held, "nearest")
    assert rules_of(held, outcome) == set()
    assert outcome.orders.delivered_s[0] == plain.orders.delivered_s[0] + 77
    assert rules_of(day, outcome) == {"noise-where-none-is"}


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"break_courier": [0], "break_from_s": [0]}, "bad-shape"),
        ({"quit_courier": [0], "quit_s": [-1]}, "out-of-range"),
        ({"quit_courier": [1], "quit_s": [0]}, "unknown-reference"),
        ({"delay_order": [0, 0], "delay_s": [1, 1]}, "duplicate-id"),
        (
            {"closure_store": [7], "closure_from_s": [0], "closure_until_s": [1]},
            "unknown-reference",
        ),
    ],
)
def test_bad_incidents_are_refused(
    make_line_day: DayMaker, columns: dict[str, Any], code: str
) -> None:
    with pytest.raises(InputError) as caught:
        with_incidents(make_line_day(), **columns)
    assert code in {issue.code for issue in caught.value.issues}


def bad_day(day: Day, seed: int, **chances: Any) -> Day:
    """Draw incidents for a day."""
    drawn = draw_incidents(
        on_s=day.couriers.on_s,
        off_s=day.couriers.off_s,
        open_s=day.stores.open_s,
        close_s=day.stores.close_s,
        num_orders=len(day.orders),
        seed=seed,
        **chances,
    )
    return replace(day, incidents=drawn)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10**6),
    policy=st.sampled_from(["nearest", "reyes", "rolling"]),
    couriers=st.integers(0, 6),
    surge=st.sampled_from([1.0, 10.0]),
    chance=st.sampled_from([0.2, 0.6, 1.0]),
    late_s=st.sampled_from([-1, 600, 3600]),
)
def test_bad_worlds_end_with_every_order_accounted_for(
    *,
    make_random_day: DayMaker,
    seed: int,
    policy: str,
    couriers: int,
    surge: float,
    chance: float,
    late_s: int,
) -> None:
    day = make_random_day(
        seed,
        num_orders=8,
        num_couriers=couriers,
        max_late_s=late_s,
        tick_s=300,
        travel_noise_sd=seed % 2 * 0.3,
        decline_probability=seed % 3 * 0.2,
    )
    day = with_surge(day, surge, 0, 5400, seed)
    day = bad_day(
        day,
        seed,
        break_s=900,
        break_after_s=1200,
        no_show=chance / 2,
        quits=chance,
        closures=chance,
        delays=chance,
    )
    outcome = simulate(day, policy, seed=seed)
    assert check_day(day, outcome).violations == ()
    records = outcome.orders
    figures = metrics(day, outcome)["orders"]
    # Orders: each ends in exactly one way, and whatever is lost says why.
    ends = [figures[name] for name in ("delivered", "refused", "cancelled", "undelivered")]
    assert sum(ends) == figures["placed"] == len(day.orders)
    for status, reason in zip(records.status.tolist(), records.reason, strict=True):
        assert bool(reason) == (status != OrderStatus.DELIVERED)
    # Couriers: breaks end, and nobody appears who was not there.
    log = outcome.log
    assert (log.kind == EventKind.BREAK).sum() == (log.kind == EventKind.BACK).sum()
    assert set(outcome.trips.courier.tolist()) <= set(range(len(day.couriers)))
    assert outcome.digest == simulate(day, policy, seed=seed).digest


def test_without_couriers_nothing_moves(make_random_day: DayMaker) -> None:
    day = without_couriers(make_random_day(5))
    for policy in ("nearest", "reyes", "rolling"):
        outcome = simulate(day, policy)
        assert check_day(day, outcome).violations == ()
        assert not len(outcome.legs)
        assert not (outcome.orders.status == OrderStatus.DELIVERED).any()


def test_drawn_incidents_have_the_stated_shares() -> None:
    k = 4000
    drawn = draw_incidents(
        on_s=np.zeros(k, dtype=np.int64),
        off_s=np.full(k, 8 * 3600),
        open_s=np.zeros(k, dtype=np.int64),
        close_s=np.full(k, 86_400),
        num_orders=k,
        seed=3,
        break_s=1800,
        no_show=0.1,
        quits=0.2,
        closures=0.3,
        delays=0.4,
        delay_s=500,
    )
    # Standard errors are below 0.008 k, and 13 of the mean delay.
    never = (drawn.quit_s == 0).sum()
    assert never / k == pytest.approx(0.1, abs=0.03)
    assert (len(drawn.quit_courier) - never) / k == pytest.approx(0.18, abs=0.03)
    assert len(drawn.closure_store) / k == pytest.approx(0.3, abs=0.03)
    assert len(drawn.delay_order) / k == pytest.approx(0.4, abs=0.03)
    assert drawn.delay_s.mean() == pytest.approx(500, abs=50)
    assert len(drawn.break_courier) == k
    assert abs(drawn.break_from_s - 4 * 3600).max() <= 1800
    # Each kind has a stream of its own.
    again = draw_incidents(
        on_s=np.zeros(k, dtype=np.int64),
        off_s=np.full(k, 8 * 3600),
        open_s=np.zeros(k, dtype=np.int64),
        close_s=np.full(k, 86_400),
        num_orders=k,
        seed=3,
        delays=0.4,
        delay_s=500,
    )
    assert again.delay_order.tolist() == drawn.delay_order.tolist()


def test_incidents_are_written_and_read(make_random_day: DayMaker) -> None:
    from dispatchopt import io
    from dispatchopt.io import Instance

    day = make_random_day(9, num_couriers=5)
    columns = {
        "break_courier": [1, 1],
        "break_from_s": [50, 900],
        "break_s": [60, 70],
        "quit_courier": [4],
        "quit_s": [1000],
        "closure_store": [2],
        "closure_from_s": [100],
        "closure_until_s": [400],
        "delay_order": [3, 0],
        "delay_s": [30, 40],
    }
    given = with_incidents(day, **columns)
    text = io.dumps(Instance(name="d", kind="day", problem=given))
    again = io.parse(text).problem.incidents
    assert {name: getattr(again, name).tolist() for name in columns} == columns
    bad = text.replace('"kind": "quit"', '"kind": "closure"').replace(
        '"kind":"quit"', '"kind":"closure"'
    )
    with pytest.raises(InputError, match="the store that a closure is about"):
        io.parse(bad)
