"""Goods that expire: what to order each day, item by item."""

from __future__ import annotations

from dispatchopt.core import Callback, Result, Stop
from dispatchopt.core import solve as _solve
from dispatchopt.inventory.perishables.check import check
from dispatchopt.inventory.perishables.demand import day_demand
from dispatchopt.inventory.perishables.domain import DOMAIN
from dispatchopt.inventory.perishables.item import MAX_STATES, PerishableItem
from dispatchopt.inventory.perishables.policies import (
    PerishablePolicy,
    best_order_up_to,
    evaluate_policy,
    long_run_units,
    optimal_policy,
    order_up_to,
)
from dispatchopt.inventory.perishables.problem import (
    OrderRule,
    PerishablesProblem,
    PerishablesSolution,
)

__all__ = [
    "DOMAIN",
    "MAX_STATES",
    "OrderRule",
    "PerishableItem",
    "PerishablePolicy",
    "PerishablesProblem",
    "PerishablesSolution",
    "best_order_up_to",
    "check",
    "day_demand",
    "evaluate_policy",
    "long_run_units",
    "optimal_policy",
    "order_up_to",
    "solve",
]


def solve(
    problem: PerishablesProblem,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: PerishablesSolution | None = None,
) -> Result[PerishablesSolution]:
    """Choose an order policy for every item; see ``dispatchopt.core.solve`` for the parameters."""
    return _solve(
        DOMAIN, problem, engine=engine, stop=stop, seed=seed, callback=callback, start=start
    )
