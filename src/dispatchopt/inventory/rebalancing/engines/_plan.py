"""Transfers of all SKUs on lanes of limited room, moved one SKU at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.rebalancing.engines._flow import Flows
from dispatchopt.inventory.rebalancing.problem import RebalancingSolution


class Plan:
    """What goes where, always within the room of the lanes."""

    def __init__(self, flows: Flows) -> None:
        self.flows = flows
        problem = flows.problem
        self.volume = problem.stock.volume_ml.astype(np.float64)
        lanes = problem.num_lanes
        capacity = problem.capacity_ml
        self.room = np.full(lanes, np.inf) if capacity is None else capacity.astype(np.float64)
        self.is_closed = np.zeros(lanes, dtype=bool)
        self.clear()

    def clear(self) -> None:
        """Send nothing."""
        problem = self.flows.problem
        self.units = [np.zeros(self.flows.lanes(k).size, np.int64) for k in range(problem.num_skus)]
        self.cost = np.zeros(problem.num_skus)
        self.load = np.zeros(problem.num_lanes)
        self.riders = np.zeros(problem.num_lanes, dtype=np.int64)
        self.is_closed[:] = False

    @property
    def total(self) -> float:
        """Cost against sending nothing."""
        used = self.riders > 0
        return float(self.cost.sum() + self.flows.problem.lane_cost[used].sum())

    def solution(self) -> RebalancingSolution:
        """Return the plan as a solution."""
        problem = self.flows.problem
        moved = np.zeros((problem.num_lanes, problem.num_skus), dtype=np.int64)
        for sku, units in enumerate(self.units):
            moved[self.flows.lanes(sku), sku] = units
        return RebalancingSolution(moved_units=moved)

    def fill(self, price: FloatArray, order: IntArray, should_stop: Callable[[], bool]) -> None:
        """Send SKU after SKU in the room that is left, at prices per ml (L,)."""
        for sku in order.tolist():
            if should_stop():
                return
            lanes = self.flows.lanes(sku)
            units, _ = self.flows.best(sku, price[lanes] * self.volume[sku], self._most(sku))
            self._put(sku, units)

    def take(self, chosen: list[IntArray]) -> None:
        """Take plans of all SKUs that fit together."""
        self.clear()
        for sku, units in enumerate(chosen):
            self._put(sku, units)

    def improve(self, should_stop: Callable[[], bool]) -> None:
        """Choose anew for each SKU in the room that the others leave, where that saves."""
        for sku in range(len(self.units)):
            if should_stop():
                return
            self._again(sku)

    def close_lanes(self, should_stop: Callable[[], bool]) -> None:
        """Close lanes whose riders save less than the lane costs, the lightest load first."""
        fixed = self.flows.problem.lane_cost
        used = np.flatnonzero((self.riders > 0) & (fixed > 0))
        for lane in used[np.argsort(self.load[used] / fixed[used], kind="stable")].tolist():
            if should_stop():
                return
            if self.riders[lane]:
                self._try_without(lane)

    def _try_without(self, lane: int) -> None:
        kept = {}
        before = self.total
        self.is_closed[lane] = True
        for sku, units in enumerate(self.units):
            lanes = self.flows.lanes(sku)
            at = np.searchsorted(lanes, lane)
            if at < lanes.size and lanes[at] == lane and units[at]:
                kept[sku] = units
                found, _ = self.flows.best(sku, self._surcharge(sku), self._most(sku))
                self._put(sku, found)
        self.is_closed[lane] = False
        if self.total >= before:
            # Room that was taken by one of them may be another's again: all leave first.
            for sku, units in kept.items():
                self._put(sku, np.zeros_like(units))
            for sku, units in kept.items():
                self._put(sku, units)

    def _again(self, sku: int) -> None:
        old, before = self.units[sku], self.total
        units, _ = self.flows.best(sku, self._surcharge(sku), self._most(sku))
        if np.array_equal(units, old):
            return
        self._put(sku, units)
        if self.total > before:
            self._put(sku, old)

    def _most(self, sku: int) -> FloatArray:
        """Units that fit on each lane of a SKU beside the others."""
        lanes, volume = self.flows.lanes(sku), self.volume[sku]
        left = self.room[lanes] - self.load[lanes] + self.units[sku] * volume
        most = np.floor(left / volume + 1e-9) if volume > 0 else np.full(lanes.size, np.inf)
        return np.where(self.is_closed[lanes], 0.0, np.minimum(most, 1e12))

    def _surcharge(self, sku: int) -> FloatArray:
        """Cost of lanes that nobody else uses, per unit that goes on them (slope scaling)."""
        lanes, own = self.flows.lanes(sku), self.units[sku]
        alone = self.riders[lanes] - (own > 0) == 0
        fixed = self.flows.problem.lane_cost[lanes]
        return np.where(alone, fixed / np.maximum(own, 1), 0.0)

    def _put(self, sku: int, units: IntArray) -> None:
        lanes, old = self.flows.lanes(sku), self.units[sku]
        self.load[lanes] += (units - old) * self.volume[sku]
        self.riders[lanes] += (units > 0).astype(np.int64) - (old > 0)
        self.units[sku] = units
        self.cost[sku] = self.flows.cost(sku, units)
