"""A bound by the best load of every lane, and a search that loads lanes anew.

Each single unit that comes to a store, and each that leaves one, may go on one lane only. With
prices on these limits, and on units that pass through a store, lanes part: each takes its most
valuable load, a knapsack, if that is worth what the lane costs (Lagrangian relaxation; Guignard
and Kim, Mathematical Programming 39, 1987, on relaxations that keep both sides). The bound knows
what no relaxation by whole lanes does: a van is not filled by parts of units, and a lane that is
open by a third brings a third of each unit, not the dearest one whole, and takes a third of each.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.rebalancing.engines._pace import Threads
from dispatchopt.inventory.rebalancing.engines._steps import Worth

#: Weight of the newest slope in the direction.
_NEW = 0.3
#: Share of the newest slope in the mean size of slopes, and what is added to that size.
_NEW_SIZE, _LEAST_SIZE = 0.1, 0.3
#: Evaluations without a rise after which steps shrink, and by how much; where time is plenty, too.
_QUICK, _SLOW = (10, 0.7), (25, 0.8)
#: Step, as a share of Polyak's, below which prices are settled.
_LEAST_STEP = 1e-3
#: Share of the bound's size that a step aims at, at most.
_AIM = 0.01
#: Share of the distance to the target that a step aims at, where that is more.
_FAR = 0.5
#: Largest capacity that stands for none.
_ENDLESS = 1e18
#: Parts in which lanes are loaded side by side, and entries of lanes and SKUs that pay for that.
_PARTS, _MIN_SPLIT = 2, 10_000


class Ascent:
    """A bound that prices prove, raised by subgradients.

    Attributes
    ----------
    price
        The best prices known, >= 0, (n,).
    bound
        Their bound on the saving of all transfers, negative.
    weight
        How far each price moves per slope, (n,): one of many units has a steep slope.
    """

    price: FloatArray
    bound: float
    weight: FloatArray

    def evaluate(self, price: FloatArray) -> tuple[float, FloatArray]:
        """Return the bound at some prices, and its slope by price."""
        raise NotImplementedError

    def ascend(
        self, target: float, count: int, should_stop: Callable[[], bool], *, is_slow: bool = False
    ) -> Iterator[float]:
        """Raise the bound by subgradients (Held, Wolfe, Crowder, Math. Programming 6, 1974).

        Prices whose slopes have been steep move less, those that seldom have any move more (as
        in Duchi, Hazan, Singer, J. Machine Learning Research 12, 2011, here with a mean that
        forgets and the power 3/4): prices so do not swing about where many lanes ask for one unit.

        Parameters
        ----------
        target
            What a known answer saves, negative: no bound exceeds it.
        count
            Evaluations at most.
        should_stop
            Asked before each.
        is_slow
            Whether steps shrink late and little: the bound ends higher, in three times as many.

        Yields
        ------
        float
            The best bound after each evaluation.
        """
        price, step, waited = self.price.copy(), 1.0, 0
        patience, shrink = _SLOW if is_slow else _QUICK
        size = np.zeros(price.size)

        def evaluated() -> tuple[float, FloatArray, FloatArray]:
            value, slope = self.evaluate(price)
            size[:] += _NEW_SIZE * (self.weight * slope**2 - size)
            root = np.sqrt(np.sqrt(size) + _LEAST_SIZE)
            return value, slope, self.weight / (root * np.sqrt(root))

        direction: FloatArray | None = None
        for _ in range(count):
            if should_stop():
                return
            value, slope, weight = evaluated()
            waited = 0 if value > self.bound + 1e-6 * abs(value) else waited + 1
            if value > self.bound:
                self.bound, self.price = value, price.copy()
            yield self.bound
            if waited > patience:
                step, waited, direction = shrink * step, 0, None
                price = self.price.copy()
                value, slope, weight = evaluated()
            slope[(price <= 0) & (slope < 0)] = 0.0
            mixed = slope if direction is None else _NEW * slope + (1 - _NEW) * direction
            direction = mixed
            norm = float(mixed @ (weight * mixed))
            if step < _LEAST_STEP or norm <= 0:
                return
            far = max(_AIM * abs(target), _FAR * (target - self.bound))
            aim = min(target - value, far + (self.bound - value))
            price = np.maximum(price + step * max(aim, 1e-9) / norm * weight * mixed, 0.0)


class Loads(Ascent):
    """Lanes, single units, and their prices.

    Attributes
    ----------
    price
        The best prices known, (n,): of units that come, of units that leave, of passing through a
        pair, and of leaving it.
    bound
        Their bound on the saving of all transfers, negative.
    """

    def __init__(self, worth: Worth) -> None:
        problem = worth.problem
        self.worth, self.problem = worth, problem
        stores, skus, lanes = problem.num_stores, problem.num_skus, problem.num_lanes
        sku = np.repeat(np.arange(skus), np.diff(worth.lane_first))
        self._order = np.argsort(worth.lane, kind="stable")
        by_lane = worth.lane[self._order]
        self.entries = np.searchsorted(by_lane, np.arange(lanes + 1)), sku[self._order]
        self.lane = by_lane
        capacity = problem.capacity_ml
        size = np.full(lanes, _ENDLESS) if capacity is None else capacity.astype(np.float64)
        ends = problem.lane_from, problem.lane_to
        self.lanes = *ends, problem.unit_cost, problem.lane_cost, size
        room = np.ascontiguousarray(problem.movable_units.T.ravel())
        self.stock = stores, problem.stock.volume_ml.astype(np.float64), room
        up, down = worth.up, worth.down
        self.sizes = np.cumsum([up.cost.size, down.cost.size, room.size])
        self.price = np.zeros(int(self.sizes[-1]) + room.size)
        self.bound = -np.inf
        self.weight = np.ones(self.price.size)
        self.weight[self.sizes[-1] :] = 1.0 / np.maximum(room, 1.0) ** 2
        self._up = up.first, up.cost, np.empty(up.cost.size), np.empty(up.cost.size, np.int64)
        made = np.empty(down.cost.size), np.empty(down.cost.size, np.int64)
        self._down = down.first, down.cost, *made
        self.units = self.stock, self._up, self._down
        # A lane takes of a SKU at most what pays to come and what may pass, and what may leave.
        tail, head = (sku * stores + each[worth.lane] for each in ends)
        most = np.minimum(room[tail], np.diff(up.first)[head] + room[head])
        self.most_units = np.bincount(worth.lane, most, lanes).astype(np.int64)
        count = 1 + int(self.most_units.max(initial=0))
        self.ends = tuple(np.empty((2, stores, skus)))
        parts = _PARTS if by_lane.size >= _MIN_SPLIT else 1
        half = np.searchsorted(self.entries[0], by_lane.size * np.arange(1, parts) / parts)
        #: Lanes of each part, and room to work in.
        self._parts = list(itertools.pairwise([0, *half.tolist(), lanes]))
        self._count = count
        self._rooms = [_room(count) for _ in self._parts]
        self._threads = Threads(parts)

    def evaluate(self, price: FloatArray) -> tuple[float, FloatArray]:
        """Return the bound at some prices, and its slope by price."""
        none = np.empty((2, 0))
        return self.load(price, self.entries, (none[0], none[1]))

    def about(self) -> tuple[FloatArray, FloatArray]:
        """Return what the best load of each lane saves, and its last ml, at the best prices."""
        about = np.zeros((2, self.problem.num_lanes))
        self.load(self.price, self.entries, (about[0], about[1]))
        return about[0], about[1]

    def load(
        self, price: FloatArray, entries: Any, about: tuple[FloatArray, FloatArray]
    ) -> tuple[float, FloatArray]:
        """Return the bound of single lanes with some entries at some prices, and its slope."""
        from dispatchopt.inventory.rebalancing.engines import _compiled_lanes

        prices, slopes = np.split(price, self.sizes), np.zeros((len(self._parts), price.size))
        slope = [tuple(np.split(each, self.sizes)) for each in slopes]
        units = *self.units, tuple(prices)
        value = float(_compiled_lanes.set_prices(*units, slope[0], self.ends))
        full = about[0] if about[0].size else np.zeros(self.problem.num_lanes)
        cost = self.lanes[3]

        def load(part: int) -> None:
            room = slope[part], *self._rooms[part], (full, about[1])
            lanes = *self._parts[part], self.lanes, entries
            _compiled_lanes.evaluate(*lanes, *units, self.ends, *room)

        # Slopes are whole numbers, and values are summed lane by lane: parts change no bit.
        self._threads.do(load, range(len(self._parts)))
        return value - float(np.maximum(full - cost, 0.0).sum()), slopes.sum(axis=0)

    @property
    def is_paid(self) -> bool:
        """Whether lanes cost something."""
        return bool((self.problem.lane_cost > 0).any())

    @property
    def num_parts(self) -> int:
        """Parts in which lanes are loaded side by side."""
        return len(self._parts)

    def reduced(self) -> FloatArray:
        """Return what a first unit saves at the best prices and those of room, by lane, (E,)."""
        lane, sku = self.lane, self.entries[1]
        last_ml = self.about()[1]
        tail, head = (each[lane] for each in self.lanes[:2])
        net = self.ends[0][head, sku] - self.ends[1][tail, sku] - self.lanes[2][lane]
        return np.asarray(net - last_ml[lane] * self.stock[1][sku])

    def new_room(self) -> tuple[Any, Any]:
        """Return arrays for the items of a lane, and for a knapsack of them."""
        return _room(self._count)

    def by_lane(self, units: list[IntArray]) -> IntArray:
        """Return transfers by lane from those by SKU."""
        return np.concatenate([*units, np.zeros(0, np.int64)])[self._order]

    def by_sku(self, moved: IntArray) -> list[IntArray]:
        """Return transfers by SKU from those by lane."""
        units = np.empty_like(moved)
        units[self._order] = moved
        return np.split(units, self.worth.lane_first[1:-1])


def _room(count: int) -> tuple[Any, Any]:
    """Return arrays for the items of a lane, and for a knapsack of them."""
    values, numbers = np.empty((2, count)), np.empty((4, count), dtype=np.int64)
    return (*values, *numbers), tuple(np.empty((3, count), dtype=np.int64))
