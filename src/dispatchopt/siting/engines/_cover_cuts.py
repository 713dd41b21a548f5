"""Valid inequalities of the covering model that cut off fractional solutions.

Rows with whole coefficients, added up, halved and rounded up, are valid for whole solutions (the
{0, 1/2}-cuts of Chvatal and Gomory: Caprara and Fischetti 1996). A sum cuts off a fractional
solution where its right-hand side is odd and its slack, and what lies on columns with odd
coefficients, is less than 1. Three customers of whom no site reaches all need two sites, or go
unserved: such cuts are what coverage of nearly everyone lacks most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.hashing import first_of_each, mix

#: Slack up to which a row is added up; least violation of a cut; most times a row is used a round.
_LOOSE, _LEAST, USED = 0.3, 0.03, 4
#: Rows added up at most, and second rows tried for each first one.
_DEPTH, _WIDE = 7, 12
#: Sums that are looked at, and rows above which fewer second rows are tried.
_MOST_FOUND, _MANY_ROWS = 40_000, 1_500
#: Greatest coefficient of a cut; none that occurs comes near.
_GREATEST = 1_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Cuts:
    """Rows ``sum of value * x >= limit``, all whole; x are sites, then sets (CSR)."""

    indptr: IntArray
    column: IntArray
    value: IntArray
    limit: IntArray

    @property
    def count(self) -> int:
        """Number of cuts."""
        return len(self.limit)

    @property
    def row(self) -> IntArray:
        """Cut of each entry."""
        rows: IntArray = np.repeat(np.arange(self.count), np.diff(self.indptr))
        return rows

    def taken(self, keep: BoolArray) -> Cuts:
        """Return some of the cuts."""
        entry = keep[self.row]
        length = np.diff(self.indptr)[keep]
        return Cuts(
            indptr=np.concatenate([[0], np.cumsum(length)]),
            column=self.column[entry],
            value=self.value[entry],
            limit=self.limit[keep],
        )

    def joined(self, other: Cuts) -> Cuts:
        """Return these cuts and others."""
        return Cuts(
            indptr=np.concatenate([self.indptr, self.indptr[-1] + other.indptr[1:]]),
            column=np.concatenate([self.column, other.column]),
            value=np.concatenate([self.value, other.value]),
            limit=np.concatenate([self.limit, other.limit]),
        )


def no_cuts() -> Cuts:
    """Return no cuts."""
    none = np.zeros(0, dtype=np.int64)
    return Cuts(indptr=np.zeros(1, dtype=np.int64), column=none, value=none, limit=none)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sums:
    """Sums of rows of which half, rounded up, cuts off a point, the most violated ones first.

    Parameters
    ----------
    rows, limit
        Rows ``rows @ x >= limit`` that they are made of (scipy CSR).
    x
        The point to cut off.
    members
        Rows of each sum.
    """

    rows: Any
    limit: IntArray
    x: FloatArray
    members: list[IntArray]

    def columns(self, member: IntArray) -> IntArray:
        """Return the columns of a sum's rows."""
        start, end = self.rows.indptr[member], self.rows.indptr[member + 1]
        parts = [self.rows.indices[a:b] for a, b in zip(start, end, strict=True)]
        columns: IntArray = np.unique(np.concatenate(parts)).astype(np.int64)
        return columns


def separate(rows: Any, limit: IntArray, x: FloatArray, most: int) -> Cuts:
    """Return violated cuts that are half the sum of some rows.

    Parameters
    ----------
    rows, limit
        Valid rows ``rows @ x >= limit`` with whole coefficients (scipy CSR), over columns that lie
        in [0, 1].
    x
        The point to cut off, shape (columns,).
    most
        Most cuts returned.
    """
    return halved(violated_sums(rows, limit, x), most)


def violated_sums(rows: Any, limit: IntArray, x: FloatArray) -> Sums:
    """Return sums of some rows of which half, rounded up, cuts off a point; as ``separate``."""
    from dispatchopt.siting.engines import _cover_halves

    slack = np.maximum(rows @ x - limit, 0.0)
    near = np.flatnonzero(slack < _LOOSE)
    rows, limit, slack = rows[near], limit[near], slack[near]
    # A column near 1 is replaced by 1 less itself, so that all are near 0.
    flipped = x > 0.5
    weight = np.clip(np.where(flipped, 1 - x, x), 0.0, 1.0)
    odd = rows.copy()
    odd.data = odd.data % 2
    odd.eliminate_zeros()
    parity = (limit + (odd @ flipped.astype(np.int64))) % 2
    active = np.flatnonzero(weight > 1e-9)
    odd = odd[:, active]
    odd.sort_indices()
    chosen = _distinct(odd, parity, slack, np.diff(rows.indptr))
    rows, limit, slack, parity = rows[chosen], limit[chosen], slack[chosen], parity[chosen]
    odd = odd[chosen]
    by_column = odd.T.tocsr()
    found = np.zeros((_MOST_FOUND, _DEPTH), dtype=np.int64)
    length, violation = np.zeros(_MOST_FOUND, dtype=np.int64), np.zeros(_MOST_FOUND)
    count = _cover_halves.sums(
        (odd.indptr.astype(np.int64), odd.indices.astype(np.int64)),
        (by_column.indptr.astype(np.int64), by_column.indices.astype(np.int64)),
        (weight[active], slack, parity.astype(np.int64)),
        (_WIDE if len(chosen) <= _MANY_ROWS else _WIDE // 3, _LEAST),
        (found, length, violation),
    )
    order = np.argsort(-violation[:count], kind="stable")
    members = [found[at, : length[at]] for at in order]
    return Sums(rows=rows, limit=limit, x=x, members=members)


def _distinct(odd: Any, parity: IntArray, slack: FloatArray, size: IntArray) -> IntArray:
    """Return one row, the tightest and shortest, of those that are alike where x is fractional."""
    hashes = []
    for salt in (1, 3):
        bits = mix(np.arange(odd.shape[1]), salt)[odd.indices]
        total = np.bitwise_xor.accumulate(np.append(np.zeros(1, dtype=np.uint64), bits))
        start = total[odd.indptr]
        hashes.append(start[1:] ^ start[:-1] ^ mix(parity, salt + 4))
    order = np.lexsort((size, np.round(slack, 6)))
    first, _ = first_of_each(hashes[0][order], hashes[1][order])
    return np.sort(order[first])


def halved(sums: Sums, most: int) -> Cuts:
    """Add up, halve and round the rows of each sum, unless its rows are used up already."""
    rows, limit, x = sums.rows, sums.limit, sums.x
    flipped = x > 0.5
    used = np.zeros(rows.shape[0], dtype=np.int64)
    seen: set[bytes] = set()
    columns, values, limits = [], [], []
    for member in sums.members:
        if (used[member] >= USED).any():
            continue
        cut = _half(rows, limit, flipped, member)
        if cut is None:
            continue
        column, value, least = cut
        if least - float(value @ x[column]) < 0.5 * _LEAST:
            continue
        key = column.tobytes() + value.tobytes()
        if key in seen:
            continue
        seen.add(key)
        used[member] += 1
        columns.append(column)
        values.append(value)
        limits.append(least)
        if len(limits) >= most:
            break
    return listed(columns, values, limits)


def listed(columns: list[IntArray], values: list[IntArray], limits: list[int]) -> Cuts:
    """Return cuts from the columns, coefficients and limit of each."""
    none = np.zeros(0, dtype=np.int64)
    return Cuts(
        indptr=np.concatenate([[0], np.cumsum([len(one) for one in columns])]).astype(np.int64),
        column=np.concatenate([none, *columns]),
        value=np.concatenate([none, *values]),
        limit=np.array(limits, dtype=np.int64),
    )


def _half(
    rows: Any, limit: IntArray, flipped: BoolArray, member: IntArray
) -> tuple[IntArray, IntArray, int] | None:
    """Return half the sum of rows, rounded up, as (columns, values, limit), exactly."""
    starts, ends = rows.indptr[member], rows.indptr[member + 1]
    at = np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)])
    column, where = np.unique(rows.indices[at], return_inverse=True)
    total = np.zeros(len(column), dtype=np.int64)
    np.add.at(total, where, rows.data[at])
    turned = flipped[column]
    least = int(limit[member].sum()) - int(total[turned].sum())
    # Values are rounded up in columns >= 0, of which some are 1 less the column itself.
    value = np.where(turned, -((total) // 2), -((-total) // 2))
    half = np.where(turned, -value, value)
    bound = -((-least) // 2) + int(half[turned].sum())
    keep = half != 0
    if not keep.any() or int(np.abs(half).max()) > _GREATEST:
        return None
    return column[keep].astype(np.int64), half[keep], bound
