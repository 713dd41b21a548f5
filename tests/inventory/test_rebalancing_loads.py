"""Loads of vans: knapsacks against all choices, and the search that loads lanes anew."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.inventory import rebalancing
from dispatchopt.inventory.rebalancing import RebalancingSolution
from dispatchopt.inventory.rebalancing.engines import _loads
from dispatchopt.inventory.rebalancing.engines._compiled_knapsack import fill
from dispatchopt.inventory.rebalancing.engines._compiled_search import put
from dispatchopt.inventory.rebalancing.engines._flips import Flips
from dispatchopt.inventory.rebalancing.engines._flow import Flows
from dispatchopt.inventory.rebalancing.engines._joint import Joint
from dispatchopt.inventory.rebalancing.engines._loads import Loads
from dispatchopt.inventory.rebalancing.engines._plan import Plan
from dispatchopt.inventory.rebalancing.engines._search import Search
from dispatchopt.inventory.rebalancing.engines._steps import Worth
from dispatchopt.testing.kinds.rebalancing import drawn


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), nodes=st.sampled_from([1, 3, 3_000]))
def test_the_load_of_a_van_is_the_best_of_all(seed: int, nodes: int) -> None:
    """The bound holds with any number of nodes, and is the optimum with many."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 10))
    value, size = rng.uniform(0.1, 5, count), rng.integers(0, 9, count).astype(np.float64)
    room = float(rng.integers(0, 20))
    taken, order, now = np.empty((3, count), dtype=np.int64)
    bound, found = fill(count, value, size, room, nodes, taken, order, now)
    choices = np.array(list(itertools.product([0, 1], repeat=count)))
    best = float((choices @ value)[choices @ size <= room].max())
    assert found <= best + 1e-9 <= bound + 1e-6
    assert taken @ size <= room
    assert taken @ value == pytest.approx(found)
    if nodes == 3_000:
        assert bound == pytest.approx(best)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), stores=st.sampled_from([4, 15]))
def test_lanes_loaded_anew_keep_the_rules_and_their_cost(seed: int, stores: int) -> None:
    """What the search says that it saves is what the checker finds, in one part and in halves."""
    rng = np.random.default_rng(seed)
    problem = drawn(rng, stores, 3, on_hand_units=rng.integers(0, 6, (stores, 3)))
    lanes = problem.num_lanes
    problem = problem.replace(
        lane_cost=np.round(rng.random(lanes), 2), capacity_ml=rng.integers(0, 900, lanes)
    )
    worth = Worth(problem)
    loads = Loads(worth)
    list(loads.ascend(-1.0, 30, lambda: False))
    start = [np.zeros(n, np.int64) for n in np.diff(worth.lane_first)]
    search = Search(loads, start, seed, is_priced=bool(seed % 2))
    none = np.zeros((lanes, problem.num_skus), dtype=np.int64)
    base = rebalancing.check(problem, RebalancingSolution(moved_units=none)).objective
    change = sum(search.go(50, share) for share in (0.0, 0.5, 1.0))
    moved = np.zeros((lanes, problem.num_skus), dtype=np.int64)
    for sku, units in enumerate(loads.by_sku(search.moved)):
        moved[worth.lane[worth.lane_first[sku] : worth.lane_first[sku + 1]], sku] = units
    report = rebalancing.check(problem, RebalancingSolution(moved_units=moved))
    assert report.is_feasible
    if change < 1e3:  # units that are nobody's use cost more than any is worth
        assert report.objective == pytest.approx(base + change)
    assert base + loads.bound <= report.objective + 1e-6


def test_threads_change_nothing_but_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Halves of the stores, and parts of lanes and groups, give the same one after the other."""
    rng = np.random.default_rng(5)
    problem = drawn(rng, 15, 20, on_hand_units=rng.integers(0, 9, (15, 20)))
    lanes = problem.num_lanes
    problem = problem.replace(
        lane_cost=2 * rng.random(lanes), capacity_ml=rng.integers(50, 400, lanes)
    )
    worth = Worth(problem)
    start = [np.zeros(n, np.int64) for n in np.diff(worth.lane_first)]
    found = []
    for parts, least in ((2, 0), (2, 10**9), (1, 0)):
        monkeypatch.setattr(_loads, "_PARTS", parts)
        monkeypatch.setattr(_loads, "_MIN_SPLIT", least)
        loads = Loads(worth)
        list(loads.ascend(-50.0, 20, lambda: False))
        joint = Joint(loads)
        list(joint.ascend(-50.0, 20, lambda: False))
        search = Search(loads, start, 3, is_priced=True)
        changes = [search.go(200, share) for share in (0.0, 0.5, 1.0)]
        found.append((loads.bound, joint.bound, changes, search.moved))
    assert lanes >= 100  # so that there are halves
    assert found[0][3].any()
    for bound, joint_bound, saved, moved in found[1:]:
        assert bound == pytest.approx(found[0][0], rel=1e-12)
        assert joint_bound == pytest.approx(found[0][1], rel=1e-9)
        assert saved == pytest.approx(found[0][2])
        assert np.array_equal(moved, found[0][3])


@pytest.mark.parametrize("litres", [None, 2])
def test_small_cases_whose_lanes_cost_something_are_proven(litres: int | None) -> None:
    """The search for whole units closes what prices leave open, and agrees with their bound."""
    rng = np.random.default_rng(8)
    problem = drawn(rng, 5, 6, on_hand_units=rng.integers(0, 7, (5, 6)))
    capacity = None if litres is None else np.full(problem.num_lanes, 1_000 * litres)
    problem = problem.replace(lane_cost=np.full(problem.num_lanes, 1.5), capacity_ml=capacity)
    result = rebalancing.solve(problem, engine="lanes")
    assert result.status == "optimal"
    loads = Loads(Worth(problem))
    nothing = np.zeros((problem.num_lanes, problem.num_skus), dtype=np.int64)
    base = rebalancing.check(problem, RebalancingSolution(moved_units=nothing)).objective
    objective = result.objective or 0.0
    for bound in loads.ascend(objective - base, 60, lambda: False):
        assert base + bound <= objective + 1e-6


def test_units_that_pass_through_a_store_are_taken_off_and_put_back_for_nothing() -> None:
    """A lane emptied before the one that its units go on with costs nothing once both are back."""
    never = 1e4
    # Pairs: source, store between (no unit of its own can pay), target; a lane from each on.
    first, base = np.array([0, 2, 2, 4]), np.array([2, 2, 2])
    value = np.array([0.7, 0.5, 3.0, 2.0])
    marginal = first, base, value, np.zeros(4), never
    entries = np.array([0, 1]), np.array([1, 2]), np.ones(2), np.array([0.1, 0.2])
    added, sent = np.zeros((2, 3), dtype=np.int64)
    state = np.zeros(2, np.int64), added, sent
    change = 0.0
    for units, lane in ((2, 0), (2, 1), (-2, 0), (2, 0)):
        change += put(lane, units, entries, marginal, state)
    assert added.tolist() == [-2, 0, 2]
    assert sent.tolist() == [2, 2, 0]
    assert change == pytest.approx(0.5 + 0.7 - 3.0 - 2.0 + 0.6)
    for units, lane in ((-2, 1), (2, 1), (-2, 1), (-2, 0)):
        change += put(lane, units, entries, marginal, state)
    assert change == pytest.approx(0.0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_lanes_into_a_store_together_bound_better_than_each_alone(seed: int) -> None:
    """At the prices at hand the joint bound is no lower, and below the cost of any plan."""
    rng = np.random.default_rng(seed)
    problem = drawn(rng, 5, 4, on_hand_units=rng.integers(0, 7, (5, 4)))
    lanes = problem.num_lanes
    problem = problem.replace(
        lane_cost=np.round(2 * rng.random(lanes), 2),
        capacity_ml=rng.integers(1, 3_000, lanes) if rng.random() < 0.5 else None,
    )
    worth = Worth(problem)
    loads = Loads(worth)
    none = np.zeros((lanes, problem.num_skus), dtype=np.int64)
    base = rebalancing.check(problem, RebalancingSolution(moved_units=none)).objective
    list(loads.ascend(-0.2 * base, 40, lambda: False))
    joint = Joint(loads)
    if problem.capacity_ml is None:
        assert joint.evaluate(joint.price)[0] >= loads.bound - 1e-6
    list(joint.ascend(-0.2 * base, 40, lambda: False))
    plan = Plan(Flows(worth, 0))
    plan.fill(np.zeros(lanes), np.arange(problem.num_skus), lambda: False)
    flips = Flips(plan)
    before = plan.total
    for _ in range(3):
        change = flips.go(np.flatnonzero(problem.lane_cost > 0), lambda: False)
        assert change <= 1e-9
    plan.take(flips.units())
    assert plan.total == pytest.approx(before + flips.change)
    report = rebalancing.check(problem, plan.solution())
    assert report.is_feasible
    assert report.objective == pytest.approx(base + plan.total)
    result = rebalancing.solve(problem, engine="lanes")
    assert result.objective is not None
    assert result.objective <= report.objective + 1e-6 or result.status != "optimal"
    for bound in (loads.bound, joint.bound):
        assert base + bound <= min(report.objective, result.objective) + 1e-6
