"""Guaranteed service: by hand, checker, all answers of small cases, published networks."""

from __future__ import annotations

import itertools
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.guaranteed_service_published import LINES, NETWORKS, line, network, network_path
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import io
from dispatchopt.core import InputError, Status, Stop
from dispatchopt.inventory import guaranteed_service as gs
from dispatchopt.inventory.guaranteed_service.bound import bound
from dispatchopt.testing.kinds.guaranteed_service import random_problem

DATA = Path(os.environ.get("DISPATCHOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))
Problem: Any = gs.GuaranteedServiceProblem
Answer: Any = gs.GuaranteedServiceSolution
chain: Any = gs.supply_chain
solve = gs.solve


def two_stages(**changes: Any) -> Any:
    """A mill takes 6 days, a bakery 3 more, and must deliver at once."""
    fields = {
        "time_periods": [6, 3],
        "holding_cost": [1.0, 4.0],
        "safety_units": [2.0, 2.0],
        "supplier": [0],
        "customer": [1],
        "max_service_periods": [gs.NO_LIMIT, 0],
        "stage_ids": ("mill", "bakery"),
    }
    return Problem(**{**fields, **changes})


def test_two_stages_by_hand() -> None:
    """Either both keep stock, 2 sqrt(6) + 8 sqrt(3), or the bakery alone, 8 sqrt(9)."""
    result = solve(two_stages())
    assert result.status is Status.OPTIMAL
    assert result.engine == "tree"
    assert result.objective == pytest.approx(2 * math.sqrt(6) + 8 * math.sqrt(3))
    assert result.require().service_periods.tolist() == [0, 0]
    # Where stock at the mill is nearly as dear as at the bakery, the bakery keeps it all.
    dear = solve(two_stages(holding_cost=[3.9, 4.0]))
    assert dear.objective == pytest.approx(24.0)
    assert dear.require().service_periods.tolist() == [6, 0]
    # A customer that waits nine days needs no stock at all.
    assert solve(two_stages(max_service_periods=[gs.NO_LIMIT, 9])).objective == 0


@pytest.mark.parametrize(
    ("service", "rule", "by"),
    [
        ([7, 0], "service-beyond-replenishment", 1.0),
        ([0, 1], "service-too-long", 1.0),
        ([-2, 0], "negative-service", 2.0),
        ([0, 0, 0], "shape", 1.0),
    ],
)
def test_each_broken_rule_is_named(service: list[int], rule: str, by: float) -> None:
    report = gs.check(two_stages(), Answer(service_periods=service))
    assert [(each.rule, each.by) for each in report.violations] == [(rule, by)]


def test_checker_by_hand() -> None:
    report = gs.check(two_stages(inbound_periods=[3, 0]), Answer(service_periods=[5, 0]))
    assert report.is_feasible
    assert report.objective == pytest.approx(2 * math.sqrt(4) + 8 * math.sqrt(8))
    assert report.figures["stages_with_stock"] == 2


def test_bad_problems_are_refused_with_every_issue() -> None:
    with pytest.raises(InputError) as caught:
        two_stages(time_periods=[-1, 3], holding_cost=[math.nan, 1.0], supplier=[2])
    assert len(caught.value.issues) == 3
    with pytest.raises(InputError, match="circular-supply"):
        two_stages(supplier=[0, 1], customer=[1, 0])
    with pytest.raises(InputError, match="too-large"):
        two_stages(time_periods=[9_000, 9_000])
    with pytest.raises(InputError, match="duplicate-pair"):
        two_stages(supplier=[0, 0], customer=[1, 1])
    with pytest.raises(InputError, match="pooling"):
        chain(added_cost=[1.0], safety_units=[1.0], pooling=[0.5], time_periods=[1],
              supplier=[], customer=[], max_service_periods=[0])  # fmt: skip


def test_demand_and_costs_along_a_chain() -> None:
    """Two stores of 3 and 4 units pool to 5 at the warehouse; one unit holds two parts."""
    made = chain(
        added_cost=[1.0, 2.0, 4.0, 4.0],
        safety_units=[0.0, 0.0, 3.0, 4.0],
        units_per_unit=[2.0, 1.0, 1.0],
        time_periods=[1, 1, 1, 1],
        supplier=[0, 1, 1],
        customer=[1, 2, 3],
        max_service_periods=[-1, -1, 0, 0],
        holding_rate=0.5,
    )
    assert made.holding_cost.tolist() == [0.5, 1.5, 3.5, 3.5]
    assert made.safety_units.tolist() == pytest.approx([10.0, 5.0, 3.0, 4.0])


def least_cost(problem: Any) -> float:
    """The best of all service times up to the horizon."""
    ranges = [range(int(reach) + 1) for reach in problem.horizon]
    reports = (
        gs.check(problem, Answer(service_periods=list(each))) for each in itertools.product(*ranges)
    )
    return min(report.objective for report in reports if report.is_feasible)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(1, 4))
def test_engines_equal_brute_force(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, size, share=0.7)
    problem = problem.replace(
        time_periods=np.minimum(problem.time_periods, 2), inbound_periods=rng.integers(0, 2, size)
    )
    best = least_cost(problem)
    assert bound(problem) <= best + 1e-9
    result = solve(problem, engine="branch")
    assert result.objective == pytest.approx(best, abs=1e-9)
    assert result.status is Status.OPTIMAL
    if solve(problem).engine == "tree":
        assert solve(problem).objective == pytest.approx(best, abs=1e-9)


def least(problem: Any) -> float:
    result = solve(problem, engine="branch", stop=Stop(iterations=20_000))
    assert result.status is Status.OPTIMAL
    return result.objective or 0.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_properties_of_the_optimum(seed: int) -> None:
    """Longer promises never cost more, faster stages neither; order of stages changes nothing."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, 5)
    cost = least(problem)
    looser = np.where(problem.max_service_periods < 0, -1, problem.max_service_periods + 1)
    faster = np.maximum(problem.time_periods - 1, 0)
    for change in ({"max_service_periods": looser}, {"time_periods": faster}):
        assert least(problem.replace(**change)) <= cost + 1e-6
    rank = rng.permutation(5)
    place = np.argsort(rank)
    moved = {
        name: getattr(problem, name)[rank]
        for name in ("time_periods", "holding_cost", "safety_units", "max_service_periods")
    }
    other = Problem(
        **moved,
        inbound_periods=problem.inbound[rank],
        supplier=place[problem.supplier],
        customer=place[problem.customer],
    )
    assert least(other) == pytest.approx(cost, abs=1e-6)


@pytest.mark.parametrize(("added", "lead", "published"), LINES)
def test_serial_lines_of_schoenmeyr_and_graves(
    added: tuple[float, ...], lead: tuple[int, ...], published: float
) -> None:
    result = solve(line(added, lead))
    assert result.objective == pytest.approx(published, abs=0.5)


@pytest.mark.data
@pytest.mark.parametrize(("name", "rate", "most", "exact"), NETWORKS)
def test_published_networks(name: str, rate: float, most: dict[str, int], exact: float) -> None:
    path = network_path(name)
    if not path.exists():
        pytest.skip(f"needs {path}")
    result = solve(network(path, rate, most))
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(exact, abs=0.01)


@pytest.mark.data
@pytest.mark.parametrize("number", [1, 2, 4, 5, 6, 9, 10])
def test_real_chains(number: int) -> None:
    folder = DATA / "inventory"
    path = folder / "willems38" / f"chain_{number:02d}.json"
    if not path.exists():
        pytest.skip(f"needs {path}")
    answers = json.loads((folder / "known_answers" / "known_answers.json").read_text())
    known = {each["id"]: each["expected"] for each in answers}
    instance = io.read(path)
    result = solve(instance.problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(known[f"GSM-willems-{number:02d}"]["cost"], rel=1e-4)


def willems(tmp_path: Path, **changes: Any) -> Path:
    value = {
        "chain": 99,
        "stages": [
            {"Stage Name": "a", "stageCost": 2, "stageTime": 5.4},
            {"Stage Name": "b", "stageCost": 1, "stageTime": 1, "avgDemand": 9,
             "stdDevDemand": 3.0, "serviceLevel": 0.95},
        ],
        "arcs": [["a", "b"]],
    }  # fmt: skip
    path = tmp_path / "chain.json"
    path.write_text(json.dumps({**value, **changes}))
    return path


def test_reading_a_chain(tmp_path: Path) -> None:
    instance = io.read(willems(tmp_path), options={"holding_rate": "0.5"})
    problem = instance.problem
    assert problem.time_periods.tolist() == [5, 1]
    assert problem.holding_cost.tolist() == [1.0, 1.5]
    assert problem.safety_units.tolist() == pytest.approx([3 * 1.6448536] * 2)
    assert problem.max_service_periods.tolist() == [-1, 0]
    assert instance.kind == "guaranteed-service"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"arcs": [["a", "c"]]}, "unknown-reference"),
        ({"arcs": [["a"]]}, "wrong-type"),
        ({"arcs": [["a", "b"], ["b", "a"]]}, "circular-supply"),
        ({"stages": [{"Stage Name": "a", "stageTime": -1}], "arcs": []}, "out-of-range"),
        ({"stages": [{"Stage Name": "a", "stageTime": "1"}], "arcs": []}, "wrong-type"),
        ({"stages": [{"Stage Name": "a"}, {"Stage Name": "a"}], "arcs": []}, "duplicate-id"),
        ({"stages": [{"stageTime": 1}], "arcs": []}, "wrong-type"),
        ({"stages": [{"Stage Name": "a", "stageTime": 1}, 3], "arcs": []}, "wrong-type"),
    ],
)
def test_damaged_chains(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        io.read(willems(tmp_path, **changes))
    assert code in {issue.code for issue in caught.value.issues}
