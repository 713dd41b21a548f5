"""Later orders as the judge: which habits fit, and what an assortment is worth out of sample."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Stop
from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.errors import InputError
from dispatchopt.inventory.assortment.check import check
from dispatchopt.inventory.assortment.problem import AssortmentProblem, AssortmentSolution
from dispatchopt.inventory.assortment.smoothing import (
    Habits,
    ages,
    issue,
    most_popular,
    solve_smoothed,
)

#: Habits that are tried where none are stated.
CANDIDATES = (
    Habits(half_life_days=math.inf, substitute_share=0.0, other_share=1.0),
    Habits(),
    Habits(half_life_days=math.inf),
    Habits(half_life_days=math.inf, substitute_share=0.3, other_share=0.6),
)


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Shares of the orders of later days that are complete, by how the assortment was chosen.

    Parameters
    ----------
    slots
        Slots of every store.
    most_popular
        The SKUs of most lines.
    as_seen
        Best for the past orders as they were.
    smoothed
        Best for the orders expected from them.
    gap
        Proven gap of the last.
    habits
        Habits that were used.
    """

    slots: int
    most_popular: float
    as_seen: float
    smoothed: float
    gap: float
    habits: Habits


def choose_habits(
    problem: AssortmentProblem,
    *,
    age_days: FloatArray,
    sku_group: IntArray | None = None,
    share: float = 0.2,
    candidates: Sequence[Habits] = (),
    stop: Stop | None = None,
) -> Habits:
    """Return the habits that complete most of the latest orders when fitted to the others.

    The first candidate stands unless another one is better by more than the standard error of the
    difference; by default it draws all lines anew, which is to carry the most popular SKUs.

    Parameters
    ----------
    problem
        Past orders, with the limits under which they are to be filled.
    age_days, sku_group, stop
        As for ``solve_smoothed``.
    share
        Share of the orders that are kept apart, above 0 and below 1.
    candidates
        Habits to try.
    """
    if not 0 < share < 1:
        raise InputError(issue("out-of-range", "share", repr(share), "a number between 0 and 1"))
    age = ages(problem, age_days)
    since = float(np.quantile(age, share)) if age.size else 0.0
    past, later = _part(problem, age >= since), _part(problem, age < since)
    tried: list[tuple[Habits, BoolArray]] = []
    for each in candidates or CANDIDATES:
        _, result = solve_smoothed(
            past, sku_group=sku_group, age_days=age[age >= since] - since, habits=each, rounds=1,
            stop=stop,
        )  # fmt: skip
        tried.append((each, _is_complete(later, result.require())))
    weight = later.order_weight
    best = max(tried, key=lambda one: float(weight[one[1]].sum()))
    gain = weight * (best[1].astype(np.float64) - tried[0][1])
    return best[0] if gain.sum() > np.sqrt((gain**2).sum()) else tried[0][0]


def _is_complete(problem: AssortmentProblem, made: AssortmentSolution) -> BoolArray:
    """Return which orders are complete, (O,)."""
    zone = problem.order_zone[problem.line_order]
    if problem.may_split:
        count = problem.reach.astype(np.float64) @ made.is_carried
        lacks = np.less_equal(count, 0)[zone, problem.line_sku]
        missing = np.bincount(problem.line_order[lacks], minlength=problem.num_orders)
        return np.equal(missing, 0)
    found = np.zeros(problem.num_orders, dtype=bool)
    for near, carried in zip(problem.reach.T, made.is_carried, strict=True):
        lacks = ~carried[problem.line_sku]
        missing = np.bincount(problem.line_order[lacks], minlength=problem.num_orders)
        found |= near[problem.order_zone] & (missing == 0)
    return found


def held_out(
    problem: AssortmentProblem,
    *,
    age_days: FloatArray,
    days: float,
    slots: Sequence[int],
    sku_group: IntArray | None = None,
    habits: Habits | None = None,
    stop: Stop | None = None,
) -> list[HeldOut]:
    """Choose on the older orders and count the complete among those of the last days.

    Parameters
    ----------
    problem
        All orders; its slots are replaced.
    age_days
        Age of each order, (O,), >= 0.
    days
        Orders younger than this are held out.
    slots
        Slots of every store to try.
    sku_group, stop
        As for ``solve_smoothed``.
    habits
        How much of an order comes again; chosen on the latest of the older orders if not given.
    """
    from dispatchopt.core import solve
    from dispatchopt.inventory.assortment.domain import DOMAIN

    age = ages(problem, age_days)
    past, later = _part(problem, age >= days), _part(problem, age < days)
    rows = []
    for count in slots:
        limit = {"slots": np.full(problem.num_stores, count)}
        known = past.replace(**limit)
        of_past = age[age >= days] - days
        chosen = habits or choose_habits(known, age_days=of_past, sku_group=sku_group, stop=stop)
        _, smoothed = solve_smoothed(
            known, sku_group=sku_group, age_days=of_past, habits=chosen, stop=stop
        )
        made = (
            most_popular(known),
            solve(DOMAIN, known, engine="cut", stop=stop).require(),
            smoothed.require(),
        )
        test = later.replace(**limit)
        rate = [check(test, each).figures["complete_orders"] for each in made]
        gap = float("inf") if smoothed.gap is None else smoothed.gap
        rows.append(
            HeldOut(
                slots=int(count),
                most_popular=rate[0],
                as_seen=rate[1],
                smoothed=rate[2],
                gap=gap,
                habits=chosen,
            )
        )
    return rows


def _part(problem: AssortmentProblem, is_kept: BoolArray) -> AssortmentProblem:
    """Return the problem with some of its orders."""
    row = np.cumsum(is_kept) - 1
    keep = is_kept[problem.line_order]
    return problem.replace(
        order_weight=problem.order_weight[is_kept],
        order_zone=problem.order_zone[is_kept],
        line_order=row[problem.line_order[keep]],
        line_sku=problem.line_sku[keep],
        order_ids=tuple(np.array(problem.order_ids, dtype=object)[is_kept]),
    )
