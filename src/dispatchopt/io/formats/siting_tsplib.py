"""TSPLIB points as p-median, and maximal covering files of the same layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.formats._siting_text import floored, full, within
from dispatchopt.io.formats._vrp_text import Column, Line, head_of, lines_of, table_of
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, single
from dispatchopt.siting.problem import SitingGoal, SitingProblem

_OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "max_sites": (int, 10, 1, 1e6),
    "reach_m": (float, 600.0, 0, 1e7),
}
_PLACE = Column(name="coordinate", low=-1e7, high=1e7)
_MARK = Column(name="number", low=0, high=1e9, is_whole=True)
_UNITS = Column(name="demand", low=0, high=1e6, is_whole=True)
#: The radius of the earth by which the published covering values were computed.
_EARTH_M = 6_378_100.0


def _sniff(path: Path) -> bool:
    text = head_of(path).upper()
    return bool(re.search(r"^\s*TYPE\s*:\s*(TSP|MCLP)\s*$", text, re.MULTILINE))


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_options(options, _OPTIONS)
    lines, issues, where = lines_of(path), Issues(), path.name
    header, sections = _parts(lines)
    weights = header.get("EDGE_WEIGHT_TYPE", "EUC_2D")
    is_cover = header.get("TYPE") == "MCLP"
    columns = (_PLACE, _PLACE) if is_cover else (_MARK, _PLACE, _PLACE)
    rows = table_of(sections.get("NODE_COORD_SECTION", []), columns, where, issues)
    units = table_of(sections.get("DEMAND_SECTION", []), (_UNITS,), where, issues)
    if not is_cover and weights not in ("EUC_2D", "CEIL_2D"):
        issues.add("bad-choice", where, weights, "EDGE_WEIGHT_TYPE EUC_2D or CEIL_2D")
    if not len(rows):
        issues.add("empty-table", where, Said("no places"), "NODE_COORD_SECTION with places")
    size = header.get("DIMENSION", "")
    if size != str(len(rows)):
        issues.add("row-width", where, Said(f"{len(rows)} places"), f"DIMENSION {size[:20]}")
    if is_cover and len(units) != len(rows):
        issues.add("row-width", where, Said(f"{len(units)} demands"), f"{len(rows)} demands")
    issues.raise_if_any()
    if is_cover:
        is_degrees = weights == "COORD"
        problem = _covering(rows, units[:, 0], chosen, is_degrees=is_degrees)
    else:
        problem = SitingProblem(
            goal=SitingGoal.P_MEDIAN,
            coverage=full(floored(rows[:, 1:])),
            demand_units=np.ones(len(rows), dtype=np.int64),
            max_sites=chosen["max_sites"],
        )
    return Instance(
        name=header.get("NAME") or path.stem,
        kind="siting",
        problem=problem,
        source="TSPLIB, G. Reinelt" if not is_cover else "AILS-MCLP",
        notes={"options": chosen},
    )


def _parts(lines: list[Line]) -> tuple[dict[str, str], dict[str, list[Line]]]:
    """Return keys with values, and the lines of each section."""
    header: dict[str, str] = {}
    sections: dict[str, list[Line]] = {}
    current: list[Line] | None = None
    for line in lines:
        first = line.words[0].upper().rstrip(":")
        if first == "EOF":
            break
        if first.endswith("_SECTION"):
            current = sections.setdefault(first, [])
        elif current is None:
            key, _, value = " ".join(line.words).partition(":")
            header[key.strip().upper()] = value.strip()
        else:
            current.append(line)
    return header, sections


def _covering(
    rows: FloatArray, units: FloatArray, chosen: Mapping[str, Any], *, is_degrees: bool
) -> SitingProblem:
    reach = float(chosen["reach_m"])
    if is_degrees and (np.abs(rows) > [90.0, 180.0]).any():
        raise single("out-of-range", "NODE_COORD_SECTION", Said("degrees"), "latitude, longitude")
    angle = np.radians(rows)

    def reached(site: int) -> IntArray:
        if is_degrees:
            lat, lon = angle[:, 0], angle[:, 1]
            cosine = np.sin(lat) * np.sin(lat[site]) + np.cos(lat) * np.cos(lat[site]) * np.cos(
                lon - lon[site]
            )
            away = np.arccos(np.clip(cosine, -1.0, 1.0)) * _EARTH_M
        else:
            away = np.hypot(*(rows - rows[site]).T)
        near: IntArray = np.flatnonzero(away <= reach)
        return near

    return SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=within(len(rows), len(rows), reached, int(reach)),
        demand_units=units.astype(np.int64),
        max_sites=chosen["max_sites"],
    )


FORMAT = Format(
    name="tsplib",
    sniff=_sniff,
    read=_read,
    options={
        "max_sites": "sites to open (default 10)",
        "reach_m": "covering files: how far a site reaches, metres (default 600)",
    },
)
