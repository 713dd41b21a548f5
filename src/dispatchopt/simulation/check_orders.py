"""Rules on orders: each ends in one way, its times are in order, and the log says the same."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.result import Violation
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventKind
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus

_CHAIN = ("sourced_s", "ready_s", "pickup_s", "delivered_s")
#: Which column of the order records holds the time of which event.
_LOGGED = {
    EventKind.SOURCED: "sourced_s",
    EventKind.PICKING: "picking_s",
    EventKind.READY: "ready_s",
    EventKind.ASSIGNED: "assigned_s",
    EventKind.PICKED_UP: "pickup_s",
    EventKind.DELIVERED: "delivered_s",
}


def broken(
    rule: str, what: str, ids: tuple[str, ...], by: npt.ArrayLike, rows: IntArray | None = None
) -> list[Violation]:
    """Return a violation for each entry of ``by`` that is positive."""
    amounts = np.asarray(by)
    return [
        Violation(
            rule=rule,
            where=f"{what} {ids[at if rows is None else int(rows[at])]}",
            by=float(amounts[at]),
        )
        for at in np.flatnonzero(amounts > 0)
    ]


def rounding(excess: FloatArray) -> FloatArray:
    """Return by how much a duration misses the next whole second above its exact value.

    ``excess`` is the recorded duration less the exact one; rounding up makes it lie in [0, 1). A
    millionth is left to rounding errors.
    """
    missed: FloatArray = np.where((excess < -2e-6) | (excess > 1 - 5e-7), np.abs(excess), 0.0)
    return missed


def check_orders(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Check status, sequence of times, store, lateness and refusals of each order."""
    table, records, ids = day.orders, outcome.orders, day.orders.ids
    done = records.status == OrderStatus.DELIVERED
    until_s = outcome.simulated_until_s
    found: list[Violation] = []
    before = table.placed_s
    for name in _CHAIN:
        times = getattr(records, name)
        has = times >= 0
        found += broken("delivered-without-step", "order", ids, done & ~has)
        found += broken(f"{name[:-2]}-too-early", "order", ids, np.where(has, before - times, 0))
        before = np.where(has, times, before)
    found += broken("status-without-delivery", "order", ids, ~done & (records.delivered_s >= 0))
    late_s = np.where(done, np.maximum(records.delivered_s - table.due_s, 0), -1)
    found += broken("wrong-lateness", "order", ids, np.abs(records.late_s - late_s))
    is_unplaced = records.status == OrderStatus.UNPLACED
    found += broken("placed-order-missed", "order", ids, is_unplaced & (table.placed_s <= until_s))
    found += broken("future-order-known", "order", ids, ~is_unplaced & (table.placed_s > until_s))
    is_lost = np.isin(records.status, [OrderStatus.REFUSED, OrderStatus.CANCELLED])
    no_reason = np.array([not reason for reason in records.reason], dtype=np.bool_)
    found += broken("lost-without-reason", "order", ids, is_lost & no_reason)
    found += _stores(day, outcome)
    return found


def _stores(day: Day, outcome: DayOutcome) -> list[Violation]:
    table, records = day.orders, outcome.orders
    rows = np.repeat(np.arange(len(table)), np.diff(table.option_ptr))
    is_option = np.zeros(len(table), dtype=np.bool_)
    is_option[rows[table.option_store == records.store[rows]]] = True
    has_store = records.store >= 0
    is_sourced = has_store & (records.sourced_s >= 0)
    found = broken("store-not-in-reach", "order", table.ids, has_store & ~is_option)
    store = np.where(has_store, records.store, 0)
    if len(day.stores):
        opens, closes = day.stores.open_s[store], day.stores.close_s[store]
        is_closed = (records.sourced_s < opens) | (records.sourced_s >= closes)
        found += broken("store-closed", "order", table.ids, is_sourced & is_closed)
    return found


def check_log(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Check that the log is sorted, and that it and the records tell the same day."""
    log, records, ids = outcome.log, outcome.orders, day.orders.ids
    keys = np.lexsort((log.courier, log.order, log.kind, log.time_s))
    found: list[Violation] = []
    if (keys != np.arange(len(log))).any():
        found.append(Violation(rule="log-not-sorted", where="log", by=1.0))
    for kind, name in _LOGGED.items():
        logged = np.full(len(ids), -1, dtype=np.int64)
        of_kind = log.kind == kind
        logged[log.order[of_kind]] = log.time_s[of_kind]
        differs = logged != getattr(records, name)
        found += broken(f"log-disagrees-on-{name[:-2]}", "order", ids, differs)
    ends = {
        EventKind.DELIVERED: OrderStatus.DELIVERED,
        EventKind.REFUSED: OrderStatus.REFUSED,
        EventKind.CANCELLED: OrderStatus.CANCELLED,
    }
    is_end = np.isin(log.kind, list(ends))
    counts = Counter(log.order[is_end].tolist())
    found += [
        Violation(rule="ended-twice", where=f"order {ids[order]}", by=count - 1)
        for order, count in sorted(counts.items())
        if count > 1
    ]
    for kind, status in ends.items():
        logged_so = np.zeros(len(ids), dtype=np.bool_)
        logged_so[log.order[log.kind == kind]] = True
        differs = logged_so != (records.status == status)
        found += broken(f"log-disagrees-on-{status.name.lower()}", "order", ids, differs)
    return found + _cancelled(day, outcome)


def _cancelled(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Customers give up when the rules say so, and only then."""
    log, late_s = outcome.log, day.rules.max_late_s
    rows = log.order[log.kind == EventKind.CANCELLED]
    wanted = day.orders.due_s[rows] + late_s if late_s >= 0 else np.full(len(rows), -1)
    off = np.abs(log.time_s[log.kind == EventKind.CANCELLED] - wanted)
    found = broken("cancelled-at-wrong-time", "order", day.orders.ids, off, rows)
    if late_s >= 0:
        is_open = (outcome.orders.status == OrderStatus.UNDELIVERED) & (outcome.orders.trip < 0)
        over = outcome.simulated_until_s - day.orders.due_s - late_s
        found += broken("not-cancelled", "order", day.orders.ids, np.where(is_open, over, 0))
    return found
