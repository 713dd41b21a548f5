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
from weakref import WeakKeyDictionary

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.routing.known_trips import KnownTrips, Level, keys_of
from dispatchopt.routing.problem import ANYWHERE, RoutingProblem
from dispatchopt.routing.trip_timing import NO_TRIP, BestSequences, TripTiming

#: Orders in a bundle up to which all sequences are tried (720 of them).
MAX_SIZE = 6
#: Most that the triangle inequality may be broken by, metres or seconds, for exactness.
MAX_SLACK = 60
#: Pairs of order and courier row at a store from which trips are timed in compiled code.
_COMPILED_FROM = 200
#: Slacks of problems, which listing and pricing both ask for: all detours over all places.
_SLACKS: WeakKeyDictionary[RoutingProblem, tuple[int, int, bool]] = WeakKeyDictionary()


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
    """Bundles, whether they are all that exist, and what to keep of them for the next time.

    All that have at most ``whole_size`` orders are there.
    """

    blocks: list[Bundles]
    is_complete: bool
    known: KnownTrips | None = None
    whole_size: int = 0

    @property
    def num_bundles(self) -> int:
        """Number of bundles."""
        return sum(len(block.cost) for block in self.blocks)


def is_short(problem: RoutingProblem) -> bool:
    """Whether trips are limited to so few orders that all of them can be enumerated."""
    return int(problem.couriers.max_stops.max(initial=0)) <= MAX_SIZE


def enumerate_bundles(
    problem: RoutingProblem,
    *,
    limit: int,
    should_stop: Callable[[], bool] = lambda: False,
    known: KnownTrips | None = None,
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
    known
        Trips of this problem that were enumerated before, from ``KnownTrips.moved_to``; only sets
        with another order are timed.
    """
    growths, kept, is_complete = _growths(problem, known)
    blocks: list[Bundles] = []
    left, whole_size = limit, 0
    # Small bundles of all couriers come before large ones of any, in case the limit is met.
    while growths:
        alive = []
        for growth in growths:
            if should_stop() or left <= 0:
                return Enumeration(blocks=blocks, is_complete=False, whole_size=whole_size)
            candidates = growth.candidates()
            if len(candidates) > 4 * left:
                return Enumeration(blocks=blocks, is_complete=False, whole_size=whole_size)
            block = growth.grow(candidates)
            kept.add(growth.courier, growth.store, growth.level)
            if len(block.cost):
                blocks.append(block)
                left -= len(block.cost)
            if growth.can_grow():
                alive.append(growth)
            elif growth.was_cut:
                is_complete = False
        growths, whole_size = alive, whole_size + 1
    return Enumeration(blocks=blocks, is_complete=is_complete, known=kept, whole_size=whole_size)


def _growths(
    problem: RoutingProblem, known: KnownTrips | None
) -> tuple[list[_Growth], KnownTrips, bool]:
    """Return what grows, an empty list of what is known, and if detours are no short cuts."""
    slack_s, slack_m, is_complete = slacks_of(problem)
    if known is not None:
        known = known.if_wide_enough(slack_s, slack_m)
    if known is not None:
        slack_s, slack_m = known.slack_s, known.slack_m
    growths = [
        _Growth(problem, row, int(store), slack_s, slack_m, known)
        for row in np.flatnonzero(problem.couriers.count > 0).tolist()
        for store in problem.stores_of_courier(row)
    ]
    if sum(growth.num_singles for growth in growths) >= _COMPILED_FROM:
        for growth in growths:
            growth.compile()
    return growths, KnownTrips(problem=problem, slack_s=slack_s, slack_m=slack_m), is_complete


def slacks_of(problem: RoutingProblem) -> tuple[int, int, bool]:
    """Return by how much a detour can be a short cut: seconds, metres, and if that is little."""
    if problem not in _SLACKS:
        _SLACKS[problem] = _slacks(problem)
    return _SLACKS[problem]


def _slacks(problem: RoutingProblem) -> tuple[int, int, bool]:
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


def fitting_orders(problem: RoutingProblem, courier: int, store: int) -> IntArray:
    """Return the orders that a courier row may carry from a store, whatever the times."""
    couriers, orders = problem.couriers, problem.orders
    fits = (orders.load <= couriers.capacity[courier]).all(axis=1)
    fits &= (orders.skills & ~couriers.skills[courier]) == 0
    fits &= (orders.locked_courier == ANYWHERE) | (orders.locked_courier == courier)
    if orders.store_options is not None:
        owner = np.repeat(np.arange(len(orders)), np.diff(orders.store_options.indptr))
        may = np.zeros(len(orders), dtype=np.bool_)
        may[owner[orders.store_options.stores == store]] = True
        fits &= may
    return np.flatnonzero(fits)


def best_of_sets(problem: RoutingProblem, courier: int, store: int, sets: IntArray) -> Bundles:
    """Return the trips of some sets of orders that fit a courier row, shape (num_sets, size)."""
    changes = problem.orders.changes(courier, store)
    timing = TripTiming(problem, courier, store, problem.orders.replace(change_cost=0))
    permutations = np.array(list(itertools.permutations(range(sets.shape[1]))), dtype=np.int64)
    sequences, cost, _ = timing.compiled()(sets, permutations, 0, 0)
    sequences, cost = sequences[cost < NO_TRIP], cost[cost < NO_TRIP]
    cost = cost + changes[sequences].sum(axis=1)
    return Bundles(courier=courier, store=store, sequences=sequences, cost=cost)


class _Growth:
    """The bundles of one courier row at one store, by size."""

    def __init__(  # noqa: PLR0917 - internal
        self,
        problem: RoutingProblem,
        courier: int,
        store: int,
        slack_s: int,
        slack_m: int,
        known: KnownTrips | None,
    ) -> None:
        couriers, orders = problem.couriers, problem.orders
        self.courier, self.store = courier, store
        # Changes cost the same in any sequence, and are added at the end.
        self._changes = orders.changes(courier, store)
        bare = orders.replace(change_cost=0) if self._changes.any() else orders
        self._timing = TripTiming(problem, courier, store, bare)
        self._known: list[Level] = [] if known is None else known.levels(courier, store)
        self._is_new: BoolArray | None = None
        self._is_later = False
        if self._known and known is not None:
            self._is_new = known.is_new
            self._is_later = courier in known.later
        self.level = Level.empty()
        self._most = int(min(couriers.max_stops[courier], MAX_SIZE, len(orders)))
        self._is_limited = couriers.max_stops[courier] > MAX_SIZE
        self._slack = (slack_s, slack_m)
        self._capacity = couriers.capacity[courier]
        self._load = orders.load
        self._base = len(orders)
        self._singles = fitting_orders(problem, courier, store)
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
        size, is_new = self._sets.shape[1], self._is_new
        if size == 0:
            singles = self._singles if is_new is None else self._singles[is_new[self._singles]]
            return singles[:, None]
        has_new: BoolArray | None = None
        if is_new is not None:
            has_new = np.asarray(is_new[self._sets].any(axis=1))
        joined = _join(self._sets, has_new)
        keys = keys_of(self._sets, self._base)
        for out in range(size - 1):
            part = keys_of(np.delete(joined, out, axis=1), self._base)
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
        good = cost < NO_TRIP
        level = Level(candidates[nearly], sequences[good], cost[good])
        if self._known:
            old = self._known[size - 1] if size <= len(self._known) else Level.empty(size)
            level = level.merged(self._again(old, permutations, slack_s, slack_m), self._base)
        self.level, self._sets = level, level.sets
        return Bundles(
            courier=self.courier,
            store=self.store,
            sequences=level.sequences,
            cost=level.cost + self._changes[level.sequences].sum(axis=1),
        )

    def _again(self, old: Level, permutations: IntArray, slack_s: int, slack_m: int) -> Level:
        """Return what is left of a level now that couriers may be free later."""
        if not self._is_later:
            return old
        timing = self._timing
        free_s = int(timing.problem.couriers.earliest_s[self.courier]) + timing.lead_s
        is_late, is_late_trip = (
            timing.orders.release_s[each].max(axis=1, initial=timing.store_earliest_s) < free_s
            for each in (old.sets, old.sequences)
        )
        if not is_late.any():
            return old
        sets = old.sets[is_late]
        sequences, cost, nearly = self._best(sets, permutations, slack_s, slack_m)
        good = cost < NO_TRIP
        late = Level(sets[nearly], sequences[good], cost[good])
        rest = Level(old.sets[~is_late], old.sequences[~is_late_trip], old.cost[~is_late_trip])
        return rest.merged(late, self._base)


def _join(sets: IntArray, has_new: BoolArray | None) -> IntArray:
    """Return all unions of two sets that differ in their last element only; sets are sorted.

    With ``has_new`` only unions of which one part has a new order.
    """
    same = (sets[1:, :-1] == sets[:-1, :-1]).all(axis=1)
    group = np.concatenate([[0], np.cumsum(~same)])
    end = np.searchsorted(group, group, side="right")
    every = np.arange(len(sets))
    if has_new is None:
        first, partners, right_of = every + 1, end - every - 1, every
    else:
        # New sets meet all that follow, others only new ones: two parts of one list.
        new = np.flatnonzero(has_new)
        first = np.where(has_new, every + 1, len(sets) + np.searchsorted(new, every + 1))
        last = np.where(has_new, end, len(sets) + np.searchsorted(new, end))
        partners, right_of = last - first, np.concatenate([every, new])
    left = np.repeat(every, partners)
    offset = np.arange(len(left)) - np.repeat(np.cumsum(partners) - partners, partners)
    right = right_of[np.repeat(first, partners) + offset]
    return np.concatenate([sets[left], sets[right, -1:]], axis=1)
