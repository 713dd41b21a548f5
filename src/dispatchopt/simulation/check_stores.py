"""Rules on stores: no more picking at once than there are pickers, and no stock below zero."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.result import Violation
from dispatchopt.simulation.check_orders import broken, rounding
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventKind
from dispatchopt.simulation.outcome import DayOutcome


def check_picking(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Check durations of picking, ready times that are given, and the number of pickers."""
    table, records, ids = day.orders, outcome.orders, day.orders.ids
    picked = records.picking_s >= 0
    found = broken("picked-though-given", "order", ids, picked & (table.ready_s >= 0))
    given = (table.ready_s >= 0) & (records.ready_s >= 0)
    wanted = np.maximum(table.ready_s, records.sourced_s)
    found += broken("ready-time", "order", ids, given & (records.ready_s != wanted))
    rows = np.flatnonzero(picked & (records.ready_s >= 0))
    found += broken("ready-unpicked", "order", ids, ~picked & ~given & (records.ready_s >= 0))
    store, lines = records.store[rows], np.diff(table.line_ptr)[rows]
    plain_s = day.stores.pick_base_s[store] + day.stores.pick_line_s[store] * lines
    exact = plain_s * records.picking_noise[rows]
    off = rounding(records.ready_s[rows] - records.picking_s[rows] - exact)
    found += broken("picking-time", "order", ids, off, rows)
    early = records.sourced_s - records.picking_s
    found += broken("picked-before-sourced", "order", ids, np.where(picked, early, 0))
    if day.rules.picking_noise_sd == 0:
        found += broken("noise-where-none-is", "order", ids, np.abs(records.picking_noise - 1))
    return found + _pickers(day, outcome, picked)


def _pickers(day: Day, outcome: DayOutcome, picked: BoolArray) -> list[Violation]:
    """Count who picks when; a picker is free for the next order in the second of the end."""
    records, log = outcome.orders, outcome.log
    end_s = records.ready_s.copy()
    dropped = np.isin(log.kind, [EventKind.CANCELLED, EventKind.REFUSED])
    is_open = end_s < 0
    end_s[is_open] = outcome.simulated_until_s + 1
    lost = log.order[dropped]
    end_s[lost] = np.minimum(end_s[lost], log.time_s[dropped])
    rows = np.flatnonzero(picked)
    time = np.concatenate([records.picking_s[rows], end_s[rows]])
    step = np.repeat([1, -1], len(rows))
    store = np.tile(records.store[rows], 2)
    keys = np.lexsort((step, time, store))
    level = np.cumsum(step[keys])
    first = np.searchsorted(store[keys], np.arange(len(day.stores)))
    before = np.where(first > 0, level[np.maximum(first - 1, 0)], 0) if len(level) else first * 0
    most = np.zeros(len(day.stores), dtype=np.int64)
    if len(level):
        np.maximum.at(most, store[keys], level - before[store[keys]])
    return broken("too-many-picking", "store", day.stores.ids, most - day.stores.pickers)


def check_stock(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Replay what orders take from the shelves and compare the lines that were not filled."""
    stock = day.stores.stock_units
    records, log, table = outcome.orders, outcome.log, day.orders
    found: list[Violation] = []
    left = None if stock is None else stock.copy()
    taken: dict[int, IntArray] = {}
    kinds = [EventKind.SOURCED, EventKind.CANCELLED, EventKind.REFUSED]
    for row in np.flatnonzero(np.isin(log.kind, kinds)):
        order, store = int(log.order[row]), int(log.store[row])
        span = slice(int(table.line_ptr[order]), int(table.line_ptr[order + 1]))
        sku, units = table.line_sku[span], table.line_units[span]
        if log.kind[row] != EventKind.SOURCED:
            if left is not None and order in taken:
                np.add.at(left[store], sku, taken.pop(order))
            continue
        got = units.copy()
        if left is not None:
            for line, item in enumerate(sku):
                got[line] = min(units[line], left[store, item])
                left[store, item] -= got[line]
            taken[order] = got
        missing = int((got < units).sum())
        where = f"order {table.ids[order]}"
        if missing != records.missing_lines[order]:
            by = abs(missing - int(records.missing_lines[order]))
            found.append(Violation(rule="missing-lines", where=where, by=by))
        if missing and not day.rules.is_partial_allowed:
            found.append(Violation(rule="partial-not-allowed", where=where, by=missing))
        if len(units) and not got.any():
            found.append(Violation(rule="nothing-in-stock", where=where, by=len(units)))
    return found
