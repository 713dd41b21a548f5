"""Sites in blocks that share little demand, and the exact search for what a block leaves at least.

A block takes some rows of a covering model and gives every site that reaches them a price. What it
costs at least to leave rows unserved or to pay for sites is a small problem without limits, for
which a few dozen nodes, best bound first, mostly say all that more would.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._cover_build import shrunk
from dispatchopt.siting.engines._cover_improve import relaxation_work
from dispatchopt.siting.engines._cover_interior import Interior
from dispatchopt.siting.engines._cover_local import Improver
from dispatchopt.siting.engines._cover_model import CoverModel, dual_bound

#: Open sites, as the relaxation shares them out, of a block at most. A site counts for a little
#: more than its share, lest those without any gather in one block.
_MOST_OPEN, _LEAST_SHARE = 12.0, 0.05
#: Share that a site without one has in saying to which block a row belongs.
_LEAST_VOTE = 0.01
#: Gap of a relaxation, as a share of what lies between its bound and the best solution.
_ENOUGH = 0.1
#: Temperatures of annealing, as shares of the mean price: the first ones, without and with a
#: solution before, and the last; moves for each site in both cases; work of looking at a row.
_FIRST_HEAT, _HEAT, _LAST_HEAT = 0.1, 0.03, 0.002
_FIRST_MOVES, _MOVES = 300, 200
_VISIT_WORK = 3e-3
#: Solutions remembered, as one of them is mostly good at other prices too; a cost above all.
_POOL, _FAR = 200, 2**62
#: Nodes of a block at most; those after which it is left when they have gained less than this
#: share of what all before gained.
_MOST_NODES, _LOOK_BACK, _LEAST_GAIN = 200, 20, 0.03


@dataclass(frozen=True, kw_only=True, eq=False)
class Partition:
    """Sites in blocks.

    Parameters
    ----------
    block
        Block of each site, shape (m,); -1 for closed sites.
    vote
        What a site counts for where a row belongs, shape (m,).
    count
        Number of blocks.
    """

    block: IntArray
    vote: FloatArray
    count: int

    def rows(self, model: CoverModel) -> IntArray:
        """Return the block of each row, where the sites that reach it count for most."""
        pairs = model.pairs
        key = pairs.row * self.count + self.block[pairs.site]
        votes = np.bincount(
            key, weights=self.vote[pairs.site], minlength=pairs.num_rows * self.count
        )
        block: IntArray = votes.reshape(pairs.num_rows, self.count).argmax(axis=1)
        return block


def partition(model: CoverModel, share: FloatArray) -> Partition:
    """Merge sites into blocks, those first that share most demand for what they have open.

    Parameters
    ----------
    model
        The covering model.
    share
        Open shares of a relaxation, shape (m,).
    """
    from scipy import sparse

    pairs = model.pairs
    sites = np.flatnonzero(model.upper & ~model.lower)
    number = np.full(model.num_sites, -1, dtype=np.int64)
    number[sites] = np.arange(len(sites))
    table = sparse.csr_array(
        (np.ones(len(pairs.row)), (pairs.row, number[pairs.site])),
        shape=(pairs.num_rows, len(sites)),
    )
    common = (table.T @ sparse.diags_array(pairs.units.astype(np.float64)) @ table).toarray()
    label = _merged(common, share[sites])
    block = np.full(model.num_sites, -1, dtype=np.int64)
    names, block[sites] = np.unique(label, return_inverse=True)
    return Partition(block=block, vote=share + _LEAST_VOTE, count=len(names))


def _merged(common: FloatArray, share: FloatArray) -> IntArray:
    """Return a label of each site; greedy merging by shared demand over the product of shares."""
    count = len(share)
    np.fill_diagonal(common, 0.0)
    size, label = share.copy(), np.arange(count)

    def scores(one: int) -> FloatArray:
        fits = size[one] + size <= _MOST_OPEN
        weights = (size[one] + _LEAST_SHARE) * (size + _LEAST_SHARE)
        found: FloatArray = np.where(fits, common[one] / weights, 0.0)
        return found

    value, mate = np.zeros(count), np.zeros(count, dtype=np.int64)
    stale = np.arange(count)
    while True:
        for at in stale.tolist():
            each = scores(at)
            mate[at] = int(each.argmax())
            value[at] = each[mate[at]]
        one = int(value.argmax())
        if value[one] <= 0:
            return label
        other = int(mate[one])
        common[one] += common[other]
        common[:, one] += common[:, other]
        common[one, one] = 0.0
        common[other], common[:, other] = 0.0, 0.0
        size[one] += size[other]
        size[other], value[other] = 0.0, 0.0
        label[label == other] = one
        each = scores(one)
        is_stale = (value > 0) & ((mate == one) | (mate == other))
        is_stale[one] = True
        nearer = (each > value) & ~is_stale & (size > 0)
        value[nearer], mate[nearer] = each[nearer], one
        stale = np.flatnonzero(is_stale)


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockFound:
    """What a block costs at least, shares that come near it, shape (m,), and the work it took."""

    bound: int
    share: FloatArray
    work: float


class Block:
    """Some rows of a model, at a price for each site.

    Parameters
    ----------
    model
        The model that the rows belong to.
    rows
        Its rows that are the block's.
    """

    def __init__(self, model: CoverModel, rows: IntArray) -> None:
        pairs = model.pairs
        number = np.full(pairs.num_rows, -1, dtype=np.int64)
        number[rows] = np.arange(len(rows))
        keep = number[pairs.row] >= 0
        units = pairs.units[rows]
        part = replace(
            pairs,
            row=number[pairs.row[keep]],
            site=pairs.site[keep],
            cost=np.zeros(int(keep.sum())),
            price=units.astype(np.float64),
            units=units,
        )
        #: Sites that reach a row of the block, shape (m,).
        self.reaching = np.zeros(model.num_sites, dtype=bool)
        self.reaching[part.site] = True
        self._blank = replace(
            model,
            pairs=part,
            lower=np.zeros(model.num_sites, dtype=bool),
            upper=self.reaching,
            max_sites=None,
            offset=0,
            set_of_row=np.full(len(rows), -1, dtype=np.int64),
        )
        # Solutions so far, the latest last, and what each leaves unserved.
        self._pool = np.zeros((1, model.num_sites), dtype=bool)
        self._unserved = np.array([int(units.sum())], dtype=np.int64)
        indptr, row = self._blank.rows_of_sites
        self._ground = (
            np.ascontiguousarray(indptr, dtype=np.int64),
            np.ascontiguousarray(row, dtype=np.int64),
            np.array(units, dtype=np.int64),
        )
        self._bits = np.array([2 * len(rows) + 1], dtype=np.int64)

    def estimate(self, price: IntArray, bounds: tuple[BoolArray, BoolArray]) -> BlockFound:
        """Return the cost of a good solution, which often is the best one: no bound.

        Annealing starts from the cheapest solution so far. Parameters are those of ``search``.
        """
        # Compiled code is imported only where it is needed.
        from dispatchopt.siting.engines import _cover_price_kernels as kernels

        lower, upper = self.reaching & bounds[0], self.reaching & bounds[1]
        cost = np.where(upper & ~lower, price, 0)
        is_new = len(self._pool) == 1
        found = self._cheapest(cost, lower, upper)
        free = np.flatnonzero(upper & ~lower)
        indptr, row, units = self._ground
        pairs = self._blank.pairs
        times = np.bincount(pairs.row[found[pairs.site]], minlength=len(units)).astype(np.int64)
        heat, moves = (_FIRST_HEAT, _FIRST_MOVES) if is_new else (_HEAT, _MOVES)
        moves *= len(free)
        if cost.any():
            heats = np.array([heat, _LAST_HEAT]) * float(cost[cost > 0].mean())
            ground = (indptr, row, units, cost)
            kernels.anneal(free, (heats, moves, self._bits), found, ground, times)
        value = self._keep(found) + int(cost[found].sum())
        visits = 2.0 * moves * len(row) / max(1, int(self.reaching.sum()))
        return BlockFound(bound=value, share=found.astype(np.float64), work=visits * _VISIT_WORK)

    def search(
        self,
        price: IntArray,
        bounds: tuple[BoolArray, BoolArray],
        should_stop: Callable[[], bool],
    ) -> BlockFound | None:
        """Return a bound on unserved units and prices paid; None if there was no time for any.

        Parameters
        ----------
        price
            What each site costs the block, shape (m,), whole and >= 0.
        bounds
            Lower and upper bounds on y, shape (m,) each; sites open in any case cost nothing.
        should_stop
            Whether to return now.
        """
        lower, upper = self.reaching & bounds[0], self.reaching & bounds[1]
        cost = np.where(upper & ~lower, price, 0)
        model = shrunk(replace(self._blank, site_cost=cost), lower, upper)
        if should_stop():
            return None
        search = _Search(model, should_stop)
        found = search.run(self._cheapest(cost, model.lower, model.upper))
        self._keep(search.open_sites)
        return found

    def _cheapest(self, cost: IntArray, lower: BoolArray, upper: BoolArray) -> BoolArray:
        """Return the solution so far that costs least, moved within bounds."""
        outside = (self._pool & ~upper).any(axis=1)
        value = np.where(outside, _FAR, self._unserved + self._pool @ cost)
        found: BoolArray = (self._pool[int(value.argmin())] & upper) | lower
        return found

    def _keep(self, found: BoolArray) -> int:
        """Remember a solution; return what it leaves unserved."""
        pairs, units = self._blank.pairs, self._ground[2]
        bare = np.ones(len(units), dtype=bool)
        bare[pairs.row[found[pairs.site]]] = False
        unserved = int(units[bare].sum())
        first = max(0, len(self._pool) + 1 - _POOL)
        self._pool = np.concatenate([self._pool[first:], found[None]])
        self._unserved = np.append(self._unserved[first:], unserved)
        return unserved


class _Search:
    """Branch and bound on a block, best bound first."""

    def __init__(self, model: CoverModel, should_stop: Callable[[], bool]) -> None:
        self._model = model
        self._should_stop = should_stop
        self._improver = Improver(model, should_stop)
        self._lp = Interior(
            model, should_stop=should_stop, best=lambda: self._best, is_compiled=True
        )
        #: Open sites of the best solution, shape (m,).
        self.open_sites = model.lower
        self._best = int(model.pairs.units.sum()) + model.offset
        self._lp.enough = _ENOUGH
        self._heap: list[tuple[int, int, BoolArray, BoolArray, FloatArray | None]] = []
        self._pushed = 0
        self._work = 0.0

    def run(self, first: BoolArray) -> BlockFound:
        """Search until proven, or until nodes say little more; ``first`` may be a good solution."""
        model = self._model
        for start in (first, model.lower):
            self._consider(self._improver.improved(start))
        self._push(model.offset, model.lower, model.upper, None)
        seen: list[int] = []
        while self._heap[0][0] < self._best:
            if seen and (self._should_stop() or _is_flat(seen)):
                break
            bound, _, lower, upper, share = heapq.heappop(self._heap)
            self._expand(bound, lower, upper, share, has_round=_is_due(len(seen)))
            if not self._heap:
                break
            seen.append(self._heap[0][0])
        bound, share = self._best, None
        if self._heap and self._heap[0][0] < self._best:
            bound, share = self._heap[0][0], self._heap[0][4]
        return BlockFound(
            bound=bound,
            share=self.open_sites.astype(np.float64) if share is None else share,
            work=self._work,
        )

    def _push(
        self, bound: int, lower: BoolArray, upper: BoolArray, share: FloatArray | None
    ) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (bound, self._pushed, lower, upper, share))

    def _expand(
        self,
        bound: int,
        lower: BoolArray,
        upper: BoolArray,
        share: FloatArray | None,
        *,
        has_round: bool,
    ) -> None:
        """Solve a node, look for a solution near it, and branch."""
        model = self._model
        self._lp.restore(share)
        result = self._lp.solve(lower, upper)
        self._work += relaxation_work(result.simplex_steps, model.sets.num_sets)
        exact = dual_bound(model, result.row_dual, lower, upper)
        bound = max(bound, exact.value(model) or 0)
        if has_round:
            near = lower | (upper & (result.sites >= 0.5))
            self._consider(self._improver.improved(near))
        if bound >= self._best:
            return
        lower, upper = exact.fixings(model, self._best, lower, upper)
        free = upper & ~lower
        if not free.any():
            self._consider(lower)
            return
        split = free & (result.sites > self._lp.whole) & (result.sites < 1 - self._lp.whole)
        gains: Any = result.gains
        if split.any():
            down, up = np.maximum(gains, 1e-6)
            site = int(np.argmax(np.where(split, down * up, 0.0)))
        else:
            site = int(np.argmax(np.where(free, result.sites, -1.0)))
        for is_open in (True, False):
            below, above = lower.copy(), upper.copy()
            (below if is_open else above)[site] = is_open
            self._push(bound, below, above, result.sites)

    def _consider(self, is_open: BoolArray) -> None:
        value = self._model.value(is_open)
        if value is not None and value < self._best:
            self._best, self.open_sites = value, is_open.copy()


def _is_due(nodes: int) -> bool:
    """Whether to look for a solution near the next node: at the first ones, then less often."""
    return nodes < 8 or nodes % 4 == 0


def _is_flat(seen: list[int]) -> bool:
    """Whether the last nodes raised the bound by little, or there were enough."""
    if len(seen) >= _MOST_NODES:
        return True
    if len(seen) <= _LOOK_BACK:
        return False
    before = seen[-1 - _LOOK_BACK]
    return seen[-1] - before <= _LEAST_GAIN * (before - seen[0])
