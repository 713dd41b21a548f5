"""The orders of a day: who orders what, when; and a live stream's burst of orders."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.generators.goods import CATEGORIES, Goods
from dispatchopt.generators.hours import (
    ERRAND_EXTRA_ITEMS,
    draw_errands,
    draw_seconds,
)
from dispatchopt.generators.people import numbered
from dispatchopt.pipeline.city import Customers, DayOrders

#: Window in which a live stream starts, its length, and the share of its orders with more items.
_STREAM_START_S = (19 * 3600 + 1800, 21 * 3600)
STREAM_LENGTH_S = 1500
_STREAM_ALSO = 0.3
#: Shape of the gamma law of the items of an order beyond the first; 2 gives long tails.
_ITEMS_SHAPE = 2.0


def generate_orders(
    customers: Customers, goods: Goods, *, num_orders: int, num_stream_orders: int, seed: int
) -> DayOrders:
    """Return a day of orders, placed by customers in proportion to their demand.

    Parameters
    ----------
    customers
        At least one with demand, if there are orders.
    goods
        What baskets are drawn from; without SKUs orders have no lines.
    num_orders, num_stream_orders
        Plain orders, and orders from a live stream.
    seed
        A whole number >= 0.
    """
    count = num_orders + num_stream_orders
    is_stream = np.arange(count) >= num_orders
    errand = draw_errands(count, stream(seed, "orders", "errands"))
    placed = draw_seconds(errand, stream(seed, "orders", "times"))
    placed[is_stream] = _stream_seconds(num_stream_orders, stream(seed, "orders", "live-stream"))
    who = stream(seed, "orders", "customers")
    demand = customers.demand_units
    customer = (
        who.choice(len(customers), size=count, p=demand / demand.sum())
        if count
        else np.zeros(0, dtype=np.int64)
    )
    order, sku, units = _lines(goods, errand, is_stream, seed)
    rank = np.lexsort((np.arange(count), placed))
    place = np.empty(count, dtype=np.int64)
    place[rank] = np.arange(count)
    by_order = np.lexsort((sku, place[order]))
    counts = np.bincount(place[order], minlength=count)
    return DayOrders(
        ids=numbered("O", count),
        customer_idx=customer[rank],
        placed_s=placed[rank],
        is_surge=is_stream[rank],
        line_ptr=np.concatenate([[0], np.cumsum(counts)]),
        line_sku=sku[by_order],
        line_units=units[by_order],
    )


def _stream_seconds(count: int, random: np.random.Generator) -> IntArray:
    """Return times in a window that starts sharply and fades."""
    start = int(random.integers(_STREAM_START_S[0], _STREAM_START_S[1] + 1))
    within: IntArray = (STREAM_LENGTH_S * random.beta(1.2, 2.5, count)).astype(np.int64)
    return start + within


def _lines(
    goods: Goods, errand: IntArray, is_stream: BoolArray, seed: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Return order, SKU and units of each line; an SKU stands once in an order."""
    num_skus = len(goods.skus)
    nothing = np.zeros(0, dtype=np.int64)
    if num_skus == 0 or len(errand) == 0:
        return nothing, nothing, nothing
    order, sku, units = _items(goods, errand, is_stream, stream(seed, "orders", "items"))
    more = stream(seed, "orders", "live-stream-items")
    extra_order = np.flatnonzero(is_stream)
    order = np.concatenate([order, extra_order])
    shown = goods.stream_skus[more.integers(0, len(goods.stream_skus), len(extra_order))]
    sku = np.concatenate([sku, shown])
    units = np.concatenate([units, more.integers(1, 4, len(extra_order))])
    keys, where = np.unique(order * num_skus + sku, return_inverse=True)
    total = np.bincount(where, weights=units).astype(np.int64)
    return keys // num_skus, keys % num_skus, total


def _items(
    goods: Goods, errand: IntArray, is_stream: BoolArray, random: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray]:
    """Draw items of plain orders, and the few that people add to what a stream shows."""
    extra = ERRAND_EXTRA_ITEMS[errand]
    count = 1 + random.poisson(random.gamma(_ITEMS_SHAPE, extra / _ITEMS_SHAPE))
    adds = random.random(len(errand)) < _STREAM_ALSO
    count = np.where(is_stream, adds.astype(np.int64), count)
    order = np.repeat(np.arange(len(errand)), count)
    draw = random.random(len(order))
    sku = np.empty(len(order), dtype=np.int64)
    for number, share in enumerate(goods.item_share):
        here = errand[order] == number
        up_to = np.cumsum(share)
        sku[here] = np.searchsorted(up_to / up_to[-1], draw[here], side="right")
    sku = np.minimum(sku, len(goods.skus) - 1)
    mean = np.array([each.extra_units for each in CATEGORIES])[goods.category[sku]]
    return order, sku, 1 + random.poisson(mean)
