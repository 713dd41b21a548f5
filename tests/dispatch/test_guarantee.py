"""Whose pay rises by one more order, against drawn shifts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.dispatch import CourierStates, DayRules
from dispatchopt.dispatch.guarantee import pay_share

RULES = DayRules(wage_cents_per_hour=1500, pay_cents_per_order=1000, is_wage_guarantee=True)


def couriers(taken: Any, on_h: Any, off_h: Any) -> CourierStates:
    count = len(taken)
    zeros = np.zeros(count, dtype=np.int64)
    return CourierStates(
        idx=np.arange(count),
        is_free=np.ones(count, dtype=np.bool_),
        free_s=zeros,
        place_idx=zeros,
        parked_s=zeros,
        taken_orders=np.asarray(taken),
        store_idx=zeros - 1,
        on_s=np.asarray(on_h) * 3600,
        off_s=np.asarray(off_h) * 3600,
        capacity_orders=zeros + 10,
        capacity_ml=zeros,
        pace=np.ones(count),
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 40))
def test_shares_are_those_of_drawn_shifts(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    on_h = rng.integers(0, 8, size=count)
    off_h = on_h + rng.integers(1, 10, size=count)
    now_h = 8
    worked_h = np.clip(now_h - on_h, 0, off_h - on_h)
    taken = rng.poisson(2.0 * worked_h)
    share = pay_share(couriers(taken, on_h, off_h), RULES, now_h * 3600)
    assert share is not None
    # Three hours at 1.8 orders are known before.
    pace = (taken.sum() + 5.4) / (worked_h.sum() + 3)
    to_come = rng.poisson(pace * np.maximum(0, off_h - np.maximum(now_h, on_h)), size=(4000, count))
    before = np.maximum(taken + to_come, 1.5 * (off_h - on_h))
    after = np.maximum(taken + to_come + 1, 1.5 * (off_h - on_h))
    assert share == pytest.approx((after - before).mean(axis=0), abs=0.05)


def test_who_falls_short_of_the_guarantee_costs_nothing() -> None:
    # With an hour left of ten: 15 orders are covered; 5, 14 and 20 are taken.
    share = pay_share(couriers([5, 14, 20], [0, 0, 0], [10, 10, 10]), RULES, 9 * 3600)
    assert share is not None
    assert share[0] < 0.001
    # The order after the next is paid for: so if at least one more comes.
    assert 0.5 < share[1] < 0.9
    assert share[2] > 0.99


def test_pay_without_a_guarantee_is_the_same_for_all() -> None:
    some = couriers([0], [0], [10])
    assert pay_share(some, DayRules(), 0) is None
