"""Rules on incidents: no work on breaks or after going home, no orders at a shut store."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.result import Violation
from dispatchopt.simulation.check_orders import broken
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventKind
from dispatchopt.simulation.outcome import DayOutcome


def check_incidents(day: Day, outcome: DayOutcome) -> list[Violation]:
    """Check breaks, couriers who left, and closures of stores."""
    given, log, legs = day.incidents, outcome.log, outcome.legs
    if not len(given) and not (log.kind >= EventKind.LEFT).any():
        return []
    ids = day.couriers.ids
    found = _closures(day, outcome)
    starts = legs.depart_s[legs.order < 0]
    who = legs.courier[legs.order < 0]
    left_s = np.full(len(day.couriers), 10**12)
    left_s[given.quit_courier] = np.maximum(given.quit_s, day.couriers.on_s[given.quit_courier])
    late = starts - left_s[who] + 1
    found += broken("work-after-leaving", "courier", ids, late, who)
    begun, ended = log.kind == EventKind.BREAK, log.kind == EventKind.BACK
    owed = np.zeros(len(day.couriers), dtype=np.int64)
    np.add.at(owed, given.break_courier, given.break_s)
    rested = np.zeros(len(day.couriers), dtype=np.int64)
    begin_of: dict[int, list[int]] = {}
    for courier, at_s in zip(log.courier[begun].tolist(), log.time_s[begun].tolist(), strict=True):
        begin_of.setdefault(courier, []).append(at_s)
    for courier, at_s in zip(log.courier[ended].tolist(), log.time_s[ended].tolist(), strict=True):
        open_breaks = begin_of.get(courier, [])
        if not open_breaks:
            found.append(Violation(rule="back-without-break", where=ids[courier], by=1.0))
            continue
        from_s = open_breaks.pop(0)
        rested[courier] += at_s - from_s
        busy = _overlap(outcome, courier, from_s, at_s)
        if busy:
            found.append(Violation(rule="work-on-break", where=f"courier {ids[courier]}", by=busy))
    return found + broken("break-too-long", "courier", ids, rested - owed)


def _overlap(outcome: DayOutcome, courier: int, from_s: int, until_s: int) -> float:
    """Return how many legs of a courier run during a break."""
    legs = outcome.legs
    own = (legs.courier == courier) & (legs.depart_s < until_s) & (legs.arrive_s > from_s)
    return float(own.sum())


def _closures(day: Day, outcome: DayOutcome) -> list[Violation]:
    records = outcome.orders
    rows: IntArray = np.flatnonzero(records.sourced_s >= 0)
    at_s = records.sourced_s[rows]
    until_s = day.incidents.closed_until_s(records.store[rows], at_s)
    return broken("store-shut", "order", day.orders.ids, until_s - at_s, rows)
