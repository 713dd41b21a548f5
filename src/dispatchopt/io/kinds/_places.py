"""Places of a document: their reference system, and whether they belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dispatchopt.geography.distance import straight_m
from dispatchopt.geography.points import Points
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.base import Column
from dispatchopt.io.tables import Checked, flag

#: Places of one city lie within this distance of their middle.
MOST_APART_M = 300_000.0
#: Largest coordinate of a projected reference system, metres or feet.
_MAX_PROJECTED = 1e8


def limits_for(crs: str, columns: Mapping[str, Column]) -> dict[str, Column]:
    """Return columns that replace lon and lat where a reference system is projected."""
    if not crs.startswith("EPSG:") or "lon" not in columns:
        return {}
    return {
        name: replace(columns[name], low=-_MAX_PROJECTED, high=_MAX_PROJECTED, unit=crs)
        for name in ("lon", "lat")
    }


def check_crs(crs: str, where: str, issues: Issues) -> str:
    """Return the reference system, or WGS84 if it is not known."""
    if not crs.startswith("EPSG:"):
        return crs
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS.from_user_input(crs)
    except CRSError:
        issues.add("wrong-crs", f"{where} crs", crs, "a number that EPSG knows", "4326 is WGS84")
        return "WGS84"
    return crs


def to_wgs84(checked: Checked, crs: str, issues: Issues) -> Checked:
    """Return a table whose lon and lat are WGS84."""
    if crs == "WGS84" or "lon" not in checked.columns:
        return checked
    lon, lat = checked["lon"].copy(), checked["lat"].copy()
    known = np.isfinite(lon) & np.isfinite(lat)
    lon[known], lat[known] = _convert(crs, lon[known], lat[known])
    bad = known & ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    flag(checked, "lon", bad, "wrong-crs", f"a place that {crs} can express", issues)
    lon[bad], lat[bad] = 0.0, 0.0
    return replace(checked, columns={**checked.columns, "lon": lon, "lat": lat})


def _convert(crs: str, lon: Any, lat: Any) -> tuple[Any, Any]:
    if crs.startswith("EPSG:"):
        from pyproj import Transformer

        transformer = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        east, north = transformer.transform(lon, lat)
        return np.asarray(east), np.asarray(north)
    from dispatchopt.geography import china

    points = china.to_wgs84(Points(lon=lon, lat=lat), crs)
    return points.lon, points.lat


def check_apart(tables: Sequence[Checked], issues: Issues) -> None:
    """Report places that cannot belong to the same city as the others."""
    used = [table for table in tables if len(table)]
    if len(issues) or not used:
        return
    lon = np.concatenate([table["lon"] for table in used])
    lat = np.concatenate([table["lat"] for table in used])
    middle = Points(lon=np.array([np.nanmedian(lon)]), lat=np.array([np.nanmedian(lat)]))
    for table in used:
        known = np.isfinite(table["lon"])
        distance = np.zeros(len(table))
        places = Points(lon=table["lon"][known], lat=table["lat"][known])
        distance[known] = straight_m(places, middle) if known.any() else 0.0
        bad = distance > MOST_APART_M
        if not bad.any():
            continue
        at = f"{middle.lon[0]:.4f}, {middle.lat[0]:.4f}"
        wanted = f"a place within {MOST_APART_M / 1000:.0f} km of the middle ({at})"
        flag(table, "lon", bad, "far-apart", wanted, issues, _hint(table, bad, middle))


def _hint(table: Checked, bad: Any, middle: Points) -> str:
    lon, lat = table["lon"][bad], table["lat"][bad]
    if (np.abs(lon) < 0.01).all() and (np.abs(lat) < 0.01).all():
        return "0, 0 stands for an unknown place: leave such rows out"
    fits = np.abs(lon) <= 90
    if fits.all():
        turned = Points(lon=lat, lat=lon)
        if (straight_m(turned, middle) <= MOST_APART_M).all():
            return "lon and lat look swapped"
    return ""
