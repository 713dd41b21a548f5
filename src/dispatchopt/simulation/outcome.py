"""What a simulated day was: records of orders, couriers, trips and legs, and the event log."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray, digest, set_frozen
from dispatchopt.core.result import StopReason
from dispatchopt.simulation.events import EventLog


class OrderStatus(enum.IntEnum):
    """How an order ended."""

    DELIVERED = 0
    REFUSED = 1
    CANCELLED = 2
    UNDELIVERED = 3  # placed, and neither of the above when the day ended or was stopped
    UNPLACED = 4  # the day was stopped before it was placed


def _freeze(table: object) -> None:
    for field in fields(table):  # type: ignore[arg-type]
        if field.type in ("IntArray", "FloatArray"):
            set_frozen(table, field.name, np.int64 if field.type == "IntArray" else np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class OrderRecords:
    """One row per order of the day, in its order; times are -1 where a step was not reached.

    Parameters
    ----------
    status
        ``OrderStatus`` code.
    store, courier, trip
        Who served it, or -1; ``trip`` is a row of the trips.
    sourced_s
        The store was chosen.
    picking_s
        Picking began; -1 where the ready time is given with the order.
    ready_s
        It was ready.
    assigned_s
        The trip was decided.
    pickup_s
        The courier took it over at the store (start of the hand-over).
    delivered_s
        It was handed over at the door.
    late_s
        Seconds after the due time, 0 if on time; -1 if not delivered.
    missing_lines
        Lines not filled completely; -1 if no store was chosen.
    picking_noise
        Factor on its picking time.
    reason
        Code of why it was not delivered; empty for delivered orders.
    """

    status: IntArray
    store: IntArray
    courier: IntArray
    trip: IntArray
    sourced_s: IntArray
    picking_s: IntArray
    ready_s: IntArray
    assigned_s: IntArray
    pickup_s: IntArray
    delivered_s: IntArray
    late_s: IntArray
    missing_lines: IntArray
    picking_noise: FloatArray
    reason: tuple[str, ...]

    def __post_init__(self) -> None:
        _freeze(self)

    def __len__(self) -> int:
        return len(self.status)


@dataclass(frozen=True, kw_only=True, eq=False)
class CourierRecords:
    """One row per courier of the day.

    Parameters
    ----------
    busy_s
        Seconds from the start of each trip or move to its end, added up.
    driving_s, waiting_s
        Of these, seconds on the way, and seconds waiting at stores for goods.
    distance_m
        Metres driven.
    orders, trips
        Orders delivered and trips begun.
    end_s
        End of the last trip or move, or the end of the shift if that is later.
    """

    busy_s: IntArray
    driving_s: IntArray
    waiting_s: IntArray
    distance_m: IntArray
    orders: IntArray
    trips: IntArray
    end_s: IntArray

    def __post_init__(self) -> None:
        _freeze(self)

    def __len__(self) -> int:
        return len(self.busy_s)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trips:
    """One row per trip, in the order in which they were decided; -1 where not reached.

    Parameters
    ----------
    courier, store
        Who, and from where.
    assigned_s, arrived_s, pickup_s, departed_s, end_s
        Decided (and set off), arrived at the store, hand-over began, left the store, left the
        last door.
    order_ptr, order_idx
        Orders of trip i in the sequence of delivery: entries ``order_ptr[i]`` up to
        ``order_ptr[i + 1]``.
    """

    courier: IntArray
    store: IntArray
    assigned_s: IntArray
    arrived_s: IntArray
    pickup_s: IntArray
    departed_s: IntArray
    end_s: IntArray
    order_ptr: IntArray
    order_idx: IntArray

    def __post_init__(self) -> None:
        _freeze(self)

    def __len__(self) -> int:
        return len(self.courier)


@dataclass(frozen=True, kw_only=True, eq=False)
class Legs:
    """One row per drive, sorted by courier and departure: enough to play the day back.

    Parameters
    ----------
    courier
        Who drives.
    trip
        Row of the trips, or -1 for a move without goods.
    order
        The order being brought; -1 on the way to a store or to wait.
    depart_s, arrive_s, from_place, to_place
        When and where.
    distance_m
        Metres of the way.
    noise
        Factor on the travel time that the world added.
    """

    courier: IntArray
    trip: IntArray
    order: IntArray
    depart_s: IntArray
    arrive_s: IntArray
    from_place: IntArray
    to_place: IntArray
    distance_m: IntArray
    noise: FloatArray

    def __post_init__(self) -> None:
        _freeze(self)

    def __len__(self) -> int:
        return len(self.courier)


@dataclass(frozen=True, kw_only=True, eq=False)
class DayOutcome:
    """A simulated day.

    Parameters
    ----------
    day_name, policy, seed
        What was simulated, and with which seed.
    stopped_by
        ``completed`` if the day ran to its end, else why it was left before.
    simulated_until_s
        Second of the day up to which it was simulated.
    orders, couriers, trips, legs, log
        What happened.
    decision_at_s
        Second of the day of each decision, shape (number of decisions,).
    decision_wall_s
        Wall clock of each decision in seconds, same shape. It differs from run to run and is
        no part of the digest.
    """

    day_name: str
    policy: str
    seed: int
    stopped_by: StopReason
    simulated_until_s: int
    orders: OrderRecords
    couriers: CourierRecords
    trips: Trips
    legs: Legs
    log: EventLog
    decision_at_s: IntArray
    decision_wall_s: FloatArray

    def __post_init__(self) -> None:
        _freeze(self)

    @property
    def digest(self) -> str:
        """Digest of all that happened; equal for equal days, whatever the wall clock said."""
        return digest([self.orders, self.couriers, self.trips, self.legs, self.log])
