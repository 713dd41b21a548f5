"""A proven lower bound on the cost of any sourcing."""

from __future__ import annotations

import numpy as np

from dispatchopt.inventory.sourcing.problem import SourcingProblem


def bound(problem: SourcingProblem) -> float:
    """Return what the orders cost at least, each as if it were alone and one shipment were enough.

    Lines that no store in reach holds stay unserved; the others cost at least the cheaper of
    leaving them all and one shipment from the cheapest store that holds any of them.
    """
    line, option = problem.choices
    can_be_served = np.zeros(problem.num_lines, dtype=bool)
    can_be_served[line] = True
    lost = problem.unserved_cost
    sure = float(lost[~can_be_served].sum())
    leave = np.bincount(
        problem.line_order[can_be_served],
        weights=lost[can_be_served],
        minlength=problem.num_orders,
    )
    ship = np.full(problem.num_orders, np.inf)
    np.minimum.at(ship, problem.line_order[line], problem.shipment_cost[option])
    return sure + float(np.minimum(leave, ship).sum())
