"""A replayed day as series for charts: by hour, by courier, by order. Only arrays, no words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus

_HOUR_S = 3600
#: Slices in which couriers at work are counted, seconds.
SLICE_S = 900


@dataclass(frozen=True, kw_only=True, eq=False)
class HourlyOrders:
    """Orders by the hour in which they were placed, each of shape (number of hours,).

    Parameters
    ----------
    hour
        Hour of the day; may pass 23 where a day runs past midnight.
    on_time, late, failed, still_open
        Number of orders; an order counts once. ``failed`` were refused or cancelled.
    on_time_share
        On time over all that were placed and whose end is known; nan where there are none.
    low_s, median_s, high_s
        Tenth, fifth and ninth decile of the time from click to door; nan where none was delivered.
    """

    hour: IntArray
    on_time: IntArray
    late: IntArray
    failed: IntArray
    still_open: IntArray
    on_time_share: FloatArray
    low_s: FloatArray
    median_s: FloatArray
    high_s: FloatArray


def is_on_time(outcome: DayOutcome) -> BoolArray:
    """Return which orders were delivered by the time promised."""
    records = outcome.orders
    good: BoolArray = (records.status == OrderStatus.DELIVERED) & (records.late_s == 0)
    return good


def hourly_orders(day: Day, outcome: DayOutcome) -> HourlyOrders:
    """Return the day's orders by hour of placement."""
    placed, records = day.orders.placed_s, outcome.orders
    first = int(placed.min()) // _HOUR_S if len(placed) else 0
    last = int(placed.max()) // _HOUR_S if len(placed) else -1
    size = last - first + 1
    slot = placed // _HOUR_S - first
    done = records.status == OrderStatus.DELIVERED
    good = is_on_time(outcome)
    failed = (records.status == OrderStatus.REFUSED) | (records.status == OrderStatus.CANCELLED)
    pending = records.status == OrderStatus.UNDELIVERED

    def count(chosen: BoolArray) -> IntArray:
        return np.bincount(slot[chosen], minlength=size)

    counts = [count(good), count(done & ~good), count(failed), count(pending)]
    total = np.sum(counts, axis=0)
    share = np.divide(counts[0], total, out=np.full(size, np.nan), where=total > 0)
    took = (records.delivered_s - placed).astype(np.float64)
    deciles = np.full((3, size), np.nan)
    for hour in range(size):
        within = took[done & (slot == hour)]
        if len(within):
            deciles[:, hour] = np.quantile(within, [0.1, 0.5, 0.9])
    return HourlyOrders(
        hour=np.arange(first, last + 1),
        on_time=counts[0],
        late=counts[1],
        failed=counts[2],
        still_open=counts[3],
        on_time_share=share,
        low_s=deciles[0],
        median_s=deciles[1],
        high_s=deciles[2],
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class CourierLoad:
    """Couriers over the day, at the start of each slice, each of shape (number of slices,)."""

    second: IntArray
    on_shift: IntArray
    at_work: IntArray


def courier_load(day: Day, outcome: DayOutcome) -> CourierLoad:
    """Return how many couriers were on shift, and how many of all couriers were on a trip."""
    trips, couriers = outcome.trips, day.couriers
    # A trip without an end was cut off when the replay was stopped.
    end = np.where(trips.end_s >= 0, trips.end_s, outcome.simulated_until_s)
    if len(couriers) == 0:
        empty = np.zeros(0, dtype=np.int64)
        return CourierLoad(second=empty, on_shift=empty, at_work=empty)
    first = int(couriers.on_s.min()) // SLICE_S * SLICE_S
    last = max(int(couriers.off_s.max()), int(end.max(initial=0)))
    last = min(last, int(outcome.simulated_until_s) + SLICE_S, first + 48 * _HOUR_S)
    second = np.arange(first, max(last, first) + 1, SLICE_S)
    return CourierLoad(
        second=second,
        on_shift=_within(second, couriers.on_s, couriers.off_s),
        at_work=_within(second, trips.assigned_s, end),
    )


def _within(second: IntArray, begin: IntArray, end: IntArray) -> IntArray:
    """Return how many intervals [begin, end) hold each second."""
    begun = np.searchsorted(np.sort(begin), second, side="right")
    over = np.searchsorted(np.sort(end), second, side="right")
    inside: IntArray = begun - over
    return inside


def utilisation(day: Day, outcome: DayOutcome) -> FloatArray:
    """Return each courier's share of the shift spent on trips and moves, shape (k,), in [0, 1].

    Work after the end of the shift counts at most as if the shift had been full.
    """
    shift = (day.couriers.off_s - day.couriers.on_s).astype(np.float64)
    busy = np.divide(outcome.couriers.busy_s, shift, out=np.zeros(len(shift)), where=shift > 0)
    share: FloatArray = np.clip(busy, 0.0, 1.0)
    return share


def worst_orders(day: Day, outcome: DayOutcome, count: int) -> IntArray:
    """Return the orders that went worst: not delivered first, then the latest; at most ``count``.

    Orders that were never placed, or were still open in time when the replay was stopped, are
    left out.
    """
    records = outcome.orders
    failed = (records.status == OrderStatus.REFUSED) | (records.status == OrderStatus.CANCELLED)
    until = int(outcome.simulated_until_s)
    overdue = (records.status == OrderStatus.UNDELIVERED) & (day.orders.due_s < until)
    late = (records.status == OrderStatus.DELIVERED) & (records.late_s > 0)
    rows = np.flatnonzero(failed | overdue | late)
    lateness = np.where(late, records.late_s, 0)[rows]
    order = np.lexsort((rows, -lateness, late[rows]))
    # Both kinds are shown where there are both: half of the rows each, more if one kind is few.
    worst: IntArray = rows[order]
    bad, slow = worst[~late[worst]], worst[late[worst]]
    take_bad = min(len(bad), max(count // 2, count - len(slow)))
    return np.concatenate([bad[:take_bad], slow[: count - take_bad]])


def surge_hours(placed_s: IntArray, is_surge: BoolArray) -> tuple[float, float] | None:
    """Return from when to when most live-stream orders came (5 % to 95 %), in hours; else None."""
    times = placed_s[is_surge]
    if len(times) == 0:
        return None
    begin, end = np.quantile(times, [0.05, 0.95])
    return float(begin) / _HOUR_S, float(end) / _HOUR_S
