"""Solomon's and Gehring and Homberger's instances with time windows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.io.formats._base import Format
from dispatchopt.io.formats._vrp_build import (
    Rounding,
    chosen_options,
    euclidean,
    instance_of,
    moments,
    option_texts,
    vehicle_price,
)
from dispatchopt.io.formats._vrp_text import Column, Line, head_of, lines_of, table_of
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, single
from dispatchopt.routing.tables import Couriers, Orders, Stores

_MOST = 1e6
_FLEET = (
    Column(name="vehicles", low=1, high=_MOST, is_whole=True),
    Column(name="capacity", low=0, is_whole=True),
)
_COLUMNS = (
    Column(name="customer", low=0, high=_MOST, is_whole=True),
    Column(name="x"),
    Column(name="y"),
    Column(name="demand", low=0, is_whole=True),
    Column(name="ready time", low=0),
    Column(name="due date", low=0),
    Column(name="service", low=0),
)


def _sniff(path: Path) -> bool:
    words = head_of(path).upper()
    return bool(re.search(r"^\s*VEHICLE\s*$[\s\S]*^\s*CUSTOMER\s*$", words, re.MULTILINE))


def _after(lines: list[Line], word: str, where: str) -> int:
    """Return the index of the first line of numbers below a heading."""
    for at, line in enumerate(lines):
        if [each.upper() for each in line.words] == [word]:
            return at + 2
    wanted = f"a line {word}, a line with names of columns, and numbers"
    raise single("missing-table", where, Said("no such line"), wanted)


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    rounding, has_vehicles_first = chosen_options(options, "dimacs")
    lines, where, issues = lines_of(path), path.name, Issues()
    fleet_at = _after(lines, "VEHICLE", where)
    rows_at = _after(lines, "CUSTOMER", where)
    fleet = table_of(lines[fleet_at : fleet_at + 1], _FLEET, where, issues)
    if fleet_at >= len(lines):
        issues.add("empty-table", where, Said("no line below VEHICLE"), "vehicles and capacity")
    rows = table_of(lines[rows_at:], _COLUMNS, where, issues)
    if len(rows) < 2:
        found = Said(f"{len(rows)} lines below CUSTOMER")
        issues.add("empty-table", where, found, "the depot and at least one customer")
    issues.raise_if_any()
    for at, number in enumerate(rows[:, 0].tolist()):
        if number != at:
            place = f"{where} line {lines[rows_at + at].number}"
            issues.add("bad-value", place, int(number), f"customer {at}, in sequence", "", where)
    issues.raise_if_any()
    travel = euclidean(rows[:, 1:3], rounding, where)
    price = vehicle_price(travel, 0) if has_vehicles_first else 0
    return instance_of(
        path.stem if fleet_at == 2 else " ".join(lines[0].words),
        where,
        rounding,
        order_names=[str(number) for number in range(1, len(rows))],
        store_names=["0"],
        notes={"cost per vehicle": price} if price else None,
        travel=(travel,),
        **_tables(rows, fleet, rounding, price),
    )


def _tables(rows: FloatArray, fleet: FloatArray, rounding: Rounding, price: int) -> dict[str, Any]:
    earliest, latest = moments(rows[:, 4], rounding), moments(rows[:, 5], rounding)
    service = rounding.whole(rows[:, 6])
    return {
        "orders": Orders.of(
            place=np.arange(1, len(rows)),
            load=rows[1:, 3:4],
            service_s=service[1:],
            earliest_s=earliest[1:],
            latest_s=latest[1:],
        ),
        "stores": Stores.of(place=[0]),
        "couriers": Couriers.of(
            start_place=[0],
            end_place=[0],
            count=fleet[0, :1],
            capacity=fleet[:, 1:2],
            earliest_s=earliest[:1],
            latest_s=latest[:1],
            fixed_cost=price,
        ),
    }


FORMAT = Format(name="solomon", sniff=_sniff, read=_read, options=option_texts("dimacs"))
