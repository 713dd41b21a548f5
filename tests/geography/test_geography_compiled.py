"""Compiled code for many places gives what the short array operations give."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from dispatchopt.core.errors import InputError
from dispatchopt.geography import PROFILES, Network, Points, RoadRouter, road_coverage, snapping
from dispatchopt.geography.distance import earth_xyz
from dispatchopt.geography.node_grid import NodeGrid


def _places(rng: np.random.Generator, middle: Any, spread: Any, count: int) -> Points:
    lon, lat = np.asarray(middle)[:, None] + rng.normal(0, 1, (2, count)) * spread
    return Points(lon=(lon + 180) % 360 - 180, lat=np.clip(lat, -90, 90))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    middle=st.tuples(st.floats(-180, 180), st.floats(-90, 90)),
    spread=st.sampled_from([0.0, 1e-6, 0.01, 1.0, 60.0]),
    num_nodes=st.integers(1, 60),
    reach_m=st.sampled_from([1.0, 500.0, 1e5, 1.3e7]),
)
def test_the_grid_finds_what_a_tree_finds_anywhere_on_the_globe(
    seed: int, middle: tuple[float, float], spread: float, num_nodes: int, reach_m: float
) -> None:
    rng = np.random.default_rng(seed)
    # Towns: half of the nodes crowd in a tenth of the region.
    nodes = earth_xyz(_places(rng, middle, spread * rng.choice([0.1, 1.0], num_nodes), num_nodes))
    places = earth_xyz(_places(rng, middle, 1.5 * spread + 1e-4, 40))
    chord, found = NodeGrid.of(nodes).query(places, reach_m)
    expected, _ = cKDTree(nodes).query(places, distance_upper_bound=reach_m)
    assert chord == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert ((found >= 0) == np.isfinite(expected)).all()
    near = found >= 0
    away = np.linalg.norm(nodes[found[near]] - places[near], axis=1)
    assert away == pytest.approx(expected[near], rel=1e-9, abs=1e-6)


def test_of_nodes_at_one_place_the_first_is_taken() -> None:
    nodes = earth_xyz(Points(lon=np.array([1.0, 0.0, 0.0]), lat=np.zeros(3)))
    _, found = NodeGrid.of(nodes).query(nodes[2:], 100.0)
    assert found.tolist() == [1]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cutoff_m=st.integers(1, 3_000))
def test_compiled_coverage_is_the_vectorised_one(
    random_roads: Callable[[int], Network], seed: int, cutoff_m: int
) -> None:
    network = random_roads(seed)
    rng = np.random.default_rng(seed)

    def places(count: int) -> Points:
        node = rng.integers(0, network.num_nodes, count)
        # Many at a node itself, some beyond the limit of snapping.
        away = rng.normal(0, 1e-3, (2, count)) * rng.choice([0.0, 1.0, 30.0], count)
        return Points(lon=network.lon[node] + away[0], lat=network.lat[node] + away[1])

    sites, customers = places(6), places(80)

    def router() -> RoadRouter:
        return RoadRouter(
            network=network, profile=PROFILES["e-bike"], snap_limit_m=1_500, far="unreachable"
        )

    expected = router().within(sites, customers, cutoff_m)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapping, "VERY_MANY", 1)
        patch.setattr(road_coverage, "VERY_MANY", 1)
        found = router().within(sites[:], customers[:], cutoff_m)
    for name in ("indptr", "customer_idx", "distance_m"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()


def test_far_places_among_many_are_all_named(
    random_roads: Callable[[int], Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapping, "VERY_MANY", 1)
    network = random_roads(3)
    router = RoadRouter(network=network, profile=PROFILES["e-bike"], snap_limit_m=1_000)
    good = Points(lon=network.lon[:1], lat=network.lat[:1])
    bad = Points(
        lon=np.array([network.lon[0], 100.0, -100.0]), lat=np.array([network.lat[0], 40.0, -40.0])
    )
    with pytest.raises(InputError) as caught:
        router.within(good, bad, 500)
    assert [issue.where for issue in caught.value.issues] == ["customers row 2", "customers row 3"]
