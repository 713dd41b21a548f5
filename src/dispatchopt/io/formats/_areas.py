"""Population of areas as customers inside them: what readers of maps share."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.geography.areas import Spread, fault_of, spread
from dispatchopt.geography.distance import straight_m
from dispatchopt.geography.points import Points
from dispatchopt.io.document import Document, Table, typed
from dispatchopt.io.formats._points import city_document, column_names, require_demand
from dispatchopt.io.issues import Issues, Said
from dispatchopt.io.kinds._places import MOST_APART_M
from dispatchopt.io.schema.base import MAX_ID
from dispatchopt.io.schema.rows import AreaRow
from dispatchopt.io.tables import check_table

AREA_OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "point_every_m": (int, 250, 10, 100_000),
    "seed": (int, 1, 0, 2**31),
}
AREA_OPTION_TEXTS = {
    "point_every_m": "side of squares; a customer in each piece of an area in one (default 250)",
    "seed": "shifts those squares (default 1)",
}
#: Shapely's numbers of what may hold people: Polygon and MultiPolygon.
_AREA_TYPES = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Places where people are known to be, with weights."""

    points: Points
    weight: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Areas:
    """Areas of a file.

    Parameters
    ----------
    table
        Their properties, by the names of the file.
    shapes
        A shapely geometry of each row, in the coordinates of the file; None where there is none.
    said
        What the file holds in place of a geometry, by row, for messages.
    crs
        Reference system, as pyproj takes it.
    weights
        Where people are, or None.
    """

    table: Table
    shapes: Sequence[Any]
    said: Mapping[int, str] = dataclasses.field(default_factory=dict)
    crs: str = "WGS84"
    weights: Weights | None = None


def areas_document(areas: Areas, name: str, where: str, chosen: Mapping[str, Any]) -> Document:
    """Return the document whose customers are places inside areas.

    Raises
    ------
    InputError
        Listing every area whose outline, name or population is wrong.
    """
    issues = Issues()
    table, left_out = _ours(areas.table, chosen)
    checked = check_table("areas", table, AreaRow, issues)
    shapes = _sound(areas, issues)
    issues.raise_if_any()
    _check_apart(areas.table, shapes, issues)
    issues.raise_if_any()
    units = checked["demand_units"]
    weights = areas.weights
    found = spread(
        shapes,
        units,
        every_m=chosen["point_every_m"],
        seed=chosen["seed"],
        towards=None if weights is None else weights.points,
        towards_weight=None if weights is None else np.array(weights.weight),
    )
    if not len(found.units):
        wanted = "someone in at least one area"
        issues.add("empty-table", areas.table.where, Said("areas without population"), wanted)
        issues.raise_if_any()
    customers = typed(
        "customers",
        {
            "id": _names(found, checked.ids()),
            "lon": found.points.lon.tolist(),
            "lat": found.points.lat.tolist(),
            "demand_units": found.units.tolist(),
        },
    )
    document = city_document(customers, name, where, {**chosen, "crs": "WGS84"}, left_out)
    notes = {
        **document.header["notes"],
        "options": dict(chosen),
        "areas": f"{len(units)}, of which {int((units > 0).sum())} with population",
        "places inside areas": len(found.units),
    }
    return dataclasses.replace(document, header={**document.header, "notes": notes})


def _ours(table: Table, chosen: Mapping[str, Any]) -> tuple[Table, list[str]]:
    """Return the name and population of each area, and the columns that are neither."""
    names = column_names(table.columns, chosen["demand"])
    require_demand(names, table, chosen["demand"])
    kept = {
        names[name]: cells
        for name, cells in table.columns.items()
        if names.get(name) in ("id", "demand_units")
    }
    if "id" not in kept:
        kept["id"] = [f"a{row + 1}" for row in range(table.num_rows)]
    if "demand_units" not in kept and table.num_rows:
        issues = Issues()
        listed = ", ".join(str(each) for each in table.columns)
        issues.add(
            "missing-column",
            table.where,
            Said(f"the columns {listed}"[:200] if listed else "no columns"),
            "a column population (or demand, weight)",
            "name the column that holds it: --set demand=COLUMN",
        )
        issues.raise_if_any()
    left_out = [str(name) for name in table.columns if names.get(name) not in kept]
    of_file = {ours: name for name, ours in names.items()}

    def place(row: int, column: str) -> str:
        return table.place(row, of_file.get(column, column))

    return dataclasses.replace(table, columns=kept, place=place), left_out


def _sound(areas: Areas, issues: Issues) -> list[Any]:
    """Return the outlines in WGS84; those that are none, or wrong, are reported."""
    shapes = list(areas.shapes)
    moved = shapes if areas.crs in ("WGS84", "EPSG:4326", "OGC:CRS84") else _to_wgs84(areas)
    for row, (given, shape) in enumerate(zip(shapes, moved, strict=True)):
        place = areas.table.place(row, "geometry")
        fault = areas.said.get(row, "") or fault_of(given if _is_flawed(given) else shape)
        if not fault:
            continue
        code, hint = _reading(fault, given)
        wanted = "a polygon or multipolygon in degrees that does not cross itself"
        issues.add(code, place, Said(fault[:120]), wanted, hint, areas.table.where)
    return moved


def _is_flawed(shape: Any) -> bool:
    """Return whether a geometry is wrong whatever its reference system."""
    return shape is None or shape.geom_type not in _AREA_TYPES or shape.is_empty


def _to_wgs84(areas: Areas) -> list[Any]:
    import shapely
    from pyproj import Transformer

    transformer = Transformer.from_crs(areas.crs, "EPSG:4326", always_xy=True)

    def turn(xy: Any) -> Any:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return list(shapely.transform(np.array(list(areas.shapes), dtype=object), turn))


def _reading(fault: str, shape: Any) -> tuple[str, str]:
    """Return the code of a fault, and a hint."""
    if re.search("crossing|ntersection|interior|nested|uplicate|isconnected", fault):
        return "bad-polygon", "mend it first, by 'Fix geometries' of QGIS for example"
    if fault.startswith("coordinates beyond"):
        low_x, low_y, high_x, high_y = shape.bounds
        if -90 <= low_x <= high_x <= 90 and -180 <= low_y <= high_y <= 180:
            return "out-of-range", "lon and lat look swapped"
        return "out-of-range", "name the reference system: --set crs=EPSG:3035 for example"
    if "finite" in fault:
        return "not-finite", ""
    return "bad-polygon", ""


def _check_apart(table: Table, shapes: Sequence[Any], issues: Issues) -> None:
    """Report areas that cannot belong to the same city as the others."""
    bounds = np.array([shape.bounds for shape in shapes]).reshape(-1, 4)
    lon, lat = (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2
    if not len(lon):
        return
    middle = Points(lon=np.array([np.median(lon)]), lat=np.array([np.median(lat)]))
    away = straight_m(Points(lon=lon, lat=lat), middle)
    at = f"{middle.lon[0]:.4f}, {middle.lat[0]:.4f}"
    for row in np.flatnonzero(away > MOST_APART_M):
        hint = ""
        if abs(lon[row]) <= 90:
            turned = Points(lon=lat[row : row + 1], lat=lon[row : row + 1])
            is_swapped = straight_m(turned, middle)[0] <= MOST_APART_M
            hint = "lon and lat look swapped" if is_swapped else ""
        issues.add(
            "far-apart",
            table.place(int(row), "geometry"),
            Said(f"an area around {lon[row]:.4f}, {lat[row]:.4f}"),
            f"an area within {MOST_APART_M / 1000:.0f} km of the middle ({at})",
            hint,
            table.where,
        )


def _names(found: Spread, ids: Sequence[str]) -> list[str]:
    """Return a name for each place: that of its area, numbered where an area has several."""
    count = np.bincount(found.area, minlength=len(ids))
    first = np.cumsum(count) - count
    number = np.arange(len(found.area)) - first[found.area] + 1
    names = [
        ids[area] if count[area] == 1 else f"{ids[area]}-{each}"
        for area, each in zip(found.area.tolist(), number.tolist(), strict=True)
    ]
    if len(set(names)) == len(names) and max(map(len, names), default=0) <= MAX_ID:
        return names
    pairs = zip(found.area.tolist(), number.tolist(), strict=True)
    return [f"area {area + 1} place {each}" for area, each in pairs]
