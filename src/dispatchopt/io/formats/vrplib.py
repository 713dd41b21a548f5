"""VRPLIB and CVRPLIB files, and PyVRP's dialect of them.

Beyond coordinates or a matrix, demands and depots, the dialect has windows, service and release
times, prizes, fleets with depots of their own, reloads, fixed costs and limits. Depots have
windows by which shifts begin and end. A prize above zero is what it costs to refuse an order. A
vehicle with depots to reload at may make several trips.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.io.formats._base import Format
from dispatchopt.io.formats._vrp_build import (
    OPTIONS,
    Rounding,
    chosen_options,
    instance_of,
    moments,
    option_texts,
    vehicle_price,
)
from dispatchopt.io.formats._vrp_text import LARGEST, Column, head_of, text_of
from dispatchopt.io.formats._vrplib_sections import Parts, parts_of
from dispatchopt.io.formats._vrplib_tables import (
    by_row,
    default_rounding,
    depots_of,
    dimension_of,
    lists_of,
    travel_matrix,
)
from dispatchopt.io.formats._vrplib_write import write_file
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said
from dispatchopt.routing.tables import FAR, MANDATORY, Couriers, Options, Orders, Stores

_MOST_VEHICLES = 1_000_000
_AMOUNT = Column(name="amount", low=0, is_whole=True)
_TIME = Column(name="time", low=0)


def _sniff(path: Path) -> bool:
    text = head_of(path).upper()
    is_typed = re.search(r"^\s*TYPE\s*:\s*\"?\s*[A-Z]*(VRP|PDP)[A-Z]*", text, re.MULTILINE)
    return bool(is_typed) and "DIMENSION" in text


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen_options({key: value for key, value in options.items() if key in OPTIONS}, "round")
    issues = Issues()
    parts = parts_of(text_of(path.read_bytes()), path.name, issues)
    issues.raise_if_any()
    rounding, has_vehicles_first = chosen_options(options, default_rounding(parts))
    size = dimension_of(parts)
    depots = depots_of(parts, size)
    travel = travel_matrix(parts, size, rounding)
    clients = np.setdiff1d(np.arange(size), depots)
    rows = _Rows.of(parts, size, depots, rounding)
    fleet = _fleet(parts, depots, len(clients), rows, rounding)
    issues.raise_if_any()
    price = 0
    if has_vehicles_first:
        price = max(vehicle_price(travel, depot) for depot in depots)
        fleet = fleet.replace(fixed_cost=fleet.fixed_cost + price)
    return instance_of(
        parts.keys.get("NAME", (path.stem, 0))[0],
        path.name,
        rounding,
        order_names=[str(place) for place in clients.tolist()],
        store_names=[str(place) for place in depots],
        notes={"cost per vehicle": price} if price else None,
        travel=(travel,),
        orders=Orders.of(
            place=clients,
            load=rows.demand[clients],
            service_s=rows.service[clients],
            earliest_s=rows.earliest[clients],
            latest_s=rows.latest[clients],
            release_s=rows.release[clients],
            refusal_cost=np.where(rows.prize[clients] > 0, rows.prize[clients], MANDATORY),
        ),
        stores=Stores.of(place=depots),
        couriers=fleet,
    )


@dataclass(frozen=True)
class _Rows:
    """What every place has, shape (num_places,); demands by dimension."""

    demand: IntArray
    service: IntArray
    earliest: IntArray
    latest: IntArray
    release: IntArray
    prize: IntArray

    @classmethod
    def of(cls, parts: Parts, size: int, depots: list[int], rounding: Rounding) -> _Rows:
        demand = _demand(parts, size)
        windows = (Column(name="begin", low=0), Column(name="end", low=0))
        window = by_row(parts, "TIME_WINDOW_SECTION", size, windows)
        earliest = 0 if window is None else moments(window[:, 0], rounding)
        latest = FAR if window is None else moments(window[:, 1], rounding)
        service = _per_row(parts, "SERVICE_TIME", size, _TIME, 0.0)
        release = _per_row(parts, "RELEASE_TIME", size, _TIME, -1.0)
        prize = by_row(parts, "PRIZE_SECTION", size, (Column(name="prize", low=0),))
        service[depots] = 0
        return cls(
            demand=demand,
            service=rounding.whole(service),
            earliest=np.broadcast_to(np.asarray(earliest), size),
            latest=np.broadcast_to(np.asarray(latest), size),
            release=np.where(release < 0, -FAR, rounding.whole(release)),
            prize=rounding.whole(np.zeros(size) if prize is None else prize[:, 0]),
        )


def _demand(parts: Parts, size: int) -> IntArray:
    given = [name for name in ("DEMAND_SECTION", "LINEHAUL_SECTION") if name in parts.sections]
    if not given:
        return np.zeros((size, 0), dtype=np.int64)
    if len(given) > 1:
        found = Said("DEMAND_SECTION and LINEHAUL_SECTION")
        parts.issues.add("conflict", parts.where, found, "one of them")
    lines = parts.sections[given[0]]
    dims = max(1, len(lines[0].words) - 1) if lines else 1
    columns = tuple(Column(name="demand", low=0, is_whole=True) for _ in range(dims))
    table = by_row(parts, given[0], size, columns)
    return np.asarray(table).astype(np.int64)


def _per_row(parts: Parts, name: str, size: int, column: Column, default: float) -> FloatArray:
    """Return one number per row: from a section, or one for all from a key."""
    table = by_row(parts, f"{name}_SECTION", size, (column,))
    if table is not None:
        return table[:, 0].copy()
    value = parts.number(name, column)
    return np.full(size, default if value is None else value)


def _fleet(
    parts: Parts, depots: list[int], num_clients: int, rows: _Rows, rounding: Rounding
) -> Couriers:
    """Return one row per run of vehicles that are alike, in the sequence of the file."""
    column = Column(name="VEHICLES", low=1, high=_MOST_VEHICLES, is_whole=True)
    given = parts.number("VEHICLES", column)
    num = max(1, int(given) if given is not None else num_clients)
    own = by_row(
        parts, "VEHICLES_DEPOT_SECTION", num, (Column(name="depot", low=1, is_whole=True),)
    )
    home = np.full(num, depots[0]) if own is None else own[:, 0].astype(np.int64) - 1
    reloads = lists_of(parts, "VEHICLES_RELOAD_DEPOT_SECTION", num, int(rows.service.size))
    _known_depots(parts, home, reloads, depots)
    longest = _per_row(parts, "VEHICLES_MAX_DURATION", num, _TIME, LARGEST + 1)
    whole_route = parts.number("DISTANCE", _TIME)
    if whole_route is not None:
        longest = np.minimum(longest, whole_route)
    table = {
        "home": home,
        "max_duration_s": _limit(longest, rounding),
        "max_distance_m": _limit(
            _per_row(parts, "VEHICLES_MAX_DISTANCE", num, _TIME, LARGEST + 1), rounding
        ),
        "fixed_cost": rounding.whole(_per_row(parts, "VEHICLES_FIXED_COST", num, _TIME, 0)),
        "cost_per_m": _per_row(parts, "VEHICLES_UNIT_DISTANCE_COST", num, _AMOUNT, 1).astype(
            np.int64
        ),
        "max_trips": _trips(parts, num, reloads),
    }
    capacity = _capacity(parts, num, rows.demand.shape[1])
    allowed = [
        sorted({depots.index(d) for d in [h, *(reloads[at] if reloads else [])] if d in depots})
        for at, h in enumerate(home.tolist())
    ]
    keys = np.column_stack([*table.values(), capacity])
    is_new = np.ones(num, dtype=np.bool_)
    is_new[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    differs = [left != right for left, right in itertools.pairwise(allowed)]
    is_new[1:] |= np.array(differs, dtype=np.bool_)
    first = np.flatnonzero(is_new)
    kept = {name: values[first] for name, values in table.items()}
    at_home = kept.pop("home")
    parts.issues.raise_if_any()
    return Couriers.of(
        start_place=at_home,
        end_place=at_home,
        count=np.diff([*first.tolist(), num]),
        capacity=capacity[first],
        earliest_s=rows.earliest[at_home],
        latest_s=rows.latest[at_home],
        store_options=Options.of([allowed[at] for at in first.tolist()]),
        **kept,
    )


def _known_depots(
    parts: Parts, home: IntArray, reloads: list[list[int]] | None, depots: list[int]
) -> None:
    named = {*home.tolist(), *(each for row in reloads or [] for each in row)}
    for place in sorted(named - set(depots)):
        wanted = "a number of DEPOT_SECTION"
        parts.issues.add(
            "unknown-reference", f"{parts.where} depots of vehicles", place + 1, wanted
        )


def _trips(parts: Parts, num: int, reloads: list[list[int]] | None) -> IntArray:
    """Return how many trips each vehicle may make: one, or one more than it may reload."""
    count = Column(name="reloads", low=0, is_whole=True)
    most = _per_row(parts, "VEHICLES_MAX_RELOADS", num, count, -1)
    trips = np.where(most < 0, FAR, most + 1).astype(np.int64)
    may = np.zeros(num, dtype=np.bool_) if reloads is None else np.array([bool(r) for r in reloads])
    return np.where(may, trips, 1)


def _limit(values: FloatArray, rounding: Rounding) -> IntArray:
    return np.where(values >= LARGEST, FAR, rounding.whole(np.minimum(values, LARGEST)))


def _capacity(parts: Parts, num: int, dims: int) -> IntArray:
    columns = tuple(Column(name="capacity", low=0, is_whole=True) for _ in range(dims))
    table = by_row(parts, "CAPACITY_SECTION", num, columns)
    if table is not None:
        return np.where(table >= LARGEST, FAR, table).astype(np.int64)
    value = parts.number("CAPACITY", _AMOUNT)
    return np.full((num, dims), FAR if value is None else int(value), dtype=np.int64)


FORMAT = Format(
    name="vrplib",
    sniff=_sniff,
    read=_read,
    write=write_file,
    suffixes=(".vrp",),
    options=option_texts(
        "as the set is published: round for CVRP and matrices, exact for MDVRPTW, else dimacs"
    ),
)
