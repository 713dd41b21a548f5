"""A grid over a plane that knows which cells lie inside, outside, or on the edge of which disc."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.hashing import Hashes, first_of_each, mix

#: Cells of a grid at most, cells per disc, and customers per cell that finer cells leave too few.
_MOST_CELLS, _CELLS_PER_DISC = 2**21, 2**10
_PER_CELL = 2.0
#: Discs that may cut one cell; kinds of places in such a cell double with each.
_MOST_CUTS = 14
_MOST_CODES = 2**25
#: Grids that are tried, each finer than the one before.
_TRIES = 2
#: Part of a cell by which discs count as wider, or narrower: far above errors of rounding.
_SLACK = 1e-6


def distances(
    xy: FloatArray, centre: FloatArray, reach: float, is_strict: bool
) -> tuple[FloatArray, BoolArray]:
    """Return squared distances of points from centres, and which are within reach.

    The one rule by which anything here is inside or outside of a disc.
    """
    across = xy[..., 0] - centre[..., 0]
    along = xy[..., 1] - centre[..., 1]
    squared: FloatArray = across * across + along * along
    limit = reach * reach
    inside: BoolArray = squared < limit if is_strict else squared <= limit
    return squared, inside


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Cells, row by row, with the discs that cut them.

    A code names a part of the plane in which all points lie in the same discs: a cell, and within
    a cell that discs cut, which of these hold the point.

    Parameters
    ----------
    low, size, shape
        Corner of the first cell, side of a cell, and number of cells across and along.
    start
        Code of each cell that no disc cuts; of others -1 less their number among cut cells; int32,
        shape (cells,).
    cut_start
        First code of each cut cell, int32, shape (cut cells,).
    indptr, centre_xy, disc
        Discs that cut each cut cell (CSR): centres and numbers.
    centres, disc_of_site
        Centres of all discs, shape (discs, 2), and the disc of each site.
    cell_of
        Cell of each code, int32, shape (num_codes,).
    hashes
        Two hashes of the discs that hold a cell wholly, uint64, shape (cells,) each.
    reach, is_strict
        As in ``PointGround``.
    """

    low: FloatArray
    size: float
    shape: tuple[int, int]
    start: IntArray
    cut_start: IntArray
    indptr: IntArray
    centre_xy: FloatArray
    cell_of: IntArray
    disc: IntArray
    centres: FloatArray
    disc_of_site: IntArray
    hashes: tuple[Hashes, Hashes]
    num_codes: int
    reach: float
    is_strict: bool

    def codes(self, xy: FloatArray) -> IntArray:
        """Return the code of each point of the grid, shape (len(xy),)."""
        x, y = xy[:, 0], xy[:, 1]
        inverse = 1.0 / self.size
        cell = ((x - self.low[0]) * inverse).astype(np.int32)
        cell += ((y - self.low[1]) * inverse).astype(np.int32) * np.int32(self.shape[0])
        codes: IntArray = self.start[cell]
        points = np.flatnonzero(codes < 0)
        cut = -1 - codes[points]
        codes[points] = self.cut_start[cut]
        at, end = self.indptr[cut], self.indptr[cut + 1]
        px, py = x[points], y[points]
        limit = self.reach * self.reach
        bit = 1
        while len(points):
            across = px - self.centre_xy[at, 0]
            along = py - self.centre_xy[at, 1]
            squared = across * across + along * along
            inside = squared < limit if self.is_strict else squared <= limit
            codes[points[inside]] += bit
            at += 1
            more = np.flatnonzero(at < end)
            points, at, end, px, py = points[more], at[more], end[more], px[more], py[more]
            bit *= 2
        return codes

    def kinds(self, codes: IntArray) -> tuple[IntArray, IntArray]:
        """Group codes whose points lie in the same discs: a first one of each, and the group."""
        cell = self.cell_of[codes]
        hashes = [each[cell] for each in self.hashes]
        keys = [mix(np.arange(len(self.centres)), salt) for salt in (1, 3)]
        for which, disc, holds in self._cuts(codes):
            for hashed, key in zip(hashes, keys, strict=True):
                hashed[which[holds]] ^= key[disc[holds]]
        return first_of_each(hashes[0], hashes[1])

    def reached(self, codes: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
        """Return which codes each site's disc holds, as (indptr, code, distance) by site.

        Distances are those of the middle of the code's cell.
        """
        cell = self.cell_of[codes].astype(np.int64)
        across, along = cell % self.shape[0], cell // self.shape[0]
        middle = self.low + (np.stack([across, along], axis=1) + 0.5) * self.size
        table = np.zeros((len(self.centres), len(codes)), dtype=bool)
        for row, centre in zip(table, self.centres, strict=True):
            row[:] = distances(middle, centre, self.reach, self.is_strict)[1]
        for which, disc, holds in self._cuts(codes):
            table[disc, which] = holds
        rows = [np.flatnonzero(table[disc]) for disc in self.disc_of_site]
        length = np.array([0, *(len(row) for row in rows)], dtype=np.int64)
        apart = [
            np.sqrt(distances(middle[row], centre, self.reach, self.is_strict)[0])
            for row, centre in zip(rows, self.centres[self.disc_of_site], strict=True)
        ]
        none = np.zeros(0)
        return (
            np.cumsum(length),
            np.concatenate([none.astype(np.int64), *rows]),
            np.concatenate([none, *apart]),
        )

    def _cuts(self, codes: IntArray) -> Iterator[tuple[IntArray, IntArray, BoolArray]]:
        """Yield codes of cut cells with a disc that cuts their cell, and whether it holds them."""
        cut = -1 - self.start[self.cell_of[codes]].astype(np.int64)
        which = np.flatnonzero(cut >= 0)
        cut = cut[which]
        pattern = codes[which] - self.cut_start[cut]
        at, end = self.indptr[cut], self.indptr[cut + 1]
        while len(which):
            yield which, self.disc[at], (pattern & 1) == 1
            at = at + 1
            more = at < end
            which, at, end, pattern = which[more], at[more], end[more], pattern[more] >> 1


def ends(xy: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest of each coordinate; 0 without any point."""
    if not len(xy):
        return np.zeros(2), np.zeros(2)
    # Column by column, which is several times faster than along an axis.
    low = np.array([xy[:, 0].min(), xy[:, 1].min()])
    return low, np.array([xy[:, 0].max(), xy[:, 1].max()])


def grid_of(
    site_xy: FloatArray, customer_xy: FloatArray, reach: float, is_strict: bool
) -> Grid | None:
    """Return a grid over all customers, as fine as pays.

    None if too many discs cut one cell, as where many sites stand at almost one place.
    """
    low, high = ends(customer_xy)
    span = np.maximum(high - low, 1e-9)
    span = np.maximum(span, span.max() * 1e-6)
    # Tables that fit the processor's cache are worth more than fewer cells that are cut.
    most = min(max(2**17, _CELLS_PER_DISC * len(site_xy)), _MOST_CELLS)
    wanted = min(max(len(customer_xy) / _PER_CELL, 1.0), most)
    # Sites at one place have one disc.
    centres, disc_of_site = np.unique(site_xy, axis=0, return_inverse=True)
    for _ in range(_TRIES):
        size = math.sqrt(float(span[0]) * float(span[1]) / wanted)
        size = max(size, float(span.max()) / 2**14)
        shape = (int(span[0] / size) + 1, int(span[1] / size) + 1)
        plan = _Plan(low=low, size=size, shape=shape, reach=reach, is_strict=is_strict)
        grid = _grid(plan, centres, disc_of_site.ravel())
        if grid is not None:
            return grid
        wanted *= 4
    return None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Plan:
    """What a grid is to look like; see ``Grid``."""

    low: FloatArray
    size: float
    shape: tuple[int, int]
    reach: float
    is_strict: bool


def _grid(plan: _Plan, centres: FloatArray, disc_of_site: IntArray) -> Grid | None:
    """Return the grid of a plan; None if it would need too many codes."""
    shape = plan.shape
    disc, row, outer, inner = _rows(plan.low, plan.size, shape, centres, plan.reach)
    cells = shape[0] * shape[1]
    hashes = []
    full = inner[0] <= inner[1]
    for salt in (1, 3):
        keys = mix(disc[full], salt)
        steps = np.zeros((shape[1], shape[0] + 1), dtype=np.uint64)
        np.bitwise_xor.at(steps, (row[full], inner[0][full]), keys)
        np.bitwise_xor.at(steps, (row[full], inner[1][full] + 1), keys)
        np.bitwise_xor.accumulate(steps, axis=1, out=steps)
        hashes.append(np.ascontiguousarray(steps[:, :-1]).ravel())
    # Left and right of the inner cells lie those that the circle cuts; all, if there are none.
    left_end = np.where(full, inner[0] - 1, outer[1])
    right_begin = np.where(full, inner[1] + 1, outer[1] + 1)
    begin = np.concatenate([outer[0], right_begin])
    length = np.concatenate([left_end - outer[0] + 1, outer[1] - right_begin + 1])
    total = int(length.sum())
    place = np.arange(total) + np.repeat(begin - np.cumsum(length) + length, length)
    cell = place + np.repeat(np.tile(row, 2), length) * shape[0]
    cutting = np.repeat(np.tile(disc, 2), length)
    count = np.bincount(cell, minlength=cells)
    if int(count.max(initial=0)) > _MOST_CUTS:
        return None
    num_codes = np.left_shift(1, count)
    if int(num_codes.sum()) > _MOST_CODES:
        return None
    order = np.argsort(cell, kind="stable")
    begin = np.cumsum(num_codes) - num_codes
    is_cut = count > 0
    start = np.where(is_cut, -np.cumsum(is_cut, dtype=np.int64), begin)
    return Grid(
        low=plan.low,
        size=plan.size,
        shape=shape,
        start=start.astype(np.int32),
        cut_start=begin[is_cut].astype(np.int32),
        indptr=np.concatenate([[0], np.cumsum(count[is_cut])]),
        centre_xy=centres[cutting[order]],
        disc=cutting[order],
        centres=centres,
        disc_of_site=disc_of_site,
        cell_of=np.repeat(np.arange(cells, dtype=np.int32), num_codes),
        hashes=(hashes[0], hashes[1]),
        num_codes=int(num_codes.sum()),
        reach=plan.reach,
        is_strict=plan.is_strict,
    )


def _rows(
    low: FloatArray, size: float, shape: tuple[int, int], centres: FloatArray, reach: float
) -> tuple[IntArray, IntArray, tuple[IntArray, IntArray], tuple[IntArray, IntArray]]:
    """Return for each disc and row of the grid: the cells that it touches, and those inside it.

    All in units of cells. Cells run from a first to a last one; there are none where the first is
    after the last.
    """
    place = (centres - low) / size
    radius = reach / size
    wide, narrow = radius * (1 + 1e-12) + _SLACK, radius * (1 - 1e-12) - _SLACK
    lowest = np.clip(np.floor(place[:, 1] - wide), 0, shape[1]).astype(np.int64)
    highest = np.clip(np.floor(place[:, 1] + wide), -1, shape[1] - 1).astype(np.int64)
    length = np.maximum(highest - lowest + 1, 0)
    disc = np.repeat(np.arange(len(centres)), length)
    row = np.arange(len(disc)) + np.repeat(lowest - np.cumsum(length) + length, length)
    x, y = place[disc, 0], place[disc, 1]
    near = np.maximum(np.maximum(row - _SLACK - y, y - (row + 1 + _SLACK)), 0.0)
    far = np.maximum(np.abs(row - _SLACK - y), np.abs(row + 1 + _SLACK - y))
    reaches = np.sqrt(np.maximum(wide * wide - near * near, 0.0)) + _SLACK
    holds = np.sqrt(np.maximum(narrow * narrow - far * far, 0.0)) - _SLACK
    is_wide = (holds > 0) & (narrow > far)
    most = shape[0] - 1
    first = np.clip(np.floor(x - reaches), 0, most + 1).astype(np.int64)
    last = np.clip(np.floor(x + reaches), -1, most).astype(np.int64)
    within_first = np.clip(np.ceil(x - holds), 0, most + 1).astype(np.int64)
    within_last = np.clip(np.floor(x + holds) - 1, -1, most).astype(np.int64)
    within_first = np.where(is_wide, within_first, 1)
    within_last = np.where(is_wide, within_last, 0)
    last = np.maximum(last, first - 1)
    return disc, row, (first, last), (within_first, within_last)
