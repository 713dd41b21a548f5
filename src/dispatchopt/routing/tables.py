"""The three tables of a routing problem: stores, orders and couriers, by column."""

# ruff: noqa: RUF009 - ``column`` returns a dataclass field, with a fresh default per object.

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from dispatchopt.core.arrays import IntArray, frozen
from dispatchopt.core.errors import InputError, Issue

#: A time, length or number that limits nothing; sums of a few still fit 64 bits.
FAR = 1 << 40
#: Place of a courier that starts at its first store, or may end anywhere.
ANYWHERE = -1
#: Refusal cost of an order that must be served.
MANDATORY = -1
#: Store of a trip that carries only orders with a pick-up place of their own.
NO_STORE = -1
#: Largest cost of one unit or event, so that no sum over a plan leaves 64 bits.
MAX_COST = 1 << 40
#: Largest cost per metre or second, so that a sum of edge costs stays within 64 bits.
MAX_RATE = 1 << 20
MOST_LISTED = 20


def problem_issue(code: str, where: str, found: object, wanted: str, hint: str = "") -> Issue:
    """Return an issue whose found value is shortened for display."""
    return Issue(code=code, where=where, found=str(found)[:200], wanted=wanted, hint=hint)


def column(default: int, low: int, high: int = FAR) -> Any:
    """Return a field for one whole number per row; a scalar given is repeated."""
    return field(default_factory=lambda: np.int64(default), metadata={"range": (low, high)})


def _whole(name: str, values: Any) -> IntArray:
    try:
        return frozen(values, np.int64)
    except (ValueError, TypeError, OverflowError) as error:
        wanted = "whole numbers of at most 64 bits"
        raise InputError(problem_issue("bad-type", name, error, wanted)) from error


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Columns of whole numbers, one entry per row."""

    @classmethod
    def of(cls, **columns: Any) -> Self:
        """Return a table from lists, arrays and single values, which are repeated."""
        return cls(**columns)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some columns changed."""
        return dataclasses.replace(self, **changes)

    def _freeze(self, num_rows: int) -> None:
        for each in dataclasses.fields(self):
            if "range" not in each.metadata:
                continue
            given = np.asarray(getattr(self, each.name))
            if given.ndim == 0:
                given = np.full(num_rows, given)
            object.__setattr__(self, each.name, _whole(each.name, given))

    def issues(self, table: str, num_rows: int) -> list[Issue]:
        """Return what is wrong with single values; references are for the problem to judge."""
        issues = []
        for each in dataclasses.fields(self):
            if "range" not in each.metadata:
                continue
            column = getattr(self, each.name)
            if column.shape != (num_rows,):
                issues.append(
                    problem_issue(
                        "bad-shape", f"{table}.{each.name}", column.shape, f"shape ({num_rows},)"
                    )
                )
                continue
            low, high = each.metadata["range"]
            issues += [
                problem_issue(
                    "out-of-range",
                    f"{table}[{row}].{each.name}",
                    int(column[row]),
                    f"a whole number from {low} to {high}",
                )
                for row in np.flatnonzero((column < low) | (column > high))[:MOST_LISTED]
            ]
        return issues


@dataclass(frozen=True, kw_only=True, eq=False)
class Options:
    """Which stores each row may use, in compressed rows.

    Parameters
    ----------
    indptr
        Row ``i`` owns ``stores[indptr[i]:indptr[i + 1]]``; shape (num_rows + 1,).
    stores
        Store indices, ascending within a row.
    """

    indptr: IntArray
    stores: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "indptr", _whole("indptr", self.indptr))
        object.__setattr__(self, "stores", _whole("stores", self.stores))

    @classmethod
    def of(cls, rows: list[list[int]]) -> Options:
        """Return the options that lists of store indices name."""
        lengths = [len(row) for row in rows]
        flat = [store for row in rows for store in sorted(row)]
        return cls(
            indptr=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
            stores=np.array(flat, dtype=np.int64),
        )

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    def row(self, index: int) -> IntArray:
        """Return the stores of one row."""
        return self.stores[self.indptr[index] : self.indptr[index + 1]]

    def issues(self, table: str, num_rows: int, num_stores: int) -> list[Issue]:
        """Return what is wrong with the options of a table."""
        where = f"{table}.store_options"
        is_sound = (
            self.indptr.shape == (num_rows + 1,)
            and self.stores.ndim == 1
            and self.indptr[0] == 0
            and self.indptr[-1] == len(self.stores)
            and bool((np.diff(self.indptr) >= 0).all())
        )
        if not is_sound:
            wanted = f"{num_rows + 1} ascending offsets from 0 to {len(self.stores)}"
            return [problem_issue("bad-shape", f"{where}.indptr", self.indptr.tolist(), wanted)]
        issues = []
        for index in range(num_rows):
            row = self.row(index)
            if len(row) and (row.min() < 0 or row.max() >= num_stores or (np.diff(row) <= 0).any()):
                wanted = f"different stores from 0 to {num_stores - 1}, ascending"
                issues.append(
                    problem_issue("bad-option", f"{where}[{index}]", row.tolist(), wanted)
                )
        return issues[:MOST_LISTED]


@dataclass(frozen=True, kw_only=True, eq=False)
class Stores(Table):
    """Where orders are loaded.

    Parameters
    ----------
    place
        Index into the travel matrices, shape (num_stores,).
    service_s
        Seconds to load one trip, before it leaves.
    earliest_s, latest_s
        When loading of a trip may begin.
    pick_s, pickers
        Seconds that a picker takes for one order, and how many work side by side; with 0 seconds
        orders are ready at their ``release_s``, else that is when picking may begin.
    """

    place: IntArray
    service_s: IntArray = column(0, 0)
    earliest_s: IntArray = column(0, -FAR)
    latest_s: IntArray = column(FAR, -FAR)
    pick_s: IntArray = column(0, 0)
    pickers: IntArray = column(1, 1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", _whole("place", self.place))
        self._freeze(len(self.place))

    def __len__(self) -> int:
        return len(self.place)


@dataclass(frozen=True, kw_only=True, eq=False)
class Orders(Table):
    """What is to be delivered.

    Parameters
    ----------
    place
        Where it is delivered, index into the travel matrices, shape (num_orders,).
    load
        Amounts per dimension, shape (num_orders, num_dims), >= 0; nothing by default.
    service_s
        Seconds at the door.
    earliest_s, latest_s
        When service at the door may begin; hard.
    release_s
        When it is ready: loading of its trip (or its pick-up) begins no earlier. At a store with
        ``pick_s`` it is when picking may begin, and it is ready when it is picked.
    max_age_s
        Freshness: most seconds from when it is ready till service at the door begins; hard.
    promise_s, late_cost_per_s
        Service that begins after the promise costs this much per second late.
    promise_2_s, late_2_cost_per_s, promise_3_s, late_3_cost_per_s
        Later moments from which a second costs so much more: the price of lateness is convex.
    refusal_cost
        Cost of not serving it; ``MANDATORY`` (-1) if it must be served.
    pickup_place
        Where it is picked up; ``ANYWHERE`` (-1) if it is loaded at a store.
    pickup_service_s, pickup_earliest_s, pickup_latest_s
        Service there, and when that may begin; hard.
    skills
        Bit mask of what its courier must have.
    locked_courier
        Row of the couriers that alone may carry it; ``ANYWHERE`` (-1) if any may.
    planned_courier, planned_store
        What the last plan said of it: a row of the couriers, and a store; ``ANYWHERE`` (-1) where
        nothing was said. A store means nothing to an order with a pick-up place.
    change_cost
        Price of delivering it by another courier or from another store than was planned.
    store_options
        Which stores may serve it; None means all. Of no concern with a pick-up place.
    """

    place: IntArray
    load: IntArray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    service_s: IntArray = column(0, 0)
    earliest_s: IntArray = column(0, -FAR)
    latest_s: IntArray = column(FAR, -FAR)
    release_s: IntArray = column(-FAR, -FAR)
    max_age_s: IntArray = column(FAR, 0)
    promise_s: IntArray = column(FAR, -FAR)
    late_cost_per_s: IntArray = column(0, 0, MAX_RATE)
    promise_2_s: IntArray = column(FAR, -FAR)
    late_2_cost_per_s: IntArray = column(0, 0, MAX_RATE)
    promise_3_s: IntArray = column(FAR, -FAR)
    late_3_cost_per_s: IntArray = column(0, 0, MAX_RATE)
    refusal_cost: IntArray = column(MANDATORY, MANDATORY, MAX_COST)
    pickup_place: IntArray = column(ANYWHERE, ANYWHERE)
    pickup_service_s: IntArray = column(0, 0)
    pickup_earliest_s: IntArray = column(0, -FAR)
    pickup_latest_s: IntArray = column(FAR, -FAR)
    skills: IntArray = column(0, 0, (1 << 62) - 1)
    locked_courier: IntArray = column(ANYWHERE, ANYWHERE)
    planned_courier: IntArray = column(ANYWHERE, ANYWHERE)
    planned_store: IntArray = column(ANYWHERE, ANYWHERE)
    change_cost: IntArray = column(0, 0, MAX_COST)
    store_options: Options | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", _whole("place", self.place))
        load = np.asarray(self.load)
        if load.size == 0:
            dims = load.shape[1] if load.ndim == 2 else 0
            load = np.zeros((len(self.place), dims), dtype=np.int64)
        object.__setattr__(self, "load", _whole("load", load))
        self._freeze(len(self.place))

    def __len__(self) -> int:
        return len(self.place)

    @cached_property
    def deadline_s(self) -> IntArray:
        """When service at the door may begin at the latest: window and freshness."""
        fresh = np.where(self.max_age_s < FAR, self.release_s + self.max_age_s, FAR)
        return frozen(np.minimum(self.latest_s, fresh), np.int64)

    @cached_property
    def hinges(self) -> tuple[tuple[IntArray, IntArray], ...]:
        """Moments from which a second costs more, and how much, where some order has such a price.

        Each pair has a moment and a price for every order; all of them add up.
        """
        pairs = (
            (self.promise_s, self.late_cost_per_s),
            (self.promise_2_s, self.late_2_cost_per_s),
            (self.promise_3_s, self.late_3_cost_per_s),
        )
        return tuple(
            (moment, rate) for moment, rate in pairs if ((rate > 0) & (moment < FAR)).any()
        )

    @property
    def is_mandatory(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which must be served, shape (num_orders,)."""
        return np.asarray(self.refusal_cost == MANDATORY)

    @cached_property
    def has_changes(self) -> bool:
        """Whether delivering some order otherwise than planned has a price."""
        is_planned = (self.planned_courier != ANYWHERE) | (self.planned_store != ANYWHERE)
        return bool((is_planned & (self.change_cost > 0)).any())

    def changes(self, courier: int, store: int) -> IntArray:
        """Return what each order costs for the change if so delivered, shape (num_orders,)."""
        other_courier = (self.planned_courier != ANYWHERE) & (self.planned_courier != courier)
        other_store = (self.planned_store != ANYWHERE) & (self.planned_store != store)
        is_changed = other_courier | (other_store & ~self.has_pickup)
        return np.where(is_changed, self.change_cost, 0)

    @property
    def has_pickup(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which have a pick-up place of their own, shape (num_orders,)."""
        return np.asarray(self.pickup_place != ANYWHERE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Couriers(Table):
    """Who delivers: one row per courier, or per class of couriers that are alike.

    Parameters
    ----------
    start_place, end_place
        Indices into the travel matrices, shape (num_rows,). ``ANYWHERE`` (-1) as a start: the
        courier stands at whatever store (or pick-up) comes first; as an end: it is free where its
        last order was delivered.
    count
        How many there are of this class.
    capacity
        Most load on board per dimension, shape (num_rows, num_dims).
    earliest_s, latest_s
        When a route may start and must have ended.
    profile
        Index of the travel matrix.
    fixed_cost
        Cost of each courier that is used.
    cost_per_m, cost_per_s
        Cost per metre driven, and per second from the start of the route to its end.
    cost_per_order
        Cost of each order delivered, on top.
    min_pay
        Least that a courier who is used costs: what fixed cost, way, time and orders lack of it is
        paid on top.
    max_distance_m, max_duration_s
        Limits of a route.
    max_trips
        Most trips of a route.
    max_stops
        Most orders of one trip.
    skills
        Bit mask of what the courier has.
    store_options
        Where the courier may load; None means all stores.
    """

    start_place: IntArray
    end_place: IntArray
    count: IntArray = column(1, 0)
    capacity: IntArray = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int64))
    earliest_s: IntArray = column(0, -FAR)
    latest_s: IntArray = column(FAR, -FAR)
    profile: IntArray = column(0, 0)
    fixed_cost: IntArray = column(0, 0, MAX_COST)
    cost_per_m: IntArray = column(1, 0, MAX_RATE)
    cost_per_s: IntArray = column(0, 0, MAX_RATE)
    cost_per_order: IntArray = column(0, 0, MAX_COST)
    min_pay: IntArray = column(0, 0, MAX_COST)
    max_distance_m: IntArray = column(FAR, 0)
    max_duration_s: IntArray = column(FAR, 0)
    max_trips: IntArray = column(1, 1)
    max_stops: IntArray = column(FAR, 1)
    skills: IntArray = column(0, 0, (1 << 62) - 1)
    store_options: Options | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "start_place", _whole("start_place", self.start_place))
        object.__setattr__(self, "end_place", _whole("end_place", self.end_place))
        capacity = np.asarray(self.capacity)
        if capacity.size == 0:
            dims = capacity.shape[1] if capacity.ndim == 2 else 0
            capacity = np.zeros((len(self.start_place), dims), dtype=np.int64)
        object.__setattr__(self, "capacity", _whole("capacity", capacity))
        self._freeze(len(self.start_place))

    def __len__(self) -> int:
        return len(self.start_place)
