"""Closed forms against the published answers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dispatchopt.inventory import formulas, protection
from dispatchopt.inventory.demand import Demand

# Arrays are given as lists here, which the classes turn into arrays.
Law: Any = Demand

NORMAL = Law(law="normal", mean_units=50.0, variance_units=64.0)
POISSON = Law(law="poisson", mean_units=6.0, variance_units=6.0)


@pytest.fixture(scope="module")
def known() -> Any:
    home = os.environ.get("DISPATCHOPT_DATA")
    base = Path(home) if home else Path(__file__).parents[3] / "shared" / "data"
    path = base / "inventory" / "known_answers" / "known_answers.json"
    if not path.exists():
        pytest.skip(f"the published answers are not at {path}; set DISPATCHOPT_DATA")
    return {each["id"]: each for each in json.loads(path.read_text(encoding="utf-8"))}


def test_normal_newsvendor_by_hand() -> None:
    # 50 + 8 * Phi^-1(0.7 / 0.88); cost (h + p) sigma phi(z).
    level = formulas.newsvendor_level(NORMAL, 0.18, 0.70)
    assert level == pytest.approx(56.6039559, abs=1e-6)
    assert formulas.expected_cost(NORMAL, level, 0.18, 0.70) == pytest.approx(1.9976052, abs=1e-6)


def test_poisson_newsvendor_by_hand() -> None:
    assert formulas.newsvendor_level(POISSON, 1.0, 4.0) == 8
    assert formulas.expected_cost(POISSON, 8, 1.0, 4.0) == pytest.approx(3.5701069, abs=1e-6)
    assert formulas.expected_cost(POISSON, 5, 1.0, 4.0) == pytest.approx(6.5902960, abs=1e-6)


def test_service_by_hand() -> None:
    one = Law(law="poisson", mean_units=1.0, variance_units=1.0)
    assert formulas.cycle_service(one, 0) == pytest.approx(0.36787944)
    assert formulas.fill_rate(one, 1) == pytest.approx(0.63212056)
    none = Law(law="poisson", mean_units=0.0, variance_units=0.0)
    assert formulas.fill_rate(none, 0) == 1


@pytest.mark.data
@pytest.mark.parametrize("name", ["NV1", "NV2", "NV4", "NV5", "NV6", "NV7", "BS1"])
def test_published_newsvendors(known: Any, name: Any) -> None:
    case = known[name]
    given, expected = case["inputs"], case["expected"]
    periods = given.get("L", 0) + 1
    is_normal = "sd" in given
    variance = given["sd"] ** 2 if is_normal else given["mean"]
    demand = Law(
        law="normal" if is_normal else "poisson",
        mean_units=given["mean"] * periods,
        variance_units=variance * periods,
    )
    costs = (given["h"], given["p"])
    level = given.get("S", formulas.newsvendor_level(demand, *costs).item())
    found = {
        "S": level,
        "cost": formulas.expected_cost(demand, level, *costs).item(),
        "cost_at_12": formulas.expected_cost(demand, 12, *costs).item(),
    }
    assert expected
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=case["tolerance"])


@pytest.mark.data
def test_published_order_quantity(known: Any) -> None:
    case = known["EOQ1"]
    given = case["inputs"]
    found = formulas.economic_order(
        given["fixed_cost"], given["holding_cost"], given["demand_rate"]
    )
    wanted = (case["expected"]["Q"], case["expected"]["cost"])
    assert [each.item() for each in found] == pytest.approx(wanted, rel=case["tolerance"])


@pytest.mark.data
def test_published_pooling_and_protection(known: Any) -> None:
    case = known["POOL1"]
    given, expected = case["inputs"], case["expected"]
    costs = []
    for stores, count in ((1, given["n"]), (given["n"], 1)):
        demand = Law(
            law="normal",
            mean_units=given["mu"] * stores,
            variance_units=given["sd"] ** 2 * stores,
        )
        level = formulas.newsvendor_level(demand, given["h"], given["p"])
        costs.append(count * formulas.expected_cost(demand, level, given["h"], given["p"]).item())
    wanted = [expected["cost_separate"], expected["cost_pooled"]]
    assert costs == pytest.approx(wanted, rel=case["tolerance"])


@pytest.mark.data
def test_published_protection(known: Any) -> None:
    case = known["LW1"]
    given = case["inputs"]
    shelf = Law(law="normal", mean_units=given["mu"], variance_units=given["sd"] ** 2)
    level = protection.littlewood(shelf, given["p1"], given["p2"])
    assert level == pytest.approx(case["expected"]["y"], abs=case["tolerance"])
