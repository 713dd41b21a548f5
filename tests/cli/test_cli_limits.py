"""Limits and Ctrl-C hold wherever an engine is, in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dispatchopt.cli import worker
from dispatchopt.cli.main import run
from dispatchopt.core import (
    Cancel,
    DispatchOptError,
    InputError,
    Issue,
    Progress,
    Result,
    Status,
    StopReason,
)

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "dispatchopt")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forking is for Linux")


def result(objective: float) -> Result[str]:
    return Result(
        status=Status.FEASIBLE,
        stopped_by=StopReason.COMPLETED,
        solution="plan",
        objective=objective,
        bound=0.0,
        engine="stub",
        seed=1,
        elapsed_s=0.0,
        iterations=1,
    )


def seen(objective: float) -> Progress:
    return Progress(
        elapsed_s=0.0,
        iterations=1,
        objective=objective,
        bound=0.0,
        so_far=lambda: result(objective),
    )


def stuck(show: Callable[[Progress], None]) -> Result[str]:
    """Find something, and then hear nothing any more, as compiled code does."""
    show(seen(7.0))
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    while True:
        signal.pause()


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run work in a child whatever this process has loaded; stubs need no solver."""
    monkeypatch.setattr(worker, "_can_fork", lambda: True)
    monkeypatch.setattr(worker, "STARTED", time.perf_counter())
    monkeypatch.setattr(worker, "CANCELLED_S", 0.1)

    def call(
        work: worker.Work, cancel: Cancel | None = None, time_limit: float | None = None
    ) -> tuple[Result[Any] | None, list[Progress]]:
        shown: list[Progress] = []

        @contextmanager
        def progress() -> Iterator[Callable[[Progress], None]]:
            yield shown.append

        made = worker.run_guarded(work, cancel or Cancel(), time_limit, progress())
        return made, shown

    return call


def test_what_an_engine_returns_comes_back(forked: Callable[..., Any]) -> None:
    def work(show: Callable[[Progress], None]) -> Result[str]:
        show(seen(9.0))
        return result(3.0)

    made, shown = forked(work)
    assert made == result(3.0)
    assert [each.objective for each in shown] == [9.0]


def test_a_stuck_engine_is_left_with_its_best(forked: Callable[..., Any]) -> None:
    made, _ = forked(stuck, time_limit=0.2)
    assert (made.objective, made.stopped_by) == (7.0, StopReason.TIME)
    assert "cut off" in made.reason


def test_a_stuck_engine_is_left_after_ctrl_c(forked: Callable[..., Any]) -> None:
    cancel = Cancel()
    cancel.set()
    # The wish comes before the child has said anything: there is nothing to keep, or its best.
    made, _ = forked(stuck, cancel=cancel)
    assert made is None or made.stopped_by is StopReason.CANCELLED


def test_an_engine_that_found_nothing_leaves_nothing(forked: Callable[..., Any]) -> None:
    def work(_show: Callable[[Progress], None]) -> Result[str]:
        while True:
            signal.pause()

    assert forked(work, time_limit=0.1) == (None, [])


def test_errors_of_the_engine_come_back(forked: Callable[..., Any]) -> None:
    def work(_show: Callable[[Progress], None]) -> Result[str]:
        raise InputError(Issue(code="bad", where="x", found="y", wanted="z"))

    with pytest.raises(InputError, match="found y"):
        forked(work)


def test_a_process_that_dies_is_told(forked: Callable[..., Any]) -> None:
    def die(show: Callable[[Progress], None]) -> Result[str]:
        os.kill(os.getpid(), signal.SIGKILL)
        return result(1.0)

    def find_and_die(show: Callable[[Progress], None]) -> Result[str]:
        show(seen(7.0))
        return die(show)

    with pytest.raises(DispatchOptError, match="died"):
        forked(die)
    made, _ = forked(find_and_die)
    assert made.objective == 7.0
    assert "died" in made.reason


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A siting document that takes minutes to prove."""
    path = tmp_path_factory.mktemp("hard") / "siting.json"
    sizes = ["customers=2000", "sites=150", "orders=6000", "max_sites=20", "nodes=3000"]
    options = [word for size in sizes for word in ("--set", size)]
    assert run(["generate", "siting", *options, "-q", "-o", str(path)]) == 0
    return path


def test_a_time_limit_that_is_too_short_writes_nothing(hard: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    done = subprocess.run(
        [*COMMAND, "solve", str(hard), "--time-limit", "0.01", "-o", str(target)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5
    assert "time limit" in done.stderr
    assert not target.exists()
