"""Compiled parts of the interior point method on the open shares of sites."""

from __future__ import annotations

from typing import Any

from dispatchopt.siting.engines._cover_kernels import njit


@njit(cache=True)
def normal(start: Any, column: Any, weight: Any, out: Any) -> None:
    """Add ``A^T diag(weight) A`` to the lower triangle of ``out``; columns rise within rows."""
    for row in range(len(start) - 1):
        value = weight[row]
        for at in range(start[row], start[row + 1]):
            line = out[column[at]]
            for place in range(start[row], at + 1):
                line[column[place]] += value


@njit(cache=True)
def times(start: Any, column: Any, vector: Any, out: Any) -> None:
    """Write ``A @ vector``."""
    for row in range(len(start) - 1):
        total = 0.0
        for at in range(start[row], start[row + 1]):
            total += vector[column[at]]
        out[row] = total


@njit(cache=True)
def transposed(start: Any, column: Any, vector: Any, out: Any) -> None:
    """Write ``A^T @ vector``."""
    out[:] = 0.0
    for row in range(len(start) - 1):
        value = vector[row]
        for at in range(start[row], start[row + 1]):
            out[column[at]] += value


@njit(cache=True)
def left_over(given: Any, lower: Any, number: Any, out: Any) -> Any:
    """Write the rows that no open site covers, with their free sites.

    ``given`` is (first pair of each row, site of each pair), ``number`` the position of free sites
    (-1 for others), ``out`` (row, first entry, column). Returns how many rows and entries; rows
    without any site are left out.
    """
    start, site_of = given
    rows, starts, columns = out
    count, entries = 0, 0
    for row in range(len(start) - 1):
        begin, is_covered = entries, False
        for at in range(start[row], start[row + 1]):
            site = site_of[at]
            if lower[site]:
                is_covered = True
                break
            if number[site] >= 0:
                columns[entries] = number[site]
                entries += 1
        if is_covered:
            entries = begin
        elif entries > begin:
            rows[count] = row
            count += 1
            starts[count] = entries
    return count, entries
