"""Interchange search: open, close and swap sites, all moves of a step valued at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting.engines._pairs import Pairs
from dispatchopt.siting.problem import SitingGoal, SitingProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class Landscape:
    """What the search needs: service costs by row, opening costs, and the rules on sites.

    Rows that must be served have a price above all that serving one could cost.
    """

    pairs: Pairs
    price: FloatArray
    opening: FloatArray
    spend: IntArray
    is_fixed: BoolArray
    is_allowed: BoolArray
    conflict: BoolArray | None
    max_sites: int
    budget: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Values:
    """Cost of a set of open sites and what each single move would change."""

    cost: float
    add: FloatArray
    drop: FloatArray
    swap: FloatArray
    open_sites: IntArray


def landscape(problem: SitingProblem, pairs: Pairs) -> Landscape:
    """Prepare the search on a problem without capacities."""
    opening = np.zeros(problem.num_sites)
    if problem.goal is SitingGoal.FIXED_CHARGE or problem.minimise_cost:
        opening = problem.opening_cents.astype(np.float64)
    elif problem.goal is SitingGoal.COVER_ALL:
        opening = np.ones(problem.num_sites)
    steep = 2.0 * float(pairs.cost.max(initial=0.0)) + 2.0 * float(opening.max(initial=0.0)) + 1.0
    conflicts = problem.conflicts()
    conflict = None
    if len(conflicts):
        conflict = np.zeros((problem.num_sites, problem.num_sites), dtype=bool)
        conflict[conflicts[:, 0], conflicts[:, 1]] = True
        conflict |= conflict.T
    limit = problem.num_sites if problem.max_sites is None else problem.max_sites
    return Landscape(
        pairs=pairs,
        price=np.where(np.isfinite(pairs.price), pairs.price, steep),
        opening=opening,
        spend=problem.opening_cents,
        is_fixed=problem.is_fixed_open,
        is_allowed=problem.is_allowed,
        conflict=conflict,
        max_sites=limit,
        budget=np.iinfo(np.int64).max if problem.budget_cents is None else problem.budget_cents,
    )


def evaluate(land: Landscape, is_open: BoolArray) -> Values:
    """Value all single moves (Resende and Werneck 2004, by gain, loss and extra).

    Costs one pass over the pairs, plus a table of open sites x sites.
    """
    pairs = land.pairs
    sites = len(is_open)
    open_sites = np.flatnonzero(is_open)
    best, second, nearest = _two_best(land, is_open)
    # Only pairs that beat the second best change anything: few, once most rows are covered twice.
    useful = np.flatnonzero(pairs.cost < second[pairs.row])
    row, site, cost = pairs.row[useful], pairs.site[useful], pairs.cost[useful]
    gain = np.maximum(best[row] - cost, 0.0)
    add = land.opening - np.bincount(site, weights=gain, minlength=sites)
    has = nearest >= 0
    loss = np.bincount(nearest[has], weights=(second - best)[has], minlength=sites)
    place = np.full(sites, -1, dtype=np.int64)
    place[open_sites] = np.arange(len(open_sites))
    owner = nearest[row]
    owned = owner >= 0
    row, site, cost, owner = row[owned], site[owned], cost[owned], owner[owned]
    extra = np.bincount(
        place[owner] * sites + site,
        weights=second[row] - np.maximum(cost, best[row]),
        minlength=len(open_sites) * sites,
    ).reshape(len(open_sites), sites)
    drop = loss[open_sites] - land.opening[open_sites]
    return Values(
        cost=float(best.sum() + land.opening[open_sites].sum()),
        add=add,
        drop=drop,
        swap=drop[:, None] + add[None, :] - extra,
        open_sites=open_sites,
    )


def evaluate_rows(land: Landscape, is_open: BoolArray) -> FloatArray:
    """Return what each row costs, its price where no open site serves it."""
    return _two_best(land, is_open)[0]


def _two_best(land: Landscape, is_open: BoolArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return cost at the best and second best open site of each row, and the best site or -1."""
    pairs = land.pairs
    used = np.flatnonzero(is_open[pairs.site])
    used = used[pairs.cost[used] < land.price[pairs.row[used]]]
    row = pairs.row[used]
    first = np.ones(len(used), dtype=bool)
    first[1:] = row[1:] != row[:-1]
    at = np.flatnonzero(first)
    best, second = land.price.copy(), land.price.copy()
    nearest = np.full(pairs.num_rows, -1, dtype=np.int64)
    best[row[at]] = pairs.cost[used[at]]
    nearest[row[at]] = pairs.site[used[at]]
    after = at[at + 1 < len(used)] + 1
    after = after[row[after] == row[after - 1]]
    second[row[after]] = pairs.cost[used[after]]
    return best, second, nearest


def step(land: Landscape, is_open: BoolArray) -> tuple[BoolArray | None, Values]:
    """Return the sites open after the best move (None if no move improves), and all values."""
    values = evaluate(land, is_open)
    spent = int(land.spend[is_open].sum())
    count = len(values.open_sites)
    clashes = np.zeros(len(is_open), dtype=np.int64)
    if land.conflict is not None:
        clashes = land.conflict[values.open_sites].sum(axis=0)
    closed = land.is_allowed & ~is_open
    add = np.where(closed & (clashes == 0) & (spent + land.spend <= land.budget), values.add, 0.0)
    if count >= land.max_sites:
        add[:] = 0.0
    loose = ~land.is_fixed[values.open_sites]
    drop = np.where(loose, values.drop, 0.0)
    after = spent - land.spend[values.open_sites][:, None] + land.spend[None, :]
    allowed = loose[:, None] & closed[None, :] & (after <= land.budget)
    if land.conflict is not None:
        allowed &= clashes[None, :] - land.conflict[values.open_sites] == 0
    swap = np.where(allowed, values.swap, 0.0)
    slack = -1e-9 * max(1.0, abs(values.cost))
    bests = [float(moves.min(initial=0.0)) for moves in (add, drop, swap)]
    # Prefer opening to swapping where both gain alike; a swap keeps the count.
    kind = int(np.argmin(bests))
    if bests[kind] >= slack:
        return None, values
    moved = is_open.copy()
    if kind == 0:
        moved[int(np.argmin(add))] = True
    elif kind == 1:
        moved[values.open_sites[int(np.argmin(drop))]] = False
    else:
        out, into = divmod(int(np.argmin(swap)), len(is_open))
        moved[values.open_sites[out]] = False
        moved[into] = True
    return moved, values
