from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from dispatchopt.core.arrays import FloatArray
from dispatchopt.generators import generate_streets
from dispatchopt.generators.plan import draw_plan
from dispatchopt.geography.distance import straight_m
from dispatchopt.geography.network import Network
from dispatchopt.pipeline.city import City


def _distances(network: Network, num_origins: int) -> tuple[FloatArray, FloatArray]:
    """Return road and straight distances from some nodes to all."""
    origins = np.random.default_rng(0).choice(network.num_nodes, num_origins, replace=False)
    graph = csr_array(
        (network.length_m, (network.tail, network.head)), shape=(network.num_nodes,) * 2
    )
    road = dijkstra(graph, indices=origins, limit=12_000)
    ends = [network.points[each : each + 1] for each in origins.tolist()]
    straight = np.array([straight_m(network.points, end) for end in ends])
    return road, straight


@pytest.mark.parametrize("which", ["small_city", "medium_city"])
def test_detours_are_those_of_real_cities(which: str, request: pytest.FixtureRequest) -> None:
    # Real networks: median 1.39 to 1.70, q10 1.18 to 1.25, q90 1.9 to 2.6, share 0.47 to 0.63.
    city: City = request.getfixturevalue(which)
    assert city.network is not None
    road, straight = _distances(city.network, 40)
    middling = (straight > 500) & (straight < 3000)
    low, median, high = np.quantile(road[middling] / straight[middling], [0.1, 0.5, 0.9])
    assert 1.1 < low < 1.3
    assert 1.35 < median < 1.55
    assert 1.6 < high < 2.6
    assert 0.45 < (road <= 3000).sum() / (straight <= 3000).sum() < 0.65


def test_ways_there_and_back_differ_as_in_real_cities(small_city: City) -> None:
    network = small_city.network
    assert network is not None
    origins = np.arange(0, network.num_nodes, 50)
    graph = csr_array(
        (network.length_m, (network.tail, network.head)), shape=(network.num_nodes,) * 2
    )
    there = dijkstra(graph, indices=origins)[:, origins]
    off_diagonal = ~np.eye(len(origins), dtype=bool)
    difference = np.abs(there - there.T)[off_diagonal] / there[off_diagonal]
    assert 0.002 < np.median(difference) < 0.12


@pytest.mark.parametrize("seed", range(6))
def test_size_arcs_and_classes(seed: int) -> None:
    network = generate_streets(num_nodes=1_500, seed=seed)
    assert abs(network.num_nodes - 1_500) <= 0.05 * 1_500
    # Real networks have 2.2 to 2.95 directed arcs per node.
    assert 2.4 < network.num_arcs / network.num_nodes < 3.1
    share = np.bincount(network.class_idx, minlength=4) / network.num_arcs
    assert dict(zip(network.classes, share > 0, strict=True)) == dict.fromkeys(
        ("primary", "secondary", "tertiary", "residential"), True
    )
    assert 0.6 < share[network.classes.index("residential")] < 0.9


def test_one_ways_dead_ends_and_no_loops(small_city: City) -> None:
    network = small_city.network
    assert network is not None
    arcs = set(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    assert len(arcs) == network.num_arcs
    assert (network.tail != network.head).all()
    one_way = np.mean([(head, tail) not in arcs for tail, head in arcs])
    assert 0.03 < one_way < 0.25
    neighbours = np.bincount([tail for tail, head in arcs | {(h, t) for t, h in arcs}])
    assert 0.03 < np.mean(neighbours == 1) < 0.25
    assert neighbours.max() <= 10


def test_few_streets_cross_the_river() -> None:
    network = generate_streets(num_nodes=2_000, seed=1)
    names = [network.names[name] for name in network.name_idx[network.name_idx >= 0]]
    bridges = {name for name in names if name.startswith("Bridge")}
    underpasses = {name for name in names if name.startswith("Underpass")}
    assert 1 <= len(bridges) <= 20
    assert 1 <= len(underpasses) <= 30
    assert {"Ring Road 1", "North Avenue"} <= set(names)


def test_barrier_is_crossed_only_by_bridges() -> None:
    plan = draw_plan(4_000.0, 12, 3)
    river = plan.barriers[0]
    along = np.linspace(-3_000, 3_000, 50)
    turn = np.array([[np.cos(river.angle), np.sin(river.angle)]])
    across = np.array([[-np.sin(river.angle), np.cos(river.angle)]])
    flat = along[:, None] * turn
    offset = -river.side(flat)
    on_axis = flat + offset[:, None] * across
    # Along the axis the distance to it is 0, and 100 m beside it is 100 m.
    np.testing.assert_allclose(river.side(on_axis), 0, atol=1e-6)
    np.testing.assert_allclose(river.side(on_axis + 100 * across), 100, atol=1e-6)
    np.testing.assert_allclose(river.along(on_axis), along, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(num_nodes=st.integers(25, 500), seed=st.integers(0, 2**32))
def test_any_town_is_connected_and_its_streets_no_shorter_than_straight(
    num_nodes: int, seed: int
) -> None:
    network = generate_streets(num_nodes=num_nodes, seed=seed)
    assert network.component_labels().max() == 0
    straight = straight_m(network.points[network.tail], network.points[network.head])
    assert (network.length_m >= straight).all()
    assert (network.length_m <= 1.4 * straight + 1).all()
    assert (network.length_m == np.floor(network.length_m)).all()
    assert 0.75 * num_nodes - 10 <= network.num_nodes <= 1.25 * num_nodes + 10
    assert np.isfinite(network.maxspeed_m_s).all()
    np.testing.assert_array_equal(network.lon, np.round(network.lon, 6))


def test_places_lie_where_a_projection_of_their_own_puts_them() -> None:
    import pyproj

    network = generate_streets(num_nodes=400, seed=4)
    geod = pyproj.Geod(ellps="WGS84")
    ends = network.tail, network.head
    lon, lat = network.lon, network.lat
    geodesic = geod.inv(lon[ends[0]], lat[ends[0]], lon[ends[1]], lat[ends[1]])[2]
    assert (network.length_m >= geodesic - 1e-3).all()
    # A town of 400 crossings is about 3 km wide and lies around its origin.
    extent = geod.inv(lon.min(), lat.mean(), lon.max(), lat.mean())[2]
    assert 2_000 < extent < 5_000
    assert abs(lon.mean() - 124) < 0.01
    assert abs(lat.mean() - 30) < 0.01
