"""A day whose orders are all known from the start, as routes of couriers over bundles of orders."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.errors import UnsupportedError
from dispatchopt.geography.matrix import UNREACHABLE
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.soonest import soonest_s


@dataclass(frozen=True, kw_only=True, eq=False)
class Bundles:
    """Trips that may pay: orders of one store in a sequence. Times are steps.

    Parameters
    ----------
    member
        Orders in the sequence of delivery, -1 beyond the end, shape (number of bundles, width).
    size, store
        Orders and store of each.
    last
        Order delivered last; the courier goes on from its door.
    ready
        First step at which it can be taken over.
    latest
        Last step at which it can be taken over so that no order costs more than leaving it.
    took
        Steps from the take-over until the courier is free at the last door.
    excess
        Steps of each order past its soonest delivery, when taken over at ``ready``; 0 beyond the
        end, shape of ``member``.
    """

    member: IntArray
    size: IntArray
    store: IntArray
    last: IntArray
    ready: IntArray
    latest: IntArray
    took: IntArray
    excess: IntArray

    def __len__(self) -> int:
        return len(self.size)


@dataclass(frozen=True, kw_only=True, eq=False)
class HindsightProblem:
    """Who brings what when all is known: least steps past the soonest delivery of each order.

    Parameters
    ----------
    step_s
        Seconds of a step; all times of the day are multiples.
    num_orders
        Number of orders.
    left_steps
        Cost of an order that nobody brings.
    bundles
        All trips that may pay.
    door_way, start_way
        Steps from the doors of orders, and from where shifts begin, to the stores, shapes (orders,
        stores) and (couriers, stores).
    on, off
        Shifts; goods are taken over up to ``off``.
    park
        Steps from arrival at a store until goods can be taken over.
    """

    step_s: int
    num_orders: int
    left_steps: int
    bundles: Bundles
    door_way: IntArray
    start_way: IntArray
    on: IntArray
    off: IntArray
    park: int


def problem_of(day: Day, *, left_s: int, max_bundle: int) -> HindsightProblem:
    """State a day as routes over bundles of up to ``max_bundle`` orders.

    Raises
    ------
    UnsupportedError
        If the day has a choice of stores, picking, noise, declines, or capacities that bind.
    """
    _require(day)
    orders, rules, travel = day.orders, day.rules, day.travel
    step_s = _step_s(day, left_s)
    store_place, door = day.stores.place_idx, orders.place_idx
    start = day.couriers.place_idx

    def ways(origin: IntArray, target: IntArray) -> IntArray:
        _, free_s = travel.pairs(np.repeat(origin, len(target)), np.tile(target, len(origin)))
        steps: IntArray = (free_s // step_s).reshape(len(origin), len(target))
        return steps

    return HindsightProblem(
        step_s=step_s,
        num_orders=len(orders),
        left_steps=left_s // step_s,
        bundles=_bundles(day, step_s, left_s // step_s, min(max_bundle, rules.max_bundle)),
        door_way=ways(door, store_place),
        start_way=ways(start, store_place),
        on=day.couriers.on_s // step_s,
        off=day.couriers.off_s // step_s,
        park=rules.park_s // step_s,
    )


def _require(day: Day) -> None:
    orders, couriers, rules = day.orders, day.couriers, day.rules
    slow = day.travel.slowdown
    reasons = [
        (bool((np.diff(orders.option_ptr) != 1).any()), "orders have a choice of stores"),
        (bool((orders.ready_s < 0).any()), "stores pick"),
        (day.stores.stock_units is not None, "stock is limited"),
        (bool((couriers.store_idx >= 0).any()), "couriers belong to stores"),
        (bool((couriers.pace != 1).any()), "couriers differ in pace"),
        (bool((couriers.capacity_orders < rules.max_bundle).any()), "couriers differ in capacity"),
        (rules.travel_noise_sd > 0 or rules.picking_noise_sd > 0, "times are uncertain"),
        (rules.decline_probability > 0, "couriers decline"),
        (any(slow(hour * 3600) != 1 for hour in range(24)), "travel depends on the hour"),
    ]
    found = [text for is_true, text in reasons if is_true]
    if found:
        raise UnsupportedError(f"no bound in hindsight for day {day.name!r}: {', '.join(found)}")


def _step_s(day: Day, left_s: int) -> int:
    rules, couriers = day.rules, day.couriers
    times = [day.orders.ready_s, day.orders.placed_s, couriers.on_s, couriers.off_s]
    service = [rules.park_s, rules.pickup_s, rules.dropoff_s, rules.leave_s, left_s]
    times.append(np.array([*service, getattr(day.travel, "step_s", 1)], dtype=np.int64))
    return int(np.gcd.reduce(np.concatenate(times))) or 1


@dataclass(frozen=True, kw_only=True)
class _Trip:
    """One sequence; ``excess`` per order, all in steps."""

    orders: tuple[int, ...]
    ready: int
    took: int
    excess: tuple[int, ...]
    slack: int

    def is_beaten_by(self, other: _Trip) -> bool:
        """Whether another sequence of the same orders ends at the same door and is no worse."""
        if other.orders[-1] != self.orders[-1]:
            return False
        ours = (self.took, sum(self.excess), -self.slack)
        theirs = (other.took, sum(other.excess), -other.slack)
        if ours == theirs:
            return other.orders < self.orders
        return all(mine >= its for mine, its in zip(ours, theirs, strict=True))


def _bundles(day: Day, step_s: int, left: int, max_bundle: int) -> Bundles:
    """Build bundles up to a size; of one set of orders those that end alike and are worse go."""
    orders = day.orders
    floor, ready = soonest_s(day) // step_s, orders.ready_s // step_s
    store = orders.option_store
    trips: list[_Trip] = []
    for each in np.unique(store).tolist():
        members = np.flatnonzero(store == each)
        ways = _ways_among(day, each, members) // step_s
        place = dict(zip(members.tolist(), range(1, len(members) + 1), strict=True))
        local = members[np.argsort(ready[members], kind="stable")].tolist()
        for size in range(1, max_bundle + 1):
            for group in itertools.combinations(local, size):
                if ready[group[-1]] - ready[group[0]] <= left:
                    steps = ways[np.ix_(*[[0, *(place[order] for order in group)]] * 2)]
                    trips += _trips(day, step_s, group, steps.tolist(), floor, ready, left)
    width = max_bundle
    member = np.full((len(trips), width), -1, dtype=np.int64)
    excess = np.zeros((len(trips), width), dtype=np.int64)
    for at, trip in enumerate(trips):
        member[at, : len(trip.orders)] = trip.orders
        excess[at, : len(trip.orders)] = trip.excess
    size_of = (member >= 0).sum(axis=1)

    def column(values: list[int]) -> IntArray:
        return np.array(values, dtype=np.int64)

    return Bundles(
        member=member,
        size=size_of,
        store=store[member[:, 0]],
        last=member[np.arange(len(trips)), size_of - 1],
        ready=column([trip.ready for trip in trips]),
        latest=column([trip.ready + trip.slack for trip in trips]),
        took=column([trip.took for trip in trips]),
        excess=excess,
    )


def _ways_among(day: Day, store: int, members: IntArray) -> IntArray:
    """Seconds among a store and the doors of its orders."""
    places = np.concatenate([[day.stores.place_idx[store]], day.orders.place_idx[members]])
    _, free_s = day.travel.pairs(np.repeat(places, len(places)), np.tile(places, len(places)))
    if (free_s >= UNREACHABLE).any():
        raise UnsupportedError(f"no bound in hindsight for day {day.name!r}: unreachable doors")
    return free_s.reshape(len(places), len(places))


def _trips(  # noqa: PLR0917
    day: Day,
    step_s: int,
    group: tuple[int, ...],
    ways: list[list[int]],
    floor: IntArray,
    ready: IntArray,
    left: int,
) -> list[_Trip]:
    """Return the sequences of some orders that are worth keeping."""
    rules = day.rules
    pickup, dropoff, leave = (
        value // step_s for value in (rules.pickup_s, rules.dropoff_s, rules.leave_s)
    )
    begin = int(max(ready[order] for order in group))
    found: list[_Trip] = []
    for sequence in itertools.permutations(range(1, len(group) + 1)):
        at, clock, excess = 0, pickup, []
        for stop in sequence:
            clock += ways[at][stop] + dropoff
            excess.append(begin + clock - int(floor[group[stop - 1]]))
            clock, at = clock + leave, stop
        if max(excess) <= left:
            orders = tuple(group[stop - 1] for stop in sequence)
            trip = _Trip(
                orders=orders,
                ready=begin,
                took=clock,
                excess=tuple(excess),
                slack=left - max(excess),
            )
            found.append(trip)
    return [trip for trip in found if not any(trip.is_beaten_by(other) for other in found)]
