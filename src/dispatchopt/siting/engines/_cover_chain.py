"""Rows in an order in which each differs little from the one before, and sums over them.

Customers side by side are reached by nearly the same sites. Where a row has dozens of sites and
differs from the one before by two, sums over all pairs of row and site take a sum over changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray


def near_order(start: IntArray, column: IntArray, num_sites: int) -> IntArray:
    """Return rows in an order along a spanning tree, whose edges are rows that differ by few sites.

    Parameters
    ----------
    start, column
        Sites of each row, shape (rows + 1,) and (pairs,), in order; no row without sites, none
        twice.
    num_sites
        Number of sites.
    """
    from scipy import sparse
    from scipy.sparse import csgraph

    count = len(start) - 1
    if count < 3:
        return np.arange(count)
    bits = np.random.default_rng(1).integers(1, 2**62, size=num_sites)
    own = np.bitwise_xor.reduceat(bits[column], start[:-1])
    row = np.repeat(np.arange(count), np.diff(start))
    # Rows without one of their sites each: two of them are alike if one row has a site more than
    # another (whose own key comes first), or another site in its place.
    key = np.concatenate([own, own[row] ^ bits[column]])
    owner = np.concatenate([np.arange(count), row])
    order = np.argsort(key, kind="stable")
    is_new = np.append(True, key[order][1:] != key[order][:-1])
    head = np.maximum.accumulate(np.where(is_new, np.arange(len(order)), 0))
    is_one = order[head] < count
    before = np.where(is_one, head, np.arange(len(order)) - 1)
    rest = np.flatnonzero(~is_new)
    ends = (owner[order[before[rest]]], owner[order[rest]])
    graph = sparse.coo_array((np.where(is_one[rest], 1.0, 2.0), ends), shape=(count, count)).tocsr()
    tree = csgraph.minimum_spanning_tree(graph)
    _, label = csgraph.connected_components(tree, directed=False)
    roots = np.unique(label, return_index=True)[1]
    chain = sparse.coo_array(
        (np.ones(len(roots) - 1), (roots[:-1], roots[1:])), shape=(count, count)
    )
    found: IntArray = csgraph.depth_first_order(
        (tree + chain.tocsr()).tocsr(), int(roots[0]), directed=False, return_predecessors=False
    ).astype(np.int64)
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """Rows told by their changes.

    Parameters
    ----------
    first
        First change of each row, shape (rows + 1,); those after the last row take out all sites.
    change
        Sites that come in, and ~site of those that go.
    num_sites
        Number of sites.
    """

    first: IntArray
    change: Any
    num_sites: int

    @classmethod
    def of(cls, start: Any, column: Any, num_sites: int) -> Chain:
        """Return the chain of rows in the order given."""
        # Compiled code is imported only where it is needed.
        from dispatchopt.siting.engines import _cover_chain_kernels as kernels

        first = np.empty(len(start), dtype=np.int64)
        change = np.empty(2 * len(column), dtype=np.int32)
        count = kernels.changes((start, column), first, change)
        return cls(first=first, change=change[:count].copy(), num_sites=num_sites)

    def cover(self, share: FloatArray) -> FloatArray:
        """Return the sum of shares over the sites of each row."""
        from dispatchopt.siting.engines import _cover_chain_kernels as kernels

        found = np.empty(len(self.first) - 1)
        kernels.cover((self.first, self.change), share, found)
        return found

    def worth(self, price: Any) -> Any:
        """Return the sum of prices over the rows of each site, in whole numbers if they are."""
        from dispatchopt.siting.engines import _cover_chain_kernels as kernels

        found = np.zeros(self.num_sites, dtype=price.dtype)
        if len(price):
            kernels.worth((self.first, self.change), price, found)
        return found

    def normal(self, width: FloatArray) -> FloatArray:
        """Return the lower triangle of ``A^T diag(width) A``."""
        from dispatchopt.siting.engines import _cover_chain_kernels as kernels

        found = np.zeros((self.num_sites, self.num_sites))
        done, inside = np.zeros(self.num_sites), np.zeros(self.num_sites)
        kernels.normal((self.first, self.change), width, done, inside, found)
        return found
