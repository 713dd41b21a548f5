"""The best level of every pair on its own, ignoring what ties pairs together."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray, frozen
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import InventoryProblem, LevelRule
from dispatchopt.inventory.walk import Pairs, can_walk, walk

#: Pairs per chunk: their arrays stay in the cache of a core.
CHUNK_PAIRS = 1 << 15
#: Pairs from which compiled loops pay for being loaded.
COMPILED_PAIRS = 250_000

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class FreeLevels:
    """Levels that are best for each pair alone.

    Parameters
    ----------
    order_units
        Orders that lead to them, whole case packs, (S, K).
    cost
        Their expected cost: no solution of the problem costs less.
    """

    order_units: IntArray
    cost: float


def free_levels(problem: InventoryProblem) -> FreeLevels:
    """Return the newsvendor optimum of each pair in whole case packs, at least the facings.

    Expected cost is convex in the level, so that the least level whose next step does not pay is
    the best (Arrow, Harris, Marschak, Econometrica 19, 1951).
    """
    order = np.zeros(problem.num_stores * problem.num_skus, dtype=np.int64)
    is_compiled = order.size >= COMPILED_PAIRS

    def one(chunk: slice) -> float:
        pairs, start_order = flat_pairs(problem, chunk)
        packs, cost = _best_packs(pairs, is_compiled)
        order[chunk] = start_order + packs * pairs.pack_units
        return cost

    costs = by_chunk(one, order.size)
    return FreeLevels(
        order_units=frozen(order.reshape(problem.shape), np.int64), cost=float(sum(costs))
    )


def by_chunk(function: Callable[[slice], T], count: int, size: int = CHUNK_PAIRS) -> list[T]:
    """Apply a function to slices of ``range(count)``, on all cores, results in order."""
    chunks = [slice(first, min(count, first + size)) for first in range(0, count, size)]
    if len(chunks) <= 1:
        return [function(chunk) for chunk in chunks]
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(function, chunks))


def flat_pairs(problem: InventoryProblem, chunk: slice) -> tuple[Pairs, IntArray]:
    """Return some pairs, counted store by store, and their least orders."""
    return pairs_at(problem, np.arange(chunk.start, chunk.stop))


def pairs_at(problem: InventoryProblem, index: IntArray) -> tuple[Pairs, IntArray]:
    """Return the pairs ``store * K + sku`` of an index, and their least orders."""
    store, sku = np.divmod(index, max(1, problem.num_skus))
    least = problem.min_order_units[store, sku]
    samples = problem.sample_units
    demand = Demand(
        law=problem.demand_law,
        mean_units=problem.mean_units[store, sku],
        variance_units=problem.variance_units[store, sku],
        sample_units=None if samples is None else samples[:, store, sku],
    )
    pairs = Pairs(
        demand=demand,
        start_units=problem.on_hand_units[store, sku] + least,
        pack_units=problem.case_pack_units[sku],
        holding_cost=problem.leftover_cost_of_pair[store, sku],
        shortage_cost=problem.shortage_cost_of_pair[store, sku],
        target=problem.target_of_pair[store, sku],
        rule=problem.rule,
    )
    return pairs, least


def take(pairs: Pairs, index: IntArray | BoolArray) -> Pairs:
    """Return some of the pairs."""
    return Pairs(
        demand=pairs.demand.take(index),
        start_units=pairs.start_units[index],
        pack_units=pairs.pack_units[index],
        holding_cost=pairs.holding_cost[index],
        shortage_cost=pairs.shortage_cost[index],
        target=pairs.target[index],
        rule=pairs.rule,
    )


def _best_packs(pairs: Pairs, is_compiled: bool) -> tuple[IntArray, float]:
    """Steps above the start of each pair, and their total cost."""
    packs = np.zeros(pairs.start_units.size, dtype=np.int64)
    loss = np.zeros(packs.size)
    is_left = np.ones(packs.size, dtype=np.bool_)
    if pairs.rule is not LevelRule.Z_SIGMA:
        walkers = np.flatnonzero(can_walk(pairs.demand, pairs.start_units))
        some = pairs if walkers.size == packs.size else take(pairs, walkers)
        walked = walk(some, is_compiled=is_compiled)
        done = walkers[walked.is_done]
        packs[done] = walked.packs[walked.is_done]
        loss[done] = walked.level_loss[walked.is_done]
        is_left[done] = False
    rest = np.flatnonzero(is_left)
    if rest.size:
        some = take(pairs, rest)
        packs[rest] = closed_form_packs(some)
        loss[rest] = some.demand.loss(some.start_units + packs[rest] * some.pack_units)
    return packs, float(cost_of(pairs, packs, loss).sum())


def cost_of(pairs: Pairs, packs: IntArray, loss: FloatArray) -> FloatArray:
    """Return the expected cost of each pair at a level with a known loss.

    Parameters
    ----------
    pairs
        The pairs, n of them.
    packs
        Case packs above the start, (n,).
    loss
        Expected demand not met there, (n,).
    """
    level = pairs.start_units + packs * pairs.pack_units
    cost = pairs.holding_cost * np.maximum(level - pairs.demand.mean_units + loss, 0.0)
    if pairs.rule is LevelRule.CRITICAL_RATIO:
        cost += pairs.shortage_cost * loss
    return cost


def closed_form_packs(pairs: Pairs) -> IntArray:
    """Steps above the start, from quantiles instead of a walk; for any law and size."""
    demand = pairs.demand
    if pairs.rule is LevelRule.CRITICAL_RATIO:
        both = pairs.holding_cost + pairs.shortage_cost
        ratio = np.where(both > 0, pairs.shortage_cost / np.where(both > 0, both, 1.0), 0.0)
        # At the ends of [0, 1] a quantile has no finite value; the start bounds it below.
        best = demand.ppf(np.clip(ratio, 1e-12, 1 - 1e-12))
        steps = (best - pairs.start_units) / pairs.pack_units
        low = np.floor(np.maximum(steps, 0.0))
        # The cost is convex: on the grid of case packs the best is next to the quantile. Where a
        # unit missed costs nothing nothing is best, however far below the mean a quantile lies.
        return np.where(ratio > 0, _better_of(pairs, low.astype(np.int64)), 0)
    if pairs.rule is LevelRule.Z_SIGMA:
        wanted = demand.mean_units + pairs.target * np.sqrt(demand.true_variance)
        wanted -= 1e-9 * np.maximum(1.0, demand.mean_units)
    elif pairs.rule is LevelRule.CYCLE_SERVICE:
        wanted = demand.ppf(np.maximum(pairs.target - 1e-13, 0.0))
        wanted = np.where(np.isfinite(wanted), wanted, 0.0)
    else:
        wanted = _fill_rate_level(demand, pairs.target)
    steps = np.ceil((wanted - pairs.start_units) / pairs.pack_units)
    return np.maximum(steps, 0.0).astype(np.int64)


def _better_of(pairs: Pairs, low: IntArray) -> IntArray:
    """The steps ``low`` or one more, whichever costs less."""
    level = pairs.start_units + low * pairs.pack_units
    spared = pairs.demand.loss(level) - pairs.demand.loss(level + pairs.pack_units)
    gain = (pairs.holding_cost + pairs.shortage_cost) * spared
    return low + (gain > pairs.holding_cost * pairs.pack_units)


def _fill_rate_level(demand: Demand, target: FloatArray) -> FloatArray:
    """Least whole level with E[(D - y)+] <= (1 - target) mean, by doubling and halving."""
    limit = (1.0 - target) * demand.mean_units * (1 + 1e-12)
    low = np.full(demand.mean_units.size, -1.0)
    reach = np.ceil(demand.mean_units) + 1.0
    high = reach.copy()
    todo = np.flatnonzero(demand.mean_units > 0)
    while todo.size:
        is_short = demand.take(todo).loss(high[todo]) > limit[todo]
        todo = todo[is_short]
        low[todo] = high[todo]
        high[todo] = 2 * high[todo]
    todo = np.flatnonzero(high - low > 1)
    while todo.size:
        middle = np.floor((low[todo] + high[todo]) / 2)
        is_short = demand.take(todo).loss(middle) > limit[todo]
        low[todo] = np.where(is_short, middle, low[todo])
        high[todo] = np.where(is_short, high[todo], middle)
        todo = todo[high[todo] - low[todo] > 1]
    return np.where(demand.mean_units > 0, high, 0.0)
