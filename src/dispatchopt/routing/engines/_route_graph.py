"""A routing problem with one store and couriers that are alike, as a graph for pricing routes."""

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
    arrive_s
        Earliest arrival at a first door, (n,).
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
    """

    start: FloatArray
    arc: FloatArray
    end: FloatArray
    arrive_s: IntArray
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
    start_s = max(int(couriers.earliest_s[row]), int(stores.earliest_s[0]))
    if (orders.release_s > start_s).any() or (orders.max_age_s < FAR).any():
        return "it takes no release times and no freshness"
    limits = ("max_distance_m", "max_duration_s", "max_stops")
    if any(int(getattr(couriers, name)[row]) < FAR for name in limits):
        return "it takes no limits on distance, duration or stops"
    if couriers.max_trips[row] > 1 or couriers.cost_per_s[row] > 0 or orders.late_cost_per_s.any():
        return "it takes one trip per courier, and no price of time"
    if (orders.skills & ~couriers.skills[row]).any():
        return "it takes no skills that couriers lack"
    if any(options is not None for options in (orders.store_options, couriers.store_options)):
        return "it takes no choice of stores"
    if len(orders) and not (orders.latest_s < FAR).any():
        return "without windows there are too many routes"
    return None


def _grid(span_s: int, least_s: int) -> tuple[int, bool]:
    """Return the width of a step, and whether no way is shorter than it."""
    width_s = max(1, min(least_s, span_s // _STEPS + 1))
    if least_s >= 1 and span_s // width_s < _MOST_STEPS:
        return width_s, True
    return span_s // _STEPS + 1, False


def route_graph(problem: RoutingProblem) -> RouteGraph:
    """Return the graph of a problem that ``unsupported`` lets pass."""
    orders, stores, couriers = problem.orders, problem.stores, problem.couriers
    row, n = courier_row(problem), len(problem.orders)
    travel = problem.travel[int(couriers.profile[row])]
    per_m, each = int(couriers.cost_per_m[row]), int(couriers.cost_per_order[row])
    depot, place = int(stores.place[0]), orders.place
    from_place, to_place = int(couriers.start_place[row]), int(couriers.end_place[row])

    def legs(origins: IntArray, targets: IntArray) -> tuple[FloatArray, IntArray]:
        metres = travel.distance_m[np.ix_(origins, targets)]
        seconds = travel.duration_s[np.ix_(origins, targets)]
        has_way = (metres < UNREACHABLE) & (seconds < UNREACHABLE)
        return np.where(has_way, metres * float(per_m), np.inf), np.where(has_way, seconds, FAR)

    store = np.array([depot])
    fixed, at_store_s = float(couriers.fixed_cost[row]), int(couriers.earliest_s[row])
    if from_place != ANYWHERE:
        cost, seconds = legs(np.array([from_place]), store)
        fixed, at_store_s = fixed + float(cost[0, 0]), at_store_s + int(seconds[0, 0])
    leave_s = max(at_store_s, int(stores.earliest_s[0])) + int(stores.service_s[0])
    out_cost, out_s = legs(store, place)
    arc, between_s = legs(place, place)
    end, back_s = np.zeros(n), np.zeros(n, dtype=np.int64)
    if to_place != ANYWHERE:
        back_cost, seconds = legs(place, np.array([to_place]))
        end, back_s = back_cost[:, 0], seconds[:, 0]
    arrive_s = leave_s + out_s[0]
    duration_s = between_s + orders.service_s[:, None]
    earliest_s = np.maximum(orders.earliest_s, arrive_s.min(initial=FAR))
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
    is_out = (load > most) | (earliest_s > latest_s) | (arrive_s > latest_s)
    closed = (earliest_s[:, None] + duration_s > latest_s[None, :]) | is_out[:, None] | is_out
    np.fill_diagonal(closed, True)
    arc = np.where(closed | (load[:, None] + load[None, :] > most), np.inf, arc)
    span_s = max(1, int(latest_s.max(initial=first_s)) - first_s)
    width_s, has_order = _grid(span_s, int(duration_s[np.isfinite(arc)].min(initial=FAR)))
    return RouteGraph(
        start=np.where(is_out, np.inf, out_cost[0] + fixed + each),
        arc=arc + each,
        end=end,
        arrive_s=arrive_s,
        duration_s=duration_s,
        window_s=np.ascontiguousarray(np.stack([earliest_s, latest_s])),
        load=np.ascontiguousarray(load),
        most_load=most,
        refusal=np.where(orders.is_mandatory, np.inf, orders.refusal_cost.astype(np.float64)),
        most_routes=min(n, int(couriers.count[row])),
        first_s=first_s,
        width_s=width_s,
        steps=span_s // width_s + 1,
        has_order=has_order,
    )
