"""Branch and bound on the linear relaxation of a covering model, best bound first."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines import _cover_local
from dispatchopt.siting.engines._cover_interior import Interior
from dispatchopt.siting.engines._cover_lp import Ending, Relaxation, Relaxed
from dispatchopt.siting.engines._cover_model import CoverModel, DualBound, dual_bound

#: Least distance that a site is taken to have moved.
_WHOLE = 1e-6
#: Sites tried by strong branching at a node, times before a site's pseudo-cost is trusted, and
#: simplex steps of a trial.
_TRIALS, _TRIALS_IF_SLOW = 8, 3
_TRUSTED = 2
_TRIAL_STEPS = 60
#: Sets from which on a trial takes long.
_SLOW_SETS = 5_000
#: Bytes of bases kept; beyond that a node starts from the basis at hand.
_BASES_BYTES = 5e8


class Keeper(Protocol):
    """Who keeps the best solution."""

    best: int

    def consider(self, is_open: BoolArray) -> None:
        """Keep open sites if they are better."""

    def rebase(self, model: CoverModel) -> None:
        """Go on with a smaller model."""

    def open_sites(self, model: CoverModel) -> BoolArray | None:
        """Return the best open sites, if the model allows them."""


@dataclass(order=True)
class Node:
    """Bounds on y with what is known about the solutions between them."""

    bound: int
    order: int
    lower: BoolArray = field(compare=False)
    upper: BoolArray = field(compare=False)
    basis: Any = field(compare=False, default=None)
    #: Site that was branched on, whether it was opened, how far it moved, and the parent's bound.
    origin: tuple[int, bool, float, float] | None = field(compare=False, default=None)


class Tree:
    """The open nodes and what branching has taught."""

    def __init__(
        self,
        improver: _cover_local.Improver,
        model: CoverModel,
        relaxation: Relaxation | Interior,
        keeper: Keeper,
        *,
        step: Callable[[], bool],
        raise_bound: Callable[[int], None],
        between: Callable[[int], None] | None = None,
    ) -> None:
        self._model = model
        self._improver = improver
        self._lp: Any = relaxation
        self._keeper = keeper
        self._step = step
        self._raise_bound = raise_bound
        self._between = between
        self._heap: list[Node] = []
        self._count = itertools.count()
        self._gain = np.zeros((2, model.num_sites))
        self._seen = np.zeros((2, model.num_sites), dtype=np.int64)
        self._tried: set[bytes] = set()
        self._basis_bytes = model.num_sites + 2.0 * model.sets.num_sets + model.cuts.count

    def search(self, root: Relaxed, bound: int) -> bool:
        """Search from a solved root; whether the tree was searched to its end."""
        model = self._model
        node = Node(bound, next(self._count), model.lower, model.upper)
        children = self._expand(node, root)
        while True:
            for child in children:
                heapq.heappush(self._heap, child)
            lowest = self._heap[0].bound if self._heap else self._keeper.best
            if lowest >= self._keeper.best:
                self._raise_bound(self._keeper.best)
                return True
            self._raise_bound(lowest)
            if not self._step():
                return False
            following = self._next(children)
            result = self._solve(following)
            if result.ending is Ending.STOPPED:
                return False
            children = self._expand(following, result)
            if self._between is not None:
                self._between(result.simplex_steps)

    def _next(self, children: list[Node]) -> Node:
        """Return the better child while its bound is near the lowest, else the lowest node."""
        lowest = self._heap[0]
        near = lowest.bound + 0.25 * (self._keeper.best - lowest.bound)
        fresh = [child for child in children if child.bound <= near]
        if fresh:
            chosen = min(fresh)
            self._heap.remove(chosen)
            heapq.heapify(self._heap)
            # The basis at hand is that of its parent.
            return chosen
        return heapq.heappop(self._heap)

    def _solve(self, node: Node) -> Relaxed:
        if node.basis is not None:
            self._lp.restore(node.basis)
        result: Relaxed = self._lp.solve(node.lower, node.upper)
        return result

    def _expand(self, node: Node, result: Relaxed) -> list[Node]:
        """Bound, fix, round and branch at a solved node."""
        model, keeper = self._model, self._keeper
        lower, upper = node.lower, node.upper
        exact = dual_bound(model, result.row_dual, lower, upper)
        bound = max(node.bound, exact.value(model) or 0)
        self._learn(node, exact)
        if result.ending is Ending.SOLVED:
            self._round(result.sites, lower, upper)
        if bound >= keeper.best:
            return []
        lower, upper = exact.fixings(model, keeper.best, lower, upper)
        free = upper & ~lower
        if not free.any():
            if model.is_possible(lower, upper):
                keeper.consider(lower)
            return []
        if not model.is_possible(lower, upper):
            return []
        return self._branch(Node(bound, node.order, lower, upper), result, exact)

    def _branch(self, node: Node, result: Relaxed, exact: DualBound) -> list[Node]:
        free = node.upper & ~node.lower
        share = result.sites
        is_split = free & (share > self._lp.whole) & (share < 1 - self._lp.whole)
        bounds = (node.bound, node.bound)
        basis = self._lp.basis()
        if is_split.any() and result.gains is not None:
            down, up = np.maximum(result.gains, 1e-6)
            site = int(np.argmax(np.where(is_split, down * up, 0.0)))
        elif is_split.any() and result.ending is Ending.SOLVED:
            site, bounds = self._choose(node, np.flatnonzero(is_split), share, exact, basis)
        else:
            # A relaxation that is whole yet not proven: rounding of the solver. Halve anyway.
            site = int(np.argmax(np.where(free, share, -1.0)))
        if len(self._heap) * self._basis_bytes > _BASES_BYTES:
            basis = None
        kept = []
        for up in (True, False):
            if bounds[up] >= self._keeper.best:
                continue
            lower, upper = node.lower.copy(), node.upper.copy()
            (lower if up else upper)[site] = up
            if not self._model.is_possible(lower, upper):
                continue
            moved = float(1 - share[site] if up else share[site])
            origin = (site, up, moved, _float(exact))
            kept.append(Node(bounds[up], next(self._count), lower, upper, basis, origin))
        return kept

    def _choose(
        self, node: Node, sites: IntArray, share: FloatArray, exact: DualBound, basis: Any
    ) -> tuple[int, tuple[int, int]]:
        """Return the site to branch on, with bounds of closing and of opening it."""
        guess = self._guess(sites, share)
        order = np.argsort(-guess, kind="stable")
        best, best_score, best_bounds = int(sites[order[0]]), -1.0, (node.bound, node.bound)
        trials = 0
        most = _TRIALS if self._model.sets.num_sets < _SLOW_SETS else _TRIALS_IF_SLOW
        for at in order:
            site = int(sites[at])
            if self._seen[:, site].min() >= _TRUSTED or trials >= most:
                if guess[at] > best_score:
                    best, best_score, best_bounds = site, guess[at], (node.bound, node.bound)
                if trials >= most:
                    break
                continue
            trials += 1
            gains, bounds = self._try(node, site, share, exact, basis)
            score = _score(gains[0], gains[1])
            if max(bounds) >= self._keeper.best:
                # One side is proven away: nothing branches better.
                best, best_bounds = site, bounds
                break
            if score > best_score:
                best, best_score, best_bounds = site, score, bounds
        if trials:
            self._lp.restore(basis)
        return best, best_bounds

    def _try(
        self, node: Node, site: int, share: FloatArray, exact: DualBound, basis: Any
    ) -> tuple[tuple[float, float], tuple[int, int]]:
        """Branch on a site for a few simplex steps; their multipliers prove bounds already."""
        gains, bounds = [], []
        for up in (False, True):
            lower, upper = node.lower.copy(), node.upper.copy()
            (lower if up else upper)[site] = up
            self._lp.restore(basis)
            result = self._lp.solve(lower, upper, most_steps=_TRIAL_STEPS)
            found = dual_bound(self._model, result.row_dual, lower, upper)
            gain = max(0.0, _float(found) - _float(exact))
            if not math.isfinite(gain):
                gain = 0.0
            moved = float(1 - share[site] if up else share[site])
            self._gain[int(up), site] += gain / max(moved, _WHOLE)
            self._seen[int(up), site] += 1
            gains.append(gain)
            bounds.append(max(node.bound, found.value(self._model) or 0))
        return (gains[0], gains[1]), (bounds[0], bounds[1])

    def _guess(self, sites: IntArray, share: FloatArray) -> FloatArray:
        """Return the product of estimated gains of both sides for each site."""
        known = self._seen > 0
        mean = np.divide(self._gain, self._seen, out=np.zeros_like(self._gain), where=known)
        for side in (0, 1):
            usual = float(mean[side][known[side]].mean()) if known[side].any() else 1.0
            mean[side][~known[side]] = usual
        part = share[sites]
        guess: FloatArray = np.maximum(mean[0, sites] * part, 1e-6) * np.maximum(
            mean[1, sites] * (1 - part), 1e-6
        )
        return guess

    def _learn(self, node: Node, exact: DualBound) -> None:
        if node.origin is None or exact.scale == 0:
            return
        site, up, moved, before = node.origin
        gain = max(0.0, _float(exact) - before)
        if math.isfinite(gain):
            self._gain[int(up), site] += gain / max(moved, _WHOLE)
            self._seen[int(up), site] += 1

    def _round(self, share: FloatArray, lower: BoolArray, upper: BoolArray) -> None:
        model, keeper = self._model, self._keeper
        is_open = _cover_local.rounded(model, np.where(lower, 2.0, np.where(upper, share, -1.0)))
        if is_open is None or is_open.tobytes() in self._tried:
            return
        self._tried.add(is_open.tobytes())
        value = model.value(is_open)
        if value is None:
            return
        # A start that is far off rarely leads anywhere: only near ones are worth swaps.
        if value <= keeper.best + 0.02 * abs(keeper.best) or len(self._tried) <= 3:
            is_open = self._improver.improved(is_open)
        keeper.consider(is_open)


def _score(down: float, up: float) -> float:
    return max(down, 1e-6) * max(up, 1e-6)


def _float(exact: DualBound) -> float:
    return exact.total / exact.scale if exact.scale else -math.inf
