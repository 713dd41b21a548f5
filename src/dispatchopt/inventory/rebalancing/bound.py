"""A proven lower bound on the cost of any transfers."""

from __future__ import annotations

from dispatchopt.inventory.bound import bound as bound_stock
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem


def bound(problem: RebalancingProblem) -> float:
    """Return the cost of stock if every store had its own best level of everything for nothing."""
    stock = problem.stock
    return bound_stock(stock.replace(on_hand_units=0 * stock.on_hand_units))
