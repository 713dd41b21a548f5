"""Inventory documents with a past: sales, samples, orders, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dispatchopt import io
from dispatchopt.core.errors import InputError
from dispatchopt.inventory.history import History, estimate

Maker = Callable[[str], dict[str, Any]]


def sales(document: Maker) -> dict[str, Any]:
    """Ten days of milk in one store; on two of them stock ran out."""
    value = document("inventory")
    del value["demand"]
    value["parameters"] = {"interval_days": 2}
    sold = [3, 5, 2, 0, 4, 6, 1, 3, 2, 4]
    value["history"] = [
        {"store": "s1", "sku": "milk", "day": 40 + day, "sold_units": float(units)}
        | ({"is_out": True} if day in (1, 7) else {})
        for day, units in enumerate(sold)
        if units
    ]
    return value


def test_demand_comes_from_sales(document: Maker) -> None:
    instance = io.parse_value(sales(document))
    history = instance.extras["history"]
    assert history.num_days == 10
    assert history.sold_units[3, 0, 0] == 0
    days = estimate(history)
    assert days.mean_units.item() > 3
    problem = instance.problem
    assert problem.mean_units.item() == pytest.approx(2 * days.mean_units.item())
    assert problem.variance_units.item() == pytest.approx(2 * days.variance_units.item())
    assert problem.interval_days == 2


def test_stated_demand_comes_first(document: Maker) -> None:
    value = sales(document)
    value["demand"] = [{"store": "s1", "sku": "milk", "mean_units": 30.0}]
    value["parameters"]["interval_variance_days"] = 0.5
    problem = io.parse_value(value).problem
    assert problem.mean_units.item() == 30
    # (30 / 2)^2 times the variance of the number of days.
    assert problem.variance_units.item() == 30 + 225 * 0.5


def test_samples_are_made_or_given(document: Maker) -> None:
    value = sales(document)
    value["parameters"]["demand_law"] = "empirical"
    problem = io.parse_value(value).problem
    assert problem.sample_units.shape == (9, 1, 1)
    del value["history"]
    value["samples"] = [
        {"store": "s1", "sku": "milk", "sample": 2, "units": 4.0},
        {"store": "s1", "sku": "milk", "sample": 0, "units": 1.0},
    ]
    problem = io.parse_value(value).problem
    assert problem.sample_units.ravel().tolist() == [0, 1, 4]


def test_targets_by_class(document: Maker) -> None:
    value = document("inventory")
    value["skus"][0]["abc_class"] = "A"
    value["skus"] += [{"id": "tea", "target": 1.0}, {"id": "rice"}]
    value["parameters"] = {"rule": "z-sigma", "target_of_class": {"A": 2.3, "B": 1.65, "C": 1.3}}
    assert io.parse_value(value).problem.target.tolist() == [2.3, 1.0, 1.3]


def test_waste(document: Maker) -> None:
    value = document("inventory")
    value["skus"][0] |= {"shelf_life_days": 1, "waste_cost": 0.7}
    problem = io.parse_value(value).problem
    assert problem.leftover_cost_of_pair.tolist() == [[pytest.approx(0.9)]]


@pytest.mark.parametrize("ending", [".json", ".xlsx", ""])
def test_the_past_is_written_and_read_back(document: Maker, tmp_path: Path, ending: str) -> None:
    value = sales(document)
    value["stores"][0]["orders_per_day"] = 12.5
    value["skus"][0] |= {"shelf_life_days": 3, "waste_cost": 0.5}
    value["order_lines"] = [
        {"order": "x", "store": "s1", "sku": "milk", "units": 2},
        {"order": "y", "store": "s1", "sku": "milk"},
    ]
    first = io.parse_value(value)
    io.write(first, tmp_path / f"past{ending}")
    again = io.read(tmp_path / f"past{ending}")
    assert again.problem.mean_units.tolist() == first.problem.mean_units.tolist()
    assert again.problem.waste_cost.tolist() == [0.5]
    assert again.problem.shelf_life_days.tolist() == [3]
    before, after = first.extras["history"], again.extras["history"]
    assert isinstance(after, History)
    assert np.array_equal(before.sold_units, after.sold_units)
    assert np.array_equal(before.is_out, after.is_out)
    baskets = again.extras["baskets"]
    assert baskets.units.tolist() == [2, 1]
    assert baskets.orders_per_day.tolist() == [12.5]


def test_faults_of_the_past_are_listed(document: Maker) -> None:
    value = sales(document)
    value["history"].append(dict(value["history"][0]))
    value["history"].append({"store": "s9", "sku": "milk", "day": 3, "sold_units": -1.0})
    with pytest.raises(InputError) as caught:
        io.parse_value(value)
    assert {each.code for each in caught.value.issues} == {
        "unknown-reference", "out-of-range", "duplicate-pair",
    }  # fmt: skip
    value["history"].pop()
    with pytest.raises(InputError, match="duplicate-pair"):
        io.parse_value(value)
    value = document("inventory")
    value["stores"].append({"id": "s2", "orders_per_day": 3.0})
    value["order_lines"] = [
        {"order": "x", "store": "s1", "sku": "milk"},
        {"order": "x", "store": "s2", "sku": "milk"},
        {"order": "y", "store": "s1", "sku": "milk", "units": 2},
    ]
    with pytest.raises(InputError, match="conflict"):
        io.parse_value(value)
    value["order_lines"].pop(1)
    with pytest.raises(InputError, match="no-orders"):
        io.parse_value(value)
    value = document("inventory")
    value["parameters"] = {"demand_law": "empirical"}
    with pytest.raises(InputError, match="no-samples"):
        io.parse_value(value)
