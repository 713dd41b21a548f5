"""Straight lines times a detour factor."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from dispatchopt.geography import PROFILES, Points, Router, StraightRouter, Travel

GEOD = Geod(ellps="WGS84")


def _points(seed: int, count: int) -> Points:
    rng = np.random.default_rng(seed)
    return Points(lon=rng.uniform(104.0, 104.1, count), lat=rng.uniform(30.6, 30.7, count))


def test_it_is_a_router() -> None:
    router = StraightRouter()
    assert isinstance(router, Router)
    assert isinstance(router.travel(_points(0, 3)), Travel)
    assert router.source == "straight x 1.4"


def test_the_matrix_is_the_geodesic_times_the_factor() -> None:
    origins, targets = _points(1, 7), _points(2, 9)
    found = StraightRouter(detour_factor=1.5, profile=PROFILES["drone"]).matrix(origins, targets)
    rows, cols = np.indices(found.shape)
    _, _, length = GEOD.inv(
        origins.lon[rows], origins.lat[rows], targets.lon[cols], targets.lat[cols]
    )
    assert abs(found.distance_m - 1.5 * length).max() <= 0.51
    assert abs(found.duration_s - 1.5 * length / 12).max() <= 0.51


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 8000), st.floats(1, 3))
def test_coverage_is_the_matrix_cut_off(seed: int, cutoff_m: int, factor: float) -> None:
    sites, customers = _points(seed, 4), _points(seed + 1, 30)
    router = StraightRouter(detour_factor=factor)
    coverage = router.within(sites, customers, cutoff_m)
    table = router.matrix(sites, customers).distance_m
    assert list(zip(*np.nonzero(table <= cutoff_m), strict=True)) == list(
        zip(coverage.site_idx, coverage.customer_idx, strict=True)
    )
    assert (table[coverage.site_idx, coverage.customer_idx] == coverage.distance_m).all()


def test_the_edge_of_the_cut_off_is_inside() -> None:
    sites, customers = _points(3, 3), _points(4, 50)
    router = StraightRouter()
    for distance in router.matrix(sites, customers).distance_m[0].tolist():
        assert distance in router.within(sites, customers, distance).distance_m
        assert distance not in router.within(sites, customers, distance - 1).distance_m


def test_travel_by_index_is_the_matrix() -> None:
    places = _points(5, 12)
    router = StraightRouter()
    travel = router.travel(places)
    whole = router.matrix(places, places)
    block = travel.block(np.array([3, 1]), np.array([0, 5, 11]))
    assert (block.distance_m == whole.distance_m[np.ix_([3, 1], [0, 5, 11])]).all()
    distance, duration = travel.pairs(np.array([3, 1]), np.array([5, 11]))
    assert distance.tolist() == whole.distance_m[[3, 1], [5, 11]].tolist()
    assert duration.tolist() == whole.duration_s[[3, 1], [5, 11]].tolist()
    assert travel.num_places == 12
    assert travel.slowdown(18 * 3600) > 1


def test_nothing_and_nobody() -> None:
    none = Points(lon=np.empty(0), lat=np.empty(0))
    router = StraightRouter()
    assert router.matrix(none, _points(0, 3)).shape == (0, 3)
    assert router.within(_points(0, 3), none, 1000).num_pairs == 0
    assert router.within(none, _points(0, 3), 1000).num_sites == 0


def test_the_area_is_a_disc_of_the_straight_radius() -> None:
    site = _points(6, 1)
    area = StraightRouter(detour_factor=1.25).service_area(site, 1000)
    lon, lat = np.array(area.exterior.coords).T  # type: ignore[attr-defined]
    _, _, radius = GEOD.inv(np.full(len(lon), site.lon), np.full(len(lon), site.lat), lon, lat)
    assert radius == pytest.approx(np.full(len(lon), 800.0), rel=1e-6)


def test_the_path_has_two_ends() -> None:
    ends = _points(7, 2)
    path = StraightRouter().path(ends[:1], ends[1:])
    assert path is not None
    assert path.tolist() == np.column_stack([ends.lon, ends.lat]).tolist()


@pytest.mark.parametrize("factor", [0.9, 11.0, float("nan")])
def test_factors_out_of_range_are_refused(factor: float) -> None:
    with pytest.raises(ValueError, match="detour_factor"):
        StraightRouter(detour_factor=factor)
