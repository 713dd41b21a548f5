"""A search that loads lanes anew in groups, on two halves of the stores at once."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.rebalancing.engines._loads import Loads
from dispatchopt.inventory.rebalancing.engines._pace import Threads

#: Lanes beside the first that are loaded anew together at most, the share of them that join it by a
#: SKU, how far values are shaken, in which share of the groups, and the share that look at prices.
#: Where lanes cost something, more are loaded together, and warmer.
_MIX = 6, 0.2, 0.2, 0.5, 0.8
_MIX_PAID = 12, 0.4, 0.3, 0.5, 0.7
#: Warmth of the annealing at its begin and end, in mean worths of a unit.
_HOT, _COLD = 0.7, 0.03
_HOT_PAID, _COLD_PAID = 1.0, 0.1
#: Lanes from which halves of the stores are searched side by side.
_MIN_SPLIT = 100
#: Reduced value, in mean worths of a unit, below which an entry is left out.
_FAR = 0.5


class Search:
    """Transfers whose lanes are loaded anew in groups.

    Lanes within one half of the stores and those within the other touch no pair together, so that
    both are loaded anew side by side, and the halves are drawn anew each time.

    Parameters
    ----------
    loads
        Lanes, units, and their prices.
    units
        Transfers to begin at, SKU by SKU.
    seed
        Of the random streams.
    is_priced
        Whether entries far from paying at the prices are left out.
    """

    def __init__(
        self, loads: Loads, units: list[IntArray], seed: int, *, is_priced: bool = False
    ) -> None:
        self._loads = loads
        self._all = loads.by_lane(units)
        problem, worth = loads.problem, loads.worth
        stores, skus, lanes = problem.num_stores, problem.num_skus, problem.num_lanes
        is_kept = self._all > 0
        cost = np.concatenate([worth.up.cost, worth.down.cost])
        self._unit = float(np.abs(cost).mean()) if cost.size else 0.0
        is_kept |= loads.reduced() > -_FAR * self._unit if is_priced else True
        self._kept = np.flatnonzero(is_kept)
        lane, sku = loads.lane[self._kept], loads.entries[1][self._kept]
        tail, head = sku * stores + problem.lane_from[lane], sku * stores + problem.lane_to[lane]
        moved = self._all[self._kept]
        added, sent = np.zeros((2, stores * skus), dtype=np.int64)
        np.add.at(added, head, moved)
        np.subtract.at(added, tail, moved)
        np.add.at(sent, tail, moved)
        self._state = moved, added, sent
        volume = problem.stock.volume_ml.astype(np.float64)[sku]
        self._entries = tail, head, volume, problem.unit_cost[lane]
        pairs = stores * skus
        first = np.searchsorted(lane, np.arange(lanes + 1))
        self._of = first, lane, _grouped(head, pairs), _grouped(tail, pairs)
        begin, by_end = _grouped(np.concatenate([problem.lane_from, problem.lane_to]), stores)
        self._near = begin, by_end % max(1, lanes)
        never = 1e3 * (1.0 + float(np.abs(cost).max(initial=0.0) + problem.unit_cost.max()))
        self._marginal = *_marginal(loads), never
        self._threads = Threads(loads.num_parts)
        self._rng = np.random.default_rng(seed)
        self._rooms = [(*loads.new_room(), np.empty(moved.size, np.int64)) for _ in range(2)]

    @property
    def moved(self) -> IntArray:
        """Units of each entry of lane and SKU, by lane."""
        moved = np.zeros_like(self._all)
        moved[self._kept] = self._state[0]
        return moved

    def go(self, count: int, share: float) -> float:
        """Load groups of lanes anew, at a share of the search; return the change of cost."""
        from dispatchopt.inventory.rebalancing.engines import _compiled_search

        loads, problem = self._loads, self._loads.problem
        hot, cold = (_HOT_PAID, _COLD_PAID) if loads.is_paid else (_HOT, _COLD)
        mix = _MIX_PAID if loads.is_paid else _MIX
        warmth = self._unit * hot * (cold / hot) ** share
        side = np.zeros(problem.num_stores, dtype=bool)
        if problem.num_lanes >= _MIN_SPLIT:
            side[self._rng.permutation(side.size)[: side.size // 2]] = True
        tail, head = side[problem.lane_from], side[problem.lane_to]
        passing = np.split(loads.price, loads.sizes)[2]
        seeds = self._rng.integers(2**31 - 1, size=2).tolist()

        def work(part: int) -> float:
            is_in = (tail == part) & (head == part)
            pool = np.flatnonzero(is_in)
            if not pool.size:
                return 0.0
            items, room, kept = self._rooms[part]
            return float(
                _compiled_search.rounds(
                    seeds[part], count, warmth, mix, pool, is_in, loads.lanes, self._near,
                    self._of, self._entries, loads.stock[2], passing, self._marginal, self._state,
                    items[:3], room, kept,
                )
            )  # fmt: skip

        if not side.any():
            return work(0)
        # The sum of two has one order only.
        return sum(self._threads.do(work, range(2)))


def _grouped(key: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Return the first place of each key, and the places of keys in order."""
    order = np.argsort(key, kind="stable")
    return np.searchsorted(key[order], np.arange(count + 1)), order


def _marginal(loads: Loads) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Return first values of pairs, places of their first unit that comes, values, and prices."""
    up, down = loads.worth.up, loads.worth.down
    uses, sources, _, _ = np.split(loads.price, loads.sizes)
    comes, leaves = np.diff(up.first), np.diff(down.first)
    first = np.concatenate([[0], np.cumsum(comes + leaves)])
    base = first[:-1] + leaves
    value, price = np.empty((2, int(first[-1])))
    pair = np.repeat(np.arange(comes.size), comes)
    at = base[pair] + np.arange(pair.size) - up.first[pair]
    value[at], price[at] = up.cost, uses
    pair = np.repeat(np.arange(leaves.size), leaves)
    at = base[pair] - 1 - (np.arange(pair.size) - down.first[pair])
    value[at], price[at] = down.cost, -sources
    return first, base, value, price
