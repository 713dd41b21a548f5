"""Chinese map coordinates to WGS84.

Maps in mainland China are drawn in GCJ-02, a shift of 300 to 600 m that varies from place to
place; BD-09 shifts a second time. Both are undone here to the last digit that a map gives: the
inverse is iterated until it maps back onto the input (within 1e-5 degrees of it, about 1 m, by
prcoords' own stop; 0.1 mm as a rule). The forward formulas themselves are a reconstruction; the
noise of the official one, of the order of a metre, cannot be undone.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError, Issue, MissingPackageError
from dispatchopt.geography.points import Points

Crs = Literal["WGS84", "GCJ-02", "BD-09"]
#: The coordinate systems that documents may name.
CRS_NAMES: tuple[Crs, ...] = get_args(Crs)


def to_wgs84(points: Points, crs: str, where: str = "crs") -> Points:
    """Return points in WGS84.

    Parameters
    ----------
    points
        Coordinates as they stand in the source.
    crs
        ``WGS84``, ``GCJ-02`` or ``BD-09``. Points outside China are not shifted in GCJ-02, and
        are returned as they are.
    where
        Place in the source that names the system, for errors.

    Raises
    ------
    InputError
        If the coordinate system is unknown.
    MissingPackageError
        If prcoords is not installed.
    """
    _require_known(crs, where)
    return points if crs == "WGS84" else _each(points, crs, is_forward=False)


def from_wgs84(points: Points, crs: str, where: str = "crs") -> Points:
    """Return WGS84 points in another system; the inverse of ``to_wgs84``.

    Raises
    ------
    InputError
        If the coordinate system is unknown.
    MissingPackageError
        If prcoords is not installed.
    """
    _require_known(crs, where)
    return points if crs == "WGS84" else _each(points, crs, is_forward=True)


def _require_known(crs: str, where: str) -> None:
    if crs not in CRS_NAMES:
        raise InputError(
            Issue(
                code="unknown-crs",
                where=where,
                found=repr(crs),
                wanted="one of " + ", ".join(CRS_NAMES),
                hint="EPSG:4326 is WGS84; other systems must be converted before",
            )
        )


def _each(points: Points, crs: str, *, is_forward: bool) -> Points:
    try:
        import prcoords
    except ImportError as error:
        raise MissingPackageError("prcoords", "china") from error
    convert = {
        ("GCJ-02", False): prcoords.gcj_wgs_bored,
        ("GCJ-02", True): prcoords.wgs_gcj,
        ("BD-09", False): prcoords.bd_wgs_bored,
        ("BD-09", True): prcoords.wgs_bd,
    }[crs, is_forward]
    moved: FloatArray = np.column_stack([points.lat, points.lon])
    # The package converts one point at a time; many customers stand at one address.
    kinds, kind_of = np.unique(moved, axis=0, return_inverse=True)
    shifted = [
        # The package warns about points outside China, and knows the outline of China.
        convert(place, False) if prcoords.sanity_in_china_p(place) else place
        for place in (prcoords.Coords(lat, lon) for lat, lon in kinds.tolist())
    ]
    if shifted:
        moved = np.array(shifted)[kind_of]
    return Points(lon=moved[:, 1], lat=moved[:, 0])
