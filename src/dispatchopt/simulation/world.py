"""The world of a simulated day: it moves by events, and by decisions that were checked."""

from __future__ import annotations

from collections import deque

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.dispatch.state import RECENT_S, Decision, Refusal, TripPlan
from dispatchopt.simulation.clock import Clock
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventKind
from dispatchopt.simulation.fleet import Fleet
from dispatchopt.simulation.ledger import CANCELLED, OPEN, REFUSED, RIDING, Ledger
from dispatchopt.simulation.noise import Noise
from dispatchopt.simulation.preparation import NUM_SAMPLES, Preparation
from dispatchopt.simulation.shelves import PickingHall, Shelves

#: Until an order is ready it is expected no sooner than so much after now, where dispatchers know
#: an estimate only. On MDRP days 4 minutes beat 1, 7 and 12.
OVERDUE_S = 240


class World:
    """The state of the day, changed only by ``advance`` and ``apply``."""

    def __init__(self, day: Day, noise: Noise) -> None:
        self.day, self.clock = day, Clock()
        self.hall = PickingHall(day, noise.picking)
        self.shelves = Shelves(day)
        self.ledger = Ledger(day, self.clock)
        self.fleet = Fleet(
            day=day,
            noise=noise,
            clock=self.clock,
            ledger=self.ledger,
            expected_ready_s=lambda orders: int(self.expected_ready_s(orders).max()),
        )
        self.preparation = None if day.orders.expected_ready_s is None else Preparation(day)
        self.recent_orders = np.zeros(len(day.stores), dtype=np.int64)
        self._recent: deque[tuple[int, int]] = deque()
        self.planned: tuple[TripPlan, ...] = ()
        self._last_placed_s = int(day.orders.placed_s.max(initial=0))
        self._last_off_s = int(day.couriers.off_s.max(initial=0))
        self._handlers = {
            EventKind.PLACED: self._on_placed,
            EventKind.CANCELLED: self._on_cancelled,
            EventKind.READY: self._on_ready,
            **self.fleet.handlers,
        }
        for order, placed_s in enumerate(day.orders.placed_s.tolist()):
            self.clock.at(placed_s, EventKind.PLACED, order)

    def advance(self, time_s: int) -> int:
        """Let everything happen up to and including a second; returns the number of events."""
        count = 0
        while (event := self.clock.pop_until(time_s)) is not None:
            _, kind, number = event
            self._handlers[kind](number)
            count += 1
        self.clock.now_s = time_s
        while self._recent and self._recent[0][0] < time_s - RECENT_S:
            self.recent_orders[self._recent.popleft()[1]] -= 1
        return count

    def apply(self, decision: Decision) -> None:
        """Carry out a decision that the checker has passed."""
        for order, reason in sorted(decision.refusals):
            self._close(order, REFUSED, EventKind.REFUSED, str(Refusal(reason)))
        # Orders compete for the last units in the order of their index, not of the policy's list.
        for order, store in sorted(decision.sourcing):
            self._source(order, store)
        self.fleet.send([kept for trip in decision.trips if (kept := self._sourced(trip))])
        self.fleet.move(decision.moves)
        self.planned = decision.planned

    def is_over(self) -> bool:
        """Whether nothing can change any more."""
        if self.fleet.is_busy.any() or self.clock.now_s < self._last_placed_s:
            return False
        if self.ledger.num_final == len(self.day.orders):
            return True
        # Customers may still give up, which turns open orders into cancelled ones.
        return self.clock.now_s >= self._last_off_s and self.clock.next_s is None

    def expected_ready_s(self, orders: list[int] | IntArray) -> IntArray:
        """Return when orders were or are expected to be ready; -1 where nobody can say."""
        table, known_s = self.day.orders, self.ledger.times["ready_s"][orders]
        given_s = table.ready_s[orders]
        if table.expected_ready_s is not None:
            given_s = np.maximum(table.expected_ready_s[orders], self.clock.now_s + OVERDUE_S)
            given_s = np.where(table.ready_s[orders] < 0, -1, given_s)
        sourced_s = self.ledger.times["sourced_s"][orders]
        given_s = np.where(given_s >= 0, np.maximum(given_s, sourced_s), -1)
        expected_s = np.where(given_s >= 0, given_s, self.hall.expected_ready_s[orders])
        ready_s: IntArray = np.where(known_s >= 0, known_s, expected_s)
        return ready_s

    def ready_samples_s(self, orders: IntArray) -> IntArray | None:
        """Return equally likely ready moments, shape (n, k); None where estimates have no spread.

        They are all the same where the moment is known, or where nothing tells how far it may be
        from what is expected.
        """
        if self.preparation is None:
            return None
        ready_s, status = self.ledger.times["ready_s"], self.ledger.status
        is_made = ((status == OPEN) | (status == RIDING)) & (ready_s < 0)
        is_made &= self.day.orders.ready_s >= 0
        samples_s = np.repeat(self.expected_ready_s(orders)[:, None], NUM_SAMPLES, axis=1)
        rows = np.flatnonzero(is_made[orders])
        samples_s[rows] = self.preparation.samples_s(
            self.clock.now_s, ready_s, is_made, orders[rows]
        )
        return samples_s

    def _on_placed(self, order: int) -> None:
        self.ledger.status[order] = OPEN
        self.ledger.at_door(EventKind.PLACED, order)
        late_s = self.day.rules.max_late_s
        if late_s >= 0:
            gives_up_s = int(self.day.orders.due_s[order]) + late_s
            self.clock.at(gives_up_s, EventKind.CANCELLED, order)

    def _on_cancelled(self, order: int) -> None:
        if self.ledger.status[order] == OPEN:
            self._close(order, CANCELLED, EventKind.CANCELLED, "gave-up")

    def _close(self, order: int, status: int, kind: EventKind, reason: str) -> None:
        store = int(self.ledger.store[order])
        self.ledger.close(order, status)
        self.ledger.reason[order] = reason
        self.ledger.at_door(kind, order)
        if store >= 0:
            self.shelves.put_back(order, store)
            if self.day.orders.ready_s[order] < 0:
                self.hall.leave(order, store)
                self._pick(store)

    def _source(self, order: int, store: int) -> None:
        partial = self.day.rules.is_partial_allowed
        missing = self.shelves.take(order, store, is_partial_allowed=partial)
        if missing is None:
            self.ledger.at_store(EventKind.NOT_SOURCED, store, order=order)
            return
        self.ledger.store[order] = store
        self.ledger.missing_lines[order] = missing
        self.ledger.stamp("sourced_s", order)
        self.ledger.at_store(EventKind.SOURCED, store, order=order)
        self.recent_orders[store] += 1
        self._recent.append((self.clock.now_s, store))
        given_s = int(self.day.orders.ready_s[order])
        if given_s >= 0:
            self.clock.at(given_s, EventKind.READY, order)
        else:
            self.hall.enter(order, store)
            self._pick(store)

    def _pick(self, store: int) -> None:
        for order in self.hall.start(store, self.clock.now_s):
            self.ledger.stamp("picking_s", order)
            self.ledger.at_store(EventKind.PICKING, store, order=order)
            ready_s = self.clock.now_s + self.hall.actual_s(order, store)
            self.clock.at(ready_s, EventKind.READY, order)

    def _on_ready(self, order: int) -> None:
        if self.ledger.status[order] not in (OPEN, RIDING):
            return
        store = int(self.ledger.store[order])
        self.ledger.stamp("ready_s", order)
        self.ledger.at_store(EventKind.READY, store, order=order)
        if self.day.orders.ready_s[order] < 0:
            self.hall.leave(order, store)
            self._pick(store)
        trip = int(self.ledger.trip[order])
        if trip >= 0:
            self.fleet.order_is_ready(trip)

    def _sourced(self, trip: TripPlan) -> TripPlan | None:
        """Drop orders from a trip that could not be sourced in the same decision."""
        stores = self.ledger.store
        orders = tuple(order for order in trip.orders if stores[order] == trip.store)
        return TripPlan(courier=trip.courier, store=trip.store, orders=orders) if orders else None
