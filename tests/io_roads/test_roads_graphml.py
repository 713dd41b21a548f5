"""GraphML, networkx and OpenStreetMap extracts."""

import sys
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from dispatchopt.core.errors import InputError, MissingPackageError
from dispatchopt.geography import Network
from dispatchopt.io.roads import (
    from_networkx,
    parse_graphml,
    read_network,
    read_osm,
    to_networkx,
)


def test_graphml_is_read(graphml: bytes, tmp_path: Path) -> None:
    path = tmp_path / "any name"
    path.write_bytes(graphml)
    network = read_network(path)
    assert network.node_id.tolist() == [10, 20]
    assert network.length_m.tolist() == [160, 100, 100]
    assert [network.classes[k] for k in network.class_idx] == ["tertiary", "road", "road"]
    assert network.maxspeed_m_s[0] * 3.6 == pytest.approx(30)
    assert network.names == ("天府大道",)
    assert network.shape_of(0).tolist() == [[104, 30], [104.0005, 30.0005], [104.001, 30]]
    assert network.shape_of(1).tolist() == [[104, 30], [104.001, 30]]


def test_graphml_agrees_with_networkx(graphml: bytes, tmp_path: Path) -> None:
    path = tmp_path / "g.graphml"
    path.write_bytes(graphml)
    graph = nx.read_graphml(path, node_type=int, force_multigraph=True)
    other = {(u, v, float(data["length"])) for u, v, data in graph.edges(data=True)}
    network = read_network(path)
    ids = network.node_id
    ours = set(zip(ids[network.tail], ids[network.head], network.length_m.tolist(), strict=True))
    assert ours == other


def test_networks_go_through_networkx_and_back(graphml: bytes) -> None:
    network = parse_graphml(graphml, "g")
    graph = to_networkx(network)
    assert isinstance(graph, nx.MultiDiGraph)
    assert graph.nodes[10] == {"x": 104.0, "y": 30.0}
    again = from_networkx(graph)
    for name in ("node_id", "lon", "lat", "tail", "head", "length_m", "shape_lon", "shape_lat"):
        assert np.array_equal(getattr(network, name), getattr(again, name))
    assert again.maxspeed_m_s == pytest.approx(network.maxspeed_m_s, nan_ok=True)
    assert again.names == network.names


def test_undirected_edges_are_used_both_ways(graphml: bytes) -> None:
    one = graphml.replace(b'"directed"', b'"undirected"')
    assert parse_graphml(one, "g").num_arcs == 3
    graph = nx.Graph()
    graph.add_node("a", x=0.0, y=0.0)
    graph.add_node("b", x=0.001, y=0.0)
    graph.add_edge("a", "b")
    network = from_networkx(graph)
    assert network.num_arcs == 2
    assert network.length_m == pytest.approx([111.32, 111.32], abs=0.01)


def test_projected_graphs_are_turned_back() -> None:
    graph = nx.MultiDiGraph(crs="EPSG:32648")
    graph.add_node(1, x=500_000.0, y=3_320_000.0)
    network = from_networkx(graph)
    # On the central meridian of UTM zone 48.
    assert network.lon[0] == pytest.approx(105.0)
    assert 29.9 < network.lat[0] < 30.1


BAD_XML: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda text: text[:900], "damaged-xml"),
    "wrong encoding": (lambda text: text.replace(b"utf-8", b"ascii"), "damaged-xml"),
    "unknown encoding": (lambda text: text.replace(b"utf-8", b"klingon"), "damaged-xml"),
    "not graphml": (lambda _: b"<html><body/></html>", "not-graphml"),
    "no x": (lambda text: text.replace(b'attr.name="x"', b'attr.name="z"'), "not-a-number"),
    "unknown node": (lambda text: text.replace(b'target="20"', b'target="77"'), "unknown-node"),
    "bad wkt": (lambda text: text.replace(b"LINESTRING", b"LINESTRONG"), "geometry"),
    "a point": (lambda text: text.replace(b"LINESTRING (104 30, 104.0005 30.0005, 104.001 30)",
                                          b"POINT (1 2)"), "geometry"),
    "words": (lambda text: text.replace(b"160.0", b"far"), "not-a-number"),
    "negative": (lambda text: text.replace(b"160.0", b"-1"), "length"),
    "unknown crs": (lambda text: text.replace(b"epsg:4326", b"epsg:999999"), "unknown-crs"),
    "twice": (lambda text: text.replace(b'<node id="20">', b'<node id="10">'), "duplicate-id"),
    "metres as degrees": (lambda text: text.replace(b">104.0<", b">500000<"), "coordinates"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", BAD_XML)
def test_bad_graphml(case: str, graphml: bytes) -> None:
    damage, code = BAD_XML[case]
    with pytest.raises(InputError) as caught:
        parse_graphml(damage(graphml), "g")
    assert code in {issue.code for issue in caught.value.issues}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"  \n", "empty-file"),
        (b"hello", "unknown-format"),
        (b"\x00\x01\x02", "unknown-format"),
        (b"u,v\n1,2\n", "unknown-format"),
        (b"<", "damaged-xml"),
        (b"\xff\xfe<\x00", "damaged-xml"),
        (b"\x00\x00\x00\x0d\x0a\x09OSMHeader\x18\x7c", "damaged-osm"),
    ],
)
def test_files_of_no_known_kind(tmp_path: Path, content: bytes, code: str) -> None:
    if code == "damaged-osm":
        pytest.importorskip("pyrosm")
    path = tmp_path / "x.osm.pbf"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_network(path)
    assert [issue.code for issue in caught.value.issues] == [code]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unreadable-file"):
        read_network(tmp_path / "nothing")


def test_osm_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyrosm", None)
    with pytest.raises(MissingPackageError, match=r"dispatchopt\[osm\]"):
        read_osm(tmp_path / "x.osm.pbf")


REAL = [
    ("chengdu", 4139, 12_134, 4139),
    ("porto_drive", 50_955, 123_282, 50_955),
    ("shenzhen_futian.graphml", 1751, 4009, 1751),
    ("balikpapan_kota.graphml", 1207, 2683, 1182),
]


@pytest.mark.data
@pytest.mark.parametrize(("name", "nodes", "arcs", "largest"), REAL)
def test_real_networks(geo: Path, name: str, nodes: int, arcs: int, largest: int) -> None:
    network = read_network(geo / name)
    assert (network.num_nodes, network.num_arcs) == (nodes, arcs)
    assert network.largest_component().num_nodes == largest


@pytest.mark.data
def test_balikpapan_has_eight_components(geo: Path) -> None:
    labels = read_network(geo / "balikpapan_kota.graphml").component_labels()
    assert labels.max() + 1 == 8


@pytest.mark.data
def test_monaco_from_openstreetmap(geo: Path) -> None:
    pytest.importorskip("pyrosm")
    network: Network = read_network(geo / "monaco.osm.pbf")
    assert network.largest_component().num_nodes > 3000
    assert network.has_shapes
    assert {"primary", "footway", "steps"} <= set(network.classes)
    # One-way roads: fewer arcs back than there.
    pairs = set(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    assert any((head, tail) not in pairs for tail, head in pairs)
