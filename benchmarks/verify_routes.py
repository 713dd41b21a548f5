"""Confirm published routes by the checker: every listed cost of every set, or the rows that fail.

``python -m benchmarks.verify_routes [SET ...]`` reads ``bks.csv`` in ``$DISPATCHOPT_DATA/routing``,
and counts, per set and convention of cost, the solution files whose routes break no rule and cost
what the list says.
"""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from dispatchopt.core.errors import InputError
from dispatchopt.io import read, read_solution
from dispatchopt.registry import check

#: Convention of cost in the list, by its first words: how it is read, and if vehicles come first.
CONVENTIONS = {
    "distance; 1-decimal": "dimacs",
    "hierarchical": "double",
    "distance; rounded": "round",
    "distance; x1000": "exact",
    "distance; x10": "dimacs",
    "distance + uncollected": "dimacs",
}


def home() -> Path:
    """Return the folder of the sets."""
    return Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "routing"


def rows(sets: list[str]) -> Iterator[Mapping[str, str]]:
    """Yield the rows of the list that have a solution file here."""
    with (home() / "bks.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["sol_file"] and (not sets or row["set"] in sets):
                yield row


def verify(row: Mapping[str, str]) -> str:
    """Return what is wrong with the routes of a row, or nothing."""
    solution_file = home() / row["sol_file"]
    instance_file = next(
        solution_file.with_name(row["instance"] + ending)
        for ending in (".vrp", ".txt")
        if solution_file.with_name(row["instance"] + ending).exists()
    )
    rounding = next(
        name for words, name in CONVENTIONS.items() if row["convention"].startswith(words)
    )
    try:
        given = read(instance_file, {"rounding": rounding})
        held = read_solution(solution_file, given)
    except InputError as error:
        return str(error)
    report = check(given.problem, held.solution)
    if report.violations:
        return f"{len(report.violations)} broken rules, such as {report.violations[0]}"
    return _differs(row, float(report.objective), report.figures["routes"], given.notes["scale"])


def _differs(row: Mapping[str, str], objective: float, routes: float, scale: int) -> str:
    listed = float(row["cost"])
    digits = len(row["cost"].partition(".")[2])
    # The list counts some sets in scaled units. Each leg cut off may lack a unit.
    slack = 0.5 * 10.0**-digits + (int(row["customers"] or 0) * 3 / scale if scale > 1000 else 1e-6)
    truth = min(objective, objective / scale, key=lambda each: abs(each - listed))
    if abs(truth - listed) > slack:
        return f"costs {truth:.6f}, listed {listed}"
    is_by_vehicles = row["convention"].startswith("hierarchical")
    if is_by_vehicles and row["vehicles"] and routes != float(row["vehicles"]):
        return f"{routes:g} routes, listed {row['vehicles']}"
    return ""


def main(sets: list[str]) -> int:
    """Verify all rows of some sets; return the number that fail."""
    counts: Counter[tuple[str, str]] = Counter()
    good: Counter[tuple[str, str]] = Counter()
    for row in rows(sets):
        key = (row["set"], row["convention"].split(";")[0].split(":")[0])
        counts[key] += 1
        fault = verify(row)
        good[key] += not fault
        if fault:
            print(f"{row['sol_file']}: {fault}")
    for key, count in counts.items():
        print(f"{key[0]:20} {key[1]:25} {good[key]} of {count} confirmed")
    return sum(counts.values()) - sum(good.values())


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
