"""Days on which dispatchers know estimates of preparation times only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatchopt.core import InputError, Stop
from dispatchopt.dispatch import Decision, DispatchState, Orders, find_policy
from dispatchopt.simulation import Day, OrderStatus, check_day, simulate
from dispatchopt.simulation.preparation import NUM_SAMPLES, Preparation
from dispatchopt.simulation.questions import with_store_means

DayMaker = Callable[..., Day]


@dataclass
class Watching:
    """Decides as another policy and remembers when orders were said to be ready."""

    name: str = "nearest"
    seen: dict[int, dict[int, int]] = field(default_factory=dict)

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        orders = state.orders
        self.seen[state.now_s] = dict(
            zip(orders.idx.tolist(), orders.ready_s.tolist(), strict=True)
        )
        return find_policy(self.name).decide(state, stop=stop, seed=seed)


def _estimated(day: Day, ready_s: list[int], expected_s: list[int]) -> Day:
    orders = replace(day.orders, ready_s=np.array(ready_s), expected_ready_s=np.array(expected_s))
    return replace(day, orders=orders)


def test_only_the_estimate_is_known_before(make_line_day: DayMaker) -> None:
    day = _estimated(make_line_day(), [200, 700, 1000], [100, 900, 600])
    policy = Watching()
    outcome = simulate(day, policy)
    assert outcome.orders.ready_s.tolist() == [200, 700, 1000]
    # a was expected at 100, so no sooner than 4 minutes from now, and is there at 200.
    assert [policy.seen[time_s][0] for time_s in (0, 30, 180, 210)] == [240, 270, 420, 200]
    # b is expected at 900 until it is there at 700.
    assert policy.seen[30][1] == 900
    at = [time_s for time_s, shown in policy.seen.items() if 1 in shown]
    assert all(
        policy.seen[time_s][1] == (max(900, time_s + 240) if time_s < 700 else 700) for time_s in at
    )
    # c was expected at 600: from 360 on it is expected 4 minutes from now.
    at = [time_s for time_s, shown in policy.seen.items() if 2 in shown]
    assert any(time_s > 600 for time_s in at)
    for time_s in at:
        wanted = 1000 if time_s >= 1000 else max(600, time_s + 240)
        assert policy.seen[time_s][2] == wanted
    assert check_day(day, outcome).violations == ()


def test_a_right_estimate_changes_nothing(make_line_day: DayMaker) -> None:
    day = make_line_day()
    known = replace(day, orders=replace(day.orders, ready_s=np.array([600, 700, 1000])))
    same = replace(known, orders=replace(known.orders, expected_ready_s=known.orders.ready_s))
    first, then = simulate(known, "rolling"), simulate(same, "rolling")
    # Only within 4 minutes of the moment does the dispatcher know less.
    assert abs(first.orders.delivered_s - then.orders.delivered_s).max() <= 240
    assert (then.orders.status == OrderStatus.DELIVERED).all()


@pytest.mark.parametrize(
    ("expected_s", "wanted"),
    [([5, 5, 400], "expected_ready_s"), ([5, 15, -1], "expected_ready_s"), ([5, 15], "shape")],
)
def test_wrong_estimates_are_refused(
    make_line_day: DayMaker, expected_s: list[int], wanted: str
) -> None:
    with pytest.raises(InputError, match=wanted):
        _estimated(make_line_day(), [50, 60, 500], expected_s)


@given(seed=st.integers(0, 10**6), policy=st.sampled_from(["nearest", "rolling", "reyes"]))
def test_estimated_days_keep_to_the_rules(
    make_random_day: DayMaker, seed: int, policy: str
) -> None:
    rng = np.random.default_rng(seed)
    day = make_random_day(seed, tick_s=int(rng.choice([30, 120])))
    orders = day.orders
    means = with_store_means(day).orders.expected_ready_s
    assert means is not None
    off = rng.integers(-600, 600, len(orders))
    expected_s = np.where(means < 0, -1, np.maximum(orders.placed_s, means + off))
    day = replace(day, orders=replace(orders, expected_ready_s=expected_s))
    outcome = simulate(day, policy)
    assert check_day(day, outcome).violations == ()
    delivered = outcome.orders.status == OrderStatus.DELIVERED
    assert (outcome.orders.pickup_s >= np.maximum(orders.ready_s, 0))[delivered].all()


@dataclass
class Remembering:
    """Decides as ``rolling`` and keeps what it was shown of ready moments."""

    name: str = "remembering"
    shown: list[tuple[int, list[int], list[list[int]]]] = field(default_factory=list)

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        orders = state.orders
        self.shown.append((state.now_s, orders.idx.tolist(), orders.samples_s.tolist()))
        return find_policy("rolling").decide(state, stop=stop, seed=seed)


@given(seed=st.integers(0, 10**6), until_s=st.integers(600, 3000))
def test_nothing_of_the_future_is_shown(make_random_day: DayMaker, seed: int, until_s: int) -> None:
    day = with_store_means(make_random_day(seed))
    orders = day.orders
    later_s = np.where(orders.ready_s > until_s, orders.ready_s + 777, orders.ready_s)
    other = replace(day, orders=replace(orders, ready_s=later_s))
    seen = []
    for each in (day, other):
        policy = Remembering()
        simulate(each, policy)
        seen.append([shown for shown in policy.shown if shown[0] <= until_s])
    assert seen[0] == seen[1]


def _stream_day(make_line_day: DayMaker, factor: float) -> Day:
    """An order every 30 s, expected after 600 s, ready after a multiple of it, with noise."""
    n = 200
    placed_s = 30 * np.arange(n)
    noise = np.random.default_rng(1).uniform(0.8, 1.2, n)
    line = make_line_day()
    orders = Orders.build(
        ids=[f"o{row}" for row in range(n)],
        place_idx=np.full(n, line.orders.place_idx[0]),
        placed_s=placed_s,
        due_s=placed_s + 3600,
        ready_s=placed_s + np.rint(600 * factor * noise).astype(int),
        options=[[0]] * n,
        expected_ready_s=placed_s + 600,
    )
    return replace(line, orders=orders)


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.6])
def test_the_spread_is_learnt_from_the_day(make_line_day: DayMaker, factor: float) -> None:
    day = _stream_day(make_line_day, factor)
    learnt, ready_s = Preparation(day), day.orders.ready_s
    placed_s = day.orders.placed_s

    def mean_of_new(now_s: int) -> tuple[float, float]:
        known_s = np.where(ready_s <= now_s, ready_s, -1)
        is_made = (placed_s <= now_s) & (known_s < 0)
        newest = np.flatnonzero(placed_s == now_s)
        samples_s = learnt.samples_s(now_s, known_s, is_made, newest) - now_s
        return float(samples_s.mean()), float(samples_s.std())

    first, then = mean_of_new(0), mean_of_new(5700)
    assert first[0] == pytest.approx(600, rel=0.15)
    assert then[0] == pytest.approx(600 * factor, rel=0.12)
    assert then[1] < first[1]


@given(seed=st.integers(0, 10**6), now_s=st.integers(0, 9000))
def test_samples_lie_ahead_and_move_on_as_orders_take_long(
    make_line_day: DayMaker, seed: int, now_s: int
) -> None:
    day = _stream_day(make_line_day, float(np.random.default_rng(seed).uniform(0.3, 3.0)))
    learnt, ready_s = Preparation(day), day.orders.ready_s
    known_s = np.where(ready_s <= now_s, ready_s, -1)
    is_made = (day.orders.placed_s <= now_s) & (known_s < 0)
    made = np.flatnonzero(is_made)
    samples_s = np.sort(learnt.samples_s(now_s, known_s, is_made, made), axis=1)
    assert samples_s.shape == (len(made), NUM_SAMPLES)
    assert (samples_s > now_s).all()
    # All have the same estimate, so who has been made for longer is expected to take longer.
    takes_s = samples_s - day.orders.placed_s[made][:, None]
    assert (np.diff(takes_s, axis=0) <= 1).all()


def test_stores_differ_in_their_spread(make_line_day: DayMaker) -> None:
    line = make_line_day()
    fields = ("place_idx", "pickers", "pick_base_s", "pick_line_s", "open_s", "close_s")
    columns = {name: np.repeat(getattr(line.stores, name), 2) for name in fields}
    pair = replace(line.stores, ids=("s", "t"), **columns)
    n = 200
    placed_s = 30 * np.arange(n)
    steady = np.arange(n) % 2 == 0
    noise = np.random.default_rng(2).uniform(-1, 1, n) * np.where(steady, 60, 500)
    orders = Orders.build(
        ids=[f"o{row}" for row in range(n)],
        place_idx=np.full(n, line.orders.place_idx[0]),
        placed_s=placed_s,
        due_s=placed_s + 3600,
        ready_s=placed_s + np.rint(600 + noise).astype(int),
        options=[[0] if each else [1] for each in steady],
        expected_ready_s=placed_s + 600,
    )
    learnt = Preparation(replace(line, orders=orders, stores=pair))
    now_s = int(placed_s[-1])
    known_s = np.where(orders.ready_s <= now_s, orders.ready_s, -1)
    is_made = known_s < 0
    samples_s = learnt.samples_s(now_s, known_s, is_made, np.array([n - 2, n - 1]))
    assert 3 * samples_s[0].std() < samples_s[1].std()


def test_orders_of_a_store_are_late_together(make_line_day: DayMaker) -> None:
    line = make_line_day()
    fields = ("place_idx", "pickers", "pick_base_s", "pick_line_s", "open_s", "close_s")
    columns = {name: np.repeat(getattr(line.stores, name), 60) for name in fields}
    many = replace(line.stores, ids=tuple(f"s{row}" for row in range(60)), **columns)
    store = np.arange(120) // 2
    placed_s = np.repeat(5, 120)
    orders = Orders.build(
        ids=[f"o{row}" for row in range(120)],
        place_idx=np.full(120, line.orders.place_idx[0]),
        placed_s=placed_s,
        due_s=placed_s + 3600,
        ready_s=placed_s + 600,
        options=[[each] for each in store.tolist()],
        expected_ready_s=placed_s + 600,
    )
    learnt = Preparation(replace(line, orders=orders, stores=many))
    every = np.arange(120)
    samples_s = learnt.samples_s(5, np.full(120, -1), np.ones(120, dtype=np.bool_), every)
    # Each order has the same moments; only which of them go together differs.
    assert (np.sort(samples_s, axis=1) == np.sort(samples_s[0])).all()
    off_s = samples_s - samples_s.mean()
    same = (off_s[::2] * off_s[1::2]).mean() / (off_s**2).mean()
    other = (off_s[::2] * np.roll(off_s[1::2], 1, axis=0)).mean() / (off_s**2).mean()
    assert 0.25 < same < 0.55
    assert abs(other) < 0.2


@pytest.mark.parametrize("so_far_s", [1200, 1800, 2400])
def test_what_is_overdue_takes_as_long_as_the_day_has_shown(
    make_line_day: DayMaker, so_far_s: int
) -> None:
    n, line, now_s = 2000, make_line_day(), 50_000
    takes_s = np.exp(np.random.default_rng(3).normal(np.log(1000) - 0.125, 0.5, n))
    # All are ready but the last, which was placed so long ago.
    placed_s = np.append(10 * np.arange(n - 1), now_s - so_far_s)
    orders = Orders.build(
        ids=[f"o{row}" for row in range(n)],
        place_idx=np.full(n, line.orders.place_idx[0]),
        placed_s=placed_s,
        due_s=placed_s + 3600,
        ready_s=placed_s + np.rint(takes_s).astype(int),
        options=[[0]] * n,
        expected_ready_s=placed_s + 1000,
    )
    is_made = np.arange(n) == n - 1
    known_s = np.where(is_made, -1, orders.ready_s)
    learnt = Preparation(replace(line, orders=orders))
    left_s = learnt.samples_s(now_s, known_s, is_made, np.array([n - 1])) - now_s
    truth_s = takes_s[takes_s > so_far_s] - so_far_s
    assert left_s.mean() == pytest.approx(truth_s.mean(), rel=0.15)


def test_spread_grows_with_what_an_order_takes(make_line_day: DayMaker) -> None:
    """Four times the estimate spreads farther, but not four times as far."""
    line = make_line_day()
    orders = Orders.build(
        ids=["short", "long"],
        place_idx=np.repeat(line.orders.place_idx[0], 2),
        placed_s=[0, 0],
        due_s=[9000, 9000],
        ready_s=[600, 2400],
        options=[[0], [0]],
        expected_ready_s=[600, 2400],
    )
    learnt = Preparation(replace(line, orders=orders))
    every = np.array([0, 1])
    samples_s = learnt.samples_s(0, np.full(2, -1), np.ones(2, dtype=np.bool_), every)
    short_s, long_s = samples_s.std(axis=1)
    assert 1.5 * short_s < long_s < 4 * short_s
