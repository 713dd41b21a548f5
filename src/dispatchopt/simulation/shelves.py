"""Stock and picking in the stores: who takes what, which picker is busy until when."""

from __future__ import annotations

import heapq
from collections import deque

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.dispatch.timing import NEVER_S
from dispatchopt.simulation.day import Day


class Shelves:
    """Units on the shelves, and what each order took of them."""

    def __init__(self, day: Day) -> None:
        stock = day.stores.stock_units
        self._orders = day.orders
        self._stock = None if stock is None else stock.copy()
        self._taken: dict[int, IntArray] = {}

    def _lines(self, order: int) -> tuple[IntArray, IntArray]:
        span = slice(int(self._orders.line_ptr[order]), int(self._orders.line_ptr[order + 1]))
        return self._orders.line_sku[span], self._orders.line_units[span]

    def missing(self, order: int, stores: IntArray) -> tuple[IntArray, BoolArray]:
        """Return for each store the lines it cannot fill, and whether it can fill nothing."""
        sku, units = self._lines(order)
        if self._stock is None or not len(sku):
            return np.zeros(len(stores), dtype=np.int64), np.zeros(len(stores), dtype=np.bool_)
        held = self._stock[np.ix_(stores, sku)]
        short: IntArray = (held < units).sum(axis=1)
        is_empty: BoolArray = np.asarray((held <= 0).all(axis=1), dtype=np.bool_)
        return short, is_empty

    def take(self, order: int, store: int, *, is_partial_allowed: bool) -> int | None:
        """Take an order's lines; returns how many are not filled, None if nothing was taken."""
        sku, units = self._lines(order)
        if self._stock is None or not len(sku):
            return 0
        taken = np.zeros(len(sku), dtype=np.int64)
        for line, (item, wanted) in enumerate(zip(sku, units, strict=True)):
            # Two lines may ask for one SKU, so each sees what the line before has left.
            taken[line] = min(int(wanted), int(self._stock[store, item]))
            self._stock[store, item] -= taken[line]
        is_short = bool((taken < units).any())
        if not taken.any() or (is_short and not is_partial_allowed):
            np.add.at(self._stock[store], sku, taken)
            return None
        self._taken[order] = taken
        return int((taken < units).sum())

    def put_back(self, order: int, store: int) -> None:
        """Return what an order took."""
        taken = self._taken.pop(order, None)
        if taken is not None and self._stock is not None:
            np.add.at(self._stock[store], self._lines(order)[0], taken)


class PickingHall:
    """The pickers of all stores: first come, first served."""

    def __init__(self, day: Day, noise: FloatArray) -> None:
        stores, orders = day.stores, day.orders
        self._pickers = stores.pickers
        self._base_s, self._line_s = stores.pick_base_s, stores.pick_line_s
        self._num_lines = orders.num_lines
        self._noise = noise
        self._queue: list[deque[int]] = [deque() for _ in range(len(stores))]
        self._busy: list[dict[int, int]] = [{} for _ in range(len(stores))]
        self._is_stale = np.zeros(len(stores), dtype=np.bool_)
        self.expected_ready_s = np.full(len(orders), -1, dtype=np.int64)
        self.picker_free_s = np.where(stores.pickers > 0, 0, NEVER_S)

    def expected_s(self, order: int, store: int) -> int:
        """Return the picking time of an order before noise."""
        return int(self._base_s[store] + self._line_s[store] * self._num_lines[order])

    def actual_s(self, order: int, store: int) -> int:
        """Return the picking time of an order as it will be."""
        return int(np.ceil(self.expected_s(order, store) * self._noise[order] - 1e-6))

    def enter(self, order: int, store: int) -> None:
        """Queue an order."""
        self._queue[store].append(order)
        self._is_stale[store] = True

    def leave(self, order: int, store: int) -> None:
        """Take an order out of the queue or out of a picker's hands."""
        if self._busy[store].pop(order, None) is None and order in self._queue[store]:
            self._queue[store].remove(order)
        self._is_stale[store] = True

    def is_picking(self, order: int, store: int) -> bool:
        """Whether a picker works on the order."""
        return order in self._busy[store]

    def start(self, store: int, now_s: int) -> list[int]:
        """Give waiting orders to free pickers; returns those whose picking begins now."""
        begun: list[int] = []
        while self._queue[store] and len(self._busy[store]) < self._pickers[store]:
            order = self._queue[store].popleft()
            self._busy[store][order] = now_s + self.expected_s(order, store)
            begun.append(order)
        self._is_stale[store] |= bool(begun)
        return begun

    def expect(self, now_s: int) -> None:
        """Bring expected ready times and the time of the next free picker up to date."""
        for store in np.flatnonzero(self._is_stale):
            self._expect(int(store), now_s)
        self._is_stale[:] = False

    def _expect(self, store: int, now_s: int) -> None:
        busy, count = self._busy[store], int(self._pickers[store])
        self.expected_ready_s[list(busy)] = list(busy.values())
        if count == 0:
            self.expected_ready_s[list(self._queue[store])] = NEVER_S
            return
        free = sorted(busy.values()) + [now_s] * (count - len(busy))
        heapq.heapify(free)
        for order in self._queue[store]:
            end_s = max(now_s, free[0]) + self.expected_s(order, store)
            heapq.heapreplace(free, end_s)
            self.expected_ready_s[order] = end_s
        self.picker_free_s[store] = free[0]
