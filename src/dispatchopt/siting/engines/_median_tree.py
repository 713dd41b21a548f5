"""Branch and cut on a table of costs, best bound first with dives."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._median_dual import DualBound
from dispatchopt.siting.engines._median_master import Master, Solved

#: Distance from a whole number that counts as none.
_WHOLE = 1e-6
#: Rounds of cuts at a node, and the share of the gap that a round must close to be followed.
_ROUNDS, _ROOT_ROUNDS, _WORTH = 8, 200, 0.02
#: Cuts beyond which those without weight are taken out, in rows of the table.
_MOST_CUTS = 12
#: Bytes of bases kept, about; beyond that a node starts from the basis at hand.
_BASES_BYTES = 5e8


@dataclass(order=True)
class Node:
    """Bounds on columns, with the bound of the parent."""

    bound: float
    order: int
    lower: BoolArray = field(compare=False)
    upper: BoolArray = field(compare=False)
    #: Column that was branched on, whether it was opened, how far it moved.
    origin: tuple[int, bool, float] | None = field(compare=False, default=None)
    basis: Any = field(compare=False, default=None)


class Tree:
    """The search over open and closed columns.

    Parameters
    ----------
    master
        The relaxation.
    best
        Returns the cost of the best solution so far, constants left out; inf without one.
    consider
        Takes open columns that may be better.
    step
        Counts a node; False means stop.
    raise_bound
        Takes a proven bound, constants left out.
    """

    def __init__(
        self,
        master: Master,
        *,
        best: Callable[[], float],
        consider: Callable[[FloatArray, BoolArray, BoolArray], None],
        step: Callable[[], bool],
        raise_bound: Callable[[float], None],
    ) -> None:
        self._master, self._best, self._consider = master, best, consider
        self._step, self._raise_bound = step, raise_bound
        self._count = itertools.count()
        m = master.table.num_columns
        self._open = 0
        self._gain, self._seen = np.zeros((2, m)), np.zeros((2, m))

    def cut(
        self, lower: BoolArray, upper: BoolArray, *, is_root: bool, floor: float = -math.inf
    ) -> tuple[Solved, float, BoolArray, BoolArray] | None:
        """Solve a node with cuts; None if it holds nothing better or was stopped before a bound.

        Returns the last relaxation, the best bound, and the bounds on columns that it settles.
        """
        bound, last = floor, -math.inf
        for _ in range(_ROOT_ROUNDS if is_root else _ROUNDS):
            solved = self._master.solve(lower, upper)
            if solved.is_infeasible or solved.bound is None:
                return None
            bound, lower, upper = self._settle(solved.bound, bound, lower, upper)
            if is_root:
                self._raise_bound(min(bound, self._best()))
            if self._is_done(bound) or solved.is_stopped or not self._master.separate(solved):
                break
            rise, last = solved.bound.value - last, solved.bound.value
            is_slow = not is_root and rise < _WORTH * (self._best() - bound)
            if is_slow or (is_root and not self._step()):
                break
        return None if self._is_done(bound) else (solved, bound, lower, upper)

    def _is_done(self, bound: float) -> bool:
        best = self._best()
        if not math.isfinite(best):
            return False
        if self._master.table.is_whole:
            return bound > best - 1 + 1e-6
        return bound >= best - 1e-9 * max(1.0, abs(best))

    def _settle(
        self, found: DualBound, bound: float, lower: BoolArray, upper: BoolArray
    ) -> tuple[float, BoolArray, BoolArray]:
        table, best = self._master.table, self._best()
        bound = max(bound, found.value)
        if math.isfinite(best):
            lower, upper = found.settled(table, best, lower, upper)
        return bound, lower, upper

    def search(self, root: tuple[Solved, float, BoolArray, BoolArray]) -> bool:
        """Branch from a solved root; whether nothing better is left."""
        heap: list[Node] = []
        solved, bound, lower, upper = root
        children = self._branch(solved, bound, lower, upper)
        while True:
            for child in children:
                heapq.heappush(heap, child)
            while heap and self._is_done(heap[0].bound):
                heapq.heappop(heap)
            if not heap:
                return True
            self._raise_bound(min(heap[0].bound, self._best()))
            if not self._step():
                return False
            node = self._next(heap, children)
            self._open = len(heap)
            if self._master.num_cuts > _MOST_CUTS * self._master.table.num_rows:
                self._master.purge()
            if node.basis is not None and node not in children:
                # The basis at hand is that of another part of the tree.
                self._master.restore(node.basis)
            found = self.cut(node.lower, node.upper, is_root=False, floor=node.bound)
            children = []
            if found is not None:
                solved, bound, lower, upper = found
                if solved.is_stopped:
                    heapq.heappush(heap, node)
                    return False
                self._learn(node, bound)
                children = self._branch(solved, bound, lower, upper)

    @staticmethod
    def _next(heap: list[Node], children: list[Node]) -> Node:
        fresh = [child for child in children if child in heap]
        if fresh:
            node = min(fresh)
            heap.remove(node)
            heapq.heapify(heap)
            return node
        return heapq.heappop(heap)

    def _branch(
        self, solved: Solved, bound: float, lower: BoolArray, upper: BoolArray
    ) -> list[Node]:
        self._consider(solved.share, lower, upper)
        if self._is_done(bound):
            return []
        share = solved.share
        free = upper & ~lower
        split = free & (share > _WHOLE) & (share < 1 - _WHOLE)
        if not split.any():
            # Whole, and yet not proven: a rule or a cut is missing by a rounding. Halve anyway.
            rest = np.flatnonzero(free)
            if not len(rest):
                return []
            column = int(rest[np.argmax(share[rest])])
        else:
            column = self._choose(np.flatnonzero(split), share)
        kept = []
        basis = self._master.basis() if self._keeps_bases() else None
        for up in (True, False):
            below, above = lower.copy(), upper.copy()
            (below if up else above)[column] = up
            if up and not self._master.table.is_possible(below):
                continue
            moved = float(1 - share[column] if up else share[column])
            kept.append(Node(bound, next(self._count), below, above, (column, up, moved), basis))
        return kept

    def _keeps_bases(self) -> bool:
        table = self._master.table
        size = table.num_rows + table.num_columns + self._master.num_cuts
        return self._open * size < _BASES_BYTES

    def _choose(self, columns: IntArray, share: FloatArray) -> int:
        known = self._seen > 0
        mean = np.divide(self._gain, self._seen, out=np.zeros_like(self._gain), where=known)
        for side in (0, 1):
            usual = float(mean[side][known[side]].mean()) if known[side].any() else 1.0
            mean[side][~known[side]] = max(usual, 1e-9)
        part = share[columns]
        score = np.maximum(mean[0, columns] * part, 1e-9) * np.maximum(
            mean[1, columns] * (1 - part), 1e-9
        )
        return int(columns[np.argmax(score)])

    def _learn(self, node: Node, bound: float) -> None:
        if node.origin is None:
            return
        column, up, moved = node.origin
        self._gain[int(up), column] += max(0.0, bound - node.bound) / max(moved, _WHOLE)
        self._seen[int(up), column] += 1
