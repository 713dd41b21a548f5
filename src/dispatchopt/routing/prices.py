"""Shadow prices: what an order, a courier and a minute are worth, from the linear relaxation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.routing.bundles import Enumeration, enumerate_bundles, is_short
from dispatchopt.routing.picking import has_picking
from dispatchopt.routing.problem import RoutingProblem

#: Trips up to which prices are computed.
MAX_TRIPS = 1_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Prices:
    """Dual values of the relaxation over all short trips, in cost units.

    Parameters
    ----------
    value
        Cost of the relaxation: a lower bound on every plan if ``is_complete``.
    order
        What serving each order adds to the cost, shape (num_orders,); at most its refusal cost.
    courier
        What one courier more of each class would save, shape (num_rows,), >= 0.
    trips
        The trips that were priced.
    is_complete
        Whether these are all trips that exist.
    """

    value: float
    order: FloatArray
    courier: FloatArray
    trips: Enumeration
    is_complete: bool


def has_prices(problem: RoutingProblem) -> bool:
    """Whether trips are short, loaded at stores, one per courier, and nothing but them is timed."""
    used = problem.couriers.count > 0
    return (
        is_short(problem)
        and len(problem.orders) > 0
        and not problem.orders.has_pickup.any()
        and not (problem.couriers.max_trips[used] > 1).any()
        and not len(problem.breaks)
        and not has_picking(problem)
    )


def shadow_prices(
    problem: RoutingProblem, *, should_stop: Callable[[], bool] = lambda: False, seed: int = 1
) -> Prices | None:
    """Return the prices of a problem, or None if it has none or there was no time."""
    if not has_prices(problem):
        return None
    trips = enumerate_bundles(problem, limit=MAX_TRIPS, should_stop=should_stop)
    from dispatchopt.routing.engines._columns import columns_of
    from dispatchopt.routing.engines._effort import Effort, starting_columns
    from dispatchopt.routing.engines._relaxation import Relaxation

    columns, top = columns_of(problem, trips.blocks)

    def time_left() -> float:
        return 0.0 if should_stop() else math.inf

    first = starting_columns(columns, np.zeros(0, dtype=np.int64), Effort())
    relaxation = Relaxation(columns, first, seed=seed, time_left=time_left)
    root = relaxation.converge()
    if root is None or root[0].is_infeasible or root[0].value >= top:
        return None
    duals = root[0].duals
    return Prices(
        value=columns.bound(duals, root[1], columns.sides()),
        order=duals[: columns.num_orders],
        courier=np.maximum(0.0, -duals[columns.num_orders : columns.num_rows - 1]),
        trips=trips,
        is_complete=trips.is_complete,
    )
