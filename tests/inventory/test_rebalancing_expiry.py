"""Rebalancing of units that expire: by hand, against brute force, and the checker's rules."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import InputError, Status, Stop
from dispatchopt.inventory import InventoryProblem, rebalancing
from dispatchopt.inventory.rebalancing import RebalancingProblem, RebalancingSolution
from dispatchopt.inventory.rebalancing.engines._ages import Ages
from dispatchopt.inventory.rebalancing.explain import explain
from dispatchopt.testing.kinds.rebalancing import drawn, with_ages


def slow_and_busy(**changes: Any) -> RebalancingProblem:
    """Four units in a store that sells 1, none in one that sells 3, and a lane between them."""
    stock = InventoryProblem(
        mean_units=np.array([[1.0], [3.0]]),
        variance_units=np.zeros((2, 1)),
        demand_law="normal",  # type: ignore[arg-type]
        holding_cost=np.array([1.0]),
        shortage_cost=np.array([5.0]),
        on_hand_units=np.array([[4], [3]]),
        volume_ml=np.array([100]),
        case_pack_units=np.array([1]),
    )
    fields: dict[str, Any] = {
        "stock": stock, "lane_from": [0, 1], "lane_to": [1, 0], "unit_cost": [0.5, 0.5],
        "expiring_units": [[3], [0]], "waste_cost": [4.0],
    }  # fmt: skip
    return RebalancingProblem(**{**fields, **changes})


def test_what_would_expire_goes_where_it_is_sold() -> None:
    """Left alone 3 units are left over and 2 of them wasted: 3 + 8. Two of them go: 3 + 1."""
    problem = slow_and_busy()
    result = rebalancing.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(4.0)
    made = result.require()
    assert made.expiring_units.tolist() == [[2], [0]]
    assert result.parts["waste"] == 0.0
    fresh = slow_and_busy(expiring_units=None)
    assert rebalancing.solve(fresh).objective == pytest.approx(3.0)
    (told,) = (each for each in explain(problem, made) if each.name == "expiring")
    assert [row["wasted_before"] for row in told.rows] == [2.0, 0.0]
    assert [row["units_after"] for row in told.rows] == [1, 2]


@pytest.mark.parametrize(
    ("moved", "old", "changes", "rules"),
    [
        ([[1], [0]], [[2], [0]], {}, {"expiring"}),
        ([[1], [0]], [[-1], [0]], {}, {"expiring"}),
        ([[4], [0]], [[4], [0]], {}, {"expiring"}),
        ([[2], [0]], [[0], [0]], {}, {"expiring"}),
        ([[2], [0]], [[1], [0]], {}, set()),
        ([[3], [0]], [[3], [0]], {"movable_units": [[2], [0]]}, {"movable"}),
        ([[1], [0]], [[1]], {}, {"shape"}),
    ],
)
def test_checker_names_the_rule_that_is_broken(
    moved: list[list[int]], old: list[list[int]], changes: dict[str, Any], rules: set[str]
) -> None:
    made = RebalancingSolution(moved_units=moved, expiring_units=old)  # type: ignore[arg-type]
    found = rebalancing.check(slow_and_busy(**changes), made).violations
    assert {each.rule for each in found} == rules


def test_bad_ages_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        slow_and_busy(expiring_units=[[9], [0]], waste_cost=[-1.0])
    assert {issue.where for issue in caught.value.issues} == {
        "expiring_units[0, 0]", "waste_cost[0]",
    }  # fmt: skip
    with pytest.raises(Exception, match="expiry"):
        rebalancing.solve(slow_and_busy(), engine="flow")


def brute_force(problem: RebalancingProblem) -> float:
    """The least cost over all transfers of both ages."""
    choices = []
    for lane, sku in itertools.product(range(problem.num_lanes), range(problem.num_skus)):
        tail = problem.lane_from[lane]
        most = int(problem.movable_units[tail, sku]), int(problem.expiring_units[tail, sku])
        choices.append([(t, e) for t in range(most[0] + 1) for e in range(min(t, most[1]) + 1)])
    shape, best = (problem.num_lanes, problem.num_skus), np.inf
    for chosen in itertools.product(*choices):
        units = np.array(chosen, dtype=np.int64).reshape(-1, 2)
        made = RebalancingSolution(
            moved_units=units[:, 0].reshape(shape), expiring_units=units[:, 1].reshape(shape)
        )
        report = rebalancing.check(problem, made)
        if report.is_feasible:
            best = min(best, report.objective)
    return best


def small(seed: int, stores: int = 2, skus: int = 2) -> RebalancingProblem:
    rng = np.random.default_rng(seed)
    held = rng.integers(0, 4, (stores, skus))
    return with_ages(drawn(rng, stores, skus, on_hand_units=held), rng)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_bound_brute_force_objective(seed: int) -> None:
    for problem in (small(seed), small(seed, stores=3, skus=1)):
        best = brute_force(problem)
        assert rebalancing.DOMAIN.bound(problem) <= best + 1e-9
        result = rebalancing.solve(problem, stop=Stop(time_s=20))
        assert result.objective == pytest.approx(best, abs=1e-6)
        assert result.status is Status.OPTIMAL


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_model_costs_what_the_checker_says(seed: int) -> None:
    problem = small(seed, stores=4, skus=3)
    rng = np.random.default_rng(seed)
    model = Ages(problem, np.arange(3))
    shape = (problem.num_lanes, 3)
    none = np.zeros(shape, dtype=np.int64)
    nothing = RebalancingSolution(moved_units=none, expiring_units=none)
    base = rebalancing.check(problem, nothing).objective
    for _ in range(20):
        moved = rng.integers(0, 2, shape)
        made = RebalancingSolution(moved_units=moved, expiring_units=rng.integers(0, moved + 1))
        report = rebalancing.check(problem, made)
        if report.is_feasible:
            over = model.cost_of(made) - model.cost_of(nothing)
            assert over == pytest.approx(report.objective - base, abs=1e-7)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_without_waste_costs_ages_only_bind_what_leaves(seed: int) -> None:
    """Waste that costs more never costs less; ages that nobody pays for change nothing."""
    problem = small(seed, stores=3, skus=2)
    costs = [
        rebalancing.solve(problem.replace(waste_cost=factor * problem.waste_cost)).objective
        for factor in (0.0, 0.5, 1.0, 3.0)
    ]
    values = np.array(costs, dtype=float)
    assert (np.diff(values) >= -1e-7).all()
    plain = rebalancing.solve(problem.replace(expiring_units=None, waste_cost=None))
    assert values[0] == pytest.approx(plain.objective, abs=1e-7)
