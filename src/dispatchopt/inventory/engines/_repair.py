"""From prices to orders that keep every limit: trim what is too much, fill what is left."""

from __future__ import annotations

import itertools

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.engines._prices import Prices

#: Candidates for filling looked at in one go, the best first.
_MAX_CANDIDATES = 300_000
#: Rounds of filling; each settles at least the best candidate.
_MAX_ROUNDS = 60


class Repair:
    """Steps taken, and what is left of stock and room."""

    def __init__(self, prices: Prices) -> None:
        self.prices = prices
        self.steps = prices.steps
        self.is_taken = prices.is_taken()
        problem = self.steps.problem
        counts = self.steps.counts(self.is_taken)
        units = (counts * self.steps.units_of_pair()).reshape(problem.shape).astype(np.float64)
        self.stock = np.full(problem.num_skus, np.inf)
        self.room = np.full(problem.num_stores, np.inf)
        if prices.stock is not None:
            self.stock = prices.stock - units.sum(axis=0)
        if prices.room is not None:
            self.room = prices.room - units @ prices.volume

    def run(self) -> BoolArray:
        """Return which steps to take, within all limits, (E,)."""
        for sku in np.flatnonzero(self.stock < 0):
            self._trim_sku(int(sku))
        for store in np.flatnonzero(self.room < 0):
            self._trim_store(int(store))
        self._fill()
        return self.is_taken

    def cost(self) -> float:
        """Expected cost of the steps taken."""
        saved = 0.0
        for first, last in itertools.pairwise(self.prices.store_ends.tolist()):
            cut = slice(first, last)
            saved += float((self.steps.gain[cut] * self._units(cut))[self.is_taken[cut]].sum())
        return self.steps.base_cost - saved

    def _units(self, which: IntArray | slice) -> FloatArray:
        prices = self.prices
        if prices.units is None:
            return np.asarray(prices.pack[prices.sku[which]], dtype=np.float64)
        return np.asarray(prices.units[which], dtype=np.float64)

    def _store_of(self, which: IntArray) -> IntArray:
        store = np.searchsorted(self.prices.store_ends, which, side="right") - 1
        # Short integers are sorted by radix, many times faster.
        return store.astype(np.uint16) if self.room.size <= 2**16 else store

    def _trim_sku(self, sku: int) -> None:
        """Give back the steps of one SKU that save least at the present room prices."""
        prices = self.prices
        begin, count = self.steps.first[:-1], np.diff(self.steps.first)
        pairs = np.arange(sku, count.size, prices.stock_price.size)
        place = np.concatenate([np.arange(begin[n], begin[n] + count[n]) for n in pairs])
        place = place[self.is_taken[place]]
        net = self.steps.gain[place]
        net = net - prices.room_price[self._store_of(place)] * prices.volume[sku]
        order = place[np.argsort(net, kind="stable")]
        freed = np.cumsum(self._units(order))
        self._drop(order[: int(np.searchsorted(freed, -self.stock[sku])) + 1])

    def _trim_store(self, store: int) -> None:
        """Give back the steps of one store that save least per volume, net of stock prices."""
        prices = self.prices
        begin, end = int(prices.store_ends[store]), int(prices.store_ends[store + 1])
        place = begin + np.flatnonzero(self.is_taken[begin:end])
        sku = prices.sku[place]
        place = place[prices.volume[sku] > 0]
        sku = prices.sku[place]
        rate = (self.steps.gain[place] - prices.stock_price[sku]) / prices.volume[sku]
        excess, size = -float(self.room[store]), 256
        while True:
            if size < place.size:
                some = np.argpartition(rate, size)[:size]
            else:
                some = np.arange(place.size)
            volume = self._units(place[some]) * prices.volume[sku[some]]
            if size >= place.size or float(volume.sum()) >= excess:
                break
            size *= 4
        order = np.argsort(rate[some], kind="stable")
        freed = np.cumsum(volume[order])
        last = int(np.searchsorted(freed, excess))
        # Whatever of it is not needed to get below the limit stays, the dearest first.
        self._drop(place[some[order[: last + 1]]])

    def _drop(self, which: IntArray) -> None:
        self._book(which, -1.0)
        self.is_taken[which] = False

    def _book(self, which: IntArray, sign: float) -> None:
        prices = self.prices
        sku, units = prices.sku[which], sign * self._units(which)
        self.stock -= np.bincount(sku, weights=units, minlength=self.stock.size)
        self.room -= np.bincount(
            self._store_of(which), weights=units * prices.volume[sku], minlength=self.room.size
        )

    def _fill(self) -> None:
        """Take further steps as long as stock and room last, the best at present prices first."""
        place, score = self._candidates()
        if place.size > _MAX_CANDIDATES:
            best = np.argpartition(-score, _MAX_CANDIDATES)[:_MAX_CANDIDATES]
            # In the order of the list, so that ties keep the steps of a pair in sequence.
            best.sort()
            place, score = place[best], score[best]
        place = place[np.argsort(-score, kind="stable")]
        for _ in range(_MAX_ROUNDS):
            if not place.size:
                return
            sku, store = self.prices.sku[place], self._store_of(place)
            units = self._units(place)
            volume = units * self.prices.volume[sku]
            fits = _running(sku, units) <= self.stock[sku]
            fits &= _running(store, volume) <= self.room[store]
            self.is_taken[place[fits]] = True
            self._book(place[fits], 1.0)
            could = ~fits & (units <= self.stock[sku]) & (volume <= self.room[store])
            place = place[could]

    def _candidates(self) -> tuple[IntArray, FloatArray]:
        """Steps not taken that save something and fit on their own, with their net saving."""
        prices, places, scores = self.prices, [], []
        for store in range(self.room.size):
            begin, end = int(prices.store_ends[store]), int(prices.store_ends[store + 1])
            cut = slice(begin, end)
            sku = prices.sku[cut]
            gain = self.steps.gain[cut]
            units = self._units(cut)
            is_open = ~self.is_taken[cut] & (gain > 0) & (units <= self.stock[sku])
            is_open &= units * prices.volume[sku] <= self.room[store]
            some = np.flatnonzero(is_open)
            which = sku[some]
            price = prices.stock_price[which] + prices.room_price[store] * prices.volume[which]
            places.append(begin + some)
            scores.append(gain[some] - price)
        return np.concatenate(places), np.concatenate(scores)


def _running(key: np.ndarray, weight: FloatArray) -> FloatArray:
    """Running sum of the weights of equal keys, in the order given."""
    order = np.argsort(key, kind="stable")
    total = np.cumsum(weight[order])
    keys = key[order]
    is_first = np.ones(keys.size, dtype=np.bool_)
    is_first[1:] = keys[1:] != keys[:-1]
    before = np.where(is_first, total - weight[order], 0.0)
    out = np.empty(weight.size)
    out[order] = total - np.maximum.accumulate(before)
    return out
