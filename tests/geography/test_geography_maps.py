"""Paths and service areas."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import shapely

from dispatchopt.geography import Network, Points, Profile, RoadRouter
from dispatchopt.geography.service_area import DRAW_IN_M, WIDEN_M, polygon_area_m2, reached_roads

At = Callable[..., Points]
Make = Callable[..., Network]


def _router(network: Network, profile: Profile) -> RoadRouter:
    return RoadRouter(network=network, profile=profile, snap_to="all", snap_limit_m=50)


def test_the_path_joins_places_and_follows_the_course(roads: Make, slow: Profile, at: At) -> None:
    bend = at((50, 40))
    network = roads(
        [(0, 0), (100, 0), (200, 0)],
        [(0, 1, 130), (1, 2, 100)],
        shape_indptr=np.array([0, 1, 1]),
        shape_lon=bend.lon,
        shape_lat=bend.lat,
    )
    path = _router(network, slow).path(at((0, 10)), at((200, -10)))
    expected = at((0, 10), (0, 0), (50, 40), (100, 0), (200, 0), (200, -10))
    assert path is not None
    assert path == pytest.approx(np.column_stack([expected.lon, expected.lat]))


def test_walking_against_a_one_way_turns_its_course(roads: Make, slow: Profile, at: At) -> None:
    bends = at((30, 40), (60, 40))
    network = roads(
        [(0, 0), (100, 0)],
        [(0, 1, 140)],
        shape_indptr=np.array([0, 2]),
        shape_lon=bends.lon,
        shape_lat=bends.lat,
    )
    walk = replace(slow, ignores_oneway=True)
    path = _router(network, walk).path(at((100, 0)), at((0, 0)))
    expected = at((100, 0), (100, 0), (60, 40), (30, 40), (0, 0), (0, 0))
    assert path is not None
    assert path == pytest.approx(np.column_stack([expected.lon, expected.lat]))


def test_neighbours_at_one_node(roads: Make, slow: Profile, at: At) -> None:
    network = roads([(0, 0), (100, 0)], [(0, 1, 100)])
    path = _router(network, slow).path(at((0, 10)), at((0, 20)))
    assert path is not None
    assert len(path) == 2


def test_the_fastest_way_is_drawn(roads: Make, at: At) -> None:
    network = roads(
        [(0, 0), (100, 0), (50, 80)],
        [(0, 1, 100), (0, 2, 95), (2, 1, 95)],
        classes=("residential", "primary"),
        class_idx=np.array([0, 1, 1]),
    )
    profile = Profile(name="p", speed_m_s=1.0, class_speeds=(("primary", 5.0),))
    path = _router(network, profile).path(at((0, 0)), at((100, 0)))
    assert path is not None
    assert len(path) == 5


def test_roads_are_cut_where_the_cut_off_falls(roads: Make, slow: Profile) -> None:
    network = roads(
        [(0, 0), (100, 0), (200, 0), (0, 300)],
        [(0, 1, 100), (1, 2, 100), (3, 0, 300)],
    )
    lines = reached_roads(_router(network, slow), 0, 125.0)
    # The one-way road from node 3 cannot be driven from node 0.
    assert sorted(line.length for line in lines) == pytest.approx([25, 100], rel=1e-3)


def test_a_course_is_cut_along_its_bends(roads: Make, slow: Profile, at: At) -> None:
    bend = at((0, 100))
    network = roads(
        [(0, 0), (100, 100)],
        [(0, 1, 200), (1, 0, 200)],
        shape_indptr=np.array([0, 1, 2]),
        shape_lon=np.tile(bend.lon, 2),
        shape_lat=np.tile(bend.lat, 2),
    )
    (line,) = reached_roads(_router(network, slow), 0, 150.0)
    assert line.length == pytest.approx(150, rel=1e-3)
    start, end = np.array(line.coords)[[0, -1]]
    assert end - start == pytest.approx([50, 100], rel=1e-3)


def test_the_area_surrounds_the_reached_roads(roads: Make, slow: Profile, at: At) -> None:
    network = roads([(0, 0), (1000, 0)], [(0, 1, 1000), (1, 0, 1000)])
    router = _router(network, slow)
    area = router.service_area(at((0, 0)), 600)
    assert isinstance(area, shapely.Polygon)
    assert area.is_valid
    for east, is_inside in ((0, True), (600, True), (600 + WIDEN_M + 5, False)):
        place = at((east, 0))
        assert area.contains(shapely.Point(place.lon[0], place.lat[0])) == is_inside
    # A stadium of 600 m by twice the width that is left.
    width = WIDEN_M - DRAW_IN_M
    expected = 600 * 2 * width + np.pi * width**2
    assert polygon_area_m2(router, area) == pytest.approx(expected, rel=0.05)


def test_areas_grow_with_the_cut_off(roads: Make, slow: Profile, at: At) -> None:
    network = roads([(0, 0), (1000, 0), (1000, 900)], [(0, 1, 1000), (1, 2, 900)])
    router = _router(network, slow)
    areas = [polygon_area_m2(router, router.service_area(at((0, 0)), m)) for m in (0, 300, 1500)]
    assert areas == sorted(areas)
    assert areas[0] > 0
    assert areas[2] > 3 * areas[1]
