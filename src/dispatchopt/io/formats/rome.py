"""The Rome meal deliveries of Cosmi, Oriolo, Piccialli and Ventura.

Folders of tables without heads; the file of an instance is the one in ``D_bar``, such as
``D_bar/I10_10.0_D_bar.csv``: minutes from the door of each order, and then from the start of each
courier, by way of the restaurant of the order of the column to its door. ``Beta`` holds the wait
at each order's restaurant, ``Creation Times Exact`` when it was placed (before 0 where it was
ordered ahead), ``Targets`` by when it is wanted, all in minutes. Where restaurants and doors lie is
not told, so each order has a store of its own at its own door, and the whole way and the wait lie
before it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.tables import Couriers, Orders, Stores
from dispatchopt.geography.given import MatrixTravel
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.io.encodings.base import decode
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said
from dispatchopt.simulation.day import Day

_MINUTE_S = 60
_MOST_MIN = 1e5
_NAME = re.compile(r"(?P<set>[^_]+)_(?P<couriers>[^_]+)_D_bar\.csv")
_OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "tick_s": (int, 60, 1, 3600),
    "checkout_min": (int, 1, 0, 60),
    "hours": (int, 3, 1, 24),
}


def _columns(path: Path) -> dict[str, Path]:
    """Return the files beside the table of ways."""
    found = _NAME.fullmatch(path.name)
    name = "" if found is None else found["set"]
    home = path.absolute().parent.parent
    return {
        "wait": home / "Beta" / f"{name}_beta.csv",
        "placed": home / "Creation Times Exact" / f"{name}_exactCreationTime.csv",
        "target": home / "Targets" / f"{name}_target.csv",
    }


def _sniff(path: Path) -> bool:
    return bool(_NAME.fullmatch(path.name)) and path.is_file() and path.parent.name == "D_bar"


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen, issues = take_options(options, _OPTIONS), Issues()
    ways, files = _table(path, issues), _columns(path)
    found = {name: _table(file, issues) for name, file in files.items()}
    issues.raise_if_any()
    n = ways.shape[1]
    if ways.shape[0] <= n:
        said = Said(f"{ways.shape[0]} rows of {n}")
        issues.add("bad-shape", path.name, said, "a row per order and courier, a column per order")
    for name, values in found.items():
        if values.shape != (n, 1):
            said = Said(f"{values.size} numbers")
            issues.add("bad-shape", files[name].name, said, f"{n}, one per order")
    for file, values in ((path, ways), (files["wait"], found["wait"])):
        for row, at in np.argwhere(values < 0)[:5].tolist():
            where = f"{file.name} line {row + 1}, column {at + 1}"
            issues.add("out-of-range", where, float(values[row, at]), "minutes from 0")
    issues.raise_if_any()
    minutes = {name: column[:, 0] for name, column in found.items()}
    day = _day(path.name.removesuffix("_D_bar.csv"), ways, minutes, chosen)
    source = "Cosmi, Oriolo, Piccialli and Ventura, Rome meal delivery instances, Apache-2.0"
    return Instance(name=day.name, kind="day", problem=day, source=source, notes=chosen)


def _table(path: Path, issues: Issues) -> FloatArray:
    if not path.is_file():
        issues.add("no-file", str(path), Said("no such file"), "a table of the instance")
        return np.zeros((0, 0))
    rows: list[list[float]] = []
    for number, line in enumerate(decode(path.read_bytes(), path.name).splitlines(), start=1):
        if not line.strip():
            continue
        row = [_number(cell) for cell in line.split(",")]
        if rows and len(row) != len(rows[0]):
            where, wanted = f"{path.name} line {number}", f"{len(rows[0])} columns"
            issues.add("bad-shape", where, Said(f"{len(row)} columns"), wanted)
            break
        if any(math.isnan(cell) for cell in row):
            column = [math.isnan(cell) for cell in row].index(True) + 1
            where = f"{path.name} line {number}, column {column}"
            issues.add("wrong-type", where, line[:60], "minutes")
            row = [0.0 if math.isnan(cell) else cell for cell in row]
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if abs(value) <= _MOST_MIN else math.nan


def _day(
    name: str, ways: FloatArray, minutes: Mapping[str, FloatArray], chosen: Mapping[str, Any]
) -> Day:
    n, places = ways.shape[1], ways.shape[0]
    # The day begins with the first order, so that no moment lies before it.
    ahead_s = math.ceil(max(0.0, -float(minutes["placed"].min()))) * _MINUTE_S
    rows = np.lexsort((np.arange(n), minutes["placed"]))
    order = np.concatenate([rows, np.arange(n, places)])
    duration_s = np.full((places, places), UNREACHABLE, dtype=np.int64)
    whole_s = np.ceil((ways + minutes["wait"]) * _MINUTE_S).astype(np.int64)
    duration_s[:, :n] = whole_s[order][:, rows]
    np.fill_diagonal(duration_s, 0)
    distance_m = np.where(duration_s < UNREACHABLE, 0, UNREACHABLE)
    placed_s = np.floor(minutes["placed"][rows] * _MINUTE_S).astype(np.int64) + ahead_s
    target_s = np.ceil(minutes["target"][rows] * _MINUTE_S).astype(np.int64) + ahead_s
    nothing, last_s = np.zeros(n, dtype=np.int64), ahead_s + chosen["hours"] * 3600
    count = places - n
    return Day(
        name=name,
        travel=MatrixTravel(
            matrix=TravelMatrix(distance_m=distance_m, duration_s=duration_s, source="rome")
        ),
        orders=Orders.build(
            ids=[f"o{row + 1}" for row in rows.tolist()],
            place_idx=np.arange(n),
            placed_s=placed_s,
            due_s=np.maximum(target_s, placed_s),
            ready_s=placed_s,
            options=[[row] for row in range(n)],
        ),
        stores=Stores(
            ids=tuple(f"r{row + 1}" for row in rows.tolist()),
            place_idx=np.arange(n),
            pickers=nothing,
            pick_base_s=nothing,
            pick_line_s=nothing,
            open_s=nothing,
            close_s=np.full(n, 10**9),
        ),
        couriers=Couriers.build(
            ids=[f"c{row + 1}" for row in range(count)],
            place_idx=n + np.arange(count),
            on_s=np.full(count, ahead_s),
            off_s=np.full(count, last_s),
        ),
        rules=DayRules(
            tick_s=chosen["tick_s"],
            pickup_s=0,
            dropoff_s=chosen["checkout_min"] * _MINUTE_S,
            max_bundle=1,
            max_late_s=-1,
            max_wait_s=10**6,
            cents_per_km=0,
        ),
    )


FORMAT = Format(
    name="rome",
    sniff=_sniff,
    read=_read,
    options={
        "tick_s": "seconds between decisions (default 60)",
        "checkout_min": "minutes at each door (default 1)",
        "hours": "length of all shifts from minute 0 (default 3)",
    },
)
