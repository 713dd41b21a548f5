"""Why orders are refused or late, what would have to change, and what couriers are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dispatchopt.core.explain import Finding, Row
from dispatchopt.routing.picking import as_picked
from dispatchopt.routing.prices import Prices, shadow_prices
from dispatchopt.routing.problem import FAR, Route, RoutingProblem, RoutingSolution, Trip
from dispatchopt.routing.schedule import timetable
from dispatchopt.routing.trials import RANK, Reason, Trial, least_remedy, trials


def explain(
    problem: RoutingProblem,
    solution: RoutingSolution,
    names: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Finding, ...]:
    """Return the tables of an explanation: refused, trials, late, couriers, stores, minutes.

    Parameters
    ----------
    problem, solution
        A problem and a feasible solution of it.
    names
        Names of ``orders``, ``stores`` and ``couriers``; row numbers stand for those without.
    """
    known = {} if names is None else names
    served = solution.served()
    refused = [order for order in range(len(problem.orders)) if order not in served]
    tried = trials(problem, solution, refused)
    prices = shadow_prices(problem)
    timed = as_picked(problem, solution.picks)
    stores = known.get("stores")
    tables = [
        _refused(problem, refused, tried, prices, stores),
        _trials(tried),
        _late(timed, solution),
    ]
    if prices is not None:
        tables += [
            _couriers(problem, solution, prices),
            _stores(problem, solution, prices),
            _minutes(problem, prices),
        ]
    return tuple(_named(table, known) for table in tables)


def _named(table: Finding, names: Mapping[str, Sequence[str]]) -> Finding:
    """Return a table in which rows of orders, stores and couriers go by their names."""
    tables = {"order": "orders", "store": "stores", "courier": "couriers"}
    rows = tuple(
        {
            column: names[tables[column]][value]
            if isinstance(value, int) and value >= 0 and tables.get(column) in names
            else value
            for column, value in row.items()
        }
        for row in table.rows
    )
    return replace(table, rows=rows)


def _refused(
    problem: RoutingProblem,
    refused: Sequence[int],
    tried: Sequence[Trial],
    prices: Prices | None,
    stores: Sequence[str] | None,
) -> Finding:
    by_order: dict[int, list[Trial]] = {order: [] for order in refused}
    for trial in tried:
        by_order[trial.order].append(trial)
    rows: list[Row] = []
    for order, own in by_order.items():
        if problem.orders.has_pickup[order]:
            reason, remedy = "not-served", "more couriers, or a higher price of refusal"
        else:
            reason, remedy = least_remedy(problem, own, stores)
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
    order = sorted(tried, key=lambda t: (t.order, -RANK[t.reason], t.needs_s, t.store, t.courier))
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
            table = timetable(problem, route.courier, [*done, part], route.breaks)
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
            cost = sum(
                max(0, begin_s - int(moment[order])) * int(rate[order])
                for moment, rate in orders.hinges
            )
            if late_s <= 0 and not cost:
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
                    "late_s": max(0, late_s),
                    "late_if_alone_s": unavoidable,
                    "cost": cost,
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
        promises = {
            name: np.minimum(getattr(orders, name) + 60 * minutes, FAR)
            for name in ("promise_s", "promise_2_s", "promise_3_s")
        }
        eased = problem.replace(orders=orders.replace(latest_s=kept, **promises))
        again = shadow_prices(eased)
        if again is not None and prices.is_complete and again.is_complete:
            saves = round(max(0.0, prices.value - again.value), 2)
            rows.append({"minutes_more": minutes, "saves": saves})
    about = "What promises and windows of all orders that many minutes longer would save."
    return Finding(name="minutes", about=about, rows=tuple(rows))


__all__ = ["Reason", "Trial", "arrivals", "explain", "least_remedy", "trials"]
