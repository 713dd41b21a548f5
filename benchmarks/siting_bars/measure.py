"""One siting instance: how it is made, how it is run, and what its row holds."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.registry import Row

from dispatchopt import siting
from dispatchopt.core import Stop
from dispatchopt.core.stop import StopClock
from dispatchopt.siting import PointGround, SitingGoal, SitingProblem

#: Times the CPU seconds left that a solver may take by the clock on the wall.
_PATIENCE = 10.0
HOME = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "siting"


@dataclass(frozen=True, kw_only=True)
class Case:
    """An instance, not yet read.

    Parameters
    ----------
    name
        How rows call it.
    make
        Reads or draws it. Points are merged on the clock, as part of the work.
    seconds
        Time that its bar allows.
    listed
        Published value: covered demand for maximum coverage, else the objective; None for none.
    is_proven
        Whether the published value is proven to be the best.
    """

    name: str
    make: Callable[[], SitingProblem | Points]
    seconds: float
    listed: float | None = None
    is_proven: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """Points whose merging is part of the work."""

    ground: PointGround
    problem: Callable[[PointGround], SitingProblem]


class _Cpu:
    """CPU seconds of this process, asked for at most every 20 ms: asking may take milliseconds."""

    def __init__(self) -> None:
        self._asked = -1.0
        self._value = 0.0

    def __call__(self) -> float:
        now = time.perf_counter()
        if now - self._asked > 0.02:
            self._asked, self._value = now, time.process_time()
        return self._value


class _CpuClock(StopClock):
    """Counts the CPU seconds of this process, which do not depend on what else runs."""

    @property
    def time_left_s(self) -> float:
        """Seconds left; solvers read them as wall clock, of which there may pass several times."""
        left = super().time_left_s
        return left if left <= 0 else _PATIENCE * left

    def share(self, fraction: float) -> Stop:
        """Return limits for a part of this run."""
        left = super().time_left_s
        return CpuStop(time_s=max(0.001, fraction * left), gap=self.stop.gap)


class CpuStop(Stop):
    """Limits on CPU seconds in place of wall clock."""

    def start(self, clock: Callable[[], float] | None = None) -> StopClock:
        """Start the clock of one run."""
        return _CpuClock(self, clock or _Cpu())


def listed_values(name: str) -> list[dict[str, str]]:
    """Return the published values of a set; none where the file is not there."""
    path = HOME / "bks.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["set"] == name]


def run(case: Case, seconds: float | None = None) -> Row:
    """Solve an instance, and return its row. Reading a file is off the clock.

    Raises
    ------
    RuntimeError
        If a bound or a claim crosses a published value that is proven.
    """
    made = case.make()
    began, cpu = time.perf_counter(), time.process_time()
    problem = made.problem(made.ground) if isinstance(made, Points) else made
    result = siting.solve(problem, stop=CpuStop(time_s=seconds or case.seconds), seed=1)
    cpu_s, seconds = time.process_time() - cpu, time.perf_counter() - began
    objective, bound = result.objective, result.bound
    best_is, total = 1.0, float(problem.total_units)
    if problem.goal is SitingGoal.MAX_COVERAGE:
        # Literature counts what is covered.
        best_is = -1.0
        objective = None if objective is None else total - objective
        bound = None if bound is None else total - bound
    row: Row = {
        "case": case.name,
        "method": result.engine,
        "seconds": seconds,
        "cpu_s": cpu_s,
        "objective": objective,
        "bound": bound,
        "status": str(result.status),
        "gap_percent": _percent(objective, bound),
        "listed": case.listed,
        "above_listed_percent": _percent(case.listed, objective, best_is),
        "is_listed_proven": case.is_proven,
    }
    if best_is < 0:
        row["covered_share"] = (objective or 0.0) / max(total, 1.0)
    _refuse_contradiction(row, best_is)
    return row


def _percent(base: float | None, other: float | None, sign: float = 0.0) -> float | None:
    """Return how far ``other`` lies from ``base``; without a sign, how far in either way."""
    if base is None or other is None:
        return None
    away = 100 * (other - base) / max(abs(base), 1e-9)
    return abs(away) if sign == 0 else sign * away


def _refuse_contradiction(row: Row, best_is: float) -> None:
    """A proven value that is beaten, or that a bound excludes, is an error of ours or theirs."""
    listed, slack = row["listed"], 1e-6
    if listed is None or not row["is_listed_proven"]:
        return
    # Listed values have few decimals.
    room = slack * max(1.0, abs(listed))
    for name, sign in (("objective", best_is), ("bound", -best_is)):
        if row[name] is not None and sign * (listed - row[name]) > room:
            raise RuntimeError(f"{row['case']}: {name} {row[name]} against proven {listed}")
