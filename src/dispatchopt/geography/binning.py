"""Many places made few: everyone in a cell of a grid stands at one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography import hexagons
from dispatchopt.geography.distance import LocalPlane, straight_m
from dispatchopt.geography.points import Points


@dataclass(frozen=True, kw_only=True, eq=False)
class Bins:
    """Places merged by cells of a grid.

    Parameters
    ----------
    points
        Where those of each cell stand: their mean, weighted by units.
    units
        Sum of the units in each cell, int64.
    ids
        Names of the cells: H3 indices, or column and row of a square.
    bin_of
        Cell of each place that was given, int64.
    max_shift_m
        How far the farthest place was moved, metres, rounded up. No straight line to or from a
        place changes by more than that, and what lies within r of a site after merging lies within
        r + max_shift_m of it before, and the other way round. By road there is no such limit.
    """

    points: Points
    units: IntArray
    ids: tuple[str, ...]
    bin_of: IntArray
    max_shift_m: int


def square_bins(points: Points, units: npt.ArrayLike, side_m: float) -> Bins:
    """Merge places by squares of a grid whose origin is the middle of the places.

    Parameters
    ----------
    points, units
        Places, and whole units >= 0 at each.
    side_m
        Side of the squares, metres, > 0.

    Raises
    ------
    InputError
        If a value is out of range.
    """
    if not (np.isfinite(side_m) and side_m > 0):
        raise _bad("side_m", side_m, "metres > 0")
    squares = np.floor(LocalPlane.around(points).to_xy(points) / side_m).astype(np.int64)
    low = squares.min(axis=0, initial=0)
    # One number per square sorts several times faster than two columns.
    span = int((squares[:, 1] - low[1]).max(initial=0)) + 1
    key, bin_of = np.unique(
        (squares[:, 0] - low[0]) * span + squares[:, 1] - low[1], return_inverse=True
    )
    names = tuple(
        f"{column}/{row}"
        for column, row in zip(
            (key // span + low[0]).tolist(), (key % span + low[1]).tolist(), strict=True
        )
    )
    return _merged(points, units, names, bin_of.reshape(-1))


def h3_bins(points: Points, units: npt.ArrayLike, resolution: int) -> Bins:
    """Merge places by H3 cells of a resolution, 0 to 15 (needs the extra ``h3``).

    Raises
    ------
    InputError
        If a value is out of range.
    MissingPackageError
        Without the package h3.
    """
    cells = np.array(hexagons.cells_of(points, resolution), dtype="U15")
    names, bin_of = np.unique(cells, return_inverse=True)
    return _merged(points, units, tuple(names.tolist()), bin_of.reshape(-1))


def _merged(points: Points, units: npt.ArrayLike, names: tuple[str, ...], bin_of: IntArray) -> Bins:
    given = np.asarray(units)
    values = given.astype(np.float64) if given.dtype.kind in "iuf" else np.full(given.shape, -1.0)
    is_fit = (values >= 0) & (values < 2**53) & (values == np.floor(values))
    if given.shape != (len(points),) or not is_fit.all():
        raise _bad("units", given.shape, f"a whole number >= 0 for each of {len(points)} places")
    if float(values.sum()) >= 2**53:
        raise _bad("units", values.sum(), "a sum below 2**53")
    size = len(names)
    # Sums of whole numbers below 2**53 are exact in floating point.
    total = np.bincount(bin_of, weights=values, minlength=size).astype(np.int64)
    # Where nobody lives all places count alike.
    weight = np.where(total[bin_of] > 0, values, 1.0)
    mass = np.bincount(bin_of, weights=weight, minlength=size)
    plane = LocalPlane.around(points)
    xy = plane.to_xy(points)
    mean = np.column_stack(
        [np.bincount(bin_of, weights=weight * xy[:, axis], minlength=size) for axis in (0, 1)]
    )
    lonlat = plane.to_lonlat(mean / mass[:, None])
    middle = Points(lon=lonlat[:, 0], lat=lonlat[:, 1])
    moved = straight_m(points, middle[bin_of]) if len(points) else np.zeros(0)
    return Bins(
        points=middle,
        units=total,
        ids=names,
        bin_of=bin_of.astype(np.int64),
        max_shift_m=int(np.ceil(moved.max(initial=0.0))),
    )


def _bad(where: str, found: object, wanted: str) -> InputError:
    return InputError(Issue(code="out-of-range", where=where, found=str(found)[:80], wanted=wanted))
