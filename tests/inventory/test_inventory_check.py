"""The checker: costs by hand, and one broken rule named at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dispatchopt.core import InputError
from dispatchopt.inventory import DemandLaw, InventoryProblem, InventorySolution, check

# Arrays are given as lists here, which the classes turn into arrays.
Problem: Any = InventoryProblem
Orders: Any = InventorySolution
LAWS = [law for law in DemandLaw if law is not DemandLaw.EMPIRICAL]


def send(*rows: Any) -> Any:
    return Orders(order_units=np.array(rows))


def test_cost_by_hand() -> None:
    # Poisson(1), level 1: E[left] = P(0) = 1/e, E[lost] = 1/e too; costs 2 and 3 per unit.
    problem = Problem(
        mean_units=[[1.0]],
        variance_units=[[1.0]],
        demand_law="poisson",
        holding_cost=[2.0],
        shortage_cost=[3.0],
        on_hand_units=[[0]],
        volume_ml=[1],
        case_pack_units=[1],
    )
    report = check(problem, send([1]))
    assert report.parts == pytest.approx({"holding": 2 / math.e, "shortage": 3 / math.e})
    assert report.objective == pytest.approx(5 / math.e)
    assert report.figures["fill_rate"] == pytest.approx(1 - 1 / math.e)


@pytest.mark.parametrize("law", LAWS)
def test_cost_equals_the_sum_over_demands(law: Any) -> None:
    mean, variance = np.array([[0.3, 4.0, 40.0]]), np.array([[0.9, 4.5, 900.0]])
    order = np.array([[1, 3, 60]])
    problem = Problem(
        mean_units=mean,
        variance_units=variance,
        demand_law=law,
        holding_cost=[1.0, 2.0, 3.0],
        shortage_cost=[5.0, 4.0, 3.5],
        on_hand_units=[[0, 0, 0]],
        volume_ml=[1, 1, 1],
        case_pack_units=[1, 1, 1],
    )
    expected = 0.0
    for k in range(3):
        m, v, y = mean[0, k], variance[0, k], order[0, k]
        if problem.demand_law in (DemandLaw.POISSON, DemandLaw.NEGATIVE_BINOMIAL):
            demand: Any = np.arange(3000)
            is_poisson = law is DemandLaw.POISSON
            pick = stats.poisson(m) if is_poisson else stats.nbinom(m * m / (v - m), m / v)
            chance = pick.pmf(demand)
        else:
            is_gamma = law is DemandLaw.GAMMA
            pick = stats.gamma(m * m / v, scale=v / m) if is_gamma else stats.norm(m, v**0.5)
            ends = np.linspace(0.0 if is_gamma else m - 12 * v**0.5, m + 40 * v**0.5, 400_001)
            demand, chance = (ends[1:] + ends[:-1]) / 2, np.diff(pick.cdf(ends))
        h, p = problem.holding_cost[k], problem.shortage_cost[k]
        cost = h * np.maximum(y - demand, 0) + p * np.maximum(demand - y, 0)
        expected += (chance * cost).sum()
    assert check(problem, Orders(order_units=order)).objective == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "order", "broken"),
    [
        ({}, [[-1, 0], [0, 0]], ("order-negative", "store east sku milk", 1)),
        ({"case_pack_units": [4, 1]}, [[6, 0], [0, 0]], ("case-pack", "store east sku milk", 2)),
        (
            {"min_units": [[0, 4], [0, 0]]},
            [[0, 1], [0, 0]],
            ("min-facings", "store east sku rice", 2),
        ),
        ({"available_units": [5, 9]}, [[4, 0], [3, 0]], ("central-stock", "sku milk", 2)),
        ({"store_volume_ml": [70, 99]}, [[6, 0], [0, 0]], ("store-volume", "store east", 10)),
        ({"delivery_volume_ml": [99, 30]}, [[0, 0], [0, 2]], ("delivery-volume", "store west", 10)),
        (
            {"rule": "fill-rate", "target": [0.0, 0.9]},
            [[0, 5], [0, 2]],
            ("service-target", "store west sku rice", None),
        ),
        (
            {"rule": "cycle-service", "target": [0.0, 0.9]},
            [[0, 5], [0, 2]],
            ("service-target", "store west sku rice", None),
        ),
        (
            {"rule": "z-sigma", "target": [-9.0, 2.0]},
            [[0, 5], [0, 2]],
            ("service-target", "store west sku rice", 6.0),
        ),
    ],
)
def test_one_broken_rule_is_named(two_by_two: Any, changes: Any, order: Any, broken: Any) -> None:
    rule, where, by = broken
    report = check(two_by_two.replace(**changes), send(*order))
    assert [(each.rule, each.where) for each in report.violations] == [(rule, where)]
    if by is not None:
        assert report.violations[0].by == pytest.approx(by)


def test_all_broken_rules_are_listed(two_by_two: Any) -> None:
    problem = two_by_two.replace(available_units=[1, 1], store_volume_ml=[0, 0])
    report = check(problem, send([2, 2], [0, -1]))
    rules = [(each.rule, each.where) for each in report.violations]
    assert rules == [
        ("order-negative", "store west sku rice"),
        ("central-stock", "sku milk"),
        ("central-stock", "sku rice"),
        ("store-volume", "store east"),
    ]


def test_a_store_that_is_over_full_may_get_nothing(two_by_two: Any) -> None:
    problem = two_by_two.replace(on_hand_units=[[9, 9], [0, 0]], store_volume_ml=[50, 50])
    assert check(problem, send([0, 0], [1, 1])).is_feasible
    report = check(problem, send([1, 0], [0, 0]))
    assert [(each.rule, each.by) for each in report.violations] == [("store-volume", 10.0)]


def test_wrong_shape_is_a_violation(two_by_two: Any) -> None:
    report = check(two_by_two, send([1, 2, 3]))
    assert [each.rule for each in report.violations] == ["shape"]


def test_chunks_add_up() -> None:
    rng = np.random.default_rng(2)
    mean = rng.gamma(1.0, 3.0, (300, 700))
    problem = Problem(
        mean_units=mean,
        variance_units=2 * mean,
        holding_cost=np.ones(700),
        shortage_cost=np.full(700, 4.0),
        on_hand_units=np.zeros((300, 700)),
        volume_ml=np.ones(700),
        case_pack_units=np.ones(700),
    )
    order = rng.integers(0, 9, (300, 700))
    whole = check(problem, Orders(order_units=order)).objective
    halves = 0.0
    for part in (slice(0, 100), slice(100, 300)):
        some = problem.replace(
            mean_units=mean[part],
            variance_units=2 * mean[part],
            store_ids=(),
            on_hand_units=np.zeros(mean[part].shape),
        )
        halves += check(some, Orders(order_units=order[part])).objective
    assert whole == pytest.approx(halves, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"mean_units": [[np.nan, -1], [1, 1]]}, ["out-of-range"] * 2),
        ({"volume_ml": [-1, 2], "variance_units": [[1, 1], [1, np.inf]]}, ["out-of-range"] * 2),
        ({"on_hand_units": [[0.5, 1], [1, 1]], "rule": "best"}, ["unknown-choice", "bad-number"]),
        ({"case_pack_units": [0, 1]}, ["out-of-range"]),
        ({"case_pack_units": [2**63, 1]}, ["bad-number"]),
        ({"holding_cost": [0.0, 1.0]}, ["holding-cost-too-low"]),
        ({"rule": "fill-rate"}, ["no-target"]),
        ({"rule": "fill-rate", "target": 1.0}, ["out-of-range"]),
        ({"target": 0.5}, ["target-not-used"]),
        ({"sku_ids": ("a", "a")}, ["duplicate-id"]),
        ({"available_units": [1]}, ["bad-shape"]),
        ({"mean_units": [1.0, 2.0]}, ["bad-shape"]),
        ({"demand_law": "uniform"}, ["unknown-choice"]),
    ],
)
def test_bad_input_is_listed(two_by_two: Any, changes: Any, codes: Any) -> None:
    with pytest.raises(InputError) as caught:
        two_by_two.replace(**changes)
    assert [issue.code for issue in caught.value.issues] == codes


def test_bad_orders_are_refused() -> None:
    with pytest.raises(InputError, match="order_units"):
        send([0.5])


def test_many_bad_cells_are_summed_up() -> None:
    table = np.full((10, 10), -1.0)
    with pytest.raises(InputError) as caught:
        Problem(
            mean_units=table,
            variance_units=-table,
            holding_cost=np.ones(10),
            shortage_cost=np.ones(10),
            on_hand_units=-table,
            volume_ml=np.ones(10),
            case_pack_units=np.ones(10),
        )
    assert len(caught.value.issues) == 21
    assert "80 more" in caught.value.issues[-1].found
