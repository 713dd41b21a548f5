"""The ways that couriers took, for playback: by road where there is one, few vertices each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.geography.distance import straight_m
from dispatchopt.geography.points import Points
from dispatchopt.geography.roads import RoadRouter
from dispatchopt.geography.router import Router
from dispatchopt.reporting.roads import simplify_lines, street_lines

#: Work allowed for finding ways: searches x nodes of the network. A few seconds.
MAX_WORK = 30_000_000
#: Vertices of all ways together; beyond it they are drawn with fewer bends.
MAX_VERTICES = 900_000
_BEND_DEGREES = 6e-5
#: Ways are looked for up to this many times the straight line, plus some metres.
_DETOUR, _SLACK_M = 2.0, 1000.0
_DENSE_AT_ONCE = 8_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Ways:
    """One line per drive: flat lon, lat (degrees), vertices per line, and how many follow roads."""

    lon: FloatArray
    lat: FloatArray
    counts: IntArray
    num_by_road: int


def drive_ways(
    router: Router | None,
    places: Points,
    origin: IntArray,
    target: IntArray,
    max_work: int = MAX_WORK,
) -> Ways:
    """Return the course of each drive from place ``origin`` to place ``target``.

    Straight lines stand where there is no network, no way, or where finding the way would take
    too long: the searches that serve the most drives are done first, up to ``max_work``.
    """
    count = len(origin)
    inner: list[tuple[IntArray, IntArray]] = []
    by_road = np.zeros(count, dtype=bool)
    if isinstance(router, RoadRouter) and count:
        inner = _road_courses(router, places, origin, target, max_work)
    lon, lat, counts, by_road = _join(router, places, origin, target, inner)
    lon, lat, counts = simplify_lines(lon, lat, counts, _BEND_DEGREES)
    tolerance = _BEND_DEGREES
    while len(lon) > MAX_VERTICES and tolerance < 1e-2:
        tolerance *= 2
        lon, lat, counts = simplify_lines(lon, lat, counts, tolerance)
    return Ways(lon=lon, lat=lat, counts=counts, num_by_road=int(by_road.sum()))


def _road_courses(
    router: RoadRouter, places: Points, origin: IntArray, target: IntArray, max_work: int
) -> list[tuple[IntArray, IntArray]]:
    """Return (drive, arc) columns in driving order, one pair per batch of searches."""
    graph = router.fastest_graph()
    # The graph weighs metres where the fastest way is the shortest, else seconds.
    speed = 1.0 if router.graph.seconds is None else router.graph.speed_m_s
    node = router.snapper(places, "places").node
    start, end = node[origin], node[target]
    usable = np.flatnonzero((start >= 0) & (end >= 0) & (start != end))
    num_nodes = graph.csr.shape[0]
    # A store begins or ends many drives: searching from there serves them all at once.
    weight = np.bincount(start[usable], minlength=num_nodes)
    weight += np.bincount(end[usable], minlength=num_nodes)
    is_back = weight[end[usable]] > weight[start[usable]]
    found = []
    straight = straight_m(places[origin], places[target])
    for back in (False, True):
        drives = usable[is_back == back]
        root = (end if back else start)[drives]
        tip = (start if back else end)[drives]
        csr = graph.reverse if back else graph.csr
        share = max_work * len(drives) // max(1, len(usable))
        for rows, before, served in _trees(
            csr, root, straight[drives] * _DETOUR + _SLACK_M, speed, share
        ):
            drive, tail, head = _unwind(before, rows, tip[served], drives[served])
            if back:
                tail, head = head, tail
            order = np.lexsort((_steps(drive, descending=not back), drive))
            drive, tail, head = drive[order], tail[order], head[order]
            found.append((drive, _arcs(graph, tail, head)))
    return found


def _trees(csr: Any, root: IntArray, reach_m: FloatArray, speed: float, work: int) -> Any:
    """Yield (row of each drive in a batch, predecessors, drives of the batch)."""
    from scipy.sparse.csgraph import dijkstra

    num_nodes = csr.shape[0]
    roots, which, uses = np.unique(root, return_inverse=True, return_counts=True)
    reach = np.zeros(len(roots))
    np.maximum.at(reach, which, reach_m / speed)
    most_first = np.argsort(-uses, kind="stable")[: max(1, work // max(1, num_nodes))]
    # Searches of like reach share a batch, which has one limit.
    most_first = most_first[np.argsort(reach[most_first], kind="stable")]
    step = max(1, min(64, _DENSE_AT_ONCE // max(1, num_nodes)))
    for first in range(0, len(most_first), step):
        batch = most_first[first : first + step]
        _, before = dijkstra(
            csr,
            directed=True,
            indices=roots[batch],
            limit=float(reach[batch].max()),
            return_predecessors=True,
        )
        row = np.full(len(roots), -1)
        row[batch] = np.arange(len(batch))
        drives = np.flatnonzero(row[which] >= 0)
        yield row[which[drives]], before, drives


def _unwind(
    before: Any, row: IntArray, tip: IntArray, drive: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Walk from the tips back to the roots of their trees, all at once; one row per arc."""
    drives, tails, heads = [], [], []
    at, active = tip.copy(), np.arange(len(tip))
    while len(active):
        previous = before[row[active], at[active]].astype(np.int64)
        active, previous = active[previous >= 0], previous[previous >= 0]
        drives.append(drive[active])
        tails.append(previous)
        heads.append(at[active].copy())
        at[active] = previous
    if not drives:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, empty
    return np.concatenate(drives), np.concatenate(tails), np.concatenate(heads)


def _steps(drive: IntArray, *, descending: bool) -> IntArray:
    """Return a key that keeps rows of a drive in the order of their walk, or turns it."""
    number = np.arange(len(drive))
    return -number if descending else number


def _arcs(graph: Any, tail: IntArray, head: IntArray) -> IntArray:
    """Return the arc behind each step of a way."""
    csr = graph.csr
    num_nodes = csr.shape[0]
    rows = np.repeat(np.arange(num_nodes), np.diff(csr.indptr))
    keys = rows * num_nodes + csr.indices
    order = np.argsort(keys, kind="stable")
    entry = order[np.searchsorted(keys[order], tail * num_nodes + head)]
    arcs: IntArray = graph.arc[entry]
    return arcs


def _join(
    router: Router | None,
    places: Points,
    origin: IntArray,
    target: IntArray,
    courses: list[tuple[IntArray, IntArray]],
) -> tuple[FloatArray, FloatArray, IntArray, BoolArray]:
    """Put together: the place itself, the roads, the other place; for every drive."""
    count = len(origin)
    drive = np.concatenate([part[0] for part in courses] or [np.zeros(0, dtype=np.int64)])
    lon, lat, owner = np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64)
    if len(drive) and isinstance(router, RoadRouter):
        arcs = np.concatenate([part[1] for part in courses])
        lon, lat, per_arc = street_lines(router.network, arcs)
        owner = np.repeat(drive, per_arc)
    by_road = np.zeros(count, dtype=bool)
    by_road[drive] = True
    everyone = np.arange(count)
    owners = np.concatenate([everyone, owner, everyone])
    part = np.repeat([0, 1, 2], [count, len(owner), count])
    order = np.lexsort((np.arange(len(owners)), part, owners))
    lon = np.concatenate([places.lon[origin], lon, places.lon[target]])[order]
    lat = np.concatenate([places.lat[origin], lat, places.lat[target]])[order]
    return lon, lat, np.bincount(owners, minlength=count), by_road
