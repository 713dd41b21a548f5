"""Engines: conformance, exhaustive search, an exact MIP, and what must not change an answer."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from dispatchopt import inventory
from dispatchopt.core import Status, Stop, UnsupportedError
from dispatchopt.inventory import DOMAIN, InventoryProblem, InventorySolution, check
from dispatchopt.inventory.bound import bound
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.levels import closed_form_packs, flat_pairs, free_levels
from dispatchopt.testing.conformance import CHECKS, EngineCases

# Arrays are given as lists here, which the classes turn into arrays.
Problem: Any = InventoryProblem
Orders: Any = InventorySolution
solve: Any = inventory.solve


def single(mean: Any = 4.0, **changes: Any) -> Any:
    fields = {
        "mean_units": [[mean]],
        "variance_units": [[2 * mean]],
        "holding_cost": [1.0],
        "shortage_cost": [5.0],
        "on_hand_units": [[0]],
        "volume_ml": [3],
        "case_pack_units": [1],
    }
    return Problem(**{**fields, **changes})


def nothing(**changes: Any) -> Any:
    return single(
        mean_units=np.zeros((0, 2)),
        variance_units=np.zeros((0, 2)),
        holding_cost=[1.0, 1.0],
        shortage_cost=[2.0, 2.0],
        on_hand_units=np.zeros((0, 2)),
        volume_ml=[1, 1],
        case_pack_units=[1, 1],
        **changes,
    )


@pytest.mark.parametrize("conforms", CHECKS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("engine", ["levels", "dual", "exact"])
def test_conformance(conforms: Any, engine: Any, scarce: Any, two_by_two: Any) -> None:
    if engine == "levels":
        free = scarce.replace(available_units=None, store_volume_ml=None)
        cases = EngineCases(usual=(two_by_two, single(), free), empty=nothing(), exact=True)
    else:
        tight = single(available_units=[2], store_volume_ml=[10])
        too_much = single(min_units=[[4]], delivery_volume_ml=[10])
        cases = EngineCases(
            usual=(tight, scarce),
            empty=nothing(available_units=[3, 3]),
            infeasible=too_much,
            exact=engine == "exact",
        )
    conforms(DOMAIN, engine, cases)


def test_no_skus_at_all() -> None:
    problem = single(
        mean_units=np.zeros((2, 0)),
        variance_units=np.zeros((2, 0)),
        holding_cost=[],
        shortage_cost=[],
        on_hand_units=np.zeros((2, 0)),
        volume_ml=[],
        case_pack_units=[],
        store_volume_ml=[1, 1],
    )
    result = solve(problem)
    assert (result.status, result.objective) == (Status.OPTIMAL, 0.0)


@pytest.mark.parametrize("law", ["negative-binomial", "poisson", "gamma", "normal"])
@pytest.mark.parametrize(
    ("rule", "target"),
    [("critical-ratio", None), ("fill-rate", 0.93), ("cycle-service", 0.9), ("z-sigma", 1.65)],
)
def test_levels_equal_trying_all(law: Any, rule: Any, target: Any) -> None:
    rng = np.random.default_rng(5)
    mean = rng.gamma(1.0, 4.0, (4, 5))
    mean[0, 0] = 0.0
    problem = Problem(
        mean_units=mean,
        variance_units=mean * rng.uniform(0.7, 3, (4, 5)),
        demand_law=law,
        holding_cost=rng.uniform(0.5, 2, 5),
        shortage_cost=rng.uniform(1, 9, 5),
        on_hand_units=rng.integers(0, 6, (4, 5)),
        volume_ml=np.ones(5),
        case_pack_units=[1, 1, 2, 3, 6],
        rule=rule,
        target=target,
        min_units=rng.integers(0, 9, (4, 5)),
    )
    result = solve(problem)
    assert result.status is Status.OPTIMAL
    demand = Demand.of(problem)
    best = np.full(mean.shape, np.inf)
    for packs in range(80):
        order = problem.min_order_units + packs * problem.case_pack_units
        level = problem.on_hand_units + order
        cost = problem.holding_cost * demand.surplus(level)
        if rule == "critical-ratio":
            cost = cost + problem.shortage_cost * demand.loss(level)
        elif rule == "fill-rate":
            cost = np.where(demand.loss(level) <= (1 - target) * mean + 1e-12, cost, np.inf)
        elif rule == "cycle-service":
            cost = np.where(demand.cdf(level) >= target, cost, np.inf)
        else:
            reach = mean + target * np.sqrt(demand.true_variance)
            cost = np.where(level >= reach, cost, np.inf)
        best = np.minimum(best, cost)
    assert result.objective == pytest.approx(best.sum(), rel=1e-9)


@pytest.mark.parametrize("packs", [False, True])
def test_walk_equals_closed_form(maker: Any, packs: Any) -> None:
    problem = maker(20, 50, 9, packs=packs)
    pairs, least = flat_pairs(problem, slice(0, 1000))
    order = least + closed_form_packs(pairs) * pairs.pack_units
    assert (order == free_levels(problem).order_units.ravel()).all()


@settings(max_examples=12, deadline=None)
@given(
    mean=st.lists(st.floats(0, 5), min_size=4, max_size=4),
    cost=st.tuples(st.floats(0.1, 3), st.floats(0.1, 9)),
    stock=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    room=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    size=st.tuples(st.tuples(st.integers(0, 4), st.integers(1, 4)), st.integers(0, 2)),
)
def test_engines_against_trying_all(mean: Any, cost: Any, stock: Any, room: Any, size: Any) -> None:
    volume, facing = size
    pack = (1 + stock[0] % 2, 1 + stock[1] % 3)
    problem = Problem(
        mean_units=np.reshape(mean, (2, 2)),
        variance_units=2 * np.reshape(mean, (2, 2)),
        holding_cost=[cost[0]] * 2,
        shortage_cost=[cost[1], 2 * cost[1]],
        on_hand_units=[[0, 1], [1, 0]],
        volume_ml=volume,
        case_pack_units=pack,
        available_units=stock,
        store_volume_ml=room,
        min_units=[[facing, 0], [0, facing]],
    )
    best = np.inf
    for order in itertools.product(range(0, 6, pack[0]), range(0, 6, pack[1]), repeat=2):
        report = check(problem, Orders(order_units=np.reshape(order, (2, 2))))
        if report.is_feasible:
            best = min(best, report.objective)
    for engine in ("dual", "exact"):
        result = solve(problem, engine=engine)
        if np.isinf(best):
            assert result.status is Status.INFEASIBLE
        else:
            assert result.bound <= best * (1 + 1e-9) + 1e-9
            assert result.objective >= best * (1 - 1e-9) - 1e-9
        if engine == "exact" and np.isfinite(best):
            assert result.objective == pytest.approx(best, rel=1e-6, abs=1e-6)


def mip_optimum(problem: Any) -> Any:
    """Least cost by a MIP over all single steps, built from the closed form of the loss."""
    width = 40
    packs = np.arange(width + 1)[:, None, None]
    demand = Demand.of(problem)
    level = problem.on_hand_units + problem.min_order_units + packs * problem.case_pack_units
    cost = problem.holding_cost * demand.surplus(level) + problem.shortage_cost * demand.loss(level)
    change = np.diff(cost, axis=0)
    _, store, sku = np.indices(change.shape).reshape(3, -1)
    units = problem.case_pack_units[sku]
    num_stores, num_skus = problem.shape
    rows = np.zeros((num_skus + num_stores, change.size))
    rows[sku, np.arange(change.size)] = units
    rows[num_skus + store, np.arange(change.size)] = units * problem.volume_ml[sku] / 1000
    limit = np.concatenate([problem.available_units, problem.room_ml / 1000])
    found = milp(
        change.ravel(),
        constraints=LinearConstraint(rows, ub=limit),
        bounds=Bounds(0, 1),
        integrality=np.ones(change.size),
        options={"mip_rel_gap": 1e-5, "time_limit": 20},
    )
    return cost[0].sum() + found.fun


@pytest.mark.parametrize(("unit_volume", "most"), [(True, 5e-4), (False, 25e-4)])
def test_small_allocations_against_a_mip(maker: Any, unit_volume: Any, most: Any) -> None:
    problem = maker(8, 20, 1, unit_volume=unit_volume)
    optimum = mip_optimum(problem)
    exact = solve(problem, engine="exact")
    assert exact.status is Status.OPTIMAL
    assert exact.objective == pytest.approx(optimum, rel=3e-5)
    dual = solve(problem, engine="dual")
    assert exact.objective * (1 - 1e-9) <= dual.objective <= exact.objective * (1 + most)
    assert bound(problem) <= dual.bound <= exact.objective * (1 + 1e-9)


def test_middle_sized_gap(maker: Any) -> None:
    result = solve(maker(60, 200, 4), engine="dual")
    assert result.gap <= 4e-4


@pytest.mark.parametrize("law", ["negative-binomial", "poisson", "gamma", "normal"])
@pytest.mark.parametrize("scale", [1e-9, 400.0, 1e6])
def test_any_size_of_demand_keeps_a_proof(law: Any, scale: Any) -> None:
    rng = np.random.default_rng(6)
    mean = scale * rng.gamma(2.0, 1.0, (5, 8))
    problem = Problem(
        mean_units=mean,
        variance_units=mean * 3,
        demand_law=law,
        holding_cost=np.ones(8),
        shortage_cost=rng.uniform(2, 9, 8),
        on_hand_units=np.zeros((5, 8)),
        volume_ml=rng.integers(1, 9, 8),
        case_pack_units=rng.integers(1, 9, 8),
        available_units=np.ceil(0.9 * mean.sum(axis=0)),
        store_volume_ml=np.ceil(4.5 * mean.sum(axis=1)),
    )
    result = solve(problem, engine="dual")
    assert np.isfinite(result.objective)
    assert result.gap <= 0.02 or result.objective < 1e-6
    assert bound(problem) <= result.bound * (1 + 1e-9)


def test_more_stock_or_room_never_costs_more(maker: Any) -> None:
    problem = maker(6, 10, 12)
    before = solve(problem, engine="exact").objective
    for changes in (
        {"available_units": problem.available_units + 2},
        {"store_volume_ml": problem.store_volume_ml + 4000},
        {"available_units": None},
        {"store_volume_ml": None},
    ):
        after = solve(problem.replace(**changes), engine="exact").objective
        assert after <= before * (1 + 1e-6)


def test_renumbering_changes_nothing(maker: Any) -> None:
    problem = maker(6, 10, 13)
    rng = np.random.default_rng(1)
    row, column = rng.permutation(6), rng.permutation(10)
    turned = problem.replace(
        mean_units=problem.mean_units[row][:, column],
        variance_units=problem.variance_units[row][:, column],
        on_hand_units=problem.on_hand_units[row][:, column],
        holding_cost=problem.holding_cost[column],
        shortage_cost=problem.shortage_cost[column],
        volume_ml=problem.volume_ml[column],
        case_pack_units=problem.case_pack_units[column],
        available_units=problem.available_units[column],
        store_volume_ml=problem.store_volume_ml[row],
    )
    first, second = (solve(each, engine="exact") for each in (problem, turned))
    assert first.objective == pytest.approx(second.objective, rel=1e-6)


def test_beats_rationing_in_proportion(maker: Any) -> None:
    problem = maker(30, 80, 2, unit_volume=True).replace(store_volume_ml=None)
    wish = free_levels(problem).order_units
    share = np.minimum(1.0, problem.available_units / np.maximum(wish.sum(axis=0), 1))
    rationed = Orders(order_units=np.floor(wish * share).astype(np.int64))
    assert solve(problem).objective < check(problem, rationed).objective


def test_targets_under_limits_are_refused() -> None:
    problem = single(rule="fill-rate", target=0.9, available_units=[3])
    with pytest.raises(UnsupportedError, match="critical-ratio"):
        solve(problem)
    with pytest.raises(UnsupportedError, match="available_units"):
        solve(problem, engine="levels")


def test_published_allocation_by_hand() -> None:
    # 10 units over Poisson 2, 4, 6 with costs 1 and 5: enumeration gives 2, 3, 5.
    problem = Problem(
        mean_units=[[2.0], [4.0], [6.0]],
        variance_units=[[2.0], [4.0], [6.0]],
        demand_law="poisson",
        holding_cost=[1.0],
        shortage_cost=[5.0],
        on_hand_units=np.zeros((3, 1)),
        volume_ml=[1],
        case_pack_units=[1],
        available_units=[10],
    )
    result = solve(problem)
    assert result.solution.order_units.ravel().tolist() == [2, 3, 5]
    assert result.objective == pytest.approx(18.444384860534, abs=1e-9)


def test_a_short_time_still_gives_orders(scarce: Any) -> None:
    result = solve(scarce, engine="dual", stop=Stop(iterations=1))
    assert result.solution is not None


@pytest.mark.parametrize("engine", ["dual", "exact"])
@pytest.mark.parametrize("room", [0, 2, 10**9])
def test_the_bound_of_endless_demand_holds_without_room(engine: str, room: int) -> None:
    """At a price above the margin nothing is best, not the lowest quantile of a large demand."""
    many = single(
        1e9, variance_units=[[0.0]], holding_cost=[26.19], shortage_cost=[154.0], volume_ml=[1350],
        store_volume_ml=[room], available_units=[10**15],
    )  # fmt: skip
    # The dearest of several SKUs sets the price of room; for the others it is above their margin.
    two = Problem(
        mean_units=[[1e9, 1e9]], variance_units=[[0.0, 0.0]], holding_cost=[1.0, 1.0],
        shortage_cost=[1000.0, 1.0], on_hand_units=[[0, 0]], volume_ml=[300, 6900],
        case_pack_units=[1, 1], store_volume_ml=[room],
    )  # fmt: skip
    for problem in (many, two):
        result = solve(problem, engine=engine)
        assert result.status is Status.OPTIMAL or result.gap < 1e-6
        assert check(problem, result.require()).is_feasible


def test_nothing_is_held_where_a_miss_costs_nothing() -> None:
    for mean in (5.0, 1e9):
        result = solve(single(mean, shortage_cost=[0.0]))
        assert result.solution.order_units.tolist() == [[0]]
