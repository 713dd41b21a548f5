"""A routing problem as a VRPLIB file, in PyVRP's dialect where the plain format is too narrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.geography.matrix import UNREACHABLE
from dispatchopt.io.formats._vrp_text import LARGEST
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said
from dispatchopt.routing.problem import RoutingProblem
from dispatchopt.routing.tables import FAR, MANDATORY

_ORDER_FIGURES = ("load", "service_s", "earliest_s", "latest_s", "release_s", "refusal_cost")
_COURIER_FIGURES = (
    *("capacity", "earliest_s", "latest_s", "max_duration_s", "max_distance_m"),
    *("fixed_cost", "cost_per_m"),
)


def write_file(instance: Instance, path: Path) -> None:
    """Write an instance; its figures stand as they are, in whole units.

    Raises
    ------
    InputError
        Naming everything that the format cannot say.
    """
    _require_expressible(instance)
    text = "\n".join(_lines(instance)) + "\n"
    path.write_text(text, encoding="utf-8")


def _require_expressible(instance: Instance) -> None:
    issues = Issues()
    if instance.kind != "routing":
        found = Said(f"a {instance.kind} document")
        issues.add("wrong-kind", "target", found, "a routing problem, for VRPLIB")
        issues.raise_if_any()
    problem: RoutingProblem = instance.problem
    for what in _beyond(problem):
        issues.add("conflict", "target", Said(what), "what VRPLIB can express")
    issues.raise_if_any()


def _beyond(problem: RoutingProblem) -> Iterator[str]:
    """Yield what the problem has and the format has not."""
    orders, stores, couriers = problem.orders, problem.stores, problem.couriers
    if not len(orders) or not len(stores) or not len(couriers):
        yield "a problem without orders, stores or couriers"
        return
    travel = problem.travel[0]
    tests = {
        "several vehicle profiles": len(problem.travel) > 1,
        "durations that differ from distances": not np.array_equal(
            travel.distance_m, travel.duration_s
        ),
        "pairs without a way": bool((travel.distance_m >= UNREACHABLE).any()),
        "orders with a pick-up place": bool(orders.has_pickup.any()),
        "skills": bool(orders.skills.any()),
        "prices of lateness": bool(orders.hinges),
        "prices of changes": orders.has_changes,
        "orders that not every store may serve": orders.store_options is not None,
        "refusal at no cost": bool((orders.refusal_cost == 0).any()),
        "times below zero": _has_negative(problem),
        f"figures of {LARGEST:.0f} and more": _has_large(problem),
        "stores with service times or windows of their own": _has_store_times(problem),
        "two stores at one place": len(np.unique(stores.place)) < len(stores),
        "limits on stops": bool((couriers.max_stops < len(orders)).any()),
        "costs per second": bool(couriers.cost_per_s.any()),
        "couriers that do not start and end at one of their stores": not _are_at_home(problem),
        "shifts that differ between couriers of one store": not _share_shifts(problem),
        "one trip for couriers with several stores": not _may_reload(problem),
    }
    yield from (what for what, is_so in tests.items() if is_so)


def _has_negative(problem: RoutingProblem) -> bool:
    orders, couriers = problem.orders, problem.couriers
    columns = [orders.earliest_s, orders.latest_s, orders.release_s]
    columns += [couriers.earliest_s, couriers.latest_s]
    return any(bool(((column < 0) & (column > -FAR)).any()) for column in columns)


def _has_large(problem: RoutingProblem) -> bool:
    tables = ((problem.orders, _ORDER_FIGURES), (problem.couriers, _COURIER_FIGURES))
    columns = [getattr(table, name) for table, names in tables for name in names]
    return any(bool(((column >= LARGEST) & (column < FAR)).any()) for column in columns)


def _has_store_times(problem: RoutingProblem) -> bool:
    stores = problem.stores
    is_open = (stores.earliest_s <= problem.couriers.earliest_s.min()) & (stores.latest_s >= FAR)
    return bool(stores.service_s.any()) or not bool(is_open.all())


def _are_at_home(problem: RoutingProblem) -> bool:
    couriers = problem.couriers
    if not np.array_equal(couriers.start_place, couriers.end_place):
        return False
    return all(
        int(couriers.start_place[row]) in problem.stores.place[problem.stores_of_courier(row)]
        for row in range(len(couriers))
    )


def _share_shifts(problem: RoutingProblem) -> bool:
    couriers = problem.couriers
    rows = np.stack([couriers.start_place, couriers.earliest_s, couriers.latest_s], axis=1)
    return len(np.unique(rows, axis=0)) == len(np.unique(couriers.start_place))


def _may_reload(problem: RoutingProblem) -> bool:
    return all(
        len(problem.stores_of_courier(row)) == 1 or int(problem.couriers.max_trips[row]) > 1
        for row in range(len(problem.couriers))
    )


def _lines(instance: Instance) -> Iterator[str]:
    problem: RoutingProblem = instance.problem
    orders, stores, couriers = problem.orders, problem.stores, problem.couriers
    places = np.concatenate([stores.place, orders.place])
    num_depots, size = len(stores), len(stores) + len(orders)
    counts = np.minimum(couriers.count, len(orders))
    row_of = np.repeat(np.arange(len(couriers)), counts)
    has_times = bool((orders.latest_s < FAR).any() or (couriers.latest_s < FAR).any())
    has_times |= bool((orders.earliest_s > 0).any() or (couriers.earliest_s > 0).any())
    prize = np.where(orders.refusal_cost == MANDATORY, 0, orders.refusal_cost)
    kind = "VRPTW" if has_times else "CVRP"
    yield f"NAME : {instance.name}"
    yield "COMMENT : written by dispatchopt"
    yield f"TYPE : {kind}"
    yield f"DIMENSION : {size}"
    yield f"VEHICLES : {len(row_of)}"
    yield "EDGE_WEIGHT_TYPE : EXPLICIT"
    yield "EDGE_WEIGHT_FORMAT : FULL_MATRIX"
    yield "EDGE_WEIGHT_SECTION"
    matrix = problem.travel[0].distance_m[np.ix_(places, places)]
    yield from (" ".join(map(str, row)) for row in matrix.tolist())
    if problem.num_dims:
        nothing = np.zeros((num_depots, problem.num_dims), dtype=np.int64)
        yield from _section("DEMAND", np.concatenate([nothing, orders.load]))
        yield from _section("CAPACITY", np.minimum(couriers.capacity, int(LARGEST))[row_of])
    if has_times:
        yield from _section("TIME_WINDOW", _windows(problem))
    padding = np.zeros(num_depots, dtype=np.int64)
    if orders.service_s.any():
        yield from _section("SERVICE_TIME", np.concatenate([padding, orders.service_s]))
    if (orders.release_s > 0).any():
        ready = np.maximum(orders.release_s, 0)
        yield from _section("RELEASE_TIME", np.concatenate([padding, ready]))
    if prize.any():
        yield from _section("PRIZE", np.concatenate([padding, prize]))
    yield from _fleet(problem, row_of)
    yield "DEPOT_SECTION"
    yield from (str(depot + 1) for depot in range(num_depots))
    yield "-1"
    yield "EOF"


def _windows(problem: RoutingProblem) -> IntArray:
    orders, couriers, stores = problem.orders, problem.couriers, problem.stores
    early, late = np.zeros(len(stores), dtype=np.int64), np.full(len(stores), FAR)
    for row in range(len(couriers)):
        home = np.flatnonzero(stores.place == couriers.start_place[row])
        early[home], late[home] = couriers.earliest_s[row], couriers.latest_s[row]
    begin = np.maximum(np.concatenate([early, orders.earliest_s]), 0)
    return np.column_stack(
        [begin, np.minimum(np.concatenate([late, orders.latest_s]), int(LARGEST))]
    )


def _fleet(problem: RoutingProblem, row_of: IntArray) -> Iterator[str]:
    couriers, stores = problem.couriers, problem.stores
    depot_of = {int(place): at for at, place in enumerate(stores.place.tolist())}
    if len(stores) > 1:
        home = np.array([depot_of[int(place)] for place in couriers.start_place], dtype=np.int64)
        yield from _section("VEHICLES_DEPOT", 1 + home[row_of])
    for name, column, default in (
        ("VEHICLES_MAX_DURATION", couriers.max_duration_s, FAR),
        ("VEHICLES_MAX_DISTANCE", couriers.max_distance_m, FAR),
        ("VEHICLES_FIXED_COST", couriers.fixed_cost, 0),
        ("VEHICLES_UNIT_DISTANCE_COST", couriers.cost_per_m, 1),
    ):
        if (column != default).any():
            yield from _section(name, np.minimum(column, int(LARGEST))[row_of])
    if (couriers.max_trips > 1).any():
        yield "VEHICLES_RELOAD_DEPOT_SECTION"
        for vehicle, row in enumerate(row_of.tolist(), start=1):
            own = problem.stores_of_courier(row) if couriers.max_trips[row] > 1 else ()
            yield " ".join(map(str, [vehicle, *(int(store) + 1 for store in own)]))
        reloads = np.minimum(couriers.max_trips - 1, 10**6)
        yield from _section("VEHICLES_MAX_RELOADS", reloads[row_of])


def _section(name: str, values: IntArray) -> Iterator[str]:
    yield f"{name}_SECTION"
    rows = values.reshape(len(values), -1).tolist()
    yield from (" ".join(map(str, [at, *row])) for at, row in enumerate(rows, start=1))
