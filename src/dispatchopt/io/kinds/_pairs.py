"""Tables of pairs, and rows that have only numbers for names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.io.issues import Issues
from dispatchopt.io.tables import Checked, flag


def check_once(
    table: Checked, column: str, keys: Sequence[npt.NDArray[np.int64]], issues: Issues
) -> None:
    """Report rows whose keys stand in an earlier row too; negative keys are unknown names."""
    if len(table) < 2:
        return
    order = np.lexsort(tuple(reversed(keys)))
    is_same = np.ones(len(order) - 1, dtype=bool)
    for key in keys:
        sorted_key = key[order]
        is_same &= (np.diff(sorted_key) == 0) & (sorted_key[1:] >= 0)
    repeated = np.zeros(len(table), dtype=bool)
    repeated[order[1:][is_same]] = True
    flag(table, column, repeated, "duplicate-pair", "each pair once", issues)


def names_or_numbers(names: Iterable[str] | None, size: int) -> npt.NDArray[Any]:
    """Return names as an array of objects; numbers from 0 where there are none."""
    array: npt.NDArray[Any] = np.empty(size, dtype=object)
    array[:] = [str(row) for row in range(size)] if names is None else list(names)
    return array


def is_numbered(names: npt.NDArray[Any]) -> bool:
    """Whether names are nothing but the numbers of their rows."""
    return all(name == str(row) for row, name in enumerate(names))
