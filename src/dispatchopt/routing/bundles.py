"""All feasible short trips (bundles), enumerated: what one courier may deliver in one round.

Whatever can be delivered in one trip can still be delivered after one order is taken out of it,
as no way gets shorter by a detour. So only feasible sets are extended, by one order at a time, and
of each set all sequences are timed at once. Rounded matrices break the triangle inequality by a
second or two: sets that miss their times by no more than that are extended too, but not offered.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.routing.problem import ANYWHERE, RoutingProblem
from dispatchopt.routing.trip_timing import NO_TRIP, BestSequences, TripTiming

#: Orders in a bundle up to which all sequences are tried (720 of them).
MAX_SIZE = 6
#: Most that the triangle inequality may be broken by, metres or seconds, for exactness.
MAX_SLACK = 60
#: Pairs of order and courier row at a store from which trips are timed in compiled code.
_COMPILED_FROM = 200


@dataclass(frozen=True, kw_only=True)
class Bundles:
    """Bundles of one size, of one courier row at one store.

    Parameters
    ----------
    courier, store
        Who delivers them, and from where.
    sequences
        Order indices in the cheapest sequence, shape (num_bundles, size).
    cost
        Travel, fixed, duration and lateness cost, shape (num_bundles,).
    """

    courier: int
    store: int
    sequences: IntArray
    cost: IntArray


@dataclass(frozen=True, kw_only=True)
class Enumeration:
    """All bundles, and whether they are all that exist."""

    blocks: list[Bundles]
    is_complete: bool

    @property
    def num_bundles(self) -> int:
        """Number of bundles."""
        return sum(len(block.cost) for block in self.blocks)


def is_short(problem: RoutingProblem) -> bool:
    """Whether trips are limited to so few orders that all of them can be enumerated."""
    return int(problem.couriers.max_stops.max(initial=0)) <= MAX_SIZE


def enumerate_bundles(
    problem: RoutingProblem, *, limit: int, should_stop: Callable[[], bool] = lambda: False
) -> Enumeration:
    """Enumerate the feasible bundles of every courier row at every store.

    Parameters
    ----------
    problem
        Orders must be loaded at stores; only the first trip of a courier is looked at.
    limit
        Most bundles; beyond, larger ones are left out.
    should_stop
        Ends the enumeration early.
    """
    slack_s, slack_m, is_complete = _slacks(problem)
    pairs = [
        (row, int(store))
        for row in np.flatnonzero(problem.couriers.count > 0).tolist()
        for store in problem.stores_of_courier(row)
    ]
    growths = [_Growth(problem, row, store, slack_s, slack_m) for row, store in pairs]
    if sum(growth.num_singles for growth in growths) >= _COMPILED_FROM:
        for growth in growths:
            growth.compile()
    blocks: list[Bundles] = []
    left = limit
    # Small bundles of all couriers come before large ones of any, in case the limit is met.
    while growths:
        alive = []
        for growth in growths:
            if should_stop() or left <= 0:
                return Enumeration(blocks=blocks, is_complete=False)
            candidates = growth.candidates()
            if len(candidates) > 4 * left:
                return Enumeration(blocks=blocks, is_complete=False)
            block = growth.grow(candidates)
            if len(block.cost):
                blocks.append(block)
                left -= len(block.cost)
            if growth.can_grow():
                alive.append(growth)
            elif growth.was_cut:
                is_complete = False
        growths = alive
    return Enumeration(blocks=blocks, is_complete=is_complete)


def _slacks(problem: RoutingProblem) -> tuple[int, int, bool]:
    """Return by how much a detour can be a short cut: seconds, metres, and if that is little."""
    couriers, orders = problem.couriers, problem.orders
    ends = couriers.end_place[couriers.end_place != ANYWHERE]
    places = np.unique(np.concatenate([orders.place, problem.stores.place, ends]))
    worst = [0, 0]
    for travel in problem.travel:
        for index, matrix in enumerate((travel.duration_s, travel.distance_m)):
            legs = matrix[np.ix_(places, places)]
            for via in range(len(places)):
                detour = legs[:, via, None] + legs[None, via, :]
                worst[index] = max(worst[index], int((legs - detour).max()))
    is_little = max(worst) <= MAX_SLACK
    return (worst[0], worst[1], True) if is_little else (0, 0, False)


class _Growth:
    """The bundles of one courier row at one store, by size."""

    def __init__(
        self, problem: RoutingProblem, courier: int, store: int, slack_s: int, slack_m: int
    ) -> None:
        couriers, orders = problem.couriers, problem.orders
        self.courier, self.store = courier, store
        self._timing = TripTiming(problem, courier, store)
        self._most = int(min(couriers.max_stops[courier], MAX_SIZE, len(orders)))
        self._is_limited = couriers.max_stops[courier] > MAX_SIZE
        self._slack = (slack_s, slack_m)
        self._capacity = couriers.capacity[courier]
        self._load = orders.load
        self._base = len(orders)
        fits = (orders.load <= self._capacity).all(axis=1)
        fits &= (orders.skills & ~couriers.skills[courier]) == 0
        fits &= (orders.locked_courier == ANYWHERE) | (orders.locked_courier == courier)
        if orders.store_options is not None:
            owner = np.repeat(np.arange(len(orders)), np.diff(orders.store_options.indptr))
            may = np.zeros(len(orders), dtype=np.bool_)
            may[owner[orders.store_options.stores == store]] = True
            fits &= may
        self._singles = np.flatnonzero(fits)
        self._sets: IntArray = np.zeros((1, 0), dtype=np.int64)
        self.was_cut = False
        self._best: BestSequences = self._timing.best_sequences

    @property
    def num_singles(self) -> int:
        """Number of orders that are looked at."""
        return len(self._singles)

    def compile(self) -> None:
        """Time trips in compiled code from now on."""
        self._best = self._timing.compiled()

    def can_grow(self) -> bool:
        """Whether larger sets may be feasible."""
        size = self._sets.shape[1]
        if len(self._sets) == 0 or size >= len(self._singles):
            return False
        if size >= self._most:
            self.was_cut = self._is_limited
            return False
        return True

    def candidates(self) -> IntArray:
        """Return the sets of the next size whose subsets are all known to be feasible."""
        size = self._sets.shape[1]
        if size == 0:
            return self._singles[:, None]
        joined = _join(self._sets)
        keys = _keys(self._sets, self._base)
        for out in range(size - 1):
            part = _keys(np.delete(joined, out, axis=1), self._base)
            at = np.minimum(np.searchsorted(keys, part), len(keys) - 1)
            joined = joined[keys[at] == part]
        load = self._load[joined].sum(axis=1)
        fitting: IntArray = joined[(load <= self._capacity).all(axis=1)]
        return fitting

    def grow(self, candidates: IntArray) -> Bundles:
        """Time the candidates; keep what may be extended, and return what is feasible."""
        size = candidates.shape[1]
        permutations = np.array(list(itertools.permutations(range(size))), dtype=np.int64)
        margin = max(0, self._most - size)
        slack_s, slack_m = (margin * each for each in self._slack)
        sequences, cost, nearly = self._best(candidates, permutations, slack_s, slack_m)
        self._sets = candidates[nearly]
        good = cost < NO_TRIP
        return Bundles(
            courier=self.courier,
            store=self.store,
            sequences=sequences[good],
            cost=cost[good],
        )


def _keys(sets: IntArray, base: int) -> IntArray:
    """Return one number per sorted set, in the order of the sets."""
    keys = np.zeros(len(sets), dtype=np.int64)
    for column in sets.T:
        keys = keys * base + column
    return keys


def _join(sets: IntArray) -> IntArray:
    """Return all unions of two sets that differ in their last element only; sets are sorted."""
    same = (sets[1:, :-1] == sets[:-1, :-1]).all(axis=1)
    group = np.concatenate([[0], np.cumsum(~same)])
    last_of_group = np.searchsorted(group, group, side="right")
    partners = last_of_group - np.arange(len(sets)) - 1
    left = np.repeat(np.arange(len(sets)), partners)
    offset = np.arange(len(left)) - np.repeat(np.cumsum(partners) - partners, partners)
    right = left + 1 + offset
    return np.concatenate([sets[left], sets[right, -1:]], axis=1)
