"""When a bound that rises ever slower is to give way to the search, and whether threads pay."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

T = TypeVar("T")

#: Gain of the search that a rise is weighed against, as a share of the cost, by all time left.
_GAIN = 1e-4
#: How many times its share a bound may get that rises fast.
_MORE = 1.75
#: Evaluations, and share of the time, over which the rise of a bound is looked at.
_WINDOW, _WINDOW_SHARE = 30, 0.05
#: Calls between two trials, calls of each kind in a trial, and time in threads that pays.
_EVERY, _TRIES, _PAYS = 60, 3, 0.9


class Pace:
    """Whether a bound still rises faster than a search from now on would gain.

    Parameters
    ----------
    left_s
        Time that is left at the start; if it has no end, the bound is never over.
    share
        Share of it that the bound may get.
    is_fixed
        Whether the share is all that counts; otherwise the bound may get nearly twice as much
        while it rises fast.
    """

    def __init__(self, left_s: float, share: float, *, is_fixed: bool) -> None:
        self._start, self._is_fixed = left_s, is_fixed
        self._least = (1 - share) * left_s
        self._until = (1 - (share if is_fixed else min(0.9, _MORE * share))) * left_s
        self._marks: list[tuple[float, float]] = []

    def is_over(self, left_s: float, bound: float, cost: float) -> bool:
        """Whether to stop, with some time left, at a bound and the cost of an answer."""
        if not np.isfinite(self._start):
            return False
        if left_s < self._until or self._is_fixed:
            return left_s < self._until
        self._marks.append((left_s, bound))
        window = _WINDOW_SHARE * self._start
        if len(self._marks) <= _WINDOW or self._marks[0][0] - left_s < window:
            return False
        while len(self._marks) > _WINDOW + 1 and self._marks[1][0] - left_s >= window:
            del self._marks[0]
        before_s, before = self._marks[0]
        is_slow = bound - before < _GAIN * abs(cost) * (before_s - left_s) / left_s
        return left_s < self._least and is_slow


class Threads:
    """Does parts of some work in threads while that is faster than one after the other.

    Other work on the machine, or one core alone, makes parts wait for each other. What parts give
    is the same either way, so that the choice changes nothing but the time.
    """

    def __init__(self, count: int) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
        self._pool = ThreadPoolExecutor(count) if min(count, cores) > 1 else None
        self._pays, self._turn = True, 0
        self._took: tuple[list[float], list[float]] = [], []

    def do(self, work: Callable[[int], T], parts: Iterable[int]) -> list[T]:
        """Do all parts; return what each gives, in order."""
        if self._pool is None:
            return list(map(work, parts))
        turn, self._turn = self._turn, (self._turn + 1) % _EVERY
        is_trial = turn < 2 * _TRIES
        is_threaded = turn % 2 == 0 if is_trial else self._pays
        begin = time.perf_counter()
        done = list(self._pool.map(work, parts) if is_threaded else map(work, parts))
        if is_trial:
            self._took[is_threaded].append(time.perf_counter() - begin)
        if turn == 2 * _TRIES - 1:
            # The median: one that was interrupted says nothing of the others.
            alone, threaded = (sorted(each)[_TRIES // 2] for each in self._took)
            self._pays = threaded < _PAYS * alone
            self._took = [], []
        return done
