"""A tree for what a block of sites costs at least, whose leaves outlive the prices they grew at.

A leaf is a part of all choices of sites: some are open, some closed, and of some groups of sites at
least one is open. Multipliers r_i of its rows, 0 <= r_i <= w_i, and of its groups, g_k >= 0, give

    sum of r_i + sum of g_k + sum over open sites of (l_j - c_j) + sum over free ones of min(0, l_j - c_j)

as a bound at any prices l, where c_j is the sum of the multipliers of j's rows and groups. So a leaf
keeps a total and a number for each site, and tells its bound at new prices at once; only leaves that
are lowest are solved anew, and then branched on. All sums are whole numbers.

Branching closes all sites of a group, or demands that one of them opens: where many sites can stand
in for each other, to close a single one changes nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.blas import one_thread
from dispatchopt.siting.engines._cover_chain import Chain, near_order
from dispatchopt.siting.engines._cover_iterate import Iterate, Part

#: What multipliers are multiplied by before they are rounded down.
_SCALE = 2**20
#: Gap of a solve as a share of what lies between its bound and the target; least gap of demand.
_ENOUGH, _EXACT = 0.1, 1e-7
#: Steps of a solve at most; least gap, in parts of what is to be closed, at which gains are guessed.
_MOST_STEPS, _LOOK = 60, 0.5
#: Distance from a whole number that counts as none.
_WHOLE = 5e-3
#: What a site more must add to the score of a group.
_BETTER = 1.02
#: Bound of a leaf without solutions.
FAR = 2**62


@dataclass(kw_only=True, eq=False)
class Leaf:
    """Choices of sites, and what is known about their costs.

    Parameters
    ----------
    lower, upper
        Bounds on y, shape (n,).
    groups
        Sites of which at least one opens, each an index array; all free.
    total, column
        Sum of the scaled multipliers, and their sum over the rows of each site, shape (n,).
    share, missed
        Open shares of its relaxation, shape (n,), and what they leave unserved; None before the
        leaf, or the one that it is a part of, is solved.
    has_share
        Whether they are its own.
    split
        Sites of the group to branch on.
    version
        Number of the prices that the rest is about.
    tight
        Bounds on y, and groups, of all choices in it that cost less than the target.
    value
        What all choices in it cost at least, or the target if that is less.
    is_solved
        Whether it was solved at these prices.
    """

    lower: BoolArray
    upper: BoolArray
    groups: tuple[IntArray, ...]
    total: int
    column: IntArray
    share: FloatArray | None = None
    missed: float = 0.0
    has_share: bool = False
    split: IntArray | None = None
    version: int = -1
    tight: tuple[BoolArray, BoolArray, tuple[IntArray, ...]] | None = None
    value: int = 0
    is_solved: bool = False

    def scaled(self, price: IntArray, tight: Any = None) -> tuple[int, IntArray]:
        """Return the scaled bound at prices, and the reduced cost of each site, shape (n,)."""
        lower, upper = (self.lower, self.upper) if tight is None else tight[:2]
        reduced = price * _SCALE - self.column
        total = self.total + int(reduced[lower].sum())
        free = upper & ~lower
        return total + int(np.minimum(reduced[free], 0).sum()), reduced

    def bound(self, price: IntArray) -> int:
        """Return the bound at prices, which is whole as all costs are."""
        return -(-self.scaled(price)[0] // _SCALE)

    def holds(self, is_open: BoolArray) -> bool:
        """Whether a choice of sites is one of the leaf's."""
        if (is_open & ~self.upper).any() or (self.lower & ~is_open).any():
            return False
        return all(is_open[group].any() for group in self.groups)

    def narrowed(
        self, lower: BoolArray, upper: BoolArray, groups: tuple[IntArray, ...] | None = None
    ) -> Leaf | None:
        """Return the leaf with tighter bounds on y; None if they leave nothing."""
        found = _narrowed(lower, upper, self.groups if groups is None else groups)
        if found is None:
            return None
        return replace(self, lower=found[0], upper=found[1], groups=found[2], version=-1)


def _narrowed(
    lower: BoolArray, upper: BoolArray, groups: tuple[IntArray, ...]
) -> tuple[BoolArray, BoolArray, tuple[IntArray, ...]] | None:
    """Return bounds on y, and groups, without what follows from the others; None if none are left.

    Groups keep free sites only, at least two of them.
    """
    while True:
        if (lower & ~upper).any():
            return None
        rest = [group[upper[group]] for group in groups if not lower[group].any()]
        if any(len(group) == 0 for group in rest):
            return None
        single = [int(group[0]) for group in rest if len(group) == 1]
        groups = tuple(rest)
        if not single:
            return lower, upper, groups
        lower = lower.copy()
        lower[single] = True


class BlockTree:
    """Leaves of a block, and bounds from them.

    Parameters
    ----------
    start, column
        Sites of each row, shape (rows + 1,) and (pairs,), in order; no row twice.
    units
        Units of each row, shape (rows,).
    num_sites
        Number of sites n.
    """

    def __init__(
        self, start: IntArray, column: IntArray, units: IntArray, num_sites: int
    ) -> None:
        order = near_order(start, column, num_sites)
        length = np.diff(start)[order]
        self._start = np.append(0, np.cumsum(length))
        place = np.arange(int(self._start[-1])) + np.repeat(start[order] - self._start[:-1], length)
        self._column, self._units = column[place].astype(np.int32), units[order]
        self._chain = Chain.of(self._start, self._column, num_sites)
        self._bits = np.random.default_rng(num_sites).integers(2, 2**62, size=num_sites)
        none = np.zeros(num_sites, dtype=bool)
        self._leaves = [
            Leaf(
                lower=none,
                upper=~none,
                groups=(),
                total=0,
                column=np.zeros(num_sites, dtype=np.int64),
            )
        ]
        self._price = np.zeros(num_sites, dtype=np.int64)
        self._version = 0
        self._heap: list[tuple[int, int, Leaf]] = []
        self._pushed = 0
        #: Operations so far.
        self.work = 0.0
        self._load()

    def reprice(self, price: IntArray) -> None:
        """Take other prices, whole and >= 0, shape (n,)."""
        self._leaves = self.leaves
        self._price = price
        self._version += 1
        self._load()

    @property
    def leaves(self) -> list[Leaf]:
        """All leaves."""
        return [leaf for _, _, leaf in self._heap]

    @property
    def bound(self) -> int:
        """What the block costs at least, at the prices taken last."""
        return self._heap[0][0] if self._heap else FAR

    def seen(self, below: int) -> list[Leaf]:
        """Return the leaves that have been solved and whose bound is below a value, in order."""
        return [
            leaf
            for value, _, leaf in sorted(self._heap)
            if value < below and leaf.has_share and leaf.share is not None
        ]

    def limits(self) -> tuple[BoolArray, BoolArray]:
        """Return the bounds on y that hold in all leaves."""
        leaves = self.leaves
        lower = np.all([leaf.lower for leaf in leaves], axis=0)
        upper = np.any([leaf.upper for leaf in leaves], axis=0)
        return lower, upper

    def narrow(self, lower: BoolArray, upper: BoolArray) -> None:
        """Keep bounds on y in all leaves."""
        kept = [leaf.narrowed(leaf.lower | lower, leaf.upper & upper) for leaf in self.leaves]
        self._leaves = [leaf for leaf in kept if leaf is not None]
        self._load()

    def settle(self, most: int) -> None:
        """Drop leaves, and choices within leaves, that cost more than ``most`` at these prices."""
        kept = []
        for leaf in self.leaves:
            total, reduced = leaf.scaled(self._price)
            room = most * _SCALE - total
            if room < 0:
                continue
            free = leaf.upper & ~leaf.lower
            opened, closed = free & (-reduced > room), free & (reduced > room)
            if opened.any() or closed.any():
                found = leaf.narrowed(leaf.lower | opened, leaf.upper & ~closed)
            else:
                found = leaf
            if found is not None:
                kept.append(found)
        self._leaves = kept
        self._load()

    def refine(self, target: int, should_stop: Callable[[], bool]) -> BoolArray | None:
        """Solve the lowest leaf anew, or branch on it if that has been done at these prices.

        Parameters
        ----------
        target
            What the block is known to cost at most; it must not rise until prices change.
        should_stop
            Whether to return now.

        Returns
        -------
        BoolArray | None
            Sites that its relaxation takes to be open, shape (n,); None if nothing was solved.
        """
        _, _, leaf = heapq.heappop(self._heap)
        if not leaf.is_solved:
            found = self._solve(leaf, target, should_stop)
            self._push(leaf)
            return found
        children = _branches(leaf)
        for child in children or [leaf]:
            self._push(child)
        return None

    def _load(self) -> None:
        self._heap = []
        for leaf in self._leaves:
            if leaf.version != self._version:
                leaf.version, leaf.is_solved = self._version, False
                leaf.tight = (leaf.lower, leaf.upper, leaf.groups)
                leaf.value = leaf.bound(self._price)
            self._push(leaf)

    def _push(self, leaf: Leaf) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (leaf.value, self._pushed, leaf))

    def _tighten(self, leaf: Leaf, target: int, total: int, reduced: IntArray) -> bool:
        """Leave out choices that cost the target; whether any are left."""
        lower, upper, _ = leaf.tight
        room = target * _SCALE - total
        free = upper & ~lower
        if room > 0:
            opened, closed = free & (-reduced >= room), free & (reduced >= room)
            leaf.tight = _narrowed(lower | opened, upper & ~closed, leaf.tight[2])
        if room <= 0 or leaf.tight is None:
            leaf.tight, leaf.value = None, max(leaf.value, target)
            return False
        return True

    def _solve(self, leaf: Leaf, target: int, should_stop: Callable[[], bool]) -> BoolArray | None:
        """Find multipliers and shares of a leaf at the prices."""
        from dispatchopt.siting.engines import _cover_block_kernels as kernels

        if leaf.tight is None or not self._tighten(leaf, target, *leaf.scaled(self._price, leaf.tight)):
            leaf.is_solved, leaf.value = True, max(leaf.value, target)
            return None
        lower, upper, groups = leaf.tight
        key = np.empty(len(self._units), dtype=np.int64)
        state = upper.astype(np.int8) + lower
        kernels.fold(self._start, self._column, state, self._bits, key)
        live = np.flatnonzero(key > 1)
        _, first, merged = np.unique(key[live], return_index=True, return_inverse=True)
        # Rows stay in an order in which neighbours are alike.
        rank = np.argsort(first)
        first, merged = first[rank], np.argsort(rank)[merged]
        free = np.flatnonzero(upper & ~lower)
        units = np.bincount(merged, weights=self._units[live], minlength=len(first))
        price = np.where(key == 1, self._units * _SCALE, 0)
        lost = int(self._units[key == 1].sum())
        by_group = np.zeros(len(lower), dtype=np.int64)
        share = lower.astype(np.float64)
        due = lost + int(self._price[lower].sum())
        above = 0
        leaf.split, leaf.missed = None, float(lost)
        if len(free) and (len(first) or groups):
            unit = max(1.0, float(units.mean())) if len(units) else 1.0
            part = self._part(groups, live[first], units, free, unit=unit)
            done = self._solved(part, leaf.share, (target - due) / unit, should_stop)
            if done is None:
                return None
            of_row = np.clip(done.best_price / part.weight, 0.0, 1.0)
            price[live] = (of_row[: len(units)][merged] * self._units[live] * _SCALE).astype(np.int64)
            for group, value in zip(groups, done.best_price[len(units) :], strict=True):
                whole = int(max(value, 0.0) * unit * _SCALE)
                above += whole
                by_group[group] += whole
            share[free] = done.best_shares
            left = np.maximum(1.0 - part.cover(done.best_shares), 0.0)
            leaf.missed += float(units @ left[: len(units)])
            leaf.split = free[_group(done)]
        leaf.is_solved, leaf.share, leaf.has_share = True, share, True
        column = self._chain.worth(price) + by_group
        fresh = replace(leaf, total=int(price.sum()) + above, column=column)
        if fresh.scaled(self._price)[0] > leaf.scaled(self._price)[0]:
            leaf.total, leaf.column = fresh.total, fresh.column
        total, reduced = fresh.scaled(self._price, leaf.tight)
        leaf.value = max(leaf.value, min(target, -(-total // _SCALE)))
        self._tighten(leaf, target, total, reduced)
        is_open: BoolArray = share >= 0.5
        return is_open

    def _part(
        self,
        groups: tuple[IntArray, ...],
        rows: IntArray,
        units: FloatArray,
        free: IntArray,
        *,
        unit: float,
    ) -> Part:
        from dispatchopt.siting.engines import _cover_block_kernels as kernels

        number = np.full(len(self._price), -1, dtype=np.int32)
        number[free] = np.arange(len(free))
        begin = np.empty(len(rows) + 1, dtype=np.int32)
        most = int((self._start[rows + 1] - self._start[rows]).sum())
        entries = np.empty(most, dtype=np.int32)
        count = kernels.taken(self._start, self._column, rows, number, begin, entries)
        # Opening the cheapest site of a group keeps its rule, so that no multiplier is above.
        weight = [max(1.0, float(self._price[group].min())) for group in groups]
        lengths = [len(group) for group in groups]
        begin = np.concatenate([begin, count + np.cumsum(lengths, dtype=np.int32)])
        entries = np.concatenate([entries[:count], *[number[group] for group in groups]])
        return Part(
            rows=np.arange(len(begin) - 1),
            free=free,
            table=None,
            turned=None,
            weight=np.concatenate([units, weight]) / unit,
            cost=self._price[free] / unit,
            chain=Chain.of(begin.astype(np.int32), entries, len(free)),
        )

    def _solved(
        self, part: Part, share: FloatArray | None, cutoff: float, should_stop: Callable[[], bool]
    ) -> Iterate | None:
        """Take steps until the gap is small against what is left to the cutoff."""
        with one_thread():
            state = Iterate(part, [], share)
            for _ in range(_MOST_STEPS):
                if should_stop():
                    return None
                room = max(cutoff - state.bound, 0.0)
                state.advance(look=state.upper - state.bound >= _LOOK * room)
                self.work += _step_work(part)
                gap = state.upper - state.bound
                room = max(cutoff - state.bound, 0.0)
                if gap <= max(_ENOUGH * room, _EXACT * state.total) or state.bound > cutoff:
                    break
        return state


def _step_work(part: Part) -> float:
    """Return the operations of a step: changes times sites, and a factor of sites x sites."""
    chain, size = part.chain, len(part.free)
    changes = 0 if chain is None else len(chain.change)
    return 0.5 * changes * size + 30.0 * len(part.rows) + size**3 / 3.0


def _group(state: Iterate) -> IntArray:
    """Return the free sites to branch on together: all closed, or at least one open.

    Near the central path the barrier is about a parabola, whose matrix has the inverse Q: moving
    the sum s over a group by d adds d^2 / (2 q), where q is the sum of Q over the group.
    """
    share = state.best_shares
    split = (share > _WHOLE) & (share < 1 - _WHOLE)
    inverse = state.inverse()
    if not split.any() or inverse is None:
        return np.array([int(share.argmax())])
    least = 1e-9

    def score(sums: FloatArray, bend: FloatArray) -> FloatArray:
        down, up = sums**2 / (2 * bend), np.maximum(1 - sums, 0.0) ** 2 / (2 * bend)
        found: FloatArray = np.maximum(down, least) * np.maximum(up, least)
        return found

    diagonal = np.maximum(np.diag(inverse), 1e-300)
    each = np.where(split, score(share, diagonal), 0.0)
    chosen = [int(each.argmax())]
    value = float(each[chosen[0]])
    sums, bend, row = float(share[chosen[0]]), float(diagonal[chosen[0]]), inverse[chosen[0]].copy()
    can_join = share > 1e-4
    can_join[chosen[0]] = False
    while can_join.any():
        bends = np.maximum(bend + 2 * row + diagonal, 1e-300)
        scores = np.where(can_join & (sums + share < 1 - _WHOLE), score(sums + share, bends), 0.0)
        best = int(scores.argmax())
        if scores[best] < _BETTER * value:
            break
        value, sums, bend = float(scores[best]), sums + float(share[best]), float(bends[best])
        row += inverse[best]
        chosen.append(best)
        can_join[best] = False
    return np.sort(np.array(chosen))


def _branches(leaf: Leaf) -> list[Leaf]:
    """Return what is left where all sites of the leaf's group are closed, and where one opens."""
    group, tight = leaf.split, leaf.tight
    if group is None or tight is None:
        return []
    found = []
    for is_up in (False, True):
        child = leaf.narrowed(*_sides(leaf.lower, leaf.upper, leaf.groups, group, is_up=is_up))
        if child is None:
            continue
        child.version, child.is_solved, child.has_share = leaf.version, False, False
        child.tight = _narrowed(*_sides(*tight, group, is_up=is_up))
        found.append(child)
    return found


def _sides(
    lower: BoolArray,
    upper: BoolArray,
    groups: tuple[IntArray, ...],
    group: IntArray,
    *,
    is_up: bool,
) -> tuple[BoolArray, BoolArray, tuple[IntArray, ...]]:
    """Return bounds on y and groups where all sites of a group are closed, or one is open."""
    if is_up:
        return lower, upper, (*groups, group)
    upper = upper.copy()
    upper[group] = False
    return lower, upper, groups
