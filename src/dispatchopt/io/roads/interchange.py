"""Networks to and from networkx, with the attribute names of OSMnx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.build import RoadColumns, build_network
from dispatchopt.geography.network import Network
from dispatchopt.io.roads.columns import ids_of, lonlat_of, numbers_of
from dispatchopt.io.roads.text import highway_of, maxspeeds_kmh, name_of

if TYPE_CHECKING:
    import networkx as nx


def from_networkx(graph: nx.Graph[Any], *, source: str = "networkx graph") -> Network:
    """Return the network of a networkx graph.

    Parameters
    ----------
    graph
        Nodes have ``x`` (lon) and ``y`` (lat); edges may have ``length`` (metres, else it is
        measured), ``highway``, ``maxspeed``, ``name`` and ``geometry`` (a shapely line). The
        graph attribute ``crs`` may name a projection. An undirected edge is used both ways.
    source
        Name in messages.

    Raises
    ------
    InputError
        Lists every missing or invalid attribute.
    """
    issues: list[Issue] = []
    nodes, edges = list(graph.nodes(data=True)), list(graph.edges(data=True))

    def node_where(row: int) -> str:
        return f"{source} node {nodes[row][0]!r}"

    def edge_where(row: int) -> str:
        return f"{source} edge {edges[row][0]!r} -> {edges[row][1]!r}"

    x = numbers_of([data.get("x") for _, data in nodes], "x", node_where, issues)
    y = numbers_of([data.get("y") for _, data in nodes], "y", node_where, issues)
    lengths = [data.get("length") for _, _, data in edges]
    length = None
    if any(value is not None for value in lengths):
        length = numbers_of(lengths, "length", edge_where, issues)
    if issues:
        raise InputError(issues)
    convert = lonlat_of(graph.graph.get("crs"), source)
    lonlat = convert(np.column_stack([x, y]))
    ids = ids_of([node for node, _ in nodes], *([edge[k] for edge in edges] for k in (0, 1)))
    columns = RoadColumns(
        node_id=ids[0],
        lon=lonlat[:, 0],
        lat=lonlat[:, 1],
        tail_id=ids[1],
        head_id=ids[2],
        length_m=length,
        highway=[highway_of(data.get("highway")) for _, _, data in edges],
        maxspeed_kmh=maxspeeds_kmh([data.get("maxspeed") for _, _, data in edges]),
        is_oneway=None if graph.is_directed() else np.zeros(len(edges), dtype=bool),
        name=[name_of(data.get("name")) for _, _, data in edges],
        shapes=[_course(data.get("geometry"), convert) for _, _, data in edges],
    )
    return build_network(columns, source=source, nodes_where=node_where, arcs_where=edge_where)


def _course(geometry: Any, convert: Any) -> FloatArray | None:
    if geometry is None or getattr(geometry, "geom_type", "") != "LineString":
        return None
    course: FloatArray = convert(np.asarray(geometry.coords)[:, :2])
    return course


def to_networkx(network: Network) -> nx.MultiDiGraph[Any]:
    """Return the network as a networkx graph with the attribute names of OSMnx."""
    import networkx as nx
    import shapely

    graph = nx.MultiDiGraph(crs="EPSG:4326", created_with="dispatchopt", simplified=True)
    nodes = network.node_id.tolist()
    graph.add_nodes_from(
        (node, {"x": lon, "y": lat})
        for node, lon, lat in zip(nodes, network.lon.tolist(), network.lat.tolist(), strict=True)
    )
    has_course = np.diff(network.shape_indptr) > 0
    pairs = set(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    for arc in range(network.num_arcs):
        tail, head = int(network.tail[arc]), int(network.head[arc])
        data: dict[str, Any] = {
            "length": float(network.length_m[arc]),
            "highway": network.classes[network.class_idx[arc]],
            "oneway": (head, tail) not in pairs,
        }
        if network.maxspeed_m_s[arc] > 0:
            data["maxspeed"] = f"{network.maxspeed_m_s[arc] * 3.6:.10g}"
        if network.name_idx[arc] >= 0:
            data["name"] = network.names[network.name_idx[arc]]
        if has_course[arc]:
            data["geometry"] = shapely.LineString(network.shape_of(arc))
        graph.add_edge(nodes[tail], nodes[head], **data)
    return graph
