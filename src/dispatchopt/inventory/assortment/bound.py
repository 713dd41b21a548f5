"""A proven lower bound on the weight of incomplete orders."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray
from dispatchopt.inventory.assortment.problem import NEVER, AssortmentProblem


def bound(problem: AssortmentProblem) -> float:
    """Return the weight of the orders that no assortment completes, each order by itself.

    That is an order with a SKU that no store in reach may carry, or with more lines than the
    stores in reach have slots (together, where they may share it).
    """
    size = np.bincount(problem.line_order, minlength=problem.num_orders)
    if problem.slots is None:
        room = np.where(np.asarray(problem.reach.any(axis=1)), np.inf, 0.0)
    else:
        each = problem.reach * problem.slots.astype(np.float64)
        room = each.sum(axis=1) if problem.may_split else each.max(axis=1, initial=0.0)
    is_lost = size > room[problem.order_zone]
    may_have = can_have(problem)
    zone = problem.order_zone[problem.line_order]
    bad_line = ~may_have[zone, problem.line_sku]
    is_lost |= np.bincount(problem.line_order, weights=bad_line, minlength=problem.num_orders) > 0
    return float(problem.order_weight[is_lost].sum())


def can_have(problem: AssortmentProblem) -> BoolArray:
    """Return whether some store in reach of a zone may carry a SKU, (Z, K)."""
    if problem.listing is None:
        some = np.asarray(problem.reach.any(axis=1))
        return np.repeat(some[:, None], problem.num_skus, axis=1)
    allowed = np.not_equal(problem.listing, NEVER).astype(np.float64)
    return np.asarray(np.greater(problem.reach.astype(np.float64) @ allowed, 0))
