"""The meal delivery routing problem under its strict rules, against published dispatchers.

``small`` replays generated days of the same shape. The larger sizes read the real instances from
``$DISPATCHOPT_MDRP``, by default those under ``$DISPATCHOPT_DATA``, and keep their results in
``$DISPATCHOPT_MDRP_KEPT``, if that is set, to go on from there. ``python -m benchmarks.mdrp_set``
runs chosen instances, policies and variants.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from benchmarks.mdrp_set import figures, groups, instances, published, run_all, set_folder, summary
from benchmarks.registry import Row, Suite

from dispatchopt.dispatch import Couriers, DayRules, Orders, Stores
from dispatchopt.geography.plane import PlaneTravel
from dispatchopt.simulation import Day, simulate

POLICIES = ("reyes", "rolling")
#: Orders, restaurants, couriers: as many orders an hour of shift as in real ones, and more.
SMALL = ((90, 30, 14), (120, 30, 14))
#: A medium run takes one instance in so many.
STEP = 8


def generated(num_orders: int, num_stores: int, num_couriers: int, seed: int = 1) -> Day:
    """Return a day of 6 hours under the strict rules: shifts of 4 hours, 320 m a minute."""
    rng = np.random.default_rng(seed)
    stores, doors = rng.normal(0, 1800, (num_stores, 2)), rng.normal(0, 2500, (num_orders, 2))
    starts = rng.integers(0, 12, num_couriers) * 15
    placed = np.sort(rng.integers(30, 330, num_orders) + rng.integers(-30, 30, num_orders))
    ready = placed + 6 + rng.gamma(2.0, 6.0, num_orders).astype(np.int64)
    store = rng.integers(0, num_stores, num_orders)
    places = np.concatenate([stores, doors, rng.normal(0, 1800, (num_couriers, 2))])
    nothing = np.zeros(num_stores, dtype=np.int64)
    return Day(
        name=f"{num_orders} orders, {num_stores} restaurants, {num_couriers} couriers",
        travel=PlaneTravel(x_m=places[:, 0], y_m=places[:, 1], metres_per_step=320.0, step_s=60),
        orders=Orders.build(
            ids=[f"o{i}" for i in range(num_orders)],
            place_idx=num_stores + np.arange(num_orders),
            placed_s=placed * 60,
            due_s=placed * 60 + 2400,
            ready_s=ready * 60,
            options=[[int(each)] for each in store],
        ),
        stores=Stores(
            ids=tuple(f"r{i}" for i in range(num_stores)),
            place_idx=np.arange(num_stores),
            pickers=nothing,
            pick_base_s=nothing,
            pick_line_s=nothing,
            open_s=nothing,
            close_s=np.full(num_stores, 10**9),
        ),
        couriers=Couriers.build(
            ids=[f"c{i}" for i in range(num_couriers)],
            place_idx=num_stores + num_orders + np.arange(num_couriers),
            on_s=starts * 60,
            off_s=(starts + 240) * 60,
        ),
        rules=DayRules(
            tick_s=60,
            park_s=120,
            pickup_s=120,
            dropoff_s=120,
            leave_s=120,
            max_wait_s=86_400,
            max_late_s=-1,
            wage_cents_per_hour=1500,
            pay_cents_per_order=1000,
            is_wage_guarantee=True,
            cents_per_km=0,
            lateness_cents_per_min=0,
            refusal_cents=0,
        ),
    )


def run(size: str) -> list[Row]:
    """Return a row per day and policy, and means; objectives are minutes from click to door."""
    if size == "small":
        return [_replay(generated(*shape), policy) for shape in SMALL for policy in POLICIES]
    folder = set_folder()
    paths = instances(folder)[:: STEP if size == "medium" else 1]
    if not paths:
        sys.stderr.write(f"mdrp: no instances in {folder}; set DISPATCHOPT_MDRP. Skipped.\n")
        return []
    kept = os.environ.get("DISPATCHOPT_MDRP_KEPT")
    rival, rows = published(), []
    for policy in POLICIES:
        run_policy = partial(run_all, paths, policy, "strict")
        found = run_policy(kept=Path(kept) if kept else None)
        rows += [{**row, **_beside(row, rival)} for row in found]
        rows += [summary(name, group, rival) for name, group in groups(found).items()]
    return rows


def _replay(day: Day, policy: str) -> Row:
    start = time.process_time()
    outcome = simulate(day, policy)
    return figures(day, outcome, time.process_time() - start)


def _beside(row: Row, rival: dict[str, dict[str, float]]) -> Row:
    theirs = rival.get(row["case"])
    return {} if theirs is None else {"rival_min": theirs["ctd"]}


SUITE = Suite(
    name="mdrp",
    about="The meal delivery routing problem, strict rules, against published dispatchers.",
    run=run,
)
