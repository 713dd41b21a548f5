"""A GeoPackage: one layer per table, places as points, and the header as a table of pairs."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.io.document import Cells, Document, Table, rows_from
from dispatchopt.io.encodings._flat import header_rows, layer_name, nested, table_name
from dispatchopt.io.encodings.base import Encoding, parse_json
from dispatchopt.io.issues import Issues, Said, single

HEADER_LAYER = "dispatchopt"
_MAGIC = b"SQLite format 3\x00"


def _sniff(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) == _MAGIC


def _read(path: Path) -> Document:
    import pyogrio

    issues = Issues()
    try:
        # GDAL warns of files that other programs made; what is wrong with them is told below.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = [str(name) for name in pyogrio.list_layers(path)[:, 0]]
            layers = {name: _layer(path, name, issues) for name in names}
    except (RuntimeError, OSError, ValueError) as error:
        # pyogrio's own errors are RuntimeErrors.
        found = Said(re.sub(r"\s+", " ", str(error))[:100])
        raise single("unreadable-file", path.name, found, "a GeoPackage") from None
    where = f"{path.name} layer {HEADER_LAYER}"
    if HEADER_LAYER not in layers:
        found = Said("the layers " + ", ".join(layers)[:200])
        raise single("missing-table", path.name, found, f"a layer {HEADER_LAYER} with the header")
    header = _header(layers.pop(HEADER_LAYER), where, issues)
    issues.raise_if_any()
    tables = {table_name(name): table for name, table in layers.items()}
    return Document(header=header, tables=tables, where=where)


def _layer(path: Path, name: str, issues: Issues) -> Table:
    import pyogrio.raw

    meta, _, geometry, fields = pyogrio.raw.read(path, layer=name)
    where = f"{path.name} layer {name}"
    columns: dict[str, Sequence[Any]] = {
        str(field): _plain(values) for field, values in zip(meta["fields"], fields, strict=True)
    }
    num_rows = len(fields[0]) if len(fields) else (0 if geometry is None else len(geometry))
    if geometry is not None and meta["geometry_type"] is not None:
        columns |= _places(geometry, meta["crs"], where, issues)
    return Table(
        columns=columns,
        num_rows=num_rows,
        cells=Cells.LOOSE,
        where=where,
        place=rows_from(where, 1, "feature"),
    )


def _plain(values: Any) -> list[Any]:
    plain: list[Any] = values.tolist()
    return plain


def _places(geometry: Any, crs: str | None, where: str, issues: Issues) -> dict[str, list[Any]]:
    import shapely

    points = shapely.from_wkb(geometry)
    is_point = shapely.get_type_id(points) == 0
    for row in np.flatnonzero(~is_point & ~shapely.is_missing(points)):
        found = Said(str(shapely.get_type_id(points[row])))
        issues.add("wrong-type", f"{where} feature {row + 1}", found, "a point", "", where)
    points = np.where(is_point, points, None)
    lon, lat = shapely.get_x(points), shapely.get_y(points)
    if crs is not None and crs not in ("EPSG:4326", "OGC:CRS84"):
        from pyproj import Transformer
        from pyproj.exceptions import CRSError

        try:
            transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        except CRSError:
            issues.add("wrong-crs", where, crs, "a reference system that is known", "use EPSG:4326")
        else:
            lon, lat = transformer.transform(lon, lat)
    return {
        "lon": [None if value != value else value for value in np.asarray(lon).tolist()],  # noqa: PLR0124
        "lat": [None if value != value else value for value in np.asarray(lat).tolist()],  # noqa: PLR0124
    }


def _header(table: Table, where: str, issues: Issues) -> dict[str, Any]:
    keys, values = table.columns.get("key", ()), table.columns.get("value", ())
    pairs = []
    for row, (key, value) in enumerate(zip(keys, values, strict=False)):
        place = f"{where} feature {row + 1}"
        if not isinstance(key, str) or not isinstance(value, str):
            issues.add("wrong-type", place, (key, value), "a key and its value as JSON text")
            continue
        pairs.append((place, key, parse_json(value, place)))
    return nested(pairs, issues)


def _write(document: Document, path: Path) -> None:
    import pyogrio

    # The file is renamed only once it is complete, so nothing is gained by waiting for the disk
    # after every layer.
    pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": "OFF"})
    rows = header_rows(document.header)
    pairs = {
        "key": [key for key, _ in rows],
        "value": [json.dumps(value, ensure_ascii=False) for _, value in rows],
    }
    _write_layer(path, HEADER_LAYER, pairs, is_first=True)
    for name, table in document.tables.items():
        _write_layer(path, layer_name(name), table.columns, is_first=False)


def _write_layer(
    path: Path, name: str, columns: Mapping[str, Sequence[Any]], *, is_first: bool
) -> None:
    import pyogrio.raw
    import shapely

    has_places = "lon" in columns and "lat" in columns
    fields = {
        key: values
        for key, values in columns.items()
        if not has_places or key not in ("lon", "lat")
    }
    geometry = None
    if has_places:
        lon, lat = (np.array(columns[key], dtype=float) for key in ("lon", "lat"))
        points = shapely.points(lon, lat)
        geometry = shapely.to_wkb(np.where(np.isnan(lon) | np.isnan(lat), None, points))
    data, masks = [], []
    for values in fields.values():
        array, mask = _field(values)
        data.append(array)
        masks.append(mask)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            path,
            geometry,
            data,
            list(fields),
            field_mask=masks,
            layer=name,
            driver="GPKG",
            geometry_type="Point" if has_places else None,
            crs="EPSG:4326" if has_places else None,
            append=not is_first,
        )


def _field(values: Sequence[Any]) -> tuple[Any, Any]:
    mask = np.array([value is None for value in values], dtype=bool)
    types = {type(value) for value in values if value is not None}
    if types and types <= {int, float} and float in types:
        filled = [0.0 if value is None else value for value in values]
        return np.array(filled, dtype=np.float64), mask if mask.any() else None
    if types == {int}:
        return np.array(
            [value or 0 for value in values], dtype=np.int64
        ), mask if mask.any() else None
    if types == {bool}:
        return np.array([bool(value) for value in values], dtype=bool), mask if mask.any() else None
    array: Any = np.empty(len(values), dtype=object)
    array[:] = values
    return array, None


ENCODING = Encoding(name="gpkg", suffixes=(".gpkg",), sniff=_sniff, read=_read, write=_write)
