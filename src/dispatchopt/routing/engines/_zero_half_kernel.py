"""Compiled elimination of zero-half inequalities."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.compiled import compiled


@compiled()
def _pivot(odd: Any, column: int, is_open: Any, slacks: Any, sizes: Any) -> int:
    """Return the lightest open row in which a column is odd, or -1."""
    best, least = -1, np.inf
    for row in range(len(odd)):
        price = slacks[row] + 1e-3 * sizes[row]
        if is_open[row] and odd[row, column] and price < least:
            best, least = row, price
    return best


@compiled()
def _add(row: int, pivot: int, odd: Any, sums: Any, slack: Any) -> Any:
    """Add one row to another, modulo 2; returns slack and number of rows of the sum."""
    for other in range(odd.shape[1]):
        odd[row, other] ^= odd[pivot, other]
    total, size = 0.0, 0
    for other in range(len(sums)):
        sums[row, other] ^= sums[pivot, other]
        if sums[row, other]:
            total += slack[other]
            size += 1
    return total, size


@compiled()
def odd_sums(  # noqa: PLR0917 - compiled code takes no keywords
    odd: Any,
    parity: Any,
    slack: Any,
    share: Any,
    most_weight: float,
    most_rows: int,
    scan_every: int,
) -> Any:
    """Return sums of rows with an odd limit that hardly any chosen column stays odd in.

    Rows are added up modulo 2 till the columns before the present one are even in all of them.

    Parameters
    ----------
    odd
        Whether a column is odd in a row, shape (num_rows, num_columns); overwritten.
    parity
        Whether the limit of a row is odd, shape (num_rows,); overwritten.
    slack
        Limit less what is chosen, shape (num_rows,).
    share
        How much of each column is chosen, the largest first, shape (num_columns,).
    most_weight
        What odd columns and slack of a sum may weigh together.
    most_rows
        Rows of a sum.
    scan_every
        Columns between two looks at all sums.

    Returns
    -------
    Masks of rows, shape (num_found, num_rows), the same sum perhaps again and again, and weights.
    """
    num_rows, num_columns = odd.shape
    sums = np.eye(num_rows, dtype=np.uint8)
    is_open, is_new = np.ones(num_rows, dtype=np.bool_), np.ones(num_rows, dtype=np.bool_)
    slacks, sizes = slack.copy(), np.ones(num_rows, dtype=np.int64)
    found, weights = [], []
    for column in range(num_columns):
        pivot = _pivot(odd, column, is_open, slacks, sizes)
        if pivot >= 0:
            is_open[pivot] = False
            for row in np.flatnonzero(is_open & (odd[:, column] > 0)):
                slacks[row], sizes[row] = _add(int(row), pivot, odd, sums, slack)
                parity[row] ^= parity[pivot]
                is_new[row] = True
        if column % scan_every and column < num_columns - 1:
            continue
        for row in np.flatnonzero(is_new & parity & (sizes > 1) & (sizes <= most_rows)):
            weight = slacks[row] + share[odd[row] > 0].sum()
            if weight < most_weight:
                found.append(sums[row].copy())
                weights.append(weight)
        is_new[:] = False
    masks = np.zeros((len(found), num_rows), dtype=np.bool_)
    for at in range(len(found)):
        masks[at] = found[at] > 0
    return masks, np.array(weights, dtype=np.float64)
