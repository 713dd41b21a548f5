"""A day on a line whose times can be redone by hand, and random small days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dispatchopt.dispatch import Couriers, DayRules, Orders, Stores
from dispatchopt.geography.given import MatrixTravel
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.simulation import Day

DayMaker = Callable[..., Day]


def plane_travel(x_m: Any, y_m: Any = 0.0) -> MatrixTravel:
    """Straight lines at 5 m/s."""
    x, y = np.broadcast_arrays(np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float))
    distance = np.ceil(np.hypot(x[:, None] - x, y[:, None] - y)).astype(np.int64)
    return MatrixTravel(matrix=TravelMatrix(distance_m=distance, duration_s=-(-distance // 5)))


def line_day(**changes: Any) -> Day:
    """One store at 0 m with one picker, one courier, customers at 600, 1200 and -600 m."""
    fields: dict[str, Any] = {
        "name": "line",
        "travel": plane_travel([0, 600, 1200, -600]),
        "orders": Orders.build(
            ids=["a", "b", "c"],
            place_idx=[1, 2, 3],
            placed_s=[0, 10, 400],
            due_s=[900, 910, 1300],
            options=[[0], [0], [0]],
        ),
        "stores": Stores(
            ids=("s",),
            place_idx=np.array([0]),
            pickers=np.array([1]),
            pick_base_s=np.array([120]),
            pick_line_s=np.array([0]),
            open_s=np.array([0]),
            close_s=np.array([86_400]),
        ),
        "couriers": Couriers.build(ids=["k"], place_idx=[0], on_s=[0], off_s=[7200]),
        "rules": DayRules(tick_s=30, pickup_s=60, dropoff_s=90),
    }
    return Day(**{**fields, **changes})


def random_day(seed: int, *, num_orders: int = 25, num_couriers: int = 4, **rules: Any) -> Day:
    """Orders with lines on a plane of 4 km, three stores with scarce stock, some closed."""
    rng = np.random.default_rng(seed)
    n, m, k, skus = num_orders, 3, num_couriers, 4
    x, y = rng.integers(0, 4000, size=(2, m + n))
    placed = np.sort(rng.integers(0, 5400, size=n))
    options = [sorted(rng.permutation(m)[: rng.integers(0, m + 1)].tolist()) for _ in range(n)]
    lines = [
        [(int(s), int(rng.integers(1, 4))) for s in rng.permutation(skus)[: rng.integers(0, 4)]]
        for _ in range(n)
    ]
    orders = Orders.build(
        ids=[f"o{i}" for i in range(n)],
        place_idx=m + np.arange(n),
        placed_s=placed,
        due_s=placed + 1800,
        options=options,
        lines=lines,
        ready_s=np.where(rng.random(n) < 0.2, placed + rng.integers(0, 900, size=n), -1),
        load_ml=rng.integers(0, 3000, size=n),
    )
    stores = Stores(
        ids=("s0", "s1", "s2"),
        place_idx=np.arange(m),
        pickers=rng.integers(0, 3, size=m),
        pick_base_s=rng.integers(0, 300, size=m),
        pick_line_s=np.full(m, 20),
        open_s=rng.choice([0, 0, 1800], size=m),
        close_s=rng.choice([0, 3600, 86_400], size=m),
        stock_units=rng.integers(0, 30, size=(m, skus)),
    )
    on = rng.integers(0, 3600, size=k)
    couriers = Couriers.build(
        ids=[f"c{i}" for i in range(k)],
        place_idx=rng.integers(0, m + n, size=k),
        on_s=on,
        off_s=on + rng.integers(0, 7200, size=k),
        store_idx=rng.integers(-1, m, size=k),
        capacity_orders=rng.integers(1, 4, size=k),
        capacity_ml=rng.integers(2500, 6000, size=k),
        pace=rng.choice([0.8, 1.0, 1.3], size=k),
    )
    return Day(
        name=f"random {seed}",
        travel=plane_travel(x, y),
        orders=orders,
        stores=stores,
        couriers=couriers,
        rules=DayRules(**rules),
        sku_ids=("w", "x", "y", "z"),
    )


@pytest.fixture(scope="session")
def make_line_day() -> DayMaker:
    return line_day


@pytest.fixture(scope="session")
def make_random_day() -> DayMaker:
    return random_day
