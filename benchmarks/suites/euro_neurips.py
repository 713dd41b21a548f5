"""Days in epochs against greedy dispatch, under the same budget in the same run.

``small`` draws a day from a generated problem and stops by steps. The larger sizes read the
qualification instances of the EURO Meets NeurIPS 2022 competition below ``$DISPATCHOPT_DATA``, with
the seeds of their own list and 10 seconds an epoch; ``$DISPATCHOPT_EPOCH_S`` sets another budget.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.registry import Row, Suite, timed

from dispatchopt import io
from dispatchopt.core import Stop
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing.problem import Couriers, Orders, RoutingProblem, Stores
from dispatchopt.simulation.waves import WaveDay, check_waves, simulate_waves, wave_day

DATA = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "instant"
SET = DATA / "euro-neurips-2022" / "qualification"
POLICIES = ("greedy", "patient", "consensus")
#: Instances of each size.
COUNTS = {"medium": 2, "large": 10}


def generated(n: int = 60, seed: int = 1) -> RoutingProblem:
    """Return customers on a plane with windows over eight hours."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 3000, (2, n + 1))
    way = np.ceil(np.hypot(x[:, None] - x, y[:, None] - y)).astype(np.int64)
    early = rng.integers(2, 8, n) * 3600
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=way, duration_s=way),),
        orders=Orders.of(
            place=np.arange(1, n + 1),
            load=rng.integers(1, 10, (n, 1)),
            service_s=rng.integers(60, 300, n),
            earliest_s=early,
            latest_s=early + rng.integers(1, 4, n) * 3600,
        ),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0], end_place=[0], count=[n], capacity=[[80]], latest_s=[12 * 3600]
        ),
    )


def days(size: str) -> Iterator[tuple[WaveDay, Stop]]:
    """Return the days of a size, each with the limits of a decision."""
    if size == "small":
        yield (
            wave_day(generated(), name="generated", per_epoch=20, most_epochs=4),
            Stop(iterations=25),
        )
        return
    if not SET.is_dir():
        raise FileNotFoundError(f"the instances are not at {SET}; set DISPATCHOPT_DATA")
    stop = Stop(time_s=float(os.environ.get("DISPATCHOPT_EPOCH_S", "10")))
    for entry in listed_days()[: COUNTS[size]]:
        yield listed_day(entry), stop


def listed_days() -> list[dict[str, Any]]:
    """Return the entries of the competition's list whose requests come by and by."""
    listed = json.loads((SET / "configs.json").read_text())
    return [entry for entry in listed if not entry["static"]]


def listed_day(entry: dict[str, Any]) -> WaveDay:
    """Return the day of an entry."""
    problem = io.read(SET / entry["instance"]).problem
    name = entry["instance"].removeprefix("ORTEC-VRPTW-ASYM-").removesuffix(".txt")
    return wave_day(problem, name=name, seed=entry["instance_seed"])


def run(size: str) -> list[Row]:
    """Simulate each day under each policy; the objective is the seconds of driving."""
    rows: list[Row] = []
    for day, stop in days(size):
        greedy = 0.0
        for name in POLICIES:
            cpu_s = time.process_time()
            outcome, seconds = timed(partial(simulate_waves, day, name, stop=stop))
            report = check_waves(day, outcome)
            if not report.is_feasible:
                raise RuntimeError(f"{name} broke rules: {report.violations[:3]}")
            greedy = greedy or report.objective
            rows.append(
                {
                    "case": day.name,
                    "method": name,
                    "seconds": seconds,
                    "cpu_s": time.process_time() - cpu_s,
                    "objective": report.objective,
                    "ratio": report.objective / greedy,
                    "epochs": len(outcome.waves),
                    "decision_max_s": max(wave.wall_s for wave in outcome.waves),
                    "note": "ratio: driving against greedy under the same budget",
                }
            )
    return rows


SUITE = Suite(
    name="euro-neurips",
    about="Dispatch in epochs (EURO Meets NeurIPS 2022) under ours, against greedy.",
    run=run,
)
