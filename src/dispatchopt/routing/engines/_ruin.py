"""A good plan early: ruin and recreate over the trips that were enumerated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.routing.engines._columns import Columns

#: Fewer trips are solved at once by the linear programme; compiled code would only have to load.
LEAST_TRIPS = 3_000
#: Orders near each order, of all that share trips with it.
_NEAR = 40
#: Temperatures at the start, at the start from a plan, and at the end, as shares of what an order
#: costs in the mean.
_HOT, _WARM, _COLD = 0.3, 0.03, 0.003
#: Gap of a plan from which on nothing of it is worth to be kept.
_HOT_GAP = 0.03
_CHUNK = 500
#: Orders near a new one around which plans are changed, and steps for it.
_SEEDS, _ORDER_STEPS = 12, 1_000


class Ruin:
    """A search that may be gone on with.

    Parameters
    ----------
    columns
        All trips, and the refusals after them.
    metres
        Which orders are near which: ways between them, shape (num_orders, num_orders).
    most_trips
        Couriers per class, shape (num_classes,).
    """

    def __init__(self, columns: Columns, metres: IntArray, *, seed: int) -> None:
        from dispatchopt.routing.engines import _ruin_kernel

        self._kernel: Any = _ruin_kernel
        self.columns = columns
        random = stream(seed, "ruin")
        self._random = random
        n = columns.num_orders
        trips = np.flatnonzero(columns.store >= 0)
        classes = columns.members[trips, 0] - n
        base = int(columns.store.max(initial=0)) + 1
        pairs, group = np.unique(classes * base + columns.store[trips], return_inverse=True)
        self._pairs, self._base = pairs, base
        self._group_class = np.asarray(pairs // base, dtype=np.int64)
        self._mark = random.integers(1, 1 << 63, n + len(pairs)).astype(np.uint64)
        stops = columns.members[trips, 1:]
        padded = np.concatenate([self._mark[:n], np.zeros(columns.num_rows + 1 - n, np.uint64)])
        keys = self._mark[n + group] ^ np.bitwise_xor.reduce(padded[stops], axis=1)
        # Room for as many again.
        size = 1 << max(8, int(2 * len(trips) - 1).bit_length())
        self._table = (np.zeros(size, dtype=np.uint64), np.full(size, -1, dtype=np.int32))
        self._kernel.add_keys(keys, 0, *self._table)
        self._trips, self._group, self._keys = trips, group, keys
        self._cost: FloatArray = columns.cost[trips]
        sizes = (stops < n).sum(axis=1)
        self._alone = np.full((n, len(pairs)), -1, dtype=np.int32)
        single = np.flatnonzero(sizes == 1)
        self._alone[stops[single, 0], group[single]] = single
        self._price = np.zeros(len(pairs))
        self._may = _who_may(np.where(stops < n, stops, n), group, (n, len(pairs)))
        refused = np.flatnonzero(columns.store < 0)
        self._refusal = np.zeros(n)
        self._refusal[columns.members[refused, 0]] = columns.cost[refused]
        self._few = np.bincount(stops[stops < n], minlength=n).astype(np.float64)
        self._most = columns.upper[n : columns.num_rows - 1].astype(np.int64)
        self._near = nearest_first(metres)[:, : min(n, _NEAR)]
        slots = int(min(n, self._most.sum())) + 1
        self._states = tuple(self._empty(n, slots, columns.members.shape[1]) for _ in range(3))
        self._totals = np.full(2, self._refusal.sum())
        per_order = self._cost[single].mean() if len(single) else 1.0
        self._hot, self._warm = (max(1.0, share * per_order) for share in (_HOT, _WARM))
        self._cold = max(0.05, _COLD * per_order)
        self._heat = (self._hot, self._cold)

    def _empty(self, num_orders: int, slots: int, width: int) -> tuple[Any, ...]:
        return (
            np.full(num_orders, -1, dtype=np.int64),
            np.full((slots, width), -1, dtype=np.int64),
            np.zeros(slots, dtype=np.int64),
            np.zeros(slots, dtype=np.uint64),
            np.full(slots, -1, dtype=np.int64),
            np.zeros(len(self._most), dtype=np.int64),
        )

    def start_from(self, known: IntArray, gap: float = 0.0) -> None:
        """Begin with the trips of a plan, columns by number; the hotter, the wider its gap is."""
        at = np.full(len(self.columns), -1, dtype=np.int64)
        at[self._trips] = np.arange(len(self._trips))
        own = at[known]
        own = own[own >= 0]
        slots, width = self._states[0][1].shape
        nothing = self._empty(len(self._refusal), slots, width)
        for part, empty in zip(self._states[0], nothing, strict=True):
            part[:] = empty
        trip_of, members, size, key, column, used = self._states[0]
        for trip, number in enumerate(own.tolist()):
            stops = self.columns.members[self._trips[number], 1:]
            stops = stops[stops < self.columns.num_orders]
            members[trip, : len(stops)] = stops
            members[trip, -1] = self._group[number]
            size[trip], key[trip], column[trip] = len(stops), self._keys[number], number
            used[self._group_class[self._group[number]]] += 1
            trip_of[stops] = trip
        total = self._cost[own].sum() + self._refusal[trip_of < 0].sum()
        for source, target in zip(self._states[0], self._states[1], strict=True):
            target[:] = source
        self._totals[:] = total
        self._heat = (float(np.clip(gap / _HOT_GAP * self._hot, self._warm, self._hot)), self._cold)

    def price_couriers(self, saved: FloatArray) -> None:
        """Say what one courier more would save, per class: dual values of the relaxation."""
        self._price[:] = saved[self._group_class]

    def run(self, steps: int, should_stop: Callable[[], bool]) -> tuple[IntArray, float]:
        """Search; returns columns of the best plan, refusals included, and its cost."""
        hot, cold = self._heat
        chunks = max(1, -(-steps // _CHUNK))
        for chunk in range(chunks):
            if should_stop():
                break
            heat = [hot * (cold / hot) ** ((chunk + end) / chunks) for end in (0, 1)]
            self._kernel.anneal(
                self._random,
                self._states,
                self._totals,
                self._near,
                self._mark,
                (*self._table, self._cost),
                (self._alone, self._group_class, self._most, self._may, self._price),
                (self._refusal, self._few),
                (heat[0], heat[1]),
                _CHUNK,
            )
        return self._best()

    def with_order(
        self, stops: IntArray, pair: IntArray, cost: IntArray, refusal: int, near: IntArray
    ) -> float:
        """Return what is saved on the best plan and the refusal of one order more by serving it.

        Parameters
        ----------
        stops
            Other orders of each trip that could hold it, filled up with ``num_orders`` or more,
            shape (num_trips, any).
        pair, cost
            Class and store as in ``pair_of``, and cost of each of these trips.
        refusal
            What its refusal costs.
        near
            Orders near it.
        """
        n = self.columns.num_orders
        marks = np.insert(self._mark, n, np.uint64(self._random.integers(1, 1 << 63)))
        padded = np.append(self._mark[:n], np.uint64(0))
        others = np.bitwise_xor.reduce(padded[np.minimum(stops, n)], axis=1)
        keys = marks[n] ^ marks[n + 1 + pair] ^ others
        slots, at = (each.copy() for each in self._table)
        self._kernel.add_keys(keys, len(self._cost), slots, at)
        alone = np.vstack([self._alone, np.full((1, self._alone.shape[1]), -1, dtype=np.int32)])
        single = np.flatnonzero((stops >= n).all(axis=1))
        alone[n, pair[single]] = len(self._cost) + single
        trip_of, members, size, key, column, used = self._states[1]
        states = tuple(
            (
                np.append(trip_of, -1),
                *(np.concatenate([each, each[-1:] * 0]) for each in (members, size, key, column)),
                used.copy(),
            )
            for _ in range(3)
        )
        may = np.vstack([self._may, np.zeros((1, self._may.shape[1]), dtype=np.bool_)])
        may[n, pair] = True
        start = self._totals[1] + refusal
        totals = np.full(2, start)
        rows = [np.append(self._near[seed][: _SEEDS - 1], n) for seed in near[:_SEEDS]]
        first = np.append(n, near)[:_SEEDS]
        rows = [*(row for row in rows if len(row) == len(first)), first]
        self._kernel.anneal(
            self._random,
            states,
            totals,
            np.array(rows),
            marks,
            (slots, at, np.append(self._cost, cost.astype(np.float64))),
            (alone, self._group_class, self._most, may, self._price),
            (np.append(self._refusal, float(refusal)), np.append(self._few, float(len(stops)))),
            # All but a few trips stay as they are, so there is nothing to cool down from.
            (max(1.0, self._cold), self._cold),
            _ORDER_STEPS,
        )
        return float(start - totals[1])

    def pair_of(self, courier: int, store: int) -> int:
        """Return the number of a pair of class and store, -1 if no trip is known for it."""
        key = courier * self._base + store
        at = int(np.searchsorted(self._pairs, key))
        return at if at < len(self._pairs) and self._pairs[at] == key else -1

    def _best(self) -> tuple[IntArray, float]:
        columns = self.columns
        trip_of, _, size, _, column, _ = self._states[1]
        refused = np.flatnonzero(columns.store < 0)
        left = refused[trip_of[columns.members[refused, 0]] < 0]
        chosen = np.sort(np.concatenate([self._trips[column[size > 0]], left]))
        return chosen, float(self._totals[1])


def nearest_first(metres: IntArray) -> IntArray:
    """Return all orders by distance from each, itself first, shape (num_orders, num_orders)."""
    shown = metres.astype(np.float64)
    np.fill_diagonal(shown, -1.0)
    return np.argsort(shown, axis=1, kind="stable")


def _who_may(stops: IntArray, group: IntArray, shape: tuple[int, int]) -> BoolArray:
    """Return whether any trip of each pair of class and store holds each order."""
    may = np.zeros((shape[0] + 1, shape[1]), dtype=np.bool_)
    for each in stops.T:
        may[each, group] = True
    return may[:-1]


def is_plan(columns: Columns, chosen: IntArray) -> bool:
    """Whether columns hold every order once, and no class too often."""
    rows = columns.members[chosen].ravel()
    used = np.bincount(rows[rows < columns.num_rows], minlength=columns.num_rows)
    return bool((used >= columns.lower).all() and (used <= columns.upper).all())


__all__ = ["LEAST_TRIPS", "Ruin", "is_plan", "nearest_first"]
