"""Which nodes lie within a length of which others, kept sparse.

scipy's search prepares and returns a value for every node of the graph, reached or not, which
costs more than the search itself where the limit is short. So origins are taken tile by tile, and
each tile is searched in the part of the graph around it. That this part is large enough is not
assumed but checked: if no arc that leads out of the part begins close enough to the origin to be
used, the result is that of the whole graph (on a way that leaves the part, the node before the
first arc out has its true distance). Origins that fail the check are searched in the whole graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.geography.graph import Graph, rows_at_once, shortest, to_hundredths

Int32 = np.ndarray[Any, np.dtype[np.int32]]

#: Side of a tile over the limit: larger tiles are fewer, smaller ones have smaller surroundings.
_TILE = 2.5
#: Below this number of nodes the whole graph is searched at once.
_FEW_NODES = 5_000


@dataclass(frozen=True, eq=False)
class Reached:
    """Nodes within reach: those of row i are ``start[i] : start[i] + size[i]``, in rising order."""

    start: IntArray
    size: IntArray
    node: Int32
    cm: Int32


def reach(graph: Graph, flat_m: FloatArray, origins: IntArray, limit_m: float) -> Reached:
    """Return the nodes within a limit of each origin.

    Parameters
    ----------
    graph
        Weights in metres.
    flat_m
        Nodes roughly in metres, shape (num_nodes, 2).
    origins
        Nodes, each once; a negative one reaches nothing.
    limit_m
        Metres of way, > 0.
    """
    search = _Search(graph, len(origins), limit_m)
    rows = np.flatnonzero(origins >= 0)
    if graph.csr.shape[0] < _FEW_NODES:
        search.whole(rows, origins)
    else:
        cell = np.floor(flat_m[origins[rows]] / (_TILE * limit_m)).astype(np.int64)
        _, tile = np.unique(cell[:, 0] * 2**31 + cell[:, 1], return_inverse=True)
        order = np.argsort(tile, kind="stable")
        for part in np.split(rows[order], np.flatnonzero(np.diff(tile[order])) + 1):
            search.tile(part, origins, flat_m)
    return search.result()


class _Search:
    """Gathers what is reached, part by part."""

    def __init__(self, graph: Graph, num_rows: int, limit: float) -> None:
        self._csr = graph.csr
        self._limit = limit
        self._start = np.zeros(num_rows, dtype=np.int64)
        self._size = np.zeros(num_rows, dtype=np.int64)
        self._num_found = 0
        self._node: list[Int32] = [np.empty(0, dtype=np.int32)]
        self._cm: list[Int32] = [np.empty(0, dtype=np.int32)]

    def result(self) -> Reached:
        return Reached(
            self._start, self._size, np.concatenate(self._node), np.concatenate(self._cm)
        )

    def whole(self, rows: IntArray, origins: IntArray) -> None:
        """Search from some rows in the whole graph."""
        step = rows_at_once(self._csr.shape[0])
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            self._add(part, shortest(self._csr, origins[part], self._limit), None)

    def tile(self, rows: IntArray, origins: IntArray, flat_m: FloatArray) -> None:
        """Search from neighbouring rows in the part of the graph around them."""
        here = flat_m[origins[rows]]
        # Roads are hardly ever shorter than the straight line; the check below finds the rest.
        low, high = here.min(axis=0) - 1.02 * self._limit, here.max(axis=0) + 1.02 * self._limit
        x, y = flat_m[:, 0], flat_m[:, 1]
        inside = (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])
        nodes = np.flatnonzero(inside).astype(np.int32)
        if 2 * len(nodes) > len(inside):
            self.whole(rows, origins)
            return
        csr, tail_out, length_out = _part(self._csr, nodes, inside)
        starts = np.searchsorted(nodes, origins[rows])
        step = rows_at_once(len(nodes))
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            dense = shortest(csr, starts[first : first + step], self._limit)
            is_whole = (dense[:, tail_out] + length_out > self._limit).all(axis=1)
            if is_whole.all():
                self._add(part, dense, nodes)
            else:
                self._add(part[is_whole], dense[is_whole], nodes)
                self.whole(part[~is_whole], origins)

    def _add(self, rows: IntArray, dense: FloatArray, nodes: Int32 | None) -> None:
        flat = np.flatnonzero(dense.ravel() <= self._limit)
        ends = np.searchsorted(flat, np.arange(len(dense) + 1) * dense.shape[1])
        self._start[rows] = self._num_found + ends[:-1]
        self._size[rows] = np.diff(ends)
        self._num_found += len(flat)
        self._cm.append(to_hundredths(dense.ravel()[flat]))
        flat -= np.repeat(np.arange(len(dense)) * dense.shape[1], np.diff(ends))
        self._node.append(flat.astype(np.int32) if nodes is None else nodes[flat])


def _part(csr: Any, nodes: Int32, inside: BoolArray) -> tuple[Any, Int32, FloatArray]:
    """Return the graph among some nodes, and tail and length of every arc that leads out."""
    from scipy.sparse import csr_array

    first = csr.indptr[nodes].astype(np.int64)
    count = csr.indptr[nodes + 1] - first
    ends = np.cumsum(count)
    taken = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - count), count)
    head, length = csr.indices[taken], csr.data[taken]
    tail = np.repeat(np.arange(len(nodes), dtype=np.int32), count)
    stays = inside[head]
    new_idx = np.zeros(len(inside), dtype=np.int32)
    new_idx[nodes] = np.arange(len(nodes), dtype=np.int32)
    indptr = np.concatenate([[0], np.cumsum(np.bincount(tail[stays], minlength=len(nodes)))])
    square = (len(nodes), len(nodes))
    part = csr_array((length[stays], new_idx[head[stays]], indptr.astype(np.int32)), shape=square)
    return part, tail[~stays], length[~stays]
