"""A day for the map's player: orders and the ways of couriers, packed."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.geography.points import Points
from dispatchopt.geography.router import Router
from dispatchopt.reporting.packing import pack, pack_lines, pack_steps
from dispatchopt.reporting.places import packed_points
from dispatchopt.reporting.reasons import order_reasons
from dispatchopt.reporting.ways import MAX_WORK, drive_ways
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.outcome import DayOutcome

_SLACK_S = 600


def playback(
    day: Day,
    outcome: DayOutcome,
    store_shade: IntArray,
    router: Router | None,
    *,
    is_surge: BoolArray | None = None,
    max_work: int = MAX_WORK,
) -> dict[str, Any] | None:
    """Return the data of the player; None where places are not known or nothing was ordered."""
    if day.places is None or len(day.orders) == 0:
        return None
    start, end = _span(day, outcome)
    legs, by_road = _legs(day, outcome, day.places, router, max_work)
    surge = np.zeros(len(day.orders)) if is_surge is None else is_surge
    return {
        "start": start,
        "end": end,
        # The page opens in the thick of it, not at night.
        "begin": int(np.median(day.orders.placed_s)),
        "orders": {
            **_orders(day, outcome, day.places, store_shade),
            "surge": pack(surge.astype(np.int64)),
        },
        "legs": legs,
        "num_legs": len(outcome.legs.courier),
        "num_by_road": by_road,
    }


def _span(day: Day, outcome: DayOutcome) -> tuple[int, int]:
    times = [outcome.orders.delivered_s, day.orders.placed_s]
    if len(outcome.legs.courier):
        times.append(outcome.legs.arrive_s)
    last = max(int(column.max(initial=0)) for column in times)
    first = int(day.orders.placed_s.min())
    return max(0, first - _SLACK_S), last + _SLACK_S


def _after(placed: IntArray, then: IntArray) -> str:
    """Pack later times as seconds after placement plus one; 0 is never."""
    return pack(np.where(then >= 0, np.maximum(then - placed, 0) + 1, 0))


def _orders(day: Day, outcome: DayOutcome, places: Points, store_shade: IntArray) -> dict[str, Any]:
    orders, records = day.orders, outcome.orders
    placed = orders.placed_s
    known = order_reasons(day, outcome)
    reasons = sorted(set(known))
    number = {text: index for index, text in enumerate(reasons)}
    shade = np.full(len(orders), -1)
    has_store = records.store >= 0
    shade[has_store] = store_shade[records.store[has_store]]
    return {
        **packed_points(places[orders.place_idx]),
        "ids": list(orders.ids),
        "stores": list(day.stores.ids),
        "couriers": list(day.couriers.ids),
        "placed": pack_steps(placed),
        "due": _after(placed, orders.due_s),
        "ready": _after(placed, records.ready_s),
        "pickup": _after(placed, records.pickup_s),
        "delivered": _after(placed, records.delivered_s),
        "status": pack(records.status),
        "store": pack(records.store),
        "courier": pack(records.courier),
        "shade": pack(shade),
        "reason": pack([number[text] for text in known]),
        "reasons": reasons,
    }


def _legs(
    day: Day, outcome: DayOutcome, places: Points, router: Router | None, max_work: int
) -> tuple[dict[str, Any] | None, int]:
    legs = outcome.legs
    if len(legs.courier) == 0:
        return None, 0
    order = np.lexsort((legs.depart_s, legs.courier))
    ways = drive_ways(
        router, places, legs.from_place[order], legs.to_place[order], max_work=max_work
    )
    return {
        "counts": pack(np.bincount(legs.courier, minlength=len(day.couriers))),
        "depart": pack_steps(legs.depart_s[order]),
        "duration": pack(legs.arrive_s[order] - legs.depart_s[order]),
        "order": pack(legs.order[order] + 1),
        "on": pack(day.couriers.on_s),
        "off": pack(day.couriers.off_s),
        "paths": pack_lines(ways.lon, ways.lat, ways.counts),
    }, ways.num_by_road
