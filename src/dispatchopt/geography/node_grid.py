"""Nearest nodes looked up in a grid, compiled, for many places at once. Import it only then.

Nodes are dropped onto the plane that touches the earth in their middle. Such a projection never
lengthens a chord, so what lies outside a square around a place is at least as far from it as the
square's edge is in the plane: cells are visited ring by ring until no cell outside can hold a
nearer node. This is exact anywhere on the globe, and quick where nodes lie in one region.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.compiled import compiled

#: Cells per node; road nodes crowd in towns, where a cell then holds one to three of them.
_CELLS_PER_NODE = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class NodeGrid:
    """Nodes sorted by cell.

    Parameters
    ----------
    axes
        Unit vectors of the plane, shape (3, 2).
    corner
        South-west corner in the plane, shape (2,).
    side_m
        Side of a cell.
    shape
        Numbers of cells along both axes.
    start
        Nodes of cell c are ``order[start[c] : start[c + 1]]``.
    order
        Node at each position, rising inside a cell.
    xyz
        Earth-centred metres at each position, shape (num_nodes, 3).
    """

    axes: FloatArray
    corner: FloatArray
    side_m: float
    shape: tuple[int, int]
    start: IntArray
    order: IntArray
    xyz: FloatArray

    @classmethod
    def of(cls, xyz: FloatArray) -> NodeGrid:
        """Return the grid of nodes in earth-centred metres, shape (num_nodes, 3), at least one."""
        axes = _axes(xyz.mean(axis=0))
        flat = np.column_stack([(xyz * axis).sum(axis=1) for axis in axes.T])
        corner = flat.min(axis=0)
        width = np.maximum(np.ptp(flat, axis=0), 1.0)
        num = _CELLS_PER_NODE * len(xyz)
        # A long thin region must not get more cells than that either.
        side_m = max(float(np.sqrt(width.prod() / num)), float(width.max()) / num)
        columns, rows = (np.floor(width / side_m).astype(np.int64) + 1).tolist()
        cell = np.floor((flat - corner) / side_m).astype(np.int64)
        at = np.minimum(cell[:, 1], rows - 1) * columns + np.minimum(cell[:, 0], columns - 1)
        order = np.argsort(at, kind="stable")
        start = np.zeros(rows * columns + 1, dtype=np.int64)
        np.cumsum(np.bincount(at, minlength=rows * columns), out=start[1:])
        return cls(
            axes=axes,
            corner=corner,
            side_m=side_m,
            shape=(columns, rows),
            start=start,
            order=order,
            xyz=np.ascontiguousarray(xyz[order]),
        )

    def query(self, xyz: FloatArray, reach_m: float) -> tuple[FloatArray, IntArray]:
        """Return chord and index of the nearest node of each place.

        Parameters
        ----------
        xyz
            Places in earth-centred metres, shape (n, 3).
        reach_m
            Nodes with a chord of this length or more are not looked at.

        Returns
        -------
        tuple
            Chords in metres, inf where no node is in reach; node indices, -1 there. Of two nodes
            equally near the one with the lower index is taken.
        """
        chord2 = np.full(len(xyz), float(reach_m) ** 2)
        found = np.full(len(xyz), -1, dtype=np.int64)
        cells = (self.shape, self.start, self.order, self.xyz)
        _nearest(cells, (self.side_m, self.corner, self.axes), xyz, chord2, found)
        return np.where(found >= 0, np.sqrt(chord2), np.inf), found


def _axes(middle: FloatArray) -> FloatArray:
    """Return east and north at a place, shape (3, 2)."""
    length = float(np.linalg.norm(middle))
    up = middle / length if length > 0 else np.array([1.0, 0.0, 0.0])
    pole = np.array([0.0, 0.0, 1.0]) if abs(up[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(pole, up)
    east /= np.linalg.norm(east)
    axes: FloatArray = np.column_stack([east, np.cross(up, east)])
    return axes


@compiled()
def _nearest(cells: Any, plane: Any, xyz: FloatArray, chord2: FloatArray, found: IntArray) -> None:
    """Lower ``chord2`` to the squared chord of the nearest node and name it in ``found``."""
    (columns, rows), _, _, _ = cells
    side, corner, axes = plane
    for idx in range(len(xyz)):
        place = (xyz[idx, 0], xyz[idx, 1], xyz[idx, 2])
        x = place[0] * axes[0, 0] + place[1] * axes[1, 0] + place[2] * axes[2, 0] - corner[0]
        y = place[0] * axes[0, 1] + place[1] * axes[1, 1] + place[2] * axes[2, 1] - corner[1]
        column = min(max(int(np.floor(x / side)), 0), columns - 1)
        row = min(max(int(np.floor(y / side)), 0), rows - 1)
        best, node, ring = chord2[idx], -1, 0
        while True:
            best, node = _ring(cells, (column, row, ring), place, best, node)
            # What lies beyond the rings is at least this far.
            beyond = min(_beyond(x, column, ring, side, columns), _beyond(y, row, ring, side, rows))
            if beyond == np.inf or (beyond > 0 and beyond * beyond > best):
                break
            ring += 1
        if node >= 0:
            chord2[idx], found[idx] = best, node


@compiled()
def _beyond(at: float, cell: int, ring: int, side: float, num: int) -> float:
    """Return the way along one axis to what lies beyond a ring; inf where there are no cells."""
    away = np.inf
    if cell - ring > 0:
        away = at - (cell - ring) * side
    if cell + ring < num - 1:
        away = min(away, (cell + ring + 1) * side - at)
    # The hair's breadth is for rounding in the projection.
    return away - 1e-6 * side


@compiled()
def _ring(
    cells: Any,
    middle: tuple[int, int, int],
    place: tuple[float, float, float],
    best: float,
    node: int,
) -> tuple[float, int]:
    """Return squared chord and index of the nearest node, those of one more ring looked at."""
    (columns, rows), start, order, node_xyz = cells
    column, row, ring = middle
    for r in range(max(row - ring, 0), min(row + ring, rows - 1) + 1):
        # All cells of the ring's outer rows, else only the two at its ends.
        step = 1 if abs(r - row) == ring else 2 * ring
        for c in range(column - ring, column + ring + 1, step):
            if c < 0 or c >= columns:
                continue
            for at in range(start[r * columns + c], start[r * columns + c + 1]):
                east, north = node_xyz[at, 0] - place[0], node_xyz[at, 1] - place[1]
                up = node_xyz[at, 2] - place[2]
                away = east * east + north * north + up * up
                if away < best or (away == best and 0 <= order[at] < node):
                    best, node = away, order[at]
    return best, node
