"""Drawings as GeoJSON (RFC 7946: WGS84, lon before lat) and as GeoPackage layers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.reporting.drawing import Drawing

if TYPE_CHECKING:
    from dispatchopt.simulation.day import Day
    from dispatchopt.simulation.outcome import DayOutcome

Rows = list[tuple[dict[str, Any], dict[str, Any]]]

_STATUS_WORDS = ("candidate", "existing", "required", "forbidden", "closable")
#: Decimals of degrees: seven are about a centimetre.
_DECIMALS = 7


def feature_collection(drawing: Drawing, *, layers: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a drawing as a GeoJSON ``FeatureCollection``.

    Parameters
    ----------
    drawing
        What to write.
    layers
        Which of ``sites``, ``customers`` and ``routes``; all if empty. Each feature says its layer.
    """
    features = [
        {
            "type": "Feature",
            "geometry": geometry,
            "properties": {"layer": layer, **properties},
        }
        for layer, rows_of in _LAYERS.items()
        if not layers or layer in layers
        for geometry, properties in rows_of(drawing)
    ]
    return {"type": "FeatureCollection", "features": features}


def _site_rows(drawing: Drawing) -> Rows:
    is_open = np.zeros(len(drawing.sites), dtype=bool)
    is_open[drawing.open_sites] = True
    return [
        (
            _point(drawing.sites.lon[i], drawing.sites.lat[i]),
            {
                "id": drawing.site_ids[i],
                "status": _STATUS_WORDS[int(drawing.site_status[i])],
                "is_open": bool(is_open[i]),
            },
        )
        for i in range(len(drawing.sites))
    ]


def _customer_rows(drawing: Drawing) -> Rows:
    rows = []
    for i in range(len(drawing.customers)):
        served_by = int(drawing.store_of_customer[i])
        properties: dict[str, Any] = {
            "id": drawing.customer_ids[i],
            "demand_units": int(drawing.demand_units[i]),
            "store": drawing.site_ids[int(drawing.open_sites[served_by])]
            if served_by >= 0
            else None,
        }
        if drawing.distance_m is not None:
            metres = int(drawing.distance_m[i])
            properties["distance_m"] = metres if metres >= 0 else None
        rows.append((_point(drawing.customers.lon[i], drawing.customers.lat[i]), properties))
    return rows


def _route_rows(drawing: Drawing) -> Rows:
    return [
        (
            {"type": "LineString", "coordinates": np.round(line.lonlat, _DECIMALS).tolist()},
            {"name": line.name, **dict(line.facts)},
        )
        for line in drawing.lines
        if len(line.lonlat) > 1
    ]


#: (geometry, properties) of each feature, by layer.
_LAYERS: dict[str, Callable[[Drawing], Rows]] = {
    "sites": _site_rows,
    "customers": _customer_rows,
    "routes": _route_rows,
}


def day_features(day: Day, outcome: DayOutcome) -> dict[str, Any]:
    """Return the orders of a replayed day as a GeoJSON ``FeatureCollection`` of points.

    Raises
    ------
    UnsupportedError
        If the day gives no places.
    """
    from dispatchopt.core.errors import UnsupportedError
    from dispatchopt.reporting.tables import order_rows

    if day.places is None:
        raise UnsupportedError(f"{day.name}: this day gives no places (lon, lat), only a matrix")
    at = day.places[day.orders.place_idx]
    names, rows = order_rows(day, outcome)
    features = [
        {
            "type": "Feature",
            "geometry": _point(at.lon[i], at.lat[i]),
            "properties": {"layer": "orders", **dict(zip(names, row, strict=True))},
        }
        for i, row in enumerate(rows)
    ]
    return {"type": "FeatureCollection", "features": features}


def _point(lon: float, lat: float) -> dict[str, Any]:
    return {
        "type": "Point",
        "coordinates": [round(float(lon), _DECIMALS), round(float(lat), _DECIMALS)],
    }


def write_geopackage(drawing: Drawing, path: Path) -> None:
    """Write a drawing as GeoPackage, a layer each for sites, customers and routes.

    The caller sees to it that ``path`` may be written; layers without features are left out.
    """
    import geopandas
    import shapely

    mode = "w"
    for layer, rows_of in _LAYERS.items():
        rows = rows_of(drawing)
        if not rows:
            continue
        shapes = [shapely.geometry.shape(geometry) for geometry, _ in rows]
        columns = [properties for _, properties in rows]
        frame = geopandas.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")
        frame.to_file(path, layer=layer, driver="GPKG", engine="pyogrio", mode=mode)
        mode = "a"
