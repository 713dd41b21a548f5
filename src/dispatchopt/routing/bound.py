"""Cheap proven lower bounds, and proofs that no solution exists."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray
from dispatchopt.routing.problem import RoutingProblem


def lower_bound(problem: RoutingProblem) -> float:
    """Return a lower bound on the cost of every solution."""
    return 0.0


def servable_orders(problem: RoutingProblem) -> BoolArray:
    return np.ones(len(problem.orders), dtype=np.bool_)


def proof_of_infeasibility(problem: RoutingProblem) -> str | None:
    return None
