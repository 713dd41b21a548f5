"""Published best solutions are confirmed at their listed cost, and reached where that is easy."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dispatchopt.core import Stop
from dispatchopt.routing import check, lower_bound, solve

Need = Callable[[str], Path]
Readers = dict[str, Callable[..., Any]]


def listed(need_data: Need, folder: str, convention: str) -> dict[str, float]:
    with (need_data(folder).parent / "bks.csv").open() as file:
        return {
            row["instance"]: float(row["cost"])
            for row in csv.DictReader(file)
            if row["set"] == folder and row["convention"].startswith(convention)
        }


@pytest.mark.data
def test_solomon_optima_are_confirmed(need_data: Need, read: Readers) -> None:
    known = listed(need_data, "solomon", "distance")
    paths = sorted(need_data("solomon").glob("*.sol"))
    assert paths
    for path in paths:
        problem = read["solomon"](path.with_suffix(".txt"))
        report = check(problem, read["routes"](path, problem))
        assert report.is_feasible, path.name
        assert report.objective == round(10 * known[path.stem]), path.name
        assert lower_bound(problem) <= report.objective


@pytest.mark.data
def test_uchoa_best_known_are_confirmed(need_data: Need, read: Readers) -> None:
    known = listed(need_data, "uchoa_x", "")
    paths = sorted(need_data("uchoa_x").glob("X-n[1-3]*.sol"))
    paths = [path for path in paths if not path.stem.startswith("X-n1001")]
    assert paths
    for path in paths:
        problem = read["cvrp"](path.with_suffix(".vrp"))
        report = check(problem, read["routes"](path, problem))
        assert report.is_feasible, path.name
        assert report.objective == known[path.stem], path.name


@pytest.mark.data
def test_easy_optimum_is_reached(need_data: Need, read: Readers) -> None:
    problem = read["solomon"](need_data("solomon") / "C101.txt")
    result = solve(problem, stop=Stop(iterations=200), seed=1)
    assert result.objective == 8273


@pytest.mark.data
def test_multi_trip_with_releases_is_confirmed(need_data: Need, read: Readers) -> None:
    known = listed(need_data, "yang_mtvrptwr", "distance")
    paths = sorted(need_data("yang_mtvrptwr").glob("*.sol"))[::10]
    assert paths
    for path in paths:
        problem, solution = read["trips"](path.with_suffix(".vrp"))
        report = check(problem, solution)
        assert report.is_feasible, (path.name, report.violations[:3])
        assert report.objective == known[path.stem], path.name
        assert lower_bound(problem) <= report.objective


@pytest.mark.data
def test_multi_trip_is_solved(need_data: Need, read: Readers) -> None:
    path = sorted(need_data("yang_mtvrptwr").glob("*.vrp"))[0]
    problem, known = read["trips"](path)
    result = solve(problem, stop=Stop(iterations=300), seed=1)
    assert result.objective is not None
    assert result.figures["trips"] > result.figures["routes"]
    assert result.objective <= 1.05 * check(problem, known).objective
    kept = solve(problem, stop=Stop(iterations=1), seed=1, start=known)
    assert kept.objective == check(problem, known).objective
