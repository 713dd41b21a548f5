"""Assortments: ours against the most popular SKUs and greedy choice, on made and real baskets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb, timed

from dispatchopt.core import Stop
from dispatchopt.inventory import assortment
from dispatchopt.inventory.assortment import AssortmentProblem

#: Orders and SKUs of made baskets.
SIZES = {"small": (2_000, 500), "medium": (10_000, 5_000), "large": (100_000, 30_000)}
#: Slots as a share of the SKUs that were ordered.
_SHARES = (0.02, 0.05, 0.1, 0.2, 0.4)
#: Steps of the small size, so that its objectives repeat.
_STEPS = 20
_TEST_DAYS = 70.0


def run(size: str) -> list[Row]:
    """Return the rows of one size."""
    orders, skus = SIZES[size]
    problem, group, age = made(orders, skus)
    rows = _optimum(problem, f"assortment {orders} orders, {skus} SKUs", size)
    rows += _held_out(problem, group, age, "made baskets", _SHARES[2:3])
    real = None if size == "small" else completejourney()
    if real is not None:
        problem, group, age = real
        name = f"assortment completejourney, {problem.num_orders} orders, {problem.num_skus} SKUs"
        rows += _optimum(problem, name, size)
        rows += _held_out(problem, group, age, "completejourney", _SHARES)
    return rows


def made(orders: int, skus: int) -> tuple[AssortmentProblem, Any, Any]:
    """Baskets of one to six groups, a SKU of each by Zipf; 280 days."""
    rng = np.random.default_rng(4)
    num_groups = max(4, skus // 20)
    group = np.arange(skus) % num_groups
    rank = np.arange(skus) // num_groups
    size = rng.integers(1, 7, orders)
    owner = np.repeat(np.arange(orders), size)
    share = 1 / np.arange(1, num_groups + 1) ** 0.8
    wanted = rng.choice(num_groups, owner.size, p=share / share.sum())
    count = np.bincount(group, minlength=num_groups)
    depth = np.minimum((count[wanted] ** rng.random(owner.size)).astype(np.int64) - 1, rank.max())
    key = np.unique(owner * skus + wanted + depth * num_groups)
    problem = AssortmentProblem(
        num_skus=skus,
        order_weight=np.ones(orders),
        line_order=key // skus,
        line_sku=key % skus,
        reach=np.ones((1, 1), dtype=bool),
    )
    return problem, group, np.linspace(280.0, 0.0, orders)


def completejourney(stores: int = 40) -> tuple[AssortmentProblem, Any, Any] | None:
    """Baskets of up to 10 SKUs of the largest stores; None where the data is not at hand."""
    folder = Path(os.environ.get("DISPATCHOPT_DATA", "")) / "inventory" / "baskets_completejourney"
    if not (folder / "products.csv.gz").is_file():
        return None
    import pandas as pd

    lines = pd.read_parquet(folder / "baskets_weeks01-40.parquet")
    lines = lines.drop_duplicates(["basket", "product_id"])
    lines = lines[lines.groupby("basket").product_id.transform("size") <= 10]
    largest = lines.groupby("store_id").basket.nunique().nlargest(stores).index
    lines = lines[lines.store_id.isin(largest)]
    day = pd.to_datetime("2017" + lines.ts, format="%Y%m%d%H%M").dt.dayofyear
    basket, first, order = np.unique(lines.basket, return_index=True, return_inverse=True)
    ids, sku = np.unique(lines.product_id, return_inverse=True)
    products = pd.read_csv(folder / "products.csv.gz").set_index("product_id").reindex(ids)
    kind = products.product_category.fillna("") + "|" + products.product_type.fillna("")
    problem = AssortmentProblem(
        num_skus=ids.size,
        order_weight=np.ones(basket.size),
        line_order=order,
        line_sku=sku,
        reach=np.ones((1, 1), dtype=bool),
    )
    return problem, pd.factorize(kind)[0], (280.0 - day.to_numpy()[first]).clip(0)


def _optimum(problem: AssortmentProblem, case: str, size: str) -> list[Row]:
    rows: list[Row] = []
    for share in (0.1, 0.2, 0.4):
        slots = np.array([int(share * problem.num_skus)])
        limited = problem.replace(slots=slots)
        popular, seconds = timed(lambda limited=limited: assortment.most_popular(limited))  # type: ignore[misc]
        base = assortment.check(limited, popular).objective
        stop = Stop(iterations=_STEPS) if size == "small" else Stop(time_s=10)
        result, ours_s = timed(
            lambda limited=limited, stop=stop: assortment.solve(limited, engine="cut", stop=stop)  # type: ignore[misc]
        )
        name = f"{case}, {slots[0]} slots"
        rows += [
            {"case": name, "method": "most popular", "seconds": seconds, "objective": base},
            {"case": name, "method": "dispatchopt cut", "seconds": ours_s,
             "objective": result.objective, "bound": result.bound, "gap": result.gap,
             "peak_mb": peak_mb(), "ratio": base / (result.objective or 1.0),
             "note": "ratio: incomplete orders of the most popular over ours, as fitted"},
        ]  # fmt: skip
    return rows


def _held_out(
    problem: AssortmentProblem, group: Any, age: Any, name: str, shares: tuple[float, ...]
) -> list[Row]:
    past = np.unique(problem.line_sku[age[problem.line_order] >= _TEST_DAYS]).size
    slots = [int(share * past) for share in shares]
    found, seconds = timed(
        lambda: assortment.held_out(
            problem, age_days=age, days=_TEST_DAYS, slots=slots, sku_group=group
        )
    )
    rows: list[Row] = []
    for row in found:
        case = f"held-out orders, {name}, {row.slots} slots"
        rows += [
            {"case": case, "method": "most popular", "seconds": 0.0,
             "objective": 1.0 - row.most_popular},
            {"case": case, "method": "dispatchopt cut, orders as seen", "seconds": 0.0,
             "objective": 1.0 - row.as_seen},
            {"case": case, "method": "dispatchopt cut, smoothed", "seconds": seconds / len(found),
             "objective": 1.0 - row.smoothed, "gap": row.gap,
             "ratio": (1.0 - row.most_popular) / max(1e-9, 1.0 - row.smoothed),
             "note": "objective: share of later orders not complete; ratio: that of the popular"},
        ]  # fmt: skip
    return rows


SUITE = Suite(
    name="assortment",
    about="Assortments by complete orders, against the most popular SKUs, also on later weeks.",
    run=run,
)
