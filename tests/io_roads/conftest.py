"""A small network in every format."""

import os
from pathlib import Path

import pytest

NODES = b"node_id,lon,lat\n10,104.0,30.0\n20,104.001,30.0\n30,104.002,30.0\n"
EDGES = (
    b"u,v,length_m,highway,maxspeed,oneway,name\n"
    b"10,20,100.5,primary,60,False,Main Street\n"
    b"20,10,100.5,primary,60,False,Main Street\n"
    b"20,30,96.9,\"['residential', 'service']\",20 mph,True,\n"
)
GRAPHML = """<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="d0" for="graph" attr.name="crs" attr.type="string"/>
<key id="d1" for="node" attr.name="y" attr.type="string"/>
<key id="d2" for="node" attr.name="x" attr.type="string"/>
<key id="d3" for="edge" attr.name="length" attr.type="string"/>
<key id="d4" for="edge" attr.name="highway" attr.type="string"/>
<key id="d5" for="edge" attr.name="maxspeed" attr.type="string"/>
<key id="d6" for="edge" attr.name="name" attr.type="string"/>
<key id="d7" for="edge" attr.name="geometry" attr.type="string"/>
<graph edgedefault="directed"><data key="d0">epsg:4326</data>
<node id="10"><data key="d1">30.0</data><data key="d2">104.0</data></node>
<node id="20"><data key="d1">30.0</data><data key="d2">104.001</data></node>
<edge source="10" target="20" id="0"><data key="d3">160.0</data>
<data key="d4">['tertiary', 'road']</data>
<data key="d5">['50', '30']</data><data key="d6">天府大道</data>
<data key="d7">LINESTRING (104 30, 104.0005 30.0005, 104.001 30)</data></edge>
<edge source="10" target="20" id="1"><data key="d3">100.0</data></edge>
<edge source="20" target="10" id="0"><data key="d3">100.0</data></edge>
</graph></graphml>
""".encode()


@pytest.fixture(scope="session")
def nodes_csv() -> bytes:
    return NODES


@pytest.fixture(scope="session")
def edges_csv() -> bytes:
    return EDGES


@pytest.fixture(scope="session")
def graphml() -> bytes:
    return GRAPHML


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nodes.csv").write_bytes(NODES)
    (tmp_path / "edges.csv").write_bytes(EDGES)
    return tmp_path


@pytest.fixture(scope="session")
def geo() -> Path:
    """The folder of real networks; the test is skipped where it is absent."""
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    path = Path(os.environ.get("DISPATCHOPT_DATA", beside)) / "geo"
    if not path.is_dir():
        pytest.skip("real road networks are not here; set DISPATCHOPT_DATA")
    return path
