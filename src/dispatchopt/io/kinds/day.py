"""The day document and the ``Day``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.errors import InputError
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.tables import Couriers, Orders, Stores
from dispatchopt.geography.given import MatrixTravel
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.geography.profiles import PROFILES, profile_named
from dispatchopt.geography.router import Travel
from dispatchopt.geography.straight import StraightTravel
from dispatchopt.io.cells import NO_INT
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Said, single
from dispatchopt.io.kinds._incidents import incident_table, read_incidents
from dispatchopt.io.kinds._pairs import check_once, names_or_numbers
from dispatchopt.io.kinds._travel import matrices, matrix_table, routers
from dispatchopt.io.kinds.base import Kind, Parts, points_of
from dispatchopt.io.schema.day import TABLES, DayHeader
from dispatchopt.io.tables import flag, references
from dispatchopt.simulation.day import Day

Array = npt.NDArray[Any]
_STORE = ("pickers", "pick_base_s", "pick_line_s", "open_s", "close_s")
_COURIER = ("on_s", "off_s", "capacity_orders", "capacity_ml", "pace")
#: Travel that is no matrix and no line is written as a matrix, up to this many places.
_MOST_PLACES = 3000


def build(parts: Parts) -> Day:
    """Return the day of a checked document."""
    issues, given = parts.issues, parts.header.parameters
    skus, places = parts["skus"], parts["places"]
    travel = _travel(parts)
    orders = _orders(parts)
    stores = _stores(parts)
    couriers = _couriers(parts)
    incidents = read_incidents(parts)
    known = np.isfinite(places["lon"]) & np.isfinite(places["lat"])
    if known.any():
        wanted = "a coordinate, as other places have one"
        for column in ("lon", "lat"):
            flag(places, column, np.isnan(places[column]), "missing-value", wanted, issues)
    issues.raise_if_any()
    try:
        return Day(
            name=parts.header.name,
            travel=travel,  # type: ignore[arg-type]  # None is an issue, which has been raised
            orders=Orders(**orders),
            stores=Stores(**stores),
            couriers=Couriers(**couriers),
            rules=DayRules(**given.rules.model_dump()),
            places=points_of(places) if known.any() else None,
            sku_ids=skus.ids(),
            incidents=incidents,
        )
    except InputError as error:
        issues.extend(error.issues)
        issues.raise_if_any()
        raise


def _travel(parts: Parts) -> Travel | None:
    given = parts.header.parameters
    if given.travel == "given":
        found = matrices(parts, [(given.matrix_profile, given.source)])
        if not found:
            return None
        profile = None if given.vehicle is None else profile_named(given.vehicle)
        return MatrixTravel(matrix=found[0], profile=profile)
    measured = routers(parts, [given.vehicle or "e-bike"])
    return measured[0].travel(points_of(parts["places"])) if measured else None


def _grouped(owner: Array, size: int, values: dict[str, Array]) -> dict[str, Array]:
    """Return rows gathered by owner in their own order (CSR); rows without owner are issues."""
    order = np.argsort(owner, kind="stable")
    counts = np.bincount(np.maximum(owner, 0), minlength=size) if size else np.zeros(0, np.int64)
    return {
        "ptr": np.concatenate([[0], np.cumsum(counts)]),
        **{name: column[order] for name, column in values.items()},
    }


def _orders(parts: Parts) -> dict[str, Any]:
    issues, orders = parts.issues, parts["orders"]
    lines, options = parts["order_lines"], parts["order_stores"]
    place = references(orders, "place", parts["places"], issues)
    line = _grouped(
        references(lines, "order", orders, issues),
        len(orders),
        {"sku": references(lines, "sku", parts["skus"], issues), "units": lines["units"]},
    )
    owner = references(options, "order", orders, issues)
    store = references(options, "store", parts["stores"], issues)
    check_once(options, "store", (owner, store), issues)
    if "order_stores" in parts.given:
        option = _grouped(owner, len(orders), {"store": store})
    else:
        num = len(parts["stores"])
        option = {
            "ptr": np.arange(len(orders) + 1) * num,
            "store": np.tile(np.arange(num), len(orders)),
        }
    placed, ready = orders["placed_s"], orders["ready_s"]
    promise = parts.header.parameters.rules.promise_s
    due = np.where(orders["due_s"] == NO_INT, placed + promise, orders["due_s"])
    flag(orders, "due_s", due < placed, "bad-order", "a time not before placed_s", issues)
    is_early = (ready >= 0) & (ready < placed)
    flag(orders, "ready_s", is_early, "bad-order", "-1, or a time not before placed_s", issues)
    expected = np.where(orders["expected_ready_s"] == NO_INT, ready, orders["expected_ready_s"])
    is_wrong = np.where(ready < 0, expected != -1, expected < placed) & ~is_early
    wanted = "a time not before placed_s, and -1 where ready_s is -1"
    flag(orders, "expected_ready_s", is_wrong, "bad-order", wanted, issues)
    return {
        "ids": orders.ids(),
        "place_idx": place,
        "placed_s": placed,
        "due_s": due,
        "ready_s": ready,
        "option_ptr": option["ptr"],
        "option_store": option["store"],
        "line_ptr": line["ptr"],
        "line_sku": line["sku"],
        "line_units": line["units"],
        "load_ml": orders["load_ml"],
        "expected_ready_s": expected if (orders["expected_ready_s"] != NO_INT).any() else None,
    }


def _stores(parts: Parts) -> dict[str, Any]:
    issues, stores, stock = parts.issues, parts["stores"], parts["stock"]
    place = references(stores, "place", parts["places"], issues)
    store = references(stock, "store", stores, issues)
    sku = references(stock, "sku", parts["skus"], issues)
    check_once(stock, "sku", (store, sku), issues)
    units = None
    if "stock" in parts.given and not len(issues):
        units = np.zeros((len(stores), len(parts["skus"])), dtype=np.int64)
        units[store, sku] = stock["units"]
    columns = {name: stores[name] for name in _STORE}
    return {"ids": stores.ids(), "place_idx": place, **columns, "stock_units": units}


def _couriers(parts: Parts) -> dict[str, Any]:
    issues, couriers = parts.issues, parts["couriers"]
    place = references(couriers, "place", parts["places"], issues)
    store = references(couriers, "store", parts["stores"], issues)
    is_early = couriers["off_s"] < couriers["on_s"]
    hint = "a shift past midnight ends above 86400"
    flag(couriers, "off_s", is_early, "bad-order", "a time not before on_s", issues, hint)
    vehicles = couriers.ids("vehicle") if "vehicle" in couriers.table.columns else ()
    return {
        "ids": couriers.ids(),
        "place_idx": place,
        "store_idx": store,
        **{name: couriers[name] for name in _COURIER},
        "vehicle": vehicles,
    }


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of a day."""
    day: Day = instance.problem
    orders, stores, couriers = day.orders, day.stores, day.couriers
    places = names_or_numbers(instance.names.get("places"), day.travel.num_places)
    parameters, matrix = _laid_travel(day.travel, places)
    order_ids = names_or_numbers(orders.ids, len(orders))
    store_ids = names_or_numbers(stores.ids, len(stores))
    sku_ids = names_or_numbers(day.sku_ids, len(day.sku_ids))
    owner = np.repeat(np.arange(len(orders)), np.diff(orders.option_ptr))
    line_owner = np.repeat(np.arange(len(orders)), orders.num_lines)
    place_columns: dict[str, Any] = {"id": places}
    if day.places is not None:
        place_columns |= {"lon": day.places.lon, "lat": day.places.lat}
    moments = ["placed_s", "due_s", "ready_s"]
    if orders.expected_ready_s is not None:
        moments.append("expected_ready_s")
    tables: dict[str, dict[str, Any]] = {
        "places": place_columns,
        **({"matrix": matrix} if matrix else {}),
        "orders": {
            "id": order_ids,
            "place": places[orders.place_idx],
            **{name: getattr(orders, name) for name in (*moments, "load_ml")},
        },
        "order_stores": {"order": order_ids[owner], "store": store_ids[orders.option_store]},
        "order_lines": {
            "order": order_ids[line_owner],
            "sku": sku_ids[orders.line_sku],
            "units": orders.line_units,
        },
        "skus": {"id": sku_ids},
        "stores": {
            "id": store_ids,
            "place": places[stores.place_idx],
            **{name: getattr(stores, name) for name in _STORE},
        },
        "couriers": {
            "id": couriers.ids,
            "place": places[couriers.place_idx],
            "store": ["" if row < 0 else store_ids[row] for row in couriers.store_idx],
            **{name: getattr(couriers, name) for name in _COURIER},
            **({"vehicle": couriers.vehicle} if couriers.vehicle else {}),
        },
    }
    if stores.stock_units is not None:
        store, sku = np.nonzero(stores.stock_units)
        tables["stock"] = {
            "store": store_ids[store],
            "sku": sku_ids[sku],
            "units": stores.stock_units[store, sku],
        }
    tables["incidents"] = incident_table(
        day.incidents, order=order_ids, store=store_ids, courier=couriers.ids
    )
    parameters["rules"] = dataclasses.asdict(day.rules)
    always = ("order_stores", "stock", "matrix")
    kept = {
        name: columns
        for name, columns in tables.items()
        if name in always or len(next(iter(columns.values())))
    }
    return {"parameters": parameters}, kept


def _laid_travel(travel: Travel, places: Array) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return parameters of travel, and the table of its matrix if it is one."""
    if isinstance(travel, StraightTravel):
        profile = travel.router.profile
        if PROFILES.get(profile.name) == profile:
            detour = travel.router.detour_factor
            return {"travel": "straight", "vehicle": profile.name, "detour_factor": detour}, {}
    matrix, vehicle = _matrix_of(travel)
    parameters = {
        "travel": "given",
        "source": matrix.source,
        "matrix_profile": matrix.profile,
        **({"vehicle": vehicle} if vehicle else {}),
    }
    columns = matrix_table((matrix,), places)
    del columns["profile"]
    return parameters, columns


def _matrix_of(travel: Travel) -> tuple[TravelMatrix, str | None]:
    if isinstance(travel, MatrixTravel):
        profile = travel.profile
        if profile is None or PROFILES.get(profile.name) == profile:
            return travel.matrix, None if profile is None else profile.name
        raise single(
            "conflict", "travel", Said(f"an own profile {profile.name}"), "a shipped profile"
        )
    if travel.num_places > _MOST_PLACES:
        found = Said(f"travel among {travel.num_places} places")
        wanted = f"at most {_MOST_PLACES} places, as all pairs are written"
        raise single("too-long", "travel", found, wanted, "write the city in place of its day")
    every = np.arange(travel.num_places)
    matrix = travel.block(every, every)
    return matrix, matrix.profile if matrix.profile in PROFILES else None


KIND = Kind(
    name="day",
    header=DayHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: Day,
    required=("places", "orders", "stores", "couriers"),
)
