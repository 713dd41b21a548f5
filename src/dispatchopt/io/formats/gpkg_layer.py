"""A GeoPackage of another program: a layer of points, or of areas with population.

Of several layers one is named by the option ``layer``. Points of layers called ``sites`` and
``weights`` are sites, and places where people are known to live.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.io.document import Cells, Table, rows_from
from dispatchopt.io.documents import instance_of
from dispatchopt.io.encodings.gpkg import HEADER_LAYER
from dispatchopt.io.formats._areas import AREA_OPTION_TEXTS, AREA_OPTIONS
from dispatchopt.io.formats._base import Format
from dispatchopt.io.formats._features import Features, document_of_features
from dispatchopt.io.formats._points import OPTION_TEXTS, take_place_options
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, single

_MAGIC = b"SQLite format 3\x00"
_SIDE_LAYERS = ("sites", "weights")
_POINT, _AREAS = 0, (3, 6)


def _sniff(path: Path) -> bool:
    """Return whether a path is a GeoPackage without a document of ours."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        if file.read(16) != _MAGIC:
            return False
    try:
        layers = _layers(path)
    except (RuntimeError, OSError, ValueError):
        return False
    return bool(layers) and HEADER_LAYER not in layers


def _layers(path: Path) -> list[str]:
    """Return the layers that hold geometries, and ours whatever it holds."""
    import pyogrio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = pyogrio.list_layers(path).tolist()
    return [str(name) for name, kind in rows if kind is not None or name == HEADER_LAYER]


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_place_options(options, {**AREA_OPTIONS, "layer": (str, "", 0, 0)})
    try:
        layers = _layers(path)
        main = _main_layer(path, layers, chosen["layer"])
        issues = Issues()
        found = Features()
        base, crs = _take(path, main, found, chosen["crs"], issues)
        for side in _SIDE_LAYERS:
            if side in layers and side != main:
                _take(path, side, found, "WGS84", issues)
    except (RuntimeError, OSError) as error:
        text = Said(re.sub(r"\s+", " ", str(error))[:100])
        raise single("unreadable-file", path.name, text, "a GeoPackage") from None
    issues.raise_if_any()
    # Points were turned to WGS84 when they were read.
    here = {**chosen, "crs": "WGS84"}
    document = document_of_features(found, base, path, here, crs)
    return instance_of(document)


def _main_layer(path: Path, layers: list[str], asked: str) -> str:
    if asked:
        if asked not in layers:
            raise single("bad-choice", "option layer", asked, "one of " + ", ".join(layers)[:200])
        return asked
    own = [name for name in layers if name not in _SIDE_LAYERS]
    if len(own) != 1:
        found = Said("the layers " + ", ".join(layers)[:200] if layers else "no layers")
        wanted = "one layer of people, or the option layer with its name"
        raise single("missing-table", path.name, found, wanted)
    return own[0]


def _take(path: Path, layer: str, found: Features, crs: str, issues: Issues) -> tuple[Table, str]:
    """Sort a layer's features in, and return a table that names its rows, and its crs."""
    import pyogrio.raw
    import shapely

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meta, _, geometry, fields = pyogrio.raw.read(path, layer=layer)
    where = f"{path.name} layer {layer}"
    base = Table(
        columns={}, num_rows=0, cells=Cells.LOOSE, where=where, place=rows_from(where, 1, "feature")
    )
    if geometry is None:
        return base, crs
    shapes = shapely.from_wkb(geometry, on_invalid="ignore")
    stated = meta["crs"] if crs == "WGS84" and meta["crs"] else crs
    names = [str(name) for name in meta["fields"]]
    columns = [values.tolist() for values in fields]
    types = shapely.get_type_id(shapes)
    lon, lat = _lonlat(np.where(types == _POINT, shapes, None), str(stated), where, issues)
    for row, shape in enumerate(shapes):
        record = {name: _plain(values[row]) for name, values in zip(names, columns, strict=True)}
        if layer in _SIDE_LAYERS:
            record["layer"] = layer
        if types[row] == _POINT:
            found.add_point(row, record, lon[row], lat[row])
        elif layer in _SIDE_LAYERS or (types[row] not in _AREAS and shape is not None):
            shown = Said("no geometry" if shape is None else f"a {shape.geom_type}")
            wanted = "a point" if layer in _SIDE_LAYERS else "a point, polygon or multipolygon"
            issues.add("wrong-type", base.place(row, ""), shown, wanted, "", where)
        else:
            found.add_area(row, record, shape, "no outline" if shape is None else "")
    return base, str(stated)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _lonlat(points: Any, crs: str, where: str, issues: Issues) -> tuple[list[Any], list[Any]]:
    """Return the coordinates of points in WGS84."""
    import shapely

    x, y = shapely.get_x(points), shapely.get_y(points)
    if crs not in ("WGS84", "EPSG:4326", "OGC:CRS84"):
        from pyproj import Transformer
        from pyproj.exceptions import CRSError

        try:
            transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        except CRSError:
            issues.add("wrong-crs", where, crs, "a reference system that is known", "use EPSG:4326")
            return x.tolist(), y.tolist()
        x, y = transformer.transform(x, y)
    return np.asarray(x).tolist(), np.asarray(y).tolist()


FORMAT = Format(
    name="gpkg-layer",
    sniff=_sniff,
    read=_read,
    options={
        **OPTION_TEXTS,
        **AREA_OPTION_TEXTS,
        "layer": "layer that holds the people (default: the only one beside sites and weights)",
    },
)
