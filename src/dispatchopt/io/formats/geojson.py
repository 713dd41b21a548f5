"""GeoJSON: points as a city's customers and sites; a city's customers and sites as points.

A point whose property ``layer`` (or ``kind``) is ``sites`` or ``site`` is a site, any other point a
customer. Written points have the columns of their tables as properties.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dispatchopt.io.document import Cells, Document, Table
from dispatchopt.io.documents import instance_of, layout_of
from dispatchopt.io.encodings.base import decode, header_object, parse_json
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.formats._points import OPTION_TEXTS, OPTIONS, city_document, column_names
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, single
from dispatchopt.io.schema.base import columns_of
from dispatchopt.io.schema.rows import SiteRow


def _sniff(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    return b'"FeatureCollection"' in head and head.lstrip()[:1] == b"{"


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_options(options, OPTIONS)
    value = header_object(parse_json(decode(path.read_bytes(), path.name), path.name), path.name)
    features = value.get("features")
    if not isinstance(features, list):
        raise single("wrong-type", "/features", features, "a list of features")
    issues = Issues()
    customers: list[tuple[int, dict[str, Any]]] = []
    sites: list[tuple[int, dict[str, Any]]] = []
    for row, feature in enumerate(features):
        record, is_site = _record(feature, f"/features/{row}", issues)
        (sites if is_site else customers).append((row, record))
    if not customers:
        issues.add("empty-table", "/features", Said("no customers"), "at least one point")
    issues.raise_if_any()
    known = column_names(dict.fromkeys(key for _, record in customers for key in record))
    renamed = [
        (row, {known[key]: cell for key, cell in record.items() if key in known})
        for row, record in customers
    ]
    left_out = sorted({key for _, record in customers for key in record} - set(known))
    table = _table(renamed)
    document = city_document(table, path.stem, path.name, chosen, left_out)
    if sites:
        ours = columns_of(SiteRow)
        kept = [(row, {k: v for k, v in record.items() if k in ours}) for row, record in sites]
        for row, (at, record) in enumerate(kept):
            kept[row] = (at, {"id": f"s{row + 1}", **record})
        tables = {**document.tables, "sites": _table(kept)}
        document = Document(header=document.header, tables=tables, where=document.where)
    return instance_of(document)


def _record(feature: Any, where: str, issues: Issues) -> tuple[dict[str, Any], bool]:
    """Return the cells of a point, and whether it is a site."""
    if not isinstance(feature, dict):
        issues.add("wrong-type", where, feature, "a feature", "", "features")
        return {}, False
    properties = feature.get("properties") or {}
    geometry = feature.get("geometry") or {}
    is_sound = isinstance(properties, dict) and isinstance(geometry, dict)
    lonlat = geometry.get("coordinates") if is_sound else None
    if (
        not is_sound
        or geometry.get("type") != "Point"
        or not isinstance(lonlat, list)
        or len(lonlat) < 2
    ):
        found = geometry.get("type") if isinstance(geometry, dict) else geometry
        issues.add("wrong-type", f"{where}/geometry", found, "a Point", "", "features")
        return {}, False
    layer = properties.get("layer", properties.get("kind"))
    record = {key: cell for key, cell in properties.items() if key not in ("layer", "kind")}
    return {**record, "lon": lonlat[0], "lat": lonlat[1]}, layer in ("site", "sites")


def _table(records: Sequence[tuple[int, Mapping[str, Any]]]) -> Table:
    names = dict.fromkeys(key for _, record in records for key in record)
    rows = [row for row, _ in records]
    return Table(
        columns={name: [record.get(name) for _, record in records] for name in names},
        num_rows=len(records),
        cells=Cells.LOOSE,
        where="/features",
        place=lambda row, column: f"/features/{rows[row]}" + (f"/{column}" if column else ""),
    )


def _write(instance: Instance, path: Path) -> None:
    if instance.kind != "city":
        found = Said(f"a {instance.kind} document")
        raise single("wrong-kind", "target", found, "a city, for GeoJSON")
    document = layout_of(instance)
    lines = []
    for layer in ("sites", "customers"):
        table = document.tables[layer]
        for row in zip(*table.columns.values(), strict=True):
            cells = dict(zip(table.columns, row, strict=True))
            point = {"type": "Point", "coordinates": [cells.pop("lon"), cells.pop("lat")]}
            feature = {
                "type": "Feature",
                "geometry": point,
                "properties": {"layer": layer, **cells},
            }
            lines.append(json.dumps(feature, ensure_ascii=False))
    text = '{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n"
    path.write_text(text, encoding="utf-8")


FORMAT = Format(
    name="geojson",
    sniff=_sniff,
    read=_read,
    write=_write,
    suffixes=(".geojson",),
    options=OPTION_TEXTS,
)
