"""Assortments: by hand, against brute force, limits, and what the checker says."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import InputError, Status
from dispatchopt.inventory import assortment
from dispatchopt.inventory.assortment import AssortmentProblem, AssortmentSolution


def make(baskets: list[list[int]], *, skus: int, **changes: Any) -> AssortmentProblem:
    fields: dict[str, Any] = {
        "num_skus": skus,
        "order_weight": np.ones(len(baskets)),
        "line_order": [row for row, basket in enumerate(baskets) for _ in basket],
        "line_sku": [sku for basket in baskets for sku in basket],
        "reach": np.ones((1, 1), dtype=bool),
    }
    return AssortmentProblem(**{**fields, **changes})


def drawn(seed: int) -> AssortmentProblem:
    """A problem small enough for brute force, with any of its fields in use."""
    rng = np.random.default_rng(seed)
    stores, zones, skus = int(rng.integers(1, 3)), int(rng.integers(1, 3)), int(rng.integers(1, 5))
    baskets = [
        rng.permutation(skus)[: rng.integers(0, 4)].tolist() for _ in range(rng.integers(0, 7))
    ]
    num = int(rng.integers(1, 3))
    some = [bool(rng.random() < 0.5) for _ in range(5)]
    return make(
        baskets,
        skus=skus,
        order_weight=np.round(rng.random(len(baskets)) * 9, 1),
        order_zone=rng.integers(0, zones, len(baskets)),
        reach=rng.random((zones, stores)) < 0.8,
        may_split=some[0],
        slots=rng.integers(0, skus + 1, stores) if some[1] else None,
        volume_ml=rng.integers(0, 9, skus),
        store_volume_ml=rng.integers(0, 20, stores) if some[2] else None,
        listing=rng.choice([-1, 0, 0, 0, 0, 1], (stores, skus)) if some[3] else None,
        sku_category=rng.integers(0, num, skus),
        floor=rng.integers(0, 2, (stores, num)) if some[4] else None,
    )


def brute_force(problem: AssortmentProblem) -> float:
    """The least cost over all assortments; inf if none keeps the limits."""
    shape = (problem.num_stores, problem.num_skus)
    best = np.inf
    for bits in itertools.product((False, True), repeat=shape[0] * shape[1]):
        made = AssortmentSolution(is_carried=np.array(bits).reshape(shape))
        report = assortment.check(problem, made)
        if report.is_feasible:
            best = min(best, report.objective)
    return best


def test_two_slots_take_the_pair_that_completes_most() -> None:
    """SKU 0 is in most lines, but 1 and 2 together complete two orders, 0 with either only one."""
    problem = make([[0, 1], [0, 2], [0, 3], [1, 2], [1, 2], [1, 2]], skus=4, slots=[2])
    result = assortment.solve(problem)
    assert result.status is Status.OPTIMAL
    assert result.objective == 3.0
    assert result.require().is_carried.tolist() == [[False, True, True, False]]


def test_two_stores_share_an_order_only_where_they_may() -> None:
    problem = make([[0, 1]], skus=2, reach=np.ones((1, 2), dtype=bool), slots=[1, 1])
    assert assortment.solve(problem).objective == 1.0
    assert assortment.solve(problem.replace(may_split=True)).objective == 0.0


def test_most_popular_by_hand() -> None:
    problem = make([[0, 1], [0, 2], [0, 3], [1, 2], [1, 2]], skus=4, slots=[2])
    carried = assortment.most_popular(problem).is_carried
    assert carried.tolist() == [[True, True, False, False]]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_bound_brute_force_objective(seed: int) -> None:
    problem = drawn(seed)
    best = brute_force(problem)
    assert assortment.DOMAIN.bound(problem) <= best + 1e-9
    for engine in ("cut", "exact"):
        result = assortment.solve(problem, engine=engine)
        if not np.isfinite(best):
            assert result.status is Status.INFEASIBLE
            continue
        assert result.objective is not None
        assert result.bound is not None
        assert result.bound <= best + 1e-6
        assert result.objective >= best - 1e-6
        if engine == "exact":
            assert result.objective == pytest.approx(best, abs=1e-6)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_more_slots_never_cost_more_and_renaming_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    baskets = [rng.permutation(6)[: rng.integers(1, 4)].tolist() for _ in range(8)]
    problem = make(baskets, skus=6, slots=[2])
    cost = [assortment.solve(problem.replace(slots=[count])).objective for count in range(7)]
    assert all(left >= right for left, right in itertools.pairwise(np.array(cost, dtype=float)))
    assert cost[-1] == 0.0
    renamed = rng.permutation(6)
    other = make([[int(renamed[sku]) for sku in each] for each in baskets], skus=6, slots=[2])
    assert assortment.solve(other).objective == pytest.approx(cost[2])


@pytest.mark.parametrize(
    ("changes", "rule", "by"),
    [
        ({"slots": [1]}, "slots", 1.0),
        ({"store_volume_ml": [5], "volume_ml": [4, 4, 4]}, "store-volume", 3.0),
        ({"listing": [[0, 0, 1]]}, "must-carry", 1.0),
        ({"listing": [[-1, 0, 0]]}, "never-carry", 1.0),
        ({"floor": [[0, 1]]}, "category-floor", 1.0),
    ],
)
def test_checker_names_the_rule_that_is_broken(
    changes: dict[str, Any], rule: str, by: float
) -> None:
    problem = make([[0, 1], [2]], skus=3, sku_category=[0, 0, 1])
    made = AssortmentSolution(is_carried=[[True, True, False]])  # type: ignore[arg-type]
    assert assortment.check(problem, made).violations == ()
    found = assortment.check(problem.replace(**changes), made).violations
    assert [(each.rule, each.by) for each in found] == [(rule, by)]


def test_checker_names_a_wrong_shape() -> None:
    problem = make([[0, 1], [2]], skus=3)
    made = AssortmentSolution(is_carried=np.zeros((2, 3), dtype=bool))
    assert [each.rule for each in assortment.check(problem, made).violations] == ["shape"]


def test_figures_count_lines_and_orders() -> None:
    problem = make([[0, 1], [2], [0]], skus=3)
    made = AssortmentSolution(is_carried=[[True, True, False]])  # type: ignore[arg-type]
    figures = assortment.check(problem, made).figures
    assert figures["complete_orders"] == pytest.approx(2 / 3)
    assert figures["line_fill_rate"] == pytest.approx(3 / 4)
    assert figures["lines_not_carried"] == 1.0


def test_bad_input_lists_every_problem() -> None:
    with pytest.raises(InputError) as caught:
        make([[0, 5], [1, 1]], skus=3, order_weight=[1.0, np.nan], slots=[-1])
    found = {(issue.code, issue.where) for issue in caught.value.issues}
    assert found == {
        ("out-of-range", "line_sku[1]"),
        ("out-of-range", "order_weight[1]"),
        ("out-of-range", "slots[0]"),
    }
    with pytest.raises(InputError, match="duplicate-row"):
        make([[1, 1]], skus=3)


def test_musts_beyond_the_slots_are_infeasible() -> None:
    problem = make([[0]], skus=2, slots=[1], listing=[[1, 1]])
    assert assortment.solve(problem).status is Status.INFEASIBLE
    with pytest.raises(InputError, match="no-assortment"):
        assortment.most_popular(problem)
