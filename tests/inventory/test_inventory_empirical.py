"""Empirical demand and the cost of waste: by hand, and against exhaustive search."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import inventory
from dispatchopt.core import Status
from dispatchopt.core.errors import InputError
from dispatchopt.inventory import InventoryProblem, InventorySolution, check

# Arrays are given as lists here, which the classes turn into arrays.
Problem: Any = InventoryProblem
Orders: Any = InventorySolution


def seen(samples: Any, **changes: Any) -> Any:
    table = np.array(samples, dtype=float)
    size, skus = table.shape[1:], table.shape[2]
    fields = {
        "mean_units": np.zeros(size),
        "variance_units": np.zeros(size),
        "sample_units": table,
        "demand_law": "empirical",
        "holding_cost": np.ones(skus),
        "shortage_cost": np.full(skus, 4.0),
        "on_hand_units": np.zeros(size),
        "volume_ml": np.full(skus, 10),
        "case_pack_units": np.ones(skus),
    }
    return Problem(**{**fields, **changes})


def test_moments_are_those_of_the_samples() -> None:
    problem = seen([[[4.0]], [[1.0]], [[4.0]]])
    assert problem.mean_units.item() == 3
    assert problem.variance_units.item() == 2
    assert problem.sample_units.ravel().tolist() == [1, 4, 4]


def test_quantiles() -> None:
    """Critical ratio 4/5 of 1, 2, 4, 8, 9: the fourth, where 80 % of demands are met."""
    problem = seen(np.array([9, 1, 8, 2, 4.0])[:, None, None])
    result = inventory.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert result.solution.order_units.item() == 8
    assert result.parts == {"holding": (7 + 6 + 4) / 5, "shortage": 4 / 5}
    service = problem.replace(rule="cycle-service", target=0.6)
    assert inventory.solve(service).require().order_units.item() == 4
    filled = problem.replace(rule="fill-rate", target=0.5)
    # At 3 units 1 + 2 + 3 + 3 + 3 = 12 of 24 are filled.
    assert inventory.solve(filled).require().order_units.item() == 3
    simple = problem.replace(rule="z-sigma", target=1.0)
    assert inventory.solve(simple).require().order_units.item() == 8


def test_a_level_below_a_target_is_named() -> None:
    problem = seen(np.array([9, 1, 8, 2, 4.0])[:, None, None], rule="cycle-service", target=0.6)
    report = check(problem, Orders(order_units=[[3]]))
    assert [each.rule for each in report.violations] == ["service-target"]
    assert report.violations[0].by == pytest.approx(0.2)


def test_samples_and_law_belong_together() -> None:
    with pytest.raises(InputError, match="no-samples"):
        seen([[[1.0]]], sample_units=None)
    with pytest.raises(InputError, match="samples-not-used"):
        seen([[[1.0]]], demand_law="poisson")
    with pytest.raises(InputError, match="bad-shape"):
        seen([[[1.0]]], sample_units=[[1.0]])
    with pytest.raises(InputError, match="interval_days"):
        seen([[[1.0]]], interval_days=0)


def test_waste_is_paid_where_the_life_ends_with_the_interval() -> None:
    """Demand 0 or 2 alike; two units left over half the time, held for 1 and wasted for 3."""
    problem = seen([[[0.0, 0.0, 0.0]], [[2.0, 2.0, 2.0]]], interval_days=2,
                   shelf_life_days=[2, 3, 0], waste_cost=[3.0, 3.0, 3.0])  # fmt: skip
    report = check(problem, Orders(order_units=[[2, 2, 2]]))
    assert report.parts == {"holding": 3.0, "waste": 3.0, "shortage": 0.0}
    assert report.objective == 6.0
    # With leftovers at 4 and shortages at 4 one unit is as good as two or none; at 1 two are.
    best = inventory.solve(problem.replace(shortage_cost=[3.9, 3.9, 3.9]))
    assert best.require().order_units.tolist() == [[0, 2, 2]]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_scarce_stock_of_any_samples_against_exhaustive_search(data: st.DataObject) -> None:
    stores, skus = data.draw(st.sampled_from([(1, 2), (2, 1), (2, 2)]))
    count = data.draw(st.integers(1, 4))
    number = st.integers(0, 5)
    samples = [[[data.draw(number) for _ in range(skus)] for _ in range(stores)]
               for _ in range(count)]  # fmt: skip
    problem = seen(
        samples,
        available_units=[data.draw(st.integers(0, 6)) for _ in range(skus)],
        store_volume_ml=[data.draw(st.integers(0, 80)) for _ in range(stores)],
        shelf_life_days=[data.draw(st.integers(0, 2)) for _ in range(skus)],
        waste_cost=np.full(skus, 2.0),
    )
    best = min(
        report.objective
        for each in itertools.product(range(6), repeat=stores * skus)
        if not (
            report := check(problem, Orders(order_units=np.reshape(each, (stores, skus))))
        ).violations
    )
    exact = inventory.solve(problem, engine="exact")
    assert exact.bound is not None
    assert exact.objective is not None
    assert exact.bound <= best + 1e-9
    assert exact.objective == pytest.approx(best)
    dual = inventory.solve(problem, engine="dual")
    assert dual.bound is not None
    assert dual.bound <= best + 1e-9
    assert dual.objective is not None
    assert dual.objective >= best - 1e-9
