"""GeoJSON: points and areas as customers and sites; a city's customers and sites as points.

A point whose property ``layer`` (or ``kind``) is ``sites`` or ``site`` is a site, any other point a
customer. Polygons are areas with population, whose customers are places inside them; points whose
layer is ``weights`` say where in them people live. Written points have the columns of their tables
as properties.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dispatchopt.io.document import Cells, Table
from dispatchopt.io.documents import instance_of, layout_of
from dispatchopt.io.encodings.base import decode, header_object, parse_json
from dispatchopt.io.formats._areas import AREA_OPTION_TEXTS, AREA_OPTIONS
from dispatchopt.io.formats._base import Format
from dispatchopt.io.formats._features import Features, document_of_features
from dispatchopt.io.formats._points import OPTION_TEXTS, take_place_options
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, single

_AREA_TYPES = ("Polygon", "MultiPolygon")


def _sniff(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    return b'"FeatureCollection"' in head and head.lstrip()[:1] == b"{"


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_place_options(options, AREA_OPTIONS)
    value = header_object(parse_json(decode(path.read_bytes(), path.name), path.name), path.name)
    features = value.get("features")
    if not isinstance(features, list):
        raise single("wrong-type", "/features", features, "a list of features")
    issues = Issues()
    crs = _crs(value.get("crs"), chosen["crs"], issues)
    found = Features()
    for row, feature in enumerate(features):
        _sort_in(found, row, feature, issues)
    issues.raise_if_any()
    base = Table(
        columns={},
        num_rows=0,
        cells=Cells.LOOSE,
        where="/features",
        place=lambda row, column: f"/features/{row}" + (f"/{column}" if column else ""),
    )
    document = document_of_features(found, base, path, {**chosen, "crs": crs}, crs)
    return instance_of(document)


def _crs(stated: Any, asked: str, issues: Issues) -> str:
    """Return the reference system: the option, or what the older form of GeoJSON states."""
    if asked != "WGS84" or stated is None:
        return asked
    properties = stated.get("properties") if isinstance(stated, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if isinstance(name, str):
        if name.endswith(("CRS84", "WGS84")):
            return "WGS84"
        if number := re.search(r"EPSG:+(?:[0-9.]*:)?([0-9]{1,7})$", name):
            return "WGS84" if number[1] == "4326" else f"EPSG:{number[1]}"
    wanted = "a reference system by its EPSG number, or none for WGS84"
    issues.add("wrong-crs", "/crs", stated, wanted, "set it: --set crs=EPSG:3035 for example")
    return "WGS84"


def _sort_in(found: Features, row: int, feature: Any, issues: Issues) -> None:
    """Keep a feature under what it is."""
    where = f"/features/{row}"
    if not isinstance(feature, dict):
        issues.add("wrong-type", where, feature, "a feature", "", "features")
        return
    properties = feature.get("properties") or {}
    geometry = feature.get("geometry") or {}
    is_sound = isinstance(properties, dict) and isinstance(geometry, dict)
    kind = geometry.get("type") if is_sound else None
    if is_sound and kind in _AREA_TYPES:
        shape, said = _shape(geometry)
        found.add_area(row, properties, shape, said)
        return
    lonlat = geometry.get("coordinates") if is_sound else None
    if kind != "Point" or not isinstance(lonlat, list) or len(lonlat) < 2:
        shown = geometry.get("type") if isinstance(geometry, dict) else geometry
        wanted = "a Point, Polygon or MultiPolygon"
        issues.add("wrong-type", f"{where}/geometry", shown, wanted, "", "features")
        return
    found.add_point(row, properties, lonlat[0], lonlat[1])


def _shape(geometry: Mapping[str, Any]) -> tuple[Any, str]:
    """Return an area as shapely has it, or what is wrong with its coordinates."""
    import shapely

    plain = {"type": geometry["type"], "coordinates": geometry.get("coordinates")}
    text = json.dumps(plain)
    if "NaN" in text or "Infinity" in text:
        return None, "a coordinate that is not a finite number"
    try:
        return shapely.from_geojson(text), ""
    except (shapely.errors.ShapelyError, ValueError) as error:
        reason = " ".join(str(error).split())[:80]
        return None, f"rings that are none ({reason})"


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
    options={**OPTION_TEXTS, **AREA_OPTION_TEXTS},
)
