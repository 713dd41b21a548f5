"""What a stream has left: the shelf's demand to come, and stock that only changes its store."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core.errors import InputError
from dispatchopt.core.tolerance import bound_meets
from dispatchopt.inventory import rebalancing, surge
from dispatchopt.inventory.rebalancing import Lanes, RebalancingSolution
from dispatchopt.inventory.surge import SurgeProblem


def stream(rng: np.random.Generator, stores: int, skus: int) -> SurgeProblem:
    """A surge of two to four scenarios, some of them without any demand."""
    count = int(rng.integers(2, 5))
    chance = rng.random(count) + 0.1
    margin = np.round(rng.random(skus) * 9, 2)
    return SurgeProblem(
        probability=chance / chance.sum(),
        shelf_units=rng.integers(0, 6, (count, stores, skus)) * rng.integers(0, 2, (count, 1, 1)),
        live_units=rng.integers(0, 9, (count, stores, skus)),
        shelf_margin=margin,
        live_margin=margin / 2,
        holding_cost=np.round(rng.random(skus) * 2, 2),
        on_hand_units=rng.integers(0, 9, (stores, skus)),
        volume_ml=rng.integers(0, 900, skus),
    )


def all_lanes(stores: int, cost: float, **more: Any) -> Lanes:
    """A lane for every pair of stores."""
    tail, head = np.nonzero(~np.eye(stores, dtype=bool))
    free = np.zeros(tail.size)
    return Lanes(lane_from=tail, lane_to=head, unit_cost=free + cost, lane_cost=free, **more)


def two_scenarios() -> SurgeProblem:
    """Shelf demand of 2 with chance 1/4, of 6 with chance 3/4."""
    shelf = np.array([[[2], [2]], [[6], [6]]])
    return SurgeProblem(
        probability=np.array([0.25, 0.75]), shelf_units=shelf, live_units=np.zeros_like(shelf),
        shelf_margin=np.array([5.0]), live_margin=np.array([1.0]), holding_cost=np.array([1.0]),
        on_hand_units=np.array([[9], [9]]), scenario_ids=("low", "high"),
    )  # fmt: skip


def test_shelf_demand_is_that_of_the_scenarios() -> None:
    problem = two_scenarios()
    demand = surge.shelf_demand(problem)
    assert demand.mean_units.tolist() == [[5.0], [5.0]]
    assert demand.variance_units.tolist() == [[3.0], [3.0]]
    half = surge.shelf_demand(problem, left=0.5, scenarios=["high"])
    assert half.mean_units.tolist() == [[3.0], [3.0]]
    assert half.variance_units.tolist() == [[0.0], [0.0]]


def test_faults_are_named_together() -> None:
    with pytest.raises(InputError) as caught:
        surge.shelf_demand(two_scenarios(), left=float("nan"), scenarios=["high", "hihg"])
    assert [(each.code, each.where) for each in caught.value.issues] == [
        ("unknown-reference", "scenarios"),
        ("out-of-range", "left"),
    ]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6), stores=st.integers(0, 4), skus=st.integers(0, 3),
    cost=st.sampled_from([0.0, 0.3, 1e6]), has_vans=st.booleans(),
)  # fmt: skip
def test_stock_is_conserved(seed: int, stores: int, skus: int, cost: float, has_vans: bool) -> None:
    """Per SKU as many units afterwards as before, none negative, and never dearer than nothing."""
    rng = np.random.default_rng(seed)
    problem = stream(rng, stores, skus)
    left = rng.integers(0, 12, (stores, skus))
    lanes = all_lanes(stores, cost)
    if has_vans:
        lanes = all_lanes(stores, cost, capacity_ml=rng.integers(0, 3000, lanes.lane_from.size))
    made = surge.after_stream(problem, left, lanes, movable_units=rng.integers(0, left + 1))
    assert made.stock.on_hand_units.tolist() == left.tolist()
    result = rebalancing.solve(made)
    moved = result.require().moved_units
    after = left.copy()
    np.subtract.at(after, made.lane_from, moved)
    np.add.at(after, made.lane_to, moved)
    assert after.sum(axis=0).tolist() == left.sum(axis=0).tolist()
    assert after.min(initial=0) >= 0
    nothing = rebalancing.check(made, RebalancingSolution(moved_units=np.zeros_like(moved)))
    assert result.objective is not None
    assert result.bound is not None
    assert np.isfinite([result.objective, result.bound]).all()
    assert result.bound <= result.objective * (1 + 1e-9) + 1e-6
    assert result.objective <= nothing.objective + 1e-9 * (1 + nothing.objective)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), more=st.integers(1, 5))
def test_more_left_to_ship_never_costs_more_than_its_holding(seed: int, more: int) -> None:
    """Units that come on top cost at most to be held, wherever they lie."""
    rng = np.random.default_rng(seed)
    problem = stream(rng, 3, 2)
    left = rng.integers(0, 6, (3, 2))
    lanes = all_lanes(3, 0.3)
    first = rebalancing.solve(surge.after_stream(problem, left, lanes))
    extra = np.zeros_like(left)
    extra[int(rng.integers(3))] = more
    second = rebalancing.solve(surge.after_stream(problem, left + extra, lanes))
    assert first.objective is not None
    assert second.objective is not None
    assert bound_meets(first.bound or 0.0, first.objective)
    held = more * float(problem.holding_cost.sum())
    assert second.objective <= first.objective + held + 1e-6
