"""Perishables: by hand, published policies, rules against the optimum, sampling."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dispatchopt.core import InputError
from dispatchopt.inventory import perishables
from dispatchopt.inventory.perishables import (
    best_order_up_to,
    evaluate_policy,
    long_run_units,
    optimal_policy,
    order_up_to,
)

Item: Any = perishables.PerishableItem
DATA = Path(os.environ.get("DISPATCHOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def gamma_days(mean: float = 4.0, spread: float = 0.5) -> np.ndarray:
    """Demand rounded to whole units, as the source does it."""
    shape = 1 / spread**2
    edges = np.concatenate([[0.0], np.arange(101) + 0.5])
    chance = np.diff(stats.gamma.cdf(edges, shape, scale=mean / shape))
    return np.asarray(chance / chance.sum())


def de_moor(**changes: Any) -> Any:
    fields = {
        "demand_probability": gamma_days(),
        "shelf_life": 2,
        "issue": "lifo",
        "order_cost": 3.0,
        "shortage_cost": 5.0,
        "waste_cost": 7.0,
        "holding_cost": 1.0,
        "discount": 0.99,
    }
    return Item(**{**fields, **changes})


def hendrix(life: int, most: int) -> Any:
    chance = stats.poisson.pmf(np.arange(60), 5.0)
    return Item(
        demand_probability=chance / chance.sum(), shelf_life=life, max_order=most,
        order_cost=0.5, price=1.0,
    )  # fmt: skip


def test_policy_of_de_moor() -> None:
    """The published table for shelf life 2, lead time 1, lifo: it does not look at old units."""
    made = optimal_policy(de_moor())
    wanted = np.repeat([[3], [3], [3], [2], [1], [0], [0], [0], [0]], 9, axis=1)
    assert made.order_units[:9, :9].tolist() == wanted.tolist()
    assert made.cost[0, 0] == pytest.approx(1603.596, rel=1e-5)
    assert made.lower <= made.cost[0, 0] <= made.upper
    assert best_order_up_to(de_moor())[0] == 5


@pytest.mark.data
def test_reported_policy_file() -> None:
    path = DATA / "inventory" / "perishable" / "de_moor_perishable_m2_exp1_reported_policy.csv"
    if not path.exists():
        pytest.skip(f"needs {path}")
    rows = np.array([line.split(",") for line in path.read_text().split()[1:]], dtype=np.int64)
    table = optimal_policy(de_moor()).order_units
    for age_1, *orders in rows.tolist():
        assert table[age_1, :9].tolist() == orders


@pytest.mark.parametrize(("life", "most", "profit", "level"), [(2, 10, 2.22, 13), (3, 15, 2.4, 15)])
def test_profit_of_hendrix(life: int, most: int, profit: float, level: int) -> None:
    made = optimal_policy(hendrix(life, most), tolerance=1e-6)
    assert -made.mean_cost == pytest.approx(profit, abs=5e-3)
    rule = evaluate_policy(hendrix(life, most), order_up_to(hendrix(life, most), level))
    assert rule.mean_cost >= made.mean_cost - 1e-6


def test_one_day_of_life_is_a_newsvendor() -> None:
    """Units live a day: the order is the critical ratio's quantile, whatever is on hand."""
    chance = np.full(10, 0.1)
    item = Item(demand_probability=chance, shelf_life=1, order_cost=3.0, shortage_cost=10.0)
    made = optimal_policy(item)
    assert set(made.order_units.tolist()) == {6}
    short = sum(max(0, demand - 6) for demand in range(10)) / 10
    assert made.mean_cost == pytest.approx(3 * 6 + 10 * short)
    units = long_run_units(item, made.order_units)
    waste = sum(max(0, 6 - demand) for demand in range(10)) / 10
    assert units == pytest.approx({"order": 6, "shortage": short, "waste": waste, "holding": 0})


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_properties(seed: int) -> None:
    """No rule beats the optimum; fifo is no dearer than lifo; longer lives are no dearer."""
    rng = np.random.default_rng(seed)
    chance = rng.random(int(rng.integers(1, 6)))
    item = Item(
        demand_probability=chance / chance.sum(),
        shelf_life=int(rng.integers(1, 3)),
        lead_time=int(rng.integers(1, 3)),
        max_order=3,
        issue="lifo",
        order_cost=float(rng.integers(0, 4)),
        shortage_cost=float(rng.integers(4, 12)),
        waste_cost=float(rng.integers(0, 5)),
        discount=0.9,
    )
    best = optimal_policy(item)
    assert best.lower <= best.cost.ravel()[0] <= best.upper
    for count_waste in (False, True):
        assert best_order_up_to(item, count_waste=count_waste)[1].upper >= best.lower - 1e-6
    table = rng.integers(0, 4, item.shape)
    assert (evaluate_policy(item, table).cost >= best.cost - 1e-6).all()
    empty = (0,) * len(item.shape)
    assert optimal_policy(item.replace(issue="fifo")).cost[empty] <= best.cost[empty] + 1e-6
    longer = optimal_policy(item.replace(shelf_life=item.shelf_life + 1, issue="fifo"))
    fifo = optimal_policy(item.replace(issue="fifo"))
    assert longer.cost[(0,) * len(longer.cost.shape)] <= fifo.cost[empty] + 1e-6


@pytest.mark.parametrize("issue", ["fifo", "lifo"])
def test_mean_cost_is_what_a_replay_pays(issue: str) -> None:
    """Days drawn one by one, units moved one by one."""
    item = de_moor(discount=1.0, issue=issue, lead_time=2, shelf_life=2, max_order=6)
    table = order_up_to(item, 11)
    rng = np.random.default_rng(3)
    demands = rng.choice(item.demand_probability.size, size=40_000, p=item.demand_probability)
    shelf, coming, paid = [0, 0], 0, np.zeros(len(demands))
    for day, demand in enumerate(demands.tolist()):
        order = int(table[coming, shelf[0], shelf[1]])
        cost, want = 3.0 * order, demand
        for age in (1, 0) if issue == "fifo" else (0, 1):
            taken = min(shelf[age], want)
            shelf[age] -= taken
            want -= taken
        paid[day] = cost + 5.0 * want + 7.0 * shelf[1] + shelf[0]
        shelf, coming = [coming, shelf[0]], order
    batches = paid.reshape(40, -1).mean(axis=1)
    error = batches.std(ddof=1) / math.sqrt(len(batches))
    assert abs(batches.mean() - evaluate_policy(item, table).mean_cost) < 4 * error


def test_waste_that_comes_before_the_order_does_not_count() -> None:
    """Five old units and a demand of 2 for sure: three expire tonight."""
    item = Item(demand_probability=[0.0, 0.0, 1.0], shelf_life=2, max_order=8)
    assert order_up_to(item, 6)[0, 5] == 1
    assert order_up_to(item, 6, count_waste=True)[0, 5] == 4
    assert order_up_to(item, 6, count_waste=True)[5, 0] == 1


def test_bad_items_are_refused_with_every_issue() -> None:
    with pytest.raises(InputError) as caught:
        de_moor(demand_probability=[0.5, 0.6], shelf_life=0, price=math.nan, discount=0.0,
                issue="random")  # fmt: skip
    assert len(caught.value.issues) == 5
    with pytest.raises(InputError, match="too-large"):
        de_moor(shelf_life=5, lead_time=4)
    with pytest.raises(InputError, match="bad-shape"):
        evaluate_policy(de_moor(), np.full((11, 11), 12))
