"""Examples of rebalancing."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.inventory.problem import DemandLaw, InventoryProblem
from dispatchopt.inventory.rebalancing.problem import RebalancingProblem, RebalancingSolution
from dispatchopt.io.instance import Instance
from dispatchopt.testing.conformance import EngineCases
from dispatchopt.testing.parts import Examples, Rng, names, points


def stock_of(rng: Rng, stores: int, skus: int, **changes: Any) -> InventoryProblem:
    """Return random stock and demand without limits."""
    shape = (stores, skus)
    mean = np.where(rng.random(shape) < 0.3, 0.0, np.round(rng.random(shape) * 6, 2))
    fields: dict[str, Any] = {
        "mean_units": mean,
        "variance_units": mean * 1.5,
        "holding_cost": np.round(rng.random(skus) + 0.1, 2),
        "shortage_cost": np.round(rng.random(skus) * 9, 2),
        "on_hand_units": rng.integers(0, 6, shape),
        "volume_ml": rng.integers(0, 99, skus),
        "case_pack_units": np.ones(skus, dtype=np.int64),
    }
    return InventoryProblem(**{**fields, **changes})


def drawn(rng: Rng, stores: int, skus: int, **changes: Any) -> RebalancingProblem:
    """Return random stock on random lanes."""
    stock = stock_of(rng, stores, skus, **changes)
    tail, head = np.nonzero((rng.random((stores, stores)) < 0.7) & ~np.eye(stores, dtype=bool))
    has_vans, has_rides = rng.random(2) < 0.5
    return RebalancingProblem(
        stock=stock,
        lane_from=tail,
        lane_to=head,
        unit_cost=np.round(rng.random(tail.size) * 2, 2),
        lane_cost=np.round(rng.random(tail.size) * 3, 2) if has_rides else np.zeros(tail.size),
        capacity_ml=rng.integers(0, 200, tail.size) if has_vans and tail.size else None,
        movable_units=rng.integers(0, stock.on_hand_units + 1),
        distance_m=rng.integers(-1, 9_000, tail.size),
    )


def with_ages(problem: RebalancingProblem, rng: Rng) -> RebalancingProblem:
    """Return a problem some of whose units expire."""
    return problem.replace(
        expiring_units=rng.integers(0, problem.stock.on_hand_units + 1),
        waste_cost=np.round(rng.random(problem.num_skus) * 6, 2),
    )


def make(rng: Rng) -> Instance:
    """Return a problem under any law, with or without vans."""
    stores, skus = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    law = [each for each in DemandLaw if each is not DemandLaw.EMPIRICAL][int(rng.integers(0, 4))]
    ids = {"store_ids": names(rng, stores, "s"), "sku_ids": names(rng, skus, "k")}
    problem = drawn(rng, stores, skus, demand_law=law, **ids)
    if rng.random() < 0.5:
        problem = with_ages(problem, rng)
    held = {"stores": problem.stock.store_ids, "skus": problem.stock.sku_ids}
    places = {"stores": points(rng, stores)} if rng.random() < 0.5 else {}
    return Instance(name="vans", kind="rebalancing", problem=problem, names=held, places=places)


def answer(instance: Instance, rng: Rng) -> RebalancingSolution:
    """Return any units on any lanes."""
    problem: RebalancingProblem = instance.problem
    moved = rng.integers(0, 3, (problem.num_lanes, problem.num_skus))
    old = rng.integers(0, moved + 1) if problem.has_expiring else np.zeros_like(moved)
    return RebalancingSolution(moved_units=moved, expiring_units=old)


def cases() -> EngineCases:
    """Return problems with and without vans and ages, and one without stores."""
    rng = np.random.default_rng(6)
    stock = stock_of(rng, 4, 5)
    tail, head = np.nonzero(~np.eye(4, dtype=bool))
    free = RebalancingProblem(stock=stock, lane_from=tail, lane_to=head, unit_cost=np.full(12, 0.3))
    vans = free.replace(capacity_ml=np.full(12, 120), lane_cost=np.full(12, 0.5))
    one = RebalancingProblem(
        stock=stock_of(rng, 1, 1),
        lane_from=np.zeros(0, dtype=np.int64),
        lane_to=np.zeros(0, dtype=np.int64),
        unit_cost=np.zeros(0),
    )
    bare = {"movable_units": None, "expiring_units": None, "waste_cost": None}
    empty = one.replace(stock=stock_of(rng, 0, 0), **bare)
    aged, late = with_ages(free, rng), with_ages(vans, rng)
    return EngineCases(usual=(free, one, vans, aged, late), empty=empty)


EXAMPLES = Examples(
    name="rebalancing", make=make, answer=answer, cases=cases, exact=frozenset({"flow"})
)
