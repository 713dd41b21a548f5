"""What not knowing the day costs: small MDRP days under a policy beside the day known before.

For every instance, as mean minutes from click to door: the soonest that orders could come at all,
our bound on every dispatcher, our plan with the whole day known, the policy, the public C++ code of
Reyes et al., and what Yildiz and Savelsbergh (2018) published with the day known. A bound with
``*`` is valid but had no time to become as tight as the method makes it; ``--seconds`` gives more.
With ``--kept`` a run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from benchmarks.kept import keep, known, mark_of
from benchmarks.mdrp_set import HOME, instances, known_before, published, run_all, set_folder
from benchmarks.registry import Row

#: Figures of Yildiz and Savelsbergh (2018), table 9.
CLAIRVOYANT = "ys2018_table9_ctd.csv"
COLUMNS = ("floor", "bound", "known", "policy", "C++", "Y&S")


def clairvoyant(folder: Path | None = None) -> dict[str, float]:
    """Return published minutes with the whole day known, by instance; empty if not here."""
    path = (folder or HOME / "published") / CLAIRVOYANT
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as stream:
        return {row["inst"]: float(row["ctd_mean"]) for row in csv.DictReader(stream)}


def bounds(
    paths: Sequence[Path],
    seconds: float,
    *,
    kept: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Row]:
    """Bound each day and plan it with all of it known; what ``kept`` holds is taken from there."""
    mark = mark_of("hindsight", seconds)
    before = known(kept, mark)
    for path in paths:
        if path.name not in before:
            row = known_before(path, seconds, {})
            keep(kept, mark, row)
            before[path.name] = row
        row = before[path.name]
        say(f"{path.name}: bound {row['bound']:.2f}, known {row['objective']:.2f} min")
    return {path.name: before[path.name] for path in paths}


def table(rows: Sequence[Row], before: dict[str, Row]) -> list[Row]:
    """Set policy, bound and others side by side, and their means last."""
    rival, theirs = published(), clairvoyant()
    found: list[Row] = []
    for row in rows:
        name = row["case"]
        limit = before[name]
        found.append(
            {
                "case": name,
                "floor": row["floor_min"],
                "bound": limit["bound"],
                "is_converged": limit["is_converged"],
                "known": limit["objective"],
                "policy": row["objective"],
                "C++": rival.get(name, {}).get("ctd"),
                "Y&S": theirs.get(name),
            }
        )
    means: Row = {"case": f"mean of {len(found)}"}
    for column in COLUMNS:
        values = [row[column] for row in found]
        means[column] = None if None in values else float(np.mean(values))
    return [*found, {**means, "is_converged": all(row["is_converged"] for row in found)}]


def lines(rows: Sequence[Row]) -> list[str]:
    """Return the table as text."""
    width = max(len(row["case"]) for row in rows)
    text = [" ".join(["instance".ljust(width), *(f"{name:>8}" for name in COLUMNS)])]
    for row in rows:
        cells = []
        for name in COLUMNS:
            star = "*" if name == "bound" and not row["is_converged"] else ""
            cells.append((("-" if row[name] is None else f"{row[name]:.2f}") + star).rjust(8))
        text.append(" ".join([row["case"].ljust(width), *cells]))
    return text


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table; progress goes to stderr."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mdrp_bounds", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=set_folder())
    parser.add_argument("--policy", default="rolling")
    parser.add_argument("--seconds", type=float, default=120.0, help="for the bound of each day")
    parser.add_argument("--only", nargs="*", default=["0o50", "0r50"], help="parts of names")
    parser.add_argument("--kept", type=Path, help="file of results to go on from")
    parser.add_argument("--json", action="store_true", help="print rows as JSON")
    given = parser.parse_args(arguments)
    paths = [
        path for path in instances(given.folder) if any(part in path.name for part in given.only)
    ]
    if not paths:
        sys.exit(f"no MDRP instances in {given.folder}; give a folder or set DISPATCHOPT_MDRP")

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    before = bounds(paths, given.seconds, kept=given.kept, say=say)
    rows = run_all(paths, given.policy, "strict", kept=given.kept, say=say)
    found = table(rows, before)
    for line in [json.dumps(row) for row in found] if given.json else lines(found):
        print(line)


if __name__ == "__main__":
    main()
