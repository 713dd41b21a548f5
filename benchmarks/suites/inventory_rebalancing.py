"""Rebalancing: ours against greedy transfers and leaving stock where it is."""

from __future__ import annotations

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb, timed

from dispatchopt.core import Stop
from dispatchopt.inventory import InventoryProblem, rebalancing
from dispatchopt.inventory.rebalancing import RebalancingProblem, RebalancingSolution
from dispatchopt.inventory.rebalancing.explain import levels_after, unit_gain

#: Stores, SKUs, longest lane in km, van in litres (0 for none), cost of a ride per km.
SIZES: dict[str, tuple[tuple[int, int, float, int, float], ...]] = {
    "small": ((20, 60, 8.0, 0, 0.0), (8, 12, 8.0, 20, 0.0)),
    "medium": ((100, 200, 8.0, 0, 0.0), (30, 100, 99.0, 50, 0.0), (30, 100, 8.0, 50, 0.0)),
    # Loose vans, tight ones, vans of a few units, and rides that cost something.
    "large": (
        (100, 1_000, 8.0, 0, 0.0),
        (100, 1_000, 99.0, 0, 0.0),
        (30, 100, 99.0, 100, 0.0),
        (30, 100, 99.0, 20, 0.0),
        (30, 100, 99.0, 5, 0.0),
        (30, 100, 8.0, 50, 0.0),
        (30, 100, 8.0, 20, 0.0),
        (30, 100, 8.0, 5, 0.0),
        (30, 100, 8.0, 50, 2.0),
        (30, 100, 8.0, 0, 2.0),
        (30, 100, 99.0, 50, 1.0),
    ),
}
#: Steps of the small size, so that its objectives repeat.
_STEPS = 8


def made(stores: int, skus: int, reach_km: float, litres: int, ride: float) -> RebalancingProblem:
    """Stores in 20 x 20 km, roads 1.3 times the line; stock Poisson about 0 to 2.5 means."""
    rng = np.random.default_rng(1)
    place = rng.uniform(0, 20, (stores, 2))
    km = 1.3 * np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    tail, head = np.nonzero((km <= reach_km) & (km > 0))
    shape = (stores, skus)
    mean = rng.gamma(1.5, 3.0, shape)
    stock = InventoryProblem(
        mean_units=mean,
        variance_units=mean * rng.uniform(1.1, 3.0, shape),
        holding_cost=rng.uniform(0.2, 1.0, skus),
        shortage_cost=rng.uniform(2.0, 8.0, skus),
        on_hand_units=rng.poisson(mean * rng.uniform(0.0, 2.5, shape)),
        volume_ml=rng.integers(100, 3000, skus),
        case_pack_units=np.ones(skus, dtype=np.int64),
    )
    return RebalancingProblem(
        stock=stock,
        lane_from=tail,
        lane_to=head,
        unit_cost=0.3 + 0.1 * km[tail, head],
        lane_cost=ride * km[tail, head],
        capacity_ml=np.full(tail.size, 1000 * litres) if litres else None,
    )


def greedy(problem: RebalancingProblem) -> RebalancingSolution:
    """Lanes by cost; on each, units of each SKU one by one while they pay and fit."""
    moved = np.zeros((problem.num_lanes, problem.num_skus), dtype=np.int64)
    room = np.full(problem.num_lanes, np.inf)
    if problem.capacity_ml is not None:
        room = problem.capacity_ml.astype(np.float64)
    sent = np.zeros_like(problem.movable_units)
    volume = problem.stock.volume_ml
    level = problem.stock.on_hand_units.copy()
    for lane in np.argsort(problem.unit_cost, kind="stable").tolist():
        tail, head = problem.lane_from[lane], problem.lane_to[lane]
        for _ in range(20):
            gain = unit_gain(problem, level)[head] - unit_gain(problem, level - 1)[tail]
            pays = gain > problem.unit_cost[lane]
            pays &= sent[tail] < problem.movable_units[tail]
            order = np.flatnonzero(pays)
            order = order[np.cumsum(volume[order]) <= room[lane]]
            if not order.size:
                break
            moved[lane, order] += 1
            sent[tail, order] += 1
            level[tail, order] -= 1
            level[head, order] += 1
            room[lane] -= volume[order].sum()
    return RebalancingSolution(moved_units=moved)


def run(size: str) -> list[Row]:
    """Return the rows of one size."""
    rows: list[Row] = []
    if size != "small":
        # The first use compiles the kernels, once per machine.
        rebalancing.solve(made(20, 100, 99.0, 5, 1.0), stop=Stop(iterations=6))
        rebalancing.solve(made(60, 200, 99.0, 0, 0.0))
    for stores, skus, reach, litres, ride in SIZES[size]:
        problem = made(stores, skus, reach, litres, ride)
        case = f"rebalancing {stores} x {skus}, {problem.num_lanes} lanes"
        case += f", vans of {litres} l" if litres else ""
        case += ", rides cost" if ride else ""
        none = np.zeros((problem.num_lanes, skus), dtype=np.int64)
        left = rebalancing.check(problem, RebalancingSolution(moved_units=none)).objective
        rows.append({"case": case, "method": "no transfers", "seconds": 0.0, "objective": left})
        if stores * skus <= 5_000:
            simple, seconds = timed(lambda problem=problem: greedy(problem))  # type: ignore[misc]
            cost = rebalancing.check(problem, simple).objective
            assert levels_after(problem, simple).min() >= 0
            rows.append({"case": case, "method": "greedy", "seconds": seconds, "objective": cost})
            left = cost
        stop = Stop(iterations=_STEPS) if size == "small" else Stop(time_s=10)
        result, seconds = timed(
            lambda problem=problem, stop=stop: rebalancing.solve(problem, stop=stop)  # type: ignore[misc]
        )
        rows.append(
            {"case": case, "method": f"dispatchopt {result.engine}", "seconds": seconds,
             "objective": result.objective, "bound": result.bound, "gap": result.gap,
             "peak_mb": peak_mb(), "ratio": left / (result.objective or 1.0),
             "note": "ratio: cost of the row above over ours"}
        )  # fmt: skip
    return rows


SUITE = Suite(
    name="rebalancing",
    about="Transfers between stores, with and without vans, against greedy ones and none.",
    run=run,
)
