"""From the dispatcher's state to a state document."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.dispatch.state import DispatchState, OpenOrders
from dispatchopt.dispatch.timing import NEVER_S
from dispatchopt.geography.given import MatrixTravel
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.geography.plane import PlaneTravel
from dispatchopt.geography.profiles import FLAT_DAY, PROFILES
from dispatchopt.geography.straight import StraightTravel
from dispatchopt.io.issues import Said, single

NameOf = Callable[[str, int], str]
#: Travel that is no line is written as a matrix, up to this many places.
MOST_PLACES = 3000
_SHARED_COURIER = (
    "is_free",
    "free_s",
    "taken_orders",
    "on_s",
    "off_s",
    "capacity_orders",
    "capacity_ml",
    "pace",
)
_SHARED_STORE = ("open_s", "close_s", "pickers", "pick_base_s", "pick_line_s", "recent_orders")


def lay_out(state: DispatchState, of: NameOf, asked: OpenOrders | None) -> dict[str, Any]:
    """Return a state as plain values; ``of(what, index)`` names things.

    Raises
    ------
    InputError
        If its travel can only be written as a matrix and there are too many places.
    """
    used = _used(state, asked)
    travel, coordinates = _travel(state, used)
    coordinates |= _lonlat(state, used)
    shown = set(state.couriers.idx.tolist())
    return {
        "now_s": int(state.now_s),
        "rules": dataclasses.asdict(state.rules),
        "travel": travel,
        "places": [
            {"id": of("places", place), **{key: values[row] for key, values in coordinates.items()}}
            for row, place in enumerate(used.tolist())
        ],
        "stores": _stores(state, of),
        "couriers": _couriers(state, of),
        "orders": _orders(state.orders, of, "orders", shown),
        "asked": [] if asked is None else _orders(asked, of, "asked", shown),
        "last": [
            {
                "courier": of("couriers", plan.courier),
                "store": of("stores", plan.store),
                "orders": [of("orders", order) for order in plan.orders],
            }
            for plan in state.last
            if plan.courier in shown
        ],
    }


def _used(state: DispatchState, asked: OpenOrders | None) -> IntArray:
    """Return the places that the state names, and the first of all.

    Rough plane coordinates are taken about the first place, so it stays the first.
    """
    tables = [state.orders.place_idx, state.couriers.place_idx, state.stores.place_idx]
    if asked is not None:
        tables.append(asked.place_idx)
    used: IntArray = np.unique(np.concatenate([[0], *tables])).astype(np.int64)
    return used


def _lonlat(state: DispatchState, used: IntArray) -> dict[str, list[float]]:
    if state.places is None:
        return {}
    return {"lon": state.places.lon[used].tolist(), "lat": state.places.lat[used].tolist()}


def _travel(state: DispatchState, used: IntArray) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """Return the travel, and columns of coordinates that it needs."""
    travel = state.travel
    if isinstance(travel, PlaneTravel):
        plane = {"x_m": travel.x_m[used].tolist(), "y_m": travel.y_m[used].tolist()}
        speed = {"metres_per_step": float(travel.metres_per_step), "step_s": int(travel.step_s)}
        return {"kind": "plane", **speed}, plane
    if isinstance(travel, StraightTravel):
        profile = travel.router.profile
        if PROFILES.get(profile.name) == profile:
            places = travel.places[used]
            lonlat = {"lon": places.lon.tolist(), "lat": places.lat.tolist()}
            detour = float(travel.router.detour_factor)
            return {"kind": "straight", "vehicle": profile.name, "detour_factor": detour}, lonlat
    if len(used) > MOST_PLACES:
        found = Said(f"travel among {len(used)} places")
        wanted = f"at most {MOST_PLACES} places, as all pairs are written"
        raise single("too-long", "travel", found, wanted)
    return _as_matrix(state, used), {}


def _as_matrix(state: DispatchState, used: IntArray) -> dict[str, Any]:
    travel = state.travel
    matrix = travel.block(used, used)
    name = matrix.profile if matrix.profile in PROFILES else None
    if isinstance(travel, MatrixTravel):
        profile = travel.profile
        name = None if profile is None else profile.name
        if profile is not None and PROFILES.get(profile.name) != profile:
            raise single(
                "conflict", "travel", Said(f"an own profile {profile.name}"), "a shipped profile"
            )
    known = None if name is None else PROFILES[name]
    hours = [travel.slowdown(hour * 3600 + 1800) for hour in range(24)]
    if hours != list(FLAT_DAY if known is None else known.hourly_factors):
        raise single("conflict", "travel", Said("hours of its own"), "the hours of a profile")
    return {
        "kind": "matrix",
        "source": matrix.source,
        "profile": matrix.profile,
        **({"vehicle": name} if name else {}),
        **{key: _cells(matrix, key) for key in ("distance_m", "duration_s")},
    }


def _cells(matrix: TravelMatrix, name: str) -> list[list[int | None]]:
    return [
        [None if cell >= UNREACHABLE else cell for cell in row]
        for row in getattr(matrix, name).tolist()
    ]


def _orders(orders: OpenOrders, of: NameOf, what: str, shown: set[int]) -> list[dict[str, Any]]:
    found = []
    for row, order in enumerate(orders.idx.tolist()):
        options = slice(int(orders.option_ptr[row]), int(orders.option_ptr[row + 1]))
        no = orders.declined_courier[orders.declined_ptr[row] : orders.declined_ptr[row + 1]]
        store = int(orders.store[row])
        names = ("placed_s", "due_s", "load_ml", "num_lines", "ready_s")
        found.append(
            {
                "id": of(what, order),
                "place": of("places", int(orders.place_idx[row])),
                **{name: int(getattr(orders, name)[row]) for name in names},
                **_samples(orders, row),
                "store": None if store < 0 else of("stores", store),
                "options": [
                    {
                        "store": of("stores", int(orders.option_store[at])),
                        "missing_lines": int(orders.option_missing[at]),
                        "is_empty": bool(orders.option_is_empty[at]),
                    }
                    for at in range(options.start, options.stop)
                ],
                # Who has gone home can be left out.
                "declined_by": [of("couriers", who) for who in no.tolist() if who in shown],
            }
        )
    return found


def _samples(orders: OpenOrders, row: int) -> dict[str, list[int]]:
    """Moments at which an order may be ready, where they differ."""
    samples = orders.samples_s[row].tolist()
    return {"ready_samples_s": samples} if len(set(samples)) > 1 else {}


def _couriers(state: DispatchState, of: NameOf) -> list[dict[str, Any]]:
    table = state.couriers
    columns = {name: getattr(table, name).tolist() for name in _SHARED_COURIER}
    found = []
    for row, courier in enumerate(table.idx.tolist()):
        store, parked_s = int(table.store_idx[row]), int(table.parked_s[row])
        found.append(
            {
                "id": of("couriers", courier),
                "place": of("places", int(table.place_idx[row])),
                "parked_s": None if parked_s >= NEVER_S else parked_s,
                "store": None if store < 0 else of("stores", store),
                **{name: values[row] for name, values in columns.items()},
            }
        )
    return found


def _stores(state: DispatchState, of: NameOf) -> list[dict[str, Any]]:
    table = state.stores
    columns = {name: getattr(table, name).tolist() for name in _SHARED_STORE}
    return [
        {
            "id": of("stores", row),
            "place": of("places", int(table.place_idx[row])),
            "picker_free_s": None
            if table.picker_free_s[row] >= NEVER_S
            else int(table.picker_free_s[row]),
            **{name: values[row] for name, values in columns.items()},
        }
        for row in range(len(table))
    ]
