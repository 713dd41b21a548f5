"""Where the time from click to door went, and the reason for each order late or lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.dispatch.timing import drive_s
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus

#: Parts of click to door, and the reason code where a part is what made an order late.
PARTS = ("decision", "queue", "picking", "courier", "detour", "driving", "handover")
REASONS = (
    "decided-late",
    "picking-queue",
    "late-ready",
    "courier-busy",
    "bundled",
    "far",
    "handover",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Delays:
    """Click to door of each delivered order, in parts.

    Parameters
    ----------
    parts_s
        Seconds, shape (number of orders, ``len(PARTS)``); 0 for orders not delivered. A row
        adds up to the order's click to door.
    reason
        Code per order: of a late order the part with the largest excess over the median of the
        orders on time, of a lost order the code it was lost by, else empty.
    """

    parts_s: IntArray
    reason: tuple[str, ...]


def delays(day: Day, outcome: DayOutcome) -> Delays:
    """Split click to door into its parts and name the reasons."""
    records, rules = outcome.orders, day.rules
    is_done: BoolArray = records.status == OrderStatus.DELIVERED
    parts = np.zeros((len(records), len(PARTS)), dtype=np.int64)
    rows = np.flatnonzero(is_done)
    picking_s = np.where(records.picking_s < 0, records.sourced_s, records.picking_s)[rows]
    handover_s = rules.pickup_s + rules.dropoff_s
    ride_s = records.delivered_s[rows] - records.pickup_s[rows] - handover_s
    detour_s = _detour_s(day, outcome, rows, ride_s)
    parts[rows] = np.column_stack(
        [
            records.sourced_s[rows] - day.orders.placed_s[rows],
            picking_s - records.sourced_s[rows],
            records.ready_s[rows] - picking_s,
            records.pickup_s[rows] - records.ready_s[rows],
            detour_s,
            ride_s - detour_s,
            np.full(len(rows), handover_s),
        ]
    )
    return Delays(parts_s=parts, reason=_reasons(outcome, parts, is_done))


def _detour_s(day: Day, outcome: DayOutcome, rows: IntArray, ride_s: IntArray) -> IntArray:
    """Seconds of the ride beyond the direct way, for orders that are not first on their trip."""
    records, trips = outcome.orders, outcome.trips
    if not len(rows):
        return np.zeros(0, dtype=np.int64)
    store, trip = records.store[rows], records.trip[rows]
    _, free_s = day.travel.pairs(day.stores.place_idx[store], day.orders.place_idx[rows])
    departed_s = trips.departed_s[trip]
    times, inverse = np.unique(departed_s, return_inverse=True)
    slowdown: FloatArray = np.array([day.travel.slowdown(int(at)) for at in times])
    direct_s = drive_s(free_s, slowdown[inverse] * day.couriers.pace[records.courier[rows]])
    is_first = trips.order_idx[trips.order_ptr[trip]] == rows
    detour_s: IntArray = np.where(is_first, 0, np.clip(ride_s - direct_s, 0, None))
    return detour_s


def _reasons(outcome: DayOutcome, parts: IntArray, is_done: BoolArray) -> tuple[str, ...]:
    records = outcome.orders
    on_time = is_done & (records.late_s == 0)
    usual = on_time if on_time.any() else is_done
    norm = np.median(parts[usual], axis=0) if usual.any() else np.zeros(len(PARTS))
    worst = np.argmax(parts - norm, axis=1)
    reasons = list(records.reason)
    for order in np.flatnonzero(is_done):
        reasons[order] = REASONS[worst[order]] if records.late_s[order] > 0 else ""
    return tuple(reasons)
