"""One store with the orders that depend on it: what is left to choose, and what limits it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.assortment.bound import can_have
from dispatchopt.inventory.assortment.problem import MUST, NEVER, AssortmentProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Orders that are complete once some SKUs are taken, under the limits of one store.

    Parameters
    ----------
    weight
        Weight of each order, (O,).
    first
        First line of each order, which has lines ``first[o]:first[o + 1]``, at least one, (O + 1,).
    sku
        SKU of each line, (L,), all free.
    is_free
        SKUs that may be taken or not, (K,).
    volume
        Volume of each SKU, (K,).
    slots, room
        What is left; inf for no limit.
    category
        Category of each SKU, (K,).
    need
        Least number of free SKUs of each category, (C,).
    """

    weight: FloatArray
    first: IntArray
    sku: IntArray
    is_free: BoolArray
    volume: FloatArray
    slots: float
    room: float
    category: IntArray
    need: IntArray

    @property
    def owner(self) -> IntArray:
        """Order of each line, (L,)."""
        return np.repeat(np.arange(self.weight.size), np.diff(self.first))

    def is_complete(self, taken: BoolArray) -> BoolArray:
        """Return the orders that a set of SKUs completes, (O,)."""
        if not self.weight.size:
            return np.zeros(0, dtype=bool)
        return np.asarray(np.logical_and.reduceat(taken[self.sku], self.first[:-1]))

    def missing(self, taken: BoolArray) -> IntArray:
        """Return how many SKUs each order still lacks, (O,)."""
        if not self.weight.size:
            return np.zeros(0, dtype=np.int64)
        lacks = (~taken[self.sku]).astype(np.int64)
        return np.asarray(np.add.reduceat(lacks, self.first[:-1]))

    def value(self, taken: BoolArray) -> float:
        """Return the weight of the orders that a set of SKUs completes."""
        return float(self.weight[self.is_complete(taken)].sum())

    def fits(self, taken: BoolArray) -> bool:
        """Whether a set of SKUs keeps slots and room."""
        if np.count_nonzero(taken) > self.slots:
            return False
        return not self.volume[taken].sum() > self.room

    def per_sku(self, of_order: FloatArray) -> FloatArray:
        """Return the sum over the orders of each SKU, (K,)."""
        spread = np.repeat(of_order, np.diff(self.first))
        found = np.bincount(self.sku, weights=spread, minlength=self.is_free.size)
        return found.astype(np.float64)


class Orders:
    """The lines of a problem by order, and how blocks are cut from them."""

    def __init__(self, problem: AssortmentProblem) -> None:
        self.problem = problem
        by_order = np.argsort(problem.line_order, kind="stable")
        self.order = problem.line_order[by_order]
        self.sku = problem.line_sku[by_order]
        self.zone = problem.order_zone[self.order]
        shape = (problem.num_stores, problem.num_skus)
        listing = np.zeros(shape, np.int64) if problem.listing is None else problem.listing
        self.must: BoolArray = np.equal(listing, MUST)
        self.never: BoolArray = np.equal(listing, NEVER)
        self.volume = problem.volume_ml.astype(np.float64)
        bad = ~can_have(problem)[self.zone, self.sku]
        lost = np.bincount(self.order[bad], minlength=problem.num_orders) > 0
        #: Orders that nothing completes: beyond reach, or with a SKU that no store in reach lists.
        self.is_lost = lost

    def complete_at(self, carried: BoolArray) -> BoolArray:
        """Return the orders all of whose SKUs one store carries, (O,); reach is not looked at."""
        lacks = np.bincount(self.order[~carried[self.sku]], minlength=self.problem.num_orders)
        return np.asarray(lacks == 0)

    def of_store(self, store: int, carried: BoolArray) -> Block:
        """Return what one store can still do, with the others as they are; (S, K) carried."""
        problem = self.problem
        in_reach = problem.reach[:, store]
        is_wanted = in_reach[problem.order_zone]
        has = self.must[store][self.sku]
        others = np.delete(np.arange(problem.num_stores), store)
        if problem.may_split:
            held = carried[others].astype(np.float32)
            together = problem.reach[:, others].astype(np.float32) @ held > 0
            has |= together[self.zone, self.sku]
        else:
            for other in others[(problem.reach[in_reach][:, others]).any(axis=0)]:
                is_near = problem.reach[problem.order_zone, other]
                is_wanted &= ~(is_near & self.complete_at(carried[other]))
        return self._cut(is_wanted, has, self.never[store], self._limits(np.array([store])))

    def of_group(self, stores: IntArray) -> Block:
        """Return the block of stores taken as one with all their slots and room: a relaxation."""
        problem = self.problem
        is_wanted = np.asarray(problem.reach[:, stores].any(axis=1))[problem.order_zone]
        must = np.asarray(self.must[stores].any(axis=0))
        never = np.asarray(self.never[stores].all(axis=0))
        return self._cut(is_wanted, must[self.sku], never, self._limits(stores))

    def _cut(
        self,
        is_wanted: BoolArray,
        has: BoolArray,
        never: BoolArray,
        limits: tuple[BoolArray, float, float, IntArray],
    ) -> Block:
        problem = self.problem
        must, slots, room, need = limits
        lost = np.bincount(self.order[~has & never[self.sku]], minlength=problem.num_orders) > 0
        is_wanted = is_wanted & ~lost & ~self.is_lost & (problem.order_weight > 0)
        keep = is_wanted[self.order] & ~has
        order, first = np.unique(self.order[keep], return_index=True)
        return Block(
            weight=problem.order_weight[order],
            first=np.append(first, np.count_nonzero(keep)),
            sku=self.sku[keep],
            is_free=~must & ~never,
            volume=self.volume,
            slots=slots,
            room=room,
            category=problem.sku_category,
            need=need,
        )

    def _limits(self, stores: IntArray) -> tuple[BoolArray, float, float, IntArray]:
        """Musts, slots and room beyond them, and floors beyond them, of stores taken as one."""
        problem = self.problem
        must = self.must[stores]
        slots = room = np.inf
        if problem.slots is not None:
            slots = float(problem.slots[stores].sum() - must.sum())
        if problem.store_volume_ml is not None:
            used = float((must @ self.volume).sum())
            room = float(problem.store_volume_ml[stores].sum()) - used
        need = np.zeros(problem.num_categories, dtype=np.int64)
        if problem.floor is not None and stores.size == 1:
            held = np.bincount(problem.sku_category[must[0]], minlength=need.size)
            need = np.maximum(problem.floor[stores[0]] - held, 0)
        return np.asarray(must.any(axis=0)), slots, room, need
