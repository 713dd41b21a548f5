"""GraphML as OSMnx writes it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.build import RoadColumns, build_network
from dispatchopt.geography.network import Network
from dispatchopt.io.roads.columns import ids_of, lonlat_of, numbers_of, shown
from dispatchopt.io.roads.faults import read_bytes
from dispatchopt.io.roads.text import highway_of, maxspeeds_kmh, name_of


@dataclass(eq=False)
class _Parsed:
    """What stands in the file, as text."""

    nodes: list[dict[str, str]] = field(default_factory=list)
    node_ids: list[str] = field(default_factory=list)
    edges: list[dict[str, str]] = field(default_factory=list)
    ends: list[tuple[str, str]] = field(default_factory=list)
    graph: dict[str, str] = field(default_factory=dict)
    is_directed: bool = True
    num_graphs: int = 0


def read_graphml(path: str | Path) -> Network:
    """Return the network of a GraphML file.

    Raises
    ------
    InputError
        Lists every problem: damaged XML, missing or invalid attributes, unknown nodes.
    """
    path = Path(path)
    return parse_graphml(read_bytes(path), str(path))


def parse_graphml(content: bytes, source: str) -> Network:
    """Return the network of the bytes of a GraphML file; ``source`` names it in errors.

    Nodes need ``x`` and ``y``. Edges may have ``length``, ``highway``, ``maxspeed``, ``name``
    and ``geometry`` (WKT); an edge stands for the one direction it is written in, as OSMnx has
    it, unless the graph says that it is undirected.

    Raises
    ------
    InputError
        See ``read_graphml``.
    """
    parsed = _parse(content, source)
    issues: list[Issue] = []

    def node_where(row: int) -> str:
        return f"{source} node {parsed.node_ids[row]}"

    def edge_where(row: int) -> str:
        return f"{source} edge {parsed.ends[row][0]} -> {parsed.ends[row][1]} ({row + 1})"

    x = numbers_of([data.get("x") for data in parsed.nodes], "x", node_where, issues)
    y = numbers_of([data.get("y") for data in parsed.nodes], "y", node_where, issues)
    lengths = [data.get("length") for data in parsed.edges]
    length = None
    if any(value is not None for value in lengths):
        length = numbers_of(lengths, "length", edge_where, issues)
    convert = lonlat_of(parsed.graph.get("crs"), source)
    shapes = _shapes(parsed, edge_where, convert, issues)
    if issues:
        raise InputError(issues)
    lonlat = convert(np.column_stack([x, y]))
    ids = ids_of(parsed.node_ids, *([ends[k] for ends in parsed.ends] for k in (0, 1)))
    columns = RoadColumns(
        node_id=ids[0],
        lon=lonlat[:, 0],
        lat=lonlat[:, 1],
        tail_id=ids[1],
        head_id=ids[2],
        length_m=length,
        highway=[highway_of(data.get("highway")) for data in parsed.edges],
        maxspeed_kmh=maxspeeds_kmh([data.get("maxspeed") for data in parsed.edges]),
        is_oneway=None if parsed.is_directed else np.zeros(len(parsed.edges), dtype=bool),
        name=[name_of(data.get("name")) for data in parsed.edges],
        shapes=shapes,
    )
    return build_network(columns, source=source, nodes_where=node_where, arcs_where=edge_where)


def _parse(content: bytes, source: str) -> _Parsed:
    parsed = _Parsed()
    keys: dict[str, str] = {}
    try:
        for element in _elements(content):
            tag = element.tag.rpartition("}")[2]
            if tag == "key":
                keys[element.get("id", "")] = element.get("attr.name", "")
            elif tag == "node":
                parsed.node_ids.append(element.get("id", ""))
                parsed.nodes.append(_data(element, keys))
                element.clear()
            elif tag == "edge":
                parsed.ends.append((element.get("source", ""), element.get("target", "")))
                parsed.edges.append(_data(element, keys))
                element.clear()
            elif tag == "graph":
                parsed.graph = _data(element, keys)
                parsed.is_directed = element.get("edgedefault", "directed") != "undirected"
                parsed.num_graphs += 1
    except (ET.ParseError, ValueError, LookupError) as error:
        raise InputError(
            Issue(
                code="damaged-xml",
                where=source,
                found=str(error),
                wanted="well-formed GraphML",
                hint="the file may be cut off, or be in another encoding than it says",
            )
        ) from error
    if parsed.num_graphs != 1:
        raise InputError(
            Issue(
                code="not-graphml",
                where=source,
                found=f"{parsed.num_graphs} graph elements",
                wanted="GraphML with one graph",
            )
        )
    return parsed


def _elements(content: bytes) -> Iterator[Any]:
    for _, element in ET.iterparse(io.BytesIO(content), events=("end",)):
        yield element


def _data(element: Any, keys: dict[str, str]) -> dict[str, str]:
    found = {}
    for child in element:
        if child.tag.rpartition("}")[2] == "data":
            key = child.get("key", "")
            found[keys.get(key) or key] = child.text or ""
    return found


def _shapes(
    parsed: _Parsed, where: Any, convert: Any, issues: list[Issue]
) -> list[FloatArray | None] | None:
    texts = [data.get("geometry") for data in parsed.edges]
    if not any(texts):
        return None
    import shapely

    # Coordinates beyond the range of floats become infinite, and are left out later.
    with np.errstate(all="ignore"):
        lines = shapely.from_wkt(np.array(texts, dtype=object), on_invalid="ignore")
    is_line = (shapely.get_type_id(lines) == 1) & ~shapely.is_empty(lines)
    for row in np.flatnonzero(~is_line).tolist():
        if texts[row]:
            issues.append(
                Issue(
                    code="geometry",
                    where=where(row),
                    found=shown(texts[row]),
                    wanted="a LINESTRING in WKT",
                )
            )
    rows = np.flatnonzero(is_line)
    shapes: list[FloatArray | None] = [None] * len(texts)
    points, of_line = shapely.get_coordinates(lines[rows], return_index=True)
    parts = np.split(convert(points), np.flatnonzero(np.diff(of_line)) + 1)
    for row, part in zip(rows.tolist(), parts if len(rows) else [], strict=True):
        shapes[row] = part
    return shapes
