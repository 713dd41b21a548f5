"""The map's places: sites, customers, service areas, and how far the map has to reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.geography.points import Points
from dispatchopt.geography.router import Router
from dispatchopt.reporting.packing import pack, pack_ring, pack_steps, to_units

#: Names of more customers than this are left out of the page; their numbers stand in.
MAX_NAMES = 60_000
#: Degrees by which outlines of service areas may be smoothed, about 12 m.
_OUTLINE_DEGREES = 1.2e-4


def packed_points(points: Points) -> dict[str, Any]:
    """Return the columns of places."""
    return {"lon": pack_steps(to_units(points.lon)), "lat": pack_steps(to_units(points.lat))}


def packed_customers(
    *,
    ids: Sequence[str],
    points: Points,
    demand_units: IntArray,
    store_site: IntArray,
    shade: IntArray,
    distance_m: IntArray | None,
    reason: IntArray,
    reasons: Sequence[str],
) -> dict[str, Any]:
    """Return customers for the map.

    ``store_site`` is the site that serves each one, or -1; ``shade`` that store's colour;
    ``reason`` counts into ``reasons`` and matters only where there is no store.
    """
    return {
        **packed_points(points),
        "store": pack(store_site),
        "shade": pack(shade),
        "demand": pack(demand_units),
        "distance": None if distance_m is None else pack(distance_m),
        "reason": pack(reason),
        "reasons": list(reasons),
        "ids": list(ids) if len(ids) <= MAX_NAMES else None,
    }


def packed_sites(
    *,
    ids: Sequence[str],
    points: Points,
    status: IntArray,
    shade: IntArray,
    facts: Sequence[Sequence[tuple[str, str]]],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return sites for the map; ``shade`` is a store's colour, or -1 for a site not opened."""
    is_open = np.asarray(shade) >= 0
    return {
        **packed_points(points),
        "ids": list(ids),
        "status": pack(status),
        "shade": pack(shade),
        "number": pack(np.where(is_open, np.cumsum(is_open), 0)),
        "facts": [[list(pair) for pair in rows] for rows in facts],
        "notes": list(notes),
    }


def service_areas(
    router: Router, points: Points, reach_m: int, shades: IntArray
) -> list[dict[str, Any]]:
    """Return the outline of what each store reaches, packed."""
    areas = []
    for store in range(len(points)):
        outline = router.service_area(points[store : store + 1], reach_m)
        rings = packed_outline(outline)
        if rings:
            areas.append({"shade": int(shades[store]), "rings": rings})
    return areas


def packed_outline(outline: Any) -> list[list[str]]:
    """Return a shapely (multi)polygon as packed rings: the shell first, then the holes."""
    import shapely

    if outline is None or outline.is_empty:
        return []
    smooth = shapely.simplify(outline, _OUTLINE_DEGREES, preserve_topology=True)
    return [
        [pack_ring(shapely.get_coordinates(ring)) for ring in (part.exterior, *part.interiors)]
        for part in shapely.get_parts(smooth)
        if part.geom_type == "Polygon"
    ]


def bounds_of(*groups: Points) -> list[list[float]]:
    """Return [[south, west], [north, east]] of all places, with a margin where they are few.

    A share of 0.2 % of outliers at each side is left outside when there are many places, so that
    one wrong address does not shrink a city to a dot.
    """
    lon = np.concatenate([group.lon for group in groups])
    lat = np.concatenate([group.lat for group in groups])
    if len(lon) == 0:
        return [[-60.0, -180.0], [75.0, 180.0]]
    cut = 0.002 if len(lon) > 2000 else 0.0
    west, east = np.quantile(lon, [cut, 1 - cut])
    south, north = np.quantile(lat, [cut, 1 - cut])
    margin = 0.004 if min(east - west, north - south) < 0.004 else 0.0
    return [
        [round(float(south) - margin, 6), round(float(west) - margin, 6)],
        [round(float(north) + margin, 6), round(float(east) + margin, 6)],
    ]
