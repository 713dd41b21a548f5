"""The live dispatcher: what it sees, what it may decide, the checker, and the policies."""

from __future__ import annotations

from dispatchopt.dispatch.check import check_decision
from dispatchopt.dispatch.entry import Answer, dispatch
from dispatchopt.dispatch.policy import Policy, find_policy
from dispatchopt.dispatch.quotes import Quote
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.state import (
    CourierStates,
    Decision,
    DispatchState,
    OpenOrders,
    Refusal,
    StoreStates,
    TripPlan,
)
from dispatchopt.dispatch.tables import Couriers, Orders, Stores
from dispatchopt.dispatch.waiting import Wait, Waiting

__all__ = [
    "Answer",
    "CourierStates",
    "Couriers",
    "DayRules",
    "Decision",
    "DispatchState",
    "OpenOrders",
    "Orders",
    "Policy",
    "Quote",
    "Refusal",
    "StoreStates",
    "Stores",
    "TripPlan",
    "Wait",
    "Waiting",
    "check_decision",
    "dispatch",
    "find_policy",
]
