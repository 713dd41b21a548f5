"""A proven lower bound on the cost of any order policies."""

from __future__ import annotations

from dispatchopt.inventory.perishables.problem import PerishablesProblem


def bound(problem: PerishablesProblem) -> float:
    """Return the cost if nothing ever expired or lay on the shelf, and orders came at once.

    Each unit of demand is then either short, or sold and ordered before, or sold from what is
    there at the start.
    """
    return sum(item_bound(problem, row) for row in range(len(problem.items)))


def item_bound(problem: PerishablesProblem, row: int) -> float:
    """Return the bound of one item."""
    item = problem.items[row]
    each = min(item.order_cost - item.price, item.shortage_cost)
    if item.discount >= 1:
        return item.mean_demand * each
    given = float(problem.start(row).sum()) * item.order_cost
    return item.mean_demand * each / (1.0 - item.discount) - given
