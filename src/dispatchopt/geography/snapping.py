"""Where places meet the road network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.distance import arc_m, chord_m, earth_xyz
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points

#: From so many places on, starting threads for the search pays.
_MANY = 10_000

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
        snapped = self._known.get(points)
        if snapped is None:
            snapped = self._known[points] = self._nearest(points)
        if self.far == "error" and not snapped.is_near.all():
            far_idx = np.flatnonzero(~snapped.is_near)
            raise InputError(self._issues(points, snapped.xyz, far_idx, where))
        return snapped

    def _nearest(self, points: Points) -> Snapped:
        xyz = earth_xyz(points)
        node = np.full(len(points), -1, dtype=np.int64)
        access_cm = np.zeros(len(points), dtype=np.int64)
        if len(points) and len(self._nodes):
            reach = chord_m(self.limit_m) * (1 + 1e-12)
            chord, found = self._query(xyz, points, reach)
            near = np.isfinite(chord)
            node[near] = self._nodes[found[near]]
            access_cm[near] = np.rint(arc_m(chord[near]) * 100)
        return Snapped(node=node, access_cm=access_cm, xyz=xyz)

    def _query(self, xyz: FloatArray, points: Points, reach: float) -> tuple[Any, Any]:
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


def _cell(points: Points) -> np.ndarray[Any, np.dtype[np.uint16]]:
    """Return the cell of each point on a grid of 256 x 256; 16 bits are sorted by counting."""
    rows, cols = (
        (values - values.min()) * (255.99 / max(float(np.ptp(values)), 1e-9))
        for values in (points.lat, points.lon)
    )
    cell: np.ndarray[Any, np.dtype[np.uint16]] = rows.astype(np.uint16) * np.uint16(256)
    cell += cols.astype(np.uint16)
    return cell
