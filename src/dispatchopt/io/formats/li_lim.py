"""Li and Lim's instances: each order is picked up at one place and delivered at another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
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
from dispatchopt.io.issues import Issues, Said
from dispatchopt.routing.tables import Couriers, Orders, Stores

_MOST = 1e6
_FLEET = (
    Column(name="vehicles", low=1, high=_MOST, is_whole=True),
    Column(name="capacity", low=0, is_whole=True),
    Column(name="speed", low=0),
)
_COLUMNS = (
    Column(name="task", low=0, high=_MOST, is_whole=True),
    Column(name="x"),
    Column(name="y"),
    Column(name="demand", is_whole=True),
    Column(name="ready time", low=0),
    Column(name="due date", low=0),
    Column(name="service", low=0),
    Column(name="pick-up", low=0, high=_MOST, is_whole=True),
    Column(name="delivery", low=0, high=_MOST, is_whole=True),
)


def _sniff(path: Path) -> bool:
    lines = head_of(path).split("\n")
    number = r"[+-]?[\d.]+"
    first = rf"\s*\d+\s+\d+\s+{number}\s*"
    return (
        len(lines) > 1
        and bool(re.fullmatch(first, lines[0]))
        and bool(re.fullmatch(rf"\s*0(\s+{number}){{8}}\s*", lines[1]))
    )


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    rounding, has_vehicles_first = chosen_options(options, "exact")
    lines, where, issues = lines_of(path), path.name, Issues()
    fleet = table_of(lines[:1], _FLEET, where, issues)
    rows = table_of(lines[1:], _COLUMNS, where, issues)
    if len(rows) < 3:
        found = Said(f"{len(rows)} tasks")
        issues.add("empty-table", where, found, "the depot, a pick-up and a delivery")
    issues.raise_if_any()
    pickup, delivery = _pairs(rows, lines[1:], where, issues)
    issues.raise_if_any()
    travel = euclidean(rows[:, 1:3], rounding, where)
    price = vehicle_price(travel, 0) if has_vehicles_first else 0
    return instance_of(
        path.stem,
        where,
        rounding,
        order_names=[f"{a}-{b}" for a, b in zip(pickup.tolist(), delivery.tolist(), strict=True)],
        notes={"cost per vehicle": price} if price else None,
        travel=(travel,),
        **_tables(rows, fleet, (pickup, delivery), rounding, price),
    )


def _pairs(
    rows: FloatArray, lines: list[Line], where: str, issues: Issues
) -> tuple[IntArray, IntArray]:
    """Return the tasks that pick up, and those that deliver what they picked up."""
    table = rows.astype(np.int64)
    last = len(rows) - 1
    for at in range(len(table)):
        place = f"{where} line {lines[at].number}"
        number, demand = int(table[at, 0]), int(table[at, 3])
        before, after = int(table[at, 7]), int(table[at, 8])
        if number != at:
            issues.add("bad-value", place, number, f"task {at}, in sequence", "", where)
        if at == 0:
            if before or after or demand:
                issues.add("bad-value", place, Said("a depot with a task"), "zeros", "", where)
            continue
        if (before > 0) == (after > 0):
            wanted = "either its pick-up or its delivery"
            issues.add("bad-value", place, Said(f"{before} and {after}"), wanted, "", where)
            continue
        other = max(before, after)
        if other > last or other == at:
            wanted = f"another task from 1 to {last}"
            issues.add("unknown-reference", place, other, wanted, "", where)
            continue
        back = int(table[other, 7 if after else 8])
        if back != at:
            wanted = f"{at}, as task {at} names task {other}"
            at_other = f"{where} line {lines[other].number}"
            issues.add("bad-value", at_other, back, wanted, "", where)
        if after and (demand < 0 or int(table[other, 3]) != -demand):
            wanted = "a demand of 0 or more, and its negative at the delivery"
            found = Said(f"{demand} and {int(table[other, 3])}")
            issues.add("bad-value", place, found, wanted, "", where)
    pickup = np.flatnonzero(table[:, 8] > 0)
    return pickup, table[pickup, 8]


def _tables(
    rows: FloatArray,
    fleet: FloatArray,
    pairs: tuple[IntArray, IntArray],
    rounding: Rounding,
    price: int,
) -> dict[str, Any]:
    pickup, delivery = pairs
    earliest, latest = moments(rows[:, 4], rounding), moments(rows[:, 5], rounding)
    service = rounding.whole(rows[:, 6])
    return {
        "orders": Orders.of(
            place=delivery,
            pickup_place=pickup,
            load=rows[pickup, 3:4],
            service_s=service[delivery],
            earliest_s=earliest[delivery],
            latest_s=latest[delivery],
            pickup_service_s=service[pickup],
            pickup_earliest_s=earliest[pickup],
            pickup_latest_s=latest[pickup],
        ),
        "stores": Stores.of(place=[]),
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


FORMAT = Format(name="li-lim", sniff=_sniff, read=_read, options=option_texts("exact"))
