"""What an inventory document holds of the past: sales, samples of demand, orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.inventory.history import History
from dispatchopt.inventory.replay.baskets import Baskets
from dispatchopt.io.issues import Said
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.base import Parts
from dispatchopt.io.tables import Checked, flag, references

Array = npt.NDArray[Any]

#: Cells of days or samples x stores x SKUs that are laid out in memory.
_MAX_CELLS = 10**8


def history_of(parts: Parts) -> History | None:
    """Return the sales of a document; None without any, or if they are faulty."""
    table = parts["history"]
    spread = _spread(parts, table, "day", "sold_units")
    if spread is None:
        return None
    sold, place = spread
    # Days without a row are days without a sale, for pairs that have rows at all.
    listed = np.zeros(sold.shape[1:], dtype=bool)
    listed[place[1:]] = True
    is_out = np.zeros(sold.shape, dtype=bool)
    is_out[place] = table["is_out"]
    return History(sold_units=np.where(listed, sold, np.nan), is_out=is_out)


def samples_of(parts: Parts) -> Array | None:
    """Return the samples of a document, (N, S, K); None without any."""
    spread = _spread(parts, parts["samples"], "sample", "units")
    return None if spread is None else spread[0]


def _spread(
    parts: Parts, table: Checked, axis: str, value: str
) -> tuple[Array, tuple[Array, Array, Array]] | None:
    if not len(table):
        return None
    store = references(table, "store", parts["stores"], parts.issues)
    sku = references(table, "sku", parts["skus"], parts.issues)
    number = table[axis] - (table[axis].min() if axis == "day" else 0)
    check_once(table, axis, (number, store, sku), parts.issues)
    shape = (int(number.max()) + 1, len(parts["stores"]), len(parts["skus"]))
    if int(np.prod(np.array(shape, dtype=float))) > _MAX_CELLS:
        wanted = f"at most {_MAX_CELLS:,} cells of {axis}s x stores x SKUs"
        parts.issues.add("out-of-range", table.table.where, Said(f"{shape}"), wanted)
    if len(parts.issues):
        return None
    cells = np.zeros(shape)
    cells[number, store, sku] = table[value]
    return cells, (number, store, sku)


def baskets_of(parts: Parts) -> Baskets | None:
    """Return the sample of orders of a document; None without one."""
    table, issues = parts["order_lines"], parts.issues
    if not len(table):
        return None
    store = references(table, "store", parts["stores"], issues)
    sku = references(table, "sku", parts["skus"], issues)
    _, first, order = np.unique(
        np.asarray(table["order"], dtype=str), return_index=True, return_inverse=True
    )
    differs = store != store[first][order]
    flag(table, "store", differs, "conflict", "the store of the order's first line", issues)
    rate = parts["stores"]["orders_per_day"]
    has_orders = np.bincount(store[store >= 0], minlength=len(rate)) > 0
    bare = (rate > 0) & ~has_orders
    flag(parts["stores"], "orders_per_day", bare, "no-orders", "orders of the store", issues)
    if len(issues):
        return None
    by_order = np.argsort(order, kind="stable")
    return Baskets(
        first=np.concatenate([[0], np.cumsum(np.bincount(order))]),
        sku=sku[by_order],
        units=table["units"][by_order],
        store=store[first],
        orders_per_day=rate,
    )


def extras(parts: Parts) -> Mapping[str, Any]:
    """Return ``history`` and ``baskets`` of a document that has them."""
    found = {"history": history_of(parts), "baskets": baskets_of(parts)}
    parts.issues.raise_if_any()
    return {name: value for name, value in found.items() if value is not None}


def lay_out_past(
    given: Mapping[str, Any], samples: Array | None, stores: Array, skus: Array
) -> dict[str, dict[str, Any]]:
    """Return the tables of the past, by name."""
    tables: dict[str, dict[str, Any]] = {}
    if samples is not None:
        number, store, sku = np.nonzero(samples > 0)
        # A row of the last sample says how many there are.
        if not (number == len(samples) - 1).any():
            number = np.append(number, len(samples) - 1)
            store, sku = np.append(store, 0), np.append(sku, 0)
        tables["samples"] = {
            "store": stores[store],
            "sku": skus[sku],
            "sample": number,
            "units": samples[number, store, sku],
        }
    history: History | None = given.get("history")
    if history is not None:
        number, store, sku = np.nonzero(history.is_known)
        tables["history"] = {
            "store": stores[store],
            "sku": skus[sku],
            "day": number,
            "sold_units": history.sold_units[number, store, sku],
            "is_out": history.is_out[number, store, sku],
        }
    baskets: Baskets | None = given.get("baskets")
    if baskets is not None:
        count = np.diff(baskets.first)
        digits = len(str(len(count)))
        names = np.array([f"o{row:0{digits}}" for row in range(len(count))], dtype=object)
        tables["order_lines"] = {
            "order": np.repeat(names, count),
            "store": stores[np.repeat(baskets.store, count)],
            "sku": skus[baskets.sku],
            "units": baskets.units,
        }
    return tables
