"""A proven lower bound on the expected cost of any order."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.inventory.surge.problem import SurgeProblem


def bound(problem: SurgeProblem) -> float:
    """Return the expected cost if each scenario were known before and all stores were one."""
    return float(bound_by_sku(problem).sum())


def bound_by_sku(problem: SurgeProblem) -> FloatArray:
    """Return that cost of each SKU, (K,).

    A SKU then lacks only what stock on hand and central stock together cannot serve, the stream
    first, and only what is on hand beyond all demand is left over.
    """
    shelf = problem.shelf_units.sum(axis=1)
    live = problem.live_units.sum(axis=1)
    held = problem.on_hand_units.sum(axis=0)
    most = np.full(held.shape, np.inf)
    if problem.available_units is not None:
        most = held + problem.available_units
    lacks = np.maximum(shelf - most, 0)
    missed = np.maximum(live - np.maximum(most - shelf, 0), 0)
    left = np.maximum(held - shelf - live, 0)
    chance, high, low = problem.probability, problem.shelf_margin, problem.live_margin
    cost: FloatArray = high * (chance @ lacks) + low * (chance @ missed)
    cost += problem.holding_cost * (chance @ left)
    return cost
