"""Networks: construction, components, and the check of unchecked columns."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dispatchopt.core.errors import InputError
from dispatchopt.geography import Network, RoadColumns, build_network

Make = Callable[..., Network]


@pytest.fixture
def columns() -> RoadColumns:
    return RoadColumns(
        node_id=np.array([10, 20, 30]),
        lon=np.array([104.0, 104.001, 104.002]),
        lat=np.array([30.0, 30.0, 30.0]),
        tail_id=np.array([10, 20]),
        head_id=np.array([20, 30]),
        length_m=np.array([100.0, 120.0]),
        highway=["primary", None],
        maxspeed_kmh=np.array([36.0, np.nan]),
        name=[None, "Main Street"],
    )


def test_columns_become_arrays(columns: RoadColumns) -> None:
    network = build_network(columns)
    assert network.tail.tolist() == [0, 1]
    assert network.head.tolist() == [1, 2]
    assert [network.classes[k] for k in network.class_idx] == ["primary", "road"]
    assert network.maxspeed_m_s[0] == 10.0
    assert np.isnan(network.maxspeed_m_s[1])
    assert network.names == ("Main Street",)
    assert network.name_idx.tolist() == [-1, 0]
    assert not network.lon.flags.writeable


def test_lengths_are_measured_where_not_given(columns: RoadColumns) -> None:
    shape = np.array([[104.0, 30.0], [104.0, 30.001], [104.001, 30.001], [104.001, 30.0]])
    bent = replace(columns, length_m=None, shapes=[shape, None])
    # 110.9 m for a thousandth of a degree of latitude, 96.5 m for one of longitude.
    assert build_network(bent).length_m == pytest.approx([318.2, 96.49], abs=0.2)
    assert build_network(bent).shape_of(0) == pytest.approx(shape)


def test_two_way_roads_get_the_arc_they_lack(columns: RoadColumns) -> None:
    shape = np.array([[104.0003, 30.001], [104.0006, 30.002]])
    both = replace(
        columns,
        tail_id=np.array([10, 20, 20]),
        head_id=np.array([20, 10, 30]),
        length_m=np.array([100.0, 101.0, 500.0]),
        highway=None,
        name=None,
        maxspeed_kmh=None,
        is_oneway=np.array([False, False, False]),
        shapes=[None, None, shape],
    )
    network = build_network(both)
    assert network.tail.tolist() == [0, 1, 1, 2]
    assert network.head.tolist() == [1, 0, 2, 1]
    assert network.length_m.tolist() == [100, 101, 500, 500]
    assert network.shape_of(3) == pytest.approx(network.shape_of(2)[::-1])
    one_way = build_network(replace(both, is_oneway=np.array([False, False, True])))
    assert one_way.num_arcs == 3


BAD: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (
        {"node_id": np.array([10, 20, 20])},
        [("duplicate-id", "node row 3"), ("unknown-node", "edge row 2")],
    ),
    ({"tail_id": np.array([10, 99])}, [("unknown-node", "edge row 2")]),
    (
        {"tail_id": np.array([7, 99])},
        [("unknown-node", "edge row 1"), ("unknown-node", "edge row 2")],
    ),
    ({"length_m": np.array([-1.0, 100.0])}, [("length", "edge row 1")]),
    (
        {"length_m": np.array([np.nan, np.inf])},
        [("length", "edge row 1"), ("length", "edge row 2")],
    ),
    ({"length_m": np.array([2.0**63, 100.0])}, [("length", "edge row 1")]),
    ({"length_m": np.array([0.001, 0.001])}, [("length-unit", "edge row 1")]),
    ({"lat": np.array([30.0, np.nan, 30.0])}, [("coordinates", "node row 2")]),
]


@pytest.mark.parametrize(("changes", "expected"), BAD)
def test_every_fault_is_named_where_it_stands(
    columns: RoadColumns, changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    with pytest.raises(InputError) as caught:
        build_network(replace(columns, **changes), source="n")
    assert [
        (issue.code, issue.where.removeprefix("n ")) for issue in caught.value.issues
    ] == expected


def test_swapped_coordinates_are_suspected(columns: RoadColumns) -> None:
    with pytest.raises(InputError, match="lon and lat seem to be swapped"):
        build_network(replace(columns, lon=columns.lat, lat=columns.lon))


def test_many_faults_of_one_kind_are_counted() -> None:
    many = RoadColumns(
        node_id=np.arange(2),
        lon=np.zeros(2),
        lat=np.zeros(2),
        tail_id=np.zeros(1000, dtype=np.int64),
        head_id=np.ones(1000, dtype=np.int64),
        length_m=np.full(1000, -1.0),
    )
    with pytest.raises(InputError, match="800 more rows") as caught:
        build_network(many)
    assert len(caught.value.issues) == 201


def test_no_nodes_at_all() -> None:
    none = np.empty(0)
    with pytest.raises(InputError, match="empty-table"):
        build_network(RoadColumns(node_id=none, lon=none, lat=none, tail_id=none, head_id=none))


def test_the_largest_strongly_connected_component(roads: Make) -> None:
    # 1 -> 2 -> 3 -> 1 is the largest; 0 leads in, 4 and 5 form another.
    network = roads(
        [(100 * k, 0) for k in range(6)],
        [(0, 1, 1), (1, 2, 2), (2, 3, 3), (3, 1, 4), (3, 4, 5), (4, 5, 6), (5, 4, 7)],
        node_id=np.array(list("abcdef")),
        shape_indptr=np.array([0, 1, 1, 2, 2, 3, 3, 3]),
        shape_lon=np.array([0.1, 0.2, 0.3]),
        shape_lat=np.zeros(3),
    )
    assert network.component_labels().tolist() == [2, 0, 0, 0, 1, 1]
    largest = network.largest_component()
    assert largest.node_id.tolist() == ["b", "c", "d"]
    assert largest.length_m.tolist() == [2, 3, 4]
    assert largest.shape_lon.tolist() == [0.2]
    assert largest.shape_indptr.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"head": np.array([3])}, "head must lie in"),
        ({"length_m": np.array([-1.0])}, "length_m must be finite"),
        ({"length_m": np.array([1.0, 2.0])}, "one value per arc"),
        ({"node_id": np.array([1, 1, 2])}, "each node once"),
        ({"node_id": np.array([1, 2])}, "one value per node"),
        ({"class_idx": np.array([1])}, "class_idx must lie in"),
        ({"name_idx": np.array([0])}, "name_idx must lie in"),
        ({"shape_indptr": np.array([0, 1])}, "must end where"),
        ({"shape_indptr": np.array([1, 0])}, "rising from 0"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    roads: Make, fields: dict[str, Any], message: str
) -> None:
    network = roads([(0, 0), (1, 0), (2, 0)], [(0, 1, 1)])
    with pytest.raises(ValueError, match=message):
        replace(network, **fields)
