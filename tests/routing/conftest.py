"""Small routing problems, a reader of Solomon's format, and brute force."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import (
    NO_STORE,
    Couriers,
    Orders,
    Route,
    RoutingProblem,
    RoutingSolution,
    Stores,
    Trip,
    best_route,
    check,
)


def line_travel(*positions: int, seconds_per_m: int = 1) -> TravelMatrix:
    """Return the travel between places on a line, at one second per metre."""
    distance = np.abs(np.subtract.outer(positions, positions)).astype(np.int64)
    return TravelMatrix(distance_m=distance, duration_s=distance * seconds_per_m)


def make_line_problem(**columns: dict[str, Any]) -> RoutingProblem:
    """Return one courier and one store at 0, orders at 10 and 20 and -30 (metres = seconds)."""
    orders = {"place": [1, 2, 3], "load": [[1], [1], [1]]} | columns.get("orders", {})
    stores = {"place": [0]} | columns.get("stores", {})
    couriers = {"start_place": [0], "end_place": [0], "capacity": [[3]]}
    couriers |= columns.get("couriers", {})
    return RoutingProblem(
        travel=(line_travel(0, 10, 20, -30),),
        orders=Orders.of(**orders),
        stores=Stores.of(**stores),
        couriers=Couriers.of(**couriers),
    )


def make_one_route(
    *stops: int, start_s: int = 0, courier: int = 0, store: int = 0
) -> RoutingSolution:
    """Return a solution of one route of one trip."""
    trip = Trip(store=store, stops=stops)
    return RoutingSolution(routes=(Route(courier=courier, trips=(trip,), start_s=start_s),))


def brute_force(problem: RoutingProblem) -> float | None:
    """Return the least cost over everything that can be done with up to 4 orders, or None."""
    best: float | None = None
    everything = range(len(problem.orders))
    for size in range(len(problem.orders) + 1):
        for chosen in itertools.combinations(everything, size):
            for routes in _plans(problem, frozenset(chosen)):
                report = check(problem, RoutingSolution(routes=routes))
                if report.is_feasible and (best is None or report.objective < best):
                    best = report.objective
    return best


def _plans(problem: RoutingProblem, orders: frozenset[int]) -> Iterator[tuple[Route, ...]]:
    """Yield sets of timed routes that serve exactly these orders."""
    slots = [
        row for row in range(len(problem.couriers)) for _ in range(int(problem.couriers.count[row]))
    ]
    for owners in itertools.product(range(len(slots)), repeat=len(orders)):
        per_slot = [
            [order for order, owner in zip(sorted(orders), owners, strict=True) if owner == slot]
            for slot in range(len(slots))
        ]
        choices = []
        for slot, own in enumerate(per_slot):
            if own:
                choices.append(list(_timed(problem, slots[slot], own)))
        yield from itertools.product(*choices)


def _timed(problem: RoutingProblem, courier: int, orders: list[int]) -> Iterator[Route]:
    paired = [order for order in orders if problem.orders.has_pickup[order]]
    for sequence in set(itertools.permutations([*orders, *paired])):
        for cuts in itertools.product([False, True], repeat=len(sequence) - 1):
            parts: list[list[int]] = [[sequence[0]]]
            for order, is_cut in zip(sequence[1:], cuts, strict=True):
                parts.append([order]) if is_cut else parts[-1].append(order)
            if len(parts) > int(problem.couriers.max_trips[courier]):
                continue
            stores = [NO_STORE, *range(len(problem.stores))]
            for loaded in itertools.product(stores, repeat=len(parts)):
                trips = [Trip(store=s, stops=tuple(p)) for s, p in zip(loaded, parts, strict=True)]
                route = best_route(problem, courier, trips)
                if route is not None:
                    yield route


DATA = Path(
    os.environ.get("DISPATCHOPT_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)


def read_solomon(path: Path) -> RoutingProblem:
    """Read a Solomon file: distances with one decimal, truncated, times 10."""
    lines = path.read_text().split("\n")
    count, capacity = (int(word) for word in lines[4].split())
    rows = np.array([[float(w) for w in line.split()] for line in lines[9:] if line.split()])
    xy, times = rows[:, 1:3], (rows[:, 4:7] * 10).astype(np.int64)
    delta = xy[:, None, :] - xy[None, :, :]
    distance = np.floor(10 * np.sqrt((delta**2).sum(axis=2))).astype(np.int64)
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=distance, duration_s=distance),),
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


def read_cvrp(path: Path) -> RoutingProblem:
    """Read a CVRP file with Euclidean distances, rounded."""
    sections: dict[str, list[list[float]]] = {}
    capacity, name = 0, ""
    for line in path.read_text().split("\n"):
        if line.startswith("CAPACITY"):
            capacity = int(line.split(":")[1])
        elif line.strip().endswith("_SECTION"):
            name = line.strip()
            sections[name] = []
        elif name and line[:1].isdigit():
            sections[name].append([float(word) for word in line.split()])
    xy = np.array(sections["NODE_COORD_SECTION"])[:, 1:]
    load = np.array(sections["DEMAND_SECTION"])[1:, 1:].astype(np.int64)
    delta = xy[:, None, :] - xy[None, :, :]
    distance = np.rint(np.sqrt((delta**2).sum(axis=2))).astype(np.int64)
    return RoutingProblem(
        travel=(TravelMatrix(distance_m=distance, duration_s=distance),),
        orders=Orders.of(place=np.arange(1, len(xy)), load=load),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0], end_place=[0], count=[len(load)], capacity=[[capacity]]
        ),
    )


def read_multi_trip(path: Path) -> tuple[RoutingProblem, RoutingSolution]:
    """Read a file with release times and reloads, and its routes: distances x 10, truncated."""
    sections: dict[str, list[list[float]]] = {}
    head: dict[str, int] = {}
    name = ""
    for line in path.read_text().split("\n"):
        key, _, value = line.partition(":")
        if value.strip().isdigit() and not name:
            head[key.strip()] = int(value)
        elif line.strip().endswith("_SECTION"):
            name = line.strip()
            sections[name] = []
        elif name and line[:1].isdigit():
            sections[name].append([float(word) for word in line.split()])
    columns = {
        key: np.array(rows)[:, 1:]
        for key, rows in sections.items()
        if key not in {"DEPOT_SECTION", "VEHICLES_RELOAD_DEPOT_SECTION"}
    }
    xy = columns["NODE_COORD_SECTION"]
    delta = xy[:, None, :] - xy[None, :, :]
    metres = np.floor(10 * np.sqrt((delta**2).sum(axis=2))).astype(np.int64)
    times = (10 * columns["TIME_WINDOW_SECTION"]).astype(np.int64)
    problem = RoutingProblem(
        travel=(TravelMatrix(distance_m=metres, duration_s=metres),),
        orders=Orders.of(
            place=np.arange(1, len(xy)),
            load=columns["DEMAND_SECTION"][1:].astype(np.int64),
            service_s=10 * head["SERVICE_TIME"],
            earliest_s=times[1:, 0],
            latest_s=times[1:, 1],
            release_s=(10 * columns["RELEASE_TIME_SECTION"][1:, 0]).astype(np.int64),
        ),
        stores=Stores.of(place=[0]),
        couriers=Couriers.of(
            start_place=[0],
            end_place=[0],
            count=[head["VEHICLES"]],
            capacity=[[head["CAPACITY"]]],
            earliest_s=times[:1, 0],
            latest_s=times[:1, 1],
            max_trips=100,
        ),
    )
    routes = []
    for line in path.with_suffix(".sol").read_text().split("\n"):
        if line.startswith("Route"):
            parts = f" {line.split(':')[1].strip()} ".split(" 0 ")
            # Some published routes visit the depot twice in a row.
            trips = [
                Trip(store=0, stops=tuple(int(word) - 1 for word in part.split()))
                for part in parts
                if part.split()
            ]
            route = best_route(problem, 0, trips)
            assert route is not None, f"{path.name}: {line}"
            routes.append(route)
    return problem, RoutingSolution(routes=tuple(routes))


def read_routes(path: Path, problem: RoutingProblem) -> RoutingSolution:
    """Read the routes of a ``.sol`` file, one trip each, on the first courier row."""
    routes = []
    for line in path.read_text().split("\n"):
        if line.startswith("Route"):
            stops = tuple(int(word) - 1 for word in line.split(":")[1].split())
            route = best_route(problem, 0, [Trip(store=0, stops=stops)])
            assert route is not None, f"{path.name}: {line}"
            routes.append(route)
    return RoutingSolution(routes=tuple(routes))


@pytest.fixture(scope="session")
def need_data() -> Callable[[str], Path]:
    """Return a function that finds a folder of real instances or skips."""

    def find(folder: str) -> Path:
        path = DATA / "routing" / folder
        if not path.is_dir():
            pytest.skip(f"real instances are not at {path}; set DISPATCHOPT_DATA")
        return path

    return find


@pytest.fixture(scope="session")
def line_problem() -> Callable[..., RoutingProblem]:
    """Return the maker of problems on a line."""
    return make_line_problem


@pytest.fixture(scope="session")
def one_route() -> Callable[..., RoutingSolution]:
    """Return the maker of solutions of one route."""
    return make_one_route


@pytest.fixture(scope="session")
def least_cost() -> Callable[[RoutingProblem], float | None]:
    """Return brute force."""
    return brute_force


@pytest.fixture(scope="session")
def read() -> dict[str, Callable[..., Any]]:
    """Return the readers of real instances."""
    return {
        "solomon": read_solomon,
        "cvrp": read_cvrp,
        "routes": read_routes,
        "trips": read_multi_trip,
    }
