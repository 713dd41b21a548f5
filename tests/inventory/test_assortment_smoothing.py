"""Expected baskets: limits of the habits by hand, slopes against differences, held-out rates."""

from __future__ import annotations

import numpy as np
import pytest

from dispatchopt.core import InputError
from dispatchopt.inventory import assortment
from dispatchopt.inventory.assortment import AssortmentProblem, AssortmentSolution, Habits
from dispatchopt.inventory.assortment.validation import _is_complete


def past(seed: int, orders: int = 30, skus: int = 8) -> AssortmentProblem:
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 4, orders)
    picks = [rng.permutation(skus)[:each] for each in size]
    return AssortmentProblem(
        num_skus=skus,
        order_weight=rng.random(orders) + 0.5,
        line_order=np.repeat(np.arange(orders), size),
        line_sku=np.concatenate(picks),
        reach=np.ones((1, 1), dtype=bool),
        slots=np.array([3]),
        sku_category=np.arange(skus) % 3,
    )


def expected(problem: AssortmentProblem, carried: np.ndarray, habits: Habits) -> float:
    """The polynomial itself, order by order."""
    weight = problem.order_weight
    popularity = np.bincount(
        problem.line_sku, weights=weight[problem.line_order], minlength=problem.num_skus
    )
    total = 0.0
    keep = 1 - habits.substitute_share - habits.other_share
    for order in range(problem.num_orders):
        product = weight[order]
        for sku in problem.line_sku[problem.line_order == order]:
            same = problem.sku_category == problem.sku_category[sku]
            cover = (popularity * carried)[same].sum() / popularity[same].sum()
            other = (popularity * carried).sum() / popularity.sum()
            drawn = habits.substitute_share * cover + habits.other_share * other
            product *= keep * carried[sku] + drawn
        total += product
    return float(total)


def test_without_habits_nothing_changes() -> None:
    problem = past(1)
    around = assortment.most_popular(problem)
    same = assortment.smooth(problem, around, habits=Habits(substitute_share=0.0, other_share=0.0))
    one = assortment.solve(problem, engine="exact").objective
    # A slope through an order of several lines counts what one SKU adds, which is its own term.
    assert same.order_weight[: problem.num_orders] == pytest.approx(problem.order_weight)
    assert assortment.solve(same, engine="exact").objective == pytest.approx(one)


def test_when_every_line_is_drawn_anew_the_most_popular_are_best() -> None:
    problem = past(2)
    around = assortment.most_popular(problem)
    habits = Habits(substitute_share=0.0, other_share=1.0)
    smooth = assortment.smooth(problem, around, habits=habits)
    best = assortment.solve(smooth, engine="exact").require()
    assert best.is_carried.tolist() == around.is_carried.tolist()


def test_slopes_are_those_of_the_polynomial() -> None:
    """Orders of one line weigh what the polynomial gains, but for the term that stays an order."""
    problem = past(3)
    habits = Habits(substitute_share=0.5, other_share=0.2)
    around = assortment.most_popular(problem)
    carried = around.is_carried[0].astype(float)
    smooth = assortment.smooth(problem, around, habits=habits)
    fresh = smooth.order_weight[problem.num_orders :]
    sku = smooth.line_sku[problem.num_lines :]
    all_again = problem.replace(order_weight=smooth.order_weight[: problem.num_orders])
    none = Habits(substitute_share=0.0, other_share=0.0)
    for each, weight in zip(sku.tolist(), fresh.tolist(), strict=True):
        low, high = carried.copy(), carried.copy()
        low[each], high[each] = 0.0, 1.0
        # The polynomial is not linear in one SKU, so that the slope is taken at the point.
        step = 1e-6
        at = carried.copy()
        at[each] += step if carried[each] == 0 else -step
        slope = (expected(problem, at, habits) - expected(problem, carried, habits)) / (
            at[each] - carried[each]
        )
        kept = expected(all_again, high, none) - expected(all_again, low, none)
        assert weight == pytest.approx(slope - kept, abs=1e-4)


def test_old_orders_fade() -> None:
    problem = past(4)
    around = AssortmentSolution(is_carried=np.zeros((1, 8), dtype=bool))
    age = np.where(np.arange(30) < 10, 84.0, 0.0)
    habits = Habits(substitute_share=0.0, other_share=0.0)
    smooth = assortment.smooth(problem, around, age_days=age, habits=habits)
    ratio = smooth.order_weight[:30] / problem.order_weight
    assert ratio == pytest.approx(np.where(np.arange(30) < 10, 0.5, 1.0))


def test_held_out_rates_on_baskets_with_substitutes() -> None:
    """Customers want two groups and take any SKU of each: pairs seen are chance."""
    rng = np.random.default_rng(7)
    orders, skus, groups = 600, 60, 6
    share = 1 / np.arange(1, 11)
    share /= share.sum()
    picks = []
    for _ in range(orders):
        group = rng.choice(groups, 2, replace=False)
        picks.append(group * 10 + rng.choice(10, 2, p=share))
    problem = AssortmentProblem(
        num_skus=skus,
        order_weight=np.ones(orders),
        line_order=np.repeat(np.arange(orders), 2),
        line_sku=np.concatenate(picks),
        reach=np.ones((1, 1), dtype=bool),
        sku_category=np.arange(skus) // 10,
    )
    age = np.linspace(100, 0, orders)
    row = assortment.held_out(problem, age_days=age, days=50.0, slots=[18])[0]
    assert row.smoothed >= row.as_seen - 0.01
    assert row.smoothed >= row.most_popular - 0.01
    assert row.gap <= 0.005
    assert 0.1 < row.most_popular < 0.9


@pytest.mark.parametrize("may_split", [False, True])
def test_complete_orders_are_those_of_the_checker(may_split: bool) -> None:
    rng = np.random.default_rng(8)
    problem = past(6).replace(
        reach=np.array([[True, False], [True, True]]),
        order_zone=rng.integers(0, 2, 30),
        slots=np.array([3, 3]),
        may_split=may_split,
        store_ids=(),
        zone_ids=(),
    )
    made = AssortmentSolution(is_carried=rng.random((2, 8)) < 0.5)
    lost = problem.order_weight[~_is_complete(problem, made)].sum()
    assert assortment.check(problem, made).objective == pytest.approx(lost)


def test_habits_are_the_first_unless_others_are_clearly_better() -> None:
    problem = past(9, orders=60)
    age = np.linspace(60, 0, 60)
    same = (Habits(half_life_days=5.0), Habits(half_life_days=5.0))
    assert assortment.choose_habits(problem, age_days=age, candidates=same) is same[0]
    with pytest.raises(InputError, match="share"):
        assortment.choose_habits(problem, age_days=age, share=1.0)


def test_shares_out_of_range_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        Habits(half_life_days=0.0, substitute_share=0.9, other_share=0.2)
    assert [each.where for each in caught.value.issues] == ["half_life_days", "substitute_share"]
    problem = past(5)
    around = assortment.most_popular(problem)
    with pytest.raises(InputError, match="age_days"):
        assortment.smooth(problem, around, age_days=np.zeros(3))
    with pytest.raises(InputError, match="sku_group"):
        assortment.smooth(problem, around, sku_group=np.full(8, -1))
