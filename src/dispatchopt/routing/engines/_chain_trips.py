"""Trips of couriers that may do several, in all sequences worth keeping, by group of couriers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.bundles import MAX_SIZE, enumerate_bundles
from dispatchopt.routing.problem import ANYWHERE, FAR, UNREACHABLE, RoutingProblem

_CHUNK = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class ChainTrips:
    """Trips of couriers that differ only in where and when they begin.

    Parameters
    ----------
    rows
        Courier rows of the group.
    stops
        Orders in sequence, filled up with -1, shape (num_trips, MAX_SIZE).
    size, store
        Number of orders and store of each trip, shape (num_trips,).
    cost
        Cost of its metres from store to last door, and of its orders, shape (num_trips,).
    is_complete
        Whether these are all trips that may be of use.
    """

    rows: list[int]
    stops: IntArray
    size: IntArray
    store: IntArray
    cost: FloatArray
    is_complete: bool


def groups_of(problem: RoutingProblem) -> list[list[int]]:
    """Return courier rows by what may differ along a chain of trips."""
    couriers = problem.couriers
    has_locks = bool((problem.orders.locked_courier != ANYWHERE).any())
    groups: dict[tuple[object, ...], list[int]] = {}
    for row in np.flatnonzero(couriers.count > 0).tolist():
        columns = (
            *(couriers.profile, couriers.end_place, couriers.latest_s, couriers.cost_per_m),
            *(couriers.cost_per_s, couriers.cost_per_order, couriers.max_trips),
            *(couriers.max_stops, couriers.skills),
        )
        key = (
            *(int(column[row]) for column in columns),
            tuple(couriers.capacity[row].tolist()),
            tuple(problem.stores_of_courier(row).tolist()),
            row if has_locks else -1,
        )
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def chain_trips(
    problem: RoutingProblem, rows: list[int], *, limit: int, should_stop: Callable[[], bool]
) -> ChainTrips:
    """Enumerate the trips of a group: as if a courier stood at the store when that is best."""
    couriers = problem.couriers
    first = rows[0]
    used = np.zeros(len(couriers), dtype=np.int64)
    used[first] = 1
    free = couriers.replace(
        count=used,
        start_place=np.full(len(couriers), ANYWHERE),
        end_place=np.full(len(couriers), ANYWHERE),
        earliest_s=np.full(len(couriers), int(couriers.earliest_s[rows].min())),
        fixed_cost=np.zeros(len(couriers), dtype=np.int64),
        max_duration_s=np.full(len(couriers), FAR),
        max_distance_m=np.full(len(couriers), FAR),
    )
    found = enumerate_bundles(problem.replace(couriers=free), limit=limit, should_stop=should_stop)
    parts = [
        (_sequences(problem, first, block.store, block.sequences), block.store)
        for block in found.blocks
    ]
    stops = [np.zeros((0, MAX_SIZE), dtype=np.int64)]
    for part, _ in parts:
        wide = np.full((len(part), MAX_SIZE), -1, dtype=np.int64)
        wide[:, : part.shape[1]] = part
        stops.append(wide)
    together = np.concatenate(stops)
    store = np.repeat([s for _, s in parts], [len(part) for part, _ in parts]).astype(np.int64)
    size = (together >= 0).sum(axis=1)
    metres = _metres(problem, first, store, together)
    cost = metres * float(couriers.cost_per_m[first]) + size * float(couriers.cost_per_order[first])
    has_way = metres < UNREACHABLE
    return ChainTrips(
        rows=rows,
        stops=together[has_way],
        size=size[has_way],
        store=store[has_way],
        cost=cost[has_way],
        is_complete=found.is_complete,
    )


def _metres(problem: RoutingProblem, row: int, store: IntArray, stops: IntArray) -> IntArray:
    metres_of = problem.travel[int(problem.couriers.profile[row])].distance_m
    place = problem.orders.place
    total = np.zeros(len(stops), dtype=np.int64)
    at = problem.stores.place[store]
    for column in stops.T:
        is_there = column >= 0
        target = place[np.maximum(column, 0)]
        total += np.where(is_there, metres_of[at, target], 0)
        at = np.where(is_there, target, at)
    return total


def _sequences(problem: RoutingProblem, row: int, store: int, sets: IntArray) -> IntArray:
    """Return the sequences of sets of one size that no other one with the same last door beats.

    A sequence beats another one that is no shorter and can neither be loaded later nor be done
    earlier. Where lateness has a price all sequences that keep their windows are kept.
    """
    size = sets.shape[1]
    if size == 1:
        return sets
    permutations = np.array(list(itertools.permutations(range(size))), dtype=np.int64)
    same_last = permutations[:, -1][:, None] == permutations[:, -1][None, :]
    earlier = np.arange(len(permutations))[:, None] < np.arange(len(permutations))[None, :]
    is_late = bool(problem.orders.hinges)
    kept = [sets[:0]]
    step = max(1, _CHUNK // len(permutations) ** 2)
    for first in range(0, len(sets), step):
        tried = sets[first : first + step][:, permutations]
        measures = _measures(problem, row, store, tried)
        floor, delay, high, _ = measures
        good = high > -FAR
        if not is_late:
            no_worse = np.logical_and.reduce(
                [
                    value[:, :, None] <= value[:, None, :]
                    for value in (floor, delay, -high, measures[3])
                ]
            )
            equal = no_worse & no_worse.transpose(0, 2, 1)
            beats = no_worse & (~equal | earlier) & same_last & good[:, :, None]
            good &= ~beats.any(axis=1)
        kept.append(tried[good])
    return np.concatenate(kept)


def _measures(
    problem: RoutingProblem, row: int, store: int, tried: IntArray
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Return when trips are done at the earliest, how long they take, the latest load, metres."""
    orders, stores = problem.orders, problem.stores
    travel = problem.travel[int(problem.couriers.profile[row])]
    floor = np.maximum(orders.release_s[tried].max(axis=-1), int(stores.earliest_s[store]))
    high = np.full(floor.shape, int(stores.latest_s[store]), dtype=np.int64)
    is_open = floor <= high
    delay = np.full(floor.shape, int(stores.service_s[store]), dtype=np.int64)
    floor = floor + delay
    metres = np.zeros(floor.shape, dtype=np.int64)
    place = np.full(floor.shape, int(stores.place[store]), dtype=np.int64)
    for position in range(tried.shape[-1]):
        order = tried[..., position]
        target = orders.place[order]
        leg_s = travel.duration_s[place, target]
        metres = metres + travel.distance_m[place, target]
        floor = np.maximum(floor + leg_s, orders.earliest_s[order])
        delay = delay + leg_s
        high = np.minimum(high, orders.deadline_s[order] - delay)
        is_open &= floor <= orders.deadline_s[order]
        floor, delay = floor + orders.service_s[order], delay + orders.service_s[order]
        place = target
    # Of what misses a window even when loaded at once nothing is left.
    return floor, delay, np.where(is_open, high, -FAR), metres
