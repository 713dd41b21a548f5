"""Why orders are refused or late, what would have to change, and what couriers are worth."""

from __future__ import annotations

import enum
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.core.explain import Finding, Row
from dispatchopt.routing.prices import Prices, shadow_prices
from dispatchopt.routing.problem import (
    ANYWHERE,
    FAR,
    UNREACHABLE,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
)
from dispatchopt.routing.schedule import timetable
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
    READY_TOO_LATE = "ready-too-late"
    """Even a courier that waits at the store, leaving when the order is ready, comes too late."""
    OUT_OF_REACH = "out-of-reach"
    """The courier comes too late from where it is, or was free."""
    COURIERS_BUSY = "couriers-busy"
    """A trip would do, and all couriers of the class are on other trips."""
    DEARER = "cheaper-to-refuse"
    """A trip would do, a courier is free, and refusal costs less."""


#: From the one that is furthest from being served to the nearest.
_RANK = {reason: rank for rank, reason in enumerate(Reason)}


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
    """

    order: int
    store: int
    courier: int
    reason: Reason
    needs_s: int
    cost: int | None


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
    untimed = problem.replace(
        orders=problem.orders.replace(latest_s=FAR, max_age_s=FAR, promise_s=FAR, late_cost_per_s=0)
    )
    rows = np.flatnonzero(problem.couriers.count > 0)
    found: list[Trial] = []
    pairs = [(int(row), store) for row in rows for store in range(len(problem.stores))]
    for row, store in pairs[:_MOST_PAIRS]:
        found += _pair(problem, untimed, tried, (row, store), is_free[row])
    return tuple(found)


def _pair(
    problem: RoutingProblem,
    untimed: RoutingProblem,
    tried: IntArray,
    pair: tuple[int, int],
    is_free: bool,
) -> list[Trial]:
    """Return the trials of one courier class at one store."""
    row, store = pair
    orders, couriers = problem.orders, problem.couriers
    cost, late, far = TripTiming(problem, row, store).cost(tried[:, None])
    _, late_anyway, _ = TripTiming(untimed, row, store).cost(tried[:, None])
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
        (Reason.READY_TOO_LATE, (late > 0) & (soonest > orders.deadline_s[tried])),
        (Reason.OUT_OF_REACH, late > 0),
        (Reason.COURIERS_BUSY, np.full(len(tried), not is_free)),
        (Reason.DEARER, cost >= price),
    ]
    result = []
    for at, order in enumerate(tried.tolist()):
        # A plan that is not the best may leave out what would have paid.
        reason = next((name for name, holds in verdicts if holds[at]), Reason.DEARER)
        is_timed = reason in {Reason.READY_TOO_LATE, Reason.OUT_OF_REACH}
        has_trip = _RANK[reason] >= _RANK[Reason.COURIERS_BUSY]
        result.append(
            Trial(
                order=order,
                store=store,
                courier=row,
                reason=reason,
                needs_s=int(late[at]) if is_timed else 0,
                cost=int(cost[at]) if has_trip else None,
            )
        )
    return result


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
        found, key=lambda t: (_RANK[t.reason], -t.needs_s, -math.inf if t.cost is None else -t.cost)
    )
    order = nearest.order
    store = nearest.store if stores is None else stores[nearest.store]
    timed = [t for t in found if t.needs_s > 0]
    if nearest.reason in {Reason.READY_TOO_LATE, Reason.OUT_OF_REACH}:
        nearest = min(timed, key=lambda t: t.needs_s)
        minutes = math.ceil(nearest.needs_s / 60)
        unit = "minute" if minutes == 1 else "minutes"
        return nearest.reason, f"a window that ends {minutes} {unit} later"
    short = np.maximum(0, problem.orders.load[order] - problem.couriers.capacity[nearest.courier])
    remedies = {
        Reason.NO_STOCK: "a store that holds the basket",
        Reason.NOT_HIS_STORE: f"a courier that may load at store {store}",
        Reason.LOCKED: "its lock lifted",
        Reason.SKILL: "a courier with the skills it wants",
        Reason.LOAD: f"{int(short.sum())} units more capacity, or two orders",
        Reason.NO_WAY: "a road from a store to the customer",
        Reason.TOO_FAR: "a courier that may drive further",
        Reason.SHIFT: "a longer shift, or longer hours of the store",
        Reason.COURIERS_BUSY: f"one courier more at store {store}",
        Reason.DEARER: f"a price of refusal above {nearest.cost}",
    }
    return nearest.reason, remedies[nearest.reason]


def explain(problem: RoutingProblem, solution: RoutingSolution) -> tuple[Finding, ...]:
    """Return the tables of an explanation: refused, trials, late, couriers, stores, minutes."""
    served = solution.served()
    refused = [order for order in range(len(problem.orders)) if order not in served]
    tried = trials(problem, solution, refused)
    prices = shadow_prices(problem)
    tables = [_refused(problem, refused, tried, prices), _trials(tried), _late(problem, solution)]
    if prices is not None:
        tables += [
            _couriers(problem, solution, prices),
            _stores(problem, solution, prices),
            _minutes(problem, prices),
        ]
    return tuple(tables)


def _refused(
    problem: RoutingProblem, refused: Sequence[int], tried: Sequence[Trial], prices: Prices | None
) -> Finding:
    by_order: dict[int, list[Trial]] = {order: [] for order in refused}
    for trial in tried:
        by_order[trial.order].append(trial)
    rows: list[Row] = []
    for order, own in by_order.items():
        if problem.orders.has_pickup[order]:
            reason, remedy = "not-served", "more couriers, or a higher price of refusal"
        else:
            reason, remedy = least_remedy(problem, own)
        row: dict[str, str | int | float | bool | None] = {
            "order": order,
            "reason": str(reason),
            "remedy": remedy,
            "refusal_cost": int(problem.orders.refusal_cost[order]),
        }
        if prices is not None:
            row["price"] = round(float(prices.order[order]), 2)
        rows.append(row)
    about = (
        "Orders that are not served, the reason nearest to service, and the least that would serve "
        "them; price: what serving it adds to the cost, at the margin."
    )
    return Finding(name="refused", about=about, rows=tuple(rows))


def _trials(tried: Sequence[Trial]) -> Finding:
    order = sorted(tried, key=lambda t: (t.order, -_RANK[t.reason], t.needs_s, t.store, t.courier))
    rows: list[Row] = [
        {
            "order": t.order,
            "store": t.store,
            "courier": t.courier,
            "reason": str(t.reason),
            "needs_s": t.needs_s,
            "cost": t.cost,
        }
        for t in order
    ]
    about = (
        "Each refused order, tried alone from every store by every courier class; needs_s: by how "
        "much later its window would have to end; cost: of a trip for it alone."
    )
    return Finding(name="trials", about=about, rows=tuple(rows))


def arrivals(problem: RoutingProblem, route: Route) -> dict[int, int]:
    """Return when service at the door of each order of a route begins, seconds."""
    found: dict[int, int] = {}
    done: list[Trip] = []
    for trip in route.trips:
        for number, order in enumerate(trip.stops):
            part = Trip(store=trip.store, stops=trip.stops)
            table = timetable(problem, route.courier, [*done, part])
            # The last event is the end of the route, before it come the stops.
            at = len(table.floor_s) - 1 - (len(trip.stops) - number)
            found[order] = max(table.floor_s[at], route.start_s + table.delay_s[at])
        done.append(trip)
    return found


def _late(problem: RoutingProblem, solution: RoutingSolution) -> Finding:
    orders = problem.orders
    rows: list[dict[str, str | int | float | bool | None]] = []
    for number, route in enumerate(solution.routes):
        for order, begin_s in arrivals(problem, route).items():
            late_s = begin_s - int(orders.promise_s[order])
            if late_s <= 0:
                continue
            trip = next(t for t in route.trips if order in t.stops)
            own = Trip(store=trip.store, stops=tuple(s for s in trip.stops if s == order))
            alone = timetable(problem, route.courier, [own])
            low = int(problem.couriers.earliest_s[route.courier])
            soonest = max(alone.floor_s[-2], low + alone.delay_s[-2])
            unavoidable = max(0, soonest - int(orders.promise_s[order]))
            rows.append(
                {
                    "order": order,
                    "route": number,
                    "store": trip.store,
                    "late_s": late_s,
                    "late_if_alone_s": unavoidable,
                    "cost": late_s * int(orders.late_cost_per_s[order]),
                    "reason": "ready-or-courier-too-late" if unavoidable else "shares-its-trip",
                }
            )
    rows.sort(key=lambda row: -int(row["late_s"] or 0))
    about = (
        "Orders served after their promise; late_if_alone_s: what would be left if the courier "
        "served nothing else."
    )
    return Finding(name="late", about=about, rows=tuple(rows))


def _couriers(problem: RoutingProblem, solution: RoutingSolution, prices: Prices) -> Finding:
    used = Counter(route.courier for route in solution.routes)
    rows: list[Row] = [
        {
            "courier": row,
            "used": used[row],
            "count": int(problem.couriers.count[row]),
            "one_more_saves": round(float(prices.courier[row]), 2),
        }
        for row in np.argsort(-prices.courier, kind="stable").tolist()
    ]
    about = "Courier classes: how many are used, and what one more would save, at the margin."
    return Finding(name="couriers", about=about, rows=tuple(rows))


def _stores(problem: RoutingProblem, solution: RoutingSolution, prices: Prices) -> Finding:
    trips = Counter(trip.store for route in solution.routes for trip in route.trips)
    saves = np.zeros(len(problem.stores))
    for row in range(len(problem.couriers)):
        own = problem.stores_of_courier(row)
        saves[own] = np.maximum(saves[own], prices.courier[row])
    rows: list[Row] = [
        {"store": store, "trips": trips[store], "courier_more_saves": round(float(saves[store]), 2)}
        for store in np.argsort(-saves, kind="stable").tolist()
    ]
    about = "Stores: trips, and what one courier more that loads there would save, at the margin."
    return Finding(name="stores", about=about, rows=tuple(rows))


def _minutes(problem: RoutingProblem, prices: Prices) -> Finding:
    """Return what longer promises would save: the relaxation, solved again."""
    rows: list[Row] = []
    orders = problem.orders
    for minutes in (1, 5):
        longer = np.minimum(orders.latest_s + 60 * minutes, FAR)
        kept = np.where(orders.latest_s < FAR, longer, orders.latest_s)
        promise = np.where(
            orders.promise_s < FAR, np.minimum(orders.promise_s + 60 * minutes, FAR), FAR
        )
        eased = problem.replace(orders=orders.replace(latest_s=kept, promise_s=promise))
        again = shadow_prices(eased)
        if again is not None and prices.is_complete and again.is_complete:
            saves = round(max(0.0, prices.value - again.value), 2)
            rows.append({"minutes_more": minutes, "saves": saves})
    about = "What promises and windows of all orders that many minutes longer would save."
    return Finding(name="minutes", about=about, rows=tuple(rows))


__all__ = ["Reason", "Trial", "arrivals", "explain", "least_remedy", "trials"]
