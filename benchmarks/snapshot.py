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

import numpy as np

from dispatchopt.core.seeds import stream
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.routing import Couriers, Options, Orders, RoutingProblem, Stores

NOW_S = 8 * 60
PROMISE_S = 30 * 60
DETOUR = 1.3
METRES_PER_S = 16 / 3.6
REACH_M = 3_000


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
    straight = np.sqrt(((places[:, None, :] - places[None, :, :]) ** 2).sum(axis=2))
    seconds = np.rint(straight * DETOUR / METRES_PER_S).astype(np.int64)
    placed = rng.integers(0, NOW_S + 1, num_orders)
    ready = placed + rng.integers(120, 301, num_orders)
    holds = rng.random((num_orders, num_stores)) < 0.85
    near = straight[num_stores:, :num_stores] <= REACH_M
    options = [np.flatnonzero(row).tolist() for row in holds & near]
    count = np.full(num_stores, num_couriers // num_stores)
    count[: num_couriers % num_stores] += 1
    at = np.arange(num_stores)
    return RoutingProblem(
        # Travel is paid by the second, so seconds stand in for metres.
        travel=(TravelMatrix(distance_m=seconds, duration_s=seconds, source="straight x 1.3"),),
        orders=Orders.of(
            place=num_stores + np.arange(num_orders),
            service_s=90,
            latest_s=placed + PROMISE_S,
            release_s=ready,
            refusal_cost=3_600,
            store_options=Options.of(options),
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
