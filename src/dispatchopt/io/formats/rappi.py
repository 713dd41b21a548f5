"""Rappi city-days: orders with pick-up and drop-off places, and couriers with shifts, as a city.

A folder holds ``orders.csv`` and ``couriers.csv``, or ``orders_brkga.csv``, ``stores_brkga.csv``
and ``couriers_brkga.csv``. What the city takes from them:

- drop-offs become customers; drop-offs at one and the same place are one customer, and its demand
  is the number of its orders;
- pick-ups become candidate sites; those in one square of ``merge_m`` metres are one site, at the
  mean of its orders' pick-ups;
- baskets are unknown, so there are no SKUs; preparation times belong to restaurants and are left
  out, as stores pick by themselves;
- rents, pickers and the number of stores are not in the data: they are the options below.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import BoolArray
from dispatchopt.geography.distance import LocalPlane, straight_m
from dispatchopt.geography.points import Points
from dispatchopt.io.encodings.folder import read_csv
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said
from dispatchopt.io.schema.base import Row, column, ident, lat_column, lon_column, refers
from dispatchopt.io.tables import Checked, check_table, flag, references
from dispatchopt.pipeline.city import (
    City,
    CityParameters,
    CourierShifts,
    Customers,
    DayOrders,
    Sites,
    Skus,
)

_CITIES = ("Bogota", "Cali", "Medellin", "Bucaramanga", "Pereira", "Barranquilla")
VEHICLES = {"motorcycle": "motorcycle", "bicycle": "bicycle", "car": "car", "walking": "walk"}
_DAY_S = 86_400
_OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "merge_m": (int, 500, 0, 100_000),
    "far_m": (int, 40_000, 1, 10**7),
    "rent_cents": (int, 20_000, 0, 10**9),
    "pickers": (int, 12, 1, 10_000),
    "max_sites": (int, 0, 0, 10**6),
    "detour_factor": (float, 1.4, 1.0, 10.0),
}

Times = npt.NDArray[np.int64]


class _Courier(Row):
    key: ClassVar[str | None] = "courier_id"
    courier_id: str = ident()
    vehicle: Literal["motorcycle", "bicycle", "car", "walking"] = column(description="Vehicle.")
    on_lat: float = lat_column()
    on_lng: float = lon_column()
    on_time: str = column(description="Start of the shift, H:MM:SS.", min_length=1)
    off_time: str = column(description="End of the shift, H:MM:SS.", min_length=1)


class _Drop(Row):
    key: ClassVar[str | None] = "order_id"
    order_id: str = ident()
    drop_off_lat: float = lat_column()
    drop_off_lng: float = lon_column()
    placement_time: str = column(description="When it was placed, H:MM:SS.", min_length=1)
    preparation_time: str = column("", description="Not used.")
    ready_time: str = column("", description="Not used.")
    expected_drop_off_time: str = column("", description="Not used.")


class _Order(_Drop):
    pick_up_lat: float = lat_column()
    pick_up_lng: float = lon_column()


class _StoreOrder(_Drop):
    store_id: str = refers("stores", "Where it is picked up.")


class _Store(Row):
    key: ClassVar[str | None] = "store_id"
    store_id: str = ident()
    pick_up_lat: float = lat_column()
    pick_up_lng: float = lon_column()


def _sniff(path: Path) -> bool:
    if not path.is_dir():
        return False
    for name in ("couriers.csv", "couriers_brkga.csv"):
        file = path / name
        if file.is_file():
            with file.open("rb") as stream:
                return stream.read(64).startswith(b"courier_id,vehicle,on_lat,on_lng")
    return False


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_options(options, _OPTIONS)
    issues = Issues()
    orders, couriers, pickups = tables_of(path, issues)
    issues.raise_if_any()
    placed_s = times_of(orders, "placement_time", issues)
    on_s, off_s = (times_of(couriers, name, issues) for name in ("on_time", "off_time"))
    issues.raise_if_any()
    notes: dict[str, Any] = {"options": chosen}
    starts = Points(lon=couriers["on_lng"], lat=couriers["on_lat"])
    is_far = straight_m(starts, _middle(_drops(orders))) > chosen["far_m"]
    city = City(
        name=name_of(path),
        **_places(orders, pickups, placed_s, chosen, notes),
        skus=_no_skus(),
        couriers=_shifts(couriers, on_s, off_s, is_far, notes),
        source="Rappi, real city-day; no licence is stated: for benchmarks only",
        notes=notes,
    )
    return Instance(name=city.name, kind="city", problem=city, source=city.source, notes=city.notes)


def tables_of(path: Path, issues: Issues) -> tuple[Checked, Checked, Points]:
    """Return orders, couriers and the pick-up of each order of a folder.

    Raises
    ------
    InputError
        Listing everything that is wrong.
    """
    suffix = "_brkga" if (path / "orders_brkga.csv").is_file() else ""
    couriers = _table(path / f"couriers{suffix}.csv", _Courier, issues)
    orders = _table(path / f"orders{suffix}.csv", _StoreOrder if suffix else _Order, issues)
    pickups = None
    if orders is not None and suffix:
        pickups = _pickups_of_stores(path, orders, issues)
    issues.raise_if_any()
    assert orders is not None and couriers is not None  # noqa: PT018 - an issue otherwise
    if pickups is None:
        pickups = Points(lon=orders["pick_up_lng"], lat=orders["pick_up_lat"])
    return orders, couriers, pickups


def _table(path: Path, model: type[Row], issues: Issues) -> Checked | None:
    if not path.is_file():
        found = Said("no such file")
        issues.add("no-file", str(path), found, "the table of a city-day", "orders are needed")
        return None
    checked = check_table(path.name, read_csv(path, path.name), model, issues)
    if not len(checked):
        issues.add("empty-table", path.name, Said("no rows"), "at least one row")
    return checked


def _pickups_of_stores(path: Path, orders: Checked, issues: Issues) -> Points | None:
    stores = _table(path / "stores_brkga.csv", _Store, issues)
    if stores is None:
        return None
    row = references(orders, "store_id", stores, issues, key="store_id")
    return Points(lon=stores["pick_up_lng"][row], lat=stores["pick_up_lat"][row])


def times_of(table: Checked, name: str, issues: Issues) -> Times:
    """Return a column of times as seconds; those that are none are issues."""
    seconds = np.array([_seconds(text) for text in table[name]], dtype=np.int64)
    flag(table, name, seconds < 0, "bad-time", "a time H:MM:SS below 24:00:00", issues)
    return seconds


def _seconds(text: str) -> int:
    parts = text.strip().split(":")
    if len(parts) != 3 or not all(
        part.isascii() and part.isdigit() and len(part) < 3 for part in parts
    ):
        return -1
    hours, minutes, seconds = map(int, parts)
    is_time = hours < 24 and minutes < 60 and seconds < 60
    return hours * 3600 + minutes * 60 + seconds if is_time else -1


def _places(
    orders: Checked,
    pickups: Points,
    placed_s: Times,
    chosen: Mapping[str, Any],
    notes: dict[str, Any],
) -> dict[str, Any]:
    drops = _drops(orders)
    middle = _middle(drops)
    distance_m = np.maximum(straight_m(drops, middle), straight_m(pickups, middle))
    kept = np.flatnonzero(distance_m <= chosen["far_m"])
    if len(kept) < len(orders):
        notes["orders left out, as they are too far from the middle"] = len(orders) - len(kept)
    kept = kept[np.argsort(placed_s[kept], kind="stable")]
    lonlat = np.column_stack([drops.lon[kept], drops.lat[kept]])
    homes, customer = np.unique(lonlat, axis=0, return_inverse=True)
    customer = customer.reshape(-1)
    sites = _sites(pickups[kept], chosen)
    ids = orders.ids("order_id")
    max_sites = chosen["max_sites"] or max(2, -(-len(kept) // 150))
    notes["sites"] = f"{len(pickups)} pick-ups in squares of {chosen['merge_m']} m"
    vehicle = "motorcycle"
    return {
        "customers": Customers(
            ids=tuple(f"d{row + 1}" for row in range(len(homes))),
            points=Points(lon=homes[:, 0], lat=homes[:, 1]),
            demand_units=np.bincount(customer, minlength=len(homes)),
        ),
        "sites": sites,
        "orders": DayOrders(
            ids=tuple(ids[row] for row in kept),
            customer_idx=customer,
            placed_s=placed_s[kept],
            is_surge=np.zeros(len(kept), dtype=bool),
            line_ptr=np.zeros(len(kept) + 1, dtype=np.int64),
            line_sku=np.zeros(0, dtype=np.int64),
            line_units=np.zeros(0, dtype=np.int64),
        ),
        "parameters": CityParameters(
            travel="straight",
            detour_factor=chosen["detour_factor"],
            vehicle=vehicle,
            max_sites=min(max_sites, len(sites)),
        ),
    }


def _drops(orders: Checked) -> Points:
    return Points(lon=orders["drop_off_lng"], lat=orders["drop_off_lat"])


def _middle(places: Points) -> Points:
    return Points(lon=np.array([np.median(places.lon)]), lat=np.array([np.median(places.lat)]))


def _sites(pickups: Points, chosen: Mapping[str, Any]) -> Sites:
    """Return one site per occupied square, at the mean place of the orders picked up in it."""
    plane = LocalPlane.around(pickups)
    size = max(chosen["merge_m"], 1)
    squares = np.floor(plane.to_xy(pickups) / size).astype(np.int64)
    if chosen["merge_m"] == 0:
        squares = np.column_stack([pickups.lon, pickups.lat])
    _, square = np.unique(squares, axis=0, return_inverse=True)
    square = square.reshape(-1)
    counts = np.bincount(square)
    num = len(counts)
    zeros = np.zeros(num, dtype=np.int64)
    return Sites(
        ids=tuple(f"p{row + 1}" for row in range(num)),
        points=Points(
            lon=np.bincount(square, weights=pickups.lon) / counts,
            lat=np.bincount(square, weights=pickups.lat) / counts,
        ),
        status=zeros,
        rent_cents=np.full(num, chosen["rent_cents"]),
        volume_ml=zeros,
        capacity_orders=zeros,
        pickers=np.full(num, chosen["pickers"]),
    )


def _shifts(
    couriers: Checked, on_s: Times, off_s: Times, is_far: BoolArray, notes: dict[str, Any]
) -> CourierShifts:
    if is_far.any():
        notes["couriers left out, as they start too far from the middle"] = int(is_far.sum())
    is_empty = (on_s == off_s) & ~is_far
    if is_empty.any():
        notes["couriers left out, as their shift has no length"] = int(is_empty.sum())
    is_late = (off_s < on_s) & ~is_far
    if is_late.any():
        notes["shifts taken to end after midnight"] = int(is_late.sum())
    kept = np.flatnonzero(~is_empty & ~is_far)
    ids, vehicles = couriers.ids("courier_id"), couriers.ids("vehicle")
    return CourierShifts(
        ids=tuple(f"c{ids[row].removeprefix('c')}" for row in kept),
        vehicles=tuple(VEHICLES[vehicles[row]] for row in kept),
        points=Points(lon=couriers["on_lng"][kept], lat=couriers["on_lat"][kept]),
        on_s=on_s[kept],
        off_s=(off_s + _DAY_S * is_late)[kept],
        capacity_orders=np.full(len(kept), 4),
        capacity_ml=np.full(len(kept), 60_000),
    )


def _no_skus() -> Skus:
    none: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    return Skus(
        ids=(),
        names=(),
        abc_class=(),
        is_fresh=none.astype(bool),
        shelf_life_days=none,
        volume_ml=none,
        price_cents=none,
        margin_cents=none,
        holding_cents=none.astype(float),
        case_pack_units=none,
        demand_mean_units=none.astype(float),
        demand_variance_units=none.astype(float),
        available_units=none,
    )


def name_of(path: Path) -> str:
    """Return the name of a folder's day."""
    name = path.resolve().name
    if name.isascii() and name.isdigit() and int(name) < 18:
        return f"Rappi {_CITIES[int(name) % 6]}, day {int(name) // 6 + 1} (instance {name})"
    return f"Rappi {name}"


FORMAT = Format(
    name="rappi",
    sniff=_sniff,
    read=_read,
    options={
        "merge_m": "side of the squares in which pick-ups are one site; 0 for none (default 500)",
        "far_m": "orders and couriers beyond this distance from the middle of the drop-offs are "
        "left out (default 40000)",
        "rent_cents": "rent of a site per day (default 20000)",
        "pickers": "orders that a site picks at the same time (default 12)",
        "max_sites": "stores to open; 0 for one per 150 orders, at least 2 (default 0)",
        "detour_factor": "road metres per metre of straight line (default 1.4)",
    },
)
