"""Ticks: a state solved anew every 30 seconds, from what is known of the one before.

``python -m benchmarks.ticks`` follows ``--seeds`` streams of orders over ``--ticks`` ticks each.
200 orders are open and 10 more come, or as many more as make it 210; then the 5 trips that may
leave first are locked and leave (for each a courier comes back), with orders whose time is over.
Each state is solved within ``--time-limit`` seconds of wall time by a ``Replanner``, at each of the
``--prices`` of a change, and cold, without a start. Told are seconds, gaps, how many states were
proven, and how many orders that were open before and are open still keep the store and the class
of couriers that they were told of; and how many keep the others of their trip too. With ``--kept
FILE`` rows are written as JSON when they are known, and are not run again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.snapshot import NOW_S, snapshot
from benchmarks.suites.routing_ticks import part

from dispatchopt.core import Stop
from dispatchopt.core.arrays import IntArray
from dispatchopt.core.result import Result
from dispatchopt.core.seeds import stream
from dispatchopt.routing import RoutingProblem, RoutingSolution, solve
from dispatchopt.routing.replan import Replanner

TICK_S, NUM_NEW, NUM_LEAVING = 30, 10, 5
_MOST_NEW = 30
Owners = dict[int, tuple[int, int, frozenset[int]]]


class Stream:
    """All orders of a stream: a snapshot, and those that come later."""

    def __init__(self, seed: int, size: tuple[int, int, int], ticks: int) -> None:
        self.num, stores, couriers = size
        self.problem = snapshot(self.num + _MOST_NEW * ticks, stores, couriers, seed)
        self.come = self.num
        self._rng = stream(seed, "ticks")

    def next(self, num_open: int, tick: int) -> IntArray:
        """Return the orders that come in a tick, placed within it."""
        num = min(_MOST_NEW, max(NUM_NEW, self.num + NUM_NEW - num_open))
        came = np.arange(self.come, self.come + num)
        self.come += num
        orders = self.problem.orders
        placed = NOW_S + TICK_S * (tick - 1) + self._rng.integers(0, TICK_S, num)
        delay = np.zeros(len(orders), dtype=np.int64)
        delay[came] = placed - (orders.latest_s[came] - 30 * 60)
        moved = orders.replace(latest_s=orders.latest_s + delay, release_s=orders.release_s + delay)
        self.problem = self.problem.replace(orders=moved)
        return came


def at(problem: RoutingProblem, names: IntArray, now_s: int) -> RoutingProblem:
    """Return the state of some open orders at a time."""
    state = part(problem, names)
    return state.replace(couriers=state.couriers.replace(earliest_s=now_s))


def owners(plan: RoutingSolution, names: IntArray) -> Owners:
    """Return class, store and trip of each order that a plan serves."""
    found: Owners = {}
    for route in plan.routes:
        for trip in route.trips:
            own = frozenset(names[list(trip.stops)].tolist())
            found |= dict.fromkeys(own, (route.courier, trip.store, own))
    return found


def leaving(problem: RoutingProblem, plan: RoutingSolution, names: IntArray) -> set[int]:
    """Return the orders of the trips that may leave first."""
    ready = [
        (int(problem.orders.release_s[list(route.trips[0].stops)].max()), number)
        for number, route in enumerate(plan.routes)
    ]
    gone = [plan.routes[number] for _, number in sorted(ready)[:NUM_LEAVING]]
    return {int(names[order]) for route in gone for order in route.trips[0].stops}


def kept_shares(before: Owners, after: Owners, still: set[int]) -> tuple[float, float]:
    """Return which share keeps class and store, and which the others of the trip as well.

    Others who left, or came, do not count.
    """
    old = [name for name in before if name in still]
    same = [name for name in old if name in after and before[name][:2] == after[name][:2]]
    whole = [name for name in same if before[name][2] & still == after[name][2] & set(old)]
    return len(same) / max(1, len(old)), len(whole) / max(1, len(old))


def rows_of(seed: int, size: tuple[int, int, int], ticks: int, limit_s: float, price: int) -> Any:
    """Return a row per tick after the first state, warm (or cold where the price is below 0)."""
    of = Stream(seed, size, ticks)
    planner = Replanner(change_cost=max(0, price))
    names = np.arange(of.num)
    rows: list[Any] = []
    before: Owners = {}
    gone: set[int] = set()
    for tick in range(ticks + 1):
        now_s = NOW_S + TICK_S * tick
        in_time = of.problem.orders.latest_s[names] > now_s
        names = names[in_time & ~np.isin(names, list(gone))]
        if tick:
            names = np.append(names, of.next(len(names), tick))
        state = at(of.problem, names, now_s)
        stop = Stop(time_s=20.0 if tick == 0 else limit_s)
        began, cpu_began = time.perf_counter(), time.process_time()
        result: Result[RoutingSolution]
        if price < 0 and tick:
            result = solve(state, engine="bundles", stop=stop, seed=1)
        else:
            result = planner.solve(state, names.tolist(), stop=stop)
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
        plan = result.require()
        after = owners(plan, names)
        same, whole = kept_shares(before, after, set(names.tolist()))
        if tick:
            rows.append(
                {
                    "seed": seed,
                    "price": price,
                    "tick": tick,
                    "orders": len(names),
                    "wall_s": round(wall_s, 3),
                    "cpu_s": round(cpu_s, 3),
                    "gap": result.gap,
                    "is_proven": result.status.value == "optimal",
                    "cost": sum(result.parts.values()) - result.parts["changes"],
                    "same": same,
                    "whole": whole,
                }
            )
        before, gone = after, leaving(state, plan, names)
    return rows


def table_of(rows: list[Any]) -> str:
    """Return a line per price."""
    lines = [
        "price ticks orders proven wall_median_s wall_slowest_s cpu_median_s gap_mean_% "
        "gap_worst_% same_mean_% same_worst_% whole_mean_%"
    ]
    for price in dict.fromkeys(row["price"] for row in rows):
        own = [row for row in rows if row["price"] == price]
        wall, cpu = ([row[name] for row in own] for name in ("wall_s", "cpu_s"))
        gaps, same, whole = ([row[name] for row in own] for name in ("gap", "same", "whole"))
        lines.append(
            f"{'cold' if price < 0 else price} {len(own)} "
            f"{np.mean([row['orders'] for row in own]):.0f} "
            f"{sum(row['is_proven'] for row in own)} {np.median(wall):.2f} {max(wall):.2f} "
            f"{np.median(cpu):.2f} {100 * np.mean(gaps):.2f} {100 * max(gaps):.2f} "
            f"{100 * np.mean(same):.1f} {100 * min(same):.1f} {100 * np.mean(whole):.1f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="streams (5)")
    parser.add_argument("--ticks", type=int, default=10, help="ticks of each (10)")
    parser.add_argument("--size", default="200/15/105", help="orders/stores/couriers")
    parser.add_argument("--time-limit", type=float, default=1.0, help="seconds of a tick (1)")
    parser.add_argument(
        "--prices", type=int, nargs="*", default=[-1, 0, 60], help="of a change; -1: cold"
    )
    parser.add_argument("--kept", type=Path, help="file of rows, one JSON object a line")
    given = parser.parse_args()
    size = tuple(int(part) for part in given.size.split("/"))
    if len(size) != 3:
        parser.error("--size has three numbers")
    rows: list[Any] = []
    if given.kept is not None and given.kept.exists():
        rows = [json.loads(line) for line in given.kept.read_text("utf-8").splitlines()]
    known = {(row["seed"], row["price"]) for row in rows}
    # Libraries and compiled code are loaded before anything is timed.
    solve(snapshot(120, 9, 63, 99), engine="bundles", stop=Stop(time_s=60))
    for seed in range(1, given.seeds + 1):
        for price in given.prices:
            if (seed, price) in known:
                continue
            found = rows_of(seed, size, given.ticks, given.time_limit, price)
            rows += found
            lines = "".join(json.dumps(row) + "\n" for row in found)
            print(lines, end="", flush=True)
            if given.kept is not None:
                with given.kept.open("a", encoding="utf-8") as file:
                    file.write(lines)
    print(table_of(rows))


if __name__ == "__main__":
    main()
