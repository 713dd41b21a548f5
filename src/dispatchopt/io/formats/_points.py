"""Places of customers as a city or a siting problem: what readers of places, cells and areas share.

Options of all of them say what is made of the customers, and whether customers are merged.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dispatchopt.geography.binning import h3_bins, square_bins
from dispatchopt.geography.distance import LocalPlane
from dispatchopt.geography.points import Points
from dispatchopt.io.document import Document, Table, typed
from dispatchopt.io.formats._base import take_options
from dispatchopt.io.issues import Issues, single
from dispatchopt.io.kinds._places import check_apart, check_crs, limits_for, to_wgs84
from dispatchopt.io.schema.base import columns_of
from dispatchopt.io.schema.rows import CustomerRow
from dispatchopt.io.tables import Checked, check_table

_WORDS = {
    "id": ("id", "name", "customer", "customer_id"),
    "lon": ("lon", "lng", "long", "longitude", "x"),
    "lat": ("lat", "latitude", "y"),
    "demand_units": ("demand_units", "demand", "weight", "population", "pop", "orders"),
}
KINDS = ("city", "siting")
OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "kind": (str, "city", 0, 0),
    "site_every_m": (int, 1000, 50, 100_000),
    "max_sites": (int, 10, 1, 10**6),
    "rent_cents": (int, 20_000, 0, 10**9),
    "reach_m": (int, 3000, 0, 10**6),
    "detour_factor": (float, 1.4, 1, 10),
    "demand": (str, "", 0, 0),
    "crs": (str, "WGS84", 0, 0),
    "bin_m": (int, 0, 0, 100_000),
    "bin_h3": (int, -1, -1, 15),
}
OPTION_TEXTS = {
    "kind": "document that is made: city (default) or siting",
    "site_every_m": "side of squares; a candidate site in each that holds customers (default 1000)",
    "max_sites": "stores to open (default 10)",
    "rent_cents": "rent of a site per day (default 20000)",
    "reach_m": "a site serves customers up to this distance (default 3000)",
    "detour_factor": "road metres per metre of straight line (default 1.4)",
    "demand": "column or property that holds the demand (default: told by its name)",
    "crs": "reference system of the coordinates, such as EPSG:3035 (default WGS84)",
    "bin_m": "side of squares by which customers are merged (default 0: not at all)",
    "bin_h3": "resolution of H3 cells by which customers are merged (default -1: not at all)",
}


def take_place_options(
    given: Mapping[str, Any], more: Mapping[str, tuple[type, Any, float, float]] | None = None
) -> dict[str, Any]:
    """Return options with defaults, those of a format among them; wrong ones are refused."""
    chosen = take_options(given, {**OPTIONS, **(more or {})})
    issues = Issues()
    if chosen["kind"] not in KINDS:
        issues.add("bad-choice", "option kind", chosen["kind"], "one of " + ", ".join(KINDS))
    crs = str(chosen["crs"])
    known = crs in ("WGS84", "GCJ-02", "BD-09") or (crs[:5] == "EPSG:" and crs[5:].isdigit())
    if not known:
        wanted = "WGS84, GCJ-02, BD-09, or EPSG: and a number"
        issues.add("wrong-crs", "option crs", crs, wanted)
    else:
        check_crs(crs, "option", issues)
    if chosen["bin_m"] and chosen["bin_h3"] >= 0:
        issues.add("conflict", "option bin_h3", chosen["bin_h3"], "one of bin_m and bin_h3")
    issues.raise_if_any()
    return chosen


def column_names(given: Iterable[str], demand: str = "") -> dict[str, str]:
    """Return our name for each column that can be told; the first of several wins.

    Parameters
    ----------
    given
        Names of columns as they stand in the file.
    demand
        Name of the column that holds the demand; told by its name if empty.
    """
    found: dict[str, str] = {}
    given = list(given)
    for ours, words in _WORDS.items():
        for name in given:
            is_it = name.strip().lower() in words
            if ours == "demand_units" and demand:
                is_it = name == demand
            if is_it and ours not in found.values() and name not in found:
                found[name] = ours
    return found


def require_demand(names: Mapping[str, str], table: Table, demand: str) -> None:
    """Raise if the column of demand that was asked for is not there."""
    if demand and demand not in names:
        wanted = "one of " + ", ".join(str(each) for each in table.columns)
        raise single("missing-column", f"{table.where}, option demand", demand, wanted[:300])


def city_document(
    table: Table, name: str, where: str, chosen: Mapping[str, Any], left_out: list[str]
) -> Document:
    """Return the document of customers, with candidate sites where they are.

    Parameters
    ----------
    table
        The customers, with our names of columns.
    name, where
        Name of the city, and of the file.
    chosen
        Options.
    left_out
        Columns of the file that were not used.
    """
    if "id" not in table.columns:
        ids = [f"c{row + 1}" for row in range(table.num_rows)]
        table = dataclasses.replace(table, columns={"id": ids, **table.columns})
    notes: dict[str, Any] = {"options": dict(chosen)}
    if left_out:
        notes["columns left out"] = left_out
    issues = Issues()
    crs = chosen["crs"]
    limits = limits_for(crs, columns_of(CustomerRow))
    checked = to_wgs84(check_table("customers", table, CustomerRow, issues, limits), crs, issues)
    issues.raise_if_any()
    check_apart([checked], issues)
    issues.raise_if_any()
    places, customers = _customers(checked, table, chosen, notes)
    return Document(
        header=_header(name, chosen, notes),
        tables={"customers": customers, "sites": _sites(places, chosen)},
        where=where,
    )


def _customers(
    checked: Checked, table: Table, chosen: Mapping[str, Any], notes: dict[str, Any]
) -> tuple[Points, Table]:
    """Return where customers are, and their table: merged, or as it stands in the file."""
    places = Points(lon=checked["lon"], lat=checked["lat"])
    if not chosen["bin_m"] and chosen["bin_h3"] < 0:
        if chosen["crs"] == "WGS84":
            return places, table
        columns = {"id": list(checked.ids()), "lon": places.lon.tolist()}
        columns |= {"lat": places.lat.tolist(), "demand_units": checked["demand_units"].tolist()}
        return places, typed("customers", columns)
    units = checked["demand_units"]
    if chosen["bin_m"]:
        bins = square_bins(places, units, chosen["bin_m"])
    else:
        bins = h3_bins(places, units, chosen["bin_h3"])
    notes["places merged"] = (
        f"{len(places)} into {len(bins.points)}; none moved by more than {bins.max_shift_m} m, and "
        "no straight line changes by more than that"
    )
    columns = {"id": list(bins.ids), "lon": bins.points.lon.tolist()}
    columns |= {"lat": bins.points.lat.tolist(), "demand_units": bins.units.tolist()}
    return bins.points, typed("customers", columns)


def _header(name: str, chosen: Mapping[str, Any], notes: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {
        "travel": "straight",
        "max_sites": chosen["max_sites"],
        "reach_m": chosen["reach_m"],
        "detour_factor": chosen["detour_factor"],
    }
    return {
        "format": "dispatchopt",
        "version": 1,
        "kind": chosen["kind"],
        "name": name,
        "parameters": parameters,
        "notes": notes,
    }


def with_sites(document: Document, sites: Table) -> Document:
    """Return a document whose candidate sites are those of a table."""
    return dataclasses.replace(document, tables={**document.tables, "sites": sites})


def cost_column(chosen: Mapping[str, Any]) -> str:
    """Return what the document that is made calls the cost of a site."""
    return "rent_cents" if chosen["kind"] == "city" else "cost_cents"


def _sites(places: Points, chosen: Mapping[str, Any]) -> Table:
    if not len(places):
        return typed("sites", {"id": [], "lon": [], "lat": []})
    xy_m = LocalPlane.around(places).to_xy(places)
    squares = np.floor(xy_m / chosen["site_every_m"]).astype(np.int64)
    _, square = np.unique(squares, axis=0, return_inverse=True)
    square = square.reshape(-1)
    counts = np.bincount(square)
    return typed(
        "sites",
        {
            "id": [f"s{row + 1}" for row in range(len(counts))],
            "lon": (np.bincount(square, weights=places.lon) / counts).tolist(),
            "lat": (np.bincount(square, weights=places.lat) / counts).tolist(),
            cost_column(chosen): [chosen["rent_cents"]] * len(counts),
        },
    )
