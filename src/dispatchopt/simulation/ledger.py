"""What is kept about each order while a day runs, and the log of events."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.simulation.clock import Clock
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventKind

#: States of an order while the day runs.
HIDDEN, OPEN, RIDING, DELIVERED, REFUSED, CANCELLED = range(6)
_TIMES = ("sourced_s", "picking_s", "ready_s", "assigned_s", "pickup_s", "delivered_s")


class Ledger:
    """Order columns and event rows, written by the world and its couriers."""

    def __init__(self, day: Day, clock: Clock) -> None:
        n = len(day.orders)
        self.clock = clock
        self.status = np.full(n, HIDDEN, dtype=np.int64)
        self.store = np.full(n, -1, dtype=np.int64)
        self.trip = np.full(n, -1, dtype=np.int64)
        self.missing_lines = np.full(n, -1, dtype=np.int64)
        self.times: dict[str, IntArray] = {name: np.full(n, -1, dtype=np.int64) for name in _TIMES}
        self.reason: dict[int, str] = {}
        self.declined: dict[int, list[int]] = {}
        self.rows: list[tuple[int, int, int, int, int, int]] = []
        self.num_final = 0
        self._customer = day.orders.place_idx
        self._store_place = day.stores.place_idx

    def note(self, kind: EventKind, *, courier: int = -1, place: int) -> None:
        """Log an event that concerns no order."""
        self.rows.append((self.clock.now_s, int(kind), -1, courier, -1, int(place)))

    def at_store(self, kind: EventKind, store: int, *, order: int = -1, courier: int = -1) -> None:
        """Log an event at a store."""
        place = int(self._store_place[store])
        self.rows.append((self.clock.now_s, int(kind), order, courier, store, place))

    def at_door(self, kind: EventKind, order: int, *, courier: int = -1) -> None:
        """Log an event at a customer's door."""
        store, place = int(self.store[order]), int(self._customer[order])
        self.rows.append((self.clock.now_s, int(kind), order, courier, store, place))

    def stamp(self, name: str, order: int) -> None:
        """Keep the time of a step of an order."""
        self.times[name][order] = self.clock.now_s

    def close(self, order: int, status: int) -> None:
        """Give an order its final state."""
        self.status[order] = status
        self.num_final += 1
