"""Which nodes lie within a length of which others, kept sparse.

scipy's search prepares and returns a value for every node of the graph, reached or not, which
costs more than the search itself where the limit is short. So origins are taken tile by tile, and
each tile is searched in the part of the graph around it. Nodes are laid out in strips once, so
that a part is some runs of neighbouring rows, which are copied whole. That a part is large enough
is not assumed but checked: if no arc that leads out of it begins close enough to the origin to be
used, the result is that of the whole graph (on a way that leaves the part, the node before the
first arc out has its true distance). Origins that fail the check are searched in the whole graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.geography.graph import Graph, rows_at_once, shortest, to_hundredths

Int32 = np.ndarray[Any, np.dtype[np.int32]]

#: Side of a tile over the limit: larger tiles are fewer, smaller ones have smaller surroundings.
_TILE = 3.5
#: Below this number of nodes the whole graph is searched at once.
_FEW_NODES = 5_000


@dataclass(frozen=True, eq=False)
class Reached:
    """Nodes within reach: those of row i are ``start[i] : start[i] + size[i]``, in any order."""

    start: IntArray
    size: IntArray
    node: Int32
    cm: Int32


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """A graph whose nodes are sorted by strip from south to north, and from west to east inside.

    Parameters
    ----------
    graph
        Weights in metres.
    flat_m
        Nodes roughly in metres, shape (num_nodes, 2).
    """

    graph: Graph
    flat_m: FloatArray

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return len(self.flat_m)

    @cached_property
    def _strip(self) -> tuple[float, float, int]:
        """South end of the first strip, width of a strip in metres, number of strips."""
        y = self.flat_m[:, 1]
        num = max(1, int(np.sqrt(self.num_nodes) / 2))
        return float(y.min()), max(float(np.ptp(y)) / num, 1e-6), num

    def _strip_of(self, y: FloatArray) -> IntArray:
        south, width, num = self._strip
        strip: IntArray = np.clip(np.floor((y - south) / width), 0, num - 1).astype(np.int64)
        return strip

    @cached_property
    def _order(self) -> Int32:
        """Node at each position."""
        return np.lexsort((self.flat_m[:, 0], self._strip_of(self.flat_m[:, 1]))).astype(np.int32)

    @cached_property
    def _key(self) -> FloatArray:
        """Rises with the position: easting, shifted from strip to strip."""
        flat = self.flat_m[self._order]
        return flat[:, 0] + self._strip_of(flat[:, 1]) * self._shift

    @cached_property
    def _shift(self) -> float:
        return 4.0 * float(np.abs(self.flat_m[:, 0]).max()) + 1.0

    @cached_property
    def _csr(self) -> tuple[IntArray, Int32, FloatArray]:
        """``indptr``, ``indices`` and ``data`` of the graph in terms of positions."""
        moved = self.graph.csr[self._order]
        return moved.indptr.astype(np.int64), self.position[moved.indices], moved.data

    @cached_property
    def position(self) -> Int32:
        """Position of each node."""
        position = np.empty(self.num_nodes, dtype=np.int32)
        position[self._order] = np.arange(self.num_nodes, dtype=np.int32)
        return position

    @cached_property
    def _new_idx(self) -> Int32:
        """Scratch: index of a position in the part that is being made, else -1."""
        return np.full(self.num_nodes, -1, dtype=np.int32)

    def runs(self, low: FloatArray, high: FloatArray) -> IntArray:
        """Return runs of positions that hold every node of a box, shape (num_runs, 2)."""
        first, last = self._strip_of(np.array([low[1], high[1]]))
        strips = np.arange(first, last + 1) * self._shift
        limit = self._shift / 2
        west, east = np.clip([low[0], high[0]], -limit, limit)
        return np.column_stack(
            [
                np.searchsorted(self._key, strips + west, side="left"),
                np.searchsorted(self._key, strips + east, side="right"),
            ]
        )

    def part(self, runs: IntArray) -> Part:
        """Return the graph among the nodes of some runs."""
        from scipy.sparse import csr_array

        indptr, indices, data = self._csr
        size = runs[:, 1] - runs[:, 0]
        num = int(size.sum())
        position = np.arange(num) + np.repeat(runs[:, 0] - (np.cumsum(size) - size), size)
        arcs = indptr[runs]
        head, length = _joined(indices, arcs), _joined(data, arcs)
        ends = np.zeros(num + 1, dtype=np.int64)
        np.cumsum(indptr[position + 1] - indptr[position], out=ends[1:])
        new_idx = self._new_idx
        new_idx[position] = np.arange(num, dtype=np.int32)
        head = new_idx[head]
        new_idx[position] = -1
        stays = head >= 0
        upto = np.zeros(len(head) + 1, dtype=np.int32)
        np.cumsum(stays, out=upto[1:])
        csr = csr_array((length[stays], head[stays], upto[ends]), shape=(num, num))
        out = np.flatnonzero(~stays)
        return Part(
            csr=csr,
            position=position,
            node=self._order[position],
            tail_out=np.searchsorted(ends, out, side="right") - 1,
            length_out=length[out],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """The graph among some nodes, and tail and length of every arc that leads out of it."""

    csr: Any
    position: IntArray
    node: Int32
    tail_out: IntArray
    length_out: FloatArray


def _joined(values: Any, runs: IntArray) -> Any:
    return np.concatenate([values[first:last] for first, last in runs.tolist()])


def reach(layout: Layout, origins: IntArray, limit_m: float) -> Reached:
    """Return the nodes within a limit of each origin.

    Parameters
    ----------
    layout
        The graph.
    origins
        Nodes, each once; a negative one reaches nothing.
    limit_m
        Metres of way, > 0.
    """
    search = _Search(layout, len(origins), limit_m)
    rows = np.flatnonzero(origins >= 0)
    if layout.num_nodes < _FEW_NODES:
        search.whole(rows, origins)
    else:
        cell = np.floor(layout.flat_m[origins[rows]] / (_TILE * limit_m)).astype(np.int64)
        _, tile = np.unique(cell[:, 0] * 2**31 + cell[:, 1], return_inverse=True)
        order = np.argsort(tile, kind="stable")
        for part in np.split(rows[order], np.flatnonzero(np.diff(tile[order])) + 1):
            search.tile(part, origins)
    return search.result()


class _Search:
    """Gathers what is reached, part by part."""

    def __init__(self, layout: Layout, num_rows: int, limit: float) -> None:
        self._layout = layout
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
        csr = self._layout.graph.csr
        step = rows_at_once(csr.shape[0])
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            self._add(part, shortest(csr, origins[part], self._limit), None)

    def tile(self, rows: IntArray, origins: IntArray) -> None:
        """Search from neighbouring rows in the part of the graph around them."""
        here = self._layout.flat_m[origins[rows]]
        # Roads are hardly ever shorter than the straight line; the check below finds the rest.
        low, high = here.min(axis=0) - 1.02 * self._limit, here.max(axis=0) + 1.02 * self._limit
        runs = self._layout.runs(low, high)
        if 2 * int((runs[:, 1] - runs[:, 0]).sum()) > self._layout.num_nodes:
            self.whole(rows, origins)
            return
        around = self._layout.part(runs)
        starts = np.searchsorted(around.position, self._layout.position[origins[rows]])
        step = rows_at_once(len(around.node))
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            dense = shortest(around.csr, starts[first : first + step], self._limit)
            least_out = dense[:, around.tail_out] + around.length_out
            is_whole = np.asarray((least_out > self._limit).all(axis=1), dtype=bool)
            if is_whole.all():
                self._add(part, dense, around.node)
            else:
                self._add(part[is_whole], dense[is_whole], around.node)
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
