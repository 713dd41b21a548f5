"""Branching on which sites open, with capacities, and then on who is served from where."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._load_choice import most_spare
from dispatchopt.siting.engines._load_columns import Fillings
from dispatchopt.siting.engines._load_dual import (
    FREE,
    PATIENCE,
    LoadBound,
    Raised,
    ascend,
    fills_whole,
    least_loads,
    load_bound,
    to_serve,
)
from dispatchopt.siting.engines._load_leaf import searched
from dispatchopt.siting.engines._load_table import LoadTable

#: Rounds of the bound at a node, and once all sites are decided; the first step of each.
_ROUNDS, _LAST_ROUNDS, _STEP = 40, 150, 0.6
#: With whole customers: rounds then, and those without a better bound that are borne.
_WHOLE_ROUNDS, _WHOLE_PATIENCE = 800, 25
#: Part of the gap up to which a child is followed before lower nodes.
_NEAR = 0.3
#: Nodes of which all decided sites are served by a heuristic.
_SERVED_EVERY = 16
#: Pairs that may be undecided for the solver to go on where it does not raise the bound; with more,
#: who serves whom is branched on.
_MOST_PAIRS = 200


Bits = npt.NDArray[np.uint8]


@dataclass(order=True, kw_only=True)
class Node:
    """Bounds on open sites, with the multipliers that bound what lies between them."""

    bound: float
    order: int
    lower: BoolArray = field(compare=False)
    upper: BoolArray = field(compare=False)
    worth: FloatArray = field(compare=False)
    often: FloatArray = field(compare=False)
    #: Most room that a better solution leaves unused.
    spare: int = field(compare=False, default=FREE)
    #: Pairs that are not used, as packed bits; None for none.
    banned: Bits | None = field(compare=False, default=None)
    #: Times that its open sites, all decided, have been given to the solver.
    tries: int = field(compare=False, default=0)
    #: Whether the solver raised the bound at the last time.
    is_moving: bool = field(compare=False, default=True)


class Host(Protocol):
    """Who keeps the best solution."""

    def best(self) -> float:
        """Cost of the best solution."""

    def consider(self, site_of: IntArray, is_open: BoolArray) -> None:
        """Keep a solution if it is better."""

    def serve(self, found: LoadBound, *, is_last: bool = False) -> None:
        """Serve from the sites that a bound opens, and keep what is better.

        It is worth more effort if these are decided (``is_last``).
        """

    def solve_open(
        self,
        table: LoadTable,
        is_open: BoolArray,
        found: LoadBound,
        rise: FloatArray,
        tries: int,
    ) -> float:
        """Solve for given open sites; return a bound on what is left, inf if that is nothing.

        ``rise`` is what serving over each pair adds at least. The more ``tries``, the more is
        solved at once.
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
        should_stop: Callable[[], bool],
        seed: int,
    ) -> None:
        self._table, self._host = table, host
        self._step, self._raise_bound = step, raise_bound
        self._should_stop, self._seed = should_stop, seed
        self._is_whole = fills_whole(table)
        self._heap: list[Node] = []
        self._count = itertools.count()

    def search(self, root: Raised, lower: BoolArray, upper: BoolArray) -> bool:
        """Search the whole tree; False if the time was out."""
        node = Node(
            bound=root.value,
            order=next(self._count),
            lower=lower,
            upper=upper,
            worth=root.worth,
            often=root.often,
        )
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

    def _next(self, children: list[Node]) -> Node:
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

    def _expand(self, node: Node) -> list[Node]:
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
            if self._has_room(lower, upper):
                children += self._bounded(replace(node, lower=lower, upper=upper))
        return children

    def _bounded(self, node: Node) -> list[Node]:
        """Return a new node with a bound of its own; none if nothing better can be in it."""
        raised = self._ascend(node, _ROUNDS)
        bound = max(node.bound, raised.value)
        if self._is_settled(bound):
            return []
        child = replace(
            node, bound=bound, order=next(self._count), worth=raised.worth, often=raised.often
        )
        return self._settled(child)

    def _ascend(
        self, node: Node, rounds: int, *, patience: int = PATIENCE, with_shares: bool = False
    ) -> Raised:
        return ascend(
            self._table_of(node),
            node.worth,
            node.lower,
            node.upper,
            goal=self.goal(),
            rounds=rounds,
            step=_STEP,
            is_whole=self._is_whole,
            spare=node.spare,
            patience=patience,
            with_shares=with_shares,
        )

    def _bound(self, node: Node, table: LoadTable) -> LoadBound:
        return load_bound(
            table, node.worth, node.lower, node.upper, is_whole=self._is_whole, spare=node.spare
        )

    def _table_of(self, node: Node) -> LoadTable:
        """Return the table with the pairs that a node leaves."""
        if node.banned is None:
            return self._table
        shape = self._table.cost.shape
        is_banned = np.unpackbits(node.banned, count=shape[0] * shape[1]).reshape(shape)
        return self._table.without(is_banned.astype(bool))

    def _settled(self, node: Node) -> list[Node]:
        """Settle the sites and pairs whose change would cost too much; none if no room is left."""
        table = self._table_of(node)
        found = self._bound(node, table)
        room = self.goal() - found.value
        lower = node.lower | (found.to_close > room)
        upper = node.upper & ~(found.to_open > room)
        if node.order % _SERVED_EVERY == 0:
            self._host.serve(found)
        if not self._has_room(lower, upper):
            return []
        node = replace(node, lower=lower, upper=upper)
        if self._is_whole and math.isfinite(room):
            self._tighten(node, table, found, room)
            is_reached = np.asarray(np.isfinite(self._table_of(node).cost).any(axis=0))
            if not is_reached[np.isinf(table.price)].all():
                return []
        return [node]

    def _tighten(self, node: Node, table: LoadTable, found: LoadBound, room: float) -> None:
        """Find the pairs and the unused room that a better solution cannot have."""
        low = least_loads(table, node.upper, node.spare)
        rise = to_serve(table, node.worth, found, low, is_whole=True) + found.to_open[:, None]
        slack = 1e-9 * max(1.0, abs(found.value))
        node.banned = np.packbits((rise > room + slack) | np.isinf(table.cost))
        chosen = float(found.site_value[found.chosen].sum())
        # What a relaxed choice is worth may lie below its sites' values.
        limit = max(chosen, found.total) + room + slack
        spare = most_spare(table, found.site_value, node.lower, node.upper, limit)
        if spare is not None:
            node.spare = min(node.spare, spare)

    def _finish(self, node: Node) -> list[Node]:
        """Serve from given open sites; what is left comes back as nodes with better bounds."""
        is_new = node.tries == 0
        rounds, patience = (_LAST_ROUNDS if is_new else _ROUNDS), PATIENCE
        if is_new and self._is_whole:
            rounds, patience = _WHOLE_ROUNDS, _WHOLE_PATIENCE
        raised = self._ascend(node, rounds, patience=patience, with_shares=True)
        if raised.value > node.bound:
            node = replace(node, worth=raised.worth, bound=raised.value)
        if self._is_settled(node.bound):
            return []
        left = self._settled(node)
        if not left:
            return []
        node = left[0]
        table = self._table_of(node)
        found = self._bound(node, table)
        if self._is_whole and np.isinf(table.price).all():
            return self._searched(node, table, found, raised.shares)
        low = least_loads(table, node.upper, node.spare)
        rise = to_serve(table, node.worth, found, low, is_whole=self._is_whole)
        if is_new:
            self._host.serve(found, is_last=True)
        kept = np.isfinite(table.cost[node.lower])
        undecided = int(kept[:, kept.sum(axis=0) > 1].sum())
        if self._is_whole and not node.is_moving and undecided > _MOST_PAIRS:
            return self._divided(node, table, raised.shares)
        bound = max(node.bound, self._host.solve_open(table, node.lower, found, rise, node.tries))
        if self._is_settled(bound):
            return []
        is_moving = bound > node.bound + 0.1 * self._table.grain
        order, tries = next(self._count), node.tries + 1
        return [replace(node, bound=bound, order=order, tries=tries, is_moving=is_moving)]

    def _searched(
        self, node: Node, table: LoadTable, found: LoadBound, shares: FloatArray
    ) -> list[Node]:
        """Search for who is served from where; what is left comes back with a better bound."""
        low = least_loads(table, node.upper, node.spare)
        if node.tries == 0:
            self._host.serve(found)
            made = Fillings(table, node.lower, low, self._seed)
            worth, bound = made.best(node.worth, self.goal(), self._should_stop)
            if self._is_settled(bound):
                return []
            if bound > node.bound:
                node = replace(node, worth=worth, bound=bound)
        grain = self._table.grain
        # Only what is better than the best solution is of interest.
        most = self._host.best() - grain if grain else self.goal()
        leaf = searched(
            table,
            node.lower,
            worth=node.worth,
            low=low,
            bound=node.bound,
            most=most,
            should_stop=self._should_stop,
        )
        if leaf.site is not None:
            self._host.consider(leaf.site, node.lower)
        bound = max(node.bound, leaf.bound)
        # Without whole costs the search includes its greatest cost, and ends there.
        if self._is_settled(bound) or (not grain and leaf.bound >= most):
            return []
        node = replace(node, bound=bound, order=next(self._count), tries=node.tries + 1)
        return self._divided(node, table, shares) if leaf.is_stuck else [node]

    def _divided(self, node: Node, table: LoadTable, shares: FloatArray) -> list[Node]:
        """Branch on whether a site serves a customer, where the bound is least sure."""
        kept = np.isfinite(table.cost) & node.lower[:, None]
        most = np.where(kept, shares, -1.0).max(axis=0)
        doubt = np.where(kept.sum(axis=0) > 1, (1.001 - np.minimum(most, 1.0)) * table.units, -1.0)
        customer = int(np.argmax(doubt))
        site = int(np.argmax(np.where(kept[:, customer], shares[:, customer], -1.0)))
        children = []
        for is_served in (True, False):
            is_banned = ~kept
            if is_served:
                is_banned[:, customer] = True
                is_banned[site, customer] = False
            else:
                is_banned[site, customer] = True
            children += self._bounded(
                replace(node, banned=np.packbits(is_banned), tries=node.tries + 1)
            )
        return children

    def _has_room(self, lower: BoolArray, upper: BoolArray) -> bool:
        """Whether enough room can be open within the number of sites."""
        table = self._table
        most = table.max_open - int(lower.sum())
        if most < 0:
            return False
        free = np.sort(table.room[upper & ~lower])[::-1][:most]
        return int(table.room[lower].sum() + free.sum()) >= table.least_units
