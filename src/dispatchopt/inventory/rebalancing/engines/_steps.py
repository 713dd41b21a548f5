"""What single units are worth in each store, and the lanes on which any unit could pay.

A unit that goes on a lane comes from some store, where it costs at least what the first unit does,
and ends in some store, where it saves at most what the first unit does. Lanes and units that cannot
pay by this measure are left out; no optimum needs them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem

#: Units of one pair beyond which the search goes without a proof.
MAX_UNITS = 5_000
#: SKUs times lanes that are looked at together.
_CHUNK = 2_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """Single units of a SKU that may leave or come, sorted by SKU, store, and turn.

    Parameters
    ----------
    first
        First row of each SKU and store, (K * S + 1,).
    sku_first
        First row of each SKU, (K + 1,).
    store
        Store of each unit.
    cost
        What it costs to take the unit away, or what it saves to add it.
    """

    first: IntArray
    sku_first: IntArray
    store: IntArray
    cost: FloatArray

    def of(self, sku: int) -> tuple[IntArray, FloatArray]:
        """Return stores and costs of the units of a SKU."""
        rows = slice(self.sku_first[sku], self.sku_first[sku + 1])
        return self.store[rows], self.cost[rows]


class Worth:
    """Units and lanes that can pay, by SKU.

    Attributes
    ----------
    down, up
        Units that may leave, and units that may come.
    lane_first, lane
        Lanes of each SKU: ``lane[lane_first[k]:lane_first[k + 1]]``.
    is_whole
        Whether all units that can pay are there.
    """

    def __init__(self, problem: RebalancingProblem) -> None:
        self.problem = problem
        self.demand = Demand.of(problem.stock)
        shape = problem.stock.shape
        self.held = np.broadcast_to(problem.stock.holding_cost, shape)
        self.lost = np.broadcast_to(problem.stock.shortage_cost, shape)
        level = problem.stock.on_hand_units
        every = np.indices(shape).reshape(2, -1)
        first_up = self.gain(every, level.ravel()).reshape(shape)
        first_down = self.gain(every, level.ravel() - 1).reshape(shape)
        can = problem.movable_units > 0
        source, sink = np.full(shape, np.inf), np.full(shape, -np.inf)
        width = max(1, _CHUNK // max(1, problem.num_lanes))

        def reach(begin: int) -> BoolArray:
            skus = slice(begin, begin + width)
            start = np.where(can[:, skus], first_down[:, skus], np.inf)
            found = _reach(problem, start, first_up[:, skus])
            source[:, skus], sink[:, skus] = found[1], found[2]
            return found[0]

        # SKUs, and units that leave and come, do not touch each other: threads save time only.
        with ThreadPoolExecutor(2) as pool:
            kept = list(pool.map(reach, range(0, shape[1], width)))
            down = pool.submit(self._units, -1, sink, problem.movable_units, first_down)
            up = pool.submit(self._units, 1, source, np.full(shape, MAX_UNITS), first_up)
            lanes = np.concatenate(kept, axis=0) if kept else np.zeros((0, problem.num_lanes), bool)
            self.lane_first = np.concatenate([[0], np.cumsum(lanes.sum(axis=1))])
            self.lane = np.nonzero(lanes)[1]
            self.down, is_whole_down = down.result()
            self.up, is_whole_up = up.result()
        self.is_whole = is_whole_down and is_whole_up

    def gain(self, pair: IntArray, level: IntArray) -> FloatArray:
        """Return what a unit more saves at some levels of pairs (store, SKU), (2, n) and (n,)."""
        at = pair[0], pair[1]
        demand, y = self.demand.take(at), level.astype(np.float64)
        fewer = demand.sf(y) if demand.is_discrete else demand.loss(y) - demand.loss(y + 1.0)
        return np.asarray((self.held[at] + self.lost[at]) * fewer - self.held[at])

    def _units(
        self, sign: int, limit: FloatArray, most: IntArray, first: FloatArray
    ) -> tuple[Units, bool]:
        """Return units of each pair as long as they pay against the best in reach, and if all."""
        problem, is_whole = self.problem, True
        pair = np.array(np.nonzero(np.isfinite(limit) & (most > 0)))
        level = problem.stock.on_hand_units[pair[0], pair[1]]
        key, cost = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
        for step in range(MAX_UNITS):
            if not pair.shape[1]:
                break
            at = level + step if sign > 0 else level - step - 1
            value = first[pair[0], pair[1]] if step == 0 else self.gain(pair, at)
            bar = limit[pair[0], pair[1]]
            pays = value > bar if sign > 0 else value < bar
            key.append((pair[1] * problem.num_stores + pair[0])[pays])
            cost.append(value[pays])
            goes_on = pays & (most[pair[0], pair[1]] > step + 1)
            pair, level = pair[:, goes_on], level[goes_on]
        else:
            is_whole = not pair.shape[1]
        keys, values = np.concatenate(key), np.concatenate(cost)
        order = np.argsort(keys, kind="stable")
        pairs = problem.num_skus * problem.num_stores
        begin = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=pairs))])
        units = Units(
            first=begin,
            sku_first=begin[:: max(1, problem.num_stores)],
            store=keys[order] % max(1, problem.num_stores),
            cost=values[order],
        )
        return units, is_whole


def _reach(
    problem: RebalancingProblem, down: FloatArray, up: FloatArray
) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Return lanes that can pay (K, L), cheapest units into and dearest uses out of stores (S, K).

    Units may pass through stores, so that costs are carried along lanes until nothing changes.
    """
    tail, head, cost = problem.lane_from, problem.lane_to, problem.unit_cost[:, None]
    by_head, by_tail = np.argsort(head, kind="stable"), np.argsort(tail, kind="stable")
    arrive, leave = down.copy(), up.copy()
    into = np.full(down.shape, np.inf)
    out = np.full(down.shape, -np.inf)
    if not problem.num_lanes:
        return np.zeros((down.shape[1], 0), dtype=bool), into, out
    heads, first_head = np.unique(head[by_head], return_index=True)
    tails, first_tail = np.unique(tail[by_tail], return_index=True)
    for _ in range(problem.num_stores):
        offers = (arrive[tail] + cost)[by_head]
        into[heads] = np.minimum.reduceat(offers, first_head, axis=0)
        uses = (leave[head] - cost)[by_tail]
        out[tails] = np.maximum.reduceat(uses, first_tail, axis=0)
        before = arrive, leave
        # A store passes on what it gets only if it may send at all.
        arrive = np.minimum(down, np.where(np.isfinite(down), into, np.inf))
        leave = np.maximum(up, np.where(np.isfinite(down), out, -np.inf))
        if np.array_equal(arrive, before[0]) and np.array_equal(leave, before[1]):
            break
    pays = leave[head] - arrive[tail] - cost > 0
    return pays.T, into, out
