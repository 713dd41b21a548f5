"""What stands against an order, per store and courier class, and the least that would serve it."""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.routing.picking import as_picked, without_picking
from dispatchopt.routing.problem import (
    ANYWHERE,
    FAR,
    UNREACHABLE,
    RoutingProblem,
    RoutingSolution,
    Trip,
)
from dispatchopt.routing.schedule import best_route
from dispatchopt.routing.trip_timing import TripTiming

#: Pairs of store and courier class that are tried; beyond, the rest is left out.
_MOST_PAIRS = 5_000


class Reason(enum.StrEnum):
    """Why a courier class does not serve an order from a store."""

    NO_STOCK = "no-stock"
    """The store may not serve the order."""
    NOT_HIS_STORE = "courier-not-at-store"
    """The courier may not load at the store."""
    LOCKED = "locked-to-another-courier"
    """The order is locked to couriers of another class."""
    SKILL = "skill"
    """The courier lacks a skill."""
    LOAD = "load"
    """The order exceeds the courier's capacity."""
    NO_WAY = "no-way"
    """A leg has no way."""
    TOO_FAR = "too-far"
    """A trip for the order alone exceeds the courier's longest way."""
    SHIFT = "shift"
    """A trip for the order alone does not fit the shift, the store's hours or the longest time."""
    PICKED_TOO_LATE = "picked-too-late"
    """It would be in time if its store picked it at once."""
    READY_TOO_LATE = "ready-too-late"
    """Even a courier that waits at the store, leaving when the order is ready, comes too late."""
    OUT_OF_REACH = "out-of-reach"
    """The courier comes too late from where it is, or was free."""
    COURIER_RESTS = "courier-rests"
    """A trip would do, but for the breaks of the courier."""
    DEARER = "cheaper-to-refuse"
    """A trip would do, and refusal costs no more."""
    COURIERS_BUSY = "couriers-busy"
    """A trip would pay, and all couriers of the class are on other trips."""
    LEFT_OUT = "left-out"
    """A trip would pay, and a courier is free: the plan is not the best one."""


#: From the one that is furthest from being served to the nearest.
RANK = {reason: rank for rank, reason in enumerate(Reason)}
_TIMED = frozenset({Reason.PICKED_TOO_LATE, Reason.READY_TOO_LATE, Reason.OUT_OF_REACH})


@dataclass(frozen=True, kw_only=True)
class Trial:
    """An order tried alone, by one courier class, from one store.

    Parameters
    ----------
    order, store, courier
        Indices.
    reason
        What stands against it.
    needs_s
        Seconds by which its window would have to end later; 0 where time is not the reason.
    cost
        Cost of a trip for it alone; None where there is none.
    is_free
        Whether a courier of the class is on no route.
    """

    order: int
    store: int
    courier: int
    reason: Reason
    needs_s: int
    cost: int | None
    is_free: bool


def trials(
    problem: RoutingProblem, solution: RoutingSolution, orders: Sequence[int]
) -> tuple[Trial, ...]:
    """Return what stands against each order, per store and courier class.

    Parameters
    ----------
    problem, solution
        A plan; it says which couriers are busy.
    orders
        Orders that are loaded at stores.
    """
    tried = np.array([o for o in orders if not problem.orders.has_pickup[o]], dtype=np.int64)
    if not len(tried) or not len(problem.stores):
        return ()
    busy = Counter(route.courier for route in solution.routes)
    is_free = [busy[row] < int(count) for row, count in enumerate(problem.couriers.count)]
    soonest = without_picking(problem)
    problem = as_picked(problem, solution.picks, are_others_last=True)
    untimed = problem.replace(
        orders=problem.orders.replace(
            latest_s=FAR, max_age_s=FAR, promise_s=FAR, promise_2_s=FAR, promise_3_s=FAR
        )
    )
    rows = np.flatnonzero(problem.couriers.count > 0)
    found: list[Trial] = []
    pairs = [(int(row), store) for row in rows for store in range(len(problem.stores))]
    for row, store in pairs[:_MOST_PAIRS]:
        found += _pair((problem, untimed, soonest), tried, (row, store), is_free[row])
    return tuple(found)


def _pair(
    problems: tuple[RoutingProblem, RoutingProblem, RoutingProblem],
    tried: IntArray,
    pair: tuple[int, int],
    is_free: bool,
) -> list[Trial]:
    """Return the trials of one courier class at one store.

    The problems are the one at hand, one without windows, and one that picks everything at once.
    """
    problem, untimed, at_once = problems
    row, store = pair
    orders, couriers = problem.orders, problem.couriers
    cost, late, far = TripTiming(problem, row, store).cost(tried[:, None])
    _, late_anyway, _ = TripTiming(untimed, row, store).cost(tried[:, None])
    _, late_at_once, _ = TripTiming(at_once, row, store).cost(tried[:, None])
    rests = np.array([_rests(problem, row, store, int(o)) for o in tried], dtype=np.bool_)
    travel = problem.travel[int(couriers.profile[row])]
    origin = int(problem.stores.place[store])
    legs = travel.duration_s[origin, orders.place[tried]]
    ready = np.maximum(orders.release_s[tried], problem.stores.earliest_s[store])
    soonest = ready + problem.stores.service_s[store] + legs
    price = np.where(orders.is_mandatory[tried], FAR, orders.refusal_cost[tried])
    is_own = store in problem.stores_of_courier(row)
    verdicts: list[tuple[Reason, BoolArray]] = [
        (Reason.NO_STOCK, ~np.array([store in problem.stores_of_order(int(o)) for o in tried])),
        (Reason.NOT_HIS_STORE, np.full(len(tried), not is_own)),
        (Reason.LOCKED, ~np.isin(orders.locked_courier[tried], [ANYWHERE, row])),
        (Reason.SKILL, (orders.skills[tried] & ~couriers.skills[row]) != 0),
        (Reason.LOAD, (orders.load[tried] > couriers.capacity[row]).any(axis=1)),
        (Reason.NO_WAY, late_anyway >= UNREACHABLE),
        (Reason.TOO_FAR, far > 0),
        (Reason.SHIFT, late_anyway > 0),
        (Reason.PICKED_TOO_LATE, (late > 0) & (late_at_once <= 0)),
        (Reason.READY_TOO_LATE, (late > 0) & (soonest > orders.deadline_s[tried])),
        (Reason.OUT_OF_REACH, late > 0),
        (Reason.COURIER_RESTS, rests),
        (Reason.DEARER, cost >= price),
        (Reason.COURIERS_BUSY, np.full(len(tried), not is_free)),
    ]
    result = []
    for at, order in enumerate(tried.tolist()):
        # A plan that is not the best may leave out what would have paid.
        reason = next((name for name, holds in verdicts if holds[at]), Reason.LEFT_OUT)
        is_timed = reason in _TIMED
        has_trip = RANK[reason] >= RANK[Reason.DEARER]
        result.append(
            Trial(
                order=order,
                store=store,
                courier=row,
                reason=reason,
                needs_s=int(late[at]) if is_timed else 0,
                cost=int(cost[at]) if has_trip else None,
                is_free=is_free,
            )
        )
    return result


def _rests(problem: RoutingProblem, row: int, store: int, order: int) -> bool:
    """Whether a courier with breaks cannot serve an order alone because of them."""
    if not problem.breaks.of_courier(row):
        return False
    return best_route(problem, row, [Trip(store=store, stops=(order,))]) is None


def least_remedy(
    problem: RoutingProblem, found: Sequence[Trial], stores: Sequence[object] | None = None
) -> tuple[Reason, str]:
    """Return the reason nearest to service among the trials of an order, and what would cure it.

    Parameters
    ----------
    problem
        The problem that the order is part of.
    found
        All trials of one order.
    stores
        Names of the stores, for the text; numbers by default.
    """
    if not found:
        return Reason.NO_STOCK, "a store that holds the basket"
    nearest = max(
        found, key=lambda t: (RANK[t.reason], -t.needs_s, -math.inf if t.cost is None else -t.cost)
    )
    order = nearest.order
    store = nearest.store if stores is None else stores[nearest.store]
    timed = [t for t in found if t.needs_s > 0]
    if nearest.reason in _TIMED:
        nearest = min(timed, key=lambda t: t.needs_s)
        minutes = math.ceil(nearest.needs_s / 60)
        unit = "minute" if minutes == 1 else "minutes"
        quicker = "quicker picking, or " if nearest.reason is Reason.PICKED_TOO_LATE else ""
        return nearest.reason, f"{quicker}a window that ends {minutes} {unit} later"
    short = np.maximum(0, problem.orders.load[order] - problem.couriers.capacity[nearest.courier])
    more = "" if nearest.is_free else f", and one courier more at store {store}"
    remedies = {
        Reason.NO_STOCK: "a store that holds the basket",
        Reason.NOT_HIS_STORE: f"a courier that may load at store {store}",
        Reason.LOCKED: "its lock lifted",
        Reason.SKILL: "a courier with the skills it wants",
        Reason.LOAD: f"{int(short.sum())} units more capacity, or two orders",
        Reason.NO_WAY: "a road from a store to the customer",
        Reason.TOO_FAR: "a courier that may drive further",
        Reason.SHIFT: "a longer shift, or longer hours of the store",
        Reason.COURIER_RESTS: f"a break at another time, or one courier more at store {store}",
        Reason.COURIERS_BUSY: f"one courier more at store {store}",
        Reason.DEARER: f"a price of refusal above {nearest.cost}{more}",
        Reason.LEFT_OUT: f"a longer search; a trip for it alone costs {nearest.cost}",
    }
    return nearest.reason, remedies[nearest.reason]
