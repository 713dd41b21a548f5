"""Every known answer that is given, each through the function or problem that it belongs to."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dispatchopt.inventory import InventoryProblem, check, echelon, perishables, solve, surge
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.formulas import (
    cycle_service,
    economic_order,
    expected_cost,
    newsvendor_level,
    reorder_point,
)
from dispatchopt.inventory.lot_sizes import best_rq, best_ss, wagner_whitin
from dispatchopt.inventory.problem import DemandLaw, InventorySolution
from dispatchopt.inventory.protection import littlewood
from dispatchopt.inventory.surge import SurgeProblem, SurgeSolution

DATA = Path(os.environ.get("DISPATCHOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))
PATH = DATA / "inventory" / "known_answers" / "known_answers.json"
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not PATH.exists(), reason=f"needs {PATH}"),
]
#: Answers that other tests confirm, with the file that does.
ELSEWHERE = {
    "GSM": "test_guaranteed_service.py",
    "SIM": "test_replay.py",
}
#: An answer to a model that is not ours: carriers with rates by weight, lines cut in parts.
NOT_OURS = {"SRC1"}
Given = dict[str, Any]


@functools.cache
def answers() -> dict[str, Given]:
    """All answers by name."""
    return {each["id"]: each for each in json.loads(PATH.read_text())}


def given(name: str) -> tuple[Given, Given]:
    each = answers()[name]
    return each["inputs"], each["expected"]


def normal(inputs: Given, periods: int = 1) -> Demand:
    return Demand(
        law=DemandLaw.NORMAL,
        mean_units=periods * inputs["mean"],
        variance_units=periods * inputs["sd"] ** 2,
    )


def poisson(mean: float) -> Demand:
    return Demand(law=DemandLaw.POISSON, mean_units=mean, variance_units=mean)


def newsvendor(name: str, demand: Demand) -> None:
    inputs, expected = given(name)
    level = inputs.get("S")
    if level is None:
        level = float(newsvendor_level(demand, inputs["h"], inputs["p"]))
        assert level == pytest.approx(expected["S"], rel=1e-6)
    if "cost" in expected:
        cost = float(expected_cost(demand, level, inputs["h"], inputs["p"]))
        assert cost == pytest.approx(expected["cost"], rel=1e-6)
    if "cost_at_12" in expected:
        at_12 = float(expected_cost(demand, 12.0, inputs["h"], inputs["p"]))
        assert at_12 == pytest.approx(expected["cost_at_12"], rel=1e-6)


def zheng(name: str) -> None:
    inputs, expected = given(name)
    made = best_ss(poisson(inputs["mu"]), inputs["K"], inputs["h"], inputs["b"])
    assert (made.reorder_units, made.level_units) == (expected["s"], expected["S"])
    assert made.cost == pytest.approx(expected["cost"], rel=1e-6)


def ss1(name: str) -> None:
    inputs, expected = given(name)
    costs = (inputs["fixed_cost"], inputs["holding_cost"], inputs["stockout_cost"])
    made = best_ss(poisson(inputs["demand_mean"]), *costs)
    assert (made.reorder_units, made.level_units) == (expected["s"], expected["S"])
    assert made.cost == pytest.approx(expected["cost"], rel=1e-6)


def rq1(name: str) -> None:
    inputs, expected = given(name)
    rate = inputs["demand_mean"]
    costs = (inputs["fixed_cost"], inputs["holding_cost"], inputs["stockout_cost"])
    made = best_rq(poisson(rate * inputs["lead_time"]), rate, *costs)
    assert (made.reorder_units, made.quantity_units) == (expected["r"], expected["Q"])
    assert made.cost == pytest.approx(expected["cost"], rel=1e-6)


def eoq1(name: str) -> None:
    inputs, expected = given(name)
    lot, cost = economic_order(inputs["fixed_cost"], inputs["holding_cost"], inputs["demand_rate"])
    assert float(lot) == pytest.approx(expected["Q"])
    assert float(cost) == pytest.approx(expected["cost"])


def ww1(name: str) -> None:
    inputs, expected = given(name)
    orders, cost = wagner_whitin(inputs["demand"], inputs["fixed_cost"], inputs["holding_cost"])
    assert np.asarray(orders).tolist() == expected["orders"]
    assert cost == pytest.approx(expected["cost"])


def line(name: str) -> None:
    expected = given(name)[1]
    added = {"SSM-shang_song_1": [0.25] * 4, "SSM-shang_song_9": [0.25, 2.5, 2.5, 0.25]}[name]
    problem = echelon.EchelonProblem(
        supplier=np.array([1, 2, 3, -1]),
        lead_time=np.full(4, 0.25),
        holding_cost=np.cumsum(added[::-1])[::-1],
        rate=np.array([16.0, 0, 0, 0]),
        shortage_cost=np.array([9.0, 0, 0, 0]),
    )
    made = echelon.solve(problem)
    levels = made.require().echelon_steps(problem).tolist()
    assert levels == list(expected["S"].values())
    assert made.objective == pytest.approx(expected["cost"], abs=2e-3)


def normal_line(name: str) -> None:
    expected = given(name)[1]
    problem = echelon.EchelonProblem(
        supplier=np.array([1, 2, -1]),
        lead_time=np.array([1.0, 1, 2]),
        holding_cost=np.array([7.0, 4, 2]),
        rate=np.array([5.0, 0, 0]),
        shortage_cost=np.array([37.12, 0, 0]),
        demand_law=echelon.EchelonLaw.NORMAL,
        variance=np.array([1.0, 0, 0]),
        step_units=0.05,
    )
    assert echelon.solve(problem).objective == pytest.approx(expected["cost"], abs=0.02)


def rossi(name: str) -> None:
    inputs, expected = given(name)
    # An order of a period covers the lead time and the period of the review.
    times = [inputs["L_R"] + 1.0, inputs["L_W"] + 1.0]
    problem = echelon.EchelonProblem(
        supplier=np.array([1, -1]),
        lead_time=np.array(times),
        holding_cost=np.array([inputs["h_R"], inputs["h_W"]]),
        rate=np.array([inputs["rate"], 0.0]),
        shortage_cost=np.array([inputs["b"], 0.0]),
    )
    made = echelon.solve(problem)
    levels = made.require().echelon_steps(problem).tolist()
    assert levels == [expected["y_R"], expected["y_W"]]
    cost = (made.objective or 0.0) - made.parts["in_transit"]
    assert cost == pytest.approx(expected["cost"], rel=1e-5)


def hendrix(name: str) -> None:
    inputs, expected = given(name)
    item = perishables.PerishableItem(
        demand_probability=perishables.day_demand("poisson", inputs["mean"]),
        shelf_life=inputs["m"],
        max_order=inputs["Qmax"],
        order_cost=0.5,
        price=1.0,
    )
    problem = perishables.PerishablesProblem(items=(item,))
    assert -(perishables.solve(problem).objective or 0.0) == pytest.approx(
        expected["profit"], abs=1e-4
    )
    rule = perishables.solve(problem, engine="levels").require()
    assert rule.level_units.tolist() == [expected["waste_conscious_S"]]


def de_moor(name: str) -> None:
    expected = given(name)[1]
    item = perishables.PerishableItem(
        demand_probability=perishables.day_demand("gamma", 4.0, 4.0),
        shelf_life=2,
        issue="lifo",
        order_cost=3.0,
        shortage_cost=5.0,
        waste_cost=7.0,
        holding_cost=1.0,
        discount=0.99,
    )
    problem = perishables.PerishablesProblem(items=(item,))
    made = perishables.solve(problem)
    assert -(made.objective or 0.0) == pytest.approx(expected["value_empty"], rel=1e-5)
    rule = perishables.solve(problem, engine="levels").require()
    assert rule.level_units.tolist() == [expected["S"]]


def pooled(name: str) -> None:
    inputs, expected = given(name)
    one = Demand(law=DemandLaw.NORMAL, mean_units=inputs["mu"], variance_units=inputs["sd"] ** 2)
    count = inputs["n"]
    all_of_them = Demand(
        law=DemandLaw.NORMAL,
        mean_units=count * inputs["mu"],
        variance_units=count * inputs["sd"] ** 2,
    )
    costs = []
    for demand in (one, all_of_them):
        level = newsvendor_level(demand, inputs["h"], inputs["p"])
        costs.append(float(expected_cost(demand, level, inputs["h"], inputs["p"])))
    assert count * costs[0] == pytest.approx(expected["cost_separate"])
    assert costs[1] == pytest.approx(expected["cost_pooled"])


def allocation(name: str) -> None:
    inputs, expected = given(name)
    problem = InventoryProblem(
        mean_units=np.array(inputs["mu"])[:, None],
        variance_units=np.array(inputs["mu"])[:, None],
        demand_law=DemandLaw.POISSON,
        holding_cost=np.array([float(inputs["h"])]),
        shortage_cost=np.array([float(inputs["p"])]),
        on_hand_units=np.zeros((3, 1), dtype=np.int64),
        volume_ml=np.ones(1, dtype=np.int64),
        case_pack_units=np.ones(1, dtype=np.int64),
        available_units=np.array([inputs["A"]]),
    )
    made = solve(problem)
    assert made.objective == pytest.approx(expected["cost"])
    order = InventorySolution(order_units=np.array(expected["y"])[:, None])
    assert check(problem, order).objective == pytest.approx(expected["cost"])


def transfers(name: str) -> None:
    """Two stores, transfers after demand: the surge of a stream that nobody watches."""
    inputs, expected = given(name)
    chance = stats.poisson.pmf(np.arange(36), inputs["mu"])
    both = np.outer(chance, chance).ravel()
    demand = np.stack(np.meshgrid(np.arange(36), np.arange(36), indexing="ij")).reshape(2, -1).T
    # Scenarios must have a chance that is not lost in rounding.
    demand, both = demand[both > 1e-12], both[both > 1e-12]
    problem = SurgeProblem(
        probability=both / both.sum(),
        shelf_units=demand[:, :, None],
        live_units=np.zeros((demand.shape[0], 2, 1), dtype=np.int64),
        shelf_margin=np.array([float(inputs["p"])]),
        live_margin=np.zeros(1),
        holding_cost=np.array([float(inputs["h"])]),
        on_hand_units=np.zeros((2, 1), dtype=np.int64),
        transfer_cost=float(inputs["t"]),
    )
    order = SurgeSolution(order_units=np.array(expected["S"])[:, None])
    assert surge.check(problem, order).objective == pytest.approx(expected["cost"], rel=1e-6)
    made = surge.solve(problem)
    assert made.objective == pytest.approx(expected["cost"], rel=1e-6)


def shelf_and_live(name: str) -> None:
    inputs, expected = given(name)
    shelf = Demand(law=DemandLaw.NORMAL, mean_units=inputs["mu"], variance_units=inputs["sd"] ** 2)
    assert float(littlewood(shelf, inputs["p1"], inputs["p2"])) == pytest.approx(expected["y"])


def simple_rule(name: str) -> None:
    inputs, expected = given(name)
    mean, spread = inputs["L"] * inputs["mu"], inputs["L"] * inputs["sd"] ** 2
    point = float(reorder_point(mean, spread, inputs["z"]))
    assert point == pytest.approx(expected["rop"])
    demand = Demand(law=DemandLaw.NORMAL, mean_units=mean, variance_units=spread)
    assert float(cycle_service(demand, point)) == pytest.approx(expected["csl"])


CONFIRMED: dict[str, Callable[[str], None]] = {
    "NV1": lambda name: newsvendor(name, normal(given(name)[0])),
    "NV2": lambda name: newsvendor(name, normal(given(name)[0])),
    "NV7": lambda name: newsvendor(name, normal(given(name)[0])),
    "BS1": lambda name: newsvendor(name, normal(given(name)[0], given(name)[0]["L"] + 1)),
    "NV4": lambda name: newsvendor(name, poisson(given(name)[0]["mean"])),
    "NV5": lambda name: newsvendor(name, poisson(given(name)[0]["mean"])),
    "NV6": lambda name: newsvendor(name, poisson(given(name)[0]["mean"])),
    "SS1": ss1,
    "SS3-10": zheng,
    "SS3-20": zheng,
    "RQ1": rq1,
    "EOQ1": eoq1,
    "WW1": ww1,
    "SSM-shang_song_1": line,
    "SSM-shang_song_9": line,
    "SSM-6.1": normal_line,
    "2ECH-Rossi": rossi,
    "PER-H2": hendrix,
    "PER-H3": hendrix,
    "PER-DM1": de_moor,
    "POOL1": pooled,
    "AL2": allocation,
    "TR-t0.0": transfers,
    "TR-t0.5": transfers,
    "TR-t5.0": transfers,
    "LW1": shelf_and_live,
    "ROP1": simple_rule,
}


@pytest.mark.parametrize("name", CONFIRMED)
def test_known_answer(name: str) -> None:
    CONFIRMED[name](name)


def test_no_known_answer_is_left_out() -> None:
    """Each is confirmed here or by a test of another file, or asks for a model that is not ours."""
    left = [
        name
        for name in answers()
        if name not in CONFIRMED and name not in NOT_OURS and not name.startswith(tuple(ELSEWHERE))
    ]
    assert not left
    folder = Path(__file__).parent
    assert all((folder / file).exists() for file in ELSEWHERE.values())
