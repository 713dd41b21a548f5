"""A tree for what a block of sites costs at least, whose leaves outlive the prices they grew at.

Other prices change the bounds of all leaves at once; only leaves that are lowest are solved anew,
and then branched on.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.siting.engines._cover_block_rows import MOST_GROUPS, BlockRows, Relaxed
from dispatchopt.siting.engines._cover_leaf import Choices, Leaf

#: Bound of a tree without leaves.
FAR = 2**62


class BlockTree:
    """Leaves of a block, and bounds from them.

    Parameters
    ----------
    rows
        The block's rows.
    num_sites
        Number of sites n that reach them.
    """

    def __init__(self, rows: BlockRows, num_sites: int) -> None:
        self._rows = rows
        none = np.zeros(num_sites, dtype=bool)
        self._price = np.zeros(num_sites, dtype=np.int64)
        self._version = 0
        self._heap: list[tuple[int, int, Leaf]] = []
        self._pushed = 0
        choices = Choices(lower=none, upper=~none, groups=())
        self._load([Leaf(choices=choices, total=0, column=self._price, scale=rows.scale)])

    def reprice(self, price: IntArray) -> None:
        """Take other prices, whole and >= 0, shape (n,)."""
        self._price = price
        self._version += 1
        self._load(self.leaves)

    @property
    def leaves(self) -> list[Leaf]:
        """All leaves."""
        return [leaf for _, _, leaf in self._heap]

    @property
    def bound(self) -> int:
        """What the block costs at least, or the target, at the prices taken last."""
        return self._heap[0][0] if self._heap else FAR

    def seen(self, below: int) -> list[Leaf]:
        """Return the leaves with shares of their own and a bound below a value, in order."""
        return [leaf for value, _, leaf in sorted(self._heap) if value < below and leaf.has_share]

    def limits(self) -> tuple[BoolArray, BoolArray] | None:
        """Return the bounds on y that hold in all leaves; None if there are none."""
        leaves = self.leaves
        if not leaves:
            return None
        lower = np.all([leaf.choices.lower for leaf in leaves], axis=0)
        upper = np.any([leaf.choices.upper for leaf in leaves], axis=0)
        return lower, upper

    def narrow(self, lower: BoolArray, upper: BoolArray) -> None:
        """Keep bounds on y in all leaves."""
        kept = []
        for leaf in self.leaves:
            old = leaf.choices
            choices = old.narrowed(old.lower | lower, old.upper & upper)
            if choices is not None:
                leaf.choices, leaf.version = choices, -1
                kept.append(leaf)
        self._load(kept)

    def settle(self, most: int) -> None:
        """Leave out choices that cost more than ``most`` at these prices, for good."""
        self._load([leaf for leaf in self.leaves if leaf.settle(self._price, most)])

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
        is_open = None
        leaves = [leaf]
        if leaf.is_solved:
            leaves = leaf.branches() or leaves
        elif self._is_worth(leaf, target):
            is_open = self._solve(leaf, target, should_stop)
        for each in leaves:
            self._push(each)
        return is_open

    def _is_worth(self, leaf: Leaf, target: int) -> bool:
        """Leave out what is seen to cost the target; whether anything is left."""
        total, reduced = leaf.scaled(self._price, leaf.tight or leaf.choices)
        leaf.tighten(target, total, reduced)
        return leaf.tight is not None

    def _load(self, leaves: list[Leaf]) -> None:
        self._heap = []
        for leaf in leaves:
            leaf.refresh(self._price, self._version)
            self._push(leaf)

    def _push(self, leaf: Leaf) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (leaf.value, self._pushed, leaf))

    def _solve(self, leaf: Leaf, target: int, should_stop: Callable[[], bool]) -> BoolArray | None:
        """Find multipliers and shares of a leaf at the prices."""
        if leaf.tight is None:
            return None
        found = self._rows.relaxed(leaf.tight, self._price, leaf.share, target, should_stop)
        if found is None:
            return None
        leaf.is_solved, leaf.has_share = True, True
        leaf.share, leaf.missed, leaf.group = found.share, found.missed, found.group
        if leaf.group is not None and len(leaf.choices.groups) >= MOST_GROUPS:
            leaf.group = leaf.group[:1]
        fresh = _with_groups(leaf, leaf.tight, found)
        price, choices = self._price, leaf.choices
        if fresh.scaled(price, choices)[0] > leaf.scaled(price, choices)[0]:
            leaf.total, leaf.column = fresh.total, fresh.column
        total, reduced = fresh.scaled(price, leaf.tight)
        leaf.value = max(leaf.value, min(target, -(-total // leaf.scale)))
        leaf.tighten(target, total, reduced)
        is_open: BoolArray = found.share >= 0.5
        return is_open


def _with_groups(leaf: Leaf, tight: Choices, found: Relaxed) -> Leaf:
    """Return the leaf with the multipliers found.

    The rule of a group holds for all of its sites, also those that are left out at these prices.
    """
    column, total = found.column.copy(), found.total
    for group, value in zip(tight.groups, found.by_group, strict=True):
        whole = next(each for each in leaf.choices.groups if np.isin(group, each).all())
        column[whole] += value
        total += value
    return replace(leaf, total=total, column=column)
