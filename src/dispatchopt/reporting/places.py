"""The map's places: sites, customers, service areas, and how far the map has to reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.geography.points import Points
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.geography.router import Router
from dispatchopt.reporting.packing import pack, pack_ring, pack_steps, to_units

#: Names of more customers than this are left out of the page; their numbers stand in.
MAX_NAMES = 60_000
#: Stores x arcs up to which outlines are exact.
MAX_EXACT = 10_000
#: How far hulls follow bays in what is reached: 0 into each, 1 into none (convex).
HULL_RATIO = 0.12
#: Width around hulls in degrees of latitude, about 30 m.
_HULL_DEGREES = 3e-4
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
    """Return the outline of what each store reaches, packed.

    On large networks it is the concave hull of the crossings in reach, which takes a hundredth of
    the time of joining the streets themselves.
    """
    if isinstance(router, RoadRouter) and len(points) * router.network.num_arcs > MAX_EXACT:
        outlines = _hulls(router, points, reach_m)
    else:
        outlines = [router.service_area(points[i : i + 1], reach_m) for i in range(len(points))]
    areas = []
    for outline, shade in zip(outlines, shades.tolist(), strict=True):
        rings = packed_outline(outline)
        if rings:
            areas.append({"shade": shade, "rings": rings})
    return areas


def _hulls(router: RoadRouter, points: Points, reach_m: int) -> list[Any]:
    """Return the concave hull of the crossings that each store reaches, a little widened."""
    import shapely

    network = router.network
    coverage = router.within(points, network.points, reach_m)
    shrink = max(0.05, float(np.cos(np.radians(network.lat.mean()))))
    xy = np.column_stack([network.lon * shrink, network.lat])[coverage.customer_idx]
    groups = shapely.multipoints(
        xy, indices=coverage.site_idx, out=np.full(len(points), None, dtype=object)
    )
    hulls = shapely.buffer(
        shapely.concave_hull(groups, ratio=HULL_RATIO), _HULL_DEGREES, quad_segs=2
    )
    return [shapely.transform(hull, lambda part: part / [shrink, 1.0]) for hull in hulls]


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
