"""OR-Library p-median: a graph, with distances along it (Beasley 1985)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.formats._siting_text import (
    COUNT,
    Numbers,
    are_numbers,
    check_pairs,
    full,
    widths,
)
from dispatchopt.io.formats._vrp_text import Column
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Said, single
from dispatchopt.siting.problem import SitingGoal, SitingProblem

_GOALS = {"p-median": SitingGoal.P_MEDIAN, "p-center": SitingGoal.P_CENTER}
_OPTIONS: dict[str, tuple[type, Any, float, float]] = {"goal": (str, "p-median", 0, 0)}


def _sniff(path: Path) -> bool:
    lines = widths(path, 3)
    words = [word for line in lines for word in line]
    return (
        len(lines) >= 2
        and all(len(line) == 3 for line in lines)
        and are_numbers(words, is_whole=True)
    )


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    from scipy import sparse

    chosen = take_options(options, _OPTIONS)
    if chosen["goal"] not in _GOALS:
        raise single("bad-choice", "option goal", chosen["goal"], "one of " + ", ".join(_GOALS))
    numbers = Numbers(path)
    head = numbers.take(
        1,
        Column(name="vertices", low=1, high=1e6, is_whole=True),
        COUNT,
        Column(name="p", low=1, high=1e6, is_whole=True),
    )[0]
    numbers.issues.raise_if_any()
    size, count, sites = (int(each) for each in head)
    check_pairs(size, size, path.name)
    vertex = Column(name="vertex", low=1, high=size, is_whole=True)
    length = Column(name="length", low=0, high=1e6, is_whole=True)
    edges = numbers.take(count, vertex, vertex, length).astype(np.int64)
    numbers.finish()
    low = np.minimum(edges[:, 0], edges[:, 1]) - 1
    high = np.maximum(edges[:, 0], edges[:, 1]) - 1
    # Some edges stand twice: the last one holds, as the library's own remark says.
    _, place = np.unique((low * size + high)[::-1], return_index=True)
    last = count - 1 - place
    last = last[low[last] != high[last]]
    graph = sparse.csr_array(
        (edges[last, 2].astype(np.float64), (low[last], high[last])), shape=(size, size)
    )
    away = sparse.csgraph.dijkstra(graph, directed=False)
    if not np.isfinite(away).all():
        raise single("bad-value", path.name, Said("parts without a way"), "a connected graph")
    problem = SitingProblem(
        goal=_GOALS[chosen["goal"]],
        coverage=full(away.astype(np.int64)),
        demand_units=np.ones(size, dtype=np.int64),
        max_sites=sites,
    )
    return Instance(
        name=path.stem, kind="siting", problem=problem, source="OR-Library, J. E. Beasley"
    )


FORMAT = Format(
    name="pmed",
    sniff=_sniff,
    read=_read,
    options={"goal": "p-median (default) or p-center on the same graph"},
)
