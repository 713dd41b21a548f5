"""A search that closes and opens lanes that cost something, one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.inventory.rebalancing.engines._plan import Plan

#: Largest capacity that stands for none.
_ENDLESS = 1e18
#: Lanes near one that is opened that are tried to be closed, at most.
_MOST_NEAR = 6
#: Saving of a round, as a share of the cost of lanes, below which the search ends.
_LEAST = 1e-6


class Flips:
    """Transfers whose lanes are closed and opened.

    Attributes
    ----------
    change
        Change of cost so far.
    """

    def __init__(self, plan: Plan) -> None:
        worth, problem = plan.flows.worth, plan.flows.problem
        skus, lanes = problem.num_skus, problem.num_lanes
        self.plan, self.change = plan, 0.0
        capacity = problem.capacity_ml
        room = np.full(lanes, _ENDLESS) if capacity is None else capacity.astype(np.float64)
        ends = problem.lane_from, problem.lane_to
        volume = problem.stock.volume_ml.astype(np.float64)
        self._lanes = *ends, problem.unit_cost, problem.lane_cost, room, volume
        self._entries = worth.lane_first, worth.lane
        sku = np.repeat(np.arange(skus), np.diff(worth.lane_first))
        order = np.argsort(worth.lane, kind="stable")
        first = np.searchsorted(worth.lane[order], np.arange(lanes + 1))
        self._by_lane = first, order, sku[order]
        movable = np.ascontiguousarray(problem.movable_units.T)
        down, up = (worth.down.first, worth.down.cost), (worth.up.first, worth.up.cost)
        self._units = movable, down, up, np.full(movable.shape, np.nan)
        moved = np.concatenate([*plan.units, np.zeros(0, np.int64)])
        self._state = moved, plan.cost.copy(), plan.load.copy(), plan.riders.copy()
        size = moved.size
        self._inner, self._outer = (
            (np.zeros(skus, dtype=bool), np.zeros(size, np.int64), np.zeros(skus)) for _ in range(2)
        )

    def units(self) -> list[IntArray]:
        """Return the transfers, SKU by SKU."""
        return np.split(self._state[0].copy(), self._entries[0][1:-1])

    def go(self, order: IntArray, should_stop: Callable[[], bool]) -> float:
        """Improve, close, open and close again; return the change of cost of this round.

        Parameters
        ----------
        order
            Lanes that may be opened, most promising first.
        should_stop
            Asked between lanes.
        """
        begin = self.change
        self._improve()
        self._close(should_stop)
        for lane in order.tolist():
            if should_stop():
                break
            if self._state[3][lane] == 0:
                self._open(lane)
        self._improve()
        return self.change - begin

    def is_settled(self, change: float) -> bool:
        """Return whether a round that changed the cost so far saved too little to go on."""
        return -change <= _LEAST * float(self._lanes[3].sum())

    def _improve(self) -> None:
        from dispatchopt.inventory.rebalancing.engines import _compiled_flips

        self.change += _compiled_flips.improve(
            self._lanes, self._entries, self._units, self._state, self._outer
        )

    def _close(self, should_stop: Callable[[], bool]) -> None:
        from dispatchopt.inventory.rebalancing.engines import _compiled_flips

        fixed = self._lanes[3]
        _, _, load, riders = self._state
        used = np.flatnonzero((riders > 0) & (fixed > 0))
        for lane in used[np.argsort(load[used] / fixed[used], kind="stable")].tolist():
            if should_stop():
                return
            if riders[lane]:
                self.change += _compiled_flips.close(
                    lane, self._lanes, self._entries, self._by_lane, self._units, self._state,
                    self._inner, self._outer,
                )  # fmt: skip

    def _open(self, lane: int) -> None:
        from dispatchopt.inventory.rebalancing.engines import _compiled_flips

        tail, head, _, fixed, _, _ = self._lanes
        is_near = ((head == head[lane]) | (tail == tail[lane])) & (fixed > 0)
        self.change += _compiled_flips.swap(
            lane, np.flatnonzero(is_near), _MOST_NEAR, self._lanes, self._entries, self._by_lane,
            self._units, self._state, self._inner, self._outer,
        )  # fmt: skip
