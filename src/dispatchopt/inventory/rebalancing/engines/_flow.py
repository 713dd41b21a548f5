"""The best transfers of SKUs at given prices of lanes: a minimum-cost flow each.

Units leave stores at rising cost and come to stores at falling savings, so that single units are
arcs, and the flow is whole (Ahuja, Magnanti, Orlin, Network Flows, 1993, section 14). Large
problems go to a compiled kernel, which begins at the prices of units that it found before.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import EngineError
from dispatchopt.inventory.rebalancing.engines._steps import Worth
from dispatchopt.inventory.rebalancing.problem import RebalancingSolution

#: Costs are scaled so that the largest is about this, in whole numbers.
_LARGEST = 2.0**34
#: Units and lanes that can pay from which the kernel is worth its start, and its first compilation.
_MIN_COMPILED = 150_000
#: SKUs times lanes that are solved between two looks at the clock.
_CHUNK = 200_000


class Flows:
    """Minimum-cost flows of all SKUs of a problem.

    Parameters
    ----------
    worth
        Units and lanes that can pay.
    min_compiled
        How many of them together are worth the kernel.
    """

    def __init__(self, worth: Worth, min_compiled: int = _MIN_COMPILED) -> None:
        self.worth = worth
        self.problem = worth.problem
        size = worth.lane.size + worth.down.store.size + worth.up.store.size
        self.is_compiled = size >= min_compiled
        if self.is_compiled:
            problem = worth.problem
            self._movable = np.ascontiguousarray(problem.movable_units.T)
            self._unit_worth = np.full(self._movable.shape, np.nan)
            self._cost = problem.unit_cost[worth.lane]
            self._down = worth.down.first, worth.down.cost
            self._up = worth.up.first, worth.up.cost

    def lanes(self, sku: int) -> IntArray:
        """Return the lanes on which a SKU can pay."""
        first = self.worth.lane_first
        return self.worth.lane[first[sku] : first[sku + 1]]

    def all(
        self, price: FloatArray | None, should_stop: Callable[[], bool]
    ) -> tuple[IntArray, FloatArray, int]:
        """Return units on all lanes of all SKUs, bounds on their cost, and SKUs that were done.

        Parameters
        ----------
        price
            Added to the cost of a unit on each lane of each SKU, (N,), as in ``Worth.lane``;
            None for 0.
        should_stop
            Asked now and then; SKUs that were not reached are left without transfers.
        """
        worth = self.worth
        units, bound = np.zeros(worth.lane.size, dtype=np.int64), np.zeros(self.problem.num_skus)
        if self.is_compiled:
            return units, bound, self._all_compiled(price, (units, bound), should_stop)
        for sku in range(bound.size):
            rows = slice(worth.lane_first[sku], worth.lane_first[sku + 1])
            extra = None if price is None else price[rows]
            units[rows], bound[sku] = self.best(sku, extra)
            if sku % 20 == 0 and should_stop():
                return units, bound, sku + 1
        return units, bound, bound.size

    def _all_compiled(
        self,
        price: FloatArray | None,
        out: tuple[IntArray, FloatArray],
        should_stop: Callable[[], bool],
    ) -> int:
        from dispatchopt.inventory.rebalancing.engines import _compiled

        problem, worth, skus = self.problem, self.worth, self.problem.num_skus
        cost = self._cost if price is None else self._cost + price
        per_turn = max(1, _CHUNK // max(1, worth.lane.size // max(1, skus)))
        spare = np.zeros(skus)

        def work(first: int) -> bool:
            if should_stop():
                return False
            _compiled.send_all(
                np.arange(first, min(first + per_turn, skus)),
                (problem.lane_from, problem.lane_to),
                (worth.lane_first, worth.lane, cost),
                self._movable,
                self._down,
                self._up,
                self._unit_worth,
                (out[0], spare, out[1]),
            )
            return True

        turns = range(0, skus, per_turn)
        if len(turns) == 1:
            return skus if work(0) else 0
        # SKUs do not touch each other, so that threads change nothing but the time.
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            done = list(pool.map(work, turns))
        return skus if all(done) else min(skus, per_turn * sum(done))

    def best(
        self, sku: int, price: FloatArray | None = None, most: FloatArray | None = None
    ) -> tuple[IntArray, float]:
        """Return units on the lanes of a SKU, and a bound on their cost with prices.

        Parameters
        ----------
        sku
            The SKU.
        price
            Added to the cost of a unit on each of its lanes; None for 0.
        most
            Most units on each of its lanes; None for no limit.
        """
        problem, lanes = self.problem, self.lanes(sku)
        if not lanes.size:
            return np.zeros(0, dtype=np.int64), 0.0
        tail = problem.lane_from[lanes]
        cost = problem.unit_cost[lanes] + (0.0 if price is None else price)
        room = problem.movable_units[tail, sku]
        if most is not None:
            room = np.minimum(room, np.maximum(most, 0.0)).astype(np.int64)
        if self.is_compiled:
            return self._best_compiled(sku, cost, room)
        return self._best(sku, cost, room)

    def _best_compiled(self, sku: int, cost: FloatArray, room: IntArray) -> tuple[IntArray, float]:
        from dispatchopt.inventory.rebalancing.engines import _compiled

        problem, lanes, stores = self.problem, self.lanes(sku), self.problem.num_stores
        units = np.zeros(lanes.size, dtype=np.int64)
        rows = slice(sku * stores, (sku + 1) * stores + 1)
        _, bound = _compiled.send(
            (problem.lane_from[lanes], problem.lane_to[lanes]),
            (cost, room),
            self._movable[sku],
            (self._down[0][rows], self._down[1]),
            (self._up[0][rows], self._up[1]),
            self._unit_worth[sku].copy(),
            units,
        )
        return units, bound

    def _best(self, sku: int, cost: FloatArray, room: IntArray) -> tuple[IntArray, float]:
        from ortools.graph.python import min_cost_flow

        problem, lanes = self.problem, self.lanes(sku)
        tail, head = problem.lane_from[lanes], problem.lane_to[lanes]
        down, down_cost = self.worth.down.of(sku)
        up, up_gain = self.worth.up.of(sku)
        stores = problem.num_stores
        passing = np.intersect1d(tail, head)
        # Node of a store, of what leaves it (the same unless something may pass through), the rest.
        leaves = np.arange(stores)
        leaves[passing] = stores + np.arange(passing.size)
        rest = stores + passing.size
        tails = np.concatenate([leaves[tail], np.full(down.size, rest), up, passing])
        heads = np.concatenate([head, down, np.full(up.size, rest), leaves[passing]])
        single = np.ones(down.size + up.size, dtype=np.int64)
        space = np.concatenate([room, single, problem.movable_units[passing, sku]])
        costs = np.concatenate([cost, down_cost, -up_gain, np.zeros(passing.size)])
        scale = _LARGEST / max(1e-300, float(np.abs(costs).max()))
        flow = min_cost_flow.SimpleMinCostFlow()
        flow.add_arcs_with_capacity_and_unit_cost(
            tails.astype(np.int32),
            heads.astype(np.int32),
            space.astype(np.int64),
            np.rint(costs * scale).astype(np.int64),
        )
        if flow.solve() != flow.OPTIMAL:
            raise EngineError("a minimum-cost flow of transfers failed")
        units = np.asarray(flow.flows(np.arange(lanes.size, dtype=np.int32)))
        # Rounded costs are off by at most half a unit of the scale on every arc of the flow.
        slack = 0.5 * (float(units.sum()) + down.size + up.size) / scale
        return units.astype(np.int64), flow.optimal_cost() / scale - slack

    def solution(self, units: IntArray) -> RebalancingSolution:
        """Return units on all lanes of all SKUs, (N,), as a solution."""
        problem, worth = self.problem, self.worth
        moved = np.zeros((problem.num_lanes, problem.num_skus), dtype=np.int64)
        used = np.flatnonzero(units)
        sku = np.searchsorted(worth.lane_first, used, side="right") - 1
        moved[worth.lane[used], sku] = units[used]
        moved.setflags(write=False)
        return RebalancingSolution(moved_units=moved)

    def cost(self, sku: int, units: IntArray) -> float:
        """Return what transfers of a SKU cost against none, without the cost of lanes."""
        problem, lanes = self.problem, self.lanes(sku)
        used = np.flatnonzero(units)
        if not used.size:
            return 0.0
        tail, head = problem.lane_from[lanes[used]], problem.lane_to[lanes[used]]
        change = np.bincount(head, weights=units[used], minlength=problem.num_stores)
        change -= np.bincount(tail, weights=units[used], minlength=problem.num_stores)
        touched = np.flatnonzero(change)
        demand = self.worth.demand.take((touched, np.full(touched.size, sku)))
        before = problem.stock.on_hand_units[touched, sku].astype(np.float64)
        after = before + change[touched]
        held, lost = self.worth.held[touched, sku], self.worth.lost[touched, sku]
        fewer = demand.loss(before) - demand.loss(after)
        saved = (held + lost) * fewer - held * (after - before)
        return float(problem.unit_cost[lanes[used]] @ units[used]) - float(saved.sum())
