"""The live dispatcher: what it sees, what it may decide, the checker, and the policies."""

from __future__ import annotations

from dispatchopt.dispatch.check import check_decision
from dispatchopt.dispatch.policy import Policy, find_policy, policies
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

__all__ = [
    "CourierStates",
    "Couriers",
    "DayRules",
    "Decision",
    "DispatchState",
    "OpenOrders",
    "Orders",
    "Policy",
    "Refusal",
    "StoreStates",
    "Stores",
    "TripPlan",
    "check_decision",
    "find_policy",
    "policies",
]
