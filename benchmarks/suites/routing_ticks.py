"""Live use of routing: ticks with a warm start, and quotes against a full solve."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from benchmarks.registry import Row, Suite
from benchmarks.snapshot import snapshot

from dispatchopt.core import Stop
from dispatchopt.routing import (
    Options,
    Orders,
    Route,
    RoutingProblem,
    RoutingSolution,
    Trip,
    best_route,
    solve,
)
from dispatchopt.routing.quote import Basket, prepare, quote

#: Orders before the tick, new ones, stores, couriers, trips that leave, quotes asked, by size.
SIZES = {
    "small": (36, 4, 4, 16, 2, 4),
    "medium": (120, 10, 9, 63, 5, 10),
    "large": (200, 10, 15, 105, 5, 20),
}
SEEDS = {"small": 1, "medium": 3, "large": 5}
LIMIT_S = 60.0


@dataclass(frozen=True)
class _Tick:
    """A state before and after some orders came in and some trips left."""

    before: RoutingSolution
    after: RoutingProblem
    start: RoutingSolution
    is_old: np.ndarray[tuple[int], np.dtype[np.bool_]]


def run(size: str) -> list[Row]:
    """Return rows for a tick solved cold and warm, and for quotes, per seed."""
    rows: list[Row] = []
    for seed in range(1, SEEDS[size] + 1):
        rows += _ticks(size, seed) + _quotes(size, seed)
    return rows


def _stop(size: str) -> Stop:
    return Stop(iterations=400) if size == "small" else Stop(time_s=LIMIT_S)


def _ticks(size: str, seed: int) -> list[Row]:
    tick = _tick(size, seed)
    rows: list[Row] = []
    cold_s = 0.0
    brief = _stop(size) if size == "small" else Stop(time_s=1.0)
    methods = (("cold", None, _stop(size)), ("warm", tick.start, _stop(size)))
    for method, start, stop in (*methods, ("warm, 1 s", tick.start, brief)):
        began = time.process_time()
        result = solve(tick.after, stop=stop, seed=1, start=start)
        seconds = time.process_time() - began
        cold_s = cold_s or seconds
        kept = _kept(tick.start, result.require(), tick.is_old)
        rows.append(
            {
                "case": f"tick {size} seed {seed}",
                "method": method,
                "seconds": seconds,
                "objective": result.objective,
                "gap": result.gap,
                "ratio": seconds / cold_s,
                "note": f"time against cold; {kept:.0%} of old orders keep store and courier class",
            }
        )
    return rows


def _tick(size: str, seed: int) -> _Tick:
    num, new, stores, couriers, leaving, _ = SIZES[size]
    problem = snapshot(num + new, stores, couriers, seed)
    earlier = part(problem, np.arange(num))
    before = solve(earlier, stop=_stop(size), seed=1).require()
    gone = before.routes[:leaving]
    left = {order for route in gone for order in route.trips[0].stops}
    keep = np.array([o for o in range(num + new) if o not in left])
    after = part(problem, keep)
    count = after.couriers.count.copy()
    for route in gone:
        count[route.courier] -= 1
    after = after.replace(couriers=after.couriers.replace(count=count))
    position = {int(order): at for at, order in enumerate(keep)}
    start = RoutingSolution(
        routes=tuple(_moved(after, route, position) for route in before.routes[leaving:])
    )
    return _Tick(before, after, start, keep < num)


def _moved(problem: RoutingProblem, route: Route, position: dict[int, int]) -> Route:
    stops = tuple(position[order] for order in route.trips[0].stops)
    moved = best_route(problem, route.courier, [Trip(store=route.trips[0].store, stops=stops)])
    if moved is None:
        raise ValueError("a trip that was possible is no longer")
    return moved


def part(
    problem: RoutingProblem, keep: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> RoutingProblem:
    """Return the problem with some of its orders."""
    orders, options = problem.orders, problem.orders.store_options
    names = ("place", "load", "service_s", "earliest_s", "latest_s", "release_s", "refusal_cost")
    columns = {name: getattr(orders, name)[keep] for name in names}
    if options is not None:
        columns["store_options"] = Options.of([options.row(int(o)).tolist() for o in keep])
    return problem.replace(orders=Orders.of(**columns))


def _kept(
    start: RoutingSolution,
    plan: RoutingSolution,
    is_old: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> float:
    """Return the share of old orders that keep their store and class."""

    def owners(of: RoutingSolution) -> dict[int, tuple[int, int]]:
        return {
            order: (route.courier, route.trips[0].store)
            for route in of.routes
            for order in route.trips[0].stops
        }

    old, new = owners(start), owners(plan)
    same = [new.get(order) == owner for order, owner in old.items() if is_old[order]]
    return float(np.mean(same)) if same else 1.0


def _quotes(size: str, seed: int) -> list[Row]:
    num, _, stores, couriers, _, asked = SIZES[size]
    problem = snapshot(num + asked, stores, couriers, seed)
    kept = part(problem, np.arange(num))
    plan = solve(kept, stop=_stop(size), seed=1).require()
    state = prepare(kept, plan)
    orders, options = problem.orders, problem.orders.store_options
    seconds, agreed = [], 0
    for order in range(num, num + asked):
        basket = Basket(
            place=int(orders.place[order]),
            release_s=int(orders.release_s[order]),
            latest_s=int(orders.latest_s[order]),
            service_s=int(orders.service_s[order]),
            refusal_cost=int(orders.refusal_cost[order]),
            stores=None if options is None else tuple(options.row(order).tolist()),
        )
        began = time.process_time()
        answer = quote(state, basket)
        seconds.append(time.process_time() - began)
        again = part(problem, np.append(np.arange(num), order))
        full = solve(again, stop=_stop(size), seed=1, start=plan).require()
        agreed += answer.can_promise == (num in full.served())
    return [
        {
            "case": f"quote {size} seed {seed}",
            "method": "quote",
            "seconds": float(np.median(seconds)),
            "note": f"{agreed} of {asked} as a full solve answers; "
            f"slowest {1e3 * max(seconds):.1f} ms",
        }
    ]


SUITE = Suite(
    name="routing-live",
    about="Ticks with a warm start against cold ones, and quotes against full solves.",
    run=run,
)
