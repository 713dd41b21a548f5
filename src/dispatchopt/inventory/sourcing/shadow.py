"""What one more unit of each SKU in each store is worth to a set of orders."""

from __future__ import annotations

from dispatchopt.core.arrays import FloatArray
from dispatchopt.inventory.sourcing.online import source_in_turn
from dispatchopt.inventory.sourcing.problem import SourcingProblem


def shadow_prices(problem: SourcingProblem, *, max_prices: int = 300) -> FloatArray:
    """Return the dual price of one unit of each SKU in each store, (S, K), >= 0.

    The orders may be those of a day like the one to come; the online rule takes the prices.

    Parameters
    ----------
    problem
        Orders, reach and stock.
    max_prices
        Evaluations of the dual at most, >= 1.
    """
    from dispatchopt.inventory.sourcing.check import check
    from dispatchopt.inventory.sourcing.engines._ascent import Ascent
    from dispatchopt.inventory.sourcing.engines._pricing import Pricing
    from dispatchopt.inventory.sourcing.engines.neighbourhood import price_table

    known = check(problem, source_in_turn(problem)).objective
    pricing = Pricing(problem)
    ascent = Ascent(pricing)
    for _ in range(max_prices):
        ascent.step(known)
        if ascent.is_settled:
            break
    return price_table(pricing, ascent.best_price)
