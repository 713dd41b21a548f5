"""The same day otherwise: other demand, couriers, shifts, promise, stores.

All variants of a day keep what chance has in store for what they share: orders and couriers that
are added come last, and couriers who are left out keep their row with a shift of no length, so that
draws that belong to an order or a courier stay with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.dispatch.tables import Couriers, Orders, Stores
from dispatchopt.simulation.day import Day

#: Standard deviation of the shift of an order that is drawn again, in seconds.
_JITTER_S = 600
#: Moments are moved by whole minutes, as some days know no seconds.
_STEP_S = 60


def redrawn(day: Day, seed: int) -> Day:
    """Return a day with other orders of the same kind.

    As many orders as a Poisson draw with the day's number as mean are drawn with replacement; each
    is placed up to some ten minutes earlier or later. Due and ready times move along.
    """
    rng = stream(seed, "questions", "orders")
    n = len(day.orders)
    rows = rng.integers(n, size=rng.poisson(n)) if n else np.zeros(0, dtype=np.int64)
    moved_s = np.round(rng.normal(0, _JITTER_S / _STEP_S, len(rows))).astype(np.int64) * _STEP_S
    moved_s = np.maximum(moved_s, -day.orders.placed_s[rows] // _STEP_S * _STEP_S)
    moved_s = np.maximum(moved_s, -day.orders.placed_s[rows])
    order = np.lexsort((rows, day.orders.placed_s[rows] + moved_s))
    rows, moved_s = rows[order], moved_s[order]
    ids = [f"{day.orders.ids[row]}~{number}" for number, row in enumerate(rows.tolist())]
    return replace(day, orders=_taken(day.orders, rows, moved_s, ids))


def with_surge(day: Day, factor: float, from_s: int, to_s: int, seed: int = 1) -> Day:
    """Return a day with ``factor`` times the orders placed in [from_s, to_s); factor >= 1."""
    rng = stream(seed, "questions", "surge")
    placed_s = day.orders.placed_s
    inside = np.flatnonzero((placed_s >= from_s) & (placed_s < to_s))
    count = round((factor - 1) * len(inside))
    if count <= 0:
        return day
    # The same seed gives the surge of a smaller factor as a part of that of a larger one.
    rows = inside[rng.permuted(np.tile(np.arange(len(inside)), -(-count // len(inside))))[:count]]
    at_s = rng.integers(from_s // _STEP_S, max(from_s // _STEP_S + 1, to_s // _STEP_S), count)
    moved_s = at_s * _STEP_S - placed_s[rows]
    ids = [f"surge{number}-{day.orders.ids[row]}" for number, row in enumerate(rows.tolist())]
    more = _taken(day.orders, rows, moved_s, ids)
    return replace(day, orders=_joined(day.orders, more))


def with_promise(day: Day, promise_s: int) -> Day:
    """Return a day on which every order is due so long after its placement."""
    orders = replace(day.orders, due_s=day.orders.placed_s + promise_s)
    return replace(day, orders=orders, rules=replace(day.rules, promise_s=promise_s))


def with_couriers(day: Day, count: int) -> Day:
    """Return a day with so many shifts: some left out, or some twice, spread over the day."""
    k = len(day.couriers)
    if count >= k:
        return add_shifts(day, _spread(day, count - k)) if k else day
    dropped = _spread(day, k - count)
    off_s = day.couriers.off_s.copy()
    off_s[dropped] = day.couriers.on_s[dropped]
    return replace(day, couriers=replace(day.couriers, off_s=off_s))


def _spread(day: Day, count: int) -> IntArray:
    """Return rows of couriers, evenly over the starts of shifts; all several times if need be."""
    order = np.lexsort((np.arange(len(day.couriers)), day.couriers.on_s))
    whole, rest = divmod(count, max(1, len(order)))
    at = ((np.arange(rest) + 0.5) * len(order) / max(1, rest)).astype(np.int64)
    rows: IntArray = np.concatenate([np.tile(order, whole), order[at]])
    return rows


def add_shifts(
    day: Day, rows: Sequence[int] | IntArray, on_s: int | None = None, off_s: int | None = None
) -> Day:
    """Return a day with some couriers once more, at times of their own if these are given."""
    table, at = day.couriers, np.asarray(rows, dtype=np.int64)
    ids = [f"{table.ids[row]}+{number}" for number, row in enumerate(at.tolist(), len(table))]
    more = {
        name: getattr(table, name)[at]
        for name in ("place_idx", "store_idx", "on_s", "off_s", "capacity_orders", "capacity_ml")
    }
    more["on_s"] = more["on_s"] if on_s is None else np.full(len(at), on_s)
    more["off_s"] = more["off_s"] if off_s is None else np.full(len(at), off_s)
    couriers = Couriers(
        ids=(*table.ids, *ids),
        pace=np.concatenate([table.pace, table.pace[at]]),
        vehicle=(*table.vehicle, *(table.vehicle[row] for row in at)) if table.vehicle else (),
        **{name: np.concatenate([getattr(table, name), column]) for name, column in more.items()},
    )
    return replace(day, couriers=couriers)


def without_couriers(day: Day) -> Day:
    """Return a day on which nobody comes to work."""
    return replace(day, couriers=replace(day.couriers, off_s=day.couriers.on_s))


def with_store(day: Day, place: int, reach_m: int, like: int = 0) -> Day:
    """Return a day with one more store, which may serve the orders within reach.

    Parameters
    ----------
    day
        The day.
    place
        Index of the place where it stands.
    reach_m
        Longest way to a customer in metres.
    like
        The store whose pickers, hours and stock it has as well.
    """
    stores, orders, new = day.stores, day.orders, len(day.stores)
    columns = ("pickers", "pick_base_s", "pick_line_s", "open_s", "close_s")
    more = {name: np.append(getattr(stores, name), getattr(stores, name)[like]) for name in columns}
    stock = stores.stock_units
    table = Stores(
        ids=(*stores.ids, f"{stores.ids[like]}+{place}"),
        place_idx=np.append(stores.place_idx, place),
        stock_units=None if stock is None else np.vstack([stock, stock[like]]),
        **more,
    )
    far_m, _ = day.travel.pairs(np.full(len(orders), place), orders.place_idx)
    # An order whose time of readiness is given is ready at its own store only.
    near = np.flatnonzero((far_m <= reach_m) & (orders.ready_s < 0))
    counts = np.diff(orders.option_ptr)
    owner = np.concatenate([np.repeat(np.arange(len(orders)), counts), near])
    option = np.concatenate([orders.option_store, np.full(len(near), new)])
    order = np.lexsort((option, owner))
    ptr = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(orders)))])
    return replace(
        day,
        stores=table,
        orders=replace(orders, option_ptr=ptr, option_store=option[order]),
    )


def without_store(day: Day, store: int, from_s: int = 0) -> Day:
    """Return a day on which a store takes on nothing from a second on."""
    close_s = day.stores.close_s.copy()
    close_s[store] = min(int(close_s[store]), from_s)
    return replace(day, stores=replace(day.stores, close_s=close_s))


def with_store_means(day: Day) -> Day:
    """Return a day whose dispatchers expect the mean preparation time of each store.

    Orders whose time is given become ready as before; until they are, only the mean over the
    orders of the same store (the first of those that may serve it) is known, in whole seconds.
    """
    orders = day.orders
    first = np.full(len(orders), -1)
    has_store = np.diff(orders.option_ptr) > 0
    first[has_store] = orders.option_store[orders.option_ptr[:-1][has_store]]
    # Orders without a store share the last entry.
    count = np.zeros(len(day.stores) + 1)
    total = np.zeros(len(day.stores) + 1)
    rows = np.flatnonzero(orders.ready_s >= 0)
    np.add.at(count, first[rows], 1)
    np.add.at(total, first[rows], orders.ready_s[rows] - orders.placed_s[rows])
    mean_s = np.rint(total / np.maximum(count, 1)).astype(np.int64)
    expected_s = np.where(orders.ready_s >= 0, orders.placed_s + mean_s[first], -1)
    return replace(day, orders=replace(orders, expected_ready_s=expected_s))


def _taken(orders: Orders, rows: IntArray, moved_s: IntArray, ids: Sequence[str]) -> Orders:
    """Return some rows, with their moments moved."""
    options, lines = _gathered(orders.option_ptr, rows), _gathered(orders.line_ptr, rows)
    ready_s = orders.ready_s[rows]
    return Orders(
        ids=tuple(ids),
        place_idx=orders.place_idx[rows],
        placed_s=orders.placed_s[rows] + moved_s,
        due_s=orders.due_s[rows] + moved_s,
        ready_s=np.where(ready_s >= 0, ready_s + moved_s, -1),
        option_ptr=options[0],
        option_store=orders.option_store[options[1]],
        line_ptr=lines[0],
        line_sku=orders.line_sku[lines[1]],
        line_units=orders.line_units[lines[1]],
        load_ml=orders.load_ml[rows],
        expected_ready_s=_moved_estimates(orders, rows, moved_s),
    )


def _moved_estimates(orders: Orders, rows: IntArray, moved_s: IntArray) -> IntArray | None:
    if orders.expected_ready_s is None:
        return None
    expected_s = orders.expected_ready_s[rows]
    return np.where(expected_s >= 0, expected_s + moved_s, -1)


def _gathered(ptr: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Return new pointers, and where the entries of some rows stand."""
    lengths = ptr[rows + 1] - ptr[rows]
    new = np.concatenate([[0], np.cumsum(lengths)])
    return new, np.arange(new[-1]) + np.repeat(ptr[rows] - new[:-1], lengths)


def _joined(first: Orders, then: Orders) -> Orders:
    columns = ["place_idx", "placed_s", "due_s", "ready_s", "load_ml"]
    columns += ["option_store", "line_sku", "line_units"]
    both = {name: np.concatenate([getattr(first, name), getattr(then, name)]) for name in columns}
    for name in ("option_ptr", "line_ptr"):
        start = getattr(first, name)
        both[name] = np.concatenate([start, start[-1] + getattr(then, name)[1:]])
    if first.expected_ready_s is not None or then.expected_ready_s is not None:
        both["expected_ready_s"] = np.concatenate(
            [
                each.ready_s if each.expected_ready_s is None else each.expected_ready_s
                for each in (first, then)
            ]
        )
    return Orders(ids=(*first.ids, *then.ids), **both)
