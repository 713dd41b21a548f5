"""Population of areas spread over places inside them, and places merged by grids."""

from __future__ import annotations

import sys

import h3
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dispatchopt.core.errors import InputError, MissingPackageError
from dispatchopt.geography import hexagons
from dispatchopt.geography.areas import share_out, spread
from dispatchopt.geography.binning import h3_bins, square_bins
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import profile_named
from dispatchopt.geography.straight import StraightRouter

HOME = (-8.61, 41.15)


def ring(angles: list[float], radii: list[float], lon: float, lat: float) -> shapely.Polygon:
    """Return a star-shaped polygon, which never crosses itself."""
    around = np.sort(np.array(angles))
    xy = np.column_stack([np.cos(around), np.sin(around)]) * np.array(radii)[:, None]
    return shapely.Polygon(xy * 0.01 + [lon, lat])


@st.composite
def areas(draw: st.DrawFn) -> list[shapely.Polygon]:
    found = []
    for at in range(draw(st.integers(1, 4))):
        corners = draw(st.integers(3, 9))
        radii = draw(st.lists(st.floats(0.05, 1.0), min_size=corners, max_size=corners))
        turn = draw(st.floats(0, 1))
        angles = [2 * np.pi * (k + turn) / corners for k in range(corners)]
        found.append(ring(angles, radii, HOME[0] + 0.05 * at, HOME[1]))
    return found


@given(
    areas(),
    st.lists(st.integers(0, 10**6), min_size=4, max_size=4),
    st.floats(60, 3000),
    st.integers(0, 9),
)
def test_units_stay_whole_and_places_inside(
    shapes: list[shapely.Polygon], units: list[int], every_m: float, seed: int
) -> None:
    found = spread(shapes, units[: len(shapes)], every_m=every_m, seed=seed)
    assert np.bincount(found.area, weights=found.units, minlength=len(shapes)).tolist() == [
        float(each) for each in units[: len(shapes)]
    ]
    assert (found.units >= 1).all()
    assert (np.diff(found.area) >= 0).all()
    for lon, lat, area in zip(found.points.lon, found.points.lat, found.area, strict=True):
        assert shapes[area].covers(shapely.Point(lon, lat))
    again = spread(shapes, units[: len(shapes)], every_m=every_m, seed=seed)
    assert again.points.lon.tolist() == found.points.lon.tolist()
    assert again.units.tolist() == found.units.tolist()


def test_large_areas_get_many_places_and_even_shares() -> None:
    wide = shapely.box(-8.65, 41.10, -8.60, 41.15)
    small = shapely.box(-8.50, 41.10, -8.499, 41.101)
    found = spread([wide, small], [100_000, 10], every_m=250)
    count = np.bincount(found.area)
    # 4.2 x 5.6 km in squares of 250 m.
    assert 340 < count[0] < 460
    assert count[1] <= 4
    inner = found.units[found.area == 0]
    assert np.median(inner) == inner.max()  # whole squares hold the same
    assert spread([wide], [100_000], seed=2).points.lon[0] != found.points.lon[0]


def test_people_go_where_weights_are() -> None:
    left, right = shapely.box(-8.62, 41.1, -8.6, 41.12), shapely.box(-8.6, 41.1, -8.58, 41.12)
    homes = Points(lon=np.array([-8.61, -8.615, -8.4]), lat=np.array([41.11, 41.115, 41.11]))
    found = spread([left, right], [10, 6], every_m=900, towards=homes, towards_weight=[3, 1, 9])
    assert found.units[found.area == 0].tolist() == [8, 2]
    assert found.points.lon[found.area == 0].tolist() == [-8.61, -8.615]
    # No home lies in the other area, so its people are spread evenly.
    assert found.units[found.area == 1].sum() == 6
    assert (found.area == 1).sum() > 1


@given(
    st.lists(st.integers(0, 10**12), min_size=3, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.floats(1e-9, 1e9)), min_size=1, max_size=30),
)
def test_shares_add_up(units: list[int], members: list[tuple[int, float]]) -> None:
    group = np.array([each for each, _ in members])
    weight = np.array([each for _, each in members])
    found = share_out(np.array(units), group, weight)
    assert (found >= 0).all()
    for each in range(3):
        mine = found[group == each]
        assert not len(mine) or mine.sum() == units[each]
        exact = weight[group == each] / max(weight[group == each].sum(), 1e-300) * units[each]
        assert (np.abs(mine - exact) <= 1 + 1e-9 * max(units)).all()


@pytest.mark.parametrize(
    ("shape", "units", "every_m", "code"),
    [
        (shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), 1, 250, "bad-polygon"),
        (shapely.Polygon(), 1, 250, "bad-polygon"),
        (shapely.Point(0, 0), 1, 250, "bad-polygon"),
        (None, 1, 250, "bad-polygon"),
        (shapely.box(0, 100, 1, 101), 1, 250, "bad-polygon"),
        (shapely.box(0, 0, 0.01, 0.01), -1, 250, "bad-value"),
        (shapely.box(0, 0, 0.01, 0.01), 1.5, 250, "bad-value"),
        (shapely.box(0, 0, 0.01, 0.01), float("nan"), 250, "bad-value"),
        (shapely.box(0, 0, 0.01, 0.01), 1, 0, "out-of-range"),
        (shapely.box(0, 0, 60, 60), 1, 100, "too-large"),
    ],
)
def test_bad_areas(shape: object, units: float, every_m: float, code: str) -> None:
    with pytest.raises(InputError) as caught:
        spread([shape], [units], every_m=every_m)
    assert [issue.code for issue in caught.value.issues] == [code]


def test_h3_cells_by_hand() -> None:
    cell = h3.latlng_to_cell(41.15, -8.61, 9)
    middle = hexagons.middles([cell])
    assert h3.latlng_to_cell(middle.lat[0], middle.lon[0], 9) == cell
    assert hexagons.outlines([cell])[0].contains(shapely.Point(middle.lon[0], middle.lat[0]))
    assert hexagons.is_cell(cell)
    for wrong in ("", "abc", cell[:-1], cell + "0", " " + cell[1:], "+" + cell[1:], "8" * 15):
        assert not hexagons.is_cell(wrong)
    parent = h3.cell_to_parent(cell, 6)
    assert hexagons.inside_others([cell, parent]) == {cell: parent}
    with pytest.raises(InputError, match="0 to 15"):
        hexagons.cells_of(middle, 16)


@given(st.integers(0, 10**6), st.sampled_from(["square", "h3"]), st.integers(1, 60))
def test_merging_keeps_people_and_states_its_error(seed: int, how: str, count: int) -> None:
    rng = np.random.default_rng(seed)
    points = Points(lon=HOME[0] + rng.random(count) * 0.05, lat=HOME[1] + rng.random(count) * 0.05)
    units = rng.integers(0, 20, size=count)
    bins = square_bins(points, units, 700) if how == "square" else h3_bins(points, units, 8)
    assert bins.units.sum() == units.sum()
    assert len(set(bins.ids)) == len(bins.ids) == len(bins.points)
    assert np.bincount(bins.bin_of, weights=units).tolist() == bins.units.tolist()
    # The mean of a cell lies in it, so nobody moves by more than its width.
    assert bins.max_shift_m <= (991 if how == "square" else 1250)
    router = StraightRouter(profile=profile_named("e-bike", "x"), detour_factor=1.0)
    sites = Points(lon=HOME[0] + rng.random(3) * 0.05, lat=HOME[1] + rng.random(3) * 0.05)
    before = router.matrix(sites, points).distance_m
    after = router.matrix(sites, bins.points).distance_m[:, bins.bin_of]
    assert np.abs(before - after).max() <= bins.max_shift_m + 1  # both are rounded
    # So coverage is caught between two reaches of the merged places.
    reach, slack = 2000, bins.max_shift_m + 1
    covered = ((before <= reach).any(axis=0) * units).sum()
    assert ((after <= reach - slack).any(axis=0) * units).sum() <= covered
    assert covered <= ((after <= reach + slack).any(axis=0) * units).sum()


def test_bad_bins() -> None:
    points = Points(lon=np.array([0.0]), lat=np.array([0.0]))
    for units in ([-1], [0.5], [1, 2], ["x"], [float("nan")]):
        with pytest.raises(InputError):
            square_bins(points, units, 100)
    for side in (0, -1, float("nan")):
        with pytest.raises(InputError):
            square_bins(points, [1], side)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h3", None)
    with pytest.raises(MissingPackageError, match=r"dispatchopt\[h3\]"):
        hexagons.cells_of(Points(lon=np.array([0.0]), lat=np.array([0.0])), 7)
