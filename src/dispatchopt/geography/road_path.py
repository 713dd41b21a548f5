"""The course of a way on the road."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.geography.distance import straight_m
from dispatchopt.geography.graph import Graph
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points

if TYPE_CHECKING:
    from dispatchopt.geography.roads import RoadRouter


def road_path(router: RoadRouter, origin: Points, target: Points) -> FloatArray | None:
    """Return the fastest way as (k, 2) lon, lat, from place to place; None if there is none.

    It starts and ends at the places themselves and follows the course of each arc, where the
    network knows it.
    """
    ends = Points.concatenate(origin[:1], target[:1])
    start, end = router.snapper(ends, "path").node.tolist()
    if start < 0 or end < 0:
        return None
    first, last = (np.array([[ends.lon[k], ends.lat[k]]]) for k in (0, 1))
    if start == end:
        return np.concatenate([first, last])
    graph = router.fastest_graph()
    nodes = _node_sequence(graph, start, end, _likely_reach(router, ends))
    if nodes is None:
        return None
    road = course_of(router.network, graph, nodes)
    return np.concatenate([first, road, last])


def _likely_reach(router: RoadRouter, ends: Points) -> float:
    """Return how far to search at first: twice the straight line, in the graph's weight."""
    metres = 2 * float(straight_m(ends[:1], ends[1:])[0]) + 1000
    return metres if router.graph.seconds is None else metres / router.graph.speed_m_s


def _node_sequence(graph: Graph, start: int, end: int, reach: float) -> list[int] | None:
    from scipy.sparse.csgraph import dijkstra

    for limit in (reach, np.inf):
        weight, before = dijkstra(
            graph.csr, directed=True, indices=start, limit=limit, return_predecessors=True
        )
        if np.isfinite(weight[end]):
            break
    else:
        return None
    nodes = [end]
    while nodes[-1] != start:
        nodes.append(int(before[nodes[-1]]))
    return nodes[::-1]


def course_of(network: Network, graph: Graph, nodes: list[int]) -> FloatArray:
    """Return the course along a sequence of adjacent nodes, (k, 2) lon, lat."""
    parts: list[Any] = []
    for tail, head in pairwise(nodes):
        row = slice(graph.csr.indptr[tail], graph.csr.indptr[tail + 1])
        entry = row.start + int(np.flatnonzero(graph.csr.indices[row] == head)[0])
        arc = int(graph.arc[entry])
        shape = network.shape_of(arc) if arc >= 0 else network.shape_of(~arc)[::-1]
        parts.append(shape if not parts else shape[1:])
    return np.concatenate(parts)
