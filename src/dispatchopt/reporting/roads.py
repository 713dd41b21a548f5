"""Streets for display: each street once, sorted by rank, with as few vertices as the eye needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.geography.network import Network
from dispatchopt.reporting.packing import pack_lines

#: More streets than this are thinned: the small ones go first.
MAX_STREETS = 60_000
#: A bend smaller than this is not drawn, in degrees (about 4 m).
BEND_DEGREES = 4e-5
_MAJOR = ("motorway", "trunk", "primary")
_MIDDLE = ("secondary", "tertiary")
#: Ways that say little about a city at a glance.
_SLIGHT = ("service", "footway", "path", "cycleway", "track", "steps", "pedestrian", "corridor")


def display_roads(network: Network | None, max_streets: int = MAX_STREETS) -> list[dict[str, Any]]:
    """Return packed streets by level (0 major, 1 middle, 2 minor), for the page's map."""
    if network is None or network.num_arcs == 0:
        return []
    arcs = _each_street_once(network)
    level = _levels(network)[network.class_idx[arcs]]
    keep = _thin(network, arcs, level, max_streets)
    arcs, level = arcs[keep], level[keep]
    groups = []
    for value in np.unique(level):
        part = arcs[level == value]
        part = part[np.argsort(_zigzag_of_places(network, part), kind="stable")]
        groups.append({"level": int(value), **pack_lines(*street_lines(network, part))})
    return groups


def _each_street_once(network: Network) -> IntArray:
    """Return one arc of each street: of both directions and of parallel arcs only the first."""
    low = np.minimum(network.tail, network.head)
    high = np.maximum(network.tail, network.head)
    _, first = np.unique(low * network.num_nodes + high, return_index=True)
    first = np.sort(first)
    streets: IntArray = first[low[first] != high[first]]
    return streets


def _levels(network: Network) -> IntArray:
    """Return the level of each class; a network that tells no classes apart is middle."""
    if len(network.classes) == 1:
        return np.ones(1, dtype=np.int64)
    levels = []
    for name in network.classes:
        stem = str(name).removesuffix("_link")
        levels.append(0 if stem in _MAJOR else 1 if stem in _MIDDLE else 2)
    return np.array(levels, dtype=np.int64)


def _thin(network: Network, arcs: IntArray, level: IntArray, limit: int) -> BoolArray:
    """Return which streets to draw: all, or the most important and then the longest."""
    if len(arcs) <= limit:
        return np.ones(len(arcs), dtype=bool)
    is_slight = np.array([str(name) in _SLIGHT for name in network.classes])
    rank = level + is_slight[network.class_idx[arcs]]
    order = np.lexsort((-network.length_m[arcs], rank))
    keep = np.zeros(len(arcs), dtype=bool)
    keep[order[:limit]] = True
    return keep


def _zigzag_of_places(network: Network, arcs: IntArray) -> IntArray:
    """Return a sort key that keeps neighbours together: rows of cells, there and back."""
    lon, lat = network.lon[network.tail[arcs]], network.lat[network.tail[arcs]]
    row = np.floor((lat - network.lat.min()) / 0.003).astype(np.int64)
    column = np.rint((lon - network.lon.min()) * 1e5).astype(np.int64)
    along: IntArray = np.where(row % 2 == 0, column, -column)
    key: IntArray = row * 100_000_000 + along
    return key


def street_lines(network: Network, arcs: IntArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the courses of arcs as flat lon, lat (degrees) and vertices per arc.

    A negative arc ``~i`` is arc i driven against its direction.
    """
    is_turned = arcs < 0
    arc = np.where(is_turned, ~arcs, arcs)
    inner = np.diff(network.shape_indptr)[arc]
    counts = inner + 2
    start = np.cumsum(counts) - counts
    lon, lat = np.empty(counts.sum()), np.empty(counts.sum())
    begin = np.where(is_turned, network.head[arc], network.tail[arc])
    end = np.where(is_turned, network.tail[arc], network.head[arc])
    for flat, nodes, shape in (
        (lon, network.lon, network.shape_lon),
        (lat, network.lat, network.shape_lat),
    ):
        flat[start] = nodes[begin]
        flat[start + counts - 1] = nodes[end]
        if len(shape):
            step = np.arange(inner.sum()) - np.repeat(np.cumsum(inner) - inner, inner)
            turned = np.repeat(is_turned, inner)
            offset = np.where(turned, np.repeat(inner, inner) - 1 - step, step)
            flat[np.repeat(start + 1, inner) + step] = shape[
                np.repeat(network.shape_indptr[arc], inner) + offset
            ]
    if not network.has_shapes:
        return lon, lat, counts
    return simplify_lines(lon, lat, counts, BEND_DEGREES)


def simplify_lines(
    lon: FloatArray, lat: FloatArray, counts: IntArray, tolerance: float
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return lines without vertices that lie within a tolerance (degrees) of the rest.

    Longitudes are shrunk by the latitude's cosine first, so that the tolerance is the same
    number of metres in every direction.
    """
    import shapely

    if len(counts) == 0:
        return lon, lat, counts
    shrink = max(0.05, float(np.cos(np.radians(lat.mean()))))
    owner = np.repeat(np.arange(len(counts)), counts)
    lines = shapely.linestrings(np.column_stack([lon * shrink, lat]), indices=owner)
    lines = shapely.simplify(lines, tolerance, preserve_topology=False)
    xy, left = shapely.get_coordinates(lines, return_index=True)
    return xy[:, 0] / shrink, xy[:, 1], np.bincount(left, minlength=len(counts))
