"""A cheap proven lower bound.

The bound relaxes a plan to its arcs. Every visit that is made has one arc in and one arc out, every
trip one arc from its store and one arc after its last stop; an order may be refused instead at its
price. With each arc at the least that any courier pays for it, the cheapest such set of arcs is an
assignment problem (the relaxation of Laporte, Mercure and Nobert 1986 for the capacitated problem,
with a node that leaves the tour on its own as in prize-collecting tours, Balas 1989). Arcs that no
feasible route can hold are left out: too late, too heavy together, no store in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.routing.picking import without_picking
from dispatchopt.routing.problem import ANYWHERE, UNREACHABLE, RoutingProblem
from dispatchopt.routing.tables import Options

#: Visits up to which the assignment problem is solved; it takes about a second at this size.
MAX_ASSIGNMENT = 600
#: Visits up to which single cheapest arcs are added up; beyond, that takes seconds.
MAX_ARCS = 1_500
_NO_ARC = np.iinfo(np.int64).max // 4


def lower_bound(problem: RoutingProblem) -> float:
    """Return a lower bound on the cost of every solution, in cost units.

    Returns
    -------
    float
        Zero at least; infinity only where it is proven that no solution exists.
    """
    if not len(problem.orders):
        return 0.0
    problem = without_picking(problem)
    if not problem.couriers.count.any():
        return float(problem.orders.refusal_cost[~problem.orders.is_mandatory].sum())
    visits = _visits(problem)
    if len(visits.order) > MAX_ARCS:
        cheapest = np.minimum(visits.refusal, visits.work)
        return float(cheapest.sum())
    arcs = _arcs(problem, visits)
    if len(visits.order) <= MAX_ASSIGNMENT:
        return max(0.0, _assigned(visits, arcs))
    between = np.where(arcs.between >= _NO_ARC, np.iinfo(np.int64).max // 2, arcs.between)
    into = np.minimum(between.min(axis=0, initial=_NO_ARC), arcs.start)
    out = np.minimum(between.min(axis=1, initial=_NO_ARC), arcs.end)
    served = np.minimum(into / 2.0 + out / 2.0 + visits.work, float(_NO_ARC))
    return float(np.minimum(visits.refusal, served).sum())


@dataclass(frozen=True)
class _Visits:
    """Places to be visited: every delivery, then every pick-up.

    ``refusal`` is the share of the order's price (``_NO_ARC`` if it must be served), ``work`` the
    least cost of the time spent there.
    """

    order: IntArray
    is_pickup: BoolArray
    place: IntArray
    earliest_s: IntArray
    latest_s: IntArray
    service_s: IntArray
    refusal: IntArray
    work: IntArray


@dataclass(frozen=True)
class _Arcs:
    """Least costs: from visit to visit, into the first visit of a trip, out of the last one.

    ``num_trips`` is the most trips that the couriers can make, ``least_trips`` the fewest that the
    mandatory loads need.
    """

    between: IntArray
    start: IntArray
    end: IntArray
    num_trips: int
    least_trips: int


def _visits(problem: RoutingProblem) -> _Visits:
    orders = problem.orders
    paired = np.flatnonzero(orders.has_pickup)
    order = np.concatenate([np.arange(len(orders)), paired])
    is_pickup = np.arange(len(order)) >= len(orders)
    released = np.where(orders.has_pickup, orders.earliest_s, orders.release_s)
    earliest = np.maximum(orders.earliest_s, released)
    ready = np.maximum(orders.pickup_earliest_s, orders.release_s)[paired]
    service = np.concatenate([orders.service_s, orders.pickup_service_s[paired]])
    price = orders.refusal_cost
    half = np.where(orders.has_pickup, price - price // 2, price)
    refusal = np.concatenate([half, (price // 2)[paired]])
    refusal = np.where(orders.is_mandatory[order], _NO_ARC, refusal)
    per_second = int(problem.couriers.cost_per_s[problem.couriers.count > 0].min())
    return _Visits(
        order=order,
        is_pickup=is_pickup,
        place=np.concatenate([orders.place, orders.pickup_place[paired]]),
        earliest_s=np.concatenate([earliest, ready]),
        latest_s=np.concatenate([orders.latest_s, orders.pickup_latest_s[paired]]),
        service_s=service,
        refusal=refusal,
        work=service * per_second,
    )


def _classes(problem: RoutingProblem) -> list[tuple[int, int, int]]:
    """Return the different ways to pay for an arc: profile, cost per metre, per second."""
    couriers = problem.couriers
    rows = np.stack([couriers.profile, couriers.cost_per_m, couriers.cost_per_s], axis=1)
    return [(int(p), int(m), int(s)) for p, m, s in np.unique(rows[couriers.count > 0], axis=0)]


def _leg(problem: RoutingProblem, origins: IntArray, targets: IntArray) -> tuple[IntArray, ...]:
    """Return least cost and least duration from origins to targets; ``_NO_ARC`` without a way."""
    cost = np.full((len(origins), len(targets)), _NO_ARC, dtype=np.int64)
    duration = cost.copy()
    take = np.ix_(origins, targets)
    for profile, per_m, per_s in _classes(problem):
        metres = problem.travel[profile].distance_m[take]
        seconds = problem.travel[profile].duration_s[take]
        has_way = (metres < UNREACHABLE) & (seconds < UNREACHABLE)
        priced = np.where(has_way, metres * per_m + seconds * per_s, _NO_ARC)
        np.minimum(cost, priced, out=cost)
        np.minimum(duration, np.where(has_way, seconds, _NO_ARC), out=duration)
    return cost, duration


def _arcs(problem: RoutingProblem, visits: _Visits) -> _Arcs:
    couriers = problem.couriers
    used = couriers.count > 0
    between, duration = _leg(problem, visits.place, visits.place)
    arrival = (visits.earliest_s + visits.service_s)[:, None] + np.minimum(duration, 1 << 50)
    closed = arrival > visits.latest_s[None, :]
    closed |= _incompatible(problem, visits)
    np.fill_diagonal(closed, True)
    between = np.where(closed, _NO_ARC, between)
    has_reloads = bool((couriers.max_trips[used] > 1).any())
    trips = couriers.count[used].astype(object) * couriers.max_trips[used].astype(object)
    num_trips = int(min(trips.sum(), len(visits.order)))
    return _Arcs(
        between=between,
        start=_start_costs(problem, visits, has_reloads),
        end=_end_costs(problem, visits, has_reloads),
        num_trips=num_trips,
        least_trips=min(num_trips, _least_trips(problem)),
    )


def _incompatible(problem: RoutingProblem, visits: _Visits) -> BoolArray:
    """Return which visits cannot follow each other in a trip, shape (num_visits, num_visits)."""
    orders = problem.orders
    from_store = ~orders.has_pickup[visits.order]
    both = from_store[:, None] & from_store[None, :]
    most = problem.couriers.capacity[problem.couriers.count > 0].max(axis=0, initial=0)
    bad: BoolArray = np.zeros(both.shape, dtype=np.bool_)
    for dim in range(problem.num_dims):
        load = orders.load[visits.order, dim]
        bad |= both & (load[:, None] + load[None, :] > most[dim])
    if orders.store_options is not None:
        may = _membership(orders.store_options, len(problem.stores))[visits.order]
        bad |= both & ((may.astype(np.float32) @ may.T.astype(np.float32)) == 0)
    # A delivery is not followed by its own pick-up.
    same = visits.order[:, None] == visits.order[None, :]
    bad |= same & ~visits.is_pickup[:, None]
    return bad


def _membership(options: Options, num_stores: int) -> BoolArray:
    member = np.zeros((options.num_rows, num_stores), dtype=np.bool_)
    member[np.repeat(np.arange(options.num_rows), np.diff(options.indptr)), options.stores] = True
    return member


def _start_costs(problem: RoutingProblem, visits: _Visits, has_reloads: bool) -> IntArray:
    """Return the least cost before the first visit of a trip, shape (num_visits,)."""
    couriers, stores = problem.couriers, problem.stores
    used = np.flatnonzero(couriers.count > 0)
    least_s = int(couriers.cost_per_s[used].min())
    cost = np.full(len(visits.order), _NO_ARC, dtype=np.int64)
    paired = problem.orders.has_pickup[visits.order]
    if len(stores):
        from_store, _ = _leg(problem, stores.place, visits.place)
        from_store += stores.service_s[:, None] * least_s
        from_store += np.minimum(_leads(problem, used, has_reloads), _NO_ARC)[:, None]
        options = problem.orders.store_options
        if options is not None:
            may = _membership(options, len(stores))[visits.order].T | paired[None, :]
            from_store = np.where(may, from_store, _NO_ARC)
        cost = from_store.min(axis=0)
    # A pick-up may be the first visit of a route that never sees a store.
    starts = couriers.start_place[used]
    direct = np.zeros(len(visits.order), dtype=np.int64)
    if (starts != ANYWHERE).all():
        direct = _leg(problem, starts, visits.place)[0].min(axis=0)
    fixed = 0 if has_reloads else int(couriers.fixed_cost[used].min())
    cost = np.where(paired, np.minimum(cost, direct + fixed), cost)
    is_delivery_of_pair = paired & ~visits.is_pickup
    return np.where(is_delivery_of_pair, _NO_ARC, np.minimum(cost, _NO_ARC))


def _leads(problem: RoutingProblem, used: IntArray, has_reloads: bool) -> IntArray:
    """Return the least cost to bring a courier to each store; 0 where it may be there already."""
    couriers, stores = problem.couriers, problem.stores
    lead = np.full(len(stores), _NO_ARC, dtype=np.int64)
    for row in used:
        own = problem.stores_of_courier(int(row))
        start = int(couriers.start_place[row])
        travel = problem.travel[int(couriers.profile[row])]
        cost = np.zeros(len(own), dtype=np.int64)
        if start != ANYWHERE and not has_reloads:
            to = stores.place[own]
            metres, seconds = travel.distance_m[start, to], travel.duration_s[start, to]
            cost = metres * couriers.cost_per_m[row] + seconds * couriers.cost_per_s[row]
            has_way = (metres < UNREACHABLE) & (seconds < UNREACHABLE)
            cost = np.where(has_way, cost, _NO_ARC)
        if not has_reloads:
            cost = np.minimum(cost + couriers.fixed_cost[row], _NO_ARC)
        lead[own] = np.minimum(lead[own], cost)
    return lead


def _end_costs(problem: RoutingProblem, visits: _Visits, has_reloads: bool) -> IntArray:
    """Return the least cost after the last visit of a trip, shape (num_visits,)."""
    couriers = problem.couriers
    ends = couriers.end_place[couriers.count > 0]
    if (ends == ANYWHERE).any():
        cost = np.zeros(len(visits.order), dtype=np.int64)
    else:
        targets = np.concatenate([ends, problem.stores.place]) if has_reloads else ends
        cost = _leg(problem, visits.place, np.unique(targets))[0].min(axis=1)
    return np.where(visits.is_pickup, _NO_ARC, cost)


def _least_trips(problem: RoutingProblem) -> int:
    """Return how many trips the mandatory loads from stores need at least."""
    orders, used = problem.orders, problem.couriers.count > 0
    must = orders.is_mandatory & ~orders.has_pickup
    if not must.any():
        return 0
    most_stops = int(problem.couriers.max_stops[used].max())
    least = -(-int(must.sum()) // most_stops)
    for dim in range(problem.num_dims):
        most = int(problem.couriers.capacity[used, dim].max())
        if most > 0:
            total = sum(int(load) for load in orders.load[must, dim])
            least = max(least, -(-total // most))
    return least


def _assigned(visits: _Visits, arcs: _Arcs) -> float:
    """Return the cost of the cheapest set of arcs, or infinity if there is none."""
    from scipy.optimize import linear_sum_assignment

    size, trips = len(visits.order), arcs.num_trips
    cost = np.full((size + trips, size + trips), _NO_ARC, dtype=np.int64)
    cost[:size, :size] = np.minimum(arcs.between + visits.work[:, None], _NO_ARC)
    np.fill_diagonal(cost[:size, :size], visits.refusal)
    cost[:size, size:] = np.minimum(arcs.end + visits.work, _NO_ARC)[:, None]
    cost[size:, :size] = arcs.start[None, :]
    # A trip that is not made leads from its start to its end; some have to be made.
    cost[size + arcs.least_trips :, size:] = 0
    priced = np.where(cost >= _NO_ARC, np.inf, cost.astype(np.float64))
    try:
        rows, columns = linear_sum_assignment(priced)
    except ValueError:
        return math.inf
    return float(cost[rows, columns].sum())
