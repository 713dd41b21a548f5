"""The independent checker of a simulated day: it replays the records and says what is wrong.

It knows the day, the records and the log; it shares no code with the world that wrote them.
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.result import Report, Violation
from dispatchopt.simulation.check_incidents import check_incidents
from dispatchopt.simulation.check_orders import check_log, check_orders
from dispatchopt.simulation.check_stores import check_picking, check_stock
from dispatchopt.simulation.check_trips import check_couriers, check_legs, check_trips
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.metrics import cost
from dispatchopt.simulation.outcome import DayOutcome, OrderStatus


def check_day(day: Day, outcome: DayOutcome) -> Report:
    """Check a day: conservation, time chains, travel, shifts, capacities, picking and stock.

    Returns
    -------
    Report
        The cost of the day in cents with its parts, all violations, and the share of orders on
        time, delivered and complete. The rules are listed in ``docs/simulation.md``.
    """
    violations: list[Violation] = []
    if len(outcome.orders) != len(day.orders) or len(outcome.couriers) != len(day.couriers):
        by = abs(len(outcome.orders) - len(day.orders))
        by += abs(len(outcome.couriers) - len(day.couriers))
        violations.append(Violation(rule="wrong-size", where="records", by=by))
    else:
        violations += _ranges(day, outcome)
    if violations:
        # Records that point nowhere cannot be followed any further.
        return Report(objective=float("nan"), violations=tuple(violations))
    for check in (
        check_orders,
        check_log,
        check_trips,
        check_legs,
        check_couriers,
        check_picking,
        check_stock,
        check_incidents,
    ):
        violations += check(day, outcome)
    records = outcome.orders
    placed = max(1, int((records.status != OrderStatus.UNPLACED).sum()))
    done = records.status == OrderStatus.DELIVERED
    priced = cost(day, outcome)
    return Report(
        objective=priced["total_cents"],
        parts=priced["parts_cents"],
        violations=tuple(violations),
        figures={
            "on_time_share": float((done & (records.late_s == 0)).sum()) / placed,
            "delivered_share": float(done.sum()) / placed,
            "complete_share": float(np.sum(done & (records.missing_lines == 0))) / placed,
        },
    )


def _ranges(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Every index in the records must name something, or be -1 where nothing need be named."""
    n, m, k = len(day.orders), len(day.stores), len(day.couriers)
    trips, places = len(outcome.trips), day.travel.num_places
    limits = {
        "orders": {"store": (-1, m), "courier": (-1, k), "trip": (-1, trips)},
        "trips": {"courier": (0, k), "store": (0, m), "order_idx": (0, n)},
        "legs": {
            "courier": (0, k),
            "trip": (-1, trips),
            "order": (-1, n),
            "from_place": (0, places),
            "to_place": (0, places),
        },
        "log": {"order": (-1, n), "courier": (-1, k), "store": (-1, m), "place": (-1, places)},
    }
    return [
        Violation(rule="unknown-index", where=f"{table}.{column}[{row}]", by=1.0)
        for table, columns in limits.items()
        for column, (least, end) in columns.items()
        for values in [getattr(getattr(outcome, table), column)]
        for row in np.flatnonzero((values < least) | (values >= end))
    ]
