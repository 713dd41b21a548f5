"""Replaying real city-days to their end, one after another, with results kept on disk.

Rappi's days are read as they were (``rappi-day``), every pick-up place a store of its own, or with
picking times of a quick store and a promise of 30 minutes (``--variant quick``). ``--set rome``
replays the Rome meal deliveries instead. Every day is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.kept import keep, known, mark_of
from benchmarks.registry import Row, peak_mb

from dispatchopt import io
from dispatchopt.dispatch import find_policy
from dispatchopt.simulation import Day, DayOutcome, check_day, metrics, simulate

HOME = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "instant"
#: Where the days of each set are, and the format that reads them.
SETS = {
    "rappi": (HOME / "rappi" / "instances", "rappi-day"),
    "rome": (HOME / "rome-cosmi" / "D_bar", "rome"),
}
VARIANTS: dict[str, dict[str, Any]] = {
    "given": {},
    "quick": {"prep_factor": 0.25, "promise_min": 30},
}


def days_of(name: str, folder: Path | None = None) -> list[Path]:
    """Return the days of a set, sorted by name; a folder without orders is none."""
    home = folder or SETS[name][0]
    if not home.is_dir():
        return []
    if name == "rome":
        return sorted(home.glob("*_D_bar.csv"))
    listed = [path for path in home.iterdir() if any(path.glob("orders*.csv"))]
    return sorted(listed, key=lambda path: (len(path.name), path.name))


def figures(day: Day, outcome: DayOutcome, cpu_s: float, wall_s: float) -> Row:
    """Return the figures of one day; shares are over all orders placed.

    Raises
    ------
    RuntimeError
        If the checker finds a broken rule, or the day did not run to its end.
    """
    report, found = check_day(day, outcome), metrics(day, outcome)
    if not report.is_feasible or found["stopped_by"] != "completed":
        raise RuntimeError(f"{outcome.policy} on {day.name}: {report.violations[:3]}")
    orders, decisions = found["orders"], found["decisions"]
    done = found["click_to_door_s"]
    return {
        "method": outcome.policy,
        "seconds": cpu_s,
        "wall_s": wall_s,
        "objective": report.objective,
        "orders": orders["placed"],
        "couriers": len(day.couriers),
        "delivered": orders["delivered"],
        "refused": orders.get("refused", 0),
        "cancelled": orders.get("cancelled", 0),
        "undelivered": orders.get("undelivered", 0),
        "on_time_percent": 100 * (found["on_time_share"] or 0.0),
        "ceiling_percent": 100 * (found["on_time_ceiling_share"] or 0.0),
        "of_ceiling_percent": 100 * (found["on_time_of_ceiling"] or 0.0),
        "click_to_door_min": None if done is None else done["mean"] / 60,
        "orders_per_courier_hour": found["couriers"]["orders_per_hour"],
        "decisions": decisions["count"],
        "decision_p50_s": decisions["wall_p50_s"],
        "decision_p99_s": decisions["wall_p99_s"],
        "decision_max_s": decisions["wall_max_s"],
        "peak_mb": peak_mb(),
    }


def replay(path: Path, form: str, policy: str, options: dict[str, Any]) -> Row:
    """Replay one day to its end under a policy, and check it."""
    day = io.read(path, options, form).problem
    if not isinstance(day, Day):
        raise TypeError(f"{path} is not a day")
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    outcome = simulate(day, policy)
    row = figures(day, outcome, time.process_time() - cpu_s, time.perf_counter() - wall_s)
    return {"case": path.name, **row}


def run_all(
    paths: Sequence[Path],
    form: str,
    policy: str,
    options: dict[str, Any],
    *,
    kept: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Replay days in turn; what ``kept`` holds already is taken from there."""
    mark = mark_of(form, find_policy(policy), options)
    before, rows = known(kept, mark), []
    for number, path in enumerate(paths, start=1):
        row = before.get(path.name)
        if row is None:
            row = replay(path, form, policy, options)
            keep(kept, mark, row)
        rows.append(row)
        say(
            f"{number}/{len(paths)} {row['case']}: {row['orders']} orders, on time "
            f"{row['on_time_percent']:.1f} of {row['ceiling_percent']:.1f} %, decision p99 "
            f"{row['decision_p99_s']:.3f} s, {row['seconds']:.0f} CPU s"
        )
    return rows


def summary(rows: list[Row]) -> Row:
    """Return the figures over all days: shares over all their orders, the worst times."""
    count = sum(row["orders"] for row in rows)

    def share(name: str) -> float:
        return float(np.dot([row[name] for row in rows], [row["orders"] for row in rows]) / count)

    return {
        "case": f"{len(rows)} days",
        "method": rows[0]["method"],
        "seconds": sum(row["seconds"] for row in rows),
        "wall_max_s": max(row["wall_s"] for row in rows),
        "orders": count,
        "delivered_percent": 100 * sum(row["delivered"] for row in rows) / count,
        "on_time_percent": share("on_time_percent"),
        "ceiling_percent": share("ceiling_percent"),
        "decision_p99_s": max(row["decision_p99_s"] for row in rows),
        "decision_max_s": max(row["decision_max_s"] for row in rows),
        "peak_mb": max(row["peak_mb"] for row in rows),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a set from the command line: progress on stderr, a row per day and means on stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rappi_days", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--set", choices=sorted(SETS), default="rappi", dest="name")
    parser.add_argument("--policy", default="rolling")
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="given")
    parser.add_argument("--only", nargs="*", default=[], help="names of days to keep")
    parser.add_argument("--kept", type=Path, help="file of results to go on from")
    given = parser.parse_args(arguments)
    if given.name == "rome" and given.variant != "given":
        parser.error("the days of rome have no variants")
    paths = [
        path
        for path in days_of(given.name, given.folder)
        if not given.only or path.name in given.only
    ]
    if not paths:
        sys.exit("no days there; give a folder or set DISPATCHOPT_DATA")
    rows = run_all(
        paths,
        SETS[given.name][1],
        given.policy,
        VARIANTS[given.variant],
        kept=given.kept,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    for row in [*rows, summary(rows)]:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
