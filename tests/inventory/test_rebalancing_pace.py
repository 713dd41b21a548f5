"""When a bound gives way to the search, and parts of work in threads."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from dispatchopt.inventory.rebalancing.engines import _pace
from dispatchopt.inventory.rebalancing.engines._pace import Pace, Threads


def _steps(pace: Pace, rise: float) -> int:
    """Return after how many evaluations of a tenth of a second a bound is over."""
    for done in range(1, 101):
        if pace.is_over(10.0 - 0.1 * done, 1_000.0 + rise * done, 2_000.0):
            return done
    return 101


def test_a_bound_that_rises_gets_more_time_than_one_that_does_not() -> None:
    """Where its share is fixed the rise does not count, and without an end nothing does."""
    flat, steep = (_steps(Pace(10.0, 0.4, is_fixed=False), rise) for rise in (0.0, 5.0))
    assert 40 <= flat <= 41 < steep < 80
    assert {_steps(Pace(10.0, 0.4, is_fixed=True), rise) for rise in (0.0, 5.0)} <= {40, 41}
    assert _steps(Pace(np.inf, 0.4, is_fixed=False), 0.0) == 101


@pytest.mark.parametrize("cores", [1, 2])
def test_parts_are_done_in_order_by_as_many_threads_as_there_are_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    """What parts give does not depend on where they are done."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    threads = Threads(2)
    assert (threads._pool is None) == (cores == 1)
    for _ in range(2 * _pace._EVERY):
        assert threads.do(lambda part: 10 + part, range(2)) == [10, 11]


@pytest.mark.parametrize("is_waiting", [True, False])
def test_threads_are_used_where_a_trial_says_that_they_pay(
    monkeypatch: pytest.MonkeyPatch, *, is_waiting: bool
) -> None:
    """Parts that wait are done sooner in threads; parts of a clock that runs alike are not."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    if not is_waiting:
        monkeypatch.setattr(time, "perf_counter", iter(range(1_000)).__next__)
    threads = Threads(2)
    for _ in range(2 * _pace._TRIES):
        threads.do(lambda _: time.sleep(0.02 if is_waiting else 0.0), range(2))
    assert threads._pays == is_waiting
