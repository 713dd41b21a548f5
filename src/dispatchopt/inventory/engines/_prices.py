"""Prices of stock and room by coordinate ascent on the Lagrangian dual.

With prices ``lambda_k`` per unit of central stock and ``mu_i`` per ml of room the problem falls
apart into pairs. For fixed ``mu`` the best ``lambda_k`` is the saving of the first step that the
stock of SKU k cannot serve, in the order of savings net of ``mu``; and the other way round. Both
are order statistics, so each half round is exact.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.engines._steps import Steps, within
from dispatchopt.inventory.levels import closed_form_packs, cost_of, pairs_at

#: The room price of a store is first sought this near to the last one.
_NEAR = 0.25


class Prices:
    """Steps in two orders, the current prices, and the dual value at them."""

    def __init__(self, steps: Steps) -> None:
        problem = steps.problem
        num_stores, num_skus = problem.shape
        self.steps = steps
        self.stock_price = np.zeros(num_skus)
        self.room_price = np.zeros(num_stores)
        self.bound = -np.inf
        self.volume = problem.volume_ml.astype(np.float64)
        self.pack = problem.case_pack_units
        units = steps.base_order.astype(np.float64)
        self.has_blocks = not steps.is_fine
        self.stock = None
        if problem.available_units is not None:
            left = np.floor((problem.available_units - units.sum(axis=0)) / self.pack)
            self.stock = left * self.pack
        self.room = None
        if problem.room_ml is not None:
            grain = max(1, int(np.gcd.reduce(problem.volume_ml * self.pack)) if num_skus else 1)
            self.room = np.floor((problem.room_ml - units @ self.volume) / grain) * grain
        self._order_by_store()
        if self.stock is not None:
            self._order_by_sku()

    def _order_by_store(self) -> None:
        steps, (num_stores, num_skus) = self.steps, self.steps.problem.shape
        count = np.diff(steps.first)
        kind = np.uint16 if num_skus <= 2**16 else np.int32
        skus = np.tile(np.arange(num_skus, dtype=kind), num_stores)
        self.sku = np.repeat(skus, count)
        self.store_ends = steps.first[:: max(1, num_skus)]
        self.units = np.repeat(steps.units_of_pair(), count) if self.has_blocks else None

    def _order_by_sku(self) -> None:
        steps, (num_stores, num_skus) = self.steps, self.steps.problem.shape
        count = np.diff(steps.first).reshape(num_stores, num_skus)
        kind = np.uint16 if num_stores <= 2**16 else np.int32
        turned = np.ascontiguousarray(count.T)
        begin = steps.first[:-1].reshape(num_stores, num_skus)
        self.sku_ends = np.concatenate([[0], np.cumsum(turned.sum(axis=1))]).astype(np.int64)
        self.store = np.repeat(np.tile(np.arange(num_stores, dtype=kind), num_skus), turned.ravel())
        self.gain_by_sku = np.empty(steps.gain.size)
        units = None if self.units is None else np.empty(steps.gain.size, dtype=np.int64)
        for sku in range(num_skus):
            each = turned[sku]
            ends = np.cumsum(each)
            shift = np.repeat(begin[:, sku] - (ends - each), each)
            place = np.arange(shift.size) + shift
            cut = slice(self.sku_ends[sku], self.sku_ends[sku + 1])
            self.gain_by_sku[cut] = steps.gain[place]
            if units is not None and self.units is not None:
                units[cut] = self.units[place]
        self.units_by_sku = units

    def price_stock(self) -> None:
        """Set the best stock prices for the present room prices, and the dual value."""
        spared = 0.0
        if self.stock is None:
            spared = self._spared_without_stock()
        else:
            for sku in range(self.stock_price.size):
                cut = slice(self.sku_ends[sku], self.sku_ends[sku + 1])
                net = self.gain_by_sku[cut]
                if self.room is not None:
                    net = net - (self.room_price * self.volume[sku])[self.store[cut]]
                spared += self._price_sku(sku, float(self.stock[sku]), net, cut)
        if self.room is not None:
            spared += float(self.room_price @ self.room)
        self.bound = self.steps.base_cost - spared + self._correction()

    def _price_sku(self, sku: int, stock: float, net: FloatArray, cut: slice) -> float:
        """Set one stock price; return what its steps and its stock take off the base cost."""
        is_paying = net > 0
        if self.units_by_sku is None:
            net = net[is_paying]
            pack = float(self.pack[sku])
            fits = int(stock // pack)
            price = 0.0
            if net.size > fits:
                at = net.size - fits
                if fits == 0:
                    price = float(net.max())
                else:
                    parted = np.partition(net, (at - 1, at))
                    price = (float(parted[at - 1]) + float(parted[at])) / 2
                spared = float(np.maximum(net - price, 0.0).sum()) * pack
            else:
                spared = float(net.sum()) * pack
        else:
            units = self.units_by_sku[cut][is_paying]
            net = net[is_paying]
            price = _weighted(net, units, stock)
            spared = float((np.maximum(net - price, 0.0) * units).sum())
        self.stock_price[sku] = price
        return spared + price * stock

    def _spared_without_stock(self) -> float:
        spared = 0.0
        for store in range(self.room_price.size):
            cut = slice(self.store_ends[store], self.store_ends[store + 1])
            sku = self.sku[cut]
            net = self.steps.gain[cut] - self.room_price[store] * self.volume[sku]
            units = self.pack[sku] if self.units is None else self.units[cut]
            spared += float((np.maximum(net, 0.0) * units).sum())
        return spared

    def price_room(self) -> None:
        """Set the best room prices for the present stock prices."""
        if self.room is None:
            return
        with np.errstate(divide="ignore"):
            inverse = np.where(self.volume > 0, 1.0 / self.volume, 0.0)
        weight = self.volume * self.pack
        for store in range(self.room_price.size):
            cut = slice(self.store_ends[store], self.store_ends[store + 1])
            sku = self.sku[cut]
            rate = (self.steps.gain[cut] - self.stock_price[sku]) * inverse[sku]
            taken = weight[sku] if self.units is None else self.volume[sku] * self.units[cut]
            room, last = float(self.room[store]), float(self.room_price[store])
            self.room_price[store] = _near(rate, taken, room, last)

    def is_taken(self) -> np.ndarray:
        """Which steps pay at the present prices, (E,)."""
        taken = np.empty(self.steps.gain.size, dtype=np.bool_)
        for store in range(self.room_price.size):
            cut = slice(self.store_ends[store], self.store_ends[store + 1])
            price = self.stock_price + self.room_price[store] * self.volume
            np.greater(self.steps.gain[cut], price[self.sku[cut]], out=taken[cut])
        return taken

    def _correction(self) -> float:
        """What the dual value changes by where a pair may take any level, not just its steps.

        With prices each pair is a newsvendor again: the price is one more cost of holding, and
        one less of shortage.
        """
        steps, problem = self.steps, self.steps.problem
        wide = steps.wide
        if not wide.size:
            return 0.0
        store, sku = np.divmod(wide, problem.num_skus)
        price = self.stock_price[sku] + self.room_price[store] * self.volume[sku]
        pairs, least = pairs_at(problem, wide)
        priced = dataclasses.replace(
            pairs,
            holding_cost=pairs.holding_cost + price,
            shortage_cost=np.maximum(pairs.shortage_cost - price, 0.0),
        )
        packs = closed_form_packs(priced)
        order = least + packs * pairs.pack_units
        loss = pairs.demand.loss(pairs.start_units + packs * pairs.pack_units)
        free = cost_of(pairs, packs, loss) + price * order
        first, after = steps.first[wide], steps.first[wide + 1]
        low = steps.low_packs[wide]
        loss = pairs.demand.loss(pairs.start_units + low * pairs.pack_units)
        base = least + low * pairs.pack_units
        each = np.repeat(np.arange(wide.size), after - first)
        gain = steps.gain[within(after - first) + first[each]]
        saved = np.maximum(gain - price[each], 0.0) * steps.units_of_pair()[wide][each]
        stepped = cost_of(pairs, low, loss) + price * base
        stepped -= np.bincount(each, weights=saved, minlength=wide.size)
        return float((free - stepped).sum())

    def carry_over(self, other: Prices) -> None:
        """Start from the prices of another object."""
        self.stock_price[:] = other.stock_price
        self.room_price[:] = other.room_price


def _near(rate: FloatArray, weight: FloatArray, limit: float, last: float) -> float:
    """Return the weighted threshold, sought around the last one first."""
    if last > 0:
        is_above = rate > last * (1 + _NEAR)
        above = float(weight[is_above].sum())
        between = np.flatnonzero((rate > last * (1 - _NEAR)) & ~is_above)
        if above <= limit < above + float(weight[between].sum()):
            return _weighted(rate[between], weight[between], limit - above)
    paying = np.flatnonzero((rate > 0) & (weight > 0))
    return _weighted(rate[paying], weight[paying], limit)


def _weighted(rate: FloatArray, weight: FloatArray | IntArray, limit: float) -> float:
    """Return the rate of the first item, from the highest down, that does not fit; 0 if all do."""
    if float(weight.sum()) <= limit:
        return 0.0
    order = np.argsort(-rate, kind="stable")
    running = np.cumsum(weight[order])
    return max(0.0, float(rate[order[int(np.searchsorted(running, limit, side="right"))]]))
