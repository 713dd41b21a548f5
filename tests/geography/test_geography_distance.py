"""Lengths against pyproj, and the metric plane."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from dispatchopt.geography.distance import LocalPlane, arc_m, chord_m, straight_m
from dispatchopt.geography.points import Points

GEOD = Geod(ellps="WGS84")
coordinates = st.tuples(st.floats(-180, 180), st.floats(-85, 85))


@settings(max_examples=25, deadline=None)
@given(coordinates, st.floats(0, 360), st.floats(0, 500_000))
def test_straight_lines_are_geodesics(
    start: tuple[float, float], azimuth: float, away: float
) -> None:
    lon, lat, _ = GEOD.fwd(*start, azimuth, away)
    here = Points(lon=np.array([start[0]]), lat=np.array([start[1]]))
    there = Points(lon=np.array([lon]), lat=np.array([lat]))
    slack = 1e-7 if away <= 100_000 else 1e-5
    assert straight_m(here, there)[0] == pytest.approx(away, rel=slack, abs=1e-3)


def test_a_degree_of_longitude_shrinks_towards_the_pole() -> None:
    # Length of a degree of a parallel on WGS84: 111.320 km at the equator, 55.800 km at 60 north.
    west = Points(lon=np.zeros(2), lat=np.array([0.0, 60.0]))
    east = Points(lon=np.ones(2), lat=np.array([0.0, 60.0]))
    assert straight_m(west, east) == pytest.approx([111_319.5, 55_799.0], abs=5)


def test_lines_cross_the_date_line() -> None:
    west = Points(lon=np.array([179.999]), lat=np.array([0.0]))
    east = Points(lon=np.array([-179.999]), lat=np.array([0.0]))
    assert straight_m(west, east)[0] == pytest.approx(222.64, abs=0.01)


def test_one_point_is_measured_against_many() -> None:
    one = Points(lon=np.array([0.0]), lat=np.array([0.0]))
    many = Points(lon=np.array([0.0, 0.01, 0.02]), lat=np.zeros(3))
    assert straight_m(one, many) == pytest.approx([0, 1113.19, 2226.39], abs=0.01)


def test_unlike_numbers_of_points_are_refused() -> None:
    two, three = (Points(lon=np.zeros(n), lat=np.zeros(n)) for n in (2, 3))
    with pytest.raises(ValueError, match="2 origins and 3 targets"):
        straight_m(two, three)


@given(st.floats(0, 10_000_000))
@settings(max_examples=25, deadline=None)
def test_chords_and_arcs_are_inverse(arc: float) -> None:
    assert arc_m(np.array([chord_m(arc)]))[0] == pytest.approx(arc, rel=1e-6, abs=1e-6)


def test_metres_are_refused_as_degrees() -> None:
    with pytest.raises(ValueError, match="degrees"):
        Points(lon=np.array([500_000.0]), lat=np.array([4_500_000.0]))


@settings(max_examples=25, deadline=None)
@given(coordinates, st.floats(0, 360), st.floats(1, 50_000))
def test_the_plane_keeps_lengths_and_inverts(
    start: tuple[float, float], azimuth: float, away: float
) -> None:
    plane = LocalPlane(*start)
    lon, lat, _ = GEOD.fwd(*start, azimuth, away)
    there = Points(lon=np.array([lon]), lat=np.array([lat]))
    xy = plane.to_xy(there)
    assert np.hypot(*xy[0]) == pytest.approx(away, rel=1e-6)
    back = plane.to_lonlat(xy)[0]
    assert back[1] == pytest.approx(lat, abs=1e-8)
    assert np.cos(np.radians(back[0] - lon)) == pytest.approx(1, abs=1e-12)


def test_the_plane_around_points_on_both_sides_of_the_date_line() -> None:
    both = Points(lon=np.array([179.9, -179.9]), lat=np.array([10.0, 10.0]))
    xy = LocalPlane.around(both).to_xy(both)
    assert abs(xy).max() < 12_000


def test_nothing_makes_an_empty_plane() -> None:
    none = Points(lon=np.empty(0), lat=np.empty(0))
    plane = LocalPlane.around(none)
    assert plane.to_xy(none).shape == (0, 2)
    assert plane.to_lonlat(np.empty((0, 2))).shape == (0, 2)
