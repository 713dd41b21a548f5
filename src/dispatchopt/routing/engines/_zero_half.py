"""Zero-half inequalities: half of the sum of some rows, rounded down.

Rows are added up modulo 2 till few chosen columns stay odd (Gaussian elimination over the columns
of the fractional plan; Koster, Zymolka and Kutschka 2009). Where the right-hand side is odd and
the columns that stay odd, with the slack of the rows, weigh less than 1, the half rounded down is
broken by the fractional plan, and by no whole one.
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.routing.engines._columns import Columns, Cut

_LEAST_VIOLATION = 0.05
_MOST_ROWS = 25
_SCAN_EVERY = 4


def zero_half_cuts(columns: Columns, chosen: IntArray, share: FloatArray, most: int) -> list[Cut]:
    """Return cuts that a fractional plan breaks, the most broken first.

    Parameters
    ----------
    columns
        The model, whose cuts may be added up again.
    chosen, share
        Columns of the plan, and how much of each.
    most
        Number of cuts at most.
    """
    order = np.argsort(-share, kind="stable")
    chosen, share = chosen[order], share[order]
    matrix = _dense(columns, chosen)
    _, limits = columns.sides()
    slack = np.maximum(limits - np.einsum("ij,j", matrix, share), 0.0)
    tight = np.flatnonzero(slack < 1 - 2 * _LEAST_VIOLATION)
    odd = (matrix[tight].astype(np.int64) & 1).astype(np.bool_)
    is_odd_limit = (limits[tight].astype(np.int64) & 1).astype(np.bool_)
    sums = _odd_sums(odd, is_odd_limit, slack[tight], share)
    cuts = []
    for rows in sums[:most]:
        cut = columns.half(tight[rows], float(limits[tight[rows]].sum()))
        if len(cut.hit):
            cuts.append(cut)
    return cuts


def _dense(columns: Columns, chosen: IntArray) -> FloatArray:
    """Return the entries of some columns in all rows, shape (num_rows + num_cuts, num_chosen)."""
    matrix = np.zeros((columns.num_rows + 1 + len(columns.cuts), len(chosen)))
    at = np.arange(len(chosen))
    for rows in columns.members[chosen].T:
        matrix[rows, at] = 1.0
    position = np.full(len(columns), -1, dtype=np.int64)
    position[chosen] = at
    for number, cut in enumerate(columns.cuts):
        own = position[cut.hit]
        matrix[columns.num_rows + 1 + number, own[own >= 0]] = cut.factor[own >= 0]
    return np.delete(matrix, columns.num_rows, axis=0)


def _odd_sums(
    odd: BoolArray, is_odd_limit: BoolArray, slack: FloatArray, share: FloatArray
) -> list[BoolArray]:
    """Return sums of rows, as masks, that give broken inequalities; the most broken first."""
    odd, parity = odd.copy(), is_odd_limit.copy()
    sums = np.eye(len(odd), dtype=np.bool_)
    is_open = np.ones(len(odd), dtype=np.bool_)
    is_changed = np.zeros(len(odd), dtype=np.bool_)
    found: dict[bytes, tuple[float, BoolArray]] = {}

    def scan() -> None:
        rows = np.flatnonzero(is_changed & parity)
        is_changed[:] = False
        # Not as products of matrices: those of this size wait for other threads.
        weight = np.einsum("ij,j", odd[rows], share) + np.einsum("ij,j", sums[rows], slack)
        sizes = sums[rows].sum(axis=1)
        good = (weight < 1 - 2 * _LEAST_VIOLATION) & (sizes > 1) & (sizes <= _MOST_ROWS)
        for row, value in zip(rows[good].tolist(), weight[good].tolist(), strict=True):
            found.setdefault(sums[row].tobytes(), (value, sums[row].copy()))

    for column in range(odd.shape[1]):
        having = np.flatnonzero(odd[:, column] & is_open)
        if not len(having):
            continue
        load = np.einsum("ij,j", sums[having], slack) + 1e-3 * sums[having].sum(axis=1)
        pivot = having[load.argmin()]
        others = having[having != pivot]
        odd[others] ^= odd[pivot]
        sums[others] ^= sums[pivot]
        parity[others] ^= parity[pivot]
        is_changed[others] = True
        is_open[pivot] = False
        if column % _SCAN_EVERY == 0:
            scan()
    scan()
    return [rows for _, rows in sorted(found.values(), key=lambda each: each[0])]
