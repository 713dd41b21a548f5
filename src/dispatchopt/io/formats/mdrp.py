"""Instances of the Meal Delivery Routing Problem (Grubhub), as days.

A folder holds four tables with tabs: ``orders.txt``, ``restaurants.txt``, ``couriers.txt`` and
``instance_parameters.txt``. Places are metres on a plane, moments are whole minutes.

The rules are those of Reyes, Erera, Savelsbergh, Sahasrabudhe and O'Neil, "The Meal Delivery
Routing Problem" (2018): a drive takes ``ceil(metres / metres_per_minute)`` minutes; half of a
service time lies before the take-over or delivery and half after it; a trip serves one
restaurant; each courier is paid the larger of the pay per order and the guaranteed pay. Decisions
are taken every minute. Places get coordinates near 0, 0, so that maps can be drawn: 1 degree for
111,195 metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from dispatchopt.core.errors import InputError
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.tables import Couriers, Orders, Stores
from dispatchopt.geography.plane import PlaneTravel
from dispatchopt.geography.points import Points
from dispatchopt.io.encodings.base import decode
from dispatchopt.io.encodings.folder import parse_csv
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said
from dispatchopt.io.schema.base import Row, column, ident, refers
from dispatchopt.io.tables import Checked, check_table, flag, references
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.questions.variants import with_store_means

_MINUTE_S = 60
_MOST_MIN = 14_400
_MOST_M = 1e6
_METRES_PER_DEGREE = 111_195.0
_FILES = ("orders", "restaurants", "couriers", "instance_parameters")
_OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "tick_s": (int, 60, 1, 3600),
    "max_bundle": (int, 3, 1, 10),
    "prep_factor": (float, 1.0, 0.0, 10.0),
    "target_min": (int, 0, 0, 1440),
    "give_up_min": (int, -1, -1, _MOST_MIN),
    "estimates": (int, 0, 0, 1),
}


def _metres() -> Any:
    return column(description="Metres on a plane.", unit="m", ge=-_MOST_M, le=_MOST_M)


def _minutes(description: str, least: int = 0) -> Any:
    return column(description=description, unit="min", ge=least, le=_MOST_MIN)


class _Restaurant(Row):
    key: ClassVar[str | None] = "restaurant"
    restaurant: str = ident()
    x: float = _metres()
    y: float = _metres()


class _Order(Row):
    key: ClassVar[str | None] = "order"
    order: str = ident()
    x: float = _metres()
    y: float = _metres()
    placement_time: int = _minutes("When it becomes known.")
    restaurant: str = refers("restaurants", "Where it is picked up.")
    ready_time: int = _minutes("When it is ready.")


class _Courier(Row):
    key: ClassVar[str | None] = "courier"
    courier: str = ident()
    x: float = _metres()
    y: float = _metres()
    on_time: int = _minutes("Start of the shift.")
    off_time: int = _minutes("End of the shift.")


class _Parameters(Row):
    meters_per_minute: float = column(description="Speed.", gt=0, le=_MOST_M)
    pickup: int = _minutes("Service at the restaurant.")
    dropoff: int = _minutes("Service at the door.")
    target: int = _minutes("Target from click to door.", 1)
    maximum: int = _minutes("Maximum from click to door.", 1)
    pay: float = column(description="Dollars per order.", ge=0, le=10_000)
    guarantee: float = column(description="Dollars per hour.", ge=0, le=10_000)


_NAMES = {
    "pickup service minutes": "pickup",
    "dropoff service minutes": "dropoff",
    "target click-to-door": "target",
    "maximum click-to-door": "maximum",
    "pay per order": "pay",
    "guaranteed pay per hour": "guarantee",
}
_MODELS: dict[str, type[Row]] = {
    "orders": _Order,
    "restaurants": _Restaurant,
    "couriers": _Courier,
    "instance_parameters": _Parameters,
}


def _sniff(path: Path) -> bool:
    file = path / "instance_parameters.txt"
    if not path.is_dir() or not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(64).startswith(b"meters_per_minute\t")


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_options(options, _OPTIONS)
    issues = Issues()
    tables = {name: _table(path / f"{name}.txt", _MODELS[name], issues) for name in _FILES}
    issues.raise_if_any()
    orders, couriers = tables["orders"], tables["couriers"]
    restaurant = references(orders, "restaurant", tables["restaurants"], issues, key="restaurant")
    is_early = orders["ready_time"] < orders["placement_time"]
    flag(orders, "ready_time", is_early, "bad-order", "a time not before placement_time", issues)
    is_early = couriers["off_time"] < couriers["on_time"]
    flag(couriers, "off_time", is_early, "bad-order", "a time not before on_time", issues)
    parameters = tables["instance_parameters"]
    if len(parameters) != 1:
        found = Said(f"{len(parameters)} rows")
        issues.add("bad-shape", parameters.table.where, found, "one row of parameters")
    issues.raise_if_any()
    given = {name: parameters[name][0].item() for name in parameters.columns}
    try:
        day = _day(path.resolve().name, tables, restaurant, given, chosen)
    except InputError as error:
        issues.extend(error.issues)
        issues.raise_if_any()
        raise
    source = "Grubhub and Georgia Tech, MDRP; no licence is stated: for benchmarks only"
    notes = {"options": chosen, "maximum_click_to_door_s": given["maximum"] * _MINUTE_S}
    return Instance(name=day.name, kind="day", problem=day, source=source, notes=notes)


def _table(path: Path, model: type[Row], issues: Issues) -> Checked:
    if not path.is_file():
        issues.add("no-file", str(path), Said("no such file"), "a table of an MDRP instance")
        issues.raise_if_any()
    text = decode(path.read_bytes(), path.name)
    # Names and figures hold no commas, and tabs are read as commas are.
    if "," in text or '"' in text:
        found = Said("a comma or a quotation mark")
        issues.add("bad-csv", path.name, found, "columns with tabs between them")
        issues.raise_if_any()
    head, _, body = text.partition("\n")
    names = [_NAMES.get(name.strip(), name.strip()) for name in head.split("\t")]
    rows = "\n".join(line.rstrip("\t\r ") for line in body.split("\n"))
    table = parse_csv(",".join(names) + "\n" + rows.replace("\t", ","), path.name)
    return check_table(path.name, table, model, issues)


def _day(
    name: str,
    tables: Mapping[str, Checked],
    restaurant: npt.NDArray[np.int64],
    given: Mapping[str, Any],
    chosen: Mapping[str, Any],
) -> Day:
    orders, stores, couriers = (tables[each] for each in _FILES[:3])
    x_m = np.concatenate([table["x"] for table in (stores, orders, couriers)])
    y_m = np.concatenate([table["y"] for table in (stores, orders, couriers)])
    n, m = len(orders), len(stores)
    # Orders become known in the order of their placement, so that their indices say nothing.
    rows = np.lexsort((np.arange(n), orders["placement_time"]))
    placed_s = orders["placement_time"][rows] * _MINUTE_S
    prep_min = (orders["ready_time"] - orders["placement_time"])[rows]
    ready_s = placed_s + np.ceil(prep_min * chosen["prep_factor"] - 1e-9).astype(int) * _MINUTE_S
    promise_s = (chosen["target_min"] or given["target"]) * _MINUTE_S
    nothing = np.zeros(m, dtype=np.int64)
    day = Day(
        name=name,
        travel=PlaneTravel(
            x_m=x_m,
            y_m=y_m,
            metres_per_step=given["meters_per_minute"],
            step_s=_MINUTE_S,
        ),
        places=Points(lon=x_m / _METRES_PER_DEGREE, lat=y_m / _METRES_PER_DEGREE),
        orders=Orders.build(
            ids=[orders.ids("order")[row] for row in rows],
            place_idx=m + rows,
            placed_s=placed_s,
            due_s=placed_s + promise_s,
            ready_s=ready_s,
            options=[[store] for store in restaurant[rows].tolist()],
        ),
        stores=Stores(
            ids=stores.ids("restaurant"),
            place_idx=np.arange(m),
            pickers=nothing,
            pick_base_s=nothing,
            pick_line_s=nothing,
            open_s=nothing,
            close_s=np.full(m, _MOST_MIN * _MINUTE_S),
        ),
        couriers=Couriers.build(
            ids=couriers.ids("courier"),
            place_idx=m + n + np.arange(len(couriers)),
            on_s=couriers["on_time"] * _MINUTE_S,
            off_s=couriers["off_time"] * _MINUTE_S,
        ),
        rules=_rules(promise_s, given, chosen),
    )
    return with_store_means(day) if chosen["estimates"] else day


def _rules(promise_s: int, given: Mapping[str, Any], chosen: Mapping[str, Any]) -> DayRules:
    pickup_s, dropoff_s = given["pickup"] * _MINUTE_S, given["dropoff"] * _MINUTE_S
    give_up_s = chosen["give_up_min"] * _MINUTE_S
    return DayRules(
        tick_s=chosen["tick_s"],
        park_s=pickup_s // 2,
        pickup_s=pickup_s - pickup_s // 2,
        dropoff_s=dropoff_s // 2,
        leave_s=dropoff_s - dropoff_s // 2,
        max_bundle=chosen["max_bundle"],
        promise_s=promise_s,
        max_late_s=-1 if give_up_s < 0 else max(0, give_up_s - promise_s),
        max_wait_s=_MOST_MIN * _MINUTE_S,
        wage_cents_per_hour=round(given["guarantee"] * 100),
        pay_cents_per_order=round(given["pay"] * 100),
        is_wage_guarantee=True,
        cents_per_km=0,
        lateness_cents_per_min=0,
        refusal_cents=0,
    )


FORMAT = Format(
    name="mdrp",
    sniff=_sniff,
    read=_read,
    options={
        "tick_s": "seconds between decisions (default 60)",
        "max_bundle": "most orders of a trip (default 3)",
        "prep_factor": "factor on preparation times, rounded up to minutes (default 1)",
        "target_min": "target from click to door; 0 for the instance's own (default 0)",
        "give_up_min": "orders on no trip so long after placement are cancelled; -1 for never "
        "(default -1)",
        "estimates": "1: until an order is ready, only the mean preparation time of its restaurant "
        "is known (default 0: the moment is known when it is placed)",
    },
)
