"""Facility location without capacities: a line a site with its costs of opening and serving."""

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

_WORD = "file:"
_MOST = 1e9


def _sniff(path: Path) -> bool:
    lines = widths(path, 2)
    if len(lines) < 2 or lines[0][0].lower() != _WORD:
        return False
    return len(lines[1]) == 3 and are_numbers(lines[1], is_whole=True)


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    take_options(options, {})
    numbers = Numbers(path)
    while numbers.peek() and not are_numbers([numbers.peek()]):
        numbers.skip()
    # The third count is a capacity that the set does not use.
    sites, customers, _ = (int(each) for each in numbers.take(1, COUNT, COUNT, COUNT)[0])
    numbers.issues.raise_if_any()
    check_pairs(sites, customers, path.name)
    number = Column(name="site", low=1, high=max(1, sites), is_whole=True)
    fixed = Column(name="fixed cost", low=0, high=_MOST, is_whole=True)
    rows = numbers.take(sites, number, fixed, *[Column(name="cost", low=0, high=_MOST)] * customers)
    numbers.finish()
    given = rows[:, 0].astype(np.int64)
    if (np.sort(given) != np.arange(1, sites + 1)).any():
        numbers.issues.add("duplicate-id", f"{path.name} site", None, f"each of 1 to {sites} once")
        numbers.issues.raise_if_any()
    rows = rows[np.argsort(given)]
    problem = SitingProblem(
        goal=SitingGoal.FIXED_CHARGE,
        coverage=full(np.zeros((sites, customers), dtype=np.int64)),
        demand_units=np.ones(customers, dtype=np.int64),
        site_cost_cents=rows[:, 1].astype(np.int64),
        pair_cost_cents=rows[:, 2:].reshape(-1),
    )
    return Instance(
        name=path.stem,
        kind="siting",
        problem=problem,
        source="uncapacitated facility location (UflLib form)",
    )


FORMAT = Format(name="ufl", sniff=_sniff, read=_read)
