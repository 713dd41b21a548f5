"""Read-only arrays for frozen dataclasses, and a digest of what a problem holds."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
D = TypeVar("D", bound=np.generic)


def frozen(values: npt.ArrayLike, dtype: type[D]) -> npt.NDArray[D]:
    """Return ``values`` as a read-only, contiguous array of ``dtype``; copies only if needed.

    Raises
    ------
    ValueError
        If a float that is not whole (or not finite) would be cut to an integer.
    """
    given = np.asarray(values)
    if np.issubdtype(dtype, np.integer) and np.issubdtype(given.dtype, np.floating):
        # 2**63 is exact in float64; anything at or beyond it does not fit an int64.
        fits = np.isfinite(given) & (np.abs(given) < 2.0**63) & (given == np.floor(given))
        if not fits.all():
            raise ValueError("whole numbers are wanted where fractions or non-finite values stand")
    is_unsigned = np.issubdtype(dtype, np.integer) and given.dtype == np.uint64
    if is_unsigned and given.size and int(given.max()) > np.iinfo(np.int64).max:
        raise ValueError("a whole number is too large for 64 bits")
    # ascontiguousarray would make a single number an array of one.
    array = np.asarray(given, dtype=dtype, order="C")
    if array.flags.writeable:
        # The caller's own array stays writeable, so memory must not be shared with it.
        if isinstance(values, np.ndarray) and np.may_share_memory(array, values):
            array = array.copy()
        array.setflags(write=False)
    return array


def set_frozen(owner: object, name: str, dtype: type[np.generic]) -> None:
    """In ``__post_init__`` of a frozen dataclass: replace a field by its read-only array."""
    object.__setattr__(owner, name, frozen(getattr(owner, name), dtype))


def digest(value: Any) -> str:
    """Return a hex digest of dataclasses, arrays and plain values, equal for equal content."""
    sha = hashlib.sha256()
    _feed(sha, value)
    return sha.hexdigest()[:16]


def _feed(sha: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        sha.update(f"array{value.dtype.str}{value.shape}".encode())
        if value.dtype == object:
            _feed(sha, value.tolist())
        else:
            # A view of bytes: large arrays are not copied.
            sha.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        sha.update(type(value).__name__.encode())
        for field in dataclasses.fields(value):
            sha.update(field.name.encode())
            _feed(sha, getattr(value, field.name))
    elif isinstance(value, Mapping):
        sha.update(b"map")
        for key in sorted(value, key=str):
            _feed(sha, key)
            _feed(sha, value[key])
    elif isinstance(value, list | tuple | frozenset | set):
        # Sets have no order of their own that is the same in every process.
        parts = sorted(value, key=str) if isinstance(value, frozenset | set) else value
        sha.update(f"seq{len(parts)}".encode())
        for part in parts:
            _feed(sha, part)
    else:
        plain = value.value if isinstance(value, enum.Enum) else value
        sha.update(f"{type(value).__name__}:{plain!r};".encode())
