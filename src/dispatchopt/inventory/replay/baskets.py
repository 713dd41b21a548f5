"""Orders of several lines, drawn anew every day from a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray, set_frozen
from dispatchopt.core.errors import InputError, Issue


@dataclass(frozen=True, kw_only=True, eq=False)
class Baskets:
    """A sample of orders, and how many a day each store gets.

    Parameters
    ----------
    first
        Lines of order b are entries ``first[b]:first[b + 1]``, (B + 1,).
    sku, units
        SKU and units >= 1 of each line, (E,).
    store
        Store that got the order, (B,); a store draws from its own orders.
    orders_per_day
        Mean number of orders of a day, Poisson, (S,); 0 for stores without orders in the sample.

    Raises
    ------
    InputError
        If the parts do not fit together.
    """

    first: IntArray
    sku: IntArray
    units: IntArray
    store: IntArray
    orders_per_day: FloatArray

    def __post_init__(self) -> None:
        for name in ("first", "sku", "units", "store"):
            set_frozen(self, name, np.int64)
        set_frozen(self, "orders_per_day", np.float64)
        first, lines = self.first, self.sku.size
        is_right = first.size == self.store.size + 1 and self.units.size == lines
        is_right = is_right and first[0] == 0 and first[-1] == lines
        if not is_right or (np.diff(first) < 1).any() or (self.units < 1).any():
            found = f"{self.store.size} orders, {lines} lines"
            wanted = "orders of one or more lines, each line of one or more units"
            raise InputError(_issue("bad-baskets", found, wanted))

    def misfits(self, num_stores: int, num_skus: int) -> list[Issue]:
        """Return what does not fit stores and SKUs."""
        found = []
        for name, count in (("store", num_stores), ("sku", num_skus)):
            values = getattr(self, name)
            if values.size and (values.min() < 0 or values.max() >= count):
                said = f"{int(values.min())} to {int(values.max())}"
                found.append(_issue("out-of-range", said, f"numbers of a {name} below {count}"))
        rate = self.orders_per_day
        if rate.shape != (num_stores,) or not ((rate >= 0) & (rate <= 1e7)).all():
            wanted = f"{num_stores} numbers from 0 to 1e7 of orders_per_day"
            found.append(_issue("out-of-range", f"shape {rate.shape}", wanted))
        elif not found:
            num_orders = np.bincount(self.store, minlength=num_stores)
            if ((rate > 0) & (num_orders == 0)).any():
                bare = int(np.flatnonzero((rate > 0) & (num_orders == 0))[0])
                found.append(_issue("bad-baskets", f"none of store {bare}", "orders to draw from"))
        return found

    def mean_units(self, num_stores: int, num_skus: int) -> FloatArray:
        """Return the mean demand of a day that the orders amount to, (S, K)."""
        return self._moment(self.units.astype(np.float64), num_stores, num_skus)

    def variance_units(self, num_stores: int, num_skus: int) -> FloatArray:
        """Return its variance: orders come as Poisson, so it is the rate times E[units^2]."""
        of = np.repeat(np.arange(self.store.size), np.diff(self.first)) * num_skus + self.sku
        _, place = np.unique(of, return_inverse=True)
        total = np.bincount(place, weights=self.units)
        weight = np.asarray(self.units * total[place], dtype=np.float64)
        return self._moment(weight, num_stores, num_skus)

    def _moment(self, weight: FloatArray, num_stores: int, num_skus: int) -> FloatArray:
        count = np.maximum(np.bincount(self.store, minlength=num_stores), 1)
        store = np.repeat(self.store, np.diff(self.first))
        total = np.bincount(
            store * num_skus + self.sku, weights=weight, minlength=num_stores * num_skus
        )
        rate = self.orders_per_day / count
        return np.asarray(total.reshape(num_stores, num_skus) * rate[:, None])

    def draw(self, rng: np.random.Generator) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Draw the orders of a day: store of each order, then order, SKU and units of each line.

        Orders stand in the sequence in which they come.
        """
        by_store = np.argsort(self.store, kind="stable")
        begin = np.searchsorted(self.store[by_store], np.arange(self.orders_per_day.size))
        has = np.bincount(self.store, minlength=self.orders_per_day.size)
        count = rng.poisson(self.orders_per_day)
        store = rng.permutation(np.repeat(np.arange(count.size), count))
        pick = np.floor(rng.random(store.size) * has[store]).astype(np.int64)
        basket = by_store[begin[store] + np.minimum(pick, has[store] - 1)]
        length = self.first[basket + 1] - self.first[basket]
        order = np.repeat(np.arange(store.size), length)
        ends = np.cumsum(length)
        line = np.arange(order.size) - np.repeat(ends - length, length)
        line += np.repeat(self.first[basket], length)
        return store, order, self.sku[line], self.units[line]


def _issue(code: str, found: str, wanted: str) -> Issue:
    return Issue(code=code, where="baskets", found=found, wanted=wanted)
