"""The rolling-horizon dispatcher beside the greedy one, on the same generated day in one run."""

from __future__ import annotations

from functools import partial

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb, timed

from dispatchopt.dispatch import Couriers, DayRules, Orders, Stores
from dispatchopt.geography.points import Points
from dispatchopt.geography.straight import StraightRouter
from dispatchopt.simulation import Day, check_day, metrics, simulate

#: Orders, stores, couriers, and hours of each size; the last is as large as a large city's day.
SIZES = {
    "small": [(150, 5, 6, 4)],
    "medium": [(735, 10, 20, 14), (735, 10, 14, 14), (735, 10, 30, 14)],
    "large": [(10_000, 80, 260, 14), (31_200, 300, 1_000, 14)],
}
POLICIES = ("nearest", "rolling")


def day_of(num_orders: int, num_stores: int, num_couriers: int, hours: int, seed: int = 1) -> Day:
    """Return a day with two peaks, choice of stores within 3 km, and noise.

    Density is that of a city served within 30 minutes: about one store per 4 square kilometres.
    """
    rng = np.random.default_rng(seed)
    side = 2000 * np.sqrt(num_stores) / 111_195
    stores = rng.uniform(0, side, (num_stores, 2))
    doors = rng.uniform(0, side, (num_orders, 2))
    length = hours * 3600
    base = rng.uniform(0, length, num_orders)
    peak = rng.choice([0.35, 0.8], num_orders) * length + rng.normal(0, 3000, num_orders)
    placed = np.where(rng.random(num_orders) < 0.5, base, peak).clip(0, length).astype(np.int64)
    places = Points(
        lon=np.concatenate([stores[:, 0], doors[:, 0]]),
        lat=np.concatenate([stores[:, 1], doors[:, 1]]),
    )
    near = StraightRouter().within(places[:num_stores], places[num_stores:], 3000)
    options: list[list[int]] = [[] for _ in range(num_orders)]
    for store, customer in zip(near.site_idx.tolist(), near.customer_idx.tolist(), strict=True):
        options[customer].append(store)
    full = np.ones(num_stores, dtype=np.int64)
    return Day(
        name=f"{num_orders} orders, {num_stores} stores, {num_couriers} couriers",
        travel=StraightRouter().travel(places),
        places=places,
        orders=Orders.build(
            ids=[f"o{i}" for i in range(num_orders)],
            place_idx=num_stores + np.arange(num_orders),
            placed_s=np.sort(placed),
            due_s=np.sort(placed) + 1800,
            options=options,
            lines=[[(0, 1)] * int(count) for count in rng.integers(1, 8, num_orders)],
        ),
        stores=Stores(
            ids=tuple(f"s{i}" for i in range(num_stores)),
            place_idx=np.arange(num_stores),
            pickers=full * 4,
            pick_base_s=full * 90,
            pick_line_s=full * 15,
            open_s=full * 0,
            close_s=full * 86_400,
        ),
        couriers=Couriers.build(
            ids=[f"c{i}" for i in range(num_couriers)],
            place_idx=np.arange(num_couriers) % num_stores,
            on_s=np.zeros(num_couriers),
            off_s=np.full(num_couriers, length + 3600),
        ),
        rules=DayRules(travel_noise_sd=0.15, picking_noise_sd=0.15),
        sku_ids=("sku",),
    )


def run(size: str) -> list[Row]:
    """Simulate each day under both policies; the objective is the cost of the day in cents."""
    rows: list[Row] = []
    for shape in SIZES[size]:
        day = day_of(*shape)
        reference = 0.0
        for policy in POLICIES:
            outcome, seconds = timed(partial(simulate, day, policy))
            report, figures = check_day(day, outcome), metrics(day, outcome)
            if not report.is_feasible:
                raise RuntimeError(f"{policy} broke rules: {report.violations[:3]}")
            reference = reference or report.objective
            done, decisions = figures["click_to_door_s"], figures["decisions"]
            rows.append(
                {
                    "case": day.name,
                    "method": policy,
                    "seconds": seconds,
                    "objective": report.objective,
                    "ratio": report.objective / reference,
                    "on_time_share": figures["on_time_share"],
                    "delivered_share": figures["delivered_share"],
                    "click_to_door_min": None if done is None else done["mean"] / 60,
                    "orders_per_trip": figures["trips"]["orders_per_trip"],
                    "decision_p99_s": decisions["wall_p99_s"],
                    "peak_mb": peak_mb(),
                    "note": "ratio: cost of the day against nearest",
                }
            )
    return rows


SUITE = Suite(
    name="dispatch",
    about="Days under the rolling-horizon dispatcher, against the greedy nearest one.",
    run=run,
)
