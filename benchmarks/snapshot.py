"""Seeded snapshots of instant delivery: who carries which of the open orders now, from which store.

A uniform city of 8 km side per 120 orders, stores on a grid, orders placed in the last 8 minutes,
2 to 5 minutes of picking, a promise of 30 minutes from placement, 16 km/h on ways 1.3 times as
long as the straight line. A courier leaves 60 s after the last order of the trip is ready, spends
90 s at each door and returns to the store; an order may ship from any store within 3 km in a
straight line that holds its basket (85 %). The cost is a unit per travelled second, and 3,600 per
refused order.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.geography.choose import router_for
from dispatchopt.geography.distance import LocalPlane
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.io.formats.rappi import tables_of, times_of
from dispatchopt.io.issues import Issues
from dispatchopt.routing import Couriers, Options, Orders, RoutingProblem, Stores

NOW_S = 8 * 60
PROMISE_S = 30 * 60
DETOUR = 1.3
METRES_PER_S = 16 / 3.6
REACH_M = 3_000
HELD = 0.85
#: When the peak of dinner is looked for, seconds of the day.
DINNER_S = (18 * 3_600, 22 * 3_600)


def snapshot(num_orders: int, num_stores: int, num_couriers: int, seed: int) -> RoutingProblem:
    """Return a snapshot; couriers are spread evenly over the stores."""
    rng = stream(seed, "snapshot")
    side_m = 8_000 * math.sqrt(num_orders / 120)
    across = math.ceil(math.sqrt(num_stores))
    down = math.ceil(num_stores / across)
    cells = [(x, y) for y in range(down) for x in range(across)][:num_stores]
    stores = np.array([((x + 0.5) / across, (y + 0.5) / down) for x, y in cells]) * side_m
    orders = rng.uniform(0, side_m, (num_orders, 2))
    places = np.concatenate([stores, orders])
    straight = _apart_m(places, places)
    seconds = np.rint(straight * DETOUR / METRES_PER_S).astype(np.int64)
    placed = rng.integers(0, NOW_S + 1, num_orders)
    ready = placed + rng.integers(120, 301, num_orders)
    holds = rng.random((num_orders, num_stores)) < HELD
    near = straight[num_stores:, :num_stores] <= REACH_M
    # Travel is paid by the second, so seconds stand in for metres.
    travel = TravelMatrix(distance_m=seconds, duration_s=seconds, source="straight x 1.3")
    return assembled(travel, placed, ready, holds & near, num_couriers)


def on_roads(
    network: Network, num_orders: int, num_stores: int, num_couriers: int, seed: int
) -> RoutingProblem:
    """Return a snapshot whose doors and stores are crossings of a road network, ridden by e-bike.

    Doors are drawn from the crossings in a square around the middle one, as large as in
    ``snapshot``; stores are the crossings nearest to the grid. Times are asymmetric where streets
    are one-way.
    """
    rng = stream(seed, "snapshot on roads")
    half_m = 4_000 * math.sqrt(num_orders / 120)
    xy = np.asarray(network.xy_m)
    offset = xy - np.median(xy, axis=0)
    inside = np.flatnonzero((np.abs(offset) <= half_m).all(axis=1))
    across = math.ceil(math.sqrt(num_stores))
    down = math.ceil(num_stores / across)
    low, high = offset[inside].min(axis=0), offset[inside].max(axis=0)
    cells = [((x + 0.5) / across, (y + 0.5) / down) for y in range(down) for x in range(across)]
    grid = low + np.array(cells[:num_stores]) * (high - low)
    away = ((offset[inside][None, :, :] - grid[:, None, :]) ** 2).sum(axis=2)
    nodes = np.concatenate([inside[away.argmin(axis=1)], rng.choice(inside, num_orders)])
    points = network.points[nodes]
    seconds = router_for("road", network=network).matrix(points, points).duration_s
    straight = _apart_m(xy[nodes[num_stores:]], xy[nodes[:num_stores]])
    placed = rng.integers(0, NOW_S + 1, num_orders)
    ready = placed + rng.integers(120, 301, num_orders)
    holds = rng.random((num_orders, num_stores)) < HELD
    travel = TravelMatrix(distance_m=seconds, duration_s=seconds, source="road")
    return assembled(travel, placed, ready, holds & (straight <= REACH_M), num_couriers)


def of_rappi(
    folder: Path, num_orders: int, num_stores: int, num_couriers: int, seed: int
) -> RoutingProblem:
    """Return a snapshot of a Rappi day at the minute when most orders of dinner have been placed.

    These are the last orders, at most ``num_orders`` and 8 minutes old; their doors are as they
    were, and their placement too. Stores stand in the middle of clusters of the pick-ups of the
    day; the seed draws picking times and what the stores hold.
    """
    issues = Issues()
    table, _, pickups = tables_of(folder, issues)
    placed_s = times_of(table, "placement_time", issues)
    issues.raise_if_any()
    doors = Points(lon=table["drop_off_lng"], lat=table["drop_off_lat"])
    order = np.argsort(placed_s, kind="stable")
    placed_s = placed_s[order]
    ends = np.arange(DINNER_S[0], DINNER_S[1], 60)
    open_orders = np.searchsorted(placed_s, ends, "right") - np.searchsorted(placed_s, ends - NOW_S)
    now_s = int(ends[open_orders.argmax()])
    recent = order[(placed_s >= now_s - NOW_S) & (placed_s <= now_s)][-num_orders:]
    placed = np.sort(placed_s[(placed_s >= now_s - NOW_S) & (placed_s <= now_s)])[-num_orders:]
    plane = LocalPlane.around(doors[recent])
    stores = _clusters(plane.to_xy(pickups), num_stores)
    xy = np.concatenate([stores, plane.to_xy(doors[recent])])
    straight = _apart_m(xy, xy)
    seconds = np.rint(straight * DETOUR / METRES_PER_S).astype(np.int64)
    rng = stream(seed, "snapshot of rappi")
    since = placed - now_s + NOW_S
    ready = since + rng.integers(120, 301, len(recent))
    holds = rng.random((len(recent), num_stores)) < HELD
    near = straight[num_stores:, :num_stores] <= REACH_M
    travel = TravelMatrix(distance_m=seconds, duration_s=seconds, source="straight x 1.3")
    return assembled(travel, since, ready, holds & near, num_couriers)


def _apart_m(origins: FloatArray, targets: FloatArray) -> FloatArray:
    """Return straight distances on a plane, shape (len(origins), len(targets))."""
    apart: FloatArray = np.sqrt(((origins[:, None, :] - targets[None, :, :]) ** 2).sum(axis=2))
    return apart


def _clusters(xy: FloatArray, count: int) -> FloatArray:
    """Return middles of clusters by Lloyd's rounds, from places that are far apart."""
    chosen = [int(((xy - np.median(xy, axis=0)) ** 2).sum(axis=1).argmin())]
    away = ((xy - xy[chosen[0]]) ** 2).sum(axis=1)
    reach = np.quantile(away, 0.9)
    for _ in range(count - 1):
        # The outermost tenth is not where a store would be put.
        chosen.append(int(np.where(away <= reach, away, 0).argmax()))
        away = np.minimum(away, ((xy - xy[chosen[-1]]) ** 2).sum(axis=1))
    middle = xy[chosen]
    for _ in range(20):
        nearest = ((xy[:, None, :] - middle[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
        size = np.bincount(nearest, minlength=count)
        for axis in range(2):
            total = np.bincount(nearest, xy[:, axis], count)
            middle[:, axis] = np.where(size > 0, total / np.maximum(size, 1), middle[:, axis])
    return middle


def assembled(
    travel: TravelMatrix, placed: IntArray, ready: IntArray, may: BoolArray, num_couriers: int
) -> RoutingProblem:
    """Return the problem of stores (the first places) and doors (the others), any order anywhere.

    ``may`` says which order may ship from which store, shape (num_orders, num_stores).
    """
    num_orders, num_stores = may.shape
    count = np.full(num_stores, num_couriers // num_stores)
    count[: num_couriers % num_stores] += 1
    at = np.arange(num_stores)
    return RoutingProblem(
        travel=(travel,),
        orders=Orders.of(
            place=num_stores + np.arange(num_orders),
            service_s=90,
            latest_s=placed + PROMISE_S,
            release_s=ready,
            refusal_cost=3_600,
            store_options=Options.of([np.flatnonzero(row).tolist() for row in may]),
        ),
        stores=Stores.of(place=at, service_s=60),
        couriers=Couriers.of(
            start_place=at,
            end_place=at,
            count=count,
            earliest_s=NOW_S,
            max_stops=4,
            store_options=Options.of([[store] for store in range(num_stores)]),
        ),
    )
