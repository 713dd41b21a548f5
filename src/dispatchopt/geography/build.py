"""A network from columns that may hold anything: every fault is listed, none gets through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.distance import straight_m
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points

#: No road is longer than this (m); a larger figure is a unit mix-up or damage.
_LONGEST_M = 1_000_000.0
#: Lengths whose median over straight lines is below this are not metres.
_LEAST_RATIO = 0.5
#: At most this many issues of one kind are listed; a last one counts the rest.
_MOST_ISSUES = 200


@dataclass(frozen=True, kw_only=True, eq=False)
class RoadColumns:
    """Columns of nodes and arcs as a file holds them, one value per row.

    Parameters
    ----------
    node_id
        Any names, int64 or str, shape (num_nodes,).
    lon, lat
        Degrees.
    tail_id, head_id
        Names of nodes, shape (num_arcs,), of the same kind as ``node_id``.
    length_m
        Metres; measured along the course of the arc if not given.
    highway
        OSM highway class; None or empty is ``road``.
    maxspeed_kmh
        nan where unknown.
    is_oneway
        Where False, the arc is also used backwards (harmless if that arc is there as well).
    name
        Street names; None or empty is none.
    shapes
        Course of each arc with or without its ends as (k, 2) lon, lat; None is straight.
    """

    node_id: npt.NDArray[Any]
    lon: FloatArray
    lat: FloatArray
    tail_id: npt.NDArray[Any]
    head_id: npt.NDArray[Any]
    length_m: FloatArray | None = None
    highway: Sequence[str | None] | None = None
    maxspeed_kmh: FloatArray | None = None
    is_oneway: BoolArray | None = None
    name: Sequence[str | None] | None = None
    shapes: Sequence[FloatArray | None] | None = None


@dataclass(eq=False)
class _Faults:
    """Collects issues about rows of two tables."""

    nodes_where: Callable[[int], str]
    arcs_where: Callable[[int], str]
    issues: list[Issue] = field(default_factory=list)

    def add(
        self,
        bad: BoolArray,
        *,
        table: str,
        code: str,
        found: Callable[[int], str],
        wanted: str,
        hint: str = "",
    ) -> None:
        """List the rows where ``bad`` holds."""
        where = self.nodes_where if table == "nodes" else self.arcs_where
        rows = np.flatnonzero(bad).tolist()
        self.issues += [
            Issue(code=code, where=where(row), found=found(row), wanted=wanted, hint=hint)
            for row in rows[:_MOST_ISSUES]
        ]
        if len(rows) > _MOST_ISSUES:
            rest = f"{len(rows) - _MOST_ISSUES} more rows of this kind"
            self.issues.append(
                Issue(code=code, where=where(rows[_MOST_ISSUES]), found=rest, wanted=wanted)
            )


def build_network(
    columns: RoadColumns,
    *,
    source: str = "network",
    nodes_where: Callable[[int], str] | None = None,
    arcs_where: Callable[[int], str] | None = None,
) -> Network:
    """Return the network of some columns.

    Parameters
    ----------
    columns
        Nodes and arcs, unchecked.
    source
        Name of the network in messages.
    nodes_where, arcs_where
        Place of a row in its source, for errors.

    Raises
    ------
    InputError
        Lists every fault: no nodes, an unknown node, a node named twice, coordinates out of
        range or swapped, a length that is negative, not finite or not in metres.
    """
    faults = _Faults(
        nodes_where or (lambda row: f"{source} node row {row + 1}"),
        arcs_where or (lambda row: f"{source} edge row {row + 1}"),
    )
    _check_nodes(columns, faults, source)
    tail, head = _check_ends(columns, faults)
    if faults.issues:
        raise InputError(faults.issues)
    network = _assemble(columns, tail, head, source)
    _check_lengths(network, columns, faults)
    if faults.issues:
        raise InputError(faults.issues)
    return with_reverse_arcs(network, columns.is_oneway)


def _check_nodes(columns: RoadColumns, faults: _Faults, source: str) -> None:
    lon, lat = columns.lon, columns.lat
    if len(lon) == 0:
        faults.issues.append(
            Issue(code="empty-table", where=source, found="no nodes", wanted="at least one node")
        )
    kinds, inverse, counts = np.unique(columns.node_id, return_inverse=True, return_counts=True)
    first = np.zeros(len(kinds), dtype=np.int64)
    first[inverse[::-1]] = np.arange(len(inverse))[::-1]
    is_again = (counts[inverse] > 1) & (first[inverse] != np.arange(len(inverse)))
    faults.add(
        is_again,
        table="nodes",
        code="duplicate-id",
        found=lambda row: f"node {columns.node_id[row]} again",
        wanted="every node once",
    )
    fits = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    looks_swapped = ~fits & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
    hint = "lon and lat seem to be swapped" if looks_swapped.any() else ""
    faults.add(
        ~fits,
        table="nodes",
        code="coordinates",
        found=lambda row: f"lon {lon[row]} lat {lat[row]}",
        wanted="lon in [-180, 180] and lat in [-90, 90] degrees",
        hint=hint or "coordinates are WGS84 degrees, not metres",
    )


def _named(side: str, ids: npt.NDArray[Any], row: int) -> str:
    return f"an edge {side} node {ids[row]}"


def _check_ends(columns: RoadColumns, faults: _Faults) -> tuple[IntArray, IntArray]:
    ends = []
    order = np.argsort(columns.node_id, kind="stable")
    names = columns.node_id[order]
    for side, ids in (("from", columns.tail_id), ("to", columns.head_id)):
        if len(names) == 0:
            ends.append(np.zeros(len(ids), dtype=np.int64))
            continue
        place = np.minimum(np.searchsorted(names, ids), len(names) - 1)
        faults.add(
            names[place] != ids,
            table="arcs",
            code="unknown-node",
            found=partial(_named, side, ids),
            wanted="a node of the node table",
        )
        ends.append(order[place])
    return ends[0], ends[1]


def _check_lengths(network: Network, columns: RoadColumns, faults: _Faults) -> None:
    if columns.length_m is None:
        return
    length = columns.length_m
    bad = ~((length >= 0) & (length <= _LONGEST_M))
    faults.add(
        bad,
        table="arcs",
        code="length",
        found=lambda row: f"length {length[row]}",
        wanted=f"metres in [0, {_LONGEST_M:.0f}]",
    )
    straight = straight_m(network.points[network.tail], network.points[network.head])
    clear = ~bad & (straight > 1.0)
    if not clear.any():
        return
    ratio = float(np.median(length[clear] / straight[clear]))
    if ratio < _LEAST_RATIO:
        faults.issues.append(
            Issue(
                code="length-unit",
                where=faults.arcs_where(int(np.flatnonzero(clear)[0])),
                found=f"edges {ratio:.3g} times as long as the straight line between their nodes",
                wanted="lengths in metres, so at least about 1 time",
                hint="lengths may be in kilometres or degrees, or lon and lat may be swapped",
            )
        )


def _assemble(columns: RoadColumns, tail: IntArray, head: IntArray, source: str) -> Network:
    arcs = len(tail)
    classes, class_idx = _labels(columns.highway, arcs, "road")
    names, name_idx = _labels(columns.name, arcs, "")
    if names and names[0] == "":
        names, name_idx = names[1:], name_idx - 1
    speed = np.full(arcs, np.nan)
    if columns.maxspeed_kmh is not None:
        kmh = columns.maxspeed_kmh
        speed = np.where((kmh > 0) & (kmh <= 360), kmh, np.nan) / 3.6
    shape_indptr, shape = _inner_shapes(columns, tail, head)
    network = Network(
        lon=columns.lon,
        lat=columns.lat,
        tail=tail,
        head=head,
        length_m=np.zeros(arcs),
        node_id=columns.node_id,
        classes=classes,
        class_idx=class_idx,
        maxspeed_m_s=speed,
        names=names,
        name_idx=name_idx,
        shape_indptr=shape_indptr,
        shape_lon=shape[:, 0],
        shape_lat=shape[:, 1],
        source=source,
    )
    length = columns.length_m
    if length is None:
        length = measured_m(network)
    valid = np.where((length >= 0) & (length <= _LONGEST_M), length, 0.0)
    return replace(network, length_m=valid)


def _labels(
    values: Sequence[str | None] | None, count: int, default: str
) -> tuple[tuple[str, ...], IntArray]:
    """Return the labels that occur, the default first, and the label of each row."""
    if values is None:
        return (default,), np.zeros(count, dtype=np.int64)
    position: dict[str, int] = {default: 0}
    idx = [position.setdefault(value or default, len(position)) for value in values]
    return tuple(position), np.array(idx, dtype=np.int64)


def _inner_shapes(
    columns: RoadColumns, tail: IntArray, head: IntArray
) -> tuple[IntArray, FloatArray]:
    """Return courses without their ends (CSR); out-of-range points are left out."""
    if columns.shapes is None:
        return np.zeros(len(tail) + 1, dtype=np.int64), np.empty((0, 2))
    parts: list[FloatArray] = []
    for arc, shape in enumerate(columns.shapes):
        inner = np.empty((0, 2)) if shape is None else np.asarray(shape, dtype=np.float64)
        for place, node in ((0, tail[arc]), (-1, head[arc])):
            end = (columns.lon[node], columns.lat[node])
            if len(inner) and np.abs(inner[place] - end).max() < 1e-9:
                inner = inner[1:] if place == 0 else inner[:-1]
        fits = (np.abs(inner[:, 0]) <= 180) & (np.abs(inner[:, 1]) <= 90)
        parts.append(inner[fits])
    indptr = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    return indptr, np.concatenate([*parts, np.empty((0, 2))])


def measured_m(network: Network) -> FloatArray:
    """Return the length of every arc along its course, in metres."""
    count = np.diff(network.shape_indptr) + 2
    ends = np.cumsum(count)
    starts = ends - count
    points = np.empty((int(ends[-1]) if len(ends) else 0, 2))
    is_inner = np.ones(len(points), dtype=bool)
    is_inner[starts] = is_inner[ends - 1] = False
    points[starts] = np.column_stack([network.lon[network.tail], network.lat[network.tail]])
    points[ends - 1] = np.column_stack([network.lon[network.head], network.lat[network.head]])
    points[is_inner] = np.column_stack([network.shape_lon, network.shape_lat])
    if len(points) == 0:
        return np.empty(0)
    course = Points(lon=points[:, 0], lat=points[:, 1])
    step = np.concatenate([[0.0], np.cumsum(straight_m(course[:-1], course[1:]))])
    length: FloatArray = step[ends - 1] - step[starts]
    return np.maximum(length, 0.0)


def with_reverse_arcs(network: Network, is_oneway: BoolArray | None) -> Network:
    """Return the network with a backward arc for every arc that is not one-way and lacks one.

    Parameters
    ----------
    network
        Directed arcs.
    is_oneway
        Shape (num_arcs,); None means that the arcs are complete as they are.
    """
    if is_oneway is None:
        return network
    nodes = network.num_nodes
    there = np.unique(network.tail * nodes + network.head)
    is_lone = ~np.isin(network.head * nodes + network.tail, there)
    extra = np.flatnonzero(~is_oneway & is_lone)
    if len(extra) == 0:
        return network
    both = np.concatenate([np.arange(network.num_arcs), extra])
    count = np.diff(network.shape_indptr)
    backward = [
        np.arange(network.shape_indptr[arc + 1] - 1, network.shape_indptr[arc] - 1, -1)
        for arc in extra.tolist()
    ]
    points = np.concatenate([np.arange(len(network.shape_lon)), *backward]).astype(np.int64)
    return replace(
        network,
        tail=np.concatenate([network.tail, network.head[extra]]),
        head=np.concatenate([network.head, network.tail[extra]]),
        length_m=network.length_m[both],
        class_idx=network.class_idx[both],
        maxspeed_m_s=network.maxspeed_m_s[both],
        name_idx=network.name_idx[both],
        shape_indptr=np.concatenate([[0], np.cumsum(count[both])]),
        shape_lon=network.shape_lon[points],
        shape_lat=network.shape_lat[points],
    )
