"""Rappi city-days as days: pick-ups as they are, ready when they were ready.

The format ``rappi`` makes a city of the same folders, to be planned. Here every pick-up place is a
store of its own, each order has its store and the second at which it was ready, and couriers have
their shifts, so the day can be replayed as it was. It is read where it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.dispatch.rules import DayRules
from dispatchopt.dispatch.tables import Couriers, Orders, Stores
from dispatchopt.geography.distance import straight_m
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import MOTORCYCLE, PROFILES
from dispatchopt.geography.straight import StraightRouter
from dispatchopt.io.formats import rappi
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.simulation.day import Day

_DAY_S = 86_400
_OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    "far_m": (int, 40_000, 1, 10**7),
    "detour_factor": (float, 1.4, 1.0, 10.0),
    "promise_min": (int, 40, 1, 600),
    "prep_factor": (float, 1.0, 0.0, 10.0),
    "max_bundle": (int, 3, 1, 20),
    "tick_s": (int, 60, 1, 3600),
}


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen, issues = take_options(options, _OPTIONS), Issues()
    tables = rappi.tables_of(path, issues)
    issues.raise_if_any()
    orders, couriers, pickups = tables
    placed_s = rappi.times_of(orders, "placement_time", issues)
    ready_s = rappi.times_of(orders, "ready_time", issues)
    on_s, off_s = (rappi.times_of(couriers, name, issues) for name in ("on_time", "off_time"))
    issues.raise_if_any()
    drops = Points(lon=orders["drop_off_lng"], lat=orders["drop_off_lat"])
    starts = Points(lon=couriers["on_lng"], lat=couriers["on_lat"])
    middle = Points(lon=np.array([np.median(drops.lon)]), lat=np.array([np.median(drops.lat)]))
    far_m = np.maximum(straight_m(drops, middle), straight_m(pickups, middle))
    rows = np.flatnonzero(far_m <= chosen["far_m"])
    rows = rows[np.lexsort((rows, placed_s[rows]))]
    here = np.flatnonzero(straight_m(starts, middle) <= chosen["far_m"])
    # Times are of one day; what lies before its beginning lies after midnight.
    prep_s = (ready_s[rows] - placed_s[rows]) % _DAY_S
    prep_s = np.ceil(prep_s * chosen["prep_factor"] - 1e-9).astype(np.int64)
    shift_s = (off_s[here] - on_s[here]) % _DAY_S
    lonlat = np.column_stack([pickups.lon[rows], pickups.lat[rows]])
    doors, store = np.unique(lonlat, axis=0, return_inverse=True)
    m, n = len(doors), len(rows)
    nothing = np.zeros(m, dtype=np.int64)
    places = Points.concatenate(Points(lon=doors[:, 0], lat=doors[:, 1]), drops[rows], starts[here])
    vehicles = [rappi.VEHICLES[name] for name in couriers["vehicle"][here]]
    ids, names = orders.ids("order_id"), couriers.ids("courier_id")
    promise_s = chosen["promise_min"] * 60
    router = StraightRouter(profile=MOTORCYCLE, detour_factor=chosen["detour_factor"])
    day = Day(
        name=f"{rappi.name_of(path)}, as it was",
        travel=router.travel(places),
        places=places,
        orders=Orders.build(
            ids=[ids[row] for row in rows.tolist()],
            place_idx=m + np.arange(n),
            placed_s=placed_s[rows],
            due_s=placed_s[rows] + promise_s,
            ready_s=placed_s[rows] + prep_s,
            options=[[each] for each in store.reshape(-1).tolist()],
        ),
        stores=Stores(
            ids=tuple(f"r{row + 1}" for row in range(m)),
            place_idx=np.arange(m),
            pickers=nothing,
            pick_base_s=nothing,
            pick_line_s=nothing,
            open_s=nothing,
            close_s=np.full(m, 10**9),
        ),
        couriers=Couriers.build(
            ids=[names[row] for row in here.tolist()],
            place_idx=m + n + np.arange(len(here)),
            on_s=on_s[here],
            off_s=on_s[here] + shift_s,
            pace=[MOTORCYCLE.speed_m_s / PROFILES[name].speed_m_s for name in vehicles],
            vehicle=vehicles,
        ),
        rules=DayRules(
            tick_s=chosen["tick_s"], max_bundle=chosen["max_bundle"], promise_s=promise_s
        ),
    )
    source = "Rappi, real city-day; no licence is stated: for benchmarks only"
    return Instance(name=day.name, kind="day", problem=day, source=source, notes=chosen)


FORMAT = Format(
    name="rappi-day",
    sniff=lambda _: False,
    read=_read,
    options={
        "far_m": "orders and couriers farther from the middle are left out (default 40000)",
        "detour_factor": "road metres per metre of straight line (default 1.4)",
        "promise_min": "promised minutes from order to door (default 40)",
        "prep_factor": "factor on preparation times (default 1)",
        "max_bundle": "most orders of a trip (default 3)",
        "tick_s": "seconds between decisions (default 60)",
    },
)
