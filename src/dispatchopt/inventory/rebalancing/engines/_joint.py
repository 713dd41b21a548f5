"""A bound by the best lanes into each store together.

Prices of single units let each lane choose by itself (``_loads``): two lanes into a store may
both bring the unit that it needs most, each by a part. Here lanes into a store that are worth about
what they cost are opened together, and each unit comes once. What a van takes is priced by room;
units that leave, and those that come on lanes outside of the group, have prices as before.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.rebalancing.engines._loads import Ascent, Loads
from dispatchopt.inventory.rebalancing.engines._pace import Threads

#: Lanes that are opened together at most.
_MOST_LANES = 12


class Joint(Ascent):
    """Groups of lanes into a store, beside lanes that stand alone."""

    def __init__(self, loads: Loads) -> None:
        problem = loads.problem
        self.loads = loads
        groups = _groups(loads)
        lanes = np.concatenate([*groups, np.zeros(0, np.int64)])
        first, sku = loads.entries
        count = np.diff(first)
        in_group = np.zeros(problem.num_lanes, dtype=bool)
        in_group[lanes] = True
        alone = np.repeat(~in_group, count)
        kept = np.concatenate([[0], np.cumsum(np.where(in_group, 0, count))])
        self._alone = kept, sku[alone]
        skus, places, begins = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [0]
        for group in groups:
            of = [np.arange(first[lane], first[lane + 1]) for lane in group.tolist()]
            place = np.repeat(np.arange(group.size), [rows.size for rows in of])
            rows = np.concatenate(of)
            order = np.argsort(sku[rows], kind="stable")
            skus.append(sku[rows][order])
            places.append(place[order])
            begins.append(begins[-1] + rows.size)
        self._entries = np.concatenate(skus), np.concatenate(places)
        ends = np.cumsum([0, *(group.size for group in groups)])
        self._groups = ends, lanes, np.array(begins)
        per_lane = loads.most_units
        size = 1 + max((int(per_lane[group].sum()) for group in groups), default=0)
        # Groups do not touch each other: threads save time only.
        parts = loads.num_parts
        cut = np.searchsorted(begins, begins[-1] * np.arange(1, parts) / parts)
        self._parts = list(itertools.pairwise([0, *cut.tolist(), len(groups)]))
        self._rooms = [_room(size, problem.num_skus) for _ in self._parts]
        self._threads = Threads(parts)
        self._known = np.empty((parts, 1 << max((g.size for g in groups), default=0)))
        self.price = np.concatenate([loads.price, np.zeros(problem.num_lanes)])
        last_ml = loads.about()[1]
        self.price[loads.price.size + lanes] = (last_ml * loads.lanes[4])[lanes]
        self._release(in_group, first)
        self._sizes = np.append(loads.sizes, loads.price.size)
        self.weight = np.concatenate([loads.weight, np.ones(problem.num_lanes)])
        self.bound = -np.inf

    def _release(self, in_group: BoolArray, first: IntArray) -> None:
        """Drop prices of units that only lanes of one group bring: each comes once anyway."""
        loads, problem = self.loads, self.loads.problem
        outside = np.zeros(problem.num_stores, dtype=bool)
        outside[problem.lane_to[~in_group & (np.diff(first) > 0)]] = True
        store = loads.worth.up.store
        self.price[: store.size][~outside[store]] = 0.0

    def evaluate(self, price: FloatArray) -> tuple[float, FloatArray]:
        """Return the bound at some prices, and its slope by price."""
        from dispatchopt.inventory.rebalancing.engines import _compiled_joint

        loads = self.loads
        none = np.empty((2, 0))
        value, slope = loads.load(price[: loads.price.size], self._alone, (none[0], none[1]))
        prices = tuple(np.split(price, self._sizes))
        slopes = np.zeros((len(self._parts), price.size))
        slopes[0, : slope.size] = slope

        def choose(part: int) -> float:
            return float(
                _compiled_joint.evaluate(
                    *self._parts[part], self._groups, self._entries, loads.lanes, *loads.units,
                    prices, loads.ends, tuple(np.split(slopes[part], self._sizes)),
                    self._rooms[part], self._known[part],
                )
            )  # fmt: skip

        value += sum(self._threads.do(choose, range(len(self._parts))))
        return value, slopes.sum(axis=0)


def _room(size: int, skus: int) -> tuple[Any, ...]:
    """Return arrays for units and sources of a group, SKU by SKU."""
    floats, numbers = np.empty((2, size)), np.empty((3, size), dtype=np.int64)
    index = np.empty((3, skus + 2), dtype=np.int64)
    return *index, (floats[0], numbers[0]), (floats[1], numbers[1], numbers[2])


def _groups(loads: Loads) -> list[IntArray]:
    """Return lanes into each store that pay nearly, dearest first, up to a number."""
    problem = loads.problem
    found = []
    net = loads.about()[0] - problem.lane_cost
    for store in range(problem.num_stores):
        lanes = np.flatnonzero((problem.lane_to == store) & (problem.lane_cost > 0))
        lanes = lanes[np.argsort(-net[lanes], kind="stable")][:_MOST_LANES]
        if lanes.size > 1:
            found.append(lanes)
    return found
