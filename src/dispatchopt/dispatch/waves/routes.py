"""Routes for requests of some epochs, by the routing engines."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.run import solve
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.waves.state import Requests, WaveRoute, WaveState
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing.check import check
from dispatchopt.routing.domain import DOMAIN
from dispatchopt.routing.problem import (
    Couriers,
    Orders,
    RoutingProblem,
    RoutingSolution,
    Stores,
    Trip,
)
from dispatchopt.routing.schedule import best_route

Routes = list[WaveRoute]


def plan(
    state: WaveState,
    requests: Requests,
    *,
    stop: Stop,
    seed: int,
    release_s: IntArray | None = None,
    start: Routes | None = None,
) -> Routes | None:
    """Return good routes that serve everything; None if none are found.

    Parameters
    ----------
    state
        The state.
    requests
        What is to be served: all of it.
    stop, seed
        Limits and seed of the engine.
    release_s
        When requests are there, and a route leaves no earlier than all of its requests are; all
        are there by default.
    start
        Routes to begin from, if they serve everything and keep all rules.
    """
    n = len(requests)
    if n == 0:
        return []
    places, inverse = np.unique(np.concatenate([[0], requests.place]), return_inverse=True)
    duration_s = state.duration_s[np.ix_(places, places)]
    release = np.full(n, state.start_s) if release_s is None else release_s
    problem = RoutingProblem(
        travel=(TravelMatrix(distance_m=duration_s, duration_s=duration_s),),
        orders=Orders.of(
            place=inverse[1:],
            load=requests.load[:, None],
            service_s=requests.service_s,
            # Windows without what no route can use tell the engine better who goes with whom.
            earliest_s=np.maximum(
                requests.earliest_s, release + state.duration_s[0, requests.place]
            ),
            latest_s=np.minimum(
                requests.latest_s,
                state.closes_s - requests.service_s - state.duration_s[requests.place, 0],
            ),
            release_s=release,
        ),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0],
            end_place=[0],
            count=[n],
            capacity=[[state.capacity]],
            earliest_s=[state.start_s],
            latest_s=[state.closes_s],
        ),
    )
    known = None if start is None else _timed(problem, start)
    found = solve(DOMAIN, problem, engine="pyvrp", stop=stop, seed=seed, start=known).solution
    if found is None:
        return None
    return [trip.stops for route in found.routes for trip in route.trips]


def _timed(problem: RoutingProblem, start: Routes) -> RoutingSolution | None:
    """Return routes as a solution; None if one of them cannot keep its times."""
    routes = []
    for stops in start:
        timed = best_route(problem, 0, (Trip(store=0, stops=tuple(stops)),))
        if timed is None:
            return None
        routes.append(timed)
    solution = RoutingSolution(routes=tuple(routes))
    return solution if check(problem, solution).is_feasible else None


def routes_for(
    state: WaveState,
    rows: IntArray,
    *,
    stop: Stop,
    seed: int,
    start: Routes | None = None,
) -> tuple[WaveRoute, ...]:
    """Return routes for some rows of the state that leave now, as good as the time allows.

    Where the engine finds nothing in its time, each request gets a route of its own. ``start``
    holds routes, of rows of the state, to begin from.
    """
    at = {row: place for place, row in enumerate(rows.tolist())}
    known = None if start is None else [tuple(at[row] for row in each) for each in start]
    found = plan(state, state.requests.rows(rows), stop=stop, seed=seed, start=known)
    routes = found or known or [(place,) for place in range(len(rows))]
    return tuple(tuple(int(rows[place]) for place in route) for route in routes)


def _next_s(state: WaveState) -> int:
    return state.start_s + state.step_s


def latest_start_s(state: WaveState, requests: Requests, route: Iterable[int]) -> int:
    """Return the last second at which a route may leave and serve everything in time."""
    rows = list(route)
    at_s, place = state.closes_s, 0
    for row in reversed(rows):
        here = int(requests.place[row])
        leave_s = at_s - int(state.duration_s[here, place])
        at_s = min(int(requests.latest_s[row]), leave_s - int(requests.service_s[row]))
        place = here
    return at_s - int(state.duration_s[0, place])


def can_wait(state: WaveState, requests: Requests, route: Iterable[int]) -> bool:
    """Whether a route could as well leave at the next epoch, at the same cost."""
    return state.epochs_left > 0 and latest_start_s(state, requests, route) >= _next_s(state)
