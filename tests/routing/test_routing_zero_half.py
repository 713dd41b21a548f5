"""Zero-half cuts: broken by the fractional plan that they are made for, by no whole one."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from tests.routing.test_routing_partition import random_columns

from dispatchopt.core.arrays import FloatArray
from dispatchopt.routing.engines._columns import Columns, Cut
from dispatchopt.routing.engines._relaxation import Relaxation
from dispatchopt.routing.engines._zero_half import zero_half_cuts
from dispatchopt.routing.engines._zero_half_kernel import odd_sums


def most_of(columns: Columns, cut: Cut) -> float:
    """Return the most that a plan can count in a cut."""
    rows = np.zeros((columns.num_rows + 1, len(columns)))
    for own in columns.members.T:
        rows[own, np.arange(len(columns))] = 1
    price = np.zeros(len(columns))
    price[cut.hit] = -cut.factor
    found = milp(
        price,
        integrality=np.ones(len(columns)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(rows[:-1], columns.lower, columns.upper),
    )
    return -float(found.fun)


@given(st.integers(0, 1 << 30))
@settings(deadline=None)
def test_cuts_are_broken_by_the_fractional_plan_and_by_no_whole_one(seed: int) -> None:
    """Sums of cuts count too: the second round adds up those of the first."""
    rng = np.random.default_rng(seed)
    columns = random_columns(rng, int(rng.integers(5, 12)), int(rng.integers(20, 90)))
    every = np.arange(len(columns))
    relaxation = Relaxation(columns, every, seed=1, time_left=lambda: math.inf)
    for _ in range(3):
        solved = relaxation.solve()
        assert solved is not None
        cuts = zero_half_cuts(columns, solved.columns, solved.shares, 8)
        share = np.zeros(len(columns))
        share[solved.columns] = solved.shares
        for cut in cuts:
            assert share[cut.hit] @ cut.factor > cut.limit + 0.04
            assert most_of(columns, cut) <= cut.limit + 1e-6
        if not cuts:
            return
        relaxation.cut(cuts)


def test_three_halves_of_pairs_are_cut() -> None:
    """Three trips pair three orders up, half of each; one of them can be chosen."""
    columns = Columns(
        members=np.asfortranarray([[0, 1], [1, 2], [0, 2], [0, 3], [1, 3], [2, 3]]),
        cost=np.array([2.0, 2.0, 2.0, 9.0, 9.0, 9.0]),
        store=np.array([0, 0, 0, -1, -1, -1]),
        origin=np.arange(6),
        num_orders=3,
        lower=np.array([1.0, 1.0, 1.0, -1.0]),
        upper=np.array([1.0, 1.0, 1.0, 4.0]),
    )
    cut, *others = zero_half_cuts(columns, np.arange(3), np.full(3, 0.5), 9)
    assert not others
    assert (cut.hit.tolist(), cut.factor.tolist(), cut.limit) == ([0, 1, 2], [1, 1, 1], 1)


def weight_of(mask: FloatArray, odd: FloatArray, slack: FloatArray, share: FloatArray) -> float:
    """Return what odd columns and slack of a sum weigh, by adding its rows up."""
    return float((mask @ odd % 2) @ share + mask @ slack)


@given(st.integers(0, 1 << 30))
@settings(deadline=None)
def test_sums_weigh_what_adding_up_their_rows_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    num_rows, num_columns = (int(each) for each in rng.integers(2, 12, 2))
    odd = (rng.random((num_rows, num_columns)) < 0.4).astype(np.uint8)
    parity = rng.random(num_rows) < 0.5
    slack, share = rng.random(num_rows) * 0.2, -np.sort(-rng.random(num_columns))
    masks, weights = odd_sums(odd.copy(), parity.copy(), slack, share, 1.5, 4, 2)
    for mask, weight in zip(masks.astype(float), weights, strict=True):
        assert 2 <= mask.sum() <= 4
        assert mask @ parity % 2 == 1
        assert abs(weight_of(mask, odd.astype(float), slack, share) - weight) < 1e-9
        assert weight < 1.5
