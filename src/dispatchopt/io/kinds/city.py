"""The city document and the ``City``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.geography.points import Points
from dispatchopt.io.instance import Instance
from dispatchopt.io.kinds._network import network_from, network_tables
from dispatchopt.io.kinds._places import check_apart
from dispatchopt.io.kinds.base import Kind, Parts, points_of
from dispatchopt.io.schema.city import TABLES, CityHeader
from dispatchopt.io.tables import flag, references
from dispatchopt.pipeline.city import (
    City,
    CityParameters,
    CourierShifts,
    Customers,
    DayOrders,
    Sites,
    SiteStatus,
    Skus,
)

_STATUS = {status.name.lower(): int(status) for status in SiteStatus}
_STATUS_NAMES = {code: name for name, code in _STATUS.items()}
_SITE_COLUMNS = ("rent_cents", "volume_ml", "capacity_orders", "pickers")
_SHIFT_COLUMNS = ("on_s", "off_s", "capacity_orders", "capacity_ml")


def build(parts: Parts) -> City:
    """Return the city of a checked document."""
    issues, header = parts.issues, parts.header
    customers, sites, skus = parts["customers"], parts["sites"], parts["skus"]
    nodes, edges = parts["network/nodes"], parts["network/edges"]
    orders = _orders(parts)
    shifts = _shifts(parts)
    network = network_from(nodes, edges, issues)
    check_apart([customers, sites, nodes, parts["couriers"]], issues)
    if header.parameters.travel == "road" and not len(nodes):
        issues.add(
            "missing-table",
            parts.where,
            "no table network/nodes",
            "the tables network/nodes and network/edges, as travel is road",
            "or write travel = straight with a detour_factor",
        )
    issues.raise_if_any()
    variance = skus["demand_variance_units"]
    return City(
        name=header.name,
        customers=Customers(
            ids=customers.ids(),
            points=points_of(customers),
            demand_units=customers["demand_units"],
        ),
        sites=Sites(
            ids=sites.ids(),
            points=points_of(sites),
            status=np.array([_STATUS[word] for word in sites["status"]], dtype=np.int64),
            **{name: sites[name] for name in _SITE_COLUMNS},
        ),
        skus=Skus(
            ids=skus.ids(),
            names=skus.ids("name"),
            abc_class=skus.ids("abc_class"),
            demand_variance_units=np.where(np.isnan(variance), skus["demand_mean_units"], variance),
            **{
                each.name: skus[each.name]
                for each in dataclasses.fields(Skus)
                if each.name not in ("ids", "names", "abc_class", "demand_variance_units")
            },
        ),
        orders=orders,
        couriers=shifts,
        parameters=CityParameters(**header.parameters.model_dump()),
        network=network,
        source=header.source,
        notes=header.notes,
    )


def _orders(parts: Parts) -> DayOrders:
    orders, lines = parts["orders"], parts["order_lines"]
    customer = references(orders, "customer", parts["customers"], parts.issues)
    order = references(lines, "order", orders, parts.issues)
    sku = references(lines, "sku", parts["skus"], parts.issues)
    by_time = np.argsort(orders["placed_s"], kind="stable")
    rank = np.empty(len(orders), dtype=np.int64)
    rank[by_time] = np.arange(len(orders))
    owner = np.where(order >= 0, rank[np.maximum(order, 0)], 0) if len(orders) else order * 0
    by_owner = np.argsort(owner, kind="stable")
    counts = (
        np.bincount(owner, minlength=len(orders)) if len(orders) else np.zeros(0, dtype=np.int64)
    )
    ids = orders.ids()
    return DayOrders(
        ids=tuple(ids[row] for row in by_time),
        customer_idx=customer[by_time],
        placed_s=orders["placed_s"][by_time],
        is_surge=orders["is_surge"][by_time],
        line_ptr=np.concatenate([[0], np.cumsum(counts)]),
        line_sku=sku[by_owner],
        line_units=lines["units"][by_owner],
    )


def _shifts(parts: Parts) -> CourierShifts:
    table, issues = parts["couriers"], parts.issues
    flag(
        table,
        "off_s",
        table["off_s"] < table["on_s"],
        "bad-order",
        "a time not before on_s",
        issues,
        "a shift past midnight ends above 86400",
    )
    known = np.isfinite(table["lon"])
    half = known != np.isfinite(table["lat"])
    flag(table, "lat", half, "missing-value", "both lon and lat, or neither", issues)
    if known.any():
        wanted = "a place, as other couriers have one"
        flag(table, "lon", ~known & ~half, "missing-value", wanted, issues)
    return CourierShifts(
        ids=table.ids(),
        vehicles=table.ids("vehicle"),
        points=Points(lon=np.nan_to_num(table["lon"]), lat=np.nan_to_num(table["lat"]))
        if known.any()
        else None,
        **{name: table[name] for name in _SHIFT_COLUMNS},
    )


def lay_out(
    instance: Instance,
) -> tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]:
    """Return header fields and tables of a city."""
    city: City = instance.problem
    customers, sites, skus = city.customers, city.sites, city.skus
    orders, couriers = city.orders, city.couriers
    owner = np.repeat(np.arange(len(orders)), np.diff(orders.line_ptr))
    tables: dict[str, dict[str, Any]] = {
        "customers": {
            "id": customers.ids,
            "lon": customers.points.lon,
            "lat": customers.points.lat,
            "demand_units": customers.demand_units,
        },
        "sites": {
            "id": sites.ids,
            "lon": sites.points.lon,
            "lat": sites.points.lat,
            "status": [_STATUS_NAMES[int(code)] for code in sites.status],
            **{name: getattr(sites, name) for name in _SITE_COLUMNS},
        },
        "skus": {
            {"ids": "id", "names": "name"}.get(each.name, each.name): getattr(skus, each.name)
            for each in dataclasses.fields(Skus)
        },
        "orders": {
            "id": orders.ids,
            "customer": [customers.ids[row] for row in orders.customer_idx],
            "placed_s": orders.placed_s,
            "is_surge": orders.is_surge,
        },
        "order_lines": {
            "order": [orders.ids[row] for row in owner],
            "sku": [skus.ids[row] for row in orders.line_sku],
            "units": orders.line_units,
        },
        "couriers": {
            "id": couriers.ids,
            "vehicle": couriers.vehicles,
            **_courier_places(couriers),
            **{name: getattr(couriers, name) for name in _SHIFT_COLUMNS},
        },
        **network_tables(city.network),
    }
    kept = {name: columns for name, columns in tables.items() if len(next(iter(columns.values())))}
    return {"parameters": dataclasses.asdict(city.parameters)}, kept


def _courier_places(couriers: CourierShifts) -> dict[str, Any]:
    if couriers.points is None:
        return {}
    return {"lon": couriers.points.lon, "lat": couriers.points.lat}


KIND = Kind(
    name="city",
    header=CityHeader,
    rows=TABLES,
    build=build,
    lay_out=lay_out,
    problem_type=lambda: City,
    required=("customers", "sites"),
    has_places=True,
)
