"""Baskets that are expected, from baskets that were seen.

An assortment fitted to past baskets learns their chance pairs by heart. Here a line of a past order
comes again with some probability, else the customer takes another SKU of its group, or any SKU, by
their popularity. Orders fade with age. The expected weight of complete orders is then a
polynomial of what is carried; around a known assortment it is replaced by the term in which all
lines come again, which stays an order, and the slope of the rest, which becomes orders of one line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Result, Stop
from dispatchopt.core.arrays import FloatArray, IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.assortment.problem import AssortmentProblem, AssortmentSolution

#: Orders of one line below this share of all weight are left out.
_LEAST = 1e-10


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How much of a past order comes again.

    Parameters
    ----------
    half_life_days
        Age at which an order counts half, > 0; inf for no fading.
    substitute_share
        Probability that a line is another SKU of its group next time, 0 to 1.
    other_share
        Probability that it is any SKU, 0 to 1; both together at most 1.
    """

    half_life_days: float = 84.0
    substitute_share: float = 0.6
    other_share: float = 0.1

    def __post_init__(self) -> None:
        issues = []
        if not self.half_life_days > 0:
            found = repr(self.half_life_days)
            issues.append(issue("out-of-range", "half_life_days", found, "a number above 0"))
        shares = (self.substitute_share, self.other_share)
        if not (min(shares) >= 0 and sum(shares) <= 1):
            wanted = "shares from 0 to 1 that add up to at most 1"
            issues.append(issue("out-of-range", "substitute_share", repr(shares), wanted))
        if issues:
            raise InputError(issues)


def smooth(
    problem: AssortmentProblem,
    around: AssortmentSolution,
    *,
    sku_group: IntArray | None = None,
    age_days: FloatArray | None = None,
    habits: Habits | None = None,
) -> AssortmentProblem:
    """Return the problem with the orders that are expected in place of those seen.

    Parameters
    ----------
    problem
        Past orders.
    around
        An assortment near the one that is sought, such as that of the most popular SKUs.
    sku_group
        Group of SKUs that replace each other, (K,), >= 0; by default their category.
    age_days
        Age of each order, (O,), >= 0; 0 if not given.
    habits
        How much of an order comes again.
    """
    habits = habits or Habits()
    group = problem.sku_category if sku_group is None else _whole(sku_group, problem.num_skus)
    weight = problem.order_weight * _fading(problem, age_days, habits)
    order, sku = problem.line_order, problem.line_sku
    size = np.bincount(order, minlength=problem.num_orders)
    keep = 1.0 - habits.substitute_share - habits.other_share
    alone = weight * keep**size
    worth = _slopes(problem, around, group, weight, habits)
    zone, one = np.nonzero(worth > _LEAST * weight.sum())
    fresh = problem.num_orders + np.arange(one.size)
    return problem.replace(
        order_weight=np.concatenate([alone, worth[zone, one]]),
        order_zone=np.concatenate([problem.order_zone, zone]),
        line_order=np.concatenate([order, fresh]),
        line_sku=np.concatenate([sku, one]),
        order_ids=(),
    )


def solve_smoothed(
    problem: AssortmentProblem,
    *,
    sku_group: IntArray | None = None,
    age_days: FloatArray | None = None,
    habits: Habits | None = None,
    rounds: int = 2,
    stop: Stop | None = None,
    seed: int = 1,
) -> tuple[AssortmentProblem, Result[AssortmentSolution]]:
    """Smooth around the most popular SKUs, solve, and again around the answer.

    Returns
    -------
    The last smoothed problem and its result; the objective and the bound belong to that problem.
    """
    from dispatchopt.core import solve
    from dispatchopt.inventory.assortment.domain import DOMAIN

    around = most_popular(problem, weight=problem.order_weight)
    for _ in range(max(1, rounds)):
        expected = smooth(problem, around, sku_group=sku_group, age_days=age_days, habits=habits)
        result = solve(DOMAIN, expected, engine="cut", stop=stop, seed=seed)
        around = result.require()
    return expected, result


def most_popular(
    problem: AssortmentProblem, *, weight: FloatArray | None = None
) -> AssortmentSolution:
    """Return the SKUs of most lines in each store's reach that keep all limits.

    Raises
    ------
    InputError
        If a store has no assortment that keeps all limits.
    """
    from dispatchopt.inventory.assortment.engines._block import Orders
    from dispatchopt.inventory.assortment.engines._fill import can_reach_floors, most_wanted

    orders = Orders(problem)
    carried = orders.must.copy()
    each = (problem.order_weight if weight is None else weight)[orders.order]
    for store in range(problem.num_stores):
        block = orders.of_store(store, np.zeros_like(carried))
        if not can_reach_floors(block):
            where = f"store {problem.store_ids[store]}"
            wanted = "musts and floors that fit into slots and room"
            raise InputError(issue("no-assortment", where, "limits that exclude all", wanted))
        near = problem.reach[orders.zone, store]
        score = np.bincount(orders.sku[near], weights=each[near], minlength=problem.num_skus)
        carried[store] |= most_wanted(block, score.astype(np.float64))
    return AssortmentSolution(is_carried=carried)


def _slopes(
    problem: AssortmentProblem,
    around: AssortmentSolution,
    group: IntArray,
    weight: FloatArray,
    habits: Habits,
) -> FloatArray:
    """Slope of the expected complete weight by carrying each SKU in each zone, (Z, K).

    Without the term in which all lines of an order come again.
    """
    sub, other = habits.substitute_share, habits.other_share
    keep = 1.0 - sub - other
    order, sku = problem.line_order, problem.line_sku
    zone = problem.order_zone[order]
    shape = (problem.num_zones, problem.num_skus)
    popularity = np.bincount(sku, weights=weight[order], minlength=shape[1])
    total = np.bincount(group, weights=popularity)
    share = popularity / np.maximum(total, 1e-300)[group]
    overall = popularity / max(1e-300, float(popularity.sum()))
    has = problem.reach.astype(np.float64) @ around.is_carried > 0
    flat = (np.arange(shape[0])[:, None] * total.size + group).ravel()
    cover = np.bincount(flat, weights=(has * share).ravel(), minlength=shape[0] * total.size)
    cover = cover.reshape(shape[0], total.size)
    filled = keep * has[zone, sku] + sub * cover[zone, group[sku]] + other * (has @ overall)[zone]
    log = np.log(np.maximum(filled, 1e-12))
    num = problem.num_orders
    rest = weight[order] * np.exp(np.bincount(order, log, minlength=num)[order] - log)
    lacks = np.bincount(order, weights=~has[zone, sku], minlength=num)[order] - ~has[zone, sku]
    size = np.bincount(order, minlength=num)
    all_again = weight[order] * (keep**size)[order] * (lacks == 0)
    slope = np.zeros(shape)
    np.add.at(slope, (zone, sku), keep * rest - all_again)
    by_group = np.zeros((shape[0], total.size))
    np.add.at(by_group, (zone, group[sku]), rest)
    slope += sub * share * by_group[:, group]
    slope += other * overall * np.bincount(zone, weights=rest, minlength=shape[0])[:, None]
    return slope


def _fading(problem: AssortmentProblem, age_days: FloatArray | None, habits: Habits) -> FloatArray:
    if age_days is None:
        return np.ones(problem.num_orders)
    return np.asarray(0.5 ** (ages(problem, age_days) / habits.half_life_days))


def ages(problem: AssortmentProblem, age_days: FloatArray) -> FloatArray:
    """Return the ages of orders as checked numbers."""
    age = np.asarray(age_days, dtype=np.float64)
    if age.shape != (problem.num_orders,) or not (age >= 0).all():
        wanted = f"{problem.num_orders} numbers >= 0"
        raise InputError(issue("out-of-range", "age_days", f"shape {age.shape}", wanted))
    return age


def _whole(values: IntArray, size: int) -> IntArray:
    try:
        array = frozen(values, np.int64)
    except (ValueError, TypeError, OverflowError) as error:
        wanted = "whole numbers"
        raise InputError(issue("bad-number", "sku_group", str(error), wanted)) from error
    if array.shape != (size,) or (array < 0).any() or (array > 10 * size + 10).any():
        wanted = f"{size} numbers from 0 to {10 * size + 10}"
        raise InputError(issue("out-of-range", "sku_group", f"shape {array.shape}", wanted))
    return array


def issue(code: str, where: str, found: str, wanted: str) -> Issue:
    """Return an issue."""
    return Issue(code=code, where=where, found=found, wanted=wanted)
