"""Order sourcing: ours against sourcing in turn without prices, and one plain model of all."""

from __future__ import annotations

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb, timed

from dispatchopt.core import Stop
from dispatchopt.inventory import sourcing
from dispatchopt.inventory.engines._highs import Limits, minimise
from dispatchopt.inventory.sourcing import SourcingProblem, SourcingSolution
from dispatchopt.inventory.sourcing.engines._model import build
from dispatchopt.inventory.sourcing.engines._pricing import Pricing

#: Orders, stores, SKUs, mean units of a SKU in a store, engine, seconds.
SIZES: dict[str, tuple[tuple[int, int, int, float, str, float], ...]] = {
    "small": ((100, 100, 1_000, 0.8, "exact", 20.0), (200, 100, 1_000, 0.8, "exact", 20.0)),
    "medium": (
        (300, 100, 1_000, 0.8, "exact", 40.0),
        (1_000, 100, 1_000, 0.8, "neighbourhood", 40.0),
    ),
    "large": ((4_000, 200, 2_000, 0.6, "neighbourhood", 60.0),),
}
#: Steps of the small size, so that its objectives repeat.
_STEPS = 100
#: Share of the mean dual prices of other days at which the online rule works.
_SHARE = 0.8


def city(orders: int, stores: int, skus: int, stock: float, *, day: int = 1) -> SourcingProblem:
    """20 x 20 km, stores within 3 km; three lines an order, SKUs by Zipf; stock by Poisson.

    The stores and their stock are the same on all days.
    """
    fixed = np.random.default_rng(5)
    shop = fixed.uniform(0, 20, (stores, 2))
    held = fixed.poisson(stock, (stores, skus))
    rng = np.random.default_rng((5, day))
    home = rng.uniform(0, 20, (orders, 2))
    km = np.hypot(*(home[:, None] - shop[None]).transpose(2, 0, 1))
    order, store = np.nonzero(km <= 3)
    share = 1 / np.arange(1, skus + 1)
    size = np.minimum(rng.poisson(2, orders) + 1, 8)
    picks = [rng.choice(skus, size=n, replace=False, p=share / share.sum()) for n in size]
    lines = int(size.sum())
    return SourcingProblem(
        num_orders=orders,
        line_order=np.repeat(np.arange(orders), size),
        line_sku=np.concatenate(picks),
        line_units=np.ones(lines, dtype=np.int64),
        unserved_cost=np.full(lines, 10.0),
        option_order=order,
        option_store=store,
        shipment_cost=3 + km[order, store],
        stock_units=held,
    )


def run(size: str) -> list[Row]:
    """Return the rows of one size."""
    rows: list[Row] = []
    for orders, stores, skus, stock, engine, time_s in SIZES[size]:
        rows += _case(
            orders=orders, stores=stores, skus=skus, stock=stock,
            engine=engine, time_s=time_s, size=size,
        )  # fmt: skip
    return rows


def _case(
    *, orders: int, stores: int, skus: int, stock: float, engine: str, time_s: float, size: str
) -> list[Row]:
    problem = city(orders, stores, skus, stock)
    case = f"sourcing {orders} orders, {stores} stores, {skus} SKUs"
    myopic, seconds = timed(lambda: sourcing.source_in_turn(problem))
    base = sourcing.check(problem, myopic).objective
    rows: list[Row] = [
        {"case": case, "method": "in turn, no prices", "seconds": seconds, "objective": base,
         "note": f"{1e6 * seconds / orders:.0f} microseconds an order"}
    ]  # fmt: skip
    days = [city(orders, stores, skus, stock, day=day) for day in (2, 3, 4)]
    learnt = [sourcing.shadow_prices(day, max_prices=100) for day in days]
    price = _SHARE * np.mean(learnt, axis=0)
    online, seconds = timed(lambda: sourcing.source_in_turn(problem, price))
    cost = sourcing.check(problem, online).objective
    rows.append(
        {"case": case, "method": "dispatchopt online, prices of other days", "seconds": seconds,
         "objective": cost, "ratio": base / cost,
         "note": f"{1e6 * seconds / orders:.0f} microseconds an order; ratio: cost without prices"}
    )  # fmt: skip
    stop = Stop(iterations=_STEPS) if size == "small" else Stop(time_s=time_s)
    result, seconds = timed(lambda: sourcing.solve(problem, engine=engine, stop=stop))
    ours = result.objective or 0.0
    rows.append(
        {"case": case, "method": f"dispatchopt {engine}", "seconds": seconds, "objective": ours,
         "bound": result.bound, "gap": result.gap, "peak_mb": peak_mb(), "ratio": base / ours,
         "note": "ratio: cost of sourcing in turn without prices over ours"}
    )  # fmt: skip
    found, seconds = timed(lambda: _whole(problem, time_s))
    cost, bound = found
    rows.append(
        {"case": case, "method": f"HiGHS, one model, {time_s:g} s", "seconds": seconds,
         "objective": cost, "bound": bound, "gap": (cost - bound) / cost}
    )  # fmt: skip
    return rows


def _whole(problem: SourcingProblem, time_s: float) -> tuple[float, float]:
    """Cost and bound of the model of all orders, without prices."""
    pricing = Pricing(problem)
    every = np.arange(pricing.line.size)
    lost = float(problem.unserved_cost.sum())
    part = build(pricing, every, pricing.stock, offset=lost)
    outcome = minimise(part.model, Limits(time_s=time_s, gap_relative=1e-6), lambda: False)
    store = np.full(problem.num_lines, -1, dtype=np.int64)
    if outcome.is_taken is not None:
        taken = part.choice[outcome.is_taken[: part.choice.size]]
        store[pricing.line[taken]] = problem.option_store[pricing.option[taken]]
    cost = sourcing.check(problem, SourcingSolution(store_of_line=store)).objective
    return cost, outcome.bound


SUITE = Suite(
    name="sourcing",
    about="Order sourcing, against sourcing in turn and one model of all orders.",
    run=run,
)
