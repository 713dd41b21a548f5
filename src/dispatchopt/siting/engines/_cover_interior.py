"""The linear relaxation of maximum coverage by an interior point method on the sites alone.

Minimise ``w @ u`` with ``u + A y >= 1``, ``u >= 0``, ``0 <= y <= 1`` and limits ``S y <= s``. A row
needs two numbers besides y: what is left of it and its multiplier. Both are eliminated, so that a
step of the method factorises a matrix of sites x sites, however many rows there are; where sites
overlap much, that is far less than a simplex basis of rows. A solve starts from any y: rows are put
on the central path in closed form, so that a node of a tree hands down nothing but its shares.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.blas import one_thread
from dispatchopt.siting.engines._cover_chain import Chain, near_order
from dispatchopt.siting.engines._cover_iterate import Iterate, Part
from dispatchopt.siting.engines._cover_lp import Ending, Relaxed
from dispatchopt.siting.engines._cover_model import CoverModel
from dispatchopt.siting.engines._pairs import Pairs

#: Steps at most.
_MOST_STEPS = 60
#: Gap of a solve, as a share of what lies between bound and best, or of all demand.
_ENOUGH, _EXACT = 0.02, 1e-7
#: Least gap, in parts of what lies between bound and best, at which branching is estimated.
_LOOK = 0.5
#: Products within rows for which code is compiled at once, as they would take much memory, and
#: operations after which it is anyway; before, importing the compiler costs more than it saves.
_MANY_PRODUCTS, _PLAIN_WORK = 2e6, 3e8
#: Operations for each site that a change of a row takes, next to those for a product.
_CHANGE_WORK = 0.15
#: Squared sets from which on the simplex method takes long.
_SLOW_SIMPLEX = 1e6
#: Operations that take as long as one simplex step takes for each set.
_STEP_OPERATIONS = 50.0


def is_faster(pairs: Pairs, num_sets: int, num_free: int) -> bool:
    """Whether the simplex method takes long, and longer than factorising sites x sites."""
    length = np.bincount(pairs.row, minlength=pairs.num_rows)
    simplex = float(num_sets) ** 2
    return simplex >= _SLOW_SIMPLEX and simplex >= _operations(length, num_free)


def _operations(length: IntArray, num_sites: int) -> float:
    """Return what a step takes: products within rows, and a factor of sites x sites."""
    long = length.astype(np.float64)
    return 0.5 * float(long @ long) + num_sites**3 / 30.0


def _step_operations(part: Part) -> float:
    """Return what a step takes."""
    if part.chain is None:
        return _operations(np.diff(part.table.indptr), len(part.free))
    changes = _CHANGE_WORK * len(part.chain.change) * len(part.free)
    return changes + _operations(np.zeros(0, dtype=np.int64), len(part.free))


def _ordered(pairs: Pairs) -> tuple[IntArray, IntArray, IntArray]:
    """Return row and site of each pair, and the model's row of each row.

    Where products within rows are many, rows are in an order in which neighbours are alike.
    """
    length = np.bincount(pairs.row, minlength=pairs.num_rows)
    if _operations(length, 0) <= _MANY_PRODUCTS:
        return pairs.row, pairs.site, np.arange(pairs.num_rows)
    start = np.append(0, np.cumsum(length))
    row_of = near_order(start, pairs.site, pairs.num_sites)
    rank = np.argsort(row_of)
    order = np.lexsort((pairs.site, rank[pairs.row]))
    return rank[pairs.row][order], pairs.site[order], row_of


class Interior:
    """A relaxation in the shape of ``_cover_lp.Relaxation``, for costs on what is unserved."""

    #: Distance from a whole number that counts as none: shares stay inside.
    whole = 5e-3

    def __init__(
        self,
        model: CoverModel,
        *,
        should_stop: Callable[[], bool],
        best: Callable[[], int],
    ) -> None:
        pairs = model.pairs
        self._model = model
        self._should_stop = should_stop
        self._best = best
        self._work = 0.0
        self._unit = max(1.0, float(pairs.units.mean())) if pairs.num_rows else 1.0
        #: Gap of a solve, as a share of what lies between its bound and the best.
        self.enough = _ENOUGH
        self._shares: FloatArray | None = None
        self._bare = _order(model)
        # Row and site of each pair, and the row of the model that each of these rows is.
        self._row, self._site, self._row_of = _ordered(pairs)

    def first(self, lower: BoolArray, upper: BoolArray) -> Relaxed:
        """Solve without a start."""
        self._shares = None
        return self.solve(lower, upper)

    def basis(self) -> FloatArray | None:
        """Return where the last solve ended."""
        return self._shares

    def restore(self, basis: FloatArray | None) -> None:
        """Start the next solve from there."""
        self._shares = basis

    def solve(
        self, lower: BoolArray, upper: BoolArray, *, most_steps: int | None = None
    ) -> Relaxed:
        """Solve with bounds on y, from the shares at hand.

        Parameters
        ----------
        lower, upper
            Bounds of y, shape (m,).
        most_steps
            Steps after which to give up; the multipliers still count.
        """
        part = self._part(lower, upper)
        if not len(part.rows):
            return self._settled_result(part, lower, upper)
        with one_thread():
            return self._solved(part, lower, upper, most_steps)

    def _solved(
        self, part: Part, lower: BoolArray, upper: BoolArray, most_steps: int | None
    ) -> Relaxed:
        limits = _limits(self._model, lower, part.free)
        state = Iterate(part, limits, self._shares)
        # Covered demand counts for nothing in the cells that are settled.
        settled = self._settled(lower, part)
        cutoff = (self._best() - self._model.offset - settled) / self._unit
        ending, steps = Ending.STOPPED, 0
        while steps < (most_steps or _MOST_STEPS) and not self._should_stop():
            steps += 1
            room = max(cutoff - state.bound, 0.0)
            if not state.advance(look=state.upper - state.bound >= _LOOK * room):
                ending = Ending.SOLVED
                break
            gap = state.upper - state.bound
            room = max(cutoff - state.bound, 0.0)
            if gap <= max(self.enough * room, _EXACT * state.total) or state.bound > cutoff:
                ending = Ending.SOLVED
                break
        if steps >= _MOST_STEPS:
            # As near as rounding lets it come.
            ending = Ending.SOLVED
        sites = lower.astype(np.float64)
        sites[part.free] = state.best_shares
        self._shares = sites
        return self._relaxed(part, state, upper, sites, ending=ending, steps=steps)

    def _part(self, lower: BoolArray, upper: BoolArray) -> Part:
        from scipy import sparse

        row, site = self._row, self._site
        free = np.flatnonzero(upper & ~lower)
        number = np.full(len(lower), -1, dtype=np.int32)
        number[free] = np.arange(len(free))
        covered = np.zeros(len(self._row_of), dtype=bool)
        covered[row[lower[site]]] = True
        keep = (number[site] >= 0) & ~covered[row]
        length = np.bincount(row[keep], minlength=len(self._row_of))
        rows = np.flatnonzero(length)
        start = np.append(0, np.cumsum(length[rows])).astype(np.int32)
        column, shape = number[site[keep]], (len(rows), len(free))
        rows = self._row_of[rows]
        weight = self._model.pairs.units[rows] / self._unit
        cost = self._model.site_cost[free] / self._unit
        products = _operations(length, 0)
        if products > _MANY_PRODUCTS:
            chain = Chain.of(start, column, len(free))
            if _CHANGE_WORK * len(chain.change) * len(free) < products:
                return Part(rows=rows, free=free, weight=weight, cost=cost, chain=chain)
        table = sparse.csr_array((np.ones(len(column)), column, start), shape=shape)
        return Part(
            rows=rows,
            free=free,
            table=table,
            turned=table.T.tocsr(),
            weight=weight,
            cost=cost,
            is_compiled=products > _MANY_PRODUCTS or self._work > _PLAIN_WORK,
        )

    def _settled(self, lower: BoolArray, part: Part) -> float:
        """Return what bounds on y make due in any case: unserved demand and sites."""
        pairs = self._model.pairs
        covered = np.zeros(pairs.num_rows, dtype=bool)
        covered[pairs.row[lower[pairs.site]]] = True
        covered[part.rows] = True
        return float(pairs.units[~covered].sum() + self._model.site_cost[lower].sum())

    def _settled_result(self, part: Part, lower: BoolArray, upper: BoolArray) -> Relaxed:
        """Return the result where no row is left that a free site covers."""
        none = np.zeros(len(_limits(self._model, lower, part.free)))
        return Relaxed(
            ending=Ending.SOLVED,
            sites=lower.astype(np.float64),
            row_dual=np.concatenate([self._chained(self._lost(upper)), none]),
            objective=self._settled(lower, part) + self._model.offset,
            simplex_steps=0,
            missed=np.zeros(0),
            gains=np.zeros((2, len(lower))),
        )

    def _lost(self, upper: BoolArray) -> FloatArray:
        """Return multipliers that are the weights of the rows that nothing can cover any more."""
        pairs = self._model.pairs
        price = pairs.units.astype(np.float64)
        price[pairs.row[upper[pairs.site]]] = 0.0
        return price

    def _chained(self, price: FloatArray) -> FloatArray:
        """Return multipliers of sets, of which each hands on those of the sets built on it."""
        dual = np.zeros(self._model.sets.num_sets)
        dual[self._model.set_of_row] = price
        for child in self._bare:
            np.add.at(dual, self._model.sets.parent[child], dual[child])
        return dual

    def _relaxed(
        self,
        part: Part,
        state: Iterate,
        upper: BoolArray,
        sites: FloatArray,
        *,
        ending: Ending,
        steps: int,
    ) -> Relaxed:
        """Return multipliers of the rows of the model, which chains sets."""
        model = self._model
        price = self._lost(upper)
        price[part.rows] = state.best_price * self._unit
        sides = [-value * self._unit for value in state.best_side]
        operations = _step_operations(part)
        self._work += steps * operations
        return Relaxed(
            ending=ending,
            sites=sites,
            row_dual=np.concatenate([self._chained(price), sides]),
            objective=float(state.bound) * self._unit + self._model.offset,
            simplex_steps=int(steps * operations / _STEP_OPERATIONS / max(1, model.sets.num_sets)),
            missed=np.zeros(0),
            gains=self._gains(part, state, sites),
        )

    def _gains(self, part: Part, state: Iterate, sites: FloatArray) -> FloatArray:
        """Estimate what closing and what opening each site adds, shape (2, m); 0 if unknown.

        Near the central path the barrier is about a parabola; moving y_j by d, with all else
        following, adds d^2 / 2 over the j-th diagonal of the inverse of its matrix. At a gap as
        wide as what is to be closed, that is near what a solve would say.
        """
        gains = np.zeros((2, len(sites)))
        bend = state.bend()
        if bend is not None:
            share = sites[part.free]
            gains[0, part.free] = 0.5 * share**2 / bend
            gains[1, part.free] = 0.5 * (1 - share) ** 2 / bend
        return gains * self._unit


def _order(model: CoverModel) -> list[IntArray]:
    """Return sets with a parent, those that are farthest from the root first, level by level."""
    parent = model.sets.parent
    depth = np.zeros(len(parent), dtype=np.int64)
    above = parent.copy()
    while (above >= 0).any():
        depth[above >= 0] += 1
        above = np.where(above >= 0, parent[above], -1)
    return [np.flatnonzero(depth == level) for level in range(int(depth.max(initial=0)), 0, -1)]


def _limits(model: CoverModel, lower: BoolArray, free: IntArray) -> list[tuple[FloatArray, float]]:
    """Return weights of free sites and what is left of each limit."""
    limits = []
    if model.max_sites is not None:
        limits.append((np.ones(len(free)), float(model.max_sites - int(lower.sum()))))
    if model.budget is not None:
        limits.append(
            (
                model.spend[free].astype(np.float64),
                float(model.budget - int(model.spend[lower].sum())),
            )
        )
    return limits
