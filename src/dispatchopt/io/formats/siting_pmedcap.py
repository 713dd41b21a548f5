"""OR-Library capacitated p-median: places with demand, distances rounded down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.formats._siting_text import (
    Numbers,
    are_numbers,
    check_pairs,
    floored,
    full,
    widths,
)
from dispatchopt.io.formats._vrp_text import Column
from dispatchopt.io.instance import Instance
from dispatchopt.siting.problem import SitingGoal, SitingProblem


def _sniff(path: Path) -> bool:
    lines = widths(path, 3)
    return [len(line) for line in lines] == [2, 3, 4] and are_numbers(
        [word for line in lines for word in line]
    )


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    take_options(options, {})
    numbers = Numbers(path)
    number = Column(name="number", low=0, high=1e6, is_whole=True)
    best = numbers.take(1, number, Column(name="best known", low=0))[0, 1]
    positive = Column(name="count", low=1, high=1e6, is_whole=True)
    room = Column(name="capacity", low=0, is_whole=True)
    size, sites, capacity = (int(each) for each in numbers.take(1, positive, positive, room)[0])
    numbers.issues.raise_if_any()
    check_pairs(size, size, path.name)
    place = Column(name="coordinate", low=-1e6, high=1e6)
    demand = Column(name="demand", low=0, high=1e6, is_whole=True)
    rows = numbers.take(size, number, place, place, demand)
    numbers.finish()
    # The objective counts distances once per customer, not per unit of demand.
    away = floored(rows[:, 1:3])
    problem = SitingProblem(
        goal=SitingGoal.FIXED_CHARGE,
        coverage=full(away),
        demand_units=rows[:, 3].astype(np.int64),
        capacity_units=np.full(size, capacity),
        max_sites=sites,
        single_source=True,
        pair_cost_cents=away.reshape(-1).astype(np.float64),
    )
    return Instance(
        name=path.stem,
        kind="siting",
        problem=problem,
        source="OR-Library, J. E. Beasley",
        known_objective=float(best) or None,
    )


FORMAT = Format(name="pmedcap", sniff=_sniff, read=_read)
