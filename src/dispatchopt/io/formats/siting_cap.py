"""OR-Library warehouse location, with or without capacities (Beasley 1988)."""

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
from dispatchopt.io.formats.siting_single import holds_demands_in_a_row
from dispatchopt.io.instance import Instance
from dispatchopt.siting.problem import SitingGoal, SitingProblem

_WORD = "capacity"
_MOST = 1e9
_OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "capacity": (int, 0, 0, _MOST),
    "single_source": (int, 0, 0, 1),
    "uncapacitated": (int, 0, 0, 1),
}


def _sniff(path: Path) -> bool:
    lines = widths(path, 4)
    if len(lines) < 4 or any(len(line) != 2 for line in lines[:2]):
        return False
    words = [*lines[0], lines[1][1]]
    if lines[1][0].lower() != _WORD:
        words.append(lines[1][0])
    is_like = are_numbers(lines[0], is_whole=True) and are_numbers(words)
    return is_like and not holds_demands_in_a_row(path)


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_options(options, _OPTIONS)
    numbers = Numbers(path)
    sites, customers = (int(each) for each in numbers.take(1, COUNT, COUNT)[0])
    numbers.issues.raise_if_any()
    check_pairs(sites, customers, path.name)
    # Sums stay exact below 2**53, whatever a file holds.
    room = Column(name="capacity", low=0, high=_MOST, is_whole=True)
    fixed = Column(name="fixed cost", low=0, high=_MOST, is_whole=True)
    capacity, opening = np.zeros(sites), np.zeros(sites)
    is_open_ended = bool(chosen["uncapacitated"])
    for site in range(sites):
        if numbers.peek().lower() == _WORD:
            numbers.skip()
            capacity[site] = chosen["capacity"]
            is_open_ended |= chosen["capacity"] == 0
        else:
            capacity[site] = numbers.take(1, room)[0, 0]
        opening[site] = numbers.take(1, fixed)[0, 0]
    demand = Column(name="demand", low=0, high=1e7, is_whole=True)
    cost = Column(name="cost", low=0, high=_MOST)
    rows = numbers.take(customers, demand, *[cost] * sites)
    numbers.finish()
    problem = SitingProblem(
        goal=SitingGoal.FIXED_CHARGE,
        coverage=full(np.zeros((sites, customers), dtype=np.int64)),
        demand_units=rows[:, 0].astype(np.int64),
        site_cost_cents=opening.astype(np.int64),
        capacity_units=None if is_open_ended else capacity.astype(np.int64),
        pair_cost_cents=rows[:, 1:].T.reshape(-1),
        single_source=bool(chosen["single_source"]),
    )
    return Instance(
        name=path.stem, kind="siting", problem=problem, source="OR-Library, J. E. Beasley"
    )


FORMAT = Format(
    name="cap",
    sniff=_sniff,
    read=_read,
    options={
        "capacity": "capacity where the file holds the word (default 0: no capacities)",
        "single_source": "1: each customer from one site (default 0)",
        "uncapacitated": "1: leave capacities out (default 0)",
    },
)
