"""Single-source facility location: sites, all demands in a row, then a table site by site."""

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
from dispatchopt.siting.problem import SitingGoal, SitingProblem

_OPTIONS: dict[str, tuple[type, Any, float, float]] = {"single_source": (int, 1, 0, 1)}
_MOST = 1e9


def holds_demands_in_a_row(path: Path) -> bool:
    """Whether a line of several demands follows the sites, where other sets have one a line."""
    lines = widths(path, 3)
    if not lines or not all(are_numbers(line, is_whole=True) for line in lines[:1]):
        return False
    if len(lines[0]) == 2:
        first, count = 1, int(float(lines[0][0]))
    elif len(lines) == 3 and len(lines[0]) == len(lines[1]) == 1 and are_numbers(lines[1]):
        first, count = 2, int(float(lines[0][0]))
    else:
        return False
    if not 1 <= count <= 10_000:
        return False
    lines = widths(path, first + count + 1)
    if len(lines) <= first + count:
        return False
    sites = lines[first : first + count]
    is_table = all(len(line) == 2 and are_numbers(line) for line in sites)
    demands = lines[first + count]
    return is_table and len(demands) > 2 and are_numbers(demands)


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_options(options, _OPTIONS)
    numbers = Numbers(path)
    sites, customers = (int(each) for each in numbers.take(1, COUNT, COUNT)[0])
    numbers.issues.raise_if_any()
    check_pairs(sites, customers, path.name)
    room = Column(name="capacity", low=0, high=_MOST, is_whole=True)
    fixed = Column(name="fixed cost", low=0, high=_MOST, is_whole=True)
    rows = numbers.take(sites, room, fixed)
    demand = numbers.take(customers, Column(name="demand", low=0, high=1e7, is_whole=True))
    cost = numbers.take(sites, *[Column(name="cost", low=0, high=_MOST)] * customers)
    numbers.finish()
    problem = SitingProblem(
        goal=SitingGoal.FIXED_CHARGE,
        coverage=full(np.zeros((sites, customers), dtype=np.int64)),
        demand_units=demand[:, 0].astype(np.int64),
        site_cost_cents=rows[:, 1].astype(np.int64),
        capacity_units=rows[:, 0].astype(np.int64),
        pair_cost_cents=cost.reshape(-1),
        single_source=bool(chosen["single_source"]),
    )
    return Instance(
        name=path.stem,
        kind="siting",
        problem=problem,
        source="single-source facility location (Holmberg et al. 1999 and later sets)",
    )


FORMAT = Format(
    name="sscflp",
    sniff=holds_demands_in_a_row,
    read=_read,
    options={"single_source": "1: each customer from one site (default); 0: demand may be split"},
)
