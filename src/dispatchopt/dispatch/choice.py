"""What all policies ask of open orders: which stores may take them, and which never will."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.dispatch.state import DispatchState, Refusal
from dispatchopt.geography.matrix import UNREACHABLE


def option_rows(state: DispatchState) -> IntArray:
    """Return the row in ``state.orders`` of each of its options."""
    rows: IntArray = np.repeat(np.arange(len(state.orders)), np.diff(state.orders.option_ptr))
    return rows


class Options:
    """Options of the orders that have no store yet, with distances and durations.

    Attributes
    ----------
    row
        Row in ``state.orders``, shape (number of options,).
    store
        The store.
    missing
        Lines that it could not fill.
    distance_m, free_flow_s
        From the store to the customer.
    is_usable
        Whether the order may be given to the store now.
    """

    def __init__(self, state: DispatchState) -> None:
        orders, stores, now_s = state.orders, state.stores, state.now_s
        rows = option_rows(state)
        keep = orders.store[rows] < 0
        self.row, self.store = rows[keep], orders.option_store[keep]
        self.missing = orders.option_missing[keep]
        self.distance_m, self.free_flow_s = state.travel.pairs(
            stores.place_idx[self.store], orders.place_idx[self.row]
        )
        self._is_reachable = self.free_flow_s < UNREACHABLE
        self._is_open = (stores.open_s[self.store] <= now_s) & (now_s < stores.close_s[self.store])
        opens_s = stores.open_s[self.store]
        gives_up_s = orders.due_s[self.row] + max(0, state.rules.max_late_s)
        never = (opens_s >= stores.close_s[self.store]) | (now_s >= stores.close_s[self.store])
        is_too_late = (opens_s > gives_up_s) & (state.rules.max_late_s >= 0)
        self._is_opening = ~never & ~is_too_late
        self._has_goods = ~orders.option_is_empty[keep]
        if not state.rules.is_partial_allowed:
            self._has_goods &= self.missing == 0
        self.is_usable: BoolArray = self._is_reachable & self._is_open & self._has_goods

    def hopeless(self, state: DispatchState) -> dict[int, Refusal]:
        """Return the rows of orders that no store will ever take, and why."""
        count = len(state.orders)

        def any_of(is_true: BoolArray) -> BoolArray:
            return np.bincount(self.row[is_true], minlength=count) > 0

        waiting = state.orders.store < 0
        none = np.ones(len(self.row), dtype=np.bool_)
        steps = (
            (Refusal.NO_STORE, none),
            (Refusal.UNREACHABLE, self._is_reachable),
            (Refusal.STORE_CLOSED, self._is_reachable & self._is_opening),
            (
                Refusal.OUT_OF_STOCK,
                self._is_reachable & self._is_opening & self._has_goods,
            ),
        )
        found: dict[int, Refusal] = {}
        for reason, passes in steps:
            for row in np.flatnonzero(waiting & ~any_of(passes)):
                found.setdefault(int(row), reason)
        return found


def best_options(options: Options, cost: IntArray) -> dict[int, int]:
    """Return for each row the option of least cost among the usable ones; ties to the first."""
    usable = np.flatnonzero(options.is_usable)
    order = usable[np.lexsort((usable, cost[usable], options.row[usable]))]
    rows, first = np.unique(options.row[order], return_index=True)
    return dict(zip(rows.tolist(), order[first].tolist(), strict=True))
