"""Order lines served from the shelves, in sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ServedLines:
    """What a day's orders took.

    Parameters
    ----------
    taken
        Units taken off each shelf, (S, K).
    lost
        Units not served, by the store that got the order, (S, K).
    sums
        Counts of orders, lines and units.
    """

    taken: FloatArray
    lost: FloatArray
    sums: Mapping[str, float]


def serve_lines(
    drawn: tuple[IntArray, IntArray, IntArray, IntArray],
    stock: FloatArray,
    backup: IntArray | None,
) -> ServedLines:
    """Serve lines one after the other, what lacks from the backup store at the end of the day.

    A line takes what is there, even if that is not all. An order is complete if all its units are
    served, from one store or two.
    """
    store_of_order, order, sku, units = drawn
    num_skus = stock.shape[1]
    store = store_of_order[order]
    wanted = units.astype(np.float64)
    first = _in_turn(store * num_skus + sku, wanted, stock.ravel())
    taken = np.bincount(store * num_skus + sku, weights=first, minlength=stock.size)
    second = np.zeros(wanted.size)
    if backup is not None:
        other = backup[store]
        lines = np.flatnonzero((other >= 0) & (first < wanted))
        key = other[lines] * num_skus + sku[lines]
        rest = (stock.ravel() - taken).clip(min=0.0)
        second[lines] = _in_turn(key, (wanted - first)[lines], rest)
        taken += np.bincount(key, weights=second[lines], minlength=stock.size)
    lost = wanted - first - second
    missing = np.bincount(store * num_skus + sku, weights=lost, minlength=stock.size)
    count = store_of_order.size
    lacks = np.bincount(order, weights=lost > 0, minlength=count)
    at_first = np.bincount(order, weights=first, minlength=count) > 0
    at_second = np.bincount(order, weights=second, minlength=count) > 0
    sums = {
        "orders": float(count),
        "orders_complete": float(np.count_nonzero(lacks == 0)),
        "orders_split": float(np.count_nonzero(at_first & at_second)),
        "lines": float(wanted.size),
        "lines_filled": float(np.count_nonzero(lost <= 0)),
        "demand_units": float(wanted.sum()),
        "served_units": float((first + second).sum()),
    }
    return ServedLines(
        taken=np.minimum(taken.reshape(stock.shape), stock),
        lost=np.asarray(missing, dtype=np.float64).reshape(stock.shape),
        sums=sums,
    )


def _in_turn(key: IntArray, wanted: FloatArray, stock: FloatArray) -> FloatArray:
    """What each line gets if the lines of one shelf are served in the order given."""
    by_key = np.argsort(key, kind="stable")
    keys, units = key[by_key], wanted[by_key]
    running = np.cumsum(units)
    is_first = np.ones(keys.size, dtype=np.bool_)
    is_first[1:] = keys[1:] != keys[:-1]
    begin = np.where(is_first, running - units, 0.0)
    before = running - units - np.maximum.accumulate(begin)
    got = np.empty(keys.size)
    got[by_key] = np.clip(stock[keys] - before, 0.0, units)
    return got
