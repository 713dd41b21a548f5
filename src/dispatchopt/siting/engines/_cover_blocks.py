"""Sites in blocks that share little demand, and what a block costs at any prices.

A block takes some rows of a covering model and gives every site that reaches them a price. What it
costs at least to leave rows unserved or to pay for sites is a small problem without limits: its
tree tells bounds; annealing, and the relaxations of the tree, tell solutions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._cover_aim import Cuts
from dispatchopt.siting.engines._cover_block_rows import BlockRows
from dispatchopt.siting.engines._cover_block_tree import BlockTree
from dispatchopt.siting.engines._cover_model import CoverModel

#: Open sites, as the relaxation shares them out, of a block at most. A site counts for a little
#: more than its share, lest those without any gather in one block.
_MOST_OPEN, _LEAST_SHARE = 12.0, 0.05
#: Share that a site without one has in saying to which block a row belongs.
_LEAST_VOTE = 0.01
#: Temperatures of annealing, as shares of the mean price: the first ones, without and with a
#: solution before, and the last; moves for each site in both cases.
_FIRST_HEAT, _HEAT, _LAST_HEAT = 0.3, 0.03, 0.002
_FIRST_MOVES, _MOVES = 300, 30
#: Solutions remembered, and leaves looked at; a cost above all.
_POOL, _LEAVES, _FAR = 400, 60, 2**62


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
        is_row = np.zeros(pairs.num_rows, dtype=bool)
        is_row[rows] = True
        number = np.cumsum(is_row) - 1
        keep = is_row[pairs.row]
        #: Sites that reach a row of the block, shape (m,), and their indices, shape (n,).
        self.reaching = np.zeros(model.num_sites, dtype=bool)
        self.reaching[pairs.site[keep]] = True
        self.sites = np.flatnonzero(self.reaching)
        local = np.cumsum(self.reaching) - 1
        row, site = number[pairs.row[keep]], local[pairs.site[keep]]
        self._pairs = (row, site)
        self._units: IntArray = np.array(pairs.units[is_row], dtype=np.int64)
        order = np.argsort(site, kind="stable")
        self._ground = (
            np.searchsorted(site[order], np.arange(len(self.sites) + 1)).astype(np.int64),
            np.ascontiguousarray(row[order], dtype=np.int64),
            self._units,
        )
        start = np.searchsorted(row, np.arange(len(self._units) + 1))
        self._rows = BlockRows(start, site, self._units, len(self.sites))
        self._tree = BlockTree(self._rows, len(self.sites))
        # Solutions so far, the latest last, and what each leaves unserved.
        self._pool = np.zeros((1, len(self.sites)), dtype=bool)
        self._unserved = np.array([int(self._units.sum())], dtype=np.int64)
        self._known = {self._pool[0].tobytes()}
        self._bits = np.array([2 * len(self._units) + 1], dtype=np.int64)
        self._cost = np.zeros(len(self.sites), dtype=np.int64)
        self._lower = np.zeros(len(self.sites), dtype=bool)
        self._upper = ~self._lower
        #: What the cheapest solution costs that has been found.
        self.found = int(self._units.sum())

    @property
    def bound(self) -> int:
        """What the block costs at least, or what has been found if that is less."""
        return min(self._tree.bound, self.found)

    @property
    def most_price(self) -> int:
        """The highest price that any site is worth."""
        return self._rows.most_price

    @property
    def work(self) -> float:
        """Operations so far."""
        return self._rows.work

    def reprice(self, price: IntArray) -> None:
        """Take other prices, shape (n,), whole and >= 0; look for good solutions by annealing."""
        self._cost = np.where(self._upper & ~self._lower, price, 0)
        self._tree.reprice(self._cost)
        self._look()

    def refine(self, should_stop: Callable[[], bool]) -> None:
        """Solve a node, or branch."""
        rounded = self._tree.refine(self.found, should_stop)
        if rounded is not None:
            self._keep((rounded & self._upper) | self._lower)

    def settle(self, room: int) -> tuple[BoolArray, BoolArray] | None:
        """Leave out choices that cost so much more than the block.

        Returns bounds on y, shape (n,), or None if nothing is left.
        """
        self._tree.settle(self._tree.bound + room)
        return self._tree.limits()

    def narrow(self, lower: BoolArray, upper: BoolArray) -> bool:
        """Keep bounds on y, shape (n,); whether they leave anything."""
        lower, upper = self._lower | lower, self._upper & upper
        if (lower != self._lower).any() or (upper != self._upper).any():
            self._lower, self._upper = lower, upper
            self._cost = np.where(upper & ~lower, self._cost, 0)
            self._tree.narrow(lower, upper)
            self._tree.reprice(self._cost)
            self.found = self._cheapest()[0]
        return self._tree.limits() is not None

    def cuts(self) -> Cuts:
        """Return what is known about costs at any prices."""
        pool = (self._pool & self._upper) | self._lower
        is_inside = (pool == self._pool).all(axis=1)
        if not is_inside.any():
            is_inside[-1:] = True
        leaves = self._tree.seen(self.found)[:_LEAVES]
        missed = np.array([leaf.missed for leaf in leaves])
        share = np.array([leaf.share for leaf in leaves]).reshape(len(leaves), len(self.sites))
        return Cuts(
            missed=np.concatenate([self._unserved[is_inside], missed]),
            share=np.concatenate([pool[is_inside].astype(np.float64), share]),
        )

    def _look(self) -> None:
        # Compiled code is imported only where it is needed.
        from dispatchopt.siting.engines import _cover_price_kernels as kernels

        is_new = len(self._pool) == 1
        self.found, best = self._cheapest()
        free, cost = np.flatnonzero(self._upper & ~self._lower), self._cost
        if not cost.any():
            return
        row, site = self._pairs
        times = np.bincount(row[best[site]], minlength=len(self._units)).astype(np.int64)
        heat, moves = (_FIRST_HEAT, _FIRST_MOVES) if is_new else (_HEAT, _MOVES)
        heats = np.array([heat, _LAST_HEAT]) * float(cost[cost > 0].mean())
        ground = (*self._ground, cost)
        kernels.anneal(free, (heats, moves * len(free), self._bits), best, ground, times)
        self._keep(best)

    def _cheapest(self) -> tuple[int, BoolArray]:
        """Return what the cheapest solution so far costs, and the solution, within bounds."""
        outside = (self._pool & ~self._upper).any(axis=1) | (self._lower & ~self._pool).any(axis=1)
        value = np.where(outside, _FAR, self._unserved + self._pool @ self._cost)
        best = (self._pool[int(value.argmin())] & self._upper) | self._lower
        return self._unserved_by(best) + int(self._cost[best].sum()), best

    def _unserved_by(self, is_open: BoolArray) -> int:
        row, site = self._pairs
        bare = np.ones(len(self._units), dtype=bool)
        bare[row[is_open[site]]] = False
        return int(self._units[bare].sum())

    def _keep(self, is_open: BoolArray) -> None:
        """Remember a solution."""
        key = is_open.tobytes()
        if key in self._known:
            return
        unserved = self._unserved_by(is_open)
        first = max(0, len(self._pool) + 1 - _POOL)
        for each in self._pool[:first]:
            self._known.discard(each.tobytes())
        self._known.add(key)
        self._pool = np.concatenate([self._pool[first:], is_open[None]])
        self._unserved = np.append(self._unserved[first:], unserved)
        self.found = min(self.found, unserved + int(self._cost[is_open].sum()))
