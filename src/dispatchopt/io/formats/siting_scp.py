"""OR-Library set covering: rows (customers) with the columns (sites) that cover them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.geography.coverage import Coverage
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.formats._siting_text import Numbers, are_numbers, widths
from dispatchopt.io.formats._vrp_text import Column
from dispatchopt.io.instance import Instance
from dispatchopt.siting.problem import SitingGoal, SitingProblem

_LAYOUTS = ("rows", "columns")
_OPTIONS: dict[str, tuple[type, Any, float, float]] = {"layout": (str, "", 0, 0)}


def _sniff(path: Path) -> bool:
    lines = widths(path, 3)
    return (
        len(lines) == 3
        and len(lines[0]) == 2
        and len(lines[1]) >= 3
        and are_numbers([word for line in lines for word in line], is_whole=True)
    )


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    from dispatchopt.io.issues import single

    chosen = take_options(options, _OPTIONS)
    if chosen["layout"] and chosen["layout"] not in _LAYOUTS:
        raise single("bad-choice", "option layout", chosen["layout"], "rows or columns")
    numbers = Numbers(path)
    size = Column(name="count", low=1, high=2e6, is_whole=True)
    rows, columns = (int(each) for each in numbers.take(1, size, size)[0])
    numbers.issues.raise_if_any()
    by_column = (chosen["layout"] or _told(path)) == "columns"
    cost = Column(name="cost", low=0, high=1e6, is_whole=True)
    costs = np.zeros(columns)
    if not by_column:
        costs = numbers.take(columns, cost)[:, 0]
    outer, inner = (columns, rows) if by_column else (rows, columns)
    count = Column(name="count", low=0, high=inner, is_whole=True)
    member = Column(name="column" if not by_column else "row", low=1, high=inner, is_whole=True)
    members = []
    for each in range(outer):
        if by_column:
            costs[each] = numbers.take(1, cost)[0, 0]
        many = int(numbers.take(1, count)[0, 0])
        members.append(numbers.take(many, member)[:, 0].astype(np.int64) - 1)
    numbers.finish()
    lines = np.repeat(np.arange(outer), [len(each) for each in members])
    found = np.concatenate([np.zeros(0, dtype=np.int64), *members])
    site, customer = (lines, found) if by_column else (found, lines)
    pairs = np.unique(site * rows + customer)
    problem = SitingProblem(
        goal=SitingGoal.COVER_ALL,
        coverage=Coverage.from_pairs(
            site_idx=pairs // rows,
            customer_idx=pairs % rows,
            distance_m=np.zeros(len(pairs), dtype=np.int64),
            num_sites=columns,
            num_customers=rows,
            cutoff_m=0,
        ),
        demand_units=np.ones(rows, dtype=np.int64),
        site_cost_cents=costs.astype(np.int64),
        minimise_cost=True,
    )
    return Instance(
        name=path.stem, kind="siting", problem=problem, source="OR-Library, J. E. Beasley"
    )


def _told(path: Path) -> str:
    """Return which layout a file has: railway files have a line per column, with its length."""
    lines = widths(path, 6)[1:]
    is_by_column = len(lines) >= 3 and all(
        len(line) >= 2 and line[1] == str(len(line) - 2) for line in lines
    )
    return "columns" if is_by_column else "rows"


FORMAT = Format(
    name="scp",
    sniff=_sniff,
    read=_read,
    options={"layout": "rows (scp files) or columns (railway files); told by content by default"},
)
