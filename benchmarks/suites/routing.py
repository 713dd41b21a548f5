"""Routing: snapshots and a static set, against PyVRP, OR-Tools and VROOM, for equal time.

``small`` stops by iterations and runs on generated data only. The larger sizes read real instances
under ``$DISPATCHOPT_DATA`` where they are given.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.registry import Row, Suite, timed
from benchmarks.snapshot import snapshot

from dispatchopt.core import Stop
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import (
    DOMAIN,
    Couriers,
    Orders,
    RoutingProblem,
    RoutingSolution,
    Stores,
    check,
    solve,
)
from dispatchopt.routing.engines import _pyvrp_model

Case = tuple[str, Callable[[], RoutingProblem]]

#: Orders, stores and couriers of a snapshot.
SNAPSHOTS = {
    "small": [(40, 4, 16)],
    "medium": [(120, 9, 63), (120, 9, 36)],
    "large": [(120, 9, 63), (120, 9, 36), (240, 18, 72), (500, 35, 175)],
}
SECONDS = {"medium": 10.0, "large": 60.0}
SOLOMON = {"medium": ("C101", "R108", "RC208"), "large": None}
ITERATIONS = 300


def run(size: str) -> list[Row]:
    """Return a row per case and method."""
    rows: list[Row] = []
    for name, make in _cases(size):
        problem = make()
        stop = Stop(iterations=ITERATIONS) if size == "small" else Stop(time_s=SECONDS[size])
        rival, rival_s = timed(partial(_bare_pyvrp, problem, stop))
        rows.append({"case": name, "method": "bare pyvrp", "seconds": rival_s, "objective": rival})
        engines = ["pyvrp"] if _is_same_engine(problem) else ["pyvrp", "auto"]
        if size != "small":
            engines += [name for name in ("ortools", "vroom") if _takes(name, problem)]
        for engine in engines:
            result, seconds = timed(partial(solve, problem, engine=engine, stop=stop, seed=1))
            row: Row = {
                "case": name,
                "method": result.engine,
                "seconds": seconds,
                "objective": result.objective,
                "bound": result.bound,
                "gap": result.gap,
            }
            if rival and result.objective is not None:
                row |= {"ratio": result.objective / rival, "note": "cost against bare pyvrp"}
            rows.append(row)
    return rows


def _takes(name: str, problem: RoutingProblem) -> bool:
    """Whether an engine takes the problem; where its package is missing, it takes none."""
    return DOMAIN.engines()[name].unsupported(problem) is None


def _is_same_engine(problem: RoutingProblem) -> bool:
    """Whether ``auto`` would only repeat the row of pyvrp."""
    from dispatchopt.routing.domain import choose

    return choose(problem)[0][0] == "pyvrp"


def _cases(size: str) -> list[Case]:
    cases: list[Case] = [
        (f"snapshot {orders}/{stores}/{couriers}", partial(snapshot, orders, stores, couriers, 1))
        for orders, stores, couriers in SNAPSHOTS[size]
    ]
    if size == "small":
        return [*cases, ("windows 60", partial(_windows, 60, 1))]
    home = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "routing" / "solomon"
    names = SOLOMON[size] or sorted(path.stem for path in home.glob("*.txt"))
    paths = [home / f"{name}.txt" for name in names if (home / f"{name}.txt").exists()]
    return cases + [(f"solomon {path.stem}", partial(_solomon, path)) for path in paths]


def _bare_pyvrp(problem: RoutingProblem, stop: Stop) -> float | None:
    """Return the cost that PyVRP finds by its own ``solve``, as our checker sees it."""
    import pyvrp

    model = _pyvrp_model.build(problem)
    if model is None:
        return check(problem, RoutingSolution()).objective
    limit: Any = (
        pyvrp.stop.MaxIterations(ITERATIONS)
        if stop.time_s is None
        else pyvrp.stop.MaxRuntime(stop.time_s)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        best = pyvrp.solve(model.data, limit, seed=1, collect_stats=False, display=False).best
    solution = model.solution(best) if best.is_feasible() else None
    return None if solution is None else check(problem, solution).objective


def _windows(num_orders: int, seed: int) -> RoutingProblem:
    """Return a generated problem with windows around one store."""
    rng = np.random.default_rng(seed)
    places = np.concatenate([[[500, 500]], rng.integers(0, 1_000, (num_orders, 2))])
    delta = places[:, None, :] - places[None, :, :]
    metres = np.rint(np.sqrt((delta**2).sum(axis=2))).astype(np.int64)
    opens = rng.integers(0, 3_000, num_orders)
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=metres),),
        orders=Orders.of(
            place=np.arange(1, num_orders + 1),
            load=rng.integers(1, 30, (num_orders, 1)),
            service_s=60,
            earliest_s=opens,
            latest_s=opens + 1_200,
        ),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(start_place=[0], end_place=[0], count=[num_orders], capacity=[[150]]),
    )


def _solomon(path: Path) -> RoutingProblem:
    """Read a Solomon file with distances of one truncated decimal, times 10."""
    lines = path.read_text().splitlines()
    count, capacity = (int(word) for word in lines[4].split())
    rows = np.array([[float(w) for w in line.split()] for line in lines[9:] if line.split()])
    delta = rows[:, None, 1:3] - rows[None, :, 1:3]
    metres = np.floor(10 * np.sqrt((delta**2).sum(axis=2))).astype(np.int64)
    times = (rows[:, 4:7] * 10).astype(np.int64)
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=metres),),
        orders=Orders.of(
            place=np.arange(1, len(rows)),
            load=rows[1:, 3:4].astype(np.int64),
            service_s=times[1:, 2],
            earliest_s=times[1:, 0],
            latest_s=times[1:, 1],
        ),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0],
            end_place=[0],
            count=[count],
            capacity=[[capacity]],
            earliest_s=times[:1, 0],
            latest_s=times[:1, 1],
        ),
    )


SUITE = Suite(
    name="routing",
    about="Cost and gap of routing plans against PyVRP, OR-Tools and VROOM, for equal time.",
    run=run,
)
