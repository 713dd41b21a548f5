"""What a vehicle can use of a network, as sparse matrices ready for shortest paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.geography.network import Network, rank_by_size
from dispatchopt.geography.profiles import Profile

#: Lengths and times inside this layer are whole hundredths (cm, 1/100 s) in 32 bits, so that one
#: way gives the same figure whoever asks; this value stands for "no way".
NO_WAY = np.iinfo(np.int32).max
#: The dense result of one call to scipy holds at most this many numbers. Besides bounding memory,
#: a result of a few megabytes is several times faster to fill than one that takes new pages.
_DENSE_AT_ONCE = 1_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Graph:
    """One weight per arc on the nodes of a network.

    Parameters
    ----------
    csr
        scipy ``csr_array`` of float64 weights, shape (num_nodes, num_nodes); an explicit 0 is
        an arc of weight 0.
    arc
        Arc of the network behind each entry; ``~arc`` (negative) if used against its direction.
    """

    csr: Any
    arc: IntArray

    @property
    def reverse(self) -> Any:
        """The same graph with every arc turned round (scipy ``csr_array``)."""
        return self.csr.T.tocsr()


@dataclass(frozen=True, kw_only=True, eq=False)
class VehicleGraph:
    """A network as one vehicle sees it.

    Parameters
    ----------
    metres
        Weights in metres.
    seconds
        Weights in free-flow seconds; None where one speed holds on all arcs, so that the
        shortest way is the fastest.
    speed_m_s
        That one speed, or the mean speed over all arcs (their lengths over their times).
    component
        Strongly connected component of each node; the largest is 0, and -1 is a node that no
        usable arc touches.
    """

    metres: Graph
    seconds: Graph | None
    speed_m_s: float
    component: IntArray


def best_arcs(
    tail: IntArray, head: IntArray, weight: FloatArray, num_nodes: int
) -> tuple[Any, IntArray]:
    """Return the graph of the lightest arc between each two nodes, and which arc that is.

    Sparse constructors add parallel arcs up; here the minimum is taken first. Loops are left
    out: no shortest way uses one. Weights of 0 stay as explicit entries.
    """
    from scipy.sparse import csr_array

    order = np.lexsort((weight, head, tail))
    order = order[tail[order] != head[order]]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(tail[order]) != 0) | (np.diff(head[order]) != 0)
    best = order[first]
    counts = np.bincount(tail[best], minlength=num_nodes)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    csr = csr_array((weight[best], head[best].astype(np.int32), indptr), shape=(num_nodes,) * 2)
    return csr, best


def vehicle_graph(network: Network, profile: Profile) -> VehicleGraph:
    """Return what a vehicle can use of a network."""
    from scipy.sparse.csgraph import connected_components

    class_speed = np.array([profile.class_speed_m_s(name) for name in network.classes])
    speed = class_speed[network.class_idx] if network.num_arcs else np.empty(0)
    arc = np.flatnonzero(speed > 0)
    speed = speed[arc]
    if profile.obeys_maxspeed:
        limit = network.maxspeed_m_s[arc]
        speed = np.where(limit > 0, np.fmin(speed, limit), speed)
    tail, head, length = network.tail[arc], network.head[arc], network.length_m[arc]
    if profile.ignores_oneway:
        tail, head = np.concatenate([tail, head]), np.concatenate([head, tail])
        length, speed = np.tile(length, 2), np.tile(speed, 2)
        arc = np.concatenate([arc, ~arc])
    csr, best = best_arcs(tail, head, length, network.num_nodes)
    metres = Graph(csr=csr, arc=arc[best])
    is_uniform = len(speed) == 0 or bool((speed == speed[0]).all())
    seconds = None
    mean_speed = float(speed[0]) if len(speed) else profile.speed_m_s
    if not is_uniform:
        time = length / speed
        time_csr, best_time = best_arcs(tail, head, time, network.num_nodes)
        seconds = Graph(csr=time_csr, arc=arc[best_time])
        mean_speed = float(length.sum() / time.sum()) if time.sum() > 0 else profile.speed_m_s
    _, labels = connected_components(csr, directed=True, connection="strong")
    is_touched: BoolArray = np.zeros(network.num_nodes, dtype=bool)
    is_touched[tail] = is_touched[head] = True
    component = np.full(network.num_nodes, -1, dtype=np.int64)
    component[is_touched] = rank_by_size(labels[is_touched])
    return VehicleGraph(metres=metres, seconds=seconds, speed_m_s=mean_speed, component=component)


def rows_at_once(num_nodes: int) -> int:
    """Return how many origins one call to scipy takes, so that memory stays bounded."""
    return max(1, _DENSE_AT_ONCE // max(1, num_nodes))


def to_hundredths(values: FloatArray) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return whole hundredths in 32 bits; infinity becomes ``NO_WAY``."""
    return np.minimum(np.rint(values * 100), NO_WAY).astype(np.int32)


def shortest(csr: Any, origins: IntArray, limit: float = np.inf) -> FloatArray:
    """Return least weights from origins to all nodes, dense float64; inf beyond the limit."""
    from scipy.sparse.csgraph import dijkstra

    found: FloatArray = dijkstra(csr, directed=True, indices=origins, limit=limit)
    return found


def shortest_table(
    graph: Graph, origins: IntArray, targets: IntArray
) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Return least weights between nodes in hundredths, shape (len(origins), len(targets)).

    Runs from the side with fewer distinct nodes; on the turned graph if that is the targets.
    """
    starts, origin_row = np.unique(origins, return_inverse=True)
    ends, target_col = np.unique(targets, return_inverse=True)
    is_turned = len(ends) < len(starts)
    csr = graph.reverse if is_turned else graph.csr
    if is_turned:
        starts, ends = ends, starts
    table = np.empty((len(starts), len(ends)), dtype=np.int32)
    step = rows_at_once(csr.shape[0])
    for first in range(0, len(starts), step):
        rows = slice(first, first + step)
        table[rows] = to_hundredths(shortest(csr, starts[rows])[:, ends])
    if is_turned:
        table = table.T
    wanted: np.ndarray[Any, np.dtype[np.int32]] = table[origin_row[:, None], target_col[None, :]]
    return wanted
