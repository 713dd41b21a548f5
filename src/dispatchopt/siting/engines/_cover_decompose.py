"""Bounds on maximum coverage over a wide city: blocks of sites, each with prices of its own.

Each block b of rows may open sites for itself, y_bj, and pays l_bj >= 0 for site j; y_bj <= y_j is
relaxed (Lagrangian decomposition: Guignard and Kim 1987). So

    bound = sum over b of min over y_b of (unserved_b(y_b) + sum_j l_bj y_bj)
            - the max_sites greatest of sum over b of l_bj,

where each minimum is over whole y_b: what a relaxation of the whole city leaves open in every part
of it, and branching would have to settle for all parts at once, is settled for each on its own.
Prices start as the relaxation's, at which the bound is that of the relaxation where the blocks are
not searched, and follow what solutions and leaves of the blocks' trees say. All sums are whole
numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.siting.engines._cover_aim import aimed, with_sum
from dispatchopt.siting.engines._cover_block_rows import MOST_SIZE
from dispatchopt.siting.engines._cover_blocks import Block, partition
from dispatchopt.siting.engines._cover_local import missable
from dispatchopt.siting.engines._cover_lp import Relaxed
from dispatchopt.siting.engines._cover_model import CoverModel, dual_bound

#: Open sites below which one block is about as hard as all of them.
_LEAST_OPEN = 24
#: Free sites of which all pairs are compared.
_MOST_SITES = 3_000
#: Share of the gap to which what blocks cost is found out, and nodes at most until prices change.
_ENOUGH, _MOST_NODES = 0.12, 1_000
#: Softness of what prices aim at, as a share of the gap: at first, most, and least; its factors
#: after prices that prove more, and after others.
_SOFT, _MOST_SOFT, _LEAST_SOFT, _SOFTER, _HARDER = 0.12, 0.2, 0.01, 1.2, 0.85
#: Rounds looked back on, and share of the gap that they must close together.
_LOOK_BACK, _LEAST_GAIN = 20, 0.02
#: Work of an operation.
_OPERATION_WORK = 2e-3


def can_decompose(model: CoverModel) -> bool:
    """Whether a model counts unserved units under a limit on sites alone, and opens many."""
    if missable(model) is not None or model.max_sites is None or model.budget is not None:
        return False
    num_free = int((model.upper & ~model.lower).sum())
    if model.site_cost.any() or num_free > _MOST_SITES or _size(model) > MOST_SIZE:
        return False
    return model.max_sites - int(model.lower.sum()) >= _LEAST_OPEN


def _size(model: CoverModel) -> float:
    """Return what sums of multipliers over sites and of prices come to at most."""
    units = model.pairs.units[model.pairs.row].astype(np.float64)
    worth = np.bincount(model.pairs.site, weights=units, minlength=model.num_sites)
    return float(worth.sum()) + model.num_sites * float(worth.max(initial=0.0))


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
        self._model = model
        self._lower, self._upper = lower, upper = model.lower, model.upper
        #: The best bound.
        self.bound = dual_bound(model, root.row_dual, lower, upper).value(model) or 0
        #: Work of the last round, in units of ``relaxation_work``.
        self.work = 0.0
        parts = partition(model, root.sites)
        rows, count = parts.rows(model), parts.count
        self._blocks: list[Block] = []
        for each in range(count):
            if should_stop():
                break
            self._blocks.append(Block(model, np.flatnonzero(rows == each)))
        self._is_over = count < 2 or len(self._blocks) < count
        if self._is_over:
            return
        self._reaching = np.array([block.reaching for block in self._blocks])
        weight, pairs = _row_prices(model, root), model.pairs
        key = rows[pairs.row] * model.num_sites + pairs.site
        price: FloatArray = np.bincount(
            key, weights=weight[pairs.row], minlength=count * model.num_sites
        ).astype(np.float64)
        price = price.reshape(count, model.num_sites)
        worth = np.sort(price.sum(axis=0)[self._free])[::-1]
        opening = float(worth[min(self._left, len(worth)) - 1]) if len(worth) else 0.0
        self._center: tuple[FloatArray, float] = (
            with_sum(price, self._reaching & self._free, opening),
            opening,
        )
        self._seen: list[int] = []
        self._soft, self._is_known = _SOFT, False
        self._has_bound = False

    @property
    def _free(self) -> BoolArray:
        return self._upper & ~self._lower

    @property
    def _left(self) -> int:
        """How many more sites may open."""
        most = self._model.max_sites
        return self._model.num_sites if most is None else most - int(self._lower.sum())

    def improve(self, best: int) -> bool:
        """Find out what prices prove, and settle what they leave no room for.

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
        aim = self._center
        if self._has_bound:
            inside = self._reaching & self._free
            cuts = [
                block.cuts().among(inside[at, block.sites]) for at, block in enumerate(self._blocks)
            ]
            aim = aimed(self._center, inside, cuts, self._left, self._soft * (best - self.bound))
        value = self._evaluate(aim[0], best)
        if value is None:
            return False
        has_gained = value > self.bound
        if self._has_bound and (has_gained or self._is_known):
            self._soft *= _SOFTER if has_gained else _HARDER
            self._soft = min(max(self._soft, _LEAST_SOFT), _MOST_SOFT)
        if has_gained or not self._has_bound:
            self.bound, self._center, self._has_bound = max(self.bound, value), aim, True
        room = best - self._model.grain - value
        if self._is_proven(best) or not self._settle(room):
            self.bound = best
        self._seen.append(self.bound)
        if len(self._seen) > _LOOK_BACK:
            before = self._seen[-1 - _LOOK_BACK]
            self._is_over = self.bound - before < _LEAST_GAIN * (best - before)
        self._is_over |= self.bound >= best
        return not self._is_over

    def _is_proven(self, best: int) -> bool:
        """Whether no value that can occur lies between the bound and the best solution's."""
        return self.bound > best - self._model.grain

    def limits(self) -> tuple[BoolArray, BoolArray]:
        """Return the bounds on y of all solutions better than the best, as far as they are seen."""
        return self._lower, self._upper

    def _settle(self, room: int) -> bool:
        """Leave out what costs a block so much more than its bound; whether anything is left.

        No solution that is better than the best has what is left out in one of the blocks, so that
        sites are settled in all of them.
        """
        lower, upper = self._lower.copy(), self._upper.copy()
        for block in self._blocks:
            bounds = block.settle(room)
            if bounds is None:
                return False
            lower[block.sites] |= bounds[0]
            upper[block.sites] &= bounds[1]
        if (lower & ~upper).any() or int((lower & ~self._lower).sum()) > self._left:
            return False
        self._lower, self._upper = lower, upper
        return all(block.narrow(lower[block.sites], upper[block.sites]) for block in self._blocks)

    def _evaluate(self, real_price: FloatArray, best: int) -> int | None:
        """Return what prices prove, once blocks are searched for long enough; None if stopped."""
        free = self._free
        # A site that costs more than any is worth stays closed, whatever more it costs.
        most = np.array([block.most_price for block in self._blocks])[:, None]
        price = np.clip(np.nan_to_num(np.floor(real_price * free)), 0, most).astype(np.int64)
        before = sum(block.work for block in self._blocks)
        for at, block in enumerate(self._blocks):
            if self._should_stop():
                return None
            block.reprice(price[at, block.sites])
        falling = np.sort(price.sum(axis=0)[free])[::-1]
        due = self._model.offset - int(falling[: self._left].sum())
        short = np.array([block.found - block.bound for block in self._blocks])
        tried = np.ones(len(short))
        self._is_known = False
        for _ in range(_MOST_NODES):
            found = due + sum(block.found for block in self._blocks)
            value = due + sum(block.bound for block in self._blocks)
            # Where even what is found is no more than what is proven, solutions say enough.
            is_refuted = found <= self.bound
            if short.sum() <= _ENOUGH * max(best - value, 0) or is_refuted:
                self._is_known = True
                break
            if self._should_stop():
                break
            at = int((short / tried).argmax())
            tried[at] += 1
            self._blocks[at].refine(self._should_stop)
            short[at] = self._blocks[at].found - self._blocks[at].bound
        self.work = _OPERATION_WORK * (sum(block.work for block in self._blocks) - before)
        return due + sum(block.bound for block in self._blocks)


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
