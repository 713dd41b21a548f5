"""Plain tables of plans and days, for CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dispatchopt.inventory.problem import InventoryProblem, InventorySolution
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus

_ORDER_COLUMNS = (
    "order",
    "status",
    "store",
    "courier",
    "placed_s",
    "due_s",
    "ready_s",
    "pickup_s",
    "delivered_s",
    "late_s",
    "missing_lines",
    "reason",
)


def csv_text(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as CSV; None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return out.getvalue()


def order_rows(day: Day, outcome: DayOutcome) -> tuple[Sequence[str], list[list[Any]]]:
    """Return column names and one row per order; None where a step was not reached."""
    orders, records = day.orders, outcome.orders
    rows = []
    for i in range(len(orders)):
        store, courier = int(records.store[i]), int(records.courier[i])
        times = (records.ready_s, records.pickup_s, records.delivered_s)
        rows.append(
            [
                orders.ids[i],
                OrderStatus(int(records.status[i])).name.lower(),
                day.stores.ids[store] if store >= 0 else None,
                day.couriers.ids[courier] if courier >= 0 else None,
                int(orders.placed_s[i]),
                int(orders.due_s[i]),
                *(_known(column[i]) for column in times),
                _known(records.late_s[i]),
                _known(records.missing_lines[i]),
                records.reason[i] or None,
            ]
        )
    return _ORDER_COLUMNS, rows


def _known(value: Any) -> int | None:
    return int(value) if value >= 0 else None


def stock_rows(
    problem: InventoryProblem, solution: InventorySolution
) -> tuple[Sequence[str], list[list[Any]]]:
    """Return column names and one row per store and SKU that is sent or on hand."""
    order = solution.order_units
    level = order + problem.on_hand_units
    names = ("store", "sku", "mean_demand_units", "on_hand_units", "order_units", "level_units")
    rows = [
        [
            problem.store_ids[store],
            problem.sku_ids[sku],
            round(float(problem.mean_units[store, sku]), 6),
            int(problem.on_hand_units[store, sku]),
            int(order[store, sku]),
            int(level[store, sku]),
        ]
        for store, sku in np.argwhere(level > 0)
    ]
    return names, rows
