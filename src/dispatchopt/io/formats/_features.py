"""A map's features, sorted by what they are: customers, sites, areas, and where people are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dispatchopt.geography.points import Points
from dispatchopt.io.document import Document, Table
from dispatchopt.io.formats._areas import Areas, Weights, areas_document
from dispatchopt.io.formats._points import (
    city_document,
    column_names,
    require_demand,
    with_sites,
)
from dispatchopt.io.issues import Issues, Said
from dispatchopt.io.kinds._places import limits_for, to_wgs84
from dispatchopt.io.schema.base import columns_of
from dispatchopt.io.schema.rows import CustomerRow, SiteRow
from dispatchopt.io.schema.siting import SitingSiteRow
from dispatchopt.io.tables import check_table

#: Words of the property ``layer`` (or ``kind``), and what they mean.
_LAYERS = {"site": "sites", "sites": "sites", "weight": "weights", "weights": "weights"}


@dataclass
class Features:
    """Records of a map by what they are, each with the number of its row in the file."""

    customers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    sites: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    weights: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    areas: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    shapes: list[Any] = field(default_factory=list)
    said: dict[int, str] = field(default_factory=dict)

    def add_point(self, row: int, properties: Mapping[str, Any], lon: Any, lat: Any) -> None:
        """Keep a point under what its property ``layer`` says; a customer without one."""
        layer = properties.get("layer", properties.get("kind"))
        record = {k: cell for k, cell in properties.items() if k not in ("layer", "kind")}
        record |= {"lon": lon, "lat": lat}
        word = _LAYERS.get(layer, "customers") if isinstance(layer, str) else "customers"
        {"sites": self.sites, "weights": self.weights}.get(word, self.customers).append(
            (row, record)
        )

    def add_area(self, row: int, properties: Mapping[str, Any], shape: Any, said: str) -> None:
        """Keep an area; ``said`` tells what stands there in place of a sound shape."""
        if said:
            self.said[len(self.areas)] = said
        self.areas.append((row, dict(properties)))
        self.shapes.append(shape)


def document_of_features(
    found: Features, base: Table, path: Path, chosen: Mapping[str, Any], crs: str
) -> Document:
    """Return the document that a map's features make.

    Parameters
    ----------
    found
        The features.
    base
        A table of the file, whose reading of cells and names of places are taken.
    path
        The file.
    chosen
        Options of the reader; ``crs`` is that of the points.
    crs
        Reference system of the areas.
    """
    issues = Issues()
    if found.areas and found.customers:
        for row, _ in found.customers[:20]:
            wanted = "areas only, or points whose property layer is sites or weights"
            issues.add("wrong-type", base.place(row, ""), Said("a point"), wanted, "", base.where)
    if found.weights and not found.areas:
        wanted = "areas, over which the weights share out the people"
        issues.add("empty-table", base.where, Said("weights without areas"), wanted)
    if not found.customers and not found.areas:
        issues.add("empty-table", base.where, Said("no customers"), "at least one point or area")
    issues.raise_if_any()
    if found.areas:
        areas = Areas(
            table=_table(base, found.areas),
            shapes=found.shapes,
            said=found.said,
            crs=crs,
            weights=_weights(base, found.weights, chosen["crs"]),
        )
        document = areas_document(areas, path.stem, path.name, chosen)
    else:
        document = _of_points(base, found.customers, path, chosen)
    if found.sites:
        document = with_sites(document, _sites(base, found.sites, chosen))
    return document


def _of_points(
    base: Table,
    records: Sequence[tuple[int, Mapping[str, Any]]],
    path: Path,
    chosen: Mapping[str, Any],
) -> Document:
    keys = list(dict.fromkeys(key for _, record in records for key in record))
    known = column_names(keys, chosen["demand"])
    raw = _table(base, records)
    require_demand(known, raw, chosen["demand"])
    renamed = {known[key]: cells for key, cells in raw.columns.items() if key in known}
    left_out = sorted(str(key) for key in keys if key not in known)
    return city_document(
        dataclasses.replace(raw, columns=renamed), path.stem, path.name, chosen, left_out
    )


def _weights(
    base: Table, records: Sequence[tuple[int, Mapping[str, Any]]], crs: str
) -> Weights | None:
    if not records:
        return None
    issues = Issues()
    kept = [
        (row, {"id": f"w{at}", "lon": r["lon"], "lat": r["lat"], "demand_units": r.get("weight")})
        for at, (row, r) in enumerate(records)
    ]
    table, columns = _table(base, kept), columns_of(CustomerRow)
    checked = check_table("weights", table, CustomerRow, issues, limits_for(crs, columns))
    checked = to_wgs84(checked, crs, issues)
    issues.raise_if_any()
    places = Points(lon=checked["lon"], lat=checked["lat"])
    return Weights(points=places, weight=checked["demand_units"].tolist())


def _sites(
    base: Table, records: Sequence[tuple[int, Mapping[str, Any]]], chosen: Mapping[str, Any]
) -> Table:
    model = SiteRow if chosen["kind"] == "city" else SitingSiteRow
    ours, crs = columns_of(model), chosen["crs"]
    kept = [
        (at, {"id": f"s{number + 1}", **{k: v for k, v in record.items() if k in ours}})
        for number, (at, record) in enumerate(records)
    ]
    table = _table(base, kept)
    if crs == "WGS84":
        return table
    issues = Issues()
    checked = check_table("sites", table, model, issues, limits_for(crs, ours))
    checked = to_wgs84(checked, crs, issues)
    issues.raise_if_any()
    moved = {name: checked[name].tolist() for name in ("lon", "lat")}
    return dataclasses.replace(table, columns={**table.columns, **moved})


def _table(base: Table, records: Sequence[tuple[int, Mapping[str, Any]]]) -> Table:
    names = dict.fromkeys(key for _, record in records for key in record)
    rows = [row for row, _ in records]
    return dataclasses.replace(
        base,
        columns={name: [record.get(name) for _, record in records] for name in names},
        num_rows=len(records),
        place=lambda row, column: base.place(rows[row], column),
    )
