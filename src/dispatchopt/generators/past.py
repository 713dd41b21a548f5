"""What a store remembers: days of sales, with stock-outs, and the orders of a day."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.seeds import stream
from dispatchopt.inventory.history import History
from dispatchopt.inventory.problem import InventoryProblem
from dispatchopt.inventory.replay.baskets import Baskets
from dispatchopt.inventory.replay.convert import from_inventory
from dispatchopt.inventory.replay.draw import Draws
from dispatchopt.pipeline.city import City
from dispatchopt.pipeline.siting_stage import StoreReach

#: Days x stores x SKUs of sales that are made.
MAX_CELLS = 10**7
#: Level that shelves are filled to each morning, in standard deviations above the mean, and the
#: share of mornings without a delivery: both leave days on which stock runs out.
_SAFETY, _MISSED_SHARE = 1.0, 0.08


def sales_history(problem: InventoryProblem, days: int, seed: int) -> History:
    """Return sales of days at which each shelf is filled up in the morning, or is not.

    Demand is that of the problem, day by day; what is asked for beyond the stock is not seen.

    Parameters
    ----------
    problem
        Demand of one day of each pair.
    days
        Number of days, >= 1.
    seed
        A whole number >= 0.

    Raises
    ------
    InputError
        If days x pairs are more than ``MAX_CELLS``.
    """
    pairs = problem.num_stores * problem.num_skus
    if days * pairs > MAX_CELLS:
        found = f"{days} days of {pairs:,} pairs"
        wanted = f"at most {MAX_CELLS:,} cells of days x stores x SKUs"
        issue = Issue(code="out-of-range", where="history_days", found=found, wanted=wanted)
        raise InputError(issue)
    draws = Draws(from_inventory(problem))
    comes = stream(seed, "history", "deliveries")
    level = np.ceil(problem.mean_units + _SAFETY * np.sqrt(problem.variance_units))
    stock = level.copy()
    sold, is_out = np.empty((days, *problem.shape)), np.zeros((days, *problem.shape), dtype=bool)
    for day in range(days):
        is_filled = comes.random(problem.shape) >= _MISSED_SHARE
        stock = np.where(is_filled, np.maximum(level, stock), stock)
        demand = np.concatenate([draws.demand((seed, 0), day, part) for part in draws.chunks])
        sold[day] = np.minimum(demand, stock)
        is_out[day] = (demand >= stock) & (problem.mean_units > 0)
        stock -= sold[day]
    return History(sold_units=np.where(problem.mean_units > 0, sold, np.nan), is_out=is_out)


def order_sample(city: City, reach: StoreReach) -> Baskets | None:
    """Return the city's orders of a day as a sample, each at the nearest store that covers it.

    None where no covered customer orders anything.
    """
    orders, num_stores = city.orders, len(reach.store_sites)
    store = reach.nearest[orders.customer_idx]
    lines = np.diff(orders.line_ptr)
    kept = np.flatnonzero((store >= 0) & (lines > 0))
    if not kept.size:
        return None
    is_kept = np.zeros(len(store), dtype=bool)
    is_kept[kept] = True
    of_line = np.repeat(is_kept, lines)
    return Baskets(
        first=np.concatenate([[0], np.cumsum(lines[kept])]),
        sku=orders.line_sku[of_line],
        units=orders.line_units[of_line],
        store=store[kept],
        orders_per_day=np.bincount(store[kept], minlength=num_stores).astype(np.float64),
    )
