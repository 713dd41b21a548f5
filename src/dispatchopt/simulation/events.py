"""Events of a day, their total order, and the log that keeps them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import IntArray, frozen, set_frozen


class EventKind(enum.IntEnum):
    """Kinds of events, in the order in which they take effect within one second."""

    PLACED = 0  # a customer orders
    DELIVERED = 1  # an order is handed over at the door
    FREED = 2  # a courier has left the last door of a trip
    STOPPED = 3  # a courier ends a move without goods
    CANCELLED = 4  # a customer gives up
    REFUSED = 5  # the policy refuses an order
    SOURCED = 6  # the policy chooses the store
    NOT_SOURCED = 7  # the store chosen had nothing left of the order
    PICKING = 8  # a picker starts
    READY = 9  # an order is picked
    ASSIGNED = 10  # an order is put on a trip
    DECLINED = 11  # a courier declines an order's trip
    MOVED = 12  # a courier starts a move without goods
    ARRIVED = 13  # a courier arrives at the store
    PICKED_UP = 14  # an order is taken over at the store
    LEFT = 15  # a courier goes home early, or does not come
    BREAK = 16  # a courier begins a break
    BACK = 17  # a courier is back from a break


@dataclass(frozen=True, kw_only=True, eq=False)
class EventLog:
    """All events, sorted by time, kind, order and courier.

    Parameters
    ----------
    time_s
        Second of the day, shape (n,).
    kind
        ``EventKind`` code.
    order, courier, store, place
        What it is about; -1 where that does not apply.
    """

    time_s: IntArray
    kind: IntArray
    order: IntArray
    courier: IntArray
    store: IntArray
    place: IntArray

    def __post_init__(self) -> None:
        for name in ("time_s", "kind", "order", "courier", "store", "place"):
            set_frozen(self, name, np.int64)

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def kind_names(self) -> tuple[str, ...]:
        """Name of each event's kind in lower case, such as ``picked-up``."""
        names = [kind.name.lower().replace("_", "-") for kind in EventKind]
        return tuple(names[kind] for kind in self.kind)

    @staticmethod
    def from_rows(rows: list[tuple[int, int, int, int, int, int]]) -> EventLog:
        """Sort rows of (time, kind, order, courier, store, place) into a log."""
        table = frozen(sorted(rows), np.int64).reshape(-1, 6)
        return EventLog(
            time_s=table[:, 0],
            kind=table[:, 1],
            order=table[:, 2],
            courier=table[:, 3],
            store=table[:, 4],
            place=table[:, 5],
        )
