"""Which store takes a new order: the one from which it is expected at the door soonest."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.dispatch.choice import Options
from dispatchopt.dispatch.inbound import Inbound
from dispatchopt.dispatch.state import DispatchState, Refusal
from dispatchopt.dispatch.timing import drive_s

#: Seconds between two trips of a courier, to guess when those beyond the known ones are back.
_ROUND_S = 1200
#: When nobody is in sight, a courier is guessed to come after this time.
_NOBODY_S = 3600


class Sourcing:
    """Choices of stores at one tick; each choice lengthens the queue that the next one sees."""

    def __init__(
        self,
        state: DispatchState,
        options: Options,
        near: Inbound,
        missing_s: int,
        way_weight: float,
    ) -> None:
        self._state, self._options, self._near = state, options, near
        self._missing_s, self._way_weight = missing_s, way_weight
        self._picker_free_s = state.stores.picker_free_s.astype(np.float64)
        queued = state.orders.store[state.orders.store >= 0]
        self._backlog = np.bincount(queued, minlength=len(state.stores))
        slowdown = state.travel.slowdown(state.now_s)
        self._door_s = drive_s(options.free_flow_s, slowdown)

    def decide(self) -> tuple[list[tuple[int, int]], list[tuple[int, Refusal]]]:
        """Return (row, store) choices and (row, reason) refusals, oldest orders first."""
        state, options = self._state, self._options
        usable = np.flatnonzero(options.is_usable)
        rows, starts = np.unique(options.row[usable], return_index=True)
        chosen: list[tuple[int, int]] = []
        refused: list[tuple[int, Refusal]] = []
        spans = dict(zip(rows.tolist(), np.split(usable, starts[1:]), strict=False))
        for row in rows[np.lexsort((rows, state.orders.placed_s[rows]))].tolist():
            option = self._best(row, spans[row])
            if option is None:
                refused.append((row, Refusal.OVERLOAD))
            else:
                store = int(options.store[option])
                chosen.append((row, store))
                self._take(row, store)
        return chosen, refused

    def _best(self, row: int, among: IntArray) -> int | None:
        """Return the best option, or None where the customer would give up before it arrives."""
        state, options, rules = self._state, self._options, self._state.rules
        orders = state.orders
        store = options.store[among]
        if orders.ready_s[row] >= 0:
            ready_s = np.full(len(among), max(state.now_s, int(orders.ready_s[row])), dtype=float)
        else:
            work_s = self._work_s(row, store)
            ready_s = np.maximum(state.now_s, self._picker_free_s[store]) + work_s
        courier_s = np.array([self._courier_s(int(each)) for each in store])
        pickup_s = np.maximum(ready_s, courier_s)
        arrival_s = pickup_s + rules.pickup_s + self._door_s[among]
        cost = arrival_s + self._way_weight * self._door_s[among]
        cost = cost + self._missing_s * options.missing[among]
        best = int(np.lexsort((store, cost))[0])
        # An order leaves the store only if a courier takes it before the customer gives up.
        gives_up_s = int(orders.due_s[row]) + rules.max_late_s
        if rules.max_late_s >= 0 and float(pickup_s.min()) > gives_up_s:
            return None
        return int(among[best])

    def _work_s(self, row: int, store: IntArray) -> IntArray:
        stores = self._state.stores
        work_s: IntArray = (
            stores.pick_base_s[store]
            + stores.pick_line_s[store] * self._state.orders.num_lines[row]
        )
        return work_s

    def _courier_s(self, store: int) -> float:
        """Guess when a courier can take one more order at a store, behind those in its queue."""
        near = self._near
        here_s = near.here_s[near.ptr[store] : near.ptr[store + 1]]
        if not len(here_s):
            return float(self._state.now_s + _NOBODY_S)
        rounds, place = divmod(int(self._backlog[store]), len(here_s))
        return float(here_s[place] + rounds * _ROUND_S)

    def _take(self, row: int, store: int) -> None:
        self._backlog[store] += 1
        if self._state.orders.ready_s[row] < 0:
            work_s = float(self._work_s(row, np.array([store]))[0])
            pickers = max(1, int(self._state.stores.pickers[store]))
            free_s = max(float(self._state.now_s), float(self._picker_free_s[store]))
            self._picker_free_s[store] = free_s + work_s / pickers
