"""Stock levels and allocation: ours against item-by-item quantiles, rationing, and a plain MIP."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb, timed

from dispatchopt import inventory
from dispatchopt.core import Stop
from dispatchopt.inventory import InventoryProblem, InventorySolution
from dispatchopt.inventory.levels import free_levels
from dispatchopt.inventory.replay import OrderUpTo, ReplayProblem
from dispatchopt.inventory.replay.draw import Draws
from dispatchopt.inventory.replay.measures import measures_of
from dispatchopt.inventory.replay.world import World

#: Stores and SKUs of levels, and of allocation.
SIZES = {
    "small": ((20, 500), (10, 30)),
    "medium": ((100, 5_000), (100, 500)),
    "large": ((500, 5_000), (500, 5_000)),
}
#: Items for which the rival computes levels one at a time.
_RIVAL_ITEMS = 2_000
#: Steps of the small size, so that its objectives repeat.
_STEPS = 20
#: What the Python of stockpyl runs: it prints the seconds that all items took.
_STOCKPYL = """
import json, sys, time
from stockpyl.newsvendor import newsvendor_poisson
given = json.load(sys.stdin)
begin = time.perf_counter()
for mean in given["mean"]:
    newsvendor_poisson(given["held"], given["short"], mean)
print(time.perf_counter() - begin)
"""
#: Days replayed.
_DAYS = 5


def run(size: str) -> list[Row]:
    """Return the rows of one size."""
    levels, allocation = SIZES[size]
    rows = [*_levels(*levels), *_days(*levels)]
    for is_tight in (False, True):
        rows += _allocation(*allocation, is_tight=is_tight, size=size)
    return rows


def free(num_stores: int, num_skus: int, *, seed: int = 20) -> InventoryProblem:
    """Negative-binomial demand, about 4.5 units per pair, some stock already there."""
    rng = np.random.default_rng(seed)
    shape = (num_stores, num_skus)
    mean = rng.gamma(1.5, 3.0, shape)
    return InventoryProblem(
        mean_units=mean,
        variance_units=mean * rng.uniform(1.1, 3.0, shape),
        holding_cost=rng.uniform(0.2, 1.0, num_skus),
        shortage_cost=rng.uniform(2.0, 8.0, num_skus),
        on_hand_units=rng.integers(0, 3, shape),
        volume_ml=rng.integers(100, 3000, num_skus),
        case_pack_units=np.ones(num_skus, dtype=np.int64),
    )


def _levels(num_stores: int, num_skus: int) -> list[Row]:
    problem = free(num_stores, num_skus)
    pairs = num_stores * num_skus
    case = f"levels {num_stores} x {num_skus}"
    # Compiled loops are loaded once in a process, whatever the number of problems.
    free_levels(problem)
    best, seconds = timed(lambda: free_levels(problem))
    checked, whole = timed(lambda: inventory.solve(problem))
    name, rival_s = _rival_levels(problem)
    ratio = rival_s * pairs / seconds
    note = f"ratio: time per item of {name} over ours"
    return [
        {"case": case, "method": "dispatchopt free_levels", "seconds": seconds,
         "objective": best.cost, "peak_mb": peak_mb(), "ratio": ratio, "note": note},
        {"case": case, "method": "dispatchopt solve, checked", "seconds": whole,
         "objective": checked.objective, "gap": checked.gap, "peak_mb": peak_mb()},
        {"case": case, "method": name, "seconds": rival_s * pairs,
         "note": f"from {_RIVAL_ITEMS} items, one at a time"},
    ]  # fmt: skip


def _days(num_stores: int, num_skus: int) -> list[Row]:
    """A day of the simulation: all pairs, negative-binomial demand, orders up to a level."""
    rng = np.random.default_rng(22)
    mean = rng.gamma(1.5, 3.0, (num_stores, num_skus))
    problem = ReplayProblem(
        mean_units=mean,
        variance_units=mean * rng.uniform(1.1, 3.0, mean.shape),
        holding_cost=rng.uniform(0.2, 1.0, num_skus),
        shortage_cost=rng.uniform(2.0, 8.0, num_skus),
        start_units=np.ceil(2 * mean),
    )
    policy = OrderUpTo(level_units=np.ceil(2 * mean), case_pack_units=1)
    draws = Draws(problem)
    world = World(problem, draws, 1, 0)
    world.step(policy)
    sums, seconds = timed(lambda: [world.step(policy) for _ in range(_DAYS)])
    world.close()
    cost = float(measures_of(np.sum(sums, axis=0)[None])["cost_per_day"].mean)
    return [
        {"case": f"days {num_stores} x {num_skus}", "method": "dispatchopt replay, one day",
         "seconds": seconds / _DAYS, "objective": cost, "peak_mb": peak_mb(),
         "note": f"mean of {_DAYS} days"},
    ]  # fmt: skip


def _rival_levels(problem: InventoryProblem) -> tuple[str, float]:
    """Name and seconds per item of stockpyl, or of scipy.stats where that is missing.

    stockpyl wants an older numpy than ours, so it runs in an environment of its own:
    ``DISPATCHOPT_STOCKPYL_PYTHON`` is the Python of one.
    """
    mean = problem.mean_units.ravel()[:_RIVAL_ITEMS].tolist()
    spread = problem.variance_units.ravel()[:_RIVAL_ITEMS].tolist()
    held, short = float(problem.holding_cost[0]), float(problem.shortage_cost[0])
    python = os.environ.get("DISPATCHOPT_STOCKPYL_PYTHON")
    if python is not None:
        given = json.dumps({"held": held, "short": short, "mean": mean})
        done = subprocess.run(
            [python, "-c", _STOCKPYL], input=given, capture_output=True, text=True, check=True
        )
        return "stockpyl newsvendor_poisson", float(done.stdout) / len(mean)
    from scipy import stats

    def work() -> None:
        ratio = short / (short + held)
        for m, v in zip(mean, spread, strict=True):
            stats.nbinom.ppf(ratio, m * m / (v - m), m / v)

    name = "scipy.stats.nbinom.ppf (DISPATCHOPT_STOCKPYL_PYTHON is not set: stockpyl skipped)"
    return name, timed(work)[1] / len(mean)


def coupled(
    num_stores: int, num_skus: int, *, is_tight: bool, seed: int = 21
) -> tuple[InventoryProblem, Any]:
    """Return a problem with central stock and room, and what pairs would order without limits."""
    problem = free(num_stores, num_skus, seed=seed - 1)
    wish = free_levels(problem).order_units
    rng = np.random.default_rng(seed)
    spread = (0.3, 0.7) if is_tight else (0.4, 1.2)
    stock = (wish.sum(axis=0) * rng.uniform(*spread, num_skus)).astype(np.int64)
    held = (wish + problem.on_hand_units).astype(np.float64) @ problem.volume_ml
    room = (held * rng.uniform(0.6, 1.1, num_stores)).astype(np.int64)
    return problem.replace(available_units=stock, store_volume_ml=room), wish


def _allocation(num_stores: int, num_skus: int, *, is_tight: bool, size: str) -> list[Row]:
    """Both couplings; the tight case has half the stock wished for."""
    problem, wish = coupled(num_stores, num_skus, is_tight=is_tight)
    name = "tight" if is_tight else "mixed"
    case = f"allocation {num_stores} x {num_skus} {name}"
    stop = Stop(iterations=_STEPS) if size == "small" else Stop()
    rationed = inventory.check(problem, ration(problem, wish))
    rows: list[Row] = []
    engines = ("dual", "exact") if size == "small" else ("dual",)
    for engine in engines:
        result, seconds = timed(lambda engine=engine: inventory.solve(  # type: ignore[misc]
            problem, engine=engine, stop=stop))  # fmt: skip
        rows.append(
            {"case": case, "method": f"dispatchopt {engine}", "seconds": seconds,
             "objective": result.objective, "bound": result.bound, "gap": result.gap,
             "peak_mb": peak_mb(), "ratio": rationed.objective / (result.objective or 1.0),
             "note": "ratio: cost of proportional rationing over ours"}
        )  # fmt: skip
    rows.append(
        {"case": case, "method": "proportional rationing", "seconds": 0.0,
         "objective": rationed.objective}
    )  # fmt: skip
    return rows


def ration(problem: InventoryProblem, wish: Any) -> InventorySolution:
    """Every store gets the same share of its wish per SKU, then the same share of its room."""
    stock = np.asarray(problem.available_units)
    order = np.floor(wish * np.minimum(1.0, stock / np.maximum(wish.sum(axis=0), 1)))
    sent = order @ problem.volume_ml.astype(np.float64)
    fits = np.minimum(1.0, np.asarray(problem.room_ml) / np.maximum(sent, 1.0))
    return InventorySolution(order_units=np.floor(order * fits[:, None]).astype(np.int64))


SUITE = Suite(
    name="inventory",
    about="Stock levels and allocation, against quantiles one by one and proportional rationing.",
    run=run,
)
