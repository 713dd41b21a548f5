"""Given matrices, Chinese coordinates, and the choice of a router."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.errors import InputError, MissingPackageError
from dispatchopt.geography import (
    PROFILES,
    UNREACHABLE,
    MatrixRouter,
    Network,
    Points,
    RoadRouter,
    Router,
    StraightRouter,
    Travel,
    TravelMatrix,
    from_wgs84,
    router_for,
    straight_m,
    to_wgs84,
)

At = Callable[..., Points]


@pytest.fixture
def table() -> TravelMatrix:
    distance = np.array([[0, 5, 9], [7, 0, UNREACHABLE], [9, 4, 0]])
    return TravelMatrix(distance_m=distance, duration_s=distance * 2)


def test_a_matrix_answers_by_place_and_by_index(table: TravelMatrix, at: At) -> None:
    places = at((0, 0), (10, 0), (20, 0))
    router = MatrixRouter(places=places, table=table, profile=PROFILES["car"])
    assert isinstance(router, Router)
    swapped = places[np.array([2, 0])]
    assert router.matrix(swapped, places).distance_m.tolist() == [[9, 4, 0], [0, 5, 9]]
    coverage = router.within(places, places, 8)
    assert coverage.site_idx.tolist() == [0, 0, 1, 1, 2, 2]
    assert coverage.distance_m.tolist() == [0, 5, 7, 0, 4, 0]
    travel = router.travel(swapped)
    assert isinstance(travel, Travel)
    assert travel.pairs(np.array([0, 1]), np.array([1, 0]))[0].tolist() == [9, 9]
    assert router.by_index.block(np.array([2]), np.array([1])).duration_s.tolist() == [[8]]
    assert travel.slowdown(18 * 3600) == PROFILES["car"].slowdown(18 * 3600)
    assert router.path(places[1:2], places[2:]) is None
    path = router.path(places[:1], places[2:])
    assert path is not None
    assert path.shape == (2, 2)
    assert router.service_area(places[:1], 5).geom_type == "LineString"  # type: ignore[attr-defined]


def test_unreachable_pairs_of_a_matrix_are_never_covered(table: TravelMatrix, at: At) -> None:
    router = MatrixRouter(places=at((0, 0), (10, 0), (20, 0)), table=table)
    coverage = router.within(router.places, router.places, 2 * UNREACHABLE)
    assert coverage.num_pairs == 8


def test_strangers_are_listed(table: TravelMatrix, at: At) -> None:
    router = MatrixRouter(places=at((0, 0), (10, 0), (20, 0)), table=table)
    with pytest.raises(InputError) as caught:
        router.matrix(at((0, 0)), at((10, 0), (11, 0), (30, 0)))
    assert [issue.where for issue in caught.value.issues] == ["targets row 2", "targets row 3"]


def test_places_that_cannot_be_told_apart(table: TravelMatrix, at: At) -> None:
    with pytest.raises(InputError, match="ambiguous-place"):
        MatrixRouter(places=at((0, 0), (10, 0), (10, 0)), table=table)
    nothing = np.zeros((2, 2), dtype=np.int64)
    alike = TravelMatrix(distance_m=nothing, duration_s=nothing)
    twice = MatrixRouter(places=at((0, 0), (0, 0)), table=alike)
    assert twice.locate(at((0, 0))).tolist() == [0]


def test_a_matrix_of_another_size(table: TravelMatrix, at: At) -> None:
    with pytest.raises(InputError, match="found 3 x 3; wanted 2 x 2"):
        MatrixRouter(places=at((0, 0), (1, 0)), table=table)


@settings(max_examples=25, deadline=None)
@given(st.floats(100, 122), st.floats(23, 40), st.sampled_from(["GCJ-02", "BD-09"]))
def test_chinese_coordinates_come_back_within_a_decimetre(lon: float, lat: float, crs: str) -> None:
    true = Points(lon=np.array([lon]), lat=np.array([lat]))
    back = to_wgs84(from_wgs84(true, crs), crs)
    assert straight_m(true, back)[0] < 0.1


def test_the_shift_is_some_hundred_metres() -> None:
    chengdu = Points(lon=np.array([104.066, 104.066]), lat=np.array([30.66, 30.66]))
    shifted = from_wgs84(chengdu, "GCJ-02")
    assert 300 < straight_m(chengdu, shifted)[0] < 600
    assert shifted.lon[0] == shifted.lon[1]
    assert straight_m(chengdu, from_wgs84(chengdu, "BD-09"))[0] > 600


def test_points_outside_china_stay() -> None:
    porto = Points(lon=np.array([-8.6]), lat=np.array([41.1]))
    assert to_wgs84(porto, "GCJ-02").lon.tolist() == [-8.6]
    assert to_wgs84(porto, "WGS84") is porto


def test_no_points_and_unknown_systems() -> None:
    none = Points(lon=np.empty(0), lat=np.empty(0))
    assert len(to_wgs84(none, "GCJ-02")) == 0
    with pytest.raises(InputError, match="'EPSG:4490'; wanted one of WGS84, GCJ-02, BD-09"):
        to_wgs84(none, "EPSG:4490")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prcoords", None)
    one = Points(lon=np.array([104.0]), lat=np.array([30.0]))
    with pytest.raises(MissingPackageError, match=r"dispatchopt\[china\]"):
        to_wgs84(one, "GCJ-02")


def test_the_router_that_is_asked_for(table: TravelMatrix, at: At) -> None:
    places = at((0, 0), (10, 0), (20, 0))
    network = Network(
        lon=places.lon,
        lat=places.lat,
        tail=np.array([0]),
        head=np.array([1]),
        length_m=np.array([10.0]),
    )
    road = router_for("road", network=network, profile="car", snap_limit_m=7)
    assert isinstance(road, RoadRouter)
    assert (road.profile, road.snap_limit_m) == (PROFILES["car"], 7)
    straight = router_for("straight", detour_factor=1.2)
    assert isinstance(straight, StraightRouter)
    assert straight.detour_factor == 1.2
    given = router_for("matrix", places=places, matrix=table)
    assert isinstance(given, MatrixRouter)
    drone = router_for("road", profile="drone", network=network)
    assert isinstance(drone, StraightRouter)
    assert drone.detour_factor == 1.0


@pytest.mark.parametrize(
    ("kind", "options", "places"),
    [
        ("river", {}, ["/travel/kind"]),
        ("road", {}, ["/travel/network"]),
        ("matrix", {}, ["/travel/matrix"]),
        ("straight", {"profile": "rocket"}, ["/travel/profile"]),
        (
            "road",
            {"profile": "x", "detour_factor": 0.0, "snap_limit_m": -1.0},
            ["/travel/profile", "/travel/detour_factor", "/travel/snap_limit_m", "/travel/network"],
        ),
    ],
)
def test_a_bad_specification_lists_everything(
    kind: str, options: dict[str, Any], places: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        router_for(kind, **options)
    assert [issue.where for issue in caught.value.issues] == places
