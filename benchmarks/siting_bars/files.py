"""Instances that are read from published files, with their published values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.siting_bars.measure import HOME, Case, listed_values
from benchmarks.suites.siting_median import _places

from dispatchopt.io import read
from dispatchopt.siting import SitingProblem

#: TSPLIB files up to this many points; those that are to be proven.
MOST_PLACES = 6_000
TO_PROVE = ("rl1304", "u1432")


def _reader(path: Path, **options: Any) -> Callable[[], SitingProblem]:
    def make() -> SitingProblem:
        problem = read(path, options=options).problem
        if not isinstance(problem, SitingProblem):
            raise TypeError(f"{path} is not a siting problem")
        return problem

    return make


def _case(
    row: dict[str, str], path: Path, seconds: float, label: str = "", **options: Any
) -> list[Case]:
    if not path.is_file():
        return []
    return [
        Case(
            name=f"{row['instance'].split(' ')[0]} {label}".strip(),
            make=_reader(path, **options),
            seconds=seconds,
            listed=float(row["value"]),
            is_proven=row["proven"].startswith("yes"),
        )
    ]


def graphs(goal: str) -> list[Case]:
    """Return the p-median or p-center graphs of the OR-Library."""
    return [
        case
        for row in listed_values("orlib_pmed")
        if row["problem"] == goal
        for case in _case(row, HOME / "orlib_pmed" / f"{row['instance']}.txt", 60.0, goal=goal)
    ]


def tsplib(*, to_prove: bool) -> list[Case]:
    """Return the TSPLIB points given: those to be proven, or the others."""
    cases = []
    for row in listed_values("tsplib_pmedian"):
        path = HOME / "tsplib_pmedian" / f"{row['instance']}.tsp"
        if (row["instance"] in TO_PROVE) != to_prove or not path.is_file():
            continue
        if _places(path) <= MOST_PLACES:
            count = row["p_or_radius"]
            seconds = 40.0 if to_prove else 120.0
            cases += _case(row, path, seconds, f"p={count}", max_sites=count)
    return cases


def own_sites() -> list[Case]:
    """Return 1,000 sites that are the customers as well, over nine settings each."""
    values = {
        (row["instance"][:7], row["p_or_radius"]): row
        for row in listed_values("cordeau_chen_cover")
        if row["instance"].startswith("n1000s")
    }
    cases = []
    for path in sorted((HOME / "cordeau_chen_cover").glob("n1000s*.dat")):
        for count in (15, 20, 25):
            for reach in ("3.5", "3.75", "4.0"):
                row = values.get((path.stem[:7], f"B={count} R={reach}"))
                cases.append(
                    Case(
                        name=f"{path.stem} p={count} R={reach}",
                        make=_reader(path, radius=reach, max_sites=count),
                        seconds=60.0,
                        listed=None if row is None else float(row["value"]),
                        is_proven=row is not None and row["proven"] == "yes",
                    )
                )
    return cases


def real_cities() -> list[Case]:
    """Return the census blocks of three real cities."""
    cases = []
    for row in listed_values("ails_mclp"):
        count, reach = re.findall(r"\d+", row["p_or_radius"])[:2]
        path = HOME / "ails_mclp" / f"{row['instance']}.txt"
        label = f"p={count} R={reach} m"
        cases += _case(row, path, 60.0, label, max_sites=count, reach_m=reach)
    return cases


def capacitated(*, is_large: bool, with_capacities: bool) -> list[Case]:
    """Return the warehouse location files of the OR-Library, the large ones or the others."""
    cases = []
    for row in listed_values("orlib_cap"):
        name = row["instance"]
        if (name in ("capa", "capb", "capc")) != is_large:
            continue
        if row["problem"].startswith("CFLP") != with_capacities:
            continue
        options: dict[str, Any] = {} if with_capacities else {"uncapacitated": 1}
        label = row["p_or_radius"] if with_capacities else "uncapacitated"
        if is_large and with_capacities:
            options["capacity"] = label.split(" ")[-1]
        seconds = 60.0 if is_large else 10.0
        cases += _case(row, HOME / "orlib_cap" / f"{name}.txt", seconds, label, **options)
    return cases


def single_source() -> list[Case]:
    """Return the capacitated p-median and single-source files."""
    cases = []
    for row in listed_values("orlib_pmedcap"):
        cases += _case(row, HOME / "orlib_pmedcap" / f"{row['instance']}.txt", 60.0)
    values = {row["instance"]: row for row in listed_values("sscflp/holmberg_tb2")}
    for folder in ("holmberg_tb2", "yang_tb3", "gadegaard_tb4"):
        root = HOME / "sscflp" / folder
        paths = [path for path in root.rglob("*") if path.is_file() and path.name != "format"]
        for path in sorted(paths, key=lambda path: [len(path.name), path.name]):
            known = values.get(path.stem) if folder == "holmberg_tb2" else None
            cases.append(
                Case(
                    name=f"{folder.split('_')[0]} {path.relative_to(root)}",
                    make=_reader(path),
                    seconds=60.0,
                    listed=None if known is None else float(known["value"]),
                    is_proven=known is not None,
                )
            )
    return cases


def uncapacitated() -> list[Case]:
    """Return the instances of Koerkel and Ghosh that are given, also those without a value."""
    values = {row["instance"]: row for row in listed_values("ufl_koerkelghosh")}
    cases = []
    for path in sorted((HOME / "ufl_koerkelghosh").glob("g*-*")):
        row = values.get(path.name)
        listed = None if row is None else float(row["value"])
        cases.append(Case(name=path.name, make=_reader(path), seconds=60.0, listed=listed))
    return cases
