"""Maximal covering sets: Cordeau, Furini and Ljubic's generator, and Chen et al.'s points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.formats._siting_text import are_numbers, widths, within
from dispatchopt.io.formats._vrp_text import Column, Line, lines_of, table_of
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said
from dispatchopt.siting.problem import SitingGoal, SitingProblem

_OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "radius": (float, 5.5, 0, 1e6),
    "max_sites": (int, 10, 0, 1e6),
    "budget": (int, -1, -1, 1e12),
    "required_share": (float, -1.0, -1.0, 1.0),
}
_PLACE = Column(name="coordinate", low=-1e6, high=1e6)
_MONEY = Column(name="cost", low=0, high=1e6, is_whole=True)
_UNITS = Column(name="demand", low=0, high=1e6, is_whole=True)
_MARK = Column(name="number", low=0, high=1e9, is_whole=True)


def _sniff(path: Path) -> bool:
    lines = widths(path, 2)
    if len(lines) < 2 or not are_numbers(lines[0], is_whole=True):
        return False
    if len(lines[0]) == 2:
        return len(lines[1]) == 5 and lines[1][0] == "F" and are_numbers(lines[1][1:])
    return len(lines[0]) == 1 and len(lines[1]) == 5 and are_numbers(lines[1])


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_options(options, _OPTIONS)
    lines, issues, where = lines_of(path), Issues(), path.name
    head = lines[0].words if lines else []
    columns = (_MARK, _PLACE, _PLACE, _MONEY, _UNITS)
    if len(head) == 1:
        # Sites and customers are the same places.
        rows = table_of(lines[1:], columns, where, issues)
        sites = customers = rows[:, [1, 2, 3, 4]]
    else:
        sites = table_of(_of(lines, "F"), columns[:4], where, issues)[:, 1:]
        customers = table_of(_of(lines, "C"), (_MARK, _PLACE, _PLACE, _UNITS), where, issues)
        customers = customers[:, [1, 2, 3, 3]]
        _refuse_others(lines, where, issues)
    counts = [len(sites), len(customers)][: len(head)]
    if head != [str(count) for count in counts]:
        wanted = "counts at the top: " + " ".join(str(count) for count in counts)
        issues.add("row-width", where, " ".join(head), wanted)
    issues.raise_if_any()
    problem = _problem(sites, customers, chosen)
    return Instance(
        name=path.stem,
        kind="siting",
        problem=problem,
        source="Generator of Cordeau, Furini and Ljubic (2019)",
        notes={"options": chosen},
    )


def _of(lines: list[Line], letter: str) -> list[Line]:
    return [
        Line(number=line.number, words=line.words[1:])
        for line in lines[1:]
        if line.words[0] == letter
    ]


def _refuse_others(lines: list[Line], where: str, issues: Issues) -> None:
    for line in lines[1:]:
        if line.words[0] not in ("F", "C"):
            found = Said(line.words[0][:40])
            issues.add("bad-choice", f"{where} line {line.number}", found, "F or C", "", where)


def _problem(sites: FloatArray, customers: FloatArray, chosen: Mapping[str, Any]) -> SitingProblem:
    from scipy.spatial import cKDTree

    radius = float(chosen["radius"])
    home = customers[:, :2]
    tree = cKDTree(home) if len(home) else None

    def reached(site: int) -> Any:
        if tree is None:
            return np.zeros(0, dtype=np.int64)
        near = np.sort(np.array(tree.query_ball_point(sites[site, :2], radius), dtype=np.int64))
        # Covered means nearer than the radius, not at it.
        away = np.hypot(*(home[near] - sites[site, :2]).T)
        return near[away < radius]

    coverage = within(len(sites), len(customers), reached, 0)
    demand = customers[:, 3].astype(np.int64)
    if chosen["required_share"] >= 0:
        return SitingProblem(
            goal=SitingGoal.COVER_ALL,
            coverage=coverage,
            demand_units=demand,
            site_cost_cents=sites[:, 2].astype(np.int64),
            minimise_cost=True,
            required_share=chosen["required_share"],
        )
    has_budget = chosen["budget"] >= 0
    return SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=coverage,
        demand_units=demand,
        site_cost_cents=sites[:, 2].astype(np.int64),
        max_sites=None if has_budget else chosen["max_sites"],
        budget_cents=chosen["budget"] if has_budget else None,
    )


FORMAT = Format(
    name="cover",
    sniff=_sniff,
    read=_read,
    options={
        "radius": "a customer is covered from nearer than this (default 5.5)",
        "max_sites": "sites to open (default 10)",
        "budget": "most to be spent on opening, in place of max_sites (default: none)",
        "required_share": "least share of demand at least cost (default: maximum coverage)",
    },
)
