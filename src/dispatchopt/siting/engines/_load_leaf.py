"""Who is served from which open site, searched up to a target that rises from the bound on.

Up to a target only few pairs are left, and fewer the nearer the target is to the bound: a search
that finds nothing makes the target the bound, and the next one goes a little further (Posta,
Ferland and Michelon 2012). See ``_load_depth``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._load_dual import GRID
from dispatchopt.siting.engines._load_table import LoadTable

#: Cells of knapsacks that a search may look at; least nodes of one.
_CELLS, _LEAST_NODES = 1.2e9, 30
#: Rounds of the bound at the first node of a search, and at others.
_FIRST_ROUNDS, _ROUNDS = 1_000, 8
#: First step of a target where costs are not whole, relative to the bound; growth of steps, and
#: how long one may be.
_STEP, _GROWTH, _FAR = 1e-5, 1.5, 0.02


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaf:
    """What a search found.

    Parameters
    ----------
    bound
        No solution costs less, above the greatest cost of interest if there is none.
    site
        Site of each customer in the best solution found, shape (n,); None for none.
    is_stuck
        Whether not even the first target was settled.
    """

    bound: float
    site: IntArray | None
    is_stuck: bool


def searched(
    table: LoadTable,
    is_open: BoolArray,
    *,
    worth: FloatArray,
    low: IntArray,
    bound: float,
    most: float,
    should_stop: Callable[[], bool],
) -> Leaf:
    """Search for the best way to serve all from given open sites, up to a cost of ``most``.

    Parameters
    ----------
    worth
        Multipliers of "served once", shape (n,).
    low
        Least load of each site, shape (m,).
    bound, most
        Least and greatest cost of interest, opening included; the second may be inf.
    should_stop
        Whether to return with what there is.
    """
    opened = np.flatnonzero(is_open)
    base, grain = float(table.opening[opened].sum()), float(table.grain)
    if (low[opened] > np.minimum(table.room[opened], table.units.sum())).any():
        # More room is lacking than can be left: nothing serves all.
        return Leaf(bound=np.inf, site=None, is_stuck=False)
    search = _Search(table, opened, worth, low)
    # Half of it: sums of what is rounded stay below.
    slack = 0.5 * grain if grain else 1e-9 * max(1.0, abs(bound))
    step = grain or _STEP * max(1.0, abs(bound))
    is_stuck = True
    best: IntArray | None = None
    target = table.rounded_up(bound) if grain else bound + step
    while bound <= most and best is None:
        # Steps that are no longer small say that there is no solution yet: any will do.
        target = most if step > _FAR * max(1.0, abs(bound)) else min(target, most)
        value, is_complete = search.up_to(target - base + slack, should_stop)
        if value < np.inf:
            best = opened[search.found]
        if not is_complete:
            break
        is_stuck = False
        bound = target + grain if best is None else value + base
        if target >= most:
            break
        step *= _GROWTH
        target = target + (np.ceil(step / grain) * grain if grain else step)
    return Leaf(bound=bound, site=best, is_stuck=is_stuck)


@dataclass(kw_only=True, eq=False)
class _Node:
    """What is decided on the way down.

    Parameters
    ----------
    cost
        Cost of the pairs that are left, else inf, shape (k, n).
    site
        Site of each customer that is served, -1 for others, shape (n,).
    room, low
        Room left at each site, and least load still to come, shape (k,).
    worth
        Multipliers of "served once", shape (n,).
    fixed
        Cost of those who are served.
    customer
        Whom it branches on, -1 before it has been bounded.
    expected
        What serving that one from each site costs at least in all, inf where that has been looked
        at, shape (k,).
    """

    cost: FloatArray
    site: IntArray
    room: IntArray
    low: IntArray
    worth: FloatArray
    fixed: float = 0.0
    customer: int = -1
    expected: FloatArray = field(default_factory=lambda: np.zeros(0))

    def arrays(self) -> tuple[FloatArray, IntArray, IntArray, IntArray, FloatArray]:
        """Return the arrays as compiled code takes them."""
        return self.cost, self.site, self.room, self.low, self.worth

    def copy(self) -> _Node:
        """Return a node of its own that has not been bounded."""
        return _Node(
            cost=self.cost.copy(),
            site=self.site.copy(),
            room=self.room.copy(),
            low=self.low.copy(),
            worth=self.worth.copy(),
            fixed=self.fixed,
        )

    def child(self, to: int) -> _Node:
        """Return the node below, in which the customer has one site left."""
        below = self.copy()
        below.cost[np.arange(len(below.room)) != to, self.customer] = np.inf
        return below

    def choose(self, rise: FloatArray, bound: float, room: float) -> bool:
        """Branch on the customer whose best two sites raise the bound most; False if all have one.

        ``rise`` is what serving over each pair adds to a bound, and ``room`` what it may add.
        """
        free = np.flatnonzero(self.site < 0)
        if not len(free):
            return False
        added = np.where(np.isfinite(self.cost[:, free]), rise[:, free], np.inf)
        one, two = np.partition(added, 1, axis=0)[:2]
        self.customer = int(free[np.argmax((one + 0.05) * (np.minimum(two, room) + 0.05))])
        own = np.isfinite(self.cost[:, self.customer])
        self.expected = np.where(own, bound + rise[:, self.customer], np.inf)
        return True


class _Search:
    """Searches on one table up to one goal after the other, within one limit of work.

    Parameters
    ----------
    table, opened
        Costs, and the open sites, shape (k,).
    worth, low
        Multipliers of "served once", shape (n,), and least load of each site, shape (m,).
    """

    def __init__(
        self, table: LoadTable, opened: IntArray, worth: FloatArray, low: IntArray
    ) -> None:
        from dispatchopt.siting.engines import _load_depth

        k, n = len(opened), table.num_customers
        self._grain = float(table.grain)
        self._units = np.array(table.units, dtype=np.int64)
        self._root = _Node(
            cost=np.ascontiguousarray(table.cost[opened]),
            site=np.full(n, -1, dtype=np.int64),
            # A site never takes more than all.
            room=np.minimum(table.room[opened], self._units.sum()).astype(np.int64),
            low=low[opened].astype(np.int64),
            worth=np.floor(worth * GRID + 0.5) / GRID if table.grain else np.array(worth),
        )
        self._shown = (np.zeros((k, n), dtype=np.bool_), np.empty((k, n)))
        self._memory = (
            _load_depth.desk(n, int(self._root.room.max(initial=0))),
            (np.empty(n), np.empty(n), np.empty((k, n), dtype=np.bool_)),
            (np.empty((k, n)), np.empty(n), np.empty(n, dtype=np.int64)),
        )
        self._visited = _load_depth.visited
        cells = float(np.isfinite(self._root.cost).sum(axis=1) @ self._root.room) + 1.0
        #: Nodes that may still be looked at.
        self._left = max(_LEAST_NODES, int(_CELLS / cells))
        #: Index of the open site of each customer in the best solution of the last goal.
        self.found = self._root.site

    def up_to(self, goal: float, should_stop: Callable[[], bool]) -> tuple[float, bool]:
        """Return the least cost up to a goal, inf for none, and whether all was looked at."""
        least, grid = np.inf, GRID if self._grain else 0.0
        way = [self._root.copy()]
        while way:
            node = way[-1]
            if node.customer < 0:
                if not self._left or should_stop():
                    return least, False
                self._left -= 1
                rounds = _FIRST_ROUNDS if len(way) == 1 else _ROUNDS
                rules = (goal, rounds, _ROUNDS, grid)
                node.fixed, bound = self._visited(
                    node.arrays(), self._units, self._shown, node.fixed, rules, self._memory
                )
                if bound > goal:
                    way.pop()
                    continue
                if not node.choose(self._shown[1], bound, goal - bound + 0.5):
                    if node.low.max(initial=0) <= 0 and node.fixed <= goal:
                        least, self.found = node.fixed, node.site
                        # What is better than it is of interest from now on.
                        goal = least - (0.5 * self._grain or 1e-9 * max(1.0, abs(least)))
                    way.pop()
                    continue
            to = int(np.argmin(node.expected))
            if node.expected[to] > goal or node.expected[to] == np.inf:
                way.pop()
                continue
            way.append(node.child(to))
            node.expected[to] = np.inf
        return least, True
