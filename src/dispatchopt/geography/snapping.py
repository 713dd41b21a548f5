"""Where places meet the road network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.distance import arc_m, chord_m, earth_xyz
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points

#: From so many places on, starting threads for the search pays.
_MANY = 10_000
#: From so many on, loading compiled code pays.
VERY_MANY = 50_000

if TYPE_CHECKING:
    from dispatchopt.geography.node_grid import NodeGrid

Far = Literal["error", "unreachable"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapped:
    """Places and the node where each meets the network.

    Parameters
    ----------
    node
        Shape (n,); -1 for a place beyond the limit.
    access_cm
        Straight line from place to node in cm, shape (n,).
    xyz
        Places in earth-centred metres, shape (n, 3).
    """

    node: IntArray
    access_cm: IntArray
    xyz: FloatArray

    @property
    def is_near(self) -> BoolArray:
        """Whether each place lies within the limit."""
        near: BoolArray = self.node >= 0
        return near

    def straight_cm(self, own_idx: IntArray, other: Snapped, other_idx: IntArray) -> IntArray:
        """Return straight lines in cm between places of this set and of another."""
        difference = self.xyz[own_idx] - other.xyz[other_idx]
        chord = np.sqrt(np.einsum("ij,ij->i", difference, difference))
        length: IntArray = np.rint(arc_m(chord) * 100).astype(np.int64)
        return length


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapper:
    """Finds the nearest node that may be used.

    Parameters
    ----------
    network
        The roads.
    is_allowed
        Nodes to snap to, shape (num_nodes,).
    limit_m
        A place farther than this from every such node is far.
    far
        What a far place means: ``error`` (an ``InputError`` that lists all of them) or
        ``unreachable``.
    """

    network: Network
    is_allowed: BoolArray
    limit_m: float
    far: Far = "error"

    def __getstate__(self) -> dict[str, Any]:
        # Places remembered by identity mean nothing in another process.
        return {name: value for name, value in self.__dict__.items() if name != "_known"}

    @cached_property
    def _nodes(self) -> IntArray:
        return np.flatnonzero(self.is_allowed)

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self.network.xyz_m[self._nodes], leafsize=8)

    @cached_property
    def _grid(self) -> NodeGrid:
        from dispatchopt.geography.node_grid import NodeGrid

        return NodeGrid.of(self.network.xyz_m[self._nodes])

    @cached_property
    def _known(self) -> WeakKeyDictionary[Points, Snapped]:
        return WeakKeyDictionary()

    def __call__(self, points: Points, where: str) -> Snapped:
        """Return where points meet the network; ``where`` names them in errors.

        The answer is kept for as long as the points live: plans ask for many cut-offs and
        matrices of the same customers.

        Raises
        ------
        InputError
            If a point is far and ``far`` is ``error``.
        """
        return self.search(points, where).result()

    def search(self, points: Points, where: str) -> Search:
        """Return the search that ``snapper(points, where)`` makes, to be run in another thread."""
        known = self._known.get(points)
        if known is not None:
            return Search(lambda: (), lambda: self._allowed(points, known, where))

        def look() -> tuple[FloatArray, FloatArray, IntArray]:
            xyz = earth_xyz(points)
            return xyz, *self._near(points, xyz)

        def keep(xyz: FloatArray, chord: FloatArray, found: IntArray) -> Snapped:
            snapped = self._known[points] = self._snapped(xyz, chord, found)
            return self._allowed(points, snapped, where)

        return Search(look, keep)

    def _near(self, points: Points, xyz: FloatArray) -> tuple[FloatArray, IntArray]:
        """Return chords (inf where far) and positions in ``_nodes``."""
        if not len(points) or not len(self._nodes):
            return np.full(len(points), np.inf), np.zeros(len(points), dtype=np.int64)
        return self._query(xyz, points, chord_m(self.limit_m) * (1 + 1e-12))

    def _snapped(self, xyz: FloatArray, chord: FloatArray, found: IntArray) -> Snapped:
        near = np.isfinite(chord)
        node = np.full(len(chord), -1, dtype=np.int64)
        access_cm = np.zeros(len(chord), dtype=np.int64)
        node[near] = self._nodes[found[near]]
        access_cm[near] = np.rint(arc_m(chord[near]) * 100)
        return Snapped(node=node, access_cm=access_cm, xyz=xyz)

    def _allowed(self, points: Points, snapped: Snapped, where: str) -> Snapped:
        if self.far == "error" and not snapped.is_near.all():
            far_idx = np.flatnonzero(~snapped.is_near)
            raise InputError(self._issues(points, snapped.xyz, far_idx, where))
        return snapped

    def _query(self, xyz: FloatArray, points: Points, reach: float) -> tuple[Any, Any]:
        if len(points) >= VERY_MANY:
            return self._grid.query(xyz, reach)
        if len(points) <= _MANY:
            return self._tree.query(xyz, distance_upper_bound=reach)  # type: ignore[no-any-return]
        # Neighbours asked one after the other find their part of the tree still in the cache.
        order = np.argsort(_cell(points), kind="stable")
        chord, found = np.empty(len(xyz)), np.empty(len(xyz), dtype=np.int64)
        chord[order], found[order] = self._tree.query(
            xyz[order], distance_upper_bound=reach, workers=-1
        )
        return chord, found

    def _issues(
        self, points: Points, xyz: FloatArray, far_idx: IntArray, where: str
    ) -> list[Issue]:
        if len(self._nodes):
            away_m = arc_m(self._tree.query(xyz[far_idx])[0])
            away = [f", {metres:.0f} m from the nearest usable road" for metres in away_m]
        else:
            away = [", and the vehicle may use no road of this network"] * len(far_idx)
        return [
            Issue(
                code="far-from-road",
                where=f"{where} row {idx + 1}",
                found=f"lon {points.lon[idx]:.6f} lat {points.lat[idx]:.6f}{text}",
                wanted=f"at most {self.limit_m:g} m from a road of {self.network.source}",
                hint="check lon and lat for a swap, give a network that holds the place, "
                "or raise the snap limit",
            )
            for idx, text in zip(far_idx.tolist(), away, strict=True)
        ]


class Search:
    """One search for the nodes of some places.

    Only ``run`` belongs in another thread: most of it is one call that leaves the interpreter
    free. What comes after are short array operations, each of which would wait for a turn at the
    interpreter where another thread keeps it busy.

    Parameters
    ----------
    look
        Makes the search.
    keep
        Turns what ``look`` returned into the answer.
    """

    def __init__(self, look: Callable[[], tuple[Any, ...]], keep: Callable[..., Snapped]) -> None:
        self._look, self._keep = look, keep
        self._found: tuple[Any, ...] | None = None

    def run(self) -> None:
        """Look for the nodes, once."""
        if self._found is None:
            self._found = self._look()

    def result(self) -> Snapped:
        """Return where the places meet the network; raises as ``Snapper`` does."""
        self.run()
        return self._keep(*(self._found or ()))


def _cell(points: Points) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Return the cell of each point on a grid of 256 x 256; 16 bits are sorted by counting."""
    rows, cols = (
        (values - values.min()) * (255.99 / max(float(np.ptp(values)), 1e-9))
        for values in (points.lat, points.lon)
    )
    cell: np.ndarray[Any, np.dtype[np.uint16]] = rows.astype(np.uint16) * np.uint16(256)
    cell += cols.astype(np.uint16)
    return cell
