"""The best SKUs at given prices: a closure of most weight, by one maximum flow.

Taking an order needs all its SKUs, and a SKU costs its price. The most that orders bring beyond the
prices of their SKUs is a minimum cut (Picard, Management Science 22, 1976; Rhys, Management Science
17, 1970).
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.core.errors import EngineError
from dispatchopt.inventory.assortment.engines._block import Block

#: Weights and prices are scaled so that they add up to about this, in whole numbers.
_TOTAL = 2.0**44


class Closure:
    """The graph of a block; only prices change between cuts."""

    def __init__(self, block: Block) -> None:
        self.block = block
        num, skus = block.weight.size, np.unique(block.sku)
        self.skus = skus
        at = np.searchsorted(skus, block.sku)
        # Rounded up, so that the bound holds.
        self.scale = _TOTAL / max(1e-300, float(block.weight.sum()))
        weight = np.ceil(block.weight * self.scale).astype(np.int64)
        self.total = int(weight.sum())
        source, sink = num + skus.size, num + skus.size + 1
        orders, nodes = np.arange(num), num + np.arange(skus.size)
        never_cut = np.full(block.sku.size, self.total + 1)
        self._tail = np.concatenate([np.full(num, source), block.owner, nodes]).astype(np.int32)
        self._head = np.concatenate([orders, num + at, np.full(skus.size, sink)]).astype(np.int32)
        self._capacity = np.concatenate([weight, never_cut]).astype(np.int64)
        self._ends = source, sink

    def best(self, price: FloatArray) -> tuple[BoolArray, float]:
        """Return SKUs that bring most beyond their prices, (K,), and a proven limit on that.

        Parameters
        ----------
        price
            Price of each SKU, (K,); where it is negative the SKU is taken, and what it brings
            counts.
        """
        from ortools.graph.python import max_flow

        block = self.block
        paid = block.is_free & (price < 0)
        bonus = float(-price[paid].sum())
        taken = paid.copy()
        if not block.weight.size:
            return taken, bonus
        # Rounded down, so that the bound holds.
        cost = np.clip(np.floor(price[self.skus] * self.scale), 0, self.total).astype(np.int64)
        flow = max_flow.SimpleMaxFlow()
        flow.add_arcs_with_capacity(self._tail, self._head, np.concatenate([self._capacity, cost]))
        if flow.solve(*self._ends) != flow.OPTIMAL:
            raise EngineError("the maximum flow of an assortment failed")
        cut = np.asarray(flow.get_source_side_min_cut())
        chosen = cut[(cut >= block.weight.size) & (cut < self._ends[0])] - block.weight.size
        taken[self.skus[chosen]] = True
        return taken, bonus + (self.total - flow.optimal_flow()) / self.scale
