"""From a state document to the dispatcher's state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.state import (
    CourierStates,
    DispatchState,
    OpenOrders,
    StoreStates,
    TripPlan,
)
from dispatchopt.dispatch.timing import NEVER_S
from dispatchopt.geography.given import MatrixTravel
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.geography.plane import PlaneTravel
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import profile_named
from dispatchopt.geography.router import Travel
from dispatchopt.geography.straight import StraightRouter
from dispatchopt.io.issues import Issues, Said, nearest
from dispatchopt.io.schema.state import OpenOrderPart, StateDocument

_LISTS = ("places", "stores", "couriers", "orders", "asked")


class Index:
    """Names of a document, and the issues found in looking them up."""

    def __init__(self, document: StateDocument, issues: Issues, source: str) -> None:
        self.issues, self._source = issues, source
        self._ids: dict[str, tuple[str, ...]] = {}
        self._at: dict[str, dict[str, int]] = {}
        for what in _LISTS:
            ids = tuple(each.id for each in getattr(document, what))
            self._ids[what], self._at[what] = ids, {}
            for row, name in enumerate(ids):
                if self._at[what].setdefault(name, row) != row:
                    self.add("duplicate-id", f"{what}/{row}/id", name, "each name once", what)

    def ids(self, what: str) -> tuple[str, ...]:
        """Return the names of a list."""
        return self._ids[what]

    def add(self, code: str, path: str, found: Any, wanted: str, group: str = "") -> None:
        """Keep an issue."""
        self.issues.add(code, f"{self._source} /{path}", found, wanted, "", group)

    def rows(self, what: str, names: Sequence[str | None], path: str) -> IntArray:
        """Return the rows of names, -1 for none; ``path`` holds ``*`` where the row goes."""
        found = np.full(len(names), -1, dtype=np.int64)
        at = self._at[what]
        for row, name in enumerate(names):
            if name is None:
                continue
            if name not in at:
                where = f"{self._source} /{path.replace('*', str(row))}"
                hint = nearest(name, self._ids[what][:10_000])
                wanted = f"the id of one of `{what}`"
                self.issues.add("unknown-reference", where, name, wanted, hint, path)
            else:
                found[row] = at[name]
        return found


def build_state(document: StateDocument, index: Index) -> tuple[DispatchState, OpenOrders | None]:
    """Return the state, and the baskets asked for.

    Raises
    ------
    InputError
        Listing everything that is wrong.
    """
    travel = _travel(document, index)
    places = _points(document, index)
    orders = _orders(document, "orders", index)
    asked = _orders(document, "asked", index)
    couriers = _couriers(document, index)
    stores = _stores(document, index)
    last = _last(document, index)
    index.issues.raise_if_any()
    if travel is None:  # pragma: no cover - an issue has been raised
        raise AssertionError
    state = DispatchState(
        now_s=document.now_s,
        orders=orders,
        couriers=couriers,
        stores=stores,
        rules=DayRules(**document.rules.model_dump()),
        travel=travel,
        places=places,
        last=last,
    )
    return state, asked if len(asked) else None


def _column(parts: Sequence[Any], name: str) -> IntArray:
    return np.array([getattr(part, name) for part in parts], dtype=np.int64)


def _orders(document: StateDocument, what: str, index: Index) -> OpenOrders:
    parts: list[OpenOrderPart] = getattr(document, what)
    flat = [option for part in parts for option in part.options]
    no = [name for part in parts for name in part.declined_by]
    for row, part in enumerate(parts):
        if part.due_s < part.placed_s:
            where = f"{what}/{row}/due_s"
            index.add("bad-order", where, part.due_s, "a time not before placed_s", what)
        if part.placed_s > document.now_s:
            where = f"{what}/{row}/placed_s"
            index.add("bad-order", where, part.placed_s, "a time not after now_s", what)
        if what == "orders" and part.store is not None and part.ready_s < 0:
            where = f"{what}/{row}/ready_s"
            index.add("bad-order", where, part.ready_s, "the time at which it will be ready", what)
        stores = [option.store for option in part.options]
        if len(set(stores)) < len(stores):
            index.add("duplicate-id", f"{what}/{row}/options", Said("a store twice"), "each once")
    return OpenOrders(
        idx=np.arange(len(parts)),
        place_idx=index.rows("places", [part.place for part in parts], f"{what}/*/place"),
        placed_s=_column(parts, "placed_s"),
        due_s=_column(parts, "due_s"),
        load_ml=_column(parts, "load_ml"),
        num_lines=_column(parts, "num_lines"),
        store=index.rows("stores", [part.store for part in parts], f"{what}/*/store"),
        ready_s=_column(parts, "ready_s"),
        option_ptr=np.cumsum([0, *(len(part.options) for part in parts)]),
        option_store=index.rows(
            "stores", [option.store for option in flat], f"{what} options/*/store"
        ),
        option_missing=_column(flat, "missing_lines"),
        option_is_empty=np.array([option.is_empty for option in flat], dtype=np.bool_),
        declined_ptr=np.cumsum([0, *(len(part.declined_by) for part in parts)]),
        declined_courier=index.rows("couriers", no, f"{what} declined_by/*"),
        ready_samples_s=_samples(parts, what, index),
    )


def _samples(parts: Sequence[OpenOrderPart], what: str, index: Index) -> IntArray | None:
    """Return the moments at which orders may be ready, None where no order has any."""
    width = max((len(part.ready_samples_s) for part in parts), default=0)
    if not width:
        return None
    for row, part in enumerate(parts):
        if len(part.ready_samples_s) not in {0, width}:
            where = f"{what}/{row}/ready_samples_s"
            found = Said(f"{len(part.ready_samples_s)} moments")
            index.add("bad-shape", where, found, f"none or {width}, as other orders have", what)
    listed = [
        part.ready_samples_s if len(part.ready_samples_s) == width else [part.ready_s] * width
        for part in parts
    ]
    return np.array(listed, dtype=np.int64)


def _couriers(document: StateDocument, index: Index) -> CourierStates:
    parts, now_s = document.couriers, document.now_s
    on_s, off_s = _column(parts, "on_s"), _column(parts, "off_s")
    is_free = np.array([part.is_free for part in parts], dtype=np.bool_)
    given_s = np.array(
        [-1 if part.free_s is None else part.free_s for part in parts], dtype=np.int64
    )
    for row in np.flatnonzero(off_s < on_s):
        index.add("bad-order", f"couriers/{row}/off_s", int(off_s[row]), "a time not before on_s")
    for row in np.flatnonzero(is_free & ((on_s > now_s) | (given_s > now_s))):
        wanted = "false, as the shift has not begun or free_s is after now_s"
        index.add("bad-order", f"couriers/{row}/is_free", True, wanted, "couriers")
    return CourierStates(
        idx=np.arange(len(parts)),
        is_free=is_free,
        free_s=np.where(given_s >= 0, np.maximum(given_s, now_s), np.maximum(on_s, now_s)),
        place_idx=index.rows("places", [part.place for part in parts], "couriers/*/place"),
        parked_s=np.array(
            [NEVER_S if part.parked_s is None else part.parked_s for part in parts],
            dtype=np.int64,
        ),
        taken_orders=_column(parts, "taken_orders"),
        store_idx=index.rows("stores", [part.store for part in parts], "couriers/*/store"),
        on_s=on_s,
        off_s=off_s,
        capacity_orders=_column(parts, "capacity_orders"),
        capacity_ml=_column(parts, "capacity_ml"),
        pace=np.array([part.pace for part in parts], dtype=np.float64),
    )


def _stores(document: StateDocument, index: Index) -> StoreStates:
    parts = document.stores
    free_s = [
        (NEVER_S if part.pickers == 0 else document.now_s)
        if part.picker_free_s is None
        else max(part.picker_free_s, document.now_s)
        for part in parts
    ]
    names = ("open_s", "close_s", "pickers", "pick_base_s", "pick_line_s", "recent_orders")
    return StoreStates(
        place_idx=index.rows("places", [part.place for part in parts], "stores/*/place"),
        picker_free_s=np.array(free_s, dtype=np.int64),
        **{name: _column(parts, name) for name in names},
    )


def _last(document: StateDocument, index: Index) -> tuple[TripPlan, ...]:
    """Return the last plan; what it names and is gone by now is left out."""
    at = {what: {name: row for row, name in enumerate(index.ids(what))} for what in _LISTS}
    found = []
    for part in document.last:
        orders = tuple(at["orders"][name] for name in part.orders if name in at["orders"])
        if orders and part.courier in at["couriers"] and part.store in at["stores"]:
            courier, store = at["couriers"][part.courier], at["stores"][part.store]
            found.append(TripPlan(courier=courier, store=store, orders=orders))
    return tuple(found)


def _points(document: StateDocument, index: Index) -> Points | None:
    known = [part.lon is not None and part.lat is not None for part in document.places]
    if not any(part.lon is not None or part.lat is not None for part in document.places):
        return None
    for row in np.flatnonzero(~np.array(known)):
        wanted = "lon and lat, as other places have them"
        index.add("missing-value", f"places/{row}", Said("no coordinates"), wanted, "places")
    if not all(known):
        return None
    return Points(
        lon=np.array([part.lon for part in document.places], dtype=np.float64),
        lat=np.array([part.lat for part in document.places], dtype=np.float64),
    )


def _travel(document: StateDocument, index: Index) -> Travel | None:
    given = document.travel
    if given.kind == "matrix":
        return _matrix(document, index)
    columns = ("x_m", "y_m") if given.kind == "plane" else ("lon", "lat")
    bare = [
        row
        for row, part in enumerate(document.places)
        if any(getattr(part, name) is None for name in columns)
    ]
    for row in bare:
        wanted = f"{columns[0]} and {columns[1]}, for travel of kind {given.kind}"
        index.add("missing-value", f"places/{row}", Said("none"), wanted, "coordinates")
    if bare:
        return None
    first, second = (
        np.array([getattr(part, name) for part in document.places], dtype=np.float64)
        for name in columns
    )
    if given.kind == "plane":
        return PlaneTravel(
            x_m=first, y_m=second, metres_per_step=given.metres_per_step, step_s=given.step_s
        )
    router = StraightRouter(
        profile=profile_named(given.vehicle or "e-bike"), detour_factor=given.detour_factor
    )
    return router.travel(Points(lon=first, lat=second))


def _matrix(document: StateDocument, index: Index) -> Travel | None:
    given, size = document.travel, len(document.places)
    tables = {}
    for name in ("distance_m", "duration_s"):
        rows = getattr(given, name)
        widths = {len(row) for row in rows}
        if len(rows) != size or widths - {size}:
            wide = "/".join(str(width) for width in sorted(widths)[:4]) or "0"
            found = Said(f"{len(rows)} rows of {wide}")
            wanted = f"{size} rows of {size}, one for each place"
            index.add("matrix-shape", f"travel/{name}", found, wanted)
            continue
        filled = [[UNREACHABLE if cell is None else cell for cell in row] for row in rows]
        try:
            table = np.array(filled, dtype=np.int64)
        except OverflowError:
            table = np.full((size, size), -1)
        if ((table < 0) | (table > UNREACHABLE)).any():
            at = np.argwhere((table < 0) | (table > UNREACHABLE))[0]
            where = f"travel/{name}/{at[0]}/{at[1]}"
            index.add("out-of-range", where, rows[at[0]][at[1]], f"from 0 to {UNREACHABLE}")
            continue
        tables[name] = table
    if len(tables) < 2:
        return None
    matrix = TravelMatrix(source=given.source, profile=given.profile, **tables)
    profile = None if given.vehicle is None else profile_named(given.vehicle)
    return MatrixTravel(matrix=matrix, profile=profile)
