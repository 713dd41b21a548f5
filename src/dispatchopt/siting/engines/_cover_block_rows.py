"""Rows of a block, and the relaxation of choices of its sites at prices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.blas import one_thread
from dispatchopt.siting.engines._cover_chain import Chain, near_order
from dispatchopt.siting.engines._cover_iterate import Iterate, Part
from dispatchopt.siting.engines._cover_leaf import Choices, group_to_branch_on

#: Gap of a solve as a share of what lies between its bound and the target; least gap of demand.
_ENOUGH, _EXACT = 0.1, 1e-7
#: Steps of a solve at most; least gap, in parts of what is to be closed, at which to branch.
_MOST_STEPS, _LOOK = 60, 0.5
#: Operations of a step for each row.
_ROW_OPERATIONS = 30.0
#: Sums of scaled whole numbers stay below this, so that int64 holds them.
_ROOM = 2.0**61
#: What multipliers are multiplied by at most, and groups of sites that choices may have.
_MOST_SCALE, MOST_GROUPS = 2**20, 2**10
#: Sums of units over sites, and of prices, that need no scale below 1.
MOST_SIZE = _ROOM / MOST_GROUPS


@dataclass(frozen=True, kw_only=True, eq=False)
class Relaxed:
    """What a relaxation says.

    Parameters
    ----------
    total, column
        Sum of the scaled multipliers of rows, and their sum over the rows of each site, shape (n,).
    by_group
        Scaled multipliers of the groups.
    share, missed
        Open shares, shape (n,), and the units that they leave unserved.
    group
        Sites to branch on; None if no site is free.
    """

    total: int
    column: IntArray
    by_group: list[int]
    share: FloatArray
    missed: float
    group: IntArray | None


def _scale(size: float) -> int:
    """Return what to multiply multipliers by: over all sites, with prices, they come to ``size``.

    The multipliers of a group come to no more than the prices of its sites, so that those of all
    groups of a leaf fit as well.
    """
    power = math.floor(math.log2(MOST_SIZE / max(size, 1.0)))
    return int(min(2 ** max(power, 0), _MOST_SCALE))


class BlockRows:
    """Rows in an order in which each differs little from the one before.

    Parameters
    ----------
    start, column
        Sites of each row, shape (rows + 1,) and (pairs,), in order; no row twice.
    units
        Units of each row, shape (rows,).
    num_sites
        Number of sites n.
    """

    def __init__(self, start: IntArray, column: IntArray, units: IntArray, num_sites: int) -> None:
        order = near_order(start, column, num_sites)
        length = np.diff(start)[order]
        self._start = np.append(0, np.cumsum(length))
        place = np.repeat(start[order] - self._start[:-1], length)
        place += np.arange(int(self._start[-1]))
        self._column, self._units = column[place].astype(np.int32), units[order]
        self._chain = Chain.of(self._start, self._column, num_sites)
        worth = np.bincount(column, weights=np.repeat(units, np.diff(start)), minlength=num_sites)
        #: Units of the site that reaches most: no site is worth a higher price.
        self.most_price = int(worth.max(initial=0.0))
        self.scale = _scale(float(worth.sum()) + float(num_sites) * self.most_price)
        self._bits = np.random.default_rng(num_sites).integers(2, 2**62, size=num_sites)
        #: Operations so far.
        self.work = 0.0

    def relaxed(
        self,
        choices: Choices,
        price: IntArray,
        share: FloatArray | None,
        target: int,
        should_stop: Callable[[], bool],
    ) -> Relaxed | None:
        """Solve the relaxation of some choices; None if there was no time.

        Parameters
        ----------
        choices
            The choices.
        price
            What opening each site costs, whole and >= 0, shape (n,).
        share
            Where to start, shape (n,); None for the middle.
        target
            Cost that only says that the choices are not worth looking at.
        should_stop
            Whether to return now.
        """
        live, first, merged, alone = self._merged(choices)
        weight = np.bincount(merged, weights=self._units[live], minlength=len(first))
        free = np.flatnonzero(choices.free)
        of_row = np.where(alone, self._units * self.scale, 0)
        missed = float(self._units[alone].sum())
        found, by_group, group = choices.lower.astype(np.float64), [0] * len(choices.groups), None
        if len(free) and (len(first) or choices.groups):
            unit = max(1.0, float(weight.mean())) if len(weight) else 1.0
            part = self._part(choices, live[first], weight / unit, price / unit, free)
            due = missed + int(price[choices.lower].sum())
            end = self._solved(part, share, (target - due) / unit, should_stop)
            if end is None:
                return None
            parts = np.clip(end.best_price / part.weight, 0.0, 1.0)
            whole = parts[: len(weight)][merged] * self._units[live] * self.scale
            of_row[live] = whole.astype(np.int64)
            by_group = [int(value * unit * self.scale) for value in end.best_price[len(weight) :]]
            found[free] = end.best_shares
            left = np.maximum(1.0 - part.cover(end.best_shares), 0.0)
            missed += float(weight @ left[: len(weight)])
            group = free[group_to_branch_on(end.best_shares, end.inverse())]
        return Relaxed(
            total=int(of_row.sum()),
            column=self._chain.worth(of_row),
            by_group=by_group,
            share=found,
            missed=missed,
            group=group,
        )

    def _merged(self, choices: Choices) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Merge rows that the same free sites reach.

        Returns rows that free sites alone reach, the first of each kind among them, the kind of
        each, and a mask of rows out of reach.
        """
        # Compiled code is imported only where it is needed.
        from dispatchopt.siting.engines import _cover_chain_kernels as kernels

        key = np.empty(len(self._units), dtype=np.int64)
        state = choices.upper.astype(np.int8) + choices.lower
        kernels.fold((self._start, self._column), state, self._bits, key)
        live = np.flatnonzero(key > 1)
        _, first, merged = np.unique(key[live], return_index=True, return_inverse=True)
        # Rows stay in an order in which neighbours are alike.
        rank = np.argsort(first)
        return live, first[rank], np.argsort(rank)[merged], key == 1

    def _part(
        self,
        choices: Choices,
        rows: IntArray,
        weight: FloatArray,
        price: FloatArray,
        free: IntArray,
    ) -> Part:
        from dispatchopt.siting.engines import _cover_chain_kernels as kernels

        number = np.full(len(price), -1, dtype=np.int32)
        number[free] = np.arange(len(free))
        begin = np.empty(len(rows) + 1, dtype=np.int64)
        entries = np.empty(int((self._start[rows + 1] - self._start[rows]).sum()), dtype=np.int32)
        count = kernels.taken((self._start, self._column), rows, number, begin, entries)
        groups = choices.groups
        lengths = np.array([len(group) for group in groups], dtype=np.int64)
        entries = np.concatenate([entries[:count], *[number[group] for group in groups]])
        # Opening the cheapest site of a group keeps its rule, so that no multiplier is above.
        due = [max(1e-3, float(price[group].min())) for group in groups]
        return Part(
            rows=np.arange(len(rows) + len(groups)),
            free=free,
            weight=np.concatenate([weight, due]),
            cost=price[free],
            chain=Chain.of(np.concatenate([begin, count + np.cumsum(lengths)]), entries, len(free)),
        )

    def _solved(
        self,
        part: Part,
        share: FloatArray | None,
        cutoff: float,
        should_stop: Callable[[], bool],
    ) -> Iterate | None:
        """Take steps until the gap is small against what is left to the cutoff."""
        chain, size = part.chain, len(part.free)
        changes = 0 if chain is None else len(chain.change)
        step = 0.5 * changes * size + _ROW_OPERATIONS * len(part.rows) + size**3 / 3.0
        with one_thread():
            state = Iterate(part, [], share)
            for _ in range(_MOST_STEPS):
                if should_stop():
                    return None
                room = max(cutoff - state.bound, 0.0)
                if not state.advance(look=state.upper - state.bound >= _LOOK * room):
                    break
                self.work += step
                gap = state.upper - state.bound
                room = max(cutoff - state.bound, 0.0)
                if gap <= max(_ENOUGH * room, _EXACT * state.total) or state.bound > cutoff:
                    break
        return state
