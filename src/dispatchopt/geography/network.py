"""A road network: nodes and directed arcs in arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray, set_frozen
from dispatchopt.geography.distance import MEAN_RADIUS_M, LocalPlane, earth_xyz
from dispatchopt.geography.points import Points


def _no_ints() -> IntArray:
    return np.empty(0, dtype=np.int64)


def _no_floats() -> FloatArray:
    return np.empty(0, dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """Nodes and directed arcs; parallel arcs, loops and arcs of length 0 are all kept.

    A road in both directions is two arcs, which may differ. Whoever runs an algorithm on the
    network reduces parallel arcs to the best one first (``graph.best_arcs``).

    Parameters
    ----------
    lon, lat
        Degrees in WGS84, shape (num_nodes,).
    tail, head
        Index of the node where an arc begins and ends, shape (num_arcs,).
    length_m
        Metres, finite, >= 0, shape (num_arcs,).
    node_id
        Name of each node in its source, int64 or str, shape (num_nodes,), each once; the
        node's index if not given.
    classes, class_idx
        Highway classes that occur, and the class of each arc; one class ``road`` if not given.
    maxspeed_m_s
        Speed limit of each arc, nan where unknown; all unknown if not given.
    names, name_idx
        Street names that occur, and the name of each arc; -1 is without a name.
    shape_indptr, shape_lon, shape_lat
        Course of each arc between its ends, without them (CSR); straight if not given.
    source
        Where the network comes from; for messages.

    Raises
    ------
    ValueError
        If the arrays do not fit together. Readers use ``build_network``, which lists all faults.
    """

    lon: FloatArray
    lat: FloatArray
    tail: IntArray
    head: IntArray
    length_m: FloatArray
    node_id: npt.NDArray[Any] = field(default_factory=_no_ints)
    classes: tuple[str, ...] = ("road",)
    class_idx: IntArray = field(default_factory=_no_ints)
    maxspeed_m_s: FloatArray = field(default_factory=_no_floats)
    names: tuple[str, ...] = ()
    name_idx: IntArray = field(default_factory=_no_ints)
    shape_indptr: IntArray = field(default_factory=_no_ints)
    shape_lon: FloatArray = field(default_factory=_no_floats)
    shape_lat: FloatArray = field(default_factory=_no_floats)
    source: str = "network"

    def __post_init__(self) -> None:
        arcs = len(np.asarray(self.tail))
        defaults: dict[str, npt.NDArray[Any]] = {
            "node_id": np.arange(len(np.asarray(self.lon))),
            "class_idx": np.zeros(arcs, dtype=np.int64),
            "maxspeed_m_s": np.full(arcs, np.nan),
            "name_idx": np.full(arcs, -1, dtype=np.int64),
            "shape_indptr": np.zeros(arcs + 1, dtype=np.int64),
        }
        for name, value in defaults.items():
            if len(getattr(self, name)) == 0:
                object.__setattr__(self, name, value)
        for name in ("tail", "head", "class_idx", "name_idx", "shape_indptr"):
            set_frozen(self, name, np.int64)
        for name in ("lon", "lat", "length_m", "maxspeed_m_s", "shape_lon", "shape_lat"):
            set_frozen(self, name, np.float64)
        is_number = np.issubdtype(np.asarray(self.node_id).dtype, np.integer)
        set_frozen(self, "node_id", np.int64 if is_number else np.str_)
        self._require_nodes()
        self._require_arcs()

    def _require_nodes(self) -> None:
        Points(lon=self.lon, lat=self.lat)
        if self.node_id.shape != (self.num_nodes,):
            raise ValueError(f"node_id must have one value per node ({self.num_nodes})")
        if len(np.unique(self.node_id)) != self.num_nodes:
            raise ValueError("node_id must name each node once")

    def _require_arcs(self) -> None:
        arcs = self.num_arcs
        for name in ("head", "length_m", "class_idx", "maxspeed_m_s", "name_idx"):
            if getattr(self, name).shape != (arcs,):
                raise ValueError(f"{name} must have one value per arc ({arcs})")
        ranges = {
            "tail": (self.tail, 0, self.num_nodes),
            "head": (self.head, 0, self.num_nodes),
            "class_idx": (self.class_idx, 0, len(self.classes)),
            "name_idx": (self.name_idx, -1, len(self.names)),
        }
        for name, (values, least, end) in ranges.items():
            if not ((values >= least) & (values < end)).all():
                raise ValueError(f"{name} must lie in [{least}, {end})")
        if not (np.isfinite(self.length_m) & (self.length_m >= 0)).all():
            raise ValueError("length_m must be finite and >= 0")
        shape = self.shape_indptr
        if shape.shape != (arcs + 1,) or shape[0] != 0 or (np.diff(shape) < 0).any():
            raise ValueError("shape_indptr must have one value per arc and one more, rising from 0")
        if not shape[-1] == len(self.shape_lon) == len(self.shape_lat):
            raise ValueError("shape_lon and shape_lat must end where shape_indptr says")

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return len(self.lon)

    @property
    def num_arcs(self) -> int:
        """Number of directed arcs, parallel ones and loops included."""
        return len(self.tail)

    @property
    def has_shapes(self) -> bool:
        """Whether any arc has a course other than a straight line."""
        return len(self.shape_lon) > 0

    @cached_property
    def points(self) -> Points:
        """The nodes as points."""
        return Points(lon=self.lon, lat=self.lat)

    @cached_property
    def plane(self) -> LocalPlane:
        """The metric plane around the network."""
        return LocalPlane.around(self.points)

    @cached_property
    def xy_m(self) -> FloatArray:
        """Nodes in the metric plane, shape (num_nodes, 2)."""
        return self.plane.to_xy(self.points)

    @cached_property
    def flat_m(self) -> FloatArray:
        """Nodes roughly in metres, shape (num_nodes, 2): for tiles, not for lengths."""
        if self.num_nodes == 0:
            return np.empty((0, 2))
        degree_m = np.pi / 180 * MEAN_RADIUS_M
        narrowing = np.cos(np.radians(self.lat.mean()))
        return np.column_stack([self.lon * degree_m * narrowing, self.lat * degree_m])

    @cached_property
    def xyz_m(self) -> FloatArray:
        """Nodes in earth-centred metres, shape (num_nodes, 3)."""
        return earth_xyz(self.points)

    def shape_of(self, arc: int) -> FloatArray:
        """Return the course of an arc with both ends, (k, 2) lon, lat in its own direction."""
        inner = slice(self.shape_indptr[arc], self.shape_indptr[arc + 1])
        ends = [self.tail[arc]], [self.head[arc]]
        lon = np.concatenate([self.lon[ends[0]], self.shape_lon[inner], self.lon[ends[1]]])
        lat = np.concatenate([self.lat[ends[0]], self.shape_lat[inner], self.lat[ends[1]]])
        return np.column_stack([lon, lat])

    def component_labels(self) -> IntArray:
        """Return the strongly connected component of each node; the largest has label 0."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        ones = np.ones(self.num_arcs)
        square = (self.num_nodes, self.num_nodes)
        graph = csr_array((ones, (self.tail, self.head)), shape=square)
        _, labels = connected_components(graph, directed=True, connection="strong")
        return rank_by_size(labels)

    def keep_nodes(self, keep: npt.NDArray[np.bool_]) -> Network:
        """Return the network of some nodes and the arcs between them; ``keep`` has (n,)."""
        new_idx = np.cumsum(keep) - 1
        arcs = keep[self.tail] & keep[self.head]
        counts = np.diff(self.shape_indptr)
        points = np.repeat(arcs, counts)
        return Network(
            lon=self.lon[keep],
            lat=self.lat[keep],
            tail=new_idx[self.tail[arcs]],
            head=new_idx[self.head[arcs]],
            length_m=self.length_m[arcs],
            node_id=self.node_id[keep],
            classes=self.classes,
            class_idx=self.class_idx[arcs],
            maxspeed_m_s=self.maxspeed_m_s[arcs],
            names=self.names,
            name_idx=self.name_idx[arcs],
            shape_indptr=np.concatenate([[0], np.cumsum(counts[arcs])]),
            shape_lon=self.shape_lon[points],
            shape_lat=self.shape_lat[points],
            source=self.source,
        )

    def largest_component(self) -> Network:
        """Return the network of its largest strongly connected component."""
        return self.keep_nodes(self.component_labels() == 0)


def rank_by_size(labels: npt.NDArray[np.integer[Any]]) -> IntArray:
    """Return labels renumbered so that the most frequent is 0; ties go to the first seen."""
    if len(labels) == 0:
        return np.empty(0, dtype=np.int64)
    kinds, first, inverse, counts = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(kinds), dtype=np.int64)
    rank[np.lexsort((first, -counts))] = np.arange(len(kinds))
    ranked: IntArray = rank[inverse]
    return ranked
