"""Annealing of open sites, and what several answers have in common put together exactly."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.siting.engines._cover_model import CoverModel

#: Steps of a run per open site at first and at most, and how much longer each later cycle is.
_STEPS, _MOST_STEPS, _LONGER = 10_000, 200_000, 1.6
#: First and last temperature, as shares of the geometric mean of the units that an open site covers
#: and of those left unserved per open site: where little is left, small changes decide.
_WARM, _COLD = 0.07, 0.01
#: Part of a run, from its start, of which nothing is kept, so that runs end apart.
_LEAVING = 0.5
#: Steps between two looks at the clock.
_CHUNK = 100_000
#: Pairs of pairs up to which nearby sites are listed.
_MOST_COMPARED = 1e8
_FAR = 2**62
#: What a step weighs, and each pair that a swap may touch.
_STEP_WORK, _PAIR_WORK = 0.1, 0.015
#: Answers that are kept; runs of a cycle.
_KEPT, _RUNS = 10, 6
#: Cycles without a better answer after which others are looked for.
_STALE = 2


class Annealer:
    """Runs of simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) over swaps of sites.

    Values of moves are kept up to date as in ``_cover_swap``, but by slot: a site that takes the
    place of a near one changes only the rows that one of both reaches.

    Parameters
    ----------
    model
        A covering model in which every unserved unit has its price.
    should_stop
        Asked between parts of a run.
    seed
        Of the random moves.
    """

    def __init__(self, model: CoverModel, should_stop: Callable[[], bool], seed: int) -> None:
        from dispatchopt.siting.engines import _cover_anneal_kernels, _cover_kernels

        self._kernels, self._draw = _cover_anneal_kernels, _cover_kernels.draw
        self.model = model
        self._should_stop = should_stop
        pairs = model.pairs
        indptr, row = model.rows_of_sites
        start = np.searchsorted(pairs.row, np.arange(pairs.num_rows + 1))
        self._ground = (
            np.ascontiguousarray(indptr, dtype=np.int64),
            np.ascontiguousarray(row, dtype=np.int32),
            np.ascontiguousarray(start, dtype=np.int64),
            np.array(pairs.site, dtype=np.int32),
            # Arrays of problems are read-only, which would be another type to compile for.
            np.array(pairs.units, dtype=np.int64),
        )
        self._near = _near(model)
        self._seed = np.array([2 * (seed % 2**30) + 1], dtype=np.int64)
        self._num_slots = _most_open(model)
        self._rng = np.random.default_rng(seed)
        self.answers: list[tuple[int, bytes, BoolArray]] = []
        self._steps = float(_STEPS)
        #: Work done so far, counted so that it does not depend on the machine.
        self.work = 0.0
        #: Best answers of those searches that have come to their end, and how many found the best.
        self.ended: list[tuple[int, bytes, BoolArray]] = []
        self.hits = 0
        self._stale = 0
        spread, near = len(pairs.row) / model.num_sites, len(pairs.row) / max(1, pairs.num_rows)
        self._swap_work = _PAIR_WORK * spread * near

    def cycle(self) -> None:
        """Run some times, each from one of the answers at hand."""
        for _ in range(_RUNS):
            if self._should_stop():
                return
            at = self._draw(self._seed, len(self.answers))
            self._run(self.answers[at][2], _WARM)

    def conclude(self, before: int) -> None:
        """Count a cycle that began with such a best value; if it is stale, start from elsewhere.

        Answers soon resemble each other. The best is put aside, and the next ones, which begin with
        sites drawn at random, show how sure it is, or have something to add to it.
        """
        best = self.answers[0]
        self._stale = 0 if best[0] < before else self._stale + 1
        if self._stale < _STALE:
            return
        self._stale = 0
        self._steps = min(self._steps * _LONGER, _MOST_STEPS)
        least = min((value for value, _, _ in self.ended), default=_FAR)
        self.hits = self.hits + 1 if best[0] == least else (1 if best[0] < least else self.hits)
        if all(best[1] != key for _, key, _ in self.ended):
            self.ended = sorted([*self.ended, best], key=lambda answer: answer[:2])[:_KEPT]
        self.answers = []
        self._run(self._drawn(), _WARM)

    @property
    def knows_neighbours(self) -> bool:
        """Whether nearby sites are listed."""
        return len(self._near[1]) > 0

    def neighbours(self, sites: IntArray) -> BoolArray:
        """Return which sites share rows with any of these, shape (m,)."""
        start, site = self._near
        is_near = np.zeros(self.model.num_sites, dtype=bool)
        for each in sites:
            is_near[site[start[each] : start[each + 1]]] = True
        return is_near

    def _drawn(self) -> BoolArray:
        """Return open sites drawn at random, as many as limits allow."""
        model = self.model
        is_open = model.lower.copy()
        count, spent = int(is_open.sum()), int(model.spend[is_open].sum())
        for site in self._rng.permutation(np.flatnonzero(model.upper & ~model.lower)):
            if count >= self._num_slots:
                break
            if model.budget is None or spent + int(model.spend[site]) <= model.budget:
                is_open[site] = True
                count, spent = count + 1, spent + int(model.spend[site])
        return is_open

    def keep(self, is_open: BoolArray) -> None:
        """Keep open sites among the best answers."""
        value = self.model.unserved_units(is_open)
        key = is_open.tobytes()
        if all(key != other for _, other, _ in self.answers):
            self.answers.append((value, key, is_open.copy()))
            self.answers.sort(key=lambda answer: answer[:2])
            del self.answers[_KEPT:]

    def _run(self, first: BoolArray, heat: float) -> None:
        model, kernels = self.model, self._kernels
        state = self._state(np.flatnonzero(first))
        sums = state[7]
        steps = int(max(1, int(first.sum())) * self._steps)
        spend = np.array(model.spend, dtype=np.int64)
        most = self._num_slots if model.max_sites is None else model.max_sites
        is_loose = model.budget is not None or int(sums[2]) < most
        limits = (
            np.array(model.lower),
            np.array(model.upper),
            spend,
            _FAR if model.budget is None else model.budget,
            most,
            is_loose,
            *self._near,
        )
        count = max(1, int(sums[2]))
        covered = int(model.pairs.units.sum()) - int(sums[0])
        unit = math.sqrt(max(1, covered) * max(1, int(sums[0]))) / count
        best, reached = state[6].copy(), _FAR
        chunks = max(2, -(-steps // _CHUNK))
        fall = (_COLD / heat) ** (1.0 / chunks)
        warm = unit * heat
        part = max(1, steps // chunks)
        for chunk in range(chunks):
            if self._should_stop():
                break
            if chunk == int(_LEAVING * chunks):
                reached = _FAR
            how = (part, warm, warm * fall, self._seed, reached)
            reached = int(kernels.anneal(limits, how, best, self._ground, state))
            warm *= fall
            self.work += _STEP_WORK * part
        self.work += self._swap_work * int(sums[3])
        is_open = np.zeros(model.num_sites, dtype=bool)
        is_open[best[best >= 0]] = True
        self.keep(is_open)

    def _state(self, sites: IntArray) -> tuple[IntArray, ...]:
        model = self.model
        pairs, count, slots = model.pairs, model.num_sites, max(self._num_slots, len(sites))
        gain = np.zeros(count, dtype=np.int64)
        np.add.at(gain, pairs.site, pairs.units[pairs.row])
        state = (
            np.zeros(pairs.num_rows, dtype=np.int64),
            np.zeros(pairs.num_rows, dtype=np.int64),
            gain,
            np.zeros(slots, dtype=np.int64),
            np.zeros((slots, count), dtype=np.int64),
            np.full(count, -1, dtype=np.int64),
            np.full(slots, -1, dtype=np.int64),
            np.array([int(pairs.units.sum()), 0, 0, 0], dtype=np.int64),
        )
        spend = np.array(model.spend, dtype=np.int64)
        for slot, site in enumerate(sites):
            self._kernels.enter(int(site), slot, spend, self._ground, state)
        return state


def _most_open(model: CoverModel) -> int:
    """Return how many sites can be open at most."""
    most = int(model.upper.sum())
    if model.budget is not None:
        spend = np.sort(model.spend[model.upper])
        most = min(most, int(np.searchsorted(np.cumsum(spend), model.budget, side="right")))
    if model.max_sites is not None:
        most = min(most, model.max_sites)
    return max(1, most)


def _near(model: CoverModel) -> tuple[IntArray, IntArray]:
    """Return for each site those that share rows with it, most rows first, as (indptr, site)."""
    from scipy import sparse

    pairs, count = model.pairs, model.num_sites
    size = np.bincount(pairs.row, minlength=pairs.num_rows).astype(np.float64)
    if float(size @ size) > _MOST_COMPARED:
        return np.zeros(count + 1, dtype=np.int64), np.zeros(0, dtype=np.int32)
    table = sparse.csr_array(
        (np.ones(len(pairs.row), dtype=np.int32), (pairs.row, pairs.site)),
        shape=(pairs.num_rows, count),
    )
    common = (table.T @ table).tocoo()
    one, other = common.coords
    order = np.lexsort((other, -common.data, one))
    one, other = one[order], other[order]
    apart = one != other
    one, other = one[apart], other[apart]
    indptr = np.searchsorted(one, np.arange(count + 1)).astype(np.int64)
    return indptr, other.astype(np.int32)
