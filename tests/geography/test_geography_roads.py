"""Roads: each known trap, and every figure against networkx."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.errors import InputError
from dispatchopt.geography import (
    PROFILES,
    UNREACHABLE,
    Network,
    Points,
    Profile,
    RoadRouter,
    Router,
    Travel,
)

At = Callable[..., Points]
Make = Callable[..., Network]
LINE = [(0, 0), (100, 0), (200, 0)]


def _router(network: Network, profile: Profile, **options: Any) -> RoadRouter:
    options = {"snap_to": "all", "snap_limit_m": 50.0, **options}
    return RoadRouter(network=network, profile=profile, **options)


def _nodes(network: Network) -> Points:
    return Points(lon=network.lon, lat=network.lat)


def test_it_is_a_router(roads: Make, slow: Profile, at: At) -> None:
    router = _router(roads(LINE, [(0, 1, 100), (1, 0, 100)]), slow)
    assert isinstance(router, Router)
    assert isinstance(router.travel(at((0, 0))), Travel)


def test_trap_parallel_arcs_are_not_added_up(roads: Make, slow: Profile) -> None:
    network = roads(LINE, [(0, 1, 130), (0, 1, 110), (0, 1, 120), (1, 2, 100)])
    found = _router(network, slow).matrix(_nodes(network), _nodes(network))
    assert found.distance_m[0].tolist() == [0, 110, 210]


def test_trap_the_fastest_of_parallel_arcs_may_be_longer(roads: Make) -> None:
    network = roads(
        LINE,
        [(0, 1, 100), (0, 1, 150)],
        classes=("residential", "primary"),
        class_idx=np.array([0, 1]),
    )
    profile = Profile(
        name="p", speed_m_s=1.0, class_speeds=(("residential", 1.0), ("primary", 3.0))
    )
    found = _router(network, profile).matrix(_nodes(network)[:1], _nodes(network)[:2])
    assert found.distance_m.tolist() == [[0, 100]]
    assert found.duration_s.tolist() == [[0, 50]]


def test_trap_arcs_of_length_zero_do_not_vanish(roads: Make, slow: Profile) -> None:
    network = roads(LINE, [(0, 1, 0), (1, 2, 0), (2, 0, 7)])
    found = _router(network, slow).matrix(_nodes(network), _nodes(network))
    assert found.distance_m.tolist() == [[0, 0, 0], [7, 0, 0], [7, 7, 0]]


def test_trap_unreachable_pairs_are_marked(roads: Make, slow: Profile) -> None:
    network = roads(LINE, [(0, 1, 100), (2, 1, 100)])
    router = _router(network, slow)
    found = router.matrix(_nodes(network), _nodes(network))
    assert found.is_reachable.tolist() == [
        [True, True, False],
        [False, True, False],
        [False, True, True],
    ]
    assert found.duration_s[0, 2] == UNREACHABLE
    assert router.within(_nodes(network), _nodes(network), 10_000).num_pairs == 5
    assert router.path(_nodes(network)[:1], _nodes(network)[2:]) is None


def test_trap_there_and_back_differ(roads: Make, slow: Profile) -> None:
    network = roads(LINE, [(0, 1, 100), (1, 2, 100), (2, 0, 200), (1, 0, 500)])
    found = _router(network, slow).matrix(_nodes(network), _nodes(network))
    assert found.distance_m.tolist() == [[0, 100, 200], [300, 0, 100], [200, 300, 0]]


def test_trap_loops_change_nothing(roads: Make, slow: Profile) -> None:
    network = roads(LINE, [(0, 0, 5), (0, 1, 100), (1, 1, 0)])
    found = _router(network, slow).matrix(_nodes(network)[:2], _nodes(network)[:2])
    assert found.distance_m.tolist() == [[0, 100], [UNREACHABLE, 0]]


def test_walkers_ignore_one_ways(roads: Make) -> None:
    network = roads(LINE, [(0, 1, 100), (1, 2, 100)])
    walk = _router(network, PROFILES["walk"])
    assert walk.matrix(_nodes(network)[2:], _nodes(network)[:1]).distance_m.tolist() == [[200]]
    car = _router(network, PROFILES["car"])
    assert not car.matrix(_nodes(network)[2:], _nodes(network)[:1]).is_reachable.any()


def test_forbidden_classes_and_speed_limits(roads: Make) -> None:
    arcs = [(0, 1, 100), (1, 2, 100), (0, 2, 150)]
    network = roads(
        LINE,
        arcs,
        classes=("primary", "footway"),
        class_idx=np.array([0, 0, 1]),
        maxspeed_m_s=np.array([2.0, np.nan, np.nan]),
    )
    car = Profile(name="c", speed_m_s=4.0, forbidden=frozenset({"footway"}), obeys_maxspeed=True)
    found = _router(network, car).matrix(_nodes(network)[:1], _nodes(network)[2:])
    assert (found.distance_m.item(), found.duration_s.item()) == (200, 75)
    foot = replace(car, forbidden=frozenset(), obeys_maxspeed=False)
    found = _router(network, foot).matrix(_nodes(network)[:1], _nodes(network)[2:])
    assert (found.distance_m.item(), found.duration_s.item()) == (150, 38)


def test_the_way_to_the_road_counts_at_both_ends(roads: Make, slow: Profile, at: At) -> None:
    network = roads(LINE, [(0, 1, 100), (1, 0, 100)])
    found = _router(network, slow).matrix(at((0, 20)), at((100, 30)))
    assert found.distance_m.item() == 150
    assert found.duration_s.item() == 40 + 100 + 60


def test_neighbours_at_one_node_go_straight(roads: Make, slow: Profile, at: At) -> None:
    network = roads(LINE, [(0, 1, 100), (1, 0, 100)])
    places = at((0, 20), (0, 30), (0, -20))
    router = _router(network, slow)
    found = router.matrix(places, places)
    assert found.distance_m.tolist() == [[0, 10, 40], [10, 0, 50], [40, 50, 0]]
    assert found.duration_s.tolist() == [[0, 20, 80], [20, 0, 100], [80, 100, 0]]
    assert router.within(places, places, 10).num_pairs == 5


def test_trap_far_points_are_an_error_that_lists_them(roads: Make, slow: Profile, at: At) -> None:
    router = _router(roads(LINE, [(0, 1, 100), (1, 0, 100)]), slow)
    with pytest.raises(InputError) as caught:
        router.matrix(at((0, 0)), at((0, 49), (0, 60), (5000, 0)))
    assert [issue.where for issue in caught.value.issues] == ["targets row 2", "targets row 3"]
    assert {issue.code for issue in caught.value.issues} == {"far-from-road"}
    assert "60 m from the nearest usable road" in caught.value.issues[0].found


def test_trap_far_points_may_be_unreachable_instead(roads: Make, slow: Profile, at: At) -> None:
    router = _router(roads(LINE, [(0, 1, 100), (1, 0, 100)]), slow, far="unreachable")
    places = at((0, 0), (0, 60), (100, 0))
    found = router.matrix(places, places)
    assert found.is_reachable.tolist() == [
        [True, False, True],
        [False, False, False],
        [True, False, True],
    ]
    coverage = router.within(places, places, 1000)
    assert coverage.site_idx.tolist() == [0, 0, 2, 2]
    travel = router.travel(places)
    everyone = np.arange(3)
    assert (travel.block(everyone, everyone).distance_m == found.distance_m).all()
    assert router.path(places[:1], places[1:2]) is None
    assert router.service_area(places[1:2], 100).is_empty  # type: ignore[attr-defined]


def test_snapping_keeps_to_the_largest_component(roads: Make, slow: Profile, at: At) -> None:
    arcs = [(0, 1, 100), (1, 0, 100), (1, 2, 100)]
    network = roads(LINE, arcs)
    near_the_end = at((170, 0))
    both = _router(network, slow, snap_to="all").snapper(near_the_end, "x").node
    largest = _router(network, slow, snap_to="largest", snap_limit_m=80).snapper
    assert both.tolist() == [2]
    assert largest(near_the_end, "x").node.tolist() == [1]


def test_snapping_keeps_to_roads_that_may_be_used(roads: Make, at: At) -> None:
    network = roads(
        LINE,
        [(0, 1, 100), (1, 0, 100), (1, 2, 100), (2, 1, 100)],
        classes=("residential", "motorway"),
        class_idx=np.array([0, 0, 1, 1]),
    )
    snapper = _router(network, PROFILES["e-bike"], snap_limit_m=200).snapper
    assert snapper(at((200, 0)), "x").node.tolist() == [1]


def test_a_vehicle_without_roads_finds_every_point_far(roads: Make, at: At) -> None:
    network = roads(
        LINE, [(0, 1, 100)], classes=("motorway",), class_idx=np.zeros(1, dtype=np.int64)
    )
    with pytest.raises(InputError, match="may use no road"):
        _router(network, PROFILES["walk"]).matrix(at((0, 0)), at((1, 0)))


def test_drones_do_not_take_roads(roads: Make) -> None:
    with pytest.raises(ValueError, match="does not use roads"):
        _router(roads(LINE, [(0, 1, 100)]), PROFILES["drone"])


def _weights(network: Network, profile: Profile) -> nx.MultiDiGraph:
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(range(network.num_nodes))
    for arc in range(network.num_arcs):
        speed = profile.class_speed_m_s(network.classes[network.class_idx[arc]])
        if speed > 0:
            ends = [(int(network.tail[arc]), int(network.head[arc]))]
            ends += [ends[0][::-1]] if profile.ignores_oneway else []
            for tail, head in ends:
                length = float(network.length_m[arc])
                graph.add_edge(tail, head, metres=length, seconds=length / speed)
    return graph


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(["walk", "e-bike", "car", "robot"]))
def test_matrices_are_those_of_networkx(
    random_roads: Callable[[int], Network], seed: int, name: str
) -> None:
    network, profile = random_roads(seed), PROFILES[name]
    router = _router(network, profile, far="unreachable")
    places = _nodes(network)
    found = router.matrix(places, places)
    graph = _weights(network, profile)
    used = {node for edge in graph.edges() for node in edge}
    metres = dict(nx.all_pairs_dijkstra_path_length(graph, weight="metres"))
    seconds = dict(nx.all_pairs_dijkstra_path_length(graph, weight="seconds"))
    for i in range(network.num_nodes):
        for j in range(network.num_nodes):
            if i not in used or j not in used or j not in metres[i]:
                # A node that the vehicle cannot use may lie close to one that it can.
                assert i not in used or j not in used or not found.is_reachable[i, j]
            else:
                assert abs(found.distance_m[i, j] - metres[i][j]) <= 0.51
                assert abs(found.duration_s[i, j] - seconds[i][j]) <= 0.52


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    cutoff_m=st.integers(0, 900),
    name=st.sampled_from(["walk", "car"]),
)
def test_coverage_is_the_matrix_cut_off(
    random_roads: Callable[[int], Network], seed: int, cutoff_m: int, name: str
) -> None:
    network = random_roads(seed)
    rng = np.random.default_rng(seed)
    places = Points(lon=rng.uniform(0, 0.02, 40), lat=rng.uniform(0, 0.02, 40))
    # Several sites and customers at one node, and at one place.
    places = Points.concatenate(places, places[:3], _nodes(network)[:3])
    router = _router(network, PROFILES[name], far="unreachable", snap_limit_m=300)
    sites = Points.concatenate(places[:8], places[:2])
    table = router.matrix(sites, places).distance_m
    coverage = router.within(sites, places, cutoff_m)
    rows, cols = np.nonzero(table <= cutoff_m)
    assert coverage.site_idx.tolist() == rows.tolist()
    assert coverage.customer_idx.tolist() == cols.tolist()
    assert coverage.distance_m.tolist() == table[rows, cols].tolist()


@pytest.mark.parametrize("shrink", [1.0, 0.2])
def test_tiles_give_what_the_whole_graph_gives(
    slow: Profile, monkeypatch: pytest.MonkeyPatch, shrink: float
) -> None:
    # Lengths shorter than the straight line break the guess of how far a tile must look.
    rng = np.random.default_rng(5)
    side = 40
    lon, lat = np.meshgrid(np.arange(side) * 1e-3, np.arange(side) * 1e-3)
    node = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    head = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    length = 111 * shrink * rng.uniform(1.0, 1.5, 2 * len(tail))
    network = Network(
        lon=lon.ravel(),
        lat=lat.ravel(),
        tail=np.concatenate([tail, head]),
        head=np.concatenate([head, tail]),
        length_m=length,
    )
    router = _router(network, slow)
    places = _nodes(network)
    sites = places[rng.integers(0, side * side, 30)]
    whole = router.within(sites, places, 500)
    monkeypatch.setattr("dispatchopt.geography.reach._FEW_NODES", 0)
    tiled = router.within(sites, places, 500)
    assert whole.num_pairs > 500
    for name in ("indptr", "customer_idx", "distance_m"):
        assert (getattr(whole, name) == getattr(tiled, name)).all()


def test_snaps_are_not_pickled_and_results_agree(roads: Make, slow: Profile, at: At) -> None:
    import pickle

    router = _router(roads(LINE, [(0, 1, 100), (1, 0, 100)]), slow)
    places = at((0, 0), (100, 0))
    first = router.matrix(places, places)
    again = pickle.loads(pickle.dumps(router)).matrix(places, places)
    assert (first.distance_m == again.distance_m).all()
