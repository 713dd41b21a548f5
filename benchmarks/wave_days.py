"""Days in epochs (EURO Meets NeurIPS 2022) against greedy dispatch, with results kept on disk.

The qualification instances are drawn with the seeds of their own list; every policy has the same
seconds an epoch. Each day is checked. Ratios are driving against that of greedy.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from benchmarks.kept import keep, known, mark_of
from benchmarks.registry import Row
from benchmarks.suites.euro_neurips import POLICIES, SET, listed_day, listed_days

from dispatchopt.core import Stop
from dispatchopt.dispatch.waves import find_wave_policy
from dispatchopt.simulation.waves import WaveDay, check_waves, simulate_waves


def replay(day: WaveDay, policy: str, stop: Stop) -> Row:
    """Replay one day under a policy, and check it.

    Raises
    ------
    RuntimeError
        If the checker finds a broken rule.
    """
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    outcome = simulate_waves(day, policy, stop=stop)
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    report = check_waves(day, outcome)
    if not report.is_feasible:
        raise RuntimeError(f"{policy} on {day.name} broke rules: {report.violations[:3]}")
    return {
        "case": f"{day.name} {policy}",
        "method": policy,
        "seconds": wall_s,
        "cpu_s": cpu_s,
        "objective": report.objective,
        "epochs": len(outcome.waves),
        "decision_max_s": max(wave.wall_s for wave in outcome.waves),
    }


def run_all(
    entries: Sequence[dict[str, object]],
    policies: Sequence[str],
    budget_s: float,
    *,
    kept: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Replay each day under each policy; what ``kept`` holds already is taken from there."""
    rows = []
    for entry in entries:
        day, greedy = listed_day(entry), 0.0
        for policy in policies:
            mark = mark_of(find_wave_policy(policy), entry, budget_s, Stop.start.__defaults__)
            row = known(kept, mark).get(f"{day.name} {policy}")
            if row is None:
                row = replay(day, policy, Stop(time_s=budget_s))
                keep(kept, mark, row)
            greedy = greedy or row["objective"]
            rows.append({**row, "ratio": row["objective"] / greedy})
            say(f"{row['case']}: {row['objective']:.0f} s, ratio {rows[-1]['ratio']:.3f}")
    return rows


def summary(rows: list[Row], policy: str) -> Row:
    """Return the means of a policy over its days, and the share of days within 0.92 of greedy."""
    ratios = np.array([row["ratio"] for row in rows if row["method"] == policy])
    return {
        "case": f"{len(ratios)} days",
        "method": policy,
        "ratio": float(ratios.mean()),
        "ratio_worst": float(ratios.max()),
        "within_percent": 100 * float((ratios <= 0.92).mean()),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run days from the command line: progress on stderr, rows and means on stdout."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wave_days", description=__doc__)
    parser.add_argument("--policies", nargs="*", default=[POLICIES[0], POLICIES[-1]])
    parser.add_argument("--budget", type=float, default=10.0, help="seconds an epoch")
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="seconds of the processor, so that other work on the machine changes nothing",
    )
    parser.add_argument("--only", nargs="*", default=[], help="parts of names to keep")
    parser.add_argument("--kept", type=Path, help="file of results to go on from")
    given = parser.parse_args(arguments)
    if not SET.is_dir():
        sys.exit("no instances there; set DISPATCHOPT_DATA")
    if given.cpu:
        # Every clock that a limit starts is this one from here on.
        Stop.start.__defaults__ = (time.process_time,)
    entries = [
        entry
        for entry in listed_days()
        if not given.only or any(part in entry["instance"] for part in given.only)
    ]
    rows = run_all(
        entries,
        given.policies,
        given.budget,
        kept=given.kept,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    means = [summary(rows, policy) for policy in given.policies] if rows else []
    for row in [*rows, *means]:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
