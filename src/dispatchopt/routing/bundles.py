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
from dispatchopt.routing.problem import ANYWHERE, UNREACHABLE, Orders, RoutingProblem

#: Orders in a bundle up to which all sequences are tried (720 of them).
MAX_SIZE = 6
#: Most that the triangle inequality may be broken by, metres or seconds, for exactness.
MAX_SLACK = 60
_CHUNK = 12_000
_FAR_BACK = -(1 << 50)


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
        kept, sequences, costs = [], [], []
        permutations = np.array(list(itertools.permutations(range(size))), dtype=np.int64)
        step = max(1, _CHUNK // len(permutations))
        margin = max(0, self._most - size)
        slack_s, slack_m = (margin * each for each in self._slack)
        for first in range(0, len(candidates), step):
            chunk = candidates[first : first + step]
            tried = chunk[:, permutations]
            cost, excess_s, excess_m = self._timing.cost(tried)
            nearly = ((excess_s <= slack_s) & (excess_m <= slack_m)).any(axis=1)
            feasible = (excess_s <= 0) & (excess_m <= 0)
            cost = np.where(feasible, cost, np.iinfo(np.int64).max)
            best = cost.argmin(axis=1)
            good = feasible.any(axis=1)
            kept.append(chunk[nearly])
            sequences.append(tried[np.arange(len(chunk)), best][good])
            costs.append(cost[np.arange(len(chunk)), best][good])
        self._sets = np.concatenate(kept) if kept else candidates[:0]
        return Bundles(
            courier=self.courier,
            store=self.store,
            sequences=np.concatenate(sequences) if sequences else candidates[:0],
            cost=np.concatenate(costs) if costs else np.zeros(0, dtype=np.int64),
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


class TripTiming:
    """Cost and lateness of many sequences at once, for one courier row at one store.

    ``orders`` may replace the table of the problem, with rows added at its end.
    """

    def __init__(
        self, problem: RoutingProblem, courier: int, store: int, orders: Orders | None = None
    ) -> None:
        self.problem = problem
        self.orders = problem.orders if orders is None else orders
        self.courier, self.store = courier, store
        couriers, stores = problem.couriers, problem.stores
        travel = problem.travel[int(couriers.profile[courier])]
        self.metres, self.seconds = travel.distance_m, travel.duration_s
        self.origin = int(stores.place[store])
        start = int(couriers.start_place[courier])
        self.lead_m = 0 if start == ANYWHERE else int(self.metres[start, self.origin])
        self.lead_s = 0 if start == ANYWHERE else int(self.seconds[start, self.origin])
        self.store_earliest_s = int(stores.earliest_s[store])
        self.store_latest_s = int(stores.latest_s[store])
        self.store_service_s = int(stores.service_s[store])
        self.end = int(couriers.end_place[courier])
        self.per_m = int(couriers.cost_per_m[courier])
        self.per_s = int(couriers.cost_per_s[courier])
        self.fixed = int(couriers.fixed_cost[courier])
        self.per_order = int(couriers.cost_per_order[courier])
        self.min_pay = int(couriers.min_pay[courier])
        late = (self.orders.late_cost_per_s > 0) & (self.orders.promise_s < (1 << 39))
        self.has_lateness = bool(late.any())

    def cost(self, sequences: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return cost, seconds too late and metres too far, shape ``sequences.shape[:-1]``."""
        orders, couriers, row = self.orders, self.problem.couriers, self.courier
        ready = orders.release_s[sequences].max(axis=-1)
        floor = np.maximum(ready, self.store_earliest_s)
        delay = np.full(floor.shape, self.lead_s, dtype=np.int64)
        metres = np.full(floor.shape, self.lead_m, dtype=np.int64)
        late = floor - self.store_latest_s
        high = self.store_latest_s - delay
        events: list[tuple[IntArray, IntArray, IntArray, IntArray]] = []
        floor, delay = floor + self.store_service_s, delay + self.store_service_s
        place = np.full(floor.shape, self.origin, dtype=np.int64)
        longest = np.maximum(delay, metres)
        for position in range(sequences.shape[-1]):
            order = sequences[..., position]
            target = orders.place[order]
            leg_s, leg_m = self.seconds[place, target], self.metres[place, target]
            longest = np.maximum(longest, np.maximum(leg_s, leg_m))
            metres = metres + leg_m
            floor = np.maximum(floor + leg_s, orders.earliest_s[order])
            delay = delay + leg_s
            latest = orders.deadline_s[order]
            late = np.maximum(late, floor - latest)
            high = np.minimum(high, latest - delay)
            if self.has_lateness:
                price = orders.late_cost_per_s[order]
                events.append((floor, delay, orders.promise_s[order], price))
            floor, delay = floor + orders.service_s[order], delay + orders.service_s[order]
            place = target
        if self.end != ANYWHERE:
            leg_s, leg_m = self.seconds[place, self.end], self.metres[place, self.end]
            longest = np.maximum(longest, np.maximum(leg_s, leg_m))
            metres, floor, delay = metres + leg_m, floor + leg_s, delay + leg_s
        shift_end = int(couriers.latest_s[row])
        late, high = np.maximum(late, floor - shift_end), np.minimum(high, shift_end - delay)
        most_s = int(couriers.max_duration_s[row])
        low = np.maximum(int(couriers.earliest_s[row]), floor - most_s)
        late = np.maximum(np.maximum(late, low - high), delay - most_s)
        late = np.where(longest >= UNREACHABLE, -_FAR_BACK, late)
        far = metres - int(couriers.max_distance_m[row])
        cost = metres * self.per_m + self.fixed + sequences.shape[-1] * self.per_order
        spent = self._time_cost(
            (low, high), floor, delay, events, np.maximum(self.min_pay - cost, 0)
        )
        return cost + spent, late, far

    def _time_cost(
        self,
        starts: tuple[IntArray, IntArray],
        floor: IntArray,
        delay: IntArray,
        events: list[tuple[IntArray, IntArray, IntArray, IntArray]],
        unpaid: IntArray,
    ) -> IntArray:
        """Return the least cost of duration and lateness over the start of the route.

        ``starts`` are the first and last ones, ``unpaid`` is what minimum pay leaves for time to
        cost at least.
        """
        low, high = starts
        if not events:
            return np.asarray(np.maximum(np.maximum(delay, floor - high) * self.per_s, unpaid))
        if not self.per_s:
            return self._time_cost_at(low, floor, delay, events, unpaid)
        kinks = [low, high, floor - delay]
        kinks += [f - d for f, d, _, _ in events] + [promise - d for _, d, promise, _ in events]
        if self.min_pay:
            kinks += [floor - unpaid // self.per_s, floor - unpaid // self.per_s - 1]
        best = self._time_cost_at(low, floor, delay, events, unpaid)
        for kink in kinks[1:]:
            start = np.minimum(np.maximum(kink, low), np.maximum(low, high))
            best = np.minimum(best, self._time_cost_at(start, floor, delay, events, unpaid))
        return best

    def _time_cost_at(
        self,
        start: IntArray,
        floor: IntArray,
        delay: IntArray,
        events: list[tuple[IntArray, IntArray, IntArray, IntArray]],
        unpaid: IntArray,
    ) -> IntArray:
        total = np.maximum((np.maximum(floor, start + delay) - start) * self.per_s, unpaid)
        for event_floor, event_delay, promise, price in events:
            late = np.maximum(event_floor, start + event_delay) - promise
            total = total + np.maximum(late, 0) * price
        return np.asarray(total)
