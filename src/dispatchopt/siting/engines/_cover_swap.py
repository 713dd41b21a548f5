"""Open, close and swap sites on a covering model, each move updating only what it changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.siting.engines._cover_model import CoverModel

_FAR = 2**62
#: Moves, and kicks, between two looks at the clock.
_MOVES, _KICKS = 50, 10


class Swaps:
    """Open sites with the value of every move: gain, loss and extra (Resende and Werneck 2004).

    A row counts for ``gain`` of its sites while no open site covers it, and for ``loss`` of its
    only cover and ``extra`` of that cover with its other sites while one does. All is exact.

    Parameters
    ----------
    model
        The covering model.
    spend
        What each site takes from a budget, int64, shape (m,).
    """

    #: Sites up to which one by one opens and closes.
    _most_steps = 2

    def __init__(self, model: CoverModel, *, spend: IntArray) -> None:
        pairs, count = model.pairs, model.num_sites
        self._lower, self._upper = model.lower, model.upper
        self._units = pairs.units
        self._rows_of = model.rows_of_sites
        self._row, self._site = pairs.row, pairs.site
        self._start = np.searchsorted(pairs.row, np.arange(pairs.num_rows + 1))
        self._spend = spend
        self._times = np.zeros(pairs.num_rows, dtype=np.int64)
        # The sum of the open sites of a row: its only cover where there is one.
        self._owner = np.zeros(pairs.num_rows, dtype=np.int64)
        self._extra = np.zeros((count, count), dtype=np.int64)
        self.is_open = np.zeros(count, dtype=bool)
        self.loss = np.zeros(count, dtype=np.int64)
        self.gain = np.zeros(count, dtype=np.int64)
        np.add.at(self.gain, pairs.site, self._units[pairs.row])
        self.missed = int(self._units.sum())

    @property
    def spent(self) -> int:
        """What the open sites take from the budget."""
        return int(self._spend[self.is_open].sum())

    def set_to(self, is_open: BoolArray) -> None:
        """Open and close sites until these are open, or count anew where they are many."""
        if int((is_open != self.is_open).sum()) > self._most_steps:
            self._count(is_open)
            return
        for site in np.flatnonzero(self.is_open & ~is_open):
            self.close(int(site))
        for site in np.flatnonzero(is_open & ~self.is_open):
            self.open(int(site))

    def _count(self, is_open: BoolArray) -> None:
        """Count everything from open sites."""
        self.is_open[:] = is_open
        row, site, units = self._row, self._site, self._units
        used = np.flatnonzero(is_open[site])
        self._times[:] = np.bincount(row[used], minlength=len(units))
        self._owner[:] = 0
        np.add.at(self._owner, row[used], site[used])
        for values in (self.gain, self.loss, self._extra):
            values[...] = 0
        bare, single = np.flatnonzero(self._times == 0), np.flatnonzero(self._times == 1)
        self.missed = int(units[bare].sum())
        np.add.at(self.loss, self._owner[single], units[single])
        times = self._times[row]
        at = np.flatnonzero(times == 0)
        np.add.at(self.gain, site[at], units[row[at]])
        at = np.flatnonzero(times == 1)
        key = self._owner[row[at]] * len(is_open) + site[at]
        np.add.at(self._extra.reshape(-1), key, units[row[at]])

    def open(self, site: int) -> None:
        """Open a site."""
        rows = self._reached(site)
        first = rows[self._times[rows] == 0]
        second = rows[self._times[rows] == 1]
        self._single(second, -1)
        self._times[rows] += 1
        self._owner[rows] += site
        self._single(first, 1)
        self._bare(first, -1)
        self.is_open[site] = True

    def close(self, site: int) -> None:
        """Close a site."""
        rows = self._reached(site)
        last = rows[self._times[rows] == 1]
        left = rows[self._times[rows] == 2]
        self._single(last, -1)
        self._bare(last, 1)
        self._times[rows] -= 1
        self._owner[rows] -= site
        self._single(left, 1)
        self.is_open[site] = False

    def descend(
        self, should_stop: Callable[[], bool], *, budget: int | None, max_sites: int | None
    ) -> None:
        """Take the move that covers most more units until none covers any more, within limits."""
        budget = _FAR if budget is None else budget
        most = len(self.is_open) if max_sites is None else max_sites
        while not should_stop():
            out, into = self._best_move(budget, most)
            if into < 0:
                return
            if out >= 0:
                self.close(out)
            self.open(into)

    def trade(self, cost: IntArray, should_stop: Callable[[], bool]) -> None:
        """Take the opening, closing or swap that pays most until none does.

        Parameters
        ----------
        cost
            What an open site costs, in the unit of demand, int64, shape (m,).
        should_stop
            Whether to return now.
        """
        while not should_stop():
            closed = np.flatnonzero(self._upper & ~self.is_open)
            loose = np.flatnonzero(self.is_open & ~self._lower)
            # The last row opens and closes nothing, the last column likewise.
            table = np.zeros((len(loose) + 1, len(closed) + 1), dtype=np.int64)
            table[:-1, :-1] = self._extra[np.ix_(loose, closed)]
            table[:, :-1] += self.gain[closed] - cost[closed]
            table[:-1, :] += (cost[loose] - self.loss[loose])[:, None]
            out, into = divmod(int(np.argmax(table)), len(closed) + 1)
            if table[out, into] <= 0:
                return
            if out < len(loose):
                self.close(int(loose[out]))
            if into < len(closed):
                self.open(int(closed[into]))

    def swap_values(self, loose: IntArray, closed: IntArray) -> IntArray:
        """Return the units that each swap of an open for a closed site covers more."""
        extra = self._extra[np.ix_(loose, closed)]
        values: IntArray = self.gain[closed] + extra - self.loss[loose][:, None]
        return values

    def _best_move(self, budget: int, most: int) -> tuple[int, int]:
        """Return the sites to close (or -1) and to open (or -1) that gain most."""
        closed = np.flatnonzero(self._upper & ~self.is_open)
        if not len(closed):
            return -1, -1
        spent = self.spent
        if int(self.is_open.sum()) < most:
            gain = np.where(spent + self._spend[closed] <= budget, self.gain[closed], 0)
            at = int(np.argmax(gain))
            if gain[at] > 0:
                return -1, int(closed[at])
        loose = np.flatnonzero(self.is_open & ~self._lower)
        if not len(loose):
            return -1, -1
        table = self.swap_values(loose, closed)
        after = spent - self._spend[loose][:, None] + self._spend[closed]
        table = np.where(after <= budget, table, 0)
        out, into = divmod(int(np.argmax(table)), len(closed))
        if table[out, into] <= 0:
            return -1, -1
        return int(loose[out]), int(closed[into])

    def _reached(self, site: int) -> IntArray:
        indptr, row = self._rows_of
        return row[indptr[site] : indptr[site + 1]]

    def _sites_of(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the pairs of rows as (row, site)."""
        length = self._start[rows + 1] - self._start[rows]
        ends = np.cumsum(length)
        at = np.arange(int(length.sum())) + np.repeat(self._start[rows] - ends + length, length)
        return np.repeat(rows, length), self._site[at]

    def _single(self, rows: IntArray, sign: int) -> None:
        """Count rows with one cover in (1) or out (-1) of its loss and extra."""
        if not len(rows):
            return
        units = sign * self._units[rows]
        np.add.at(self.loss, self._owner[rows], units)
        row, site = self._sites_of(rows)
        key = self._owner[row] * len(self.is_open) + site
        np.add.at(self._extra.reshape(-1), key, sign * self._units[row])

    def _bare(self, rows: IntArray, sign: int) -> None:
        """Count rows without a cover in (1) or out (-1) of the gains."""
        if not len(rows):
            return
        row, site = self._sites_of(rows)
        np.add.at(self.gain, site, sign * self._units[row])
        self.missed += sign * int(self._units[rows].sum())


class CompiledSwaps(Swaps):
    """The same moves, compiled: for models on which thousands of them are made."""

    _most_steps = _FAR

    def __init__(self, model: CoverModel, *, spend: IntArray) -> None:
        from dispatchopt.siting.engines import _cover_kernels

        self._kernels = _cover_kernels
        super().__init__(model, spend=spend)
        self._left = np.array([self.missed], dtype=np.int64)
        indptr, row = self._rows_of
        self._ground = (
            np.ascontiguousarray(indptr, dtype=np.int64),
            np.ascontiguousarray(row, dtype=np.int64),
            np.ascontiguousarray(self._start, dtype=np.int64),
            # Arrays of problems are read-only, which would be another type to compile for.
            np.array(self._site, dtype=np.int64),
            np.array(self._units, dtype=np.int64),
        )
        self._state = (
            self._times,
            self._owner,
            self.gain,
            self.loss,
            self._extra,
            self.is_open,
            self._left,
        )

    def open(self, site: int) -> None:
        """Open a site."""
        self._kernels.open_site(site, self._ground, self._state)
        self.missed = int(self._left[0])

    def close(self, site: int) -> None:
        """Close a site."""
        self._kernels.close_site(site, self._ground, self._state)
        self.missed = int(self._left[0])

    def descend(
        self, should_stop: Callable[[], bool], *, budget: int | None, max_sites: int | None
    ) -> None:
        """Take the move that covers most more units until none covers any more, within limits."""
        limits = self._limits(budget, max_sites)
        while not should_stop():
            moves = self._kernels.descend(limits, _MOVES, self._ground, self._state)
            self.missed = int(self._left[0])
            if moves < _MOVES:
                return

    def kicks(
        self,
        rounds: int,
        most: int,
        seed: int,
        should_stop: Callable[[], bool],
        *,
        budget: int | None,
        max_sites: int | None,
    ) -> BoolArray:
        """Return the best open sites after so many kicks of at most so many sites each."""
        limits = self._limits(budget, max_sites)
        best = self.is_open.copy()
        bits = np.array([2 * seed + 1], dtype=np.int64)
        if not (self._upper & ~self._lower & ~best).any() or not (best & ~self._lower).any():
            return best
        for first in range(0, rounds, _KICKS):
            if should_stop():
                break
            count = min(_KICKS, rounds - first)
            self._kernels.kicks(limits, (count, most, bits), best, self._ground, self._state)
        self.missed = int(self._left[0])
        return best

    def _limits(
        self, budget: int | None, max_sites: int | None
    ) -> tuple[BoolArray, BoolArray, IntArray, int, int]:
        return (
            np.array(self._lower),
            np.array(self._upper),
            np.array(self._spend, dtype=np.int64),
            _FAR if budget is None else budget,
            len(self.is_open) if max_sites is None else max_sites,
        )
