"""The routing problem: orders, stores and couriers on travel matrices; and its solution.

One class for every variant. A variant is a column with a default that switches it off, and a line
in ``unsupported`` of each engine that lacks it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.routing.breaks import AFTER, BEFORE, Breaks, no_breaks
from dispatchopt.routing.tables import (
    ANYWHERE,
    FAR,
    MANDATORY,
    MOST_LISTED,
    NO_STORE,
    Couriers,
    Options,
    Orders,
    Stores,
    problem_issue,
)

__all__ = [
    "AFTER",
    "ANYWHERE",
    "BEFORE",
    "FAR",
    "MANDATORY",
    "NO_STORE",
    "UNREACHABLE",
    "Breaks",
    "Couriers",
    "Options",
    "Orders",
    "Route",
    "RoutingProblem",
    "RoutingSolution",
    "Stores",
    "Trip",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class RoutingProblem:
    """Which courier carries which orders, from which store, in which sequence, at what cost.

    A courier drives from its start to the store of its first trip, waits there till all orders of
    the trip are ready, loads, delivers them, goes on to the store of its next trip, and at last to
    its end. All costs share one unit; the sum of travel, fixed, duration, lateness and refusal
    costs is minimised.

    Parameters
    ----------
    travel
        One square matrix per vehicle profile; all of one size, with a diagonal of zeros.
    orders, stores, couriers
        The three tables.
    units_per_cent
        Cost units in a cent, for display: with 1000, cents per km are units per metre.
    breaks
        When couriers rest; a table of its own, as a courier may have several.

    Raises
    ------
    InputError
        Lists everything that is wrong.
    """

    travel: tuple[TravelMatrix, ...]
    orders: Orders
    stores: Stores
    couriers: Couriers
    units_per_cent: int = 1
    breaks: Breaks = field(default_factory=no_breaks)

    def __post_init__(self) -> None:
        issues = _problem_issues(self)
        if issues:
            raise InputError(issues)

    def replace(self, **changes: Any) -> RoutingProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    @property
    def num_places(self) -> int:
        """Number of places in the travel matrices."""
        return self.travel[0].shape[0]

    @property
    def num_dims(self) -> int:
        """Number of load dimensions."""
        return int(self.orders.load.shape[1])

    def stores_of_order(self, order: int) -> IntArray:
        """Return the stores that may serve an order."""
        return _stores_of(self.orders.store_options, order, len(self.stores))

    def stores_of_courier(self, courier: int) -> IntArray:
        """Return the stores where a courier may load."""
        return _stores_of(self.couriers.store_options, courier, len(self.stores))


@dataclass(frozen=True, kw_only=True)
class Trip:
    """One round: loaded at a store, delivered in sequence.

    Parameters
    ----------
    store
        Store index, or ``NO_STORE`` if every order has a pick-up place (only as first trip).
    stops
        Order indices in sequence. An order with a pick-up place stands twice: picked up, delivered.
    """

    store: int
    stops: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What one courier does.

    Parameters
    ----------
    courier
        Row of the courier table.
    trips
        In sequence.
    start_s
        When it leaves its start place; from there on nothing waits longer than it must.
    breaks
        Leg on which each break of the courier is taken, in the order of the table: legs are
        numbered from 0 and lead to a store, a pick-up, a door, and at last to the end (a leg of no
        length where the route may end anywhere). ``BEFORE`` and ``AFTER`` (-1, -2): off the route.
    """

    courier: int
    trips: tuple[Trip, ...]
    start_s: int
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RoutingSolution:
    """Routes; whatever they do not serve is refused.

    Parameters
    ----------
    routes
        What couriers do.
    picks
        Per store the orders in the sequence in which they are picked; empty where nothing takes
        time to pick.
    """

    routes: tuple[Route, ...] = ()
    picks: tuple[tuple[int, ...], ...] = ()

    def served(self) -> frozenset[int]:
        """Return the orders that some route serves."""
        return frozenset(
            order for route in self.routes for trip in route.trips for order in trip.stops
        )


def _stores_of(options: Options | None, row: int, num_stores: int) -> IntArray:
    return np.arange(num_stores, dtype=np.int64) if options is None else options.row(row)


def _problem_issues(problem: RoutingProblem) -> list[Issue]:
    issues = _matrix_issues(problem.travel)
    if problem.units_per_cent < 1:
        issues.append(
            problem_issue("out-of-range", "units_per_cent", problem.units_per_cent, ">= 1")
        )
    if issues:
        return issues
    orders, stores, couriers = problem.orders, problem.stores, problem.couriers
    breaks = problem.breaks
    for name, table, size in (
        ("orders", orders, len(orders)),
        ("stores", stores, len(stores)),
        ("couriers", couriers, len(couriers)),
        ("breaks", breaks, len(breaks)),
    ):
        issues += table.issues(name, size)
        options = getattr(table, "store_options", None)
        if options is not None:
            issues += options.issues(name, size, len(stores))
    issues += _place_issues(problem)
    issues += breaks.reference_issues(len(couriers))
    for name, code, size in (
        ("locked_courier", "bad-courier", len(couriers)),
        ("planned_courier", "bad-courier", len(couriers)),
        ("planned_store", "bad-option", len(stores)),
    ):
        issues += [
            problem_issue(code, f"orders[{row}].{name}", value, f"-1, or a row below {size}")
            for row, value in enumerate(getattr(orders, name).tolist())
            if value >= size
        ][:MOST_LISTED]
    issues += _load_issues(orders.load, "orders.load", len(orders), None)
    issues += _load_issues(couriers.capacity, "couriers.capacity", len(couriers), problem.num_dims)
    issues += [
        problem_issue("bad-profile", f"couriers[{row}].profile", int(couriers.profile[row]), wanted)
        for row in np.flatnonzero(couriers.profile >= len(problem.travel))[:MOST_LISTED]
        for wanted in [f"one of the {len(problem.travel)} travel matrices"]
    ]
    return issues


def _matrix_issues(travel: tuple[TravelMatrix, ...]) -> list[Issue]:
    if not travel:
        return [problem_issue("missing-matrix", "travel", "nothing", "a travel matrix per profile")]
    issues = []
    size = travel[0].shape[0]
    for index, matrix in enumerate(travel):
        where = f"travel[{index}]"
        if matrix.shape != (size, size):
            issues.append(
                problem_issue("bad-shape", where, matrix.shape, f"shape ({size}, {size})")
            )
            continue
        if not size:
            continue
        if np.diagonal(matrix.distance_m).any() or np.diagonal(matrix.duration_s).any():
            issues.append(problem_issue("bad-diagonal", where, "a place away from itself", "zeros"))
        largest = max(int(matrix.distance_m.max()), int(matrix.duration_s.max()))
        if largest > UNREACHABLE:
            issues.append(problem_issue("out-of-range", where, largest, f"at most {UNREACHABLE}"))
    return issues


def _place_issues(problem: RoutingProblem) -> list[Issue]:
    columns = {
        "orders.place": (problem.orders.place, 0),
        "orders.pickup_place": (problem.orders.pickup_place, ANYWHERE),
        "stores.place": (problem.stores.place, 0),
        "couriers.start_place": (problem.couriers.start_place, ANYWHERE),
        "couriers.end_place": (problem.couriers.end_place, ANYWHERE),
    }
    issues = []
    for where, (column, low) in columns.items():
        if column.ndim != 1:
            issues.append(problem_issue("bad-shape", where, column.shape, "one index per row"))
            continue
        wanted = f"a place from {low} to {problem.num_places - 1}"
        bad = np.flatnonzero((column < low) | (column >= problem.num_places))[:MOST_LISTED]
        issues += [
            problem_issue("bad-place", f"{where}[{row}]", int(column[row]), wanted) for row in bad
        ]
    if problem.couriers.start_place.shape != problem.couriers.end_place.shape:
        found = problem.couriers.end_place.shape
        issues.append(
            problem_issue("bad-shape", "couriers.end_place", found, "one place per start place")
        )
    return issues


def _load_issues(amounts: IntArray, where: str, num_rows: int, num_dims: int | None) -> list[Issue]:
    wrong_dims = num_dims is not None and amounts.ndim == 2 and amounts.shape[1] != num_dims
    if amounts.ndim != 2 or amounts.shape[0] != num_rows or wrong_dims:
        dims = "num_dims" if num_dims is None else num_dims
        return [problem_issue("bad-shape", where, amounts.shape, f"shape ({num_rows}, {dims})")]
    bad = np.argwhere((amounts < 0) | (amounts > FAR))[:MOST_LISTED]
    return [
        problem_issue(
            "out-of-range", f"{where}[{row}, {dim}]", int(amounts[row, dim]), f"0 to {FAR}"
        )
        for row, dim in bad
    ]
