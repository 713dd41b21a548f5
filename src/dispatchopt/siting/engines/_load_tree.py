"""Branching on which sites open, with capacities; given open sites are solved by the solver."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.siting.engines._load_dual import (
    LoadBound,
    Raised,
    ascend,
    fills_whole,
    load_bound,
)
from dispatchopt.siting.engines._load_table import LoadTable

#: Rounds of the bound at a node, and once all sites are decided; the first step of each.
_ROUNDS, _LAST_ROUNDS, _STEP = 40, 150, 0.6
#: Part of the gap up to which a child is followed before lower nodes.
_NEAR = 0.3
#: Nodes of which all decided sites are served by a heuristic.
_SERVED_EVERY = 16


@dataclass(order=True)
class _Node:
    """Bounds on open sites, with the multipliers that bound what lies between them."""

    bound: float
    order: int
    lower: BoolArray = field(compare=False)
    upper: BoolArray = field(compare=False)
    worth: FloatArray = field(compare=False)
    often: FloatArray = field(compare=False)
    #: Times that its open sites, all decided, have been given to the solver.
    tries: int = field(compare=False, default=0)


class Host(Protocol):
    """Who keeps the best solution."""

    def best(self) -> float:
        """Cost of the best solution."""

    def serve(self, found: LoadBound) -> None:
        """Serve from the sites that a bound opens, and keep what is better."""

    def solve_open(
        self, is_open: BoolArray, worth: FloatArray, found: LoadBound, tries: int
    ) -> float:
        """Solve for given open sites; return a bound on what is left, inf if that is nothing.

        The more ``tries``, the more is solved at once.
        """


class Tree:
    """The open nodes."""

    def __init__(
        self,
        table: LoadTable,
        host: Host,
        *,
        step: Callable[[], bool],
        raise_bound: Callable[[float], None],
    ) -> None:
        self._table, self._host = table, host
        self._step, self._raise_bound = step, raise_bound
        self._is_whole = fills_whole(table)
        self._heap: list[_Node] = []
        self._count = itertools.count()

    def search(self, root: Raised, lower: BoolArray, upper: BoolArray) -> bool:
        """Search the whole tree; False if the time was out."""
        node = _Node(root.value, next(self._count), lower, upper, root.worth, root.often)
        children = self._settled(node)
        while True:
            for child in children:
                heapq.heappush(self._heap, child)
            lowest = self._heap[0].bound if self._heap else math.inf
            if not self._heap or self._is_settled(lowest):
                return True
            self._raise_bound(lowest)
            if not self._step():
                return False
            children = self._expand(self._next(children))

    def goal(self) -> float:
        """Return the bound above which nothing is better than the best solution."""
        best, grain = self._host.best(), self._table.grain
        if not math.isfinite(best):
            return math.inf
        # Half a grain is far above what sums lose by rounding.
        return best - 0.5 * grain if grain else best - 1e-9 * max(1.0, abs(best))

    def _is_settled(self, bound: float) -> bool:
        """Whether nothing better lies above a bound; nothing at all lies above infinity."""
        return bound == math.inf or bound > self.goal()

    def _next(self, children: list[_Node]) -> _Node:
        """Return the better child while its bound is near the lowest, else the lowest node."""
        lowest, best = self._heap[0].bound, self._host.best()
        near = lowest + _NEAR * (best - lowest)
        fresh = [child for child in children if child.bound <= near]
        if not fresh:
            return heapq.heappop(self._heap)
        chosen = min(fresh)
        self._heap.remove(chosen)
        heapq.heapify(self._heap)
        return chosen

    def _expand(self, node: _Node) -> list[_Node]:
        """Return the children of a node that may hold something better."""
        if self._is_settled(node.bound):
            return []
        free = node.upper & ~node.lower
        if not free.any():
            return self._finish(node)
        sites = np.flatnonzero(free)
        often = node.often[sites]
        doubt = np.minimum(often, 1 - often)
        # Where the bound is decided everywhere, the largest site is.
        site = int(sites[np.argmax(doubt + 1e-6 * self._table.room[sites])])
        children = []
        for is_open in (True, False):
            lower, upper = node.lower.copy(), node.upper.copy()
            (lower if is_open else upper)[site] = is_open
            if not self._has_room(lower, upper):
                continue
            raised = ascend(
                self._table,
                node.worth,
                lower,
                upper,
                goal=self.goal(),
                rounds=_ROUNDS,
                step=_STEP,
                is_whole=self._is_whole,
            )
            bound = max(node.bound, raised.value)
            if not self._is_settled(bound):
                child = _Node(bound, next(self._count), lower, upper, raised.worth, raised.often)
                children += self._settled(child)
        return children

    def _settled(self, node: _Node) -> list[_Node]:
        """Settle the sites whose change would cost too much; none if there is no room left."""
        found = self._bound(node, node.worth)
        room = self.goal() - found.value
        lower = node.lower | (found.to_close > room)
        upper = node.upper & ~(found.to_open > room)
        if node.order % _SERVED_EVERY == 0:
            self._host.serve(found)
        if not self._has_room(lower, upper):
            return []
        return [_Node(node.bound, node.order, lower, upper, node.worth, node.often)]

    def _finish(self, node: _Node) -> list[_Node]:
        """Solve for given open sites; what is left comes back as a node with a better bound."""
        worth, bound = node.worth, node.bound
        if node.tries == 0:
            raised = ascend(
                self._table,
                worth,
                node.lower,
                node.upper,
                goal=self.goal(),
                rounds=_LAST_ROUNDS,
                step=_STEP,
                is_whole=self._is_whole,
            )
            worth, bound = raised.worth, max(bound, raised.value)
            if self._is_settled(bound):
                return []
        found = self._bound(node, worth)
        if node.tries == 0:
            self._host.serve(found)
        bound = max(bound, self._host.solve_open(node.lower, worth, found, node.tries))
        if self._is_settled(bound):
            return []
        order = next(self._count)
        return [_Node(bound, order, node.lower, node.upper, worth, node.often, node.tries + 1)]

    def _bound(self, node: _Node, worth: FloatArray) -> LoadBound:
        lower, upper = node.lower, node.upper
        return load_bound(self._table, worth, lower, upper, is_whole=self._is_whole)

    def _has_room(self, lower: BoolArray, upper: BoolArray) -> bool:
        """Whether enough room can be open within the number of sites."""
        table = self._table
        most = table.max_open - int(lower.sum())
        if most < 0:
            return False
        free = np.sort(table.room[upper & ~lower])[::-1][:most]
        return int(table.room[lower].sum() + free.sum()) >= table.least_units
