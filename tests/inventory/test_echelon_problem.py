"""Echelon problems: published lines, all levels enumerated, a replay, and the checker."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dispatchopt.core import InputError, Status, Stop, UnsupportedError
from dispatchopt.inventory import echelon
from dispatchopt.inventory.echelon import OUTSIDE, EchelonSolution, two_levels
from dispatchopt.inventory.echelon.check import on_hand_and_owed
from dispatchopt.inventory.echelon.explain import explain, unit_savings
from dispatchopt.testing.kinds.echelon import random_trees

Problem: Any = echelon.EchelonProblem
DATA = Path(os.environ.get("DISPATCHOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def line(rate: float, times: list[float], held: list[float], short: float, **more: Any) -> Any:
    """A line of stages, the one that sells first."""
    size = len(times)
    return Problem(
        supplier=[*range(1, size), OUTSIDE],
        lead_time=times,
        holding_cost=held,
        rate=[rate] + [0.0] * (size - 1),
        shortage_cost=[short] + [0.0] * (size - 1),
        **more,
    )


def cost_of(problem: Any, levels: Any) -> float:
    return echelon.check(problem, EchelonSolution(level_steps=np.array(levels))).objective


@pytest.mark.parametrize(
    ("echelon_cost", "levels", "cost"),
    [
        ([0.25, 0.25, 0.25, 0.25], [8, 13, 18, 22], 12.688),
        ([0.25, 2.5, 2.5, 0.25], [9, 10, 13, 19], 53.008),
    ],
)
def test_lines_of_shang_and_song(echelon_cost: list[float], levels: list[int], cost: float) -> None:
    """Rows 1 and 9 of their Table 1: the optimum, and what the checker says of it."""
    held = np.cumsum(echelon_cost[::-1])[::-1].tolist()
    problem = line(16, [0.25] * 4, held, 9)
    result = echelon.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(cost, abs=2e-3)
    assert result.require().echelon_steps(problem).tolist() == levels


def test_two_stages_of_rossi() -> None:
    """Periodic review of two stages: five periods and the one of the review each."""
    result = echelon.solve(line(10, [6, 6], [1.5, 1.0], 10))
    assert result.require().level_steps.tolist() == [74, 59]
    in_transit = result.parts["in_transit"]
    assert in_transit == pytest.approx(60)
    assert (result.objective or 0) - in_transit == pytest.approx(26.364038, abs=1e-4)


@pytest.mark.parametrize("step", [0.1, 0.05])
def test_line_under_the_normal_law(step: float) -> None:
    """Example 6.1 of Snyder and Shen: 47.65 in theory, 47.67 on a published grid."""
    problem = line(
        5, [1, 1, 2], [7, 4, 2], 37.12, demand_law="normal", variance=[1, 0, 0], step_units=step
    )
    result = echelon.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(47.66, abs=0.02)
    levels = result.require().echelon_steps(problem) * step
    assert levels.tolist() == pytest.approx([6.49, 12.02, 22.71], abs=step)


@pytest.mark.data
@pytest.mark.parametrize(
    "name", ["shang_song_1", "shang_song_9", "shang_song_17", "shang_song_25", "example_6_1"]
)
def test_lines_of_the_published_collection(name: str) -> None:
    """Every serial instance with a known answer; the others are checked to be proven."""
    path = DATA / "inventory" / "stockpyl" / "stockpyl_instances.json"
    if not path.exists():
        pytest.skip(f"needs {path}")
    all_of_them = json.loads(path.read_text())["instances"]
    nodes = next(each for each in all_of_them if each["name"] == name)["data"]["_nodes"]
    nodes.sort(key=lambda node: node["_index"])
    added = np.array([node["echelon_holding_cost"] for node in nodes])
    held = np.cumsum(added[::-1])[::-1].tolist()
    source = nodes[0]["demand_source"]
    more: dict[str, Any] = {}
    if source["type"] == "N":
        spread = [source["standard_deviation"] ** 2] + [0.0] * (len(nodes) - 1)
        more = {"demand_law": "normal", "variance": spread, "step_units": 0.05}
    times = [node["shipment_lead_time"] for node in nodes]
    problem = line(source["mean"], times, held, nodes[0]["stockout_cost"], **more)
    result = echelon.solve(problem)
    assert result.status is Status.OPTIMAL
    known = {"shang_song_1": 12.688, "shang_song_9": 53.008, "example_6_1": 47.66}
    if name in known:
        assert result.objective == pytest.approx(known[name], abs=0.02)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_levels_are_cheaper(seed: int) -> None:
    """A small tree: the optimum is that of all levels around it; bounds are below all of them."""
    rng = np.random.default_rng(seed)
    problem = random_trees(rng, int(rng.integers(1, 5)))
    result = echelon.solve(problem, engine="exact")
    assert result.status is Status.OPTIMAL
    levels = result.require().level_steps
    lowest = min(
        cost_of(problem, np.maximum(levels + np.array(change), 0))
        for change in itertools.product((-2, -1, 0, 1, 2), repeat=problem.num_stages)
    )
    assert result.objective == pytest.approx(lowest, rel=1e-9, abs=1e-9)
    far = [cost_of(problem, rng.integers(0, 12, problem.num_stages)) for _ in range(10)]
    assert min(far) >= (result.bound or 0) - 1e-6
    assert echelon.DOMAIN.bound(problem) <= (result.objective or 0) + 1e-9


def test_all_warehouse_levels_enumerated() -> None:
    """Two stores: every pair of levels up to far beyond any sense."""
    problem = two_levels(
        rate=[[0.7], [1.3]], lead_time=[[1.0], [0.5]], holding_cost=1.0,
        shortage_cost=[[4.0], [9.0]],
        warehouse_lead_time=1.5, warehouse_holding_cost=0.4,
    )  # fmt: skip
    result = echelon.solve(problem)
    costs = {
        levels: cost_of(problem, levels)
        for levels in itertools.product(range(9), range(6), range(7))
    }
    assert result.objective == pytest.approx(min(costs.values()), rel=1e-12)
    assert result.status is Status.OPTIMAL


def replayed(problem: Any, levels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Units owed by warehouse and stores, sampled one by one: mean and error of 20 runs."""
    rng = np.random.default_rng(seed)
    rate, time = problem.rate[1:], problem.lead_time
    total, horizon = float(rate.sum()), 4_000.0
    runs = []
    for _ in range(20):
        moments = np.sort(rng.uniform(0, horizon, rng.poisson(total * horizon)))
        who = rng.choice(rate.size, moments.size, p=rate / total)
        # The unit for order n was ordered by the demand ``level`` orders before.
        first = int(levels[0])
        ready = np.zeros(moments.size)
        if first == 0:
            ready = moments + time[0]
        else:
            ready[first:] = moments[:-first] + time[0]
        sent = np.maximum(moments, ready)
        owed = [float((sent - moments).sum()) / horizon]
        for store in range(rate.size):
            asked, comes = moments[who == store], sent[who == store] + time[store + 1]
            own = int(levels[store + 1])
            met = np.concatenate([np.zeros(own), np.sort(comes)])[: asked.size]
            owed.append(float(np.maximum(met - asked, 0).sum()) / horizon)
        runs.append(owed)
    values = np.array(runs)
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


@pytest.mark.parametrize("levels", [[6, 2, 2, 2], [0, 4, 5, 3], [9, 1, 3, 1]])
def test_backorders_within_three_standard_errors_of_a_replay(levels: list[int]) -> None:
    problem = two_levels(
        rate=[[1.0], [2.0], [0.5]], lead_time=[[1.0], [0.5], [2.0]], holding_cost=1.0,
        shortage_cost=4.0, warehouse_lead_time=2.0, warehouse_holding_cost=0.6,
    )  # fmt: skip
    _, owed, _ = on_hand_and_owed(problem, np.array(levels))
    mean, error = replayed(problem, np.array(levels), 5)
    assert (np.abs(owed - mean) <= 3 * error + 1e-3).all(), (owed, mean, error)


def test_single_stage_is_a_newsvendor() -> None:
    problem = line(4, [2.0], [1.0], 9)
    level = int(stats.poisson.ppf(0.9, 8.0))
    result = echelon.solve(problem)
    assert result.require().level_steps.tolist() == [level]
    demand = np.arange(80)
    over = np.maximum(level - demand, 0) + 9 * np.maximum(demand - level, 0)
    assert result.objective == pytest.approx(float(over @ stats.poisson.pmf(demand, 8.0)))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_stores_fall_and_names_change_nothing(seed: int) -> None:
    """Dearer stock never costs less; shorter times never cost more; order and names are free."""
    rng = np.random.default_rng(seed)
    stores = int(rng.integers(1, 6))
    fields: dict[str, Any] = {
        "rate": rng.random((stores, 1)) * 3 + 0.01,
        "lead_time": rng.random((stores, 1)) * 2,
        "holding_cost": rng.random((stores, 1)) + 0.5,
        "shortage_cost": rng.random((stores, 1)) * 20 + 1,
        "warehouse_lead_time": float(rng.random() * 3),
        "warehouse_holding_cost": float(rng.random()),
    }
    best = echelon.solve(two_levels(**fields)).objective or 0.0
    dearer = {**fields, "holding_cost": fields["holding_cost"] * 1.5}
    assert (echelon.solve(two_levels(**dearer)).objective or 0.0) >= best - 1e-9
    sooner = {**fields, "warehouse_lead_time": 0.5 * fields["warehouse_lead_time"]}
    assert (echelon.solve(two_levels(**sooner)).objective or 0.0) <= best + 1e-9
    turned = {
        name: values[::-1] if isinstance(values, np.ndarray) else values
        for name, values in fields.items()
    }
    named = two_levels(**turned, store_ids=tuple(f"x{row}" for row in range(stores)))
    assert echelon.solve(named).objective == pytest.approx(best, rel=1e-9)
    descent = echelon.solve(two_levels(**fields), engine="descent")
    assert (descent.bound or 0.0) <= best + 1e-9 <= (descent.objective or 0.0) + 2e-9


def test_a_deep_tree_is_descended() -> None:
    """Three levels with branches: the exact engine says no, descent finds no better neighbour."""
    problem = Problem(
        supplier=[OUTSIDE, 0, 0, 1, 1, 2, 2],
        lead_time=[3, 1, 2, 1, 1, 0.5, 0.5],
        holding_cost=[0.3, 0.6, 0.6, 1, 1, 1, 1],
        rate=[0, 0.5, 0, 2, 3, 1, 1],
        shortage_cost=[0, 5, 0, 9, 9, 9, 19],
    )
    with pytest.raises(UnsupportedError, match="branches below"):
        echelon.solve(problem, engine="exact")
    result = echelon.solve(problem)
    assert result.engine == "descent"
    levels = result.require().level_steps
    saved = unit_savings(problem, EchelonSolution(level_steps=levels))
    assert (saved <= 1e-9).all()
    for row in range(problem.num_stages):
        fewer = levels.copy()
        fewer[row] -= 1
        assert cost_of(problem, fewer) >= (result.objective or 0.0) - 1e-9
        more = levels.copy()
        more[row] += 1
        assert cost_of(problem, levels) - cost_of(problem, more) == pytest.approx(saved[row])


def test_explained() -> None:
    problem = line(2, [0.1, 5.0], [1.0, 0.5], 9)
    waiting, stages = explain(problem, EchelonSolution(level_steps=np.array([1, 8])))
    assert waiting.rows[0]["reason"] == "supplier-waits"
    assert {row["stage"] for row in stages.rows} == {"0", "1"}
    # One more unit of the warehouse pays at so low a level.
    assert max(float(row["saving_of_a_unit"] or 0) for row in stages.rows) > 0


def test_extremes_stay_finite() -> None:
    """Nothing to sell, no lead times, tiny and huge costs and rates: whole levels, finite costs."""
    for rate, time, short in itertools.product((0.0, 1e-9, 3e4), (0.0, 1e-9, 1.0), (1e-9, 1e9)):
        problem = two_levels(
            rate=[[rate], [rate / 3]], lead_time=[[time], [time]], holding_cost=1.0,
            shortage_cost=short, warehouse_lead_time=time, warehouse_holding_cost=0.0,
        )  # fmt: skip
        result = echelon.solve(problem, stop=Stop(time_s=20))
        assert np.isfinite(result.objective)
        assert (result.require().level_steps >= 0).all()


def test_checker_names_each_rule() -> None:
    problem = line(4, [2.0], [1.0], 9)
    (broken,) = echelon.check(problem, EchelonSolution(level_steps=np.array([-3]))).violations
    assert (broken.rule, broken.by) == ("level-negative", 3.0)
    (broken,) = echelon.check(problem, EchelonSolution(level_steps=np.array([1, 2]))).violations
    assert broken.rule == "shape"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"supplier": [1, 0]}, "circular-supply"),
        ({"supplier": [1, 7]}, "out-of-range"),
        ({"lead_time": [1.0, float("nan")]}, "out-of-range"),
        ({"holding_cost": [0.0, 0.0]}, "out-of-range"),
        ({"shortage_cost": [0.0, 0.0]}, "out-of-range"),
        ({"rate": [1e8, 0.0]}, "too-large"),
        ({"rate": ["x", 0.0]}, "bad-number"),
        ({"lead_time": [1.0]}, "bad-shape"),
        ({"demand_law": "gamma"}, "unknown-choice"),
        ({"step_units": 0.5}, "bad-value"),
        ({"variance": [1.0, 0.0]}, "bad-value"),
        ({"demand_law": "normal", "rate": [1.0, 1.0], "shortage_cost": [9.0, 9.0]}, "bad-value"),
        ({"stage_ids": ("a", "a")}, "duplicate-id"),
        ({"stage_ids": ("a",)}, "bad-shape"),
    ],
)
def test_bad_problems_are_refused(changes: dict[str, Any], code: str) -> None:
    fields: dict[str, Any] = {
        "supplier": [1, OUTSIDE],
        "lead_time": [1.0, 2.0],
        "holding_cost": [1.0, 0.5],
        "rate": [1.0, 0.0],
        "shortage_cost": [9.0, 0.0],
    }
    with pytest.raises(InputError) as caught:
        Problem(**{**fields, **changes})
    assert code in {issue.code for issue in caught.value.issues}


def test_too_deep_a_line_is_refused() -> None:
    with pytest.raises(InputError, match="too-large"):
        line(0.001, [0.0] * 101, [1.0] * 101, 9)
