"""Node and edge tables."""

import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from dispatchopt.core.errors import InputError, MissingPackageError
from dispatchopt.geography import Network
from dispatchopt.io import read
from dispatchopt.io.roads import parse_tables, read_network, read_tables, write_tables


def _classes(network: Network) -> list[str]:
    return [network.classes[k] for k in network.class_idx]


def test_csv_is_read(folder: Path) -> None:
    network = read_network(folder)
    assert network.node_id.tolist() == [10, 20, 30]
    assert network.tail.tolist() == [0, 1, 1]
    assert network.head.tolist() == [1, 0, 2]
    assert network.length_m.tolist() == [100.5, 100.5, 96.9]
    assert _classes(network) == ["primary", "primary", "residential"]
    assert network.maxspeed_m_s * 3.6 == pytest.approx([60, 60, 32.18688])
    assert [network.names[k] if k >= 0 else None for k in network.name_idx] == [
        "Main Street",
        "Main Street",
        None,
    ]


@pytest.mark.parametrize("encoding", ["csv", "parquet"])
def test_what_is_written_is_read_again(
    folder: Path, tmp_path: Path, encoding: Literal["csv", "parquet"]
) -> None:
    network = read_network(folder)
    out = tmp_path / "city" / "network"
    write_tables(network, out, encoding=encoding)
    again = read_network(out.parent)
    for name in ("node_id", "lon", "lat", "tail", "head", "length_m", "class_idx", "name_idx"):
        assert np.array_equal(getattr(network, name), getattr(again, name))
    assert again.maxspeed_m_s == pytest.approx(network.maxspeed_m_s)
    assert again.names == network.names
    assert sorted(path.name for path in out.iterdir()) == [f"edges.{encoding}", f"nodes.{encoding}"]


def test_a_failed_write_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = read_network(folder)
    before = (folder / "nodes.csv").read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        write_tables(network, folder)
    assert (folder / "nodes.csv").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["edges.csv", "nodes.csv"]


def test_ids_that_are_words_and_numbers_with_zeros(edges_csv: bytes) -> None:
    nodes = b"node_id,lon,lat\n007,104.0,30.0\n7,104.001,30.0\n"
    network = parse_tables(nodes, b"u,v,length_m\n007,7,100\n")
    assert network.node_id.tolist() == ["007", "7"]
    assert network.tail.tolist() == [0]


def test_only_what_is_needed_is_needed(nodes_csv: bytes) -> None:
    network = parse_tables(b"\xef\xbb\xbf" + nodes_csv, b"v,u,extra\n20,10,x\n")
    assert network.length_m == pytest.approx([96.49], abs=0.01)
    assert _classes(network) == ["road"]
    assert network.num_arcs == 1


def test_two_way_rows_are_completed(nodes_csv: bytes) -> None:
    network = parse_tables(nodes_csv, b"u,v,oneway\n10,20,no\n20,30,yes\n")
    assert list(zip(network.tail.tolist(), network.head.tolist(), strict=True)) == [
        (0, 1),
        (1, 2),
        (1, 0),
    ]


BAD = {
    "missing column": (b"node_id,lon\n1,2\n", b"u\n1\n", {"missing-column": 2}),
    "unknown node": (None, b"u,v\n10,20\n10,99\n98,20\n", {"unknown-node": 2}),
    "negative length": (None, b"u,v,length_m\n10,20,-5\n", {"length": 1}),
    "nan length": (None, b"u,v,length_m\n10,20,nan\n", {"length": 1}),
    "huge length": (None, b"u,v,length_m\n10,20,9223372036854775808\n", {"length": 1}),
    "words for numbers": (None, b"u,v,length_m\n10,20,far\n20,10,\n", {"not-a-number": 2}),
    "degrees for metres": (None, b"u,v,length_m\n10,20,0.001\n", {"length-unit": 1}),
    "odd oneway": (None, b"u,v,oneway\n10,20,perhaps\n", {"oneway": 1}),
    "swapped": (b"node_id,lon,lat\n1,30,104\n", b"u,v\n", {"coordinates": 1}),
    "duplicate id": (b"node_id,lon,lat\n1,30,14\n1,31,14\n", b"u,v\n", {"duplicate-id": 1}),
    "no nodes": (b"node_id,lon,lat\n", b"u,v\n", {"empty-table": 1}),
    "row width": (None, b"u,v\n10,20,30\n10\n10,20\n", {"row-width": 2}),
    "column twice": (None, b"u,v,u\n10,20,10\n", {"duplicate-column": 1}),
    "wrong encoding": ("node_id,lon,lat,né\n".encode("latin-1"), None, {"encoding": 1}),
    "open quote": (None, b'u,v\n10,"20\n', {"damaged-csv": 1}),
    "cut parquet": (b"PAR1abcdef", None, {"damaged-parquet": 1}),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables(case: str, nodes_csv: bytes, edges_csv: bytes) -> None:
    nodes, edges, expected = BAD[case]
    with pytest.raises(InputError) as caught:
        parse_tables(nodes or nodes_csv, edges or edges_csv)
    codes = [issue.code for issue in caught.value.issues]
    assert {code: codes.count(code) for code in codes} == expected


def test_rows_are_named_by_their_line(nodes_csv: bytes) -> None:
    edges = b'u,v,name\n10,20,"two\nlines"\n\n10,99,\n'
    with pytest.raises(InputError) as caught:
        parse_tables(nodes_csv, edges, "n.csv", "e.csv")
    assert [issue.where for issue in caught.value.issues] == ["e.csv line 5"]


def test_faults_of_both_files_come_together(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_tables(tmp_path / "a.csv", tmp_path / "b.csv")
    assert [issue.code for issue in caught.value.issues] == ["unreadable-file"] * 2


def test_a_folder_without_tables(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_network(tmp_path)
    assert [issue.code for issue in caught.value.issues] == ["missing-file"] * 2


def test_a_folder_with_two_of_a_kind(folder: Path) -> None:
    (folder / "nodes.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"nodes\.csv, nodes\.parquet"):
        read_network(folder)


def test_parquet_without_pyarrow(
    monkeypatch: pytest.MonkeyPatch, folder: Path, edges_csv: bytes
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match=r"dispatchopt\[parquet\]"):
        parse_tables(b"PAR1", edges_csv)
    network = read_network(folder)
    with pytest.raises(MissingPackageError, match=r"dispatchopt\[parquet\]"):
        write_tables(network, folder, encoding="parquet")


def test_the_network_of_a_document_is_read_as_the_document_reads_it() -> None:
    """Same nodes, arcs, lengths and speeds under the names of documents."""
    shipped = Path(__file__).parents[2] / "instances" / "city-small"
    city = read(shipped).problem.network
    found = read_network(shipped / "network")
    assert (found.lon.tolist(), found.lat.tolist()) == (city.lon.tolist(), city.lat.tolist())

    def arcs(network: Network) -> list[tuple[Any, ...]]:
        limits = np.nan_to_num(network.maxspeed_m_s).round(3)
        return sorted(
            zip(
                network.tail.tolist(),
                network.head.tolist(),
                network.length_m.tolist(),
                _classes(network),
                limits.tolist(),
                strict=True,
            )
        )

    assert arcs(found) == arcs(city)


def test_a_blank_direction_of_a_document_is_one_way(nodes_csv: bytes) -> None:
    node = nodes_csv.replace(b"node_id", b"id")
    first, second = (line.split(b",")[0].decode() for line in nodes_csv.splitlines()[1:3])
    edge = f"from,to,length_m,is_oneway\n{first},{second},1000,\n".encode()
    assert len(parse_tables(node, edge).tail) == 1
    assert len(parse_tables(node, edge.replace(b"1000,", b"1000,false")).tail) == 2
