"""Running a set of MDRP instances, one after another, with results kept on disk.

A result file holds a line of JSON per instance. Lines of the same policy, options and code are not
computed again, so a run that was cut short goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.kept import keep, known, mark_of
from benchmarks.registry import Row

from dispatchopt import io
from dispatchopt.core import Stop
from dispatchopt.core.result import StopReason
from dispatchopt.dispatch import find_policy
from dispatchopt.simulation import Day, DayOutcome, check_day, metrics, simulate
from dispatchopt.simulation.hindsight import hindsight

HOME = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "instant"
#: Options of the reader: the published problem; with mean preparation times of restaurants only;
#: with a promise of 30 minutes.
VARIANTS: dict[str, dict[str, Any]] = {
    "strict": {},
    "estimated": {"estimates": 1},
    "qc": {"prep_factor": 0.25, "target_min": 30, "give_up_min": 45},
}
PUBLISHED = "mdrp_measured_reyesalg_foodmatchcpp_minute_240.csv"


def set_folder() -> Path:
    """Return the folder of instances, one folder each."""
    default = HOME / "mdrp" / "public_instances"
    return Path(os.environ.get("DISPATCHOPT_MDRP", default))


def instances(folder: Path) -> list[Path]:
    """Return all instances of a folder, sorted by name; none if it is not there."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if (path / "orders.txt").is_file())


def published(folder: Path | None = None) -> dict[str, dict[str, float]]:
    """Return what the public C++ code of Reyes et al. reaches, by instance; empty if not here."""
    path = (folder or HOME / "published") / PUBLISHED
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as stream:
        return {
            row["inst"]: {name: float(row[name]) for name in ("und", "ctd", "rtp", "cpo", "on40")}
            for row in csv.DictReader(stream)
        }


def figures(day: Day, outcome: DayOutcome, cpu_s: float) -> Row:
    """Return the figures of one day in minutes, dollars and percent.

    Raises
    ------
    RuntimeError
        If the checker finds a broken rule, or the day did not run to its end: an interrupt ends a
        day early, and the figures of its first hours must not be kept for the whole.
    """
    report, found = check_day(day, outcome), metrics(day, outcome)
    if not report.is_feasible:
        raise RuntimeError(f"{outcome.policy} on {day.name}: {report.violations[:3]}")
    if outcome.stopped_by is not StopReason.COMPLETED:
        raise RuntimeError(f"{outcome.policy} on {day.name} was stopped: {outcome.stopped_by}")
    placed, done = found["orders"]["placed"], found["orders"]["delivered"]

    def minutes(name: str) -> float | None:
        return found[name]["mean"] / 60 if found[name] else None

    return {
        "case": day.name,
        "method": outcome.policy,
        "seconds": cpu_s,
        "objective": minutes("click_to_door_s"),
        "orders": placed,
        "lost": placed - done,
        "lost_percent": 100 * (placed - done) / max(1, placed),
        "floor_min": minutes("floor_s"),
        "excess_min": minutes("excess_s"),
        "ready_to_pickup_min": minutes("ready_to_pickup_s"),
        "overage_min": minutes("overage_s"),
        "on_time_percent": 100 * (found["on_time_share"] or 0.0),
        "dollars_per_order": (found["cost"]["per_order_cents"] or 0.0) / 100,
        "orders_per_trip": found["trips"]["orders_per_trip"],
        "decision_p99_ms": 1000 * (found["decisions"]["wall_p99_s"] or 0.0),
    }


def replay(path: Path, policy: str, options: dict[str, Any]) -> Row:
    """Replay one instance under a policy, and check it."""
    day = io.read(path, options).problem
    if not isinstance(day, Day):
        raise TypeError(f"{path} is not a day")
    start = time.process_time()
    outcome = simulate(day, policy)
    return figures(day, outcome, time.process_time() - start)


def known_before(path: Path, seconds: float, options: dict[str, Any]) -> Row:
    """Return the day with all of it known: a plan that was replayed, and a bound on every policy.

    Trips have up to two orders; with none lost, ``objective`` and ``bound`` are minutes from click
    to door.
    """
    day = io.read(path, options).problem
    if not isinstance(day, Day):
        raise TypeError(f"{path} is not a day")
    start = time.process_time()
    found = hindsight(day, stop=Stop(time_s=seconds))
    row = figures(day, found.outcome, time.process_time() - start)
    bound = (found.floor_s + found.bound_s) / 60
    return {**row, "method": "hindsight", "bound": bound, "is_converged": found.is_converged}


def run_all(
    paths: Sequence[Path],
    policy: str,
    variant: str,
    *,
    kept: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Replay instances in turn; what ``kept`` holds already is taken from there."""
    mark = mark_of(find_policy(policy), VARIANTS[variant])
    before, rows = known(kept, mark), []
    for number, path in enumerate(paths, start=1):
        row = before.get(path.name)
        if row is None:
            row = replay(path, policy, VARIANTS[variant])
            keep(kept, mark, row)
        rows.append(row)
        say(f"{number}/{len(paths)} {path.name}: {row['objective']:.2f} min")
    return rows


def groups(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return the groups that the literature reports: all, few couriers, full size, small ones."""
    listed = list(rows)
    chosen: dict[str, list[Row]] = {"all": listed}
    chosen["few couriers (s1)"] = [row for row in listed if "s1" in row["case"]]
    chosen["full size (o100 t100 p100)"] = [
        row for row in listed if "o100t100" in row["case"] and row["case"].endswith("p100")
    ]
    chosen["small (seed 0, o50 and r50)"] = [
        row for row in listed if row["case"].startswith(("0o50", "0r50"))
    ]
    return {name: group for name, group in chosen.items() if group}


def summary(name: str, rows: list[Row], rival: dict[str, dict[str, float]]) -> Row:
    """Return means over instances, with the public C++ code's on the same ones beside them."""
    mean = {
        key: float(np.mean([row[key] or 0.0 for row in rows]))
        for key in rows[0]
        if isinstance(rows[0][key], int | float) and not isinstance(rows[0][key], bool)
    }
    found: Row = {
        "case": f"{name}, {len(rows)} instances",
        "method": rows[0]["method"],
        **mean,
        "seconds": sum(row["seconds"] for row in rows),
        "orders": sum(row["orders"] for row in rows),
        "lost": sum(row["lost"] for row in rows),
        "decision_p99_ms": max(row["decision_p99_ms"] for row in rows),
    }
    theirs = [rival[row["case"]] for row in rows if row["case"] in rival]
    if theirs and len(theirs) == len(rows):
        wins = [row["objective"] < rival[row["case"]]["ctd"] for row in rows]
        found |= {
            "rival_min": float(np.mean([each["ctd"] for each in theirs])),
            "better_percent": 100 * float(np.mean(wins)),
            "ratio": found["objective"] / float(np.mean([each["ctd"] for each in theirs])),
            "note": "click to door against the public C++ code of Reyes et al., minute rule",
        }
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a set from the command line: one line per instance on stderr, means on stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mdrp_set", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=set_folder())
    parser.add_argument("--policy", default="rolling")
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="strict")
    parser.add_argument("--only", nargs="*", default=[], help="parts of names to keep")
    parser.add_argument("--kept", type=Path, help="file of results to go on from")
    parser.add_argument(
        "--hindsight",
        type=float,
        metavar="SECONDS",
        help="also bound each day and plan it with all of it known, for so long",
    )
    parser.add_argument("--rows", action="store_true", help="print every instance as well")
    given = parser.parse_args(arguments)
    paths = [
        path
        for path in instances(given.folder)
        if not given.only or any(part in path.name for part in given.only)
    ]
    if not paths:
        sys.exit(f"no MDRP instances in {given.folder}; give a folder or set DISPATCHOPT_MDRP")

    def say(text: str) -> None:
        sys.stderr.write(text + "\n")

    rows = run_all(paths, given.policy, given.variant, kept=given.kept, say=say)
    if given.hindsight:
        before = []
        for path in paths:
            before.append(known_before(path, given.hindsight, VARIANTS[given.variant]))
            say(f"{path.name}: bound {before[-1]['bound']:.2f}, {before[-1]['objective']:.2f} min")
        for name, group in groups(before).items():
            sys.stdout.write(json.dumps(summary(name, group, {})) + "\n")
    rival = published() if given.variant == "strict" else {}
    if given.rows:
        for row in rows:
            sys.stdout.write(json.dumps(row) + "\n")
    for name, group in groups(rows).items():
        sys.stdout.write(json.dumps(summary(name, group, rival)) + "\n")


if __name__ == "__main__":
    main()
