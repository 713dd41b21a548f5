"""Progress on stderr, where there is a terminal to show it on."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatchopt.core.result import Progress
    from dispatchopt.pipeline.planner import PlanProgress

log = logging.getLogger("dispatchopt.cli")

#: Bound and objective are shown at most this often, seconds.
_REFRESH_S = 0.1


@contextmanager
def plan_progress(
    quiet: bool, on_siting: Callable[[], None]
) -> Iterator[Callable[[PlanProgress], None]]:
    """Show the stages of a plan.

    Parameters
    ----------
    quiet
        Show nothing.
    on_siting
        Called when the first stage begins that has something to keep.
    """
    with _bar(quiet) as bar:
        tasks: dict[str, Any] = {}

        def show(seen: PlanProgress) -> None:
            if seen.stage == "siting" and "siting" not in tasks:
                on_siting()
            if seen.stage not in tasks:
                log.info("%s: %s", seen.stage, seen.text)
                tasks[seen.stage] = None if bar is None else _next_task(bar, tasks, seen.stage)
            if bar is not None:
                done = None if seen.share is None else 100 * seen.share
                bar.update(tasks[seen.stage], text=seen.text, completed=done)

        yield show
        if bar is not None:
            for task in tasks.values():
                bar.update(task, completed=100)


@contextmanager
def solve_progress(quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Show objective, bound and gap of one run."""
    with _bar(quiet) as bar:
        task = None if bar is None else bar.add_task("solve", total=None, text="")
        shown_s = -_REFRESH_S

        def show(seen: Progress) -> None:
            nonlocal shown_s
            if bar is None or task is None or seen.elapsed_s < shown_s + _REFRESH_S:
                return
            shown_s = seen.elapsed_s
            objective = "-" if seen.objective is None else f"{seen.objective:,.6g}"
            bound = "-" if seen.bound is None else f"{seen.bound:,.6g}"
            gap = "-" if seen.gap is None else f"{seen.gap:.3%}"
            bar.update(task, text=f"best {objective}  bound {bound}  gap {gap}")

        yield show


@contextmanager
def day_progress(quiet: bool) -> Iterator[Callable[[Any], None]]:
    """Show how far a simulated day is."""
    with _bar(quiet) as bar:
        task = None if bar is None else bar.add_task("day", total=100, text="")

        def show(seen: Any) -> None:
            if bar is not None and task is not None:
                clock = f"{seen.now_s // 3600:02}:{seen.now_s // 60 % 60:02}"
                text = f"{clock}  {seen.orders_done:,} of {seen.num_orders:,} orders"
                bar.update(task, completed=100 * seen.share, text=text)

        yield show


@contextmanager
def study_progress(quiet: bool) -> Iterator[Callable[[Any], None]]:
    """Show how many simulations of a study are done."""
    with _bar(quiet) as bar:
        task = None if bar is None else bar.add_task("study", total=100, text="")

        def show(seen: Any) -> None:
            if bar is not None and task is not None:
                text = f"{seen.done} of {seen.total} days  {seen.label}"
                bar.update(task, completed=100 * seen.share, text=text)

        yield show


@contextmanager
def stock_progress(quiet: bool) -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Show how many days of stock are replayed, a line for each policy."""
    with _bar(quiet) as bar:
        tasks: dict[str, Any] = {}

        def begin(name: str) -> Callable[[int, int], None]:
            if bar is not None:
                tasks[name] = _next_task(bar, tasks, name)

            def show(done: int, total: int) -> None:
                if bar is not None:
                    text = f"{done:,} of {total:,} days"
                    bar.update(tasks[name], completed=100 * done / total, text=text)

            return show

        yield begin


def _next_task(bar: Any, tasks: dict[str, Any], name: str) -> Any:
    """Close the stages so far and open the next."""
    for task in tasks.values():
        bar.update(task, total=100, completed=100)
    return bar.add_task(name, total=100, text="")


@contextmanager
def _bar(quiet: bool) -> Iterator[Any]:
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:9}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield bar
