"""An engine in a process of its own, so that limits hold wherever it is.

A search that is deep in compiled code hears neither a clock nor Ctrl-C. So the command forks: the
child searches and hands over every improvement, the parent waits, and leaves with the best so far
when the child does not come back in time. Where forking is not safe (threads, solvers that hold
threads, systems other than Linux) the engine works in this process and keeps its limits by itself.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe
from typing import Any

from dispatchopt.cli.common import STARTED
from dispatchopt.core.errors import DispatchOptError
from dispatchopt.core.result import Progress, Result, StopReason
from dispatchopt.core.stop import Cancel

Callback = Callable[[Progress], None]
Work = Callable[[Callback], Result[Any]]

#: Seconds that an engine gets beyond its limit, and after Ctrl-C, to come back by itself.
LATE_S, CANCELLED_S = 0.25, 5.0
#: The parent looks up this often, seconds.
_TICK_S = 0.05
#: Handing over improvements may take this share of the time.
_SHARE = 0.1
_PR_SET_PDEATHSIG = 1
#: Packages whose threads a forked process would miss.
_HOLD_THREADS = ("highspy", "ortools", "numba")


def run_guarded(
    work: Work,
    cancel: Cancel,
    time_limit: float | None,
    progress: AbstractContextManager[Callback],
) -> Result[Any] | None:
    """Return what ``work`` returns, or the best it had found when it failed to end in time.

    Parameters
    ----------
    work
        Solves with the callback it is given.
    cancel
        Set by Ctrl-C.
    time_limit
        Seconds from the start of this process; None for no limit.
    progress
        Entered once the engine is at work, as it may start a thread; what it yields is shown what
        the engine reports.

    Returns
    -------
    Result or None
        None if there was nothing to hand over.

    Raises
    ------
    DispatchOptError
        What the engine raised, or that its process died.
    """
    if not _can_fork():
        with progress as callback:
            return work(callback)
    receiver, sender = Pipe(duplex=False)
    sys.stdout.flush()
    sys.stderr.flush()
    # Set before the fork, so that the child never meets the signal without it.
    before = signal.signal(signal.SIGUSR1, lambda _signal, _frame: cancel.set())
    with warnings.catch_warnings():
        # Linear algebra libraries hold threads, and look after them at a fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        receiver.close()
        _be_child(work, sender)
    signal.signal(signal.SIGUSR1, before)
    sender.close()
    try:
        with progress as callback:
            return _wait(child, receiver, cancel, time_limit, callback)
    finally:
        _end(child)
        receiver.close()


def _can_fork() -> bool:
    is_alone = threading.active_count() == 1
    return sys.platform == "linux" and is_alone and not set(_HOLD_THREADS) & set(sys.modules)


def _be_child(work: Work, sender: Connection) -> None:
    """Search, hand over, and leave without the parent's clean-up."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The terminal sends Ctrl-C to both, and so do services; what it means the parent says.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    code = 0
    try:
        try:
            _send(sender, "result", work(_Reporter(sender)))
        except Exception as error:  # noqa: BLE001 (the parent raises it again)
            _send(sender, "error", error)
    except BaseException:  # noqa: BLE001 (nobody is left to tell)
        code = 1
    finally:
        sys.stderr.flush()
        os._exit(code)


def _send(sender: Connection, kind: str, value: Any) -> None:
    sender.send_bytes(pickle.dumps((kind, value), protocol=pickle.HIGHEST_PROTOCOL))


class _Reporter:
    """Sends improvements as they come, and figures now and then."""

    def __init__(self, sender: Connection) -> None:
        self._sender = sender
        self._objective: float | None = None
        self._next_best_s = self._next_figures_s = 0.0

    def __call__(self, seen: Progress) -> None:
        now = time.perf_counter()
        if seen.objective != self._objective and now >= self._next_best_s and seen.so_far:
            _send(self._sender, "best", seen.so_far())
            self._objective = seen.objective
            self._next_best_s = now + (time.perf_counter() - now) / _SHARE
        if now >= self._next_figures_s:
            _send(self._sender, "figures", replace(seen, so_far=None))
            self._next_figures_s = now + 2 * _TICK_S


def _wait(
    child: int,
    receiver: Connection,
    cancel: Cancel,
    time_limit: float | None,
    callback: Callback,
) -> Result[Any] | None:
    best: Result[Any] | None = None
    leave_at = float("inf") if time_limit is None else STARTED + time_limit + LATE_S
    reason = StopReason.TIME
    is_asked = False
    while True:
        if cancel.is_set() and not is_asked:
            is_asked = True
            os.kill(child, signal.SIGUSR1)
            if time.perf_counter() + CANCELLED_S < leave_at:
                leave_at, reason = time.perf_counter() + CANCELLED_S, StopReason.CANCELLED
        if time.perf_counter() >= leave_at:
            return _cut(best, StopReason.CANCELLED if cancel.is_set() else reason)
        if not receiver.poll(_TICK_S):
            continue
        try:
            kind, value = pickle.loads(receiver.recv_bytes())
        except EOFError:
            return _orphan(best)
        if kind == "result":
            return value  # type: ignore[no-any-return]
        if kind == "error":
            raise value
        if kind == "best":
            best = value
        else:
            callback(value)


def _cut(best: Result[Any] | None, reason: StopReason) -> Result[Any] | None:
    """Return the best so far of an engine that has not come back."""
    if best is None:
        return None
    note = "The engine was cut off where it hears no limits; this is its best so far."
    return replace(best, stopped_by=reason, reason=f"{best.reason} {note}".strip())


def _orphan(best: Result[Any] | None) -> Result[Any]:
    if best is None:
        raise DispatchOptError(
            "the process of the engine died before it found anything; memory may have run out"
        )
    note = "The process of the engine died; this is its best so far."
    return replace(best, stopped_by=StopReason.STALLED, reason=f"{best.reason} {note}".strip())


def _end(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
