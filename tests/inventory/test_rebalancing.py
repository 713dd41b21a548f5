"""Rebalancing: by hand, against brute force and the linear relaxation, and the checker's rules."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import inventory
from dispatchopt.core import InputError, Status
from dispatchopt.geography import UNREACHABLE, TravelMatrix
from dispatchopt.inventory import InventoryProblem, InventorySolution, rebalancing
from dispatchopt.inventory.engines._highs import Limits
from dispatchopt.inventory.rebalancing import RebalancingProblem, RebalancingSolution
from dispatchopt.inventory.rebalancing.engines._flow import Flows
from dispatchopt.inventory.rebalancing.engines._loads import Loads
from dispatchopt.inventory.rebalancing.engines._model import Model
from dispatchopt.inventory.rebalancing.engines._steps import Worth
from dispatchopt.inventory.rebalancing.explain import shortages
from dispatchopt.testing.kinds.rebalancing import drawn, stock_of


def cost_of_stock(stock: InventoryProblem, level: np.ndarray) -> float:
    """The expected cost at a level, by the checker of stock."""
    none = InventorySolution(order_units=np.zeros_like(level))
    return inventory.check(stock.replace(on_hand_units=level), none).objective


def pair(held: tuple[int, int], **changes: Any) -> RebalancingProblem:
    """Two stores with a demand of exactly 2 each, one SKU, a lane either way."""
    stock = InventoryProblem(
        mean_units=np.array([[2.0], [2.0]]),
        variance_units=np.zeros((2, 1)),
        demand_law="normal",  # type: ignore[arg-type]
        holding_cost=np.array([1.0]),
        shortage_cost=np.array([5.0]),
        on_hand_units=np.array([[held[0]], [held[1]]]),
        volume_ml=np.array([100]),
        case_pack_units=np.array([1]),
    )
    fields: dict[str, Any] = {
        "stock": stock,
        "lane_from": [0, 1],
        "lane_to": [1, 0],
        "unit_cost": [0.5, 0.5],
    }
    return RebalancingProblem(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "cost", "moved"),
    [
        ({}, 1.0, 2),
        ({"unit_cost": [7.0, 7.0]}, 12.0, 0),
        ({"movable_units": [[1], [0]]}, 6.5, 1),
        ({"capacity_ml": [199, 0]}, 6.5, 1),
        ({"lane_cost": [3.0, 3.0]}, 4.0, 2),
        ({"lane_cost": [30.0, 30.0]}, 12.0, 0),
    ],
)
def test_two_stores_by_hand(changes: dict[str, Any], cost: float, moved: int) -> None:
    """Stock 4 and 0: without transfers 2 units are left over (2) and 2 missing (10)."""
    result = rebalancing.solve(pair((4, 0), **changes))
    assert result.objective == pytest.approx(cost)
    assert result.require().moved_units.tolist() == [[moved], [0]]


def test_units_pass_through_a_store_that_may_send_its_own() -> None:
    """0 has too much, 2 too little, and the way leads through 1."""
    base = pair((4, 0)).stock
    stock = base.replace(
        mean_units=np.full((3, 1), 2.0),
        variance_units=np.zeros((3, 1)),
        on_hand_units=np.array([[4], [2], [0]]),
        store_ids=(),
    )
    problem = RebalancingProblem(
        stock=stock, lane_from=np.array([0, 1]), lane_to=np.array([1, 2]), unit_cost=np.full(2, 0.5)
    )
    result = rebalancing.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(2.0)
    fixed = problem.replace(movable_units=[[4], [0], [0]])
    assert rebalancing.solve(fixed).objective == pytest.approx(12.0)


def brute_force(problem: RebalancingProblem) -> float:
    """The least cost over all transfers."""
    tail = problem.lane_from
    most = [
        range(int(problem.movable_units[tail[lane], sku]) + 1)
        for lane in range(problem.num_lanes)
        for sku in range(problem.num_skus)
    ]
    best = np.inf
    for units in itertools.product(*most):
        moved = np.array(units, dtype=np.int64).reshape(problem.num_lanes, problem.num_skus)
        report = rebalancing.check(problem, RebalancingSolution(moved_units=moved))
        if report.is_feasible:
            best = min(best, report.objective)
    return best


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_bound_brute_force_objective(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = drawn(rng, 2, 2, on_hand_units=rng.integers(0, 4, (2, 2)))
    best = brute_force(problem)
    assert rebalancing.DOMAIN.bound(problem) <= best + 1e-9
    result = rebalancing.solve(problem)
    assert result.bound is not None
    assert result.objective is not None
    assert result.bound <= best + 1e-6
    assert result.objective >= best - 1e-6
    if not problem.is_coupled:
        assert result.objective == pytest.approx(best, abs=1e-6)


def linear(problem: RebalancingProblem) -> float:
    """The linear relaxation over single units, written anew without any pruning."""
    from scipy.optimize import linprog

    stock, stores = problem.stock, problem.num_stores
    total = cost_of_stock(stock, stock.on_hand_units)
    for sku in range(problem.num_skus):
        held = stock.on_hand_units[:, sku]
        top = int(held.sum())
        curve = np.array([_curve(stock, sku, y) for y in range(top + 1)])
        slope = np.diff(curve, axis=0)
        # Levels are sums of units 0..1 of falling worth; balance: level = held + in - out.
        lanes = problem.num_lanes
        cost = np.concatenate([problem.unit_cost, slope.T.ravel()])
        balance = np.zeros((stores, cost.size))
        send = np.zeros((stores, cost.size))
        for lane in range(lanes):
            balance[problem.lane_to[lane], lane] -= 1
            balance[problem.lane_from[lane], lane] += 1
            send[problem.lane_from[lane], lane] = 1
        for store in range(stores):
            balance[store, lanes + store * top : lanes + (store + 1) * top] = 1
        bounds = [(0, None)] * lanes + [(0, 1)] * (stores * top)
        found = linprog(
            cost, A_eq=balance, b_eq=held, A_ub=send,
            b_ub=problem.movable_units[:, sku], bounds=bounds,
        )  # fmt: skip
        before = sum(curve[held[store], store] - curve[0, store] for store in range(stores))
        total += found.fun - before
    return float(total)


def _curve(stock: InventoryProblem, sku: int, level: int) -> np.ndarray:
    """Cost of a SKU at one level in each store, by the checker of stock, one store at a time."""
    costs = []
    for store in range(stock.num_stores):
        one = stock.replace(
            mean_units=stock.mean_units[store : store + 1, sku : sku + 1],
            variance_units=stock.variance_units[store : store + 1, sku : sku + 1],
            holding_cost=stock.holding_cost[sku : sku + 1],
            shortage_cost=stock.shortage_cost[sku : sku + 1],
            on_hand_units=np.array([[0]]),
            volume_ml=np.array([0]),
            case_pack_units=np.array([1]),
            store_ids=(),
            sku_ids=(),
        )
        costs.append(cost_of_stock(one, np.array([[level]])))
    return np.array(costs)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_flows_reach_the_linear_optimum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = drawn(rng, 5, 2).replace(capacity_ml=None)
    problem = problem.replace(lane_cost=np.zeros(problem.num_lanes))
    result = rebalancing.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(linear(problem), abs=1e-5)


def test_free_transfers_pool_and_dear_ones_separate() -> None:
    """With lanes for nothing the stores share their stock as one allocation would."""
    rng = np.random.default_rng(4)
    stock = stock_of(rng, 3, 4)
    tail, head = np.nonzero(~np.eye(3, dtype=bool))
    free = RebalancingProblem(stock=stock, lane_from=tail, lane_to=head, unit_cost=np.zeros(6))
    result = rebalancing.solve(free)
    dear = rebalancing.solve(free.replace(unit_cost=np.full(6, 1e6)))
    assert dear.objective == pytest.approx(cost_of_stock(stock, stock.on_hand_units))
    best = 0.0
    for sku in range(4):
        curve = np.array(
            [_curve(stock, sku, y) for y in range(stock.on_hand_units[:, sku].sum() + 1)]
        )
        slopes = np.sort(np.diff(curve, axis=0).ravel())
        best += curve[0].sum() + slopes[: stock.on_hand_units[:, sku].sum()].sum()
    assert result.objective == pytest.approx(best, abs=1e-6)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_larger_vans_never_cost_more_and_renaming_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = drawn(rng, 3, 2)
    none = problem.replace(lane_cost=np.zeros(problem.num_lanes))
    bound = []
    for size in (0, 100, 10**9):
        result = rebalancing.solve(none.replace(capacity_ml=np.full(none.num_lanes, size)))
        bound.append(result.objective)
    assert all(more <= less + 1e-6 for less, more in itertools.pairwise(np.array(bound, float)))
    free = none.replace(capacity_ml=None)
    assert bound[-1] == pytest.approx(rebalancing.solve(free).objective, abs=1e-6)
    turn = rng.permutation(3)
    place = np.argsort(turn)
    stock = free.stock
    other = free.replace(
        stock=stock.replace(
            mean_units=stock.mean_units[turn],
            variance_units=stock.variance_units[turn],
            on_hand_units=stock.on_hand_units[turn],
        ),
        movable_units=free.movable_units[turn],
        lane_from=place[free.lane_from],
        lane_to=place[free.lane_to],
    )
    assert rebalancing.solve(other).objective == pytest.approx(bound[-1], abs=1e-6)


@pytest.mark.parametrize(
    ("moved", "changes", "rule", "by"),
    [
        ([[-1], [0]], {}, "moved-negative", 1.0),
        ([[5], [0]], {}, "movable", 1.0),
        ([[2], [0]], {"movable_units": [[1], [0]]}, "movable", 1.0),
        ([[2], [0]], {"capacity_ml": [150, 0]}, "lane-capacity", 50.0),
        ([[1]], {}, "shape", 1.0),
    ],
)
def test_checker_names_the_rule_that_is_broken(
    moved: list[list[int]], changes: dict[str, Any], rule: str, by: float
) -> None:
    problem = pair((4, 0), **changes)
    made = RebalancingSolution(moved_units=moved)  # type: ignore[arg-type]
    found = rebalancing.check(problem, made).violations
    assert [(each.rule, each.by) for each in found] == [(rule, by)]


@pytest.mark.parametrize(
    ("held", "changes", "reason"),
    [
        ((4, 0), {"unit_cost": [7.0, 7.0]}, "transfer-too-dear"),
        ((4, 0), {"movable_units": [[0], [0]]}, "nothing-movable"),
        ((1, 1), {}, "stock-needed-there"),
        ((4, 0), {"capacity_ml": [50, 50]}, "lane-full"),
        ((4, 0), {"lane_from": [1], "lane_to": [0], "unit_cost": [1.0]}, "no-lane"),
    ],
)
def test_what_stays_short_has_a_reason(
    held: tuple[int, int], changes: dict[str, Any], reason: str
) -> None:
    problem = pair(held, **changes)
    none = RebalancingSolution(moved_units=np.zeros((problem.num_lanes, 1), dtype=np.int64))
    found = {each.store: each.reason for each in shortages(problem, none)}
    assert found[1] == reason


def test_bad_input_lists_every_problem() -> None:
    with pytest.raises(InputError) as caught:
        pair((4, 0), unit_cost=[np.nan, 1.0], lane_to=[0, 0], movable_units=[[9], [0]])
    found = {(issue.code, issue.where) for issue in caught.value.issues}
    assert found == {
        ("out-of-range", "unit_cost[0]"),
        ("out-of-range", "lane_to[0]"),
        ("out-of-range", "movable_units[0, 0]"),
    }
    with pytest.raises(InputError, match="fields-clash"):
        RebalancingProblem(
            stock=pair((4, 0)).stock.replace(available_units=np.array([3])),
            lane_from=np.array([0]),
            lane_to=np.array([1]),
            unit_cost=np.ones(1),
        )
    with pytest.raises(InputError, match="each pair once"):
        pair((4, 0), lane_from=[0, 0], lane_to=[1, 1])


def test_lanes_come_from_roads_and_units_must_live() -> None:
    distance = np.array([[0, 1000, 9000], [2000, 0, UNREACHABLE], [9000, 3000, 0]])
    matrix = TravelMatrix(distance_m=distance, duration_s=distance, source="made", profile="car")
    lanes = rebalancing.lanes_within(
        matrix, reach_m=5000, cost_per_unit=1.0, cost_per_unit_km=2.0, cost_per_km=10.0
    )
    assert lanes.lane_from.tolist() == [0, 1, 2]
    assert lanes.lane_to.tolist() == [1, 0, 1]
    assert lanes.unit_cost.tolist() == [3.0, 5.0, 7.0]
    assert lanes.lane_cost.tolist() == [30.0, 30.0, 30.0]
    assert lanes.distance_m is not None
    assert lanes.distance_m.tolist() == [1000, 2000, 3000]
    life = np.array([[[5.0, 30.0]], [[40.0, 30.0]]])
    units = np.array([[[3, 4]], [[2, 1]]])
    found = rebalancing.movable_units(life, units, ride_h=1.0, cover_h=[24.0, 48.0])
    assert found.tolist() == [[2, 0]]


def test_units_with_a_short_life_stay() -> None:
    """Less that may be moved never costs less; what has too short a life left is no use."""
    rng = np.random.default_rng(8)
    problem = drawn(rng, 4, 6).replace(capacity_ml=None)
    life = rng.uniform(0, 96, (3, 4, 6))
    batches = rng.multinomial(1, [0.2, 0.3, 0.5], size=(4, 6)).transpose(2, 0, 1)
    units = batches * problem.stock.on_hand_units
    costs = []
    for cover in (0.0, 24.0, 48.0, 100.0):
        movable = rebalancing.movable_units(life, units, ride_h=1.0, cover_h=cover)
        costs.append(rebalancing.solve(problem.replace(movable_units=movable)).objective)
    assert all(less <= more + 1e-9 for less, more in itertools.pairwise(np.array(costs, float)))
    assert costs[-1] == pytest.approx(cost_of_stock(problem.stock, problem.stock.on_hand_units))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_bounds_of_vans_and_rides_never_exceed_the_best(seed: int) -> None:
    """Both relaxations, at their best prices and at any other ones, against brute force."""
    rng = np.random.default_rng(seed)
    problem = drawn(rng, 3, 1, on_hand_units=rng.integers(0, 4, (3, 1)))
    lanes = problem.num_lanes
    problem = problem.replace(
        lane_cost=np.round(rng.random(lanes) * 4, 2), capacity_ml=rng.integers(0, 250, lanes)
    )
    base = cost_of_stock(problem.stock, problem.stock.on_hand_units)
    best = brute_force(problem)
    worth = Worth(problem)
    loads = Loads(worth)
    for _ in range(5):
        rough = np.maximum(rng.normal(0, 2, loads.price.size), 0.0)
        assert base + loads.evaluate(rough)[0] <= best + 1e-6
    list(loads.ascend(best - base, 100, lambda: False))
    assert base + loads.bound <= best + 1e-6
    found = Model(Flows(worth)).solve(Limits(), lambda: False)
    assert base + found.bound <= best + 1e-6
