"""A time limit that also holds while there is nothing yet to keep: reading, measuring, importing.

Engines keep their limits by themselves and hand over what they have. Before an engine works there
is nothing to hand over, so an alarm may end the work wherever it is.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dispatchopt.cli.common import EXIT_NOTHING_FOUND, STARTED

MESSAGE = "the time limit passed before there was anything to keep"
_LEAVES_AT_ONCE: list[bool] = []


def leave_at_once() -> None:
    """Let an alarm end the process where it is: to free a large document takes seconds."""
    _LEAVES_AT_ONCE.append(True)


class TimeIsUp(BaseException):
    """The time limit passed before there was anything to keep.

    Not an ``Exception``, so that nothing in between takes it for a failure of its own.
    """


@contextmanager
def alarm(time_limit: float | None, *, has_something: bool = False) -> Iterator[Callable[[], None]]:
    """Raise ``TimeIsUp`` in the main thread once the limit has passed.

    Parameters
    ----------
    time_limit
        Seconds from the start of this process; None for no limit.
    has_something
        Whether the caller keeps something when time is up, so that the process must not just end.

    Yields
    ------
    A function that calls the alarm off: from then on there is something to keep.
    """
    has_alarm = hasattr(signal, "setitimer") and time_limit is not None
    if not has_alarm or time_limit is None:
        yield lambda: None
        return

    def ring(_signal: int, _frame: object) -> None:
        if _LEAVES_AT_ONCE and not has_something:
            # The buffer of stderr may be in use where the signal struck.
            os.write(2, f"{MESSAGE}\n".encode())
            os._exit(EXIT_NOTHING_FOUND)
        raise TimeIsUp

    def call_off() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    try:
        before = signal.signal(signal.SIGALRM, ring)
    except ValueError:  # not in the main thread
        yield lambda: None
        return
    left = time_limit - (time.perf_counter() - STARTED)
    signal.setitimer(signal.ITIMER_REAL, max(0.001, left))
    try:
        yield call_off
    finally:
        call_off()
        signal.signal(signal.SIGALRM, before)
