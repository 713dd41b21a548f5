"""Perishables problems: published policies, brute force over policies, replays, the checker."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import InputError, Status, Stop
from dispatchopt.inventory import perishables
from dispatchopt.inventory.perishables import OrderRule, PerishablesProblem, PerishablesSolution
from dispatchopt.inventory.perishables.check import COUNTS, counts
from dispatchopt.inventory.perishables.explain import explain
from dispatchopt.testing.kinds.perishables import random_items

Item: Any = perishables.PerishableItem
DATA = Path(os.environ.get("DISPATCHOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def de_moor(**changes: Any) -> Any:
    fields = {
        "demand_probability": perishables.day_demand("gamma", 4.0, 4.0),
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
    return Item(
        demand_probability=perishables.day_demand("poisson", 5.0), shelf_life=life, max_order=most,
        order_cost=0.5, price=1.0,
    )  # fmt: skip


def solved(item: Any, engine: str = "dynamic") -> Any:
    return perishables.solve(PerishablesProblem(items=(item,)), engine=engine)


def test_table_of_de_moor() -> None:
    """All 81 entries published for shelf life 2, lead time 1, lifo; value of empty shelves."""
    result = solved(de_moor())
    table = result.require().table_units[0].reshape(11, 11)
    wanted = np.repeat([[3], [3], [3], [2], [1], [0], [0], [0], [0]], 9, axis=1)
    assert table[:9, :9].tolist() == wanted.tolist()
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(1603.596, abs=0.01)


@pytest.mark.data
def test_every_table_that_is_given() -> None:
    folder = DATA / "inventory" / "perishable"
    files = sorted(folder.glob("de_moor*policy.csv"))
    if not files:
        pytest.skip(f"needs {folder}")
    for path in files:
        rows = np.array([line.split(",") for line in path.read_text().split()[1:]], dtype=int)
        table = solved(de_moor()).require().table_units[0].reshape(11, 11)
        for age_1, *orders in rows.tolist():
            assert table[age_1, : len(orders)].tolist() == orders


def test_best_level_of_de_moor() -> None:
    """The published base stock for that case is 5."""
    assert solved(de_moor(), "levels").require().level_units.tolist() == [5]


@pytest.mark.parametrize(
    ("life", "most", "profit", "level"), [(2, 10, 2.2151, 13), (3, 15, 2.3985, 15)]
)
def test_profit_and_level_of_hendrix(life: int, most: int, profit: float, level: int) -> None:
    """Published: 2.22 and 2.40 a period; the level that counts waste is 13 and 15."""
    result = solved(hendrix(life, most))
    assert result.status is Status.OPTIMAL
    assert -(result.objective or 0.0) == pytest.approx(profit, abs=1e-4)
    rule = solved(hendrix(life, most), "levels").require()
    assert rule.rule == (OrderRule.WASTE_ADJUSTED,)
    assert rule.level_units.tolist() == [level]


#: Published settings: issue, cost of waste, lead time; two of them are given as tables.
_CASES = list(itertools.product(("lifo", "fifo"), (7.0, 10.0), (1, 2)))


@pytest.mark.parametrize("life", [2, 3])
@pytest.mark.parametrize(("issue", "waste", "lead"), _CASES)
def test_every_setting_of_de_moor_is_proven(life: int, issue: str, waste: float, lead: int) -> None:
    """Engine and checker compute one value, backward and forward, for every published setting."""
    result = solved(de_moor(shelf_life=life, issue=issue, waste_cost=waste, lead_time=lead))
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(result.bound, rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_policy_of_any_kind_is_cheaper(seed: int) -> None:
    """All policies of a tiny item, one by one; and any levels of both rules."""
    rng = np.random.default_rng(seed)
    chance = rng.random(int(rng.integers(1, 4)))
    item = Item(
        demand_probability=chance / chance.sum(),
        shelf_life=2,
        max_order=1,
        issue="fifo" if rng.random() < 0.5 else "lifo",
        order_cost=float(rng.integers(0, 3)),
        shortage_cost=float(rng.integers(0, 8)),
        waste_cost=float(rng.integers(0, 4)),
        holding_cost=float(rng.integers(0, 2)),
        discount=0.9 if rng.random() < 0.5 else 1.0,
    )
    problem = PerishablesProblem(items=(item,))
    best = solved(item)
    none = np.zeros(0, dtype=np.int64)
    costs = [
        perishables.check(
            problem,
            PerishablesSolution(
                rule=(OrderRule.TABLE,), level_units=np.zeros(1), table_units=(np.array(table),)
            ),
        ).objective
        for table in itertools.product((0, 1), repeat=4)
    ]
    assert best.objective == pytest.approx(min(costs), rel=1e-6, abs=1e-6)
    by_rule = [
        perishables.check(
            problem,
            PerishablesSolution(rule=(rule,), level_units=np.array([level]), table_units=(none,)),
        ).objective
        for rule in (OrderRule.ORDER_UP_TO, OrderRule.WASTE_ADJUSTED)
        for level in range(4)
    ]
    assert solved(item, "levels").objective == pytest.approx(min(by_rule), rel=1e-6, abs=1e-6)
    assert min(by_rule) >= min(costs) - 1e-6
    assert perishables.DOMAIN.bound(problem) <= min(costs) + 1e-9


@pytest.mark.parametrize("issue", ["fifo", "lifo"])
@pytest.mark.parametrize("rule", [OrderRule.ORDER_UP_TO, OrderRule.WASTE_ADJUSTED])
def test_units_within_three_standard_errors_of_a_replay(issue: str, rule: OrderRule) -> None:
    """Days sampled one by one with a plain shelf of ages: units of each kind a day."""
    rng = np.random.default_rng(8)
    item = Item(
        demand_probability=perishables.day_demand("negative-binomial", 2.0, 3.0),
        shelf_life=3, lead_time=2, max_order=5, issue=issue, order_cost=1.0, shortage_cost=3.0,
    )  # fmt: skip
    solution = PerishablesSolution(
        rule=(rule,), level_units=np.array([8]), table_units=(np.zeros(0, dtype=np.int64),)
    )
    wanted = counts(PerishablesProblem(items=(item,)), solution, 0)
    runs = np.array([_replay(item, rule, rng, 1_500) for _ in range(30)])
    error = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    assert (np.abs(runs.mean(axis=0) - wanted) <= 3 * error + 2e-3).all(), (wanted, runs.mean(0))


def _replay(item: Any, rule: OrderRule, rng: Any, days: int) -> list[float]:
    shelf: list[float] = [0, 0, 0]
    coming = 0.0
    sums = dict.fromkeys(COUNTS, 0.0)
    demand = rng.choice(item.demand_probability.size, size=days, p=item.demand_probability)
    for wanted in demand.tolist():
        counted = sum(shelf) + coming
        if rule is OrderRule.WASTE_ADJUSTED:
            counted -= _expected_waste(item, list(shelf), coming)
        order = min(max(int(np.ceil(round(8 - counted, 9))), 0), item.max_order)
        left, sold = _sell(item, shelf, wanted)
        sums["order"] += order
        sums["sales"] += sold
        sums["shortage"] += wanted - sold
        sums["waste"] += left[-1]
        sums["holding"] += sum(left[:-1])
        shelf = [coming, *left[:-1]]
        coming = order
    return [sums[name] / days for name in COUNTS]


def _sell(item: Any, shelf: list[float], wanted: float) -> tuple[list[float], float]:
    left, sold = list(shelf), 0.0
    for age in reversed(range(3)) if item.issue == "fifo" else range(3):
        taken = min(left[age], wanted - sold)
        left[age] -= taken
        sold += taken
    return left, sold


def _expected_waste(item: Any, shelf: list[float], coming: float) -> float:
    wasted = 0.0
    for fresh in (coming, 0.0):
        left, _ = _sell(item, shelf, item.mean_demand)
        wasted += left[-1]
        shelf = [fresh, *left[:-1]]
    return wasted


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_properties(seed: int) -> None:
    """Longer lives, larger orders and fifo never cost more; names and order change nothing."""
    rng = np.random.default_rng(seed)
    problem = random_items(rng, 2).replace(start_units=None)
    best = perishables.solve(problem).objective or 0.0
    slack = 1e-5 * max(1.0, abs(best))
    longer = tuple(item.replace(shelf_life=item.shelf_life + 1) for item in problem.items)
    larger = tuple(item.replace(max_order=item.max_order + 1) for item in problem.items)
    oldest = tuple(item.replace(issue="fifo", holding_cost=0.0) for item in problem.items)
    newest = tuple(item.replace(issue="lifo", holding_cost=0.0) for item in problem.items)
    assert (perishables.solve(problem.replace(items=larger)).objective or 0.0) <= best + slack
    fifo = perishables.solve(problem.replace(items=oldest)).objective or 0.0
    assert fifo <= (perishables.solve(problem.replace(items=newest)).objective or 0.0) + slack
    no_cost = tuple(item.replace(issue="fifo", holding_cost=0.0) for item in longer)
    assert (perishables.solve(problem.replace(items=no_cost)).objective or 0.0) <= fifo + slack
    turned = problem.replace(items=problem.items[::-1], item_ids=("a", "b"))
    assert perishables.solve(turned).objective == pytest.approx(best, rel=1e-6, abs=1e-6)


def test_start_counts_where_days_are_discounted() -> None:
    """Fresh units there save their order; old ones that nobody wants are wasted."""
    item = de_moor()
    empty = solved(item)
    full = perishables.solve(PerishablesProblem(items=(item,), start_units=(np.array([3, 0]),)))
    assert full.status is Status.OPTIMAL
    assert (full.objective or 0.0) < (empty.objective or 0.0)
    assert perishables.DOMAIN.bound(PerishablesProblem(items=(item,))) <= (full.objective or 0.0)


def test_time_runs_out_between_items() -> None:
    problem = PerishablesProblem(items=(de_moor(), de_moor(issue="fifo")))
    result = perishables.solve(problem, stop=Stop(iterations=1))
    assert result.status is Status.FEASIBLE
    assert result.solution is not None


def test_explained() -> None:
    problem = PerishablesProblem(items=(hendrix(2, 10), hendrix(2, 3)), item_ids=("milk", "fish"))
    short, savings = explain(problem, perishables.solve(problem).require())
    reasons = {row["item"]: row["reason"] for row in short.rows}
    assert reasons == {"milk": "waste-dearer", "fish": "order-limit"}
    saved = {row["item"]: row for row in savings.rows}
    # Known profits of lives of two days and three, with orders enough.
    assert float(saved["milk"]["longer_life"] or 0) > 0.15
    assert float(saved["fish"]["larger_order"] or 0) > 0.3
    assert saved["milk"]["shorter_lead"] is None


def test_extremes_stay_finite() -> None:
    """No demand, no orders, free or dear units: finite costs, orders within limits."""
    for chance, most, cost in itertools.product(([1.0], [0.0, 1.0]), (0, 2), (0.0, 1e9)):
        item = Item(
            demand_probability=chance, shelf_life=2, max_order=most, order_cost=cost,
            shortage_cost=cost, waste_cost=cost, discount=1.0,
        )  # fmt: skip
        for engine in ("dynamic", "levels"):
            result = solved(item, engine)
            assert np.isfinite(result.objective)
            assert all((table <= most).all() for table in result.require().table_units)


def test_checker_names_each_rule() -> None:
    problem = PerishablesProblem(items=(hendrix(2, 3),))

    def rules(rule: str, level: int, table: list[int], count: int = 1) -> list[str]:
        made = PerishablesSolution(
            rule=(OrderRule(rule),) * count,
            level_units=np.full(count, level),
            table_units=(np.array(table, dtype=np.int64),) * count,
        )
        return [broken.rule for broken in perishables.check(problem, made).violations]

    assert rules("table", 0, [0] * 16) == []
    assert rules("table", 0, [4] * 16) == ["order-out-of-range"]
    assert rules("table", 0, [0] * 15) == ["shape"]
    assert rules("order-up-to", -1, []) == ["level-out-of-range"]
    assert rules("order-up-to", 1, [], 2) == ["shape"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"demand_probability": [0.5, 0.4]}, "bad-value"),
        ({"demand_probability": ["x"]}, "bad-number"),
        ({"shelf_life": 0}, "out-of-range"),
        ({"shelf_life": 12}, "too-large"),
        ({"discount": 0.9999}, "out-of-range"),
        ({"issue": "random"}, "unknown-choice"),
        ({"waste_cost": float("nan")}, "out-of-range"),
    ],
)
def test_bad_items_are_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError, match=code):
        de_moor(**changes)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"items": (de_moor(), de_moor(discount=1.0))}, "bad-value"),
        ({"items": (de_moor(),), "start_units": (np.array([1]),)}, "bad-shape"),
        ({"items": (de_moor(),), "start_units": (np.array([1, 99]),)}, "out-of-range"),
        ({"items": (de_moor(),), "start_units": ()}, "bad-shape"),
        ({"items": (de_moor(),), "item_ids": ("a", "b")}, "bad-shape"),
        ({"items": (de_moor(), de_moor()), "item_ids": ("a", "a")}, "duplicate-id"),
    ],
)
def test_bad_problems_are_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError, match=code):
        PerishablesProblem(**fields)


@pytest.mark.parametrize(
    ("law", "mean", "variance"),
    [("poisson", 3.0, 3.0), ("negative-binomial", 3.0, 7.0), ("negative-binomial", 3.0, 2.0),
     ("gamma", 30.0, 70.0)],
)  # fmt: skip
def test_demand_has_the_mean_and_variance_said(law: str, mean: float, variance: float) -> None:
    chance = perishables.day_demand(law, mean, variance)
    units = np.arange(chance.size)
    assert chance.sum() == pytest.approx(1.0)
    assert float(units @ chance) == pytest.approx(mean, rel=1e-3)
    spread = float((units - mean) ** 2 @ chance)
    # A variance below the mean is taken as Poisson's; rounding adds a twelfth.
    wanted = max(variance, mean) if law != "gamma" else variance + 1 / 12
    assert spread == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize(
    ("law", "mean", "variance"), [("uniform", 1.0, 1.0), ("poisson", -1.0, None), ("gamma", 1, -1)]
)
def test_bad_laws_are_refused(law: str, mean: float, variance: float | None) -> None:
    with pytest.raises(InputError):
        perishables.day_demand(law, mean, variance)
