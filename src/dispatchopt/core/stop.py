"""When a run should end: a description, and the clock that one run starts from it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dispatchopt.core.errors import InputError, Issue


class Cancel:
    """A flag that another thread or a signal handler sets to end a run early."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask the run to end; it keeps its best solution."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the run was asked to end."""
        return self._event.is_set()


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Limits of a run. It holds no state, so one object may serve many runs.

    Parameters
    ----------
    time_s
        Seconds of wall clock from the call of ``solve``, model building included; > 0.
    iterations
        Number of steps of the engine, which makes a run repeatable to the last bit; >= 1.
    stall
        Number of steps without improvement; >= 1.
    gap
        Relative gap between objective and bound at which the answer is good enough; >= 0.
    cancel
        Ends the run as soon as it is set.
    """

    time_s: float | None = None
    iterations: int | None = None
    stall: int | None = None
    gap: float = 0.0
    cancel: Cancel | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        issues = []
        if self.time_s is not None and not (self.time_s > 0 and math.isfinite(self.time_s)):
            issues.append(_issue("time_s", self.time_s, "a positive number of seconds"))
        if self.iterations is not None and self.iterations < 1:
            issues.append(_issue("iterations", self.iterations, "a whole number of at least 1"))
        if self.stall is not None and self.stall < 1:
            issues.append(_issue("stall", self.stall, "a whole number of at least 1"))
        if not (self.gap >= 0 and math.isfinite(self.gap)):
            issues.append(_issue("gap", self.gap, "a number of at least 0, such as 0.01"))
        if issues:
            raise InputError(issues)

    def start(self, clock: Callable[[], float] = time.perf_counter) -> StopClock:
        """Start the clock of one run."""
        return StopClock(self, clock)


class StopClock:
    """Time passed and left of one run."""

    def __init__(self, stop: Stop, clock: Callable[[], float]) -> None:
        self.stop = stop
        self._clock = clock
        self._started = clock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started

    @property
    def time_left_s(self) -> float:
        """Seconds left; infinite without a time limit, never below 0."""
        if self.stop.time_s is None:
            return math.inf
        return max(0.0, self.stop.time_s - self.elapsed_s)

    def is_cancelled(self) -> bool:
        """Whether the run was asked to end."""
        return self.stop.cancel is not None and self.stop.cancel.is_set()

    def share(self, fraction: float) -> Stop:
        """Return limits for a part of this run: a fraction of the time that is left.

        The part gets at least a millisecond, so that it can say that its time was too short.
        """
        left = self.time_left_s
        time_s = None if math.isinf(left) else max(0.001, fraction * left)
        return Stop(time_s=time_s, gap=self.stop.gap, cancel=self.stop.cancel)


def _issue(name: str, found: object, wanted: str) -> Issue:
    return Issue(code="bad-limit", where=name, found=repr(found), wanted=wanted)
