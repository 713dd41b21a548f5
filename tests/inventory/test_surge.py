"""Surges: by hand, against brute force, the checker's rules, scenarios and release."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import InputError, Status, Stop
from dispatchopt.inventory import rebalancing, surge
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import DemandLaw
from dispatchopt.inventory.surge import SurgeProblem, SurgeSolution
from dispatchopt.inventory.surge.engines.scenarios import unit_gain


def made(shelf: Any, live: Any, held: Any, **changes: Any) -> SurgeProblem:
    fields: dict[str, Any] = {
        "probability": np.full(len(shelf), 1 / len(shelf)),
        "shelf_units": np.array(shelf),
        "live_units": np.array(live),
        "shelf_margin": np.array([5.0]),
        "live_margin": np.array([2.0]),
        "holding_cost": np.array([1.0]),
        "on_hand_units": np.array(held),
    }
    return SurgeProblem(**{**fields, **changes})


def drawn(seed: int) -> SurgeProblem:
    rng = np.random.default_rng(seed)
    shape, num = (2, int(rng.integers(1, 3))), int(rng.integers(1, 4))
    high = np.round(rng.random(shape[1]) * 6, 1)
    some = rng.random(3) < 0.6
    return SurgeProblem(
        probability=rng.dirichlet(np.ones(num)) * 0.9 + 0.1 / num,
        shelf_units=rng.integers(0, 4, (num, *shape)),
        live_units=rng.integers(0, 4, (num, *shape)),
        shelf_margin=high,
        live_margin=np.round(high * rng.random(shape[1]), 1),
        holding_cost=np.round(rng.random(shape[1]), 1),
        on_hand_units=rng.integers(0, 3, shape),
        volume_ml=rng.integers(0, 5, shape[1]),
        available_units=rng.integers(0, 4, shape[1]),
        room_ml=rng.integers(0, 9, 2) if some[1] else None,
        transfer_cost=float(np.round(rng.random() * 4, 1)) if some[2] else None,
    )


def brute_force(problem: SurgeProblem) -> float:
    """The least cost over all orders within the central stock."""
    assert problem.available_units is not None
    most = np.tile(problem.available_units, 2)
    best = np.inf
    for units in itertools.product(*(range(int(each) + 1) for each in most)):
        made = SurgeSolution(order_units=np.array(units).reshape(problem.shape))
        report = surge.check(problem, made)
        if report.is_feasible:
            best = min(best, report.objective)
    return best


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        # Shelf wants 2 in the first store, stream 2 in the second; 3 lie in the first.
        ({}, 0 + 2 * 2.0 + 1.0),
        # The one left over goes to nobody's shelf: nothing changes.
        ({"transfer_cost": 0.5}, 0 + 2 * 2.0 + 1.0),
        # Held the other way: the first shelf lacks 2, and leftovers of the second come.
        ({"on_hand_units": [[0], [5]]}, 2 * 5.0 + 3 * 1.0),
        ({"on_hand_units": [[0], [5]], "transfer_cost": 0.5}, 2 * 0.5 + 1.0),
        # The second store has just what its stream wants: it is kept for the dearer shelf.
        ({"on_hand_units": [[0], [2]], "transfer_cost": 0.5}, 2 * 2.0 + 2 * 0.5),
        ({"on_hand_units": [[0], [2]], "transfer_cost": 4.0}, 2 * 5.0),
    ],
)
def test_scenario_by_hand(changes: dict[str, Any], cost: float) -> None:
    held = changes.pop("on_hand_units", [[3], [0]])
    problem = made([[[2], [0]]], [[[0], [2]]], held, **changes)
    none = SurgeSolution(order_units=np.zeros((2, 1), dtype=np.int64))
    assert surge.check(problem, none).objective == pytest.approx(cost)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_bound_brute_force_objective(seed: int) -> None:
    problem = drawn(seed)
    best = brute_force(problem)
    assert surge.DOMAIN.bound(problem) <= best + 1e-9
    result = surge.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_gain_of_a_unit_is_the_difference(seed: int) -> None:
    problem = drawn(seed).replace(available_units=None, room_ml=None)
    order = np.random.default_rng(seed).integers(0, 3, problem.shape)
    gain = unit_gain(problem, order)
    before = surge.check(problem, SurgeSolution(order_units=order)).objective
    for store, sku in np.ndindex(*problem.shape):
        more = order.copy()
        more[store, sku] += 1
        after = surge.check(problem, SurgeSolution(order_units=more)).objective
        assert gain[store, sku] == pytest.approx(before - after, abs=1e-9)


def test_stores_that_move_together_gain_less_by_transfers() -> None:
    """Half the stores lack 20 and half have 20 left, or all lack or all have: nothing to move."""
    nothing, mean = np.zeros((6, 3)), np.full((6, 3), 20.0)
    saved = []
    for correlation in (0.0, 1.0):
        chance, live, shelf = surge.draw_scenarios(
            nothing, mean, correlation=correlation, uplift=(0.0, 2.0), count=30
        )
        problem = made(
            shelf,
            live,
            np.full((6, 3), 20),
            probability=chance,
            shelf_margin=np.full(3, 5.0),
            live_margin=np.zeros(3),
            holding_cost=np.ones(3),
        )
        none = SurgeSolution(order_units=np.zeros((6, 3), dtype=np.int64))
        alone = surge.check(problem, none).objective
        shared = surge.check(problem.replace(transfer_cost=0.5), none).objective
        saved.append((alone - shared) / alone)
    assert saved[0] > 0.3
    assert saved[1] < 0.05


def test_more_stock_never_costs_more() -> None:
    problem = drawn(11)
    cost = [
        surge.solve(problem.replace(available_units=np.full(problem.shape[1], units))).objective
        for units in range(4)
    ]
    assert all(more <= less + 1e-9 for less, more in itertools.pairwise(np.array(cost, float)))


@pytest.mark.parametrize(
    ("order", "rule", "by"),
    [
        ([[-1], [0]], "order-negative", 1.0),
        ([[3], [1]], "central-stock", 1.0),
        ([[0], [3]], "store-room", 2.0),
        ([[1]], "shape", 1.0),
    ],
)
def test_checker_names_the_rule_that_is_broken(
    order: list[list[int]], rule: str, by: float
) -> None:
    problem = made(
        [[[2], [0]]], [[[0], [2]]], [[3], [0]],
        available_units=[3], room_ml=[9, 4], volume_ml=[2],
    )  # fmt: skip
    found = surge.check(problem, SurgeSolution(order_units=order)).violations  # type: ignore[arg-type]
    assert [(each.rule, each.by) for each in found] == [(rule, by)]


def test_bad_input_lists_every_problem() -> None:
    with pytest.raises(InputError) as caught:
        made([[[2], [0]]], [[[0], [-2]]], [[3], [0]], live_margin=[9.0], probability=[0.5])
    found = {(issue.code, issue.where) for issue in caught.value.issues}
    assert found == {
        ("out-of-range", "live_units[0, 1, 0]"),
        ("out-of-range", "live_margin[0]"),
        ("out-of-range", "probability"),
    }
    with pytest.raises(InputError, match="correlation"):
        surge.draw_scenarios([[1.0]], [[1.0]], correlation=2.0)
    with pytest.raises(InputError, match="bad-shape"):
        surge.draw_scenarios([[1.0]], [1.0])


def test_scenarios_have_the_stated_mean_and_correlation() -> None:
    chance, shelf, live = surge.draw_scenarios(
        np.full((2, 1), 3.0), np.full((2, 1), 50.0), correlation=1.0, count=4_000
    )
    assert chance.sum() == pytest.approx(1.0)
    assert shelf.mean() == pytest.approx(3.0, abs=0.1)
    assert live.mean() == pytest.approx(50 * 4.5, rel=0.05)
    assert np.corrcoef(live[:, 0, 0], live[:, 1, 0])[0, 1] > 0.95
    apart = surge.draw_scenarios([[3.0], [3.0]], [[50.0], [50.0]], correlation=0.0, count=4_000)[2]
    assert abs(np.corrcoef(apart[:, 0, 0], apart[:, 1, 0])[0, 1]) < 0.06


def test_stock_is_released_as_the_day_goes_on() -> None:
    shelf = Demand(
        law=DemandLaw.NORMAL, mean_units=np.array([50.0]), variance_units=np.array([400.0])
    )
    levels = surge.release_levels(shelf, 12.0, 7.2, [1.0, 0.5, 0.0])
    assert levels[0, 0] == pytest.approx(44.9331, abs=1e-4)
    assert levels[0, 0] > levels[1, 0] > levels[2, 0] == 0.0
    with pytest.raises(InputError, match="left"):
        surge.release_levels(shelf, 12.0, 7.2, [2.0])


def test_what_the_stream_leaves_is_rebalanced() -> None:
    problem = SurgeProblem(
        probability=np.ones(1), shelf_units=np.array([[[3], [3]]]),
        live_units=np.zeros((1, 2, 1), dtype=np.int64), shelf_margin=np.array([5.0]),
        live_margin=np.array([1.0]), holding_cost=np.array([1.0]),
        on_hand_units=np.array([[8], [0]]),
    )  # fmt: skip
    lanes = rebalancing.Lanes(
        lane_from=np.array([0]), lane_to=np.array([1]), unit_cost=np.array([0.2]),
        lane_cost=np.zeros(1),
    )  # fmt: skip
    made = surge.after_stream(problem, problem.on_hand_units, lanes)
    assert rebalancing.solve(made).require().moved_units.tolist() == [[4]]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_prices_of_scenarios_bound_every_order(seed: int) -> None:
    """The engine for large problems keeps the rules, and its bound holds."""
    problem = drawn(seed)
    result = surge.solve(problem, engine="prices", stop=Stop(iterations=40))
    assert surge.check(problem, result.require()).is_feasible
    best = brute_force(problem)
    assert result.bound is not None
    assert result.bound <= best + 1e-6
    assert result.objective is not None
    assert result.objective >= best - 1e-6


@pytest.mark.parametrize(
    ("fare", "room"), [(None, None), (0.0, None), (1.0, None), (4.0, None), (1.0, 30_000)]
)
def test_prices_of_scenarios_agree_with_the_model(fare: float | None, room: int | None) -> None:
    """On a middling problem the bound is near the linear model's, and the order near its order."""
    rng = np.random.default_rng(3)
    shelf = rng.gamma(1.5, 2.0, (6, 8))
    chance, on_shelf, live = surge.draw_scenarios(
        shelf, 0.4 * shelf, correlation=0.7, count=8, seed=2
    )
    margin = rng.uniform(2.0, 9.0, 8)
    problem = SurgeProblem(
        probability=chance, shelf_units=on_shelf, live_units=live, shelf_margin=margin,
        live_margin=0.6 * margin, holding_cost=rng.uniform(0.1, 1.0, 8),
        on_hand_units=rng.poisson(0.5 * shelf), volume_ml=rng.integers(100, 1000, 8),
        available_units=np.full(8, 40), transfer_cost=fare,
        room_ml=None if room is None else np.full(6, room),
    )  # fmt: skip
    exact = surge.solve(problem, engine="scenarios")
    ours = surge.solve(problem, engine="prices")
    assert exact.objective is not None
    assert ours.objective is not None
    assert ours.bound is not None
    assert exact.bound is not None
    assert ours.bound <= exact.objective + 1e-6
    assert ours.objective >= exact.bound - 1e-6
    assert ours.objective - ours.bound <= (0.002 if room is None else 0.01) * ours.objective


def test_prices_count_units_in_large_steps() -> None:
    """Orders of many thousands of units cost what a thousandth of them costs, times a thousand."""
    shelf, live = [[[40], [70]], [[90], [10]]], [[[5], [0]], [[0], [3]]]
    small = made(shelf, live, [[0], [0]], transfer_cost=0.5)
    large = small.replace(
        shelf_units=1_000 * small.shelf_units, live_units=1_000 * small.live_units
    )
    exact = surge.solve(small, engine="scenarios")
    ours = surge.solve(large, engine="prices")
    assert exact.status is Status.OPTIMAL
    assert exact.objective is not None
    assert ours.objective == pytest.approx(1_000 * exact.objective, rel=1e-3)
    assert ours.bound is not None
    assert 970 * exact.objective <= ours.bound <= 1_000 * exact.objective + 1e-6


def test_endless_demand_is_filled_in_batches() -> None:
    """A thousand million units go in batches; no unit that pays is left out at the end."""
    problem = SurgeProblem(
        probability=np.ones(1), shelf_units=np.array([[[10**9], [7]]]),
        live_units=np.zeros((1, 2, 1), dtype=np.int64), shelf_margin=np.array([5.0]),
        live_margin=np.array([1.0]), holding_cost=np.array([1.0]),
        on_hand_units=np.array([[8], [0]]),
    )  # fmt: skip
    result = surge.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.require().order_units.tolist() == [[10**9 - 8], [7]]
