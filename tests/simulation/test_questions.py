"""A planner's questions: variants of a day by hand, intervals, and answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatchopt.core import Cancel, InputError, Stop
from dispatchopt.reporting.plot import study_png
from dispatchopt.simulation import Day, OrderStatus, check_day, metrics, simulate
from dispatchopt.simulation.questions import (
    QUESTIONS,
    Options,
    StudyProgress,
    add_shifts,
    ask,
    compare_policies,
    interval,
    paired,
    redrawn,
    with_couriers,
    with_promise,
    with_store,
    with_store_means,
    with_surge,
    without_store,
)

DayMaker = Callable[..., Day]


def test_intervals_by_hand() -> None:
    # Mean 2, standard deviation 1, t of two degrees of freedom 4.303 over the root of 3.
    found = interval([1.0, None, 2.0, 3.0])
    assert (found.mean, found.count) == (2.0, 3)
    assert found.half == pytest.approx(4.30265 / math.sqrt(3), rel=1e-5)
    assert not found.is_clear
    change = paired([1.0, 5.0, None], [2.0, 6.0, 9.0])
    assert (change.mean, change.half, change.count) == (1.0, 0.0, 2)
    assert change.is_clear
    assert math.isnan(interval([]).mean)
    assert math.isnan(interval([4.0]).half)


@given(seed=st.integers(0, 10**6))
def test_intervals_hold_the_truth_as_often_as_they_say(seed: int) -> None:
    """Of 400 intervals over 6 normal values 95 % hold the mean; four standard errors are 4.4 %."""
    values = np.random.default_rng(seed).normal(3.0, 2.0, (400, 6))
    hits = [abs((each := interval(row.tolist())).mean - 3.0) <= each.half for row in values]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.044)


def test_redrawn_days_have_orders_of_the_same_kind(make_random_day: DayMaker) -> None:
    day = make_random_day(4, num_orders=200)
    first, again, other = redrawn(day, 1), redrawn(day, 1), redrawn(day, 2)
    assert first.orders.ids == again.orders.ids
    assert first.orders.ids != other.orders.ids
    counts = [len(redrawn(day, seed).orders) for seed in range(60)]
    # A Poisson number: mean 200 within three standard errors of 1.83, and a spread near 14.
    assert np.mean(counts) == pytest.approx(200, abs=5.5)
    assert 9 < np.std(counts) < 20
    assert (np.diff(first.orders.placed_s) >= 0).all()
    names = {name: row for row, name in enumerate(day.orders.ids)}
    rows = np.array([names[each.split("~")[0]] for each in first.orders.ids])
    moved_s = first.orders.placed_s - day.orders.placed_s[rows]
    assert (first.orders.due_s - first.orders.placed_s == 1800).all()
    assert abs(moved_s.std() - 600) < 120
    assert first.orders.num_lines.tolist() == day.orders.num_lines[rows].tolist()


def test_couriers_are_left_out_or_doubled(make_random_day: DayMaker) -> None:
    day = make_random_day(1, num_couriers=5)
    day = replace(day, couriers=replace(day.couriers, off_s=day.couriers.on_s + 600))
    for count in (0, 2, 5, 7, 13):
        table = with_couriers(day, count).couriers
        assert (table.off_s > table.on_s).sum() == count
        assert len(table) == max(5, count)
        assert table.ids[:5] == day.couriers.ids
    more = add_shifts(day, [2, 2], on_s=100, off_s=200).couriers
    assert more.on_s[-2:].tolist() == [100, 100]
    assert more.pace[-1] == day.couriers.pace[2]


def test_promise_surge_and_stores_by_hand(make_line_day: DayMaker) -> None:
    day = make_line_day()
    assert with_promise(day, 600).orders.due_s.tolist() == [600, 610, 1000]
    surge = with_surge(day, 3, 0, 60, seed=1).orders
    # Two of the three orders are placed within the first minute, so four come on top, at its start.
    assert surge.ids[:3] == day.orders.ids
    assert len(surge) == 7
    assert surge.placed_s[3:].tolist() == [0, 0, 0, 0]
    assert (surge.due_s - surge.placed_s).tolist() == [900] * 7
    assert with_surge(day, 1, 0, 60) is day
    smaller = with_surge(day, 2, 0, 60, seed=1).orders
    assert set(smaller.place_idx[3:].tolist()) <= {1, 2}
    # A store at the door of b (1200 m) has the doors within 700 m.
    more = with_store(day, 2, 700)
    assert more.stores.place_idx.tolist() == [0, 2]
    assert np.split(more.orders.option_store, more.orders.option_ptr[1:-1])[0].tolist() == [0, 1]
    assert more.orders.option_store.tolist() == [0, 1, 0, 1, 0]
    assert without_store(day, 0, 30).stores.close_s.tolist() == [30]


def test_means_of_stores_by_hand(make_line_day: DayMaker) -> None:
    day = make_line_day()
    ready_s = np.array([100, 311, 500])
    given_day = replace(day, orders=replace(day.orders, ready_s=ready_s))
    # 100, 301 and 100 seconds after they were placed: 167 on average.
    means = with_store_means(given_day)
    assert _expected_s(means) == [167, 177, 567]
    assert _expected_s(with_store_means(day)) == [-1, -1, -1]
    mixed = replace(day, orders=replace(day.orders, ready_s=np.array([100, -1, 400])))
    assert _expected_s(with_store_means(mixed)) == [50, -1, 450]
    surge = with_surge(means, 3, 0, 60, seed=1)
    assert _expected_s(surge) == [each + 167 for each in surge.orders.placed_s.tolist()]


def _expected_s(day: Day) -> list[int]:
    assert day.orders.expected_ready_s is not None
    expected_s: list[int] = day.orders.expected_ready_s.tolist()
    return expected_s


def test_variants_meet_the_same_noise(make_random_day: DayMaker) -> None:
    day = make_random_day(6, travel_noise_sd=0.3, picking_noise_sd=0.3)
    plain = simulate(day, "nearest", seed=5)
    more = simulate(with_surge(day, 4, 0, 5400), "nearest", seed=5)
    n = len(day.orders)
    assert more.orders.picking_noise[:n].tolist() == plain.orders.picking_noise.tolist()
    fewer = simulate(with_couriers(day, 2), "nearest", seed=5)
    assert fewer.orders.picking_noise.tolist() == plain.orders.picking_noise.tolist()


@pytest.mark.parametrize("question", sorted(QUESTIONS))
def test_every_question_has_an_answer(make_random_day: DayMaker, question: str) -> None:
    day = make_random_day(8, num_orders=30, num_couriers=6, tick_s=120)
    seen: list[StudyProgress] = []
    options = Options(grid=(0.5, 2) if question != "promise" else (10, 90), sites=1)
    study = ask(day, question, options, policy="nearest", days=2, callback=seen.append)
    assert study.is_complete
    assert study.answer
    assert seen[-1].share == 1.0
    assert len(study.findings) >= 2
    assert not study.findings[0].change
    rows = study.rows()
    assert {"variant", "on_time_share", "on_time_share_pm"} <= set(rows[0])
    assert rows[1]["on_time_share_change"] is not None
    shares = {each.label: each.figures["on_time_share"].mean for each in study.findings}
    if question == "promise":
        assert shares["10 min"] <= shares["90 min"]
    if question == "surge":
        orders = [each.orders for each in study.findings]
        assert orders[-1] > orders[0]


def test_more_couriers_serve_more(make_random_day: DayMaker) -> None:
    day = make_random_day(2, num_orders=60, num_couriers=8, tick_s=120)
    study = ask(day, "couriers", Options(grid=(0.25, 2.0)), policy="nearest", days=3)
    by_count = {each.value: each.figures["delivered_share"].mean for each in study.findings}
    assert sorted(by_count.values()) == [by_count[count] for count in sorted(by_count)]


def test_paired_comparison_sees_through_the_days(make_random_day: DayMaker) -> None:
    day = make_random_day(3, num_orders=50, num_couriers=6, tick_s=120)
    study = compare_policies(day, "nearest", "rolling", days=4)
    change = study.findings[1].change["delivered_share"]
    alone = study.findings[1].figures["delivered_share"]
    assert change.count == 4
    assert "rolling" in study.answer
    assert not math.isnan(alone.half)
    same = compare_policies(day, "nearest", "nearest", days=2)
    assert same.findings[1].change["click_to_door_min"].mean == 0
    other = replace(day, name="more", couriers=with_couriers(day, 12).couriers)
    plans = compare_policies(day, "nearest", "nearest", other_day=other, days=2)
    assert plans.findings[1].label == "more, nearest"
    assert plans.findings[1].change["delivered_share"].mean >= 0


def test_what_cannot_be_asked_is_refused(make_line_day: DayMaker) -> None:
    day = make_line_day()
    with pytest.raises(InputError, match="couriers"):
        ask(day, "weather")
    with pytest.raises(InputError, match="at least one"):
        ask(day, "couriers", days=0)
    with pytest.raises(InputError) as caught:
        Options(target=0, sites=0, grid=(-1,))
    assert len(caught.value.issues) == 3
    with pytest.raises(InputError, match="orders"):
        compare_policies(day, "nearest", "rolling", other_day=with_surge(day, 3, 0, 60))


@pytest.mark.parametrize(
    ("after", "variants", "days"), [(0, 0, 0), (1, 1, 1), (2, 2, 1), (4, 3, 1), (6, 3, 2)]
)
def test_only_days_that_every_variant_met_are_counted(
    make_line_day: DayMaker, after: int, variants: int, days: int
) -> None:
    """Three variants, three days, stopped after so many simulations."""
    cancel = Cancel()
    if not after:
        cancel.set()

    def seen(progress: StudyProgress) -> None:
        if progress.done == after:
            cancel.set()

    study = ask(
        make_line_day(),
        "surge",
        Options(grid=(2, 3)),
        policy="nearest",
        days=3,
        is_redrawn=False,
        stop=Stop(cancel=cancel),
        callback=seen,
    )
    assert not study.is_complete
    assert (len(study.findings), study.days_counted) == (variants, days)
    for each in study.findings:
        assert each.figures["on_time_share"].count == days
    assert ("no time" in study.answer) == (variants < 2)
    assert ("stopped early" in study.answer) == (days > 0)
    assert study_png(study)


def test_ceiling_by_hand(make_line_day: DayMaker) -> None:
    """Picked after 120, 60 to leave, 120 or 240 on the way, 90 at the door: at 390, 520, 790."""
    day = make_line_day()
    tight = replace(day, orders=replace(day.orders, due_s=np.array([390, 519, 790])))
    outcome = simulate(tight, "nearest")
    figures = metrics(tight, outcome)
    assert figures["on_time_ceiling_share"] == pytest.approx(2 / 3)
    late = (outcome.orders.status != OrderStatus.DELIVERED) | (outcome.orders.late_s > 0)
    assert figures["on_time_of_ceiling"] == (~late)[[0, 2]].mean()
    assert check_day(tight, outcome).violations == ()
