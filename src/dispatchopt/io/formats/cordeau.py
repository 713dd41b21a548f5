"""Cordeau's instances with several depots, with time windows (type 6) and without (type 2)."""

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
from dispatchopt.io.formats._vrp_text import Column, Line, head_of, lines_of, number_of, table_of
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, single
from dispatchopt.routing.tables import FAR, Couriers, Options, Orders, Stores

_TYPES = {2: False, 6: True}
_HEAD = (
    Column(name="type", low=0, high=7, is_whole=True),
    Column(name="vehicles per depot", low=1, high=1e6, is_whole=True),
    Column(name="customers", low=1, high=1e6, is_whole=True),
    Column(name="depots", low=1, high=1e4, is_whole=True),
)
_DEPOT = (
    Column(name="longest duration (0: no limit)", low=0),
    Column(name="capacity (0: no limit)", low=0, is_whole=True),
)
_PLACE = (
    Column(name="number", low=0, high=1e7, is_whole=True),
    Column(name="x"),
    Column(name="y"),
    Column(name="service", low=0),
    Column(name="demand", low=0, is_whole=True),
    Column(name="frequency", low=0, high=1e4, is_whole=True),
    Column(name="combinations", low=0, high=1e4, is_whole=True),
)
_WINDOW = (Column(name="begin", low=0), Column(name="end", low=0))
_COMBINATION = Column(name="combination", low=0, is_whole=True)


def _sniff(path: Path) -> bool:
    lines = [line.split() for line in head_of(path).split("\n") if line.split()]
    if len(lines) < 2 or len(lines[0]) != 4 or len(lines[1]) != 2:
        return False
    words = [*lines[0], *lines[1]]
    return all(re.fullmatch(r"\d+", word) for word in words) and lines[0][0] in "01234567"


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    rounding, has_vehicles_first = chosen_options(options, "exact")
    lines, where, issues = lines_of(path), path.name, Issues()
    if not lines:
        raise single("empty-file", where, Said("no lines"), "type, vehicles, customers, depots")
    kind, fleet, num_orders, num_depots = (
        int(value) for value in table_of(lines[:1], _HEAD, where, issues)[0]
    )
    issues.raise_if_any()
    if kind not in _TYPES:
        wanted = "2 (several depots) or 6 (with time windows)"
        raise single("bad-choice", f"{where} line {lines[0].number}", kind, wanted)
    rows_at = 1 + num_depots
    wanted_lines = rows_at + num_orders + num_depots
    if len(lines) < wanted_lines:
        wanted = f"{wanted_lines}: {num_depots} limits, {num_orders} customers, {num_depots} depots"
        raise single("empty-table", where, Said(f"{len(lines)} lines"), wanted)
    limits = table_of(lines[1:rows_at], _DEPOT, where, issues)
    has_windows = _TYPES[kind]
    rows = _places(lines[rows_at:wanted_lines], num_orders, has_windows, where, issues)
    for line in lines[wanted_lines:]:
        place = f"{where} line {line.number}"
        issues.add("row-width", place, Said("a line too many"), "the end of the file", "", where)
    issues.raise_if_any()
    travel = euclidean(rows[:, 1:3], rounding, where)
    price = 0
    if has_vehicles_first:
        price = max(vehicle_price(travel, num_orders + at) for at in range(num_depots))
    numbers = rows[:, 0].astype(np.int64).astype(str).tolist()
    return instance_of(
        path.stem,
        where,
        rounding,
        order_names=numbers[:num_orders],
        store_names=numbers[num_orders:],
        notes={"cost per vehicle": price} if price else None,
        travel=(travel,),
        **_tables(rows, limits, fleet, rounding, price),
    )


def _places(
    lines: list[Line], num_orders: int, has_windows: bool, where: str, issues: Issues
) -> FloatArray:
    """Return number, x, y, service, demand and window of customers and depots, 7 columns."""
    rows = np.zeros((len(lines), 7))
    rows[:, 6] = np.inf
    seen: set[float] = set()
    for at, line in enumerate(lines):
        place = f"{where} line {line.number}"
        if len(line.words) < len(_PLACE):
            wanted = "number, x, y, service, demand, frequency and combinations"
            issues.add("row-width", place, Said(f"{len(line.words)} words"), wanted, "", where)
            continue
        head = zip(line.words, _PLACE, strict=False)
        values = [number_of(word, column, place, issues) for word, column in head]
        rows[at, :5] = values[:5]
        if values[0] in seen:
            issues.add("duplicate-id", place, int(values[0]), "each number once", "", where)
        seen.add(values[0])
        if at < num_orders and values[5] != 1:
            issues.add("bad-value", place, int(values[5]), "a frequency of 1", "", where)
        _rest(
            line.words[len(_PLACE) :],
            rows[at, 5:],
            num=int(values[6]),
            has_windows=has_windows,
            place=place,
            issues=issues,
        )
    return rows


def _rest(
    words: list[str],
    window: FloatArray,
    *,
    num: int,
    has_windows: bool,
    place: str,
    issues: Issues,
) -> None:
    """Read combinations of visits, which say nothing here, and the window."""
    ends = words[num:]
    for word in words[:num]:
        number_of(word, _COMBINATION, place, issues)
    # Depots without a window are open at all times; some files fill the line up with zeros.
    if len(words) < num or (len(ends) not in (0, 2) and any(_value(w) for w in ends)):
        wanted = f"{num} combinations" + (", begin and end of the window" if has_windows else "")
        issues.add("row-width", place, Said(f"{len(words)} words"), wanted)
        return
    if has_windows and len(ends) == 2:
        both = zip(ends, _WINDOW, strict=True)
        window[:] = [number_of(word, column, place, issues) for word, column in both]
    elif has_windows:
        issues.add("row-width", place, Said("no window"), "begin and end of the window")


def _value(word: str) -> float:
    """Return the number of a word, or 1 where it is none."""
    try:
        return float(word)
    except ValueError:
        return 1.0


def _tables(
    rows: FloatArray, limits: FloatArray, fleet: int, rounding: Rounding, price: int
) -> dict[str, Any]:
    num = len(rows) - len(limits)
    stores = np.arange(len(limits))
    no_end = ~np.isfinite(rows[:, 6])
    earliest = moments(rows[:, 5], rounding)
    latest = np.where(no_end, FAR, moments(np.where(no_end, 0, rows[:, 6]), rounding))
    service = rounding.whole(rows[:, 3])
    longest = rounding.whole(limits[:, 0])
    return {
        "orders": Orders.of(
            place=np.arange(num),
            load=rows[:num, 4:5],
            service_s=service[:num],
            earliest_s=earliest[:num],
            latest_s=latest[:num],
        ),
        "stores": Stores.of(place=num + stores),
        "couriers": Couriers.of(
            start_place=num + stores,
            end_place=num + stores,
            count=fleet,
            capacity=np.where(limits[:, 1:] > 0, limits[:, 1:], FAR),
            earliest_s=earliest[num:],
            latest_s=latest[num:],
            max_duration_s=np.where(longest > 0, longest, FAR),
            fixed_cost=price,
            store_options=Options.of([[store] for store in stores.tolist()]),
        ),
    }


FORMAT = Format(name="cordeau", sniff=_sniff, read=_read, options=option_texts("exact"))
