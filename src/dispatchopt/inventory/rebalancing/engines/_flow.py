"""The best transfers of one SKU at given prices of lanes: a minimum-cost flow.

Units leave stores at rising cost and come to stores at falling savings, so that single units are
arcs, and the flow is whole (Ahuja, Magnanti, Orlin, Network Flows, 1993, section 14).
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import EngineError
from dispatchopt.inventory.rebalancing.engines._steps import Worth

#: Costs are scaled so that the largest is about this, in whole numbers.
_LARGEST = 2.0**34


class Flows:
    """Minimum-cost flows of all SKUs of a problem."""

    def __init__(self, worth: Worth) -> None:
        self.worth = worth
        self.problem = worth.problem

    def lanes(self, sku: int) -> IntArray:
        """Return the lanes on which a SKU can pay."""
        first = self.worth.lane_first
        return self.worth.lane[first[sku] : first[sku + 1]]

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
        from ortools.graph.python import min_cost_flow

        problem, lanes = self.problem, self.lanes(sku)
        if not lanes.size:
            return np.zeros(0, dtype=np.int64), 0.0
        tail, head = problem.lane_from[lanes], problem.lane_to[lanes]
        cost = problem.unit_cost[lanes] + (0.0 if price is None else price)
        room = problem.movable_units[tail, sku]
        if most is not None:
            room = np.minimum(room, np.maximum(most, 0.0)).astype(np.int64)
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
