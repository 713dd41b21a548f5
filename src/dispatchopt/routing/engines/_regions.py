"""A better plan, region by region: trips near an order are put together anew, all others stay.

The columns of a region are those that hold none but its orders; of these the ones of least reduced
cost are kept, so that cuts and dives are quick (the idea of POPMUSIC: Taillard and Voss 2002, in
Essays and Surveys in Metaheuristics, 613-629). Regions grow once none of them can be
bettered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.routing.engines._columns import Columns

#: Orders of a region, pass by pass, and which share of them is done with if nothing is found.
_SIZES, _DONE = (40, 70, 110), 0.4
#: Columns of a region.
_MOST_COLUMNS = 2_500


class Solve(Protocol):
    """Looks for a plan among some columns; returns the columns of a better one, or None."""

    def __call__(self, some: IntArray) -> IntArray | None:
        """Search."""


def bettered_regions(
    columns: Columns,
    reduced: FloatArray,
    plan: IntArray,
    near: IntArray,
    *,
    solve: Solve,
    should_stop: Callable[[], bool],
    seed: int,
    sizes: tuple[int, ...] = _SIZES,
) -> Iterator[bool]:
    """Better a plan till no region can be bettered; yields of each whether it was.

    Parameters
    ----------
    columns, reduced
        All columns that a better plan can hold, and their reduced costs.
    plan
        Numbers of the columns of the plan, refusals included.
    near
        Orders by distance from each order, itself first, shape (num_orders, num_orders).
    solve
        Tells better plans to whom it concerns, too.
    sizes
        Orders of a region, pass by pass.
    """
    random = stream(seed, "regions")
    n = columns.num_orders
    for size in sizes:
        if size >= 2 * n:
            return
        is_open = np.ones(n, dtype=np.bool_)
        while is_open.any() and not should_stop():
            centre = int(random.choice(np.flatnonzero(is_open)))
            is_free = _free(columns, plan, near[centre, :size])
            better = solve(_within(columns, reduced, is_free, plan))
            if better is None:
                is_open[near[centre, : max(1, int(_DONE * size))]] = False
            else:
                plan = better
                is_open |= is_free[:n]
            yield better is not None


def _free(columns: Columns, plan: IntArray, near: IntArray) -> BoolArray:
    """Return the rows that a region may hold: orders of trips with one of some orders, no others.

    Rows that are no orders are in every region; shape (num_rows + 1,).
    """
    n, trips = columns.num_orders, columns.members[plan]
    is_near = np.zeros(columns.num_rows + 1, dtype=np.bool_)
    is_near[near] = True
    is_free = np.zeros(columns.num_rows + 1, dtype=np.bool_)
    is_free[trips[is_near[trips].any(axis=1)]] = True
    is_free[n:] = True
    return is_free


def _within(columns: Columns, reduced: FloatArray, is_free: BoolArray, plan: IntArray) -> IntArray:
    """Return the best columns of a region, and the columns of the plan."""
    inside = np.flatnonzero(is_free[columns.members].all(axis=1))
    if len(inside) > _MOST_COLUMNS:
        inside = inside[np.argpartition(reduced[inside], _MOST_COLUMNS)[:_MOST_COLUMNS]]
    return np.union1d(inside, plan)
