"""What a site reaches by road, as a polygon for maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.geography.graph import shortest
from dispatchopt.geography.points import Points

if TYPE_CHECKING:
    from dispatchopt.geography.roads import RoadRouter

#: Roads within reach are widened by this many metres on each side, then the outline is drawn in
#: again by part of it, so that blocks between reached roads fill up.
WIDEN_M = 90.0
DRAW_IN_M = 50.0
#: Holes smaller than this are courtyards and blocks, not barriers.
_LEAST_HOLE_M2 = 60_000.0


def road_service_area(router: RoadRouter, site: Points, cutoff_m: int) -> Any:
    """Return the shapely (multi)polygon in WGS84 of what lies along roads within the cut-off.

    Every piece of road that can be reached is in it, a road on which the cut-off falls only as
    far as that. One-way roads count in their direction. The polygon is for maps: whether a
    customer is served is decided by ``within``, not by the outline.
    """
    import shapely

    snapped = router.snapper(site[:1], "site")
    if snapped.node[0] < 0:
        return shapely.Polygon()
    network = router.network
    start = network.plane.to_xy(site[:1])[0]
    left_m = cutoff_m - snapped.access_cm[0] / 100
    lines = [shapely.LineString([start, network.xy_m[snapped.node[0]]])]
    if left_m >= 0:
        lines += reached_roads(router, int(snapped.node[0]), left_m)
    drawn = shapely.simplify(np.array(lines, dtype=object), 5.0)
    wide = shapely.union_all(shapely.buffer(drawn, WIDEN_M, quad_segs=4))
    area = _without_small_holes(shapely.buffer(wide, -DRAW_IN_M, quad_segs=4))
    return shapely.transform(shapely.simplify(area, 4.0), network.plane.to_lonlat)


def reached_roads(router: RoadRouter, node: int, left_m: float) -> list[Any]:
    """Return the pieces of road within reach of a node, as lines in the network's plane."""
    import shapely

    network, graph = router.network, router.graph.metres
    distance = shortest(graph.csr, np.array([node]), limit=left_m)[0]
    tail = np.repeat(np.arange(network.num_nodes), np.diff(graph.csr.indptr))
    entry = np.flatnonzero(np.isfinite(distance[tail]))
    length = graph.csr.data[entry]
    # How much of each arc can be driven before the cut-off: 0 to 1.
    share = np.minimum((left_m - distance[tail[entry]]) / np.maximum(length, 1e-9), 1.0)
    lines = _courses(network, graph.arc[entry])
    whole = share >= 1.0
    cut = np.array([_first_part(lines[k], share[k]) for k in np.flatnonzero(~whole)], dtype=object)
    kept = np.concatenate([lines[whole], cut])
    return list(kept[shapely.length(kept) > 0])


def _courses(network: Any, arcs: IntArray) -> Any:
    """Return the courses of arcs as lines in the plane, in the direction of use."""
    import shapely

    plain = np.where(arcs < 0, ~arcs, arcs)
    tail = np.where(arcs < 0, network.head[plain], network.tail[plain])
    head = np.where(arcs < 0, network.tail[plain], network.head[plain])
    if not network.has_shapes:
        return shapely.linestrings(np.stack([network.xy_m[tail], network.xy_m[head]], axis=1))
    courses = [network.shape_of(arc) for arc in plain.tolist()]
    courses = [c[::-1] if arc < 0 else c for c, arc in zip(courses, arcs.tolist(), strict=True)]
    lonlat = np.concatenate(courses) if courses else np.empty((0, 2))
    xy = network.plane.to_xy(Points(lon=lonlat[:, 0], lat=lonlat[:, 1]))
    of_line = np.repeat(np.arange(len(courses)), [len(course) for course in courses])
    return shapely.linestrings(xy, indices=of_line)


def _first_part(line: Any, share: float) -> Any:
    """Return the first part of a line, a share of its length."""
    from shapely.ops import substring

    part = substring(line, 0.0, share, normalized=True)
    return part if part.geom_type == "LineString" else type(line)([part, part])


def _without_small_holes(area: Any) -> Any:
    import shapely

    parts = [part for part in shapely.get_parts(area) if not part.is_empty]
    filled = [
        shapely.Polygon(
            part.exterior,
            [hole for hole in part.interiors if shapely.Polygon(hole).area >= _LEAST_HOLE_M2],
        )
        for part in parts
    ]
    return shapely.union_all(filled) if filled else area


def polygon_area_m2(router: RoadRouter, area: Any) -> float:
    """Return the area of a polygon in WGS84, in square metres, on the network's plane."""
    import shapely

    def to_xy(lonlat: FloatArray) -> FloatArray:
        return router.network.plane.to_xy(Points(lon=lonlat[:, 0], lat=lonlat[:, 1]))

    return float(shapely.transform(area, to_xy).area)
