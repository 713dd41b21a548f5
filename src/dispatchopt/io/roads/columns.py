"""Cells of any kind to columns of numbers and names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError, Issue

Where = Callable[[int], str]


def numbers_of(cells: Sequence[Any], column: str, where: Where, issues: list[Issue]) -> FloatArray:
    """Return cells as floats; cells that are none are listed, and nan in the result."""
    # numpy turns None to nan silently; a missing cell is to be named as such.
    if not any(cell is None for cell in cells):
        try:
            return np.asarray(cells, dtype=np.float64)
        except (TypeError, ValueError):
            pass
    numbers = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        try:
            numbers[row] = float(cell)
        except (TypeError, ValueError, OverflowError):
            issues.append(
                Issue(
                    code="not-a-number",
                    where=where(row),
                    found=f"{column} {shown(cell)}",
                    wanted=f"a number in {column}",
                )
            )
    return numbers


def shown(value: Any) -> str:
    """Return a value for display, not too long."""
    if value is None or value == "":
        return "missing"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def ids_of(*columns: Sequence[Any]) -> list[npt.NDArray[Any]]:
    """Return columns of node names, all int64 if every name is a whole number, else all str."""
    try:
        return [np.array([_whole(name) for name in column], dtype=np.int64) for column in columns]
    except (TypeError, ValueError, OverflowError):
        return [np.array([str(name) for name in column], dtype=np.str_) for column in columns]


def _whole(name: Any) -> int:
    if isinstance(name, str):
        # "007" and "7" are two names; turned into numbers they would be one.
        if name != str(int(name)):
            raise ValueError(name)
        return int(name)
    if isinstance(name, bool) or name != int(name):
        raise ValueError(name)
    return int(name)


def lonlat_of(crs: Any, source: str) -> Callable[[FloatArray], FloatArray]:
    """Return what turns (n, 2) coordinates of a reference system into lon, lat in WGS84.

    Raises
    ------
    InputError
        If the reference system is unknown.
    """
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    if crs is None:
        return _same
    try:
        system = CRS.from_user_input(crs)
    except (CRSError, TypeError, ValueError) as error:
        raise InputError(
            Issue(
                code="unknown-crs",
                where=source,
                found=shown(crs),
                wanted="a coordinate reference system such as EPSG:4326",
            )
        ) from error
    if system.is_geographic and system.to_epsg() in (4326, None):
        return _same
    transformer = Transformer.from_crs(system, "EPSG:4326", always_xy=True)

    def transform(xy: FloatArray) -> FloatArray:
        if len(xy) == 0:
            return xy
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return transform


def _same(xy: FloatArray) -> FloatArray:
    return xy
