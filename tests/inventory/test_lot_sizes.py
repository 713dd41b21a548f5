"""(s, S) and (r, Q): published values, and all policies tried."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from dispatchopt.core.errors import InputError
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.lot_sizes import _Renewals, best_rq, best_ss, wagner_whitin
from dispatchopt.inventory.problem import DemandLaw


def poisson(mean: float) -> Any:
    return Demand(law=DemandLaw.POISSON, mean_units=np.array(mean), variance_units=np.array(mean))


@pytest.mark.parametrize(
    ("mean", "costs", "expected"),
    [
        (6.0, (5.0, 1.0, 4.0), (4, 10, 8.034111561471644)),
        (10.0, (64.0, 1.0, 9.0), (6, 40, 35.02155527232042)),
        (20.0, (64.0, 1.0, 9.0), (14, 62, 49.173035744939355)),
    ],
)
def test_published_ss(mean: float, costs: Any, expected: Any) -> None:
    found = best_ss(poisson(mean), *costs)
    assert (found.reorder_units, found.level_units) == expected[:2]
    assert found.cost == pytest.approx(expected[2], abs=1e-6)


def test_published_rq() -> None:
    found = best_rq(poisson(3.0), 1.5, 100.0, 20.0, 150.0)
    assert (found.reorder_units, found.quantity_units) == (3, 5)
    assert found.cost == pytest.approx(107.9235806331498)


@pytest.mark.parametrize("order_cost", [0.0, 3.0, 40.0])
def test_no_other_ss_costs_less(order_cost: float) -> None:
    demand = Demand(
        law=DemandLaw.NEGATIVE_BINOMIAL, mean_units=np.array(3.0), variance_units=np.array(9.0)
    )
    found = best_ss(demand, order_cost, 1.0, 6.0)
    cost = _Renewals(demand, order_cost, 1.0, 6.0)
    least = min(cost.of(s, top) for s in range(-6, 14) for top in range(s + 1, s + 30))
    assert found.cost == pytest.approx(least)


def test_no_other_rq_costs_less() -> None:
    cost = _Renewals(poisson(5.0), 30.0, 2.0, 9.0)
    least = min(
        (30.0 * 2.5 + sum(cost.at(y) for y in range(r + 1, r + q + 1))) / q
        for r in range(-5, 12)
        for q in range(1, 30)
    )
    assert best_rq(poisson(5.0), 2.5, 30.0, 2.0, 9.0).cost == pytest.approx(least)


def test_what_has_no_lots() -> None:
    with pytest.raises(InputError, match="lot size"):
        best_ss(poisson(0.0), 1.0, 1.0, 1.0)
    with pytest.raises(InputError, match="lot size"):
        best_ss(poisson(3.0), 1.0, 0.0, 1.0)


@pytest.mark.parametrize("seed", range(6))
def test_known_demand_against_all_plans(seed: int) -> None:
    rng = np.random.default_rng(seed)
    demand = rng.integers(0, 30, 6) * (rng.random(6) < 0.7)
    orders, cost = wagner_whitin(demand, 25.0, 1.5)
    least = np.inf
    for plan in itertools.product([False, True], repeat=6):
        spent, last = 0.0, None
        for period in range(6):
            last = period if plan[period] else last
            spent += 25.0 * plan[period]
            if demand[period]:
                carried = np.inf if last is None else 1.5 * (period - last)
                spent += carried * demand[period]
        least = min(least, spent)
    assert cost == pytest.approx(least)
    stock = np.cumsum(orders - demand)
    assert stock.min() >= 0
    assert 25.0 * np.count_nonzero(orders) + 1.5 * stock.sum() == pytest.approx(cost)


def test_published_lots_of_known_demand() -> None:
    orders, cost = wagner_whitin([90, 120, 80, 70], 500.0, 2.0)
    assert orders.tolist() == [210, 0, 150, 0]
    assert cost == 1380
