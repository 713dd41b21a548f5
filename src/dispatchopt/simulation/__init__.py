"""A day of orders and couriers, replayed under a dispatch policy, measured and checked."""

from __future__ import annotations

from dispatchopt.simulation.check import check_day
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.events import EventKind, EventLog
from dispatchopt.simulation.incidents import Incidents, draw_incidents
from dispatchopt.simulation.metrics import metrics
from dispatchopt.simulation.moment import state_at
from dispatchopt.simulation.outcome import (
    CourierRecords,
    DayOutcome,
    Legs,
    OrderRecords,
    OrderStatus,
    Trips,
)
from dispatchopt.simulation.runner import DayProgress, simulate

__all__ = [
    "CourierRecords",
    "Day",
    "DayOutcome",
    "DayProgress",
    "EventKind",
    "EventLog",
    "Incidents",
    "Legs",
    "OrderRecords",
    "OrderStatus",
    "Trips",
    "check_day",
    "draw_incidents",
    "metrics",
    "simulate",
    "state_at",
]
