"""Street networks as two tables: nodes and edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.geography.network import Network
from dispatchopt.io.issues import Issues
from dispatchopt.io.tables import Checked, flag, references

Ends = npt.NDArray[np.int64]


def network_from(nodes: Checked, edges: Checked, issues: Issues) -> Network | None:
    """Return the network of two tables, or None if there are no nodes or something is wrong."""
    if not len(nodes) and not len(edges):
        return None
    tail = references(edges, "from", nodes, issues)
    head = references(edges, "to", nodes, issues)
    shapes = _shapes(edges, issues)
    if len(issues):
        return None
    return _join(nodes, edges, tail, head, shapes)


def _join(
    nodes: Checked,
    edges: Checked,
    tail: Ends,
    head: Ends,
    shapes: dict[int, npt.NDArray[np.float64]],
) -> Network:
    back = np.flatnonzero(~edges["is_oneway"])
    rows = np.concatenate([np.arange(len(edges)), back])
    is_back = np.arange(len(rows)) >= len(edges)
    classes, class_idx = _codes(edges["highway"][rows])
    names, name_idx = _codes(edges["name"][rows])
    if "" in names:
        # The empty name is no name.
        blank = names.index("")
        name_idx = np.where(name_idx == blank, -1, name_idx - (name_idx > blank))
        names = tuple(name for name in names if name)
    empty = np.empty((0, 2))
    course = (
        [
            shapes.get(int(row), empty)[:: -1 if turned else 1]
            for row, turned in zip(rows, is_back, strict=True)
        ]
        if shapes
        else []
    )
    joined = np.concatenate(course) if course else empty
    counts = (
        np.array([len(each) for each in course], dtype=np.int64) if course else np.zeros(len(rows))
    )
    return Network(
        lon=nodes["lon"],
        lat=nodes["lat"],
        tail=np.where(is_back, head[rows], tail[rows]),
        head=np.where(is_back, tail[rows], head[rows]),
        length_m=edges["length_m"][rows],
        node_id=_node_ids(nodes.ids()),
        classes=classes or ("road",),
        class_idx=class_idx,
        maxspeed_m_s=edges["maxspeed_m_s"][rows],
        names=names,
        name_idx=name_idx,
        shape_indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        shape_lon=joined[:, 0],
        shape_lat=joined[:, 1],
    )


def _codes(values: npt.NDArray[Any]) -> tuple[tuple[str, ...], Ends]:
    """Return the different texts, sorted, and the index of each value among them."""
    known = sorted(set(values))
    index = {text: code for code, text in enumerate(known)}
    codes = np.fromiter((index[text] for text in values), dtype=np.int64, count=len(values))
    return tuple(known), codes


def _node_ids(ids: Sequence[str]) -> npt.NDArray[Any]:
    # OSM names its nodes by whole numbers, and so does the network that was written.
    if all(len(text) <= 18 and text.isascii() and text.removeprefix("-").isdigit() for text in ids):
        numbers = [int(text) for text in ids]
        if [str(number) for number in numbers] == list(ids):
            return np.array(numbers, dtype=np.int64)
    return np.array(ids, dtype=np.str_)


def _shapes(edges: Checked, issues: Issues) -> dict[int, npt.NDArray[np.float64]]:
    shapes: dict[int, npt.NDArray[np.float64]] = {}
    bad = np.zeros(len(edges), dtype=bool)
    for row in np.flatnonzero(edges["shape"] != ""):
        try:
            shapes[int(row)] = _shape(edges["shape"][row])
        except ValueError:
            bad[row] = True
    wanted = "places as `lon lat, lon lat`, in WGS84"
    flag(edges, "shape", bad, "bad-shape-text", wanted, issues)
    return shapes


def _shape(text: str) -> npt.NDArray[np.float64]:
    pairs = np.array([pair.split() for pair in text.split(",")], dtype=np.float64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError("two numbers each")
    if not ((np.abs(pairs[:, 0]) <= 180).all() and (np.abs(pairs[:, 1]) <= 90).all()):
        raise ValueError("out of range")
    return pairs


def network_tables(network: Network | None) -> dict[str, dict[str, Any]]:
    """Return the tables of a network; every arc is a one-way edge."""
    if network is None:
        return {}
    names = (*network.names, "")
    ids = network.node_id.astype(str).astype(object)
    return {
        "network/nodes": {"id": ids, "lon": network.lon, "lat": network.lat},
        "network/edges": {
            "from": ids[network.tail],
            "to": ids[network.head],
            "length_m": network.length_m,
            "is_oneway": np.ones(network.num_arcs, dtype=bool),
            "highway": [network.classes[code] for code in network.class_idx],
            "maxspeed_m_s": network.maxspeed_m_s,
            "name": [names[code] for code in network.name_idx],
            "shape": _shape_texts(network),
        },
    }


def _shape_texts(network: Network) -> list[str]:
    if not network.has_shapes:
        return [""] * network.num_arcs
    return [
        ", ".join(f"{lon!r} {lat!r}" for lon, lat in network.shape_of(arc)[1:-1].tolist())
        for arc in range(network.num_arcs)
    ]
