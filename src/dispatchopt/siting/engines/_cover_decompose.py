"""Bounds on maximum coverage over a wide city: blocks of sites, each with prices of its own.

Each block b of rows may open sites for itself, y_bj, and pays l_bj >= 0 for site j; y_bj <= y_j is
relaxed (Lagrangian decomposition: Guignard and Kim 1987). So

    bound = sum over b of min over y_b of (unserved_b(y_b) + sum_j l_bj y_bj)
            - the max_sites greatest of sum over b of l_bj,

where each minimum is over whole y_b: what a relaxation of the whole city leaves open in every part
of it, and branching would have to settle for all parts at once, is settled for each on its own.
Prices start as the relaxation's, at which the bound is that of the relaxation where the blocks are
not searched, and follow a subgradient (Held, Wolfe and Crowder 1974). All sums are whole numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._cover_blocks import Block, partition
from dispatchopt.siting.engines._cover_local import missable
from dispatchopt.siting.engines._cover_lp import Relaxed
from dispatchopt.siting.engines._cover_model import CoverModel

#: Open sites below which one block is about as hard as all of them.
_LEAST_OPEN = 24
#: Free sites of which all pairs are compared.
_MOST_SITES = 3_000
#: Share of the way to the best solution that a step aims at, steps in vain until it is halved,
#: the share below which no more is expected, and steps between two proofs.
_FIRST_STEP, _PATIENCE, _LAST_STEP, _STEPS = 0.5, 3, 0.03, 8
#: Weight of the direction before, and how near to the last open site counts as equal to it.
_MOMENTUM, _TIE = 0.3, 2e-3
#: Share of the work of all blocks up to which one is searched exactly at every step.
_CHEAP = 0.15
#: Squared length of a direction that is none.
_STILL = 1e-9
#: Share of the gap that the first round must close, and each one from then on.
_FIRST_GAIN, _LEAST_GAIN = 0.2, 0.05


def can_decompose(model: CoverModel) -> bool:
    """Whether a model counts unserved units under a limit on sites alone, and opens many."""
    if missable(model) is not None or model.max_sites is None or model.budget is not None:
        return False
    num_free = int((model.upper & ~model.lower).sum())
    if model.site_cost.any() or num_free > _MOST_SITES:
        return False
    return model.max_sites - int(model.lower.sum()) >= _LEAST_OPEN


@dataclass(frozen=True, kw_only=True, eq=False)
class _Round:
    """What prices prove, and a direction in which to change them.

    Parameters
    ----------
    bound
        The bound.
    worth
        Sum of the prices of each site, shape (m,).
    last, following
        The least worth of the sites that the bound takes to be open, and the greatest of the
        others.
    step
        What blocks want open more than all together, shape (blocks, m).
    """

    bound: int
    worth: IntArray
    last: int
    following: int
    step: FloatArray


class Decomposition:
    """Prices of sites in blocks, made better round by round.

    Parameters
    ----------
    model
        A model for which ``can_decompose`` holds.
    root
        Its relaxation.
    should_stop
        Whether to return now.
    """

    def __init__(self, model: CoverModel, root: Relaxed, should_stop: Callable[[], bool]) -> None:
        self._should_stop = should_stop
        parts = partition(model, root.sites)
        rows, count = parts.rows(model), parts.count
        self._blocks = [Block(model, np.flatnonzero(rows == each)) for each in range(count)]
        self._reaching = np.array([block.reaching for block in self._blocks])
        self._model = model
        self._lower, self._upper = model.lower, model.upper
        weight, pairs = _row_prices(model, root), model.pairs
        key = rows[pairs.row] * model.num_sites + pairs.site
        price = np.bincount(key, weights=weight[pairs.row], minlength=count * model.num_sites)
        self._price: FloatArray = price.astype(np.float64).reshape(count, model.num_sites)
        self._before = math.floor(root.objective)
        self._has_climbed, self._vain, self._center = False, 0, self._price
        self._effort = np.zeros(count)
        #: The best bound.
        self.bound = 0
        #: Work of the last round, in units of ``relaxation_work``.
        self.work = 0.0
        self._best_round: _Round | None = None
        self._is_over = count < 2

    @property
    def _left(self) -> int:
        """How many more sites may open."""
        most = self._model.max_sites
        return self._model.num_sites if most is None else most - int(self._lower.sum())

    def improve(self, best: int) -> bool:
        """Change prices as good solutions of the blocks suggest, then prove what they give.

        Parameters
        ----------
        best
            Value of the best solution.

        Returns
        -------
        bool
            Whether another round may help.
        """
        self.work = 0.0
        if self._is_over:
            return False
        if self.bound:
            self._climb(best)
        found = self._evaluate(is_exact=True)
        if found is None:
            return False
        before = max(self.bound, self._before)
        self.bound = max(self.bound, found.bound)
        if self._best_round is None or found.bound > self._best_round.bound:
            self._best_round, self._center = found, self._price
        if self._is_proven(best):
            self.bound = best
        least = _LEAST_GAIN if self._has_climbed else _FIRST_GAIN
        self._vain = 0 if self.bound - before >= least * (best - before) else self._vain + 1
        self._is_over = self.bound >= best or self._vain >= (_PATIENCE if self._has_climbed else 1)
        self._price = self._center
        return not self._is_over

    def _climb(self, best: int) -> None:
        """Change prices along directions that blocks want, as their good solutions tell."""
        share, vain, highest = _FIRST_STEP, 0, -math.inf
        center, way = self._price, np.zeros_like(self._price)
        for _ in range(_STEPS):
            found = None if self._should_stop() else self._evaluate(is_exact=False)
            if found is None:
                break
            # No bound is above the best solution: a block costs less than was found.
            if highest < found.bound <= best:
                highest, center, vain = found.bound, self._price, 0
            else:
                vain += 1
            way = (1 - _MOMENTUM) * found.step + _MOMENTUM * way
            if vain >= _PATIENCE or found.bound > best:
                share, vain, self._price, way = 0.5 * share, 0, center, 0.0 * way
                continue
            length = float((way**2).sum())
            if length < _STILL or share < _LAST_STEP:
                break
            by = share * max(best - found.bound, 1) / length
            self._price = np.maximum(self._price + by * way, 0.0) * self._reaching
        self._price, self._has_climbed = center, True

    def _is_proven(self, best: int) -> bool:
        """Whether no value that can occur lies between the bound and the best solution's."""
        return self.bound > best - self._model.grain

    def settle(self, best: int) -> tuple[BoolArray, BoolArray]:
        """Return the bounds on y of all solutions better than ``best``, as far as they are seen.

        A site that is not among those worth most takes the place of the last of them when it opens.
        Blocks that are searched from now on keep these bounds.
        """
        found = self._best_round
        if found is None or self._is_proven(best):
            return self._lower, self._upper
        room = best - self._model.grain - found.bound
        free = self._upper & ~self._lower
        closed = free & (found.last - found.worth > room)
        opened = free & (found.worth - found.following > room)
        self._upper, self._lower = self._upper & ~closed, self._lower | opened
        return self._lower, self._upper

    def _evaluate(self, *, is_exact: bool) -> _Round | None:
        """Search every block at the prices; None if time ran out before all had a bound.

        Unless it is to be exact, the best solutions that are found stand in for the bounds.
        """
        free = self._upper & ~self._lower
        price = np.floor(self._price * free).astype(np.int64)
        share = np.zeros_like(self._price)
        bound = self._model.offset
        bounds = (self._lower, self._upper)
        for at, block in enumerate(self._blocks):
            found = block.estimate(price[at], bounds)
            if is_exact or self._effort[at] <= _CHEAP * self._effort.sum():
                proven = block.search(price[at], bounds, self._should_stop)
                if proven is None:
                    return None
                self.work += found.work
                self._effort[at] = proven.work
                found = proven
            bound += found.bound
            share[at] = np.where(self._reaching[at], found.share, 0.0)
            self.work += found.work
        worth: IntArray = np.asarray(price.sum(axis=0), dtype=np.int64)
        falling = np.sort(worth[free])[::-1]
        count = min(self._left, len(falling))
        bound -= int(falling[:count].sum())
        last = int(falling[count - 1]) if count else 0
        return _Round(
            bound=bound,
            worth=worth,
            # With room for all of them, one more takes nobody's place.
            last=last if count == self._left else 0,
            following=int(falling[count]) if count < len(falling) else 0,
            step=self._direction(share, worth, last, count),
        )

    def _direction(self, share: FloatArray, worth: IntArray, last: int, count: int) -> FloatArray:
        """Return what blocks want open more than all do together, shape (blocks, m).

        Of sites that are worth as much as the last one, those are open that blocks want.
        """
        free = self._upper & ~self._lower
        wanted = share.sum(axis=0) / np.maximum(self._reaching.sum(axis=0), 1)
        tied = free & (np.abs(worth - last) <= _TIE * last)
        together = np.where(free & (worth > last), 1.0, 0.0)
        together[tied] = _with_sum(wanted[tied], count - float(together[~tied].sum()))
        step: FloatArray = (share - together) * (self._reaching & free)
        return step


def _with_sum(value: FloatArray, total: float) -> FloatArray:
    """Return the nearest shares in [0, 1] that add up to a total."""
    low, high = -1.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if float(np.clip(value + middle, 0.0, 1.0).sum()) > total:
            high = middle
        else:
            low = middle
    found: FloatArray = np.clip(value + low, 0.0, 1.0)
    return found


def _row_prices(model: CoverModel, root: Relaxed) -> FloatArray:
    """Return the multiplier of each row, between 0 and its units.

    Sets hand the multipliers of those that are built on them on to their own rows.
    """
    sets = model.sets
    price = root.row_dual[: sets.num_sets].copy()
    child = np.flatnonzero(sets.parent >= 0)
    np.add.at(price, sets.parent[child], -root.row_dual[child])
    found: FloatArray = np.clip(price[model.set_of_row], 0.0, model.pairs.units)
    return found
