"""A routing problem with one store and couriers that are alike, as a graph for pricing routes.

Several trips of a courier are relaxed: each is a route of its own, of which there may be as many as
orders, so that trips stay possible that no courier could drive one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.routing.picking import has_picking
from dispatchopt.routing.problem import ANYWHERE, FAR, UNREACHABLE, RoutingProblem

#: Steps of time that the grid of a graph has about, and at most.
_STEPS, _MOST_STEPS = 300, 3_000


@dataclass(frozen=True, kw_only=True, eq=False)
class RouteGraph:
    """Costs, times and loads between the doors of n orders.

    Parameters
    ----------
    start, arc, end
        Cost from the beginning of a route to a first door, (n,), from door to door, (n, n), and
        from the last door on, (n,); inf where no route goes.
    duration_s
        From service at a door to arrival at the next, (n, n).
    window_s
        Earliest and latest service, (2, n).
    load, most_load
        Of each order, (n,), and of a route.
    refusal
        Price of leaving an order out, inf if it must be served, (n,).
    most_routes
        Couriers there are.
    first_s, width_s, steps
        Grid of times.
    has_order
        Whether every way takes at least ``width_s``, so that steps can be gone through backwards.
    is_relaxed
        Whether some routes of the graph cannot be driven together.
    release_s, out_s, soonest_s
        When a route with an order may leave the store, and how long it is from there to its door,
        straight and by way of any others, (n,) each.
    """

    start: FloatArray
    arc: FloatArray
    end: FloatArray
    duration_s: IntArray
    window_s: IntArray
    load: IntArray
    most_load: int
    refusal: FloatArray
    most_routes: int
    first_s: int
    width_s: int
    steps: int
    has_order: bool
    is_relaxed: bool
    release_s: IntArray
    out_s: IntArray
    soonest_s: IntArray

    def __len__(self) -> int:
        return len(self.start)

    def cost(self, stops: Sequence[int]) -> float:
        """Return the cost of a route."""
        way = np.array(stops)
        return float(self.start[way[0]] + self.arc[way[:-1], way[1:]].sum() + self.end[way[-1]])

    def near(self, count: int) -> list[set[int]]:
        """Return for each door the doors, itself among them, that are remembered there."""
        cost = np.minimum(self.arc, self.arc.T)
        np.fill_diagonal(cost, -np.inf)
        order = np.argsort(cost, axis=1, kind="stable")[:, : count + 1]
        return [set(row) for row in order.tolist()]


def courier_row(problem: RoutingProblem) -> int:
    """Return the one row of couriers that there are."""
    return int(np.flatnonzero(problem.couriers.count > 0)[0])


def unsupported(problem: RoutingProblem) -> str | None:
    """Return why the problem cannot be told as such a graph, or None."""
    if len(problem.breaks) or problem.couriers.min_pay.any() or has_picking(problem):
        return "it takes no breaks, no minimum pay and no stores that pick orders in turn"
    if problem.orders.has_changes:
        return "it knows no price of changes"
    if len(problem.orders) and not (problem.orders.latest_s < FAR).any():
        return "without windows there are too many routes"
    return _without_graph(problem)


def _without_graph(problem: RoutingProblem) -> str | None:
    orders, stores, couriers = problem.orders, problem.stores, problem.couriers
    used = np.flatnonzero(couriers.count > 0)
    if len(stores) != 1 or len(used) != 1:
        return "it takes one store, and one row of couriers"
    row = int(used[0])
    if problem.num_dims > 1:
        return "it takes one dimension of load"
    if orders.has_pickup.any() or (orders.locked_courier != ANYWHERE).any():
        return "it takes no pick-up places and no locks"
    if (orders.max_age_s < FAR).any():
        return "it takes no freshness"
    limits = ("max_distance_m", "max_duration_s", "max_stops")
    if any(int(getattr(couriers, name)[row]) < FAR for name in limits):
        return "it takes no limits on distance, duration or stops"
    if couriers.cost_per_s[row] > 0 or orders.hinges:
        return "it takes no price of time"
    if couriers.max_trips[row] > 1 and not _returns(problem, row):
        return "it takes several trips only of couriers that start and end at their store"
    if (orders.skills & ~couriers.skills[row]).any():
        return "it takes no skills that couriers lack"
    if _has_choice(problem):
        return "it takes no choice of stores"
    return None


def _has_choice(problem: RoutingProblem) -> bool:
    """Whether some rows may not use the one store."""
    tables = (problem.orders, problem.couriers)
    return any(
        table.store_options is not None and len(table.store_options.stores) < len(table)
        for table in tables
    )


def _returns(problem: RoutingProblem, row: int) -> bool:
    """Whether a courier starts and ends at its store."""
    couriers, home = problem.couriers, int(problem.stores.place[0])
    return int(couriers.start_place[row]) == home == int(couriers.end_place[row])


def _soonest(out_s: IntArray, duration_s: IntArray) -> IntArray:
    """Return how long it takes from a store to each door, by way of any others."""
    soonest = out_s
    while True:
        shorter = np.minimum(soonest, (soonest[:, None] + duration_s).min(axis=0))
        if (shorter == soonest).all():
            return soonest
        soonest = shorter


def _grid(span_s: int, least_s: int) -> tuple[int, bool]:
    """Return the width of a step, and whether no way is shorter than it."""
    width_s = max(1, min(least_s, span_s // _STEPS + 1))
    if least_s >= 1 and span_s // width_s < _MOST_STEPS:
        return width_s, True
    return span_s // _STEPS + 1, False


def _lead(problem: RoutingProblem, row: int) -> tuple[float, int]:
    """Return what the way to the store costs, and when the courier is there."""
    couriers, store = problem.couriers, int(problem.stores.place[0])
    start, free_s = int(couriers.start_place[row]), int(couriers.earliest_s[row])
    if start == ANYWHERE:
        return 0.0, free_s
    travel = problem.travel[int(couriers.profile[row])]
    metres, seconds = int(travel.distance_m[start, store]), int(travel.duration_s[start, store])
    if max(metres, seconds) >= UNREACHABLE:
        return np.inf, free_s + FAR
    return metres * float(couriers.cost_per_m[row]), free_s + seconds


def route_graph(problem: RoutingProblem) -> RouteGraph:
    """Return the graph of a problem that ``unsupported`` lets pass."""
    orders, stores, couriers = problem.orders, problem.stores, problem.couriers
    row, n = courier_row(problem), len(problem.orders)
    travel = problem.travel[int(couriers.profile[row])]
    per_m, each = int(couriers.cost_per_m[row]), int(couriers.cost_per_order[row])
    store, place = stores.place[:1], orders.place
    to_place = int(couriers.end_place[row])

    def legs(origins: IntArray, targets: IntArray) -> tuple[FloatArray, IntArray]:
        metres = travel.distance_m[np.ix_(origins, targets)]
        seconds = travel.duration_s[np.ix_(origins, targets)]
        has_way = (metres < UNREACHABLE) & (seconds < UNREACHABLE)
        return np.where(has_way, metres * float(per_m), np.inf), np.where(has_way, seconds, FAR)

    has_trips = int(couriers.max_trips[row]) > 1
    # A courier is paid once for all its trips, so that none of them is sure to cost it.
    lead_cost, lead_s = _lead(problem, row)
    fixed = lead_cost + (0 if has_trips else float(couriers.fixed_cost[row]))
    leave_s = max(lead_s, int(stores.earliest_s[0])) + int(stores.service_s[0])
    out_cost, out_s = legs(store, place)
    arc, between_s = legs(place, place)
    end, back_s = np.zeros(n), np.zeros(n, dtype=np.int64)
    if to_place != ANYWHERE:
        back_cost, seconds = legs(place, np.array([to_place]))
        end, back_s = back_cost[:, 0], seconds[:, 0]
    out_s = np.minimum(out_s[0], FAR)
    duration_s = between_s + orders.service_s[:, None]
    release_s = np.maximum(leave_s, orders.release_s + int(stores.service_s[0]))
    soonest_s = _soonest(out_s, duration_s)
    earliest_s = np.maximum(orders.earliest_s, release_s + soonest_s)
    arrive_s = release_s + out_s
    latest_s = np.minimum(
        orders.deadline_s, int(couriers.latest_s[row]) - orders.service_s - back_s
    )
    # Nobody is under way for longer than all ways and waits together.
    first_s = int(min(earliest_s.min(initial=FAR), FAR))
    finite = np.where(duration_s < FAR, duration_s, 0)
    horizon_s = int(max(earliest_s.max(initial=first_s), arrive_s[arrive_s < FAR].max(initial=0)))
    latest_s = np.minimum(latest_s, horizon_s + int(finite.max(axis=1, initial=0).sum()))
    most = int(couriers.capacity[row, 0]) if problem.num_dims else 0
    load = orders.load[:, 0] if problem.num_dims else np.zeros(n, dtype=np.int64)
    is_out = (load > most) | (earliest_s > latest_s)
    closed = (earliest_s[:, None] + duration_s > latest_s[None, :]) | is_out[:, None] | is_out
    np.fill_diagonal(closed, True)
    arc = np.where(closed | (load[:, None] + load[None, :] > most), np.inf, arc)
    span_s = max(1, int(latest_s.max(initial=first_s)) - first_s)
    width_s, has_order = _grid(span_s, int(duration_s[np.isfinite(arc)].min(initial=FAR)))
    return RouteGraph(
        start=np.where(is_out | (arrive_s > latest_s), np.inf, out_cost[0] + fixed + each),
        arc=arc + each,
        end=end,
        duration_s=duration_s,
        window_s=np.ascontiguousarray(np.stack([earliest_s, latest_s])),
        load=np.ascontiguousarray(load),
        most_load=most,
        refusal=np.where(orders.is_mandatory, np.inf, orders.refusal_cost.astype(np.float64)),
        most_routes=n if has_trips else min(n, int(couriers.count[row])),
        first_s=first_s,
        width_s=width_s,
        steps=span_s // width_s + 1,
        has_order=has_order,
        is_relaxed=has_trips,
        release_s=release_s,
        out_s=np.ascontiguousarray(out_s),
        soonest_s=np.ascontiguousarray(soonest_s),
    )
