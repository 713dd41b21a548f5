"""Trips that were enumerated for one state and are still possible in the next.

Between two decisions a few orders come, a few leave, and time moves on. Whether a set of orders
fits into a trip, in which sequence and at what cost, depends on these orders, on the courier, on
the store and on the ways between them alone. Where none of this has changed the trip is known, and
only sets with a new order have to be looked at. A later time at which couriers are free matters
only to trips whose orders are ready before it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.routing.problem import Couriers, Orders, RoutingProblem, Stores

#: Columns that say nothing about a trip without the price of changes.
_FREE_OF_ORDERS = {"place", "refusal_cost", "planned_courier", "planned_store", "change_cost"}
_FREE_OF_COURIERS = {"start_place", "end_place", "count", "earliest_s", "store_options"}


@dataclass(frozen=True, eq=False)
class Level:
    """Sets of one size: those that may be extended, and the trips among them.

    ``sets`` are sorted, within and among each other; ``sequences`` and ``cost`` (without changes)
    are of the feasible ones, in the same sequence.
    """

    sets: IntArray
    sequences: IntArray
    cost: IntArray

    @staticmethod
    def empty(size: int = 0) -> Level:
        """Return a level without sets."""
        nothing = np.zeros((0, size), dtype=np.int64)
        return Level(nothing, nothing, np.zeros(0, dtype=np.int64))

    def moved(self, position: IntArray) -> Level:
        """Return what holds no order that is gone, with the new numbers of orders, -1 for gone."""
        sets, sequences = position[self.sets], position[self.sequences]
        has_all = (sequences >= 0).all(axis=1)
        return Level(sets[(sets >= 0).all(axis=1)], sequences[has_all], self.cost[has_all])

    def merged(self, other: Level, base: int) -> Level:
        """Return both together; orders are numbered below ``base``."""
        if not len(other.sets):
            return self
        sets = np.concatenate([self.sets, other.sets])
        sequences = np.concatenate([self.sequences, other.sequences])
        at = np.argsort(keys_of(sets, base), kind="stable")
        own = np.argsort(keys_of(np.sort(sequences, axis=1), base), kind="stable")
        cost = np.concatenate([self.cost, other.cost])
        return Level(sets[at], sequences[own], cost[own])


@dataclass(kw_only=True, eq=False)
class KnownTrips:
    """All trips of a problem, by courier row, store and size.

    Parameters
    ----------
    problem
        The problem.
    slack_s, slack_m
        By how much sets may miss their limits and are still extended.
    is_new
        Orders that no trip here holds, shape (num_orders,).
    later
        Couriers that are free later than when their trips were timed.
    """

    problem: RoutingProblem
    slack_s: int
    slack_m: int
    is_new: BoolArray = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    later: set[int] = field(default_factory=set)
    _levels: dict[tuple[int, int], list[Level]] = field(default_factory=dict)

    def add(self, courier: int, store: int, level: Level) -> None:
        """Keep the next larger sets of a courier row at a store."""
        self._levels.setdefault((courier, store), []).append(level)

    def levels(self, courier: int, store: int) -> list[Level]:
        """Return the sets of a courier row at a store by size; nothing if they are not known."""
        return self._levels.get((courier, store), [])

    def if_wide_enough(self, slack_s: int, slack_m: int) -> KnownTrips | None:
        """Return this, or None if sets were left out that have to be looked at now."""
        return self if slack_s <= self.slack_s and slack_m <= self.slack_m else None

    def moved_to(
        self,
        problem: RoutingProblem,
        orders: IntArray,
        couriers: IntArray,
        stores: IntArray,
    ) -> KnownTrips | None:
        """Return what is known of another problem, or None if nothing is.

        Parameters
        ----------
        problem
            The other problem.
        orders, couriers, stores
            Row in the other problem of each row in this one, -1 for none.
        """
        before = self.problem
        if problem.num_dims != before.num_dims or len(problem.travel) != len(before.travel):
            return None
        position = np.where(_same_orders(before.orders, problem.orders, orders, stores), orders, -1)
        kept = np.flatnonzero(position >= 0)
        if not len(kept) or (np.diff(position[kept]) <= 0).any():
            return None
        is_new = np.ones(len(problem.orders), dtype=np.bool_)
        is_new[position[kept]] = False
        moved = KnownTrips(
            problem=problem, slack_s=self.slack_s, slack_m=self.slack_m, is_new=is_new
        )
        known = [(each := np.flatnonzero(to >= 0), to[each]) for to in (stores, couriers)]
        ways = _has_same_ways(before, problem, [(kept, position[kept]), *known])
        for (row, store), levels in self._levels.items():
            courier, place = int(couriers[row]), int(stores[store])
            if (
                min(courier, place) >= 0
                and ways[int(problem.couriers.profile[courier])]
                and _same_courier(before.couriers, problem.couriers, row, courier)
                and _same_store(before.stores, problem.stores, store, place)
            ):
                moved._levels[courier, place] = [level.moved(position) for level in levels]
                if problem.couriers.earliest_s[courier] > before.couriers.earliest_s[row]:
                    moved.later.add(courier)
        return moved if moved._levels else None


def keys_of(sets: IntArray, base: int) -> IntArray:
    """Return one number per sorted set, in the order of the sets."""
    keys = np.zeros(len(sets), dtype=np.int64)
    for column in sets.T:
        keys = keys * base + column
    return keys


def positions(before: Sequence[Hashable], after: Sequence[Hashable]) -> IntArray:
    """Return where each name of one list stands in another, -1 for none."""
    at = {name: row for row, name in enumerate(after)}
    return np.array([at.get(name, -1) for name in before], dtype=np.int64)


def _columns(kind: Any, but: set[str]) -> list[str]:
    return [each.name for each in fields(kind) if each.name not in but]


def _same_orders(before: Orders, after: Orders, to: IntArray, stores: IntArray) -> BoolArray:
    """Return which orders are there still, with all that trips depend on."""
    row = np.maximum(to, 0)
    same = to >= 0
    if not len(after):
        return np.zeros(len(before), dtype=np.bool_)
    for name in _columns(Orders, {*_FREE_OF_ORDERS, "store_options", "locked_courier"}):
        old, new = getattr(before, name), getattr(after, name)
        equal = old == new[row]
        same = same & (equal.all(axis=1) if equal.ndim == 2 else equal)
    # Rows of couriers may have other numbers now.
    same = same & (before.locked_courier < 0) & (after.locked_courier[row] < 0)
    if before.store_options is None and after.store_options is None:
        return same
    if before.store_options is None or after.store_options is None:
        return np.zeros(len(before), dtype=np.bool_)
    for order in np.flatnonzero(same).tolist():
        old = np.sort(stores[before.store_options.row(order)])
        same[order] = np.array_equal(old, after.store_options.row(int(to[order])))
    return same


def _same_courier(before: Couriers, after: Couriers, old: int, new: int) -> bool:
    """Whether a courier is as it was, but that it may be free later."""
    is_placed = all(
        (getattr(before, name)[old] < 0) == (getattr(after, name)[new] < 0)
        for name in ("start_place", "end_place")
    )
    return (
        is_placed
        and bool(after.earliest_s[new] >= before.earliest_s[old])
        and all(
            np.array_equal(getattr(before, name)[old], getattr(after, name)[new])
            for name in _columns(Couriers, _FREE_OF_COURIERS)
        )
    )


def _same_store(before: Stores, after: Stores, old: int, new: int) -> bool:
    return all(
        getattr(before, name)[old] == getattr(after, name)[new]
        for name in _columns(Stores, {"place"})
    )


def _has_same_ways(
    before: RoutingProblem, after: RoutingProblem, rows: Sequence[tuple[IntArray, IntArray]]
) -> list[bool]:
    """Return for each profile whether the ways between places that are still in use are the same.

    ``rows`` are rows in both problems of orders, stores and couriers.
    """
    (orders, orders_now), (stores, stores_now), (couriers, couriers_now) = rows
    places = [
        np.concatenate(
            [
                problem.orders.place[own_orders],
                problem.stores.place[own_stores],
                problem.couriers.start_place[own_couriers],
                problem.couriers.end_place[own_couriers],
            ]
        )
        for problem, own_orders, own_stores, own_couriers in (
            (before, orders, stores, couriers),
            (after, orders_now, stores_now, couriers_now),
        )
    ]
    is_somewhere = (places[0] >= 0) & (places[1] >= 0)
    # Places that several rows share are looked at once.
    pairs = np.unique(np.stack([own[is_somewhere] for own in places]), axis=1)
    take = [np.ix_(own, own) for own in pairs]
    return [
        all(
            np.array_equal(getattr(old, name)[take[0]], getattr(new, name)[take[1]])
            for name in ("duration_s", "distance_m")
        )
        for old, new in zip(before.travel, after.travel, strict=True)
    ]
