"""Branch and bound over columns: what is left between the bound of the cuts and the best plan.

A node forbids columns, and narrows how many couriers of a class go out. It branches on two orders
that share a trip or do not (Ryan and Foster 1981), on the store that serves an order, and on the
number of trips of a class; of a few candidates that promised most at other nodes, or are new, that
one is taken whose children rise most (strong branching). Columns whose reduced cost exceeds the gap
are forbidden below.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.routing.engines._columns import Columns
from dispatchopt.routing.engines._relaxation import Relaxation, Solved
from dispatchopt.routing.engines._subset_rows import pair_shares

_ZERO = 1e-6
#: Candidates of which both children are solved at the first node, and steps of the simplex for
#: each; later, those that promised most before and some that are new, as nearly all of the time of
#: a node goes into these solves. Candidates of each kind, and in all, that are looked at.
_PROBED = 10
_PROBED_AGAIN, _PROBED_NEW = 2, 3
_MOST_CANDIDATES = 30
_PROBE_STEPS = 60
#: Share from which a column is rounded up together with others.
_NEARLY = 0.9
#: Nodes between two dives, which look for a plan.
_DIVE_EVERY = 25


@dataclass(frozen=True, eq=False)
class _Branch:
    """One side of a branching: columns that are forbidden, and sides of a courier row."""

    banned: BoolArray
    row: int = -1
    lower: float = 0.0
    upper: float = 0.0


@dataclass(frozen=True, order=True)
class _Node:
    bound: float
    number: int
    banned: BoolArray = field(compare=False)
    lower: FloatArray = field(compare=False)
    upper: FloatArray = field(compare=False)
    basis: Any = field(compare=False)


class Tree:
    """A search over all columns that a better plan can hold.

    Parameters
    ----------
    columns
        All columns that a plan better than ``best`` may hold, with their cuts.
    best
        What nodes have to stay below: no more than the cost of the best plan known.
    known
        Cost of the best plan known, if it is another: dives look for any plan below it.
    offer
        Called with columns and cost of a better plan.
    tell_bound
        Called with a bound on all plans that these columns make up.
    should_stop
        Whether to end.
    """

    def __init__(
        self,
        columns: Columns,
        relaxation: Relaxation,
        *,
        best: float,
        offer: Callable[[IntArray, float], None],
        tell_bound: Callable[[float], None],
        should_stop: Callable[[], bool],
        known: float | None = None,
    ) -> None:
        self.known = best if known is None else known
        self.columns = columns
        self.relaxation = relaxation
        self.best = best
        self.num_nodes = 0
        self._offer, self._tell_bound, self._should_stop = offer, tell_bound, should_stop
        self._open: list[_Node] = []
        # How often a candidate was probed, and what the bounds of its children rose by in all.
        self._known_rises: dict[tuple[int, int, int], tuple[int, float, float]] = {}
        self._numbered = 0

    def search(self) -> bool:
        """Search; returns whether all is proven."""
        columns = self.columns
        lower, upper = columns.sides()
        nothing = np.zeros(len(columns), dtype=np.bool_)
        basis = self.relaxation.basis()
        self._push(_Node(-math.inf, 0, nothing, lower, upper, basis))
        while self._open:
            node = heapq.heappop(self._open)
            if node.bound > self.best - 1 + _ZERO:
                break
            self._tell_bound(node.bound)
            # Down from the best node to a leaf, always into the child with the better bound.
            current: _Node | None = node
            while current is not None:
                if self._should_stop():
                    return False
                current = self._expand(current)
        self._tell_bound(self.best)
        return True

    def _push(self, node: _Node) -> None:
        heapq.heappush(self._open, node)

    def _apply(self, node: _Node) -> None:
        self.relaxation.restrict(node.banned, node.lower, node.upper)

    def _expand(self, node: _Node) -> _Node | None:
        """Solve a node; push one child and return the other one, or None at a leaf."""
        self.num_nodes += 1
        self._apply(node)
        self.relaxation.set_basis(node.basis)
        again = self._converged(node)
        if again is None:
            self._push(node)
            return None
        solved, reduced = again
        if solved.is_infeasible:
            return None
        banned, bound = self._fixed(node, solved, reduced)
        bound = max(bound, node.bound)
        if bound > self.best - 1 + _ZERO:
            return None
        if solved.is_whole:
            self._found(solved.columns)
            return None
        node = _Node(bound, node.number, banned, node.lower, node.upper, self.relaxation.basis())
        if self.num_nodes % _DIVE_EVERY == 1:
            self.dive(node.banned, solved)
            if bound > self.best - 1 + _ZERO:
                return None
        return self._branch(node, solved)

    def _converged(self, node: _Node) -> tuple[Solved, FloatArray] | None:
        """Return the optimum of a node over all columns, and their reduced costs."""
        relaxation = self.relaxation
        again = relaxation.converge(node.banned)
        if again is None or not again[0].is_infeasible:
            return again
        # Without a solution nothing says which columns are missing.
        missing = relaxation.missing(node.banned)
        if not len(missing):
            return again
        relaxation.add(missing)
        self._apply(node)
        return relaxation.converge(node.banned)

    def _fixed(self, node: _Node, solved: Solved, reduced: FloatArray) -> tuple[BoolArray, float]:
        """Return what is forbidden from here on, and the bound of the node."""
        free = np.where(node.banned, 0.0, reduced)
        sides = (self.relaxation.lower, self.relaxation.upper)
        bound = self.columns.bound(solved.duals, free, sides)
        gap = self.best - 1 - bound
        return node.banned | (reduced > gap + 1e-4), bound

    def _found(self, chosen: IntArray) -> None:
        cost = float(self.columns.cost[chosen].sum())
        if cost < self.known - 0.5:
            self.known, self.best = cost, min(cost, self.best)
            self._offer(chosen, cost)

    def dive(self, is_banned: BoolArray, solved: Solved) -> None:
        """Round up what is chosen most, again and again, and offer the plan that comes out."""
        banned = is_banned.copy()
        lower, upper = self.relaxation.lower.copy(), self.relaxation.upper.copy()
        while not solved.is_whole:
            banned |= self._rounded_up(solved)
            self.relaxation.restrict(banned, lower, upper)
            again = None if self._should_stop() else self.relaxation.converge(banned)
            if again is None or again[0].is_infeasible or again[0].value > self.known - 1 + _ZERO:
                return
            solved = again[0]
        self._found(solved.columns)

    def _rounded_up(self, solved: Solved) -> BoolArray:
        """Return the columns that share an order with one that is chosen for most part."""
        columns, shares = self.columns, solved.shares
        part = shares < 1 - _ZERO
        near = part & (shares > _NEARLY)
        if not near.any():
            near = part & (shares == shares[part].max())
        taken = np.zeros(columns.num_rows + 1, dtype=np.bool_)
        is_kept = np.zeros(len(columns), dtype=np.bool_)
        for column in solved.columns[near | ~part].tolist():
            own = columns.members[column]
            own = own[own < columns.num_orders]
            if not taken[own].any():
                taken[own] = True
                is_kept[column] = True
        return np.asarray(taken[columns.members].any(axis=1) & ~is_kept)

    def _branch(self, node: _Node, solved: Solved) -> _Node | None:
        """Return the more promising child, and push the other one."""
        best_score, best_pair = -1.0, None
        for name in self._worth_a_probe(self._candidates(solved), self.best - node.bound):
            pair = self._pair(*name, solved=solved)
            values = [self._probe(node, branch) for branch in pair]
            rises = [max(value - node.bound, 1e-3) for value in values]
            capped = [min(rise, self.best - node.bound) for rise in rises]
            score = capped[0] * capped[1]
            self._note(name, capped)
            if score > best_score:
                best_score, best_pair = score, list(zip(values, pair, strict=True))
            if all(value > self.best - 1 + _ZERO for value in values):
                return None
        if best_pair is None:
            return None
        children = []
        for value, branch in best_pair:
            if value > self.best - 1 + _ZERO:
                continue
            self._numbered += 1
            lower, upper = self._sides(node, branch)
            bound = max(node.bound, value) if value < math.inf else node.bound
            banned = node.banned | branch.banned
            children.append(_Node(bound, self._numbered, banned, lower, upper, node.basis))
        children.sort()
        for child in children[1:]:
            self._push(child)
        return children[0] if children else None

    def _note(self, name: tuple[int, int, int], rises: list[float]) -> None:
        """Remember how much the bounds of both children rose."""
        count, down, up = self._known_rises.get(name, (0, 0.0, 0.0))
        self._known_rises[name] = (count + 1, down + rises[0], up + rises[1])

    def _worth_a_probe(
        self, names: list[tuple[int, int, int]], gap: float
    ) -> list[tuple[int, int, int]]:
        """Return the candidates that promised most before, and some that are new."""
        known = self._known_rises
        new = [name for name in names if name not in known]
        old = [name for name in names if name in known]

        def promise(name: tuple[int, int, int]) -> float:
            count, down, up = known[name]
            return min(down / count, gap) * min(up / count, gap)

        old.sort(key=promise, reverse=True)
        return old[:_PROBED_AGAIN] + new[: _PROBED_NEW if known else _PROBED]

    def _sides(self, node: _Node, branch: _Branch) -> tuple[FloatArray, FloatArray]:
        if branch.row < 0:
            return node.lower, node.upper
        lower, upper = node.lower.copy(), node.upper.copy()
        lower[branch.row] = max(lower[branch.row], branch.lower)
        upper[branch.row] = min(upper[branch.row], branch.upper)
        return lower, upper

    def _probe(self, node: _Node, branch: _Branch) -> float:
        """Return a bound on a child after a few steps of the simplex."""
        lower, upper = self._sides(node, branch)
        banned = node.banned | branch.banned
        self.relaxation.restrict(banned, lower, upper)
        self.relaxation.set_basis(node.basis)
        solved = self.relaxation.solve(most_steps=_PROBE_STEPS)
        if solved is None:
            return node.bound
        if solved.is_infeasible:
            return node.bound if len(self.relaxation.missing(banned)) else math.inf
        reduced = np.where(banned, 0.0, self.columns.reduced(solved.duals))
        sides = (self.relaxation.lower, self.relaxation.upper)
        return max(node.bound, self.columns.bound(solved.duals, reduced, sides))

    def _candidates(self, solved: Solved) -> list[tuple[int, int, int]]:
        """Return what may be branched on (kind and numbers), the most undecided first."""
        columns, shares = self.columns, solved.shares
        rows = columns.members[solved.columns]
        holds = np.zeros((len(rows), columns.num_rows + 1))
        for own in rows.T:
            holds[np.arange(len(rows)), own] = 1.0
        found: list[tuple[float, int, int, int]] = []
        orders = holds[:, : columns.num_orders]
        found += _undecided(pair_shares(orders, shares), 0)
        stores = columns.store[solved.columns]
        by_store = np.zeros((columns.num_orders, int(stores.max(initial=-1)) + 2))
        for store in np.unique(stores):
            own = stores == store
            by_store[:, store + 1] = shares[own] @ orders[own]
        found += _undecided(by_store, 1)
        used = holds[:, columns.num_orders : columns.num_rows].T @ shares
        found += _undecided(used[:, None], 2)
        # How many are refused comes first: each refusal costs more than all other decisions.
        last = columns.num_rows - columns.num_orders - 1
        found.sort(key=lambda each: (each[1:3] != (2, last), *each))
        return [each[1:] for each in found[:_MOST_CANDIDATES]]

    def _pair(
        self, kind: int, first: int, second: int, *, solved: Solved
    ) -> tuple[_Branch, _Branch]:
        columns, members = self.columns, self.columns.members
        if kind == 2:
            row = columns.num_orders + first
            used = float(solved.shares[(members[solved.columns] == row).any(axis=1)].sum())
            none = np.zeros(len(columns), dtype=np.bool_)
            return (
                _Branch(none, row, -math.inf, math.floor(used)),
                _Branch(none, row, math.floor(used) + 1, math.inf),
            )
        with_first = (members == first).any(axis=1)
        if kind == 0:
            with_second = (members == second).any(axis=1)
            return _Branch(with_first & with_second), _Branch(with_first ^ with_second)
        there = columns.store == second - 1
        return _Branch(with_first & there), _Branch(with_first & ~there)


def _undecided(shares: FloatArray, kind: int) -> list[tuple[float, int, int, int]]:
    """Return the entries that are not whole, the most undecided with the lowest number."""
    part = shares - np.floor(shares + _ZERO)
    rows, others = np.nonzero(part > 10 * _ZERO)
    distance = np.abs(part[rows, others] - 0.5)
    keep = np.argsort(distance, kind="stable")[:_MOST_CANDIDATES]
    return [(float(distance[k]), kind, int(rows[k]), int(others[k])) for k in keep]
