"""Places of customers as a city: what readers of CSV and GeoJSON share."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dispatchopt.geography.distance import LocalPlane
from dispatchopt.geography.points import Points
from dispatchopt.io.document import Document, Table, typed
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.rows import CustomerRow
from dispatchopt.io.tables import check_table

_WORDS = {
    "id": ("id", "name", "customer", "customer_id"),
    "lon": ("lon", "lng", "long", "longitude", "x"),
    "lat": ("lat", "latitude", "y"),
    "demand_units": ("demand_units", "demand", "weight", "population", "orders"),
}
OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "site_every_m": (int, 1000, 50, 100_000),
    "max_sites": (int, 10, 1, 10**6),
    "rent_cents": (int, 20_000, 0, 10**9),
}
OPTION_TEXTS = {
    "site_every_m": "side of squares; a candidate site in each that holds customers (default 1000)",
    "max_sites": "stores to open (default 10)",
    "rent_cents": "rent of a site per day (default 20000)",
}


def column_names(given: Iterable[str]) -> dict[str, str]:
    """Return our name for each column that can be told; the first of several wins."""
    found: dict[str, str] = {}
    for ours, words in _WORDS.items():
        for name in given:
            if name.strip().lower() in words and ours not in found.values():
                found[name] = ours
    return found


def city_document(
    table: Table, name: str, where: str, chosen: Mapping[str, Any], left_out: list[str]
) -> Document:
    """Return the city document of customers, with candidate sites where they are.

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
    issues = Issues()
    checked = check_table("customers", table, CustomerRow, issues)
    issues.raise_if_any()
    notes: dict[str, Any] = {"options": dict(chosen)}
    if left_out:
        notes["columns left out"] = left_out
    header = {
        "format": "dispatchopt",
        "version": 1,
        "kind": "city",
        "name": name,
        "parameters": {"travel": "straight", "max_sites": chosen["max_sites"]},
        "notes": notes,
    }
    sites = _sites(Points(lon=checked["lon"], lat=checked["lat"]), chosen)
    return Document(header=header, tables={"customers": table, "sites": sites}, where=where)


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
            "rent_cents": [chosen["rent_cents"]] * len(counts),
        },
    )
