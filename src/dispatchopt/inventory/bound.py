"""A proven lower bound on the cost of any orders."""

from __future__ import annotations

from dispatchopt.inventory.levels import free_levels
from dispatchopt.inventory.problem import InventoryProblem

#: Pairs beyond which the bound is left to the engines, which find it on their way.
_MAX_PAIRS = 500_000


def bound(problem: InventoryProblem) -> float:
    """Return the cost with every pair at its own best level, limits ignored.

    The objective is a sum over pairs, so no solution costs less. For very large problems 0 is
    returned, as no cost is negative: every engine starts from these levels in any case.
    """
    if problem.num_stores * problem.num_skus > _MAX_PAIRS:
        return 0.0
    return free_levels(problem).cost
