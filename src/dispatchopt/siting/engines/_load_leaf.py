"""Who is served from which open site, searched up to a target that rises from the bound on.

Up to a target only few pairs are left, and fewer the nearer the target is to the bound: a search
that finds nothing makes the target the bound, and the next one goes a little further (Posta,
Ferland and Michelon 2012). See ``_load_depth``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._load_dual import GRID
from dispatchopt.siting.engines._load_table import LoadTable

#: Cells of knapsacks that a search may look at, about two seconds of work; least nodes of one.
_CELLS, _LEAST_NODES = 1.2e9, 30
#: Rounds of the bound at the first node of a search, and at others.
_FIRST_ROUNDS, _ROUNDS = 1_000, 8
#: First step of a target where costs are not whole, relative to the bound; growth of steps, and
#: how long one may be.
_STEP, _GROWTH, _FAR = 1e-5, 1.5, 0.02


@dataclass(frozen=True, kw_only=True, eq=False)
class Leaf:
    """What a search found.

    Parameters
    ----------
    bound
        No solution costs less, above the greatest cost of interest if there is none.
    site
        Site of each customer in the best solution found, shape (n,); None for none.
    is_stuck
        Whether not even the first target was settled.
    """

    bound: float
    site: IntArray | None
    is_stuck: bool


def searched(
    table: LoadTable,
    is_open: BoolArray,
    *,
    worth: FloatArray,
    low: IntArray,
    bound: float,
    most: float,
) -> Leaf:
    """Search for the best way to serve all from given open sites, up to a cost of ``most``.

    Parameters
    ----------
    worth
        Multipliers of "served once", shape (n,).
    low
        Least load of each site, shape (m,).
    bound, most
        Least and greatest cost of interest, opening included; the second may be inf.
    """
    from dispatchopt.siting.engines import _load_depth

    opened = np.flatnonzero(is_open)
    base = float(table.opening[opened].sum())
    cost, grain = np.ascontiguousarray(table.cost[opened]), float(table.grain)
    units, room = np.array(table.units, dtype=np.int64), np.array(table.room[opened], np.int64)
    if (low[opened] > room).any():
        # More room is lacking than can be left: nothing serves all.
        return Leaf(bound=np.inf, site=None, is_stuck=False)
    grid = GRID if grain else 0.0
    start = np.floor(worth * grid + 0.5) / grid if grain else np.array(worth)
    ground = (cost, units, room, np.array(low[opened], dtype=np.int64))
    # Half of it: sums of what is rounded stay below.
    slack = 0.5 * grain if grain else 1e-9 * max(1.0, abs(bound))
    size = float(np.isfinite(cost).sum(axis=1) @ room) + 1.0
    left = max(_LEAST_NODES, int(_CELLS / size))
    step = grain or _STEP * max(1.0, abs(bound))
    found, is_stuck = np.full(len(units), -1, dtype=np.int64), True
    best: IntArray | None = None
    target = table.rounded_up(bound) if grain else bound + step
    while bound <= most and best is None and left > 0:
        # Steps that are no longer small say that there is no solution yet: any will do.
        target = most if step > _FAR * max(1.0, abs(bound)) else min(target, most)
        rules = (target - base + slack, grain, _FIRST_ROUNDS, _ROUNDS, left, grid)
        value, is_complete, nodes = _load_depth.search(start, ground, rules, found)
        left -= nodes
        if value < np.inf:
            best = opened[found]
        if not is_complete:
            break
        is_stuck = False
        bound = target + grain if best is None else value + base
        if target >= most:
            break
        step *= _GROWTH
        target = target + (np.ceil(step / grain) * grain if grain else step)
    return Leaf(bound=bound, site=best, is_stuck=is_stuck)
