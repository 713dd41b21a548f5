"""Whole numbers as short text, so that a page of thousands of streets and orders stays small.

Each number is written lowest bits first, five bits a character; the sixth bit says that more
follows. The sign sits in the lowest bit (zigzag). Numbers below 16 take one character, below 512
two. The page's script reads the same code (``assets/base.js``).
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import IntArray

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#: Degrees are kept in units of 1e-5, about a metre.
UNITS_PER_DEGREE = 100_000
_CODES = np.frombuffer(ALPHABET.encode(), dtype=np.uint8)
_DIGIT = {letter: digit for digit, letter in enumerate(ALPHABET)}


class PackedLines(TypedDict):
    """Lines of vertices: how many each has, and all vertices as x, y differences."""

    counts: str
    xy: str


def pack(values: npt.ArrayLike) -> str:
    """Return whole numbers, |value| < 2**52, as text."""
    given = np.asarray(values)
    # Scripts count in doubles, which hold whole numbers up to 2**53.
    if given.size and np.abs(given).max() >= 2**52:
        raise ValueError("a number is too large for a page's script")
    number = given.astype(np.int64).ravel()
    zigzag = ((number << 1) ^ (number >> 63)).astype(np.uint64)
    size = np.ones(len(zigzag), dtype=np.int64)
    rest = zigzag >> np.uint64(5)
    while rest.any():
        size += rest > 0
        rest >>= np.uint64(5)
    start = np.cumsum(size) - size
    out = np.zeros(int(size.sum()), dtype=np.uint8)
    for place in range(int(size.max(initial=0))):
        has = size > place
        digit = (zigzag[has] >> np.uint64(5 * place)) & np.uint64(31)
        more = (size[has] > place + 1).astype(np.uint64) << np.uint64(5)
        out[start[has] + place] = (digit | more).astype(np.uint8)
    return _CODES[out].tobytes().decode("ascii")


def unpack(text: str) -> IntArray:
    """Return the numbers of a text; the reverse of ``pack``."""
    out: list[int] = []
    value, shift = 0, 0
    for letter in text:
        digit = _DIGIT[letter]
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            out.append((value >> 1) ^ -(value & 1))
            value, shift = 0, 0
    return np.array(out, dtype=np.int64)


def pack_steps(values: npt.ArrayLike) -> str:
    """Return a column as its first value and then differences; small where neighbours are near."""
    return pack(np.diff(np.asarray(values, dtype=np.int64), prepend=0))


def to_units(degrees: npt.ArrayLike) -> IntArray:
    """Return degrees in whole units of 1e-5."""
    units: IntArray = np.rint(np.asarray(degrees) * UNITS_PER_DEGREE).astype(np.int64)
    return units


def pack_lines(lon: npt.ArrayLike, lat: npt.ArrayLike, counts: npt.ArrayLike) -> PackedLines:
    """Return lines of degrees; line i has ``counts[i]`` vertices of the flat columns."""
    xy = np.column_stack([to_units(lon), to_units(lat)])
    return PackedLines(counts=pack(counts), xy=pack(np.diff(xy, axis=0, prepend=0)))


def pack_ring(lonlat: npt.ArrayLike) -> str:
    """Return one ring or line, (k, 2) lon, lat degrees."""
    return pack(np.diff(to_units(lonlat), axis=0, prepend=0))
