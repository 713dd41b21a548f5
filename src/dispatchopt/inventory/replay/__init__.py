"""Days of demand replayed under a stock policy, with common random numbers."""

from __future__ import annotations

from dispatchopt.inventory.replay.baskets import Baskets
from dispatchopt.inventory.replay.convert import from_inventory
from dispatchopt.inventory.replay.measures import Estimate, Measures, difference, differences
from dispatchopt.inventory.replay.named import POLICIES, named_policy
from dispatchopt.inventory.replay.policy import (
    Allocate,
    Decision,
    EvenOut,
    OrderUpTo,
    Policy,
    ReorderUpTo,
    RoundQuantity,
    StockView,
    Transfers,
)
from dispatchopt.inventory.replay.problem import IssueRule, ReplayProblem, Unmet
from dispatchopt.inventory.replay.runner import compare, replay
from dispatchopt.inventory.replay.search import Race, race, tune

__all__ = [
    "POLICIES",
    "Allocate",
    "Baskets",
    "Decision",
    "Estimate",
    "EvenOut",
    "IssueRule",
    "Measures",
    "OrderUpTo",
    "Policy",
    "Race",
    "ReorderUpTo",
    "ReplayProblem",
    "RoundQuantity",
    "StockView",
    "Transfers",
    "Unmet",
    "compare",
    "difference",
    "differences",
    "from_inventory",
    "named_policy",
    "race",
    "replay",
    "tune",
]
