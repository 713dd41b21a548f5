"""Bounds of engine ``colgen`` on Solomon's instances, beside the best known costs.

``python -m benchmarks.solomon_bounds [FOLDER]`` solves every file of the folder, one after another,
and prints its bound and its plan beside the best known cost in ``bks.csv`` next to the folder, if
that is listed (distances with one truncated decimal). The folder is
``$DISPATCHOPT_DATA/routing/solomon`` by default.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from pathlib import Path

from dispatchopt import io, routing
from dispatchopt.core import Stop

HOME = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "routing" / "solomon"
#: Listed costs have one decimal, ours are whole tenths.
_TENTHS = 10


def best_known(folder: Path) -> dict[str, float]:
    """Return the listed costs of a folder's instances, in tenths."""
    with (folder.parent / "bks.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["instance"]: _TENTHS * float(row["cost"])
            for row in csv.DictReader(file)
            if row["set"] == folder.name and "truncated" in row["convention"]
        }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=HOME)
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds of each (60)")
    parser.add_argument("--only", nargs="*", default=[], help="parts of names to keep")
    given = parser.parse_args()
    listed = best_known(given.folder)
    near = count = 0
    for path in sorted(given.folder.glob("*.txt")):
        if given.only and not any(part in path.stem for part in given.only):
            continue
        problem = io.read(path).problem
        start = time.process_time()
        result = routing.solve(problem, engine="colgen", stop=Stop(time_s=given.time_limit))
        spent_s = time.process_time() - start
        bound, best = result.bound or 0.0, listed.get(path.stem)
        line = f"{path.stem} {result.status} bound {bound:.0f} plan {result.objective}"
        if best is not None:
            count += 1
            near += bound >= 0.98 * best
            short = 100 * (1 - bound / best)
            line += f" best known {best:.0f}, bound {short:.2f} % below"
        print(f"{line} {spent_s:.1f} CPU s", flush=True)
    print(f"{near} of {count} bounds within 2 % of the best known cost")


if __name__ == "__main__":
    main()
