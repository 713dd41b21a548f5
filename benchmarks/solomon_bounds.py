"""Bounds of engine ``colgen`` on instances with 100 customers, beside the best known costs.

``python -m benchmarks.solomon_bounds [SET ...]`` solves, one after another, the instances with at
most ``--most`` customers of the sets given: ``solomon`` (Solomon's) and ``yang_mtvrptwr`` (the same
customers with small vehicles, several trips and release times), folders below
``$DISPATCHOPT_DATA/routing``. It prints bound and plan beside the best known cost in ``bks.csv``
(distances with one truncated decimal). Times are CPU seconds. ``--enough 2`` ends a run as soon as
its bound is within 2 % of the best known cost, so that no time goes into what is met. With
``--kept FILE`` rows are written as JSON when they are known, and are not run again; the last line
is that of the whole file.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import time
from pathlib import Path
from typing import Any

from benchmarks.cpu_clock import CpuStop

from dispatchopt import io, routing
from dispatchopt.core.result import Progress

HOME = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "routing"
#: What listed costs are multiplied with to be in our units: tenths.
SETS = {"solomon": 10, "yang_mtvrptwr": 1}


def best_known(name: str) -> dict[str, float]:
    """Return the listed costs of a set's instances, in tenths."""
    with (HOME / "bks.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["instance"]: SETS[name] * float(row["cost"])
            for row in csv.DictReader(file)
            if row["set"] == name and "truncated" in row["convention"]
        }


def row_of(path: Path, listed: dict[str, float], limit_s: float, most: int, enough: float) -> Any:
    """Return bound and plan of an instance, or None if it has more customers."""
    problem: Any = io.read(path).problem
    if len(problem.orders) > most:
        return None
    best = listed.get(path.stem)
    wanted = math.inf if best is None or enough <= 0 else (1 - enough / 100) * best

    def is_enough(progress: Progress) -> bool:
        return progress.bound is not None and progress.bound >= wanted

    start = time.process_time()
    stop = CpuStop(time_s=limit_s)
    result = routing.solve(problem, engine="colgen", stop=stop, callback=is_enough)
    bound = result.bound or 0.0
    return {
        "instance": f"{path.parent.name}/{path.stem}",
        "status": result.status.value,
        "bound": bound,
        "plan": result.objective,
        "best_known": best,
        "below_%": None if best is None else round(100 * (1 - bound / best), 3),
        "is_near": best is not None and bound >= 0.98 * best,
        "is_above": best is not None and bound > best,
        "cpu_s": round(time.process_time() - start, 1),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=list(SETS), choices=[*SETS, []])
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds of each (60)")
    parser.add_argument("--most", type=int, default=100, help="customers (100)")
    parser.add_argument("--only", nargs="*", default=[], help="parts of names to keep")
    parser.add_argument("--kept", type=Path, help="file of rows, one JSON object a line")
    parser.add_argument(
        "--enough", type=float, default=0.0, help="percent below at which a run ends (0: never)"
    )
    given = parser.parse_args()
    rows: list[Any] = []
    if given.kept is not None and given.kept.exists():
        rows = [json.loads(line) for line in given.kept.read_text("utf-8").splitlines()]
    known = {row["instance"] for row in rows}
    for name in given.sets:
        listed = best_known(name)
        paths = [*(HOME / name).glob("*.txt"), *(HOME / name).glob("*.vrp")]
        for path in sorted(paths):
            is_asked = not given.only or any(part in path.stem for part in given.only)
            if not is_asked or f"{name}/{path.stem}" in known:
                continue
            row = row_of(path, listed, given.time_limit, given.most, given.enough)
            if row is None:
                continue
            rows.append(row)
            print(json.dumps(row), flush=True)
            if given.kept is not None:
                with given.kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    near = sum(row["is_near"] for row in rows)
    print(f"{near} of {len(rows)} bounds within 2 % of the best known cost")


if __name__ == "__main__":
    main()
