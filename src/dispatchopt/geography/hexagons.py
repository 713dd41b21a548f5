"""H3 cells: hexagons of a worldwide grid, by the package ``h3`` (an extra)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dispatchopt.core.errors import InputError, Issue, MissingPackageError
from dispatchopt.geography.points import Points

#: Finest resolution of H3: hexagons of about a square metre.
MAX_RESOLUTION = 15


def _h3() -> Any:
    try:
        import h3
    except ImportError as error:
        raise MissingPackageError("h3", "h3") from error
    return h3


def is_cell(text: str) -> bool:
    """Return whether a text is the index of an H3 cell, as 15 hexadecimal digits."""
    # Longer texts that h3 would cut, and numbers with signs or blanks, are no indices.
    digits = set("0123456789abcdefABCDEF")
    return len(text) == 15 and set(text) <= digits and bool(_h3().is_valid_cell(text))


def middles(cells: Sequence[str]) -> Points:
    """Return the middles of H3 cells, in WGS84."""
    to_place = _h3().cell_to_latlng
    latlng = np.array([to_place(cell) for cell in cells], dtype=np.float64).reshape(-1, 2)
    return Points(lon=latlng[:, 1], lat=latlng[:, 0])


def outlines(cells: Sequence[str]) -> list[Any]:
    """Return H3 cells as shapely polygons in WGS84."""
    import shapely

    to_ring = _h3().cell_to_boundary
    return [shapely.Polygon([(lng, lat) for lat, lng in to_ring(cell)]) for cell in cells]


def cells_of(points: Points, resolution: int) -> list[str]:
    """Return the H3 cell in which each place lies.

    Raises
    ------
    InputError
        If the resolution is not one of H3, 0 to 15.
    """
    if isinstance(resolution, bool) or not 0 <= resolution <= MAX_RESOLUTION:
        raise InputError(
            Issue(
                code="out-of-range",
                where="resolution",
                found=repr(resolution),
                wanted=f"a resolution of H3, 0 to {MAX_RESOLUTION}",
            )
        )
    to_cell = _h3().latlng_to_cell
    places = zip(points.lat.tolist(), points.lon.tolist(), strict=True)
    return [str(to_cell(lat, lon, resolution)) for lat, lon in places]


def inside_others(cells: Iterable[str]) -> dict[str, str]:
    """Return for each cell that lies in a coarser one of them that coarser cell."""
    h3 = _h3()
    known = set(cells)
    coarse = sorted({h3.get_resolution(cell) for cell in known})
    found = {}
    for cell in known:
        own = h3.get_resolution(cell)
        parents = (h3.cell_to_parent(cell, each) for each in coarse if each < own)
        parent = next((each for each in parents if each in known), None)
        if parent is not None:
            found[cell] = parent
    return found
