"""Bounds of blocks with prices, at their worst: all steps cut off anywhere, against enumeration."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.siting.conftest import every_choice

from dispatchopt import siting
from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.stop import Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import PointGround, SitingGoal, SitingProblem
from dispatchopt.siting.engines import (
    _cover_block_rows,
    _cover_blocks,
    _cover_decompose,
    _cover_search,
)
from dispatchopt.siting.engines._cover_block_rows import BlockRows
from dispatchopt.siting.engines._cover_block_tree import BlockTree
from dispatchopt.siting.engines._cover_build import model_of
from dispatchopt.siting.engines._cover_decompose import Decomposition, can_decompose
from dispatchopt.siting.engines._cover_interior import Interior
from dispatchopt.siting.engines._cover_leaf import Choices

SEEDS = st.integers(min_value=0, max_value=100_000)
#: Demand is a multiple of one of these: sums of it reach the end of what int64 holds.
UNITS = (1, 1, 7, 10**5, 10**9, 10**11, 10**12, 10**13)


def _city(seed: int, *, unit: int, sites: int = 10, most: int = 4) -> SitingProblem:
    """Three clusters that share some customers; sites that stand and ones that are forbidden."""
    rng = np.random.default_rng(seed)
    middle = np.array([[0.2, 0.2], [0.8, 0.3], [0.5, 0.9]])
    ground = PointGround(
        site_xy=middle[rng.integers(3, size=sites)] + rng.normal(scale=0.15, size=(sites, 2)),
        customer_xy=middle[rng.integers(3, size=90)] + rng.normal(scale=0.2, size=(90, 2)),
        demand_units=unit * rng.integers(1, 10, size=90),
        reach=float(rng.uniform(0.12, 0.35)),
    )
    status = np.zeros(sites, dtype=np.int64)
    if seed % 3 == 0:
        status[rng.integers(sites)] = siting.SiteStatus.EXISTING
        status[rng.integers(sites)] = siting.SiteStatus.FORBIDDEN
    return ground.problem(
        goal="max-coverage", max_sites=int(rng.integers(1, most + 1)), status=status
    )


def _tangle(seed: int, *, unit: int, sites: int = 10, most: int = 5) -> SitingProblem:
    """Customers whom two or three sites reach, here and there: relaxations leave much open."""
    rng = np.random.default_rng(seed)
    reaches = np.zeros((sites, 40), dtype=bool)
    for customer in range(40):
        reaches[rng.choice(sites, size=int(rng.integers(2, 4)), replace=False), customer] = True
    site, customer_idx = np.nonzero(reaches)
    return SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=Coverage(
            indptr=np.searchsorted(site, np.arange(sites + 1)),
            customer_idx=customer_idx,
            distance_m=np.zeros(len(site), dtype=np.int64),
            num_customers=40,
            cutoff_m=1,
        ),
        demand_units=unit * rng.integers(1, 10, size=40),
        max_sites=int(rng.integers(2, most + 1)),
    )


def _any_group(share: FloatArray, _inverse: FloatArray | None) -> IntArray:
    """Return sites that are drawn by their shares, to see groups of all sizes."""
    bits = np.random.default_rng(int(share.sum() * 1e6) % 2**31)
    group = np.flatnonzero(bits.random(len(share)) < bits.random())
    return group if len(group) else np.array([int(share.argmax())])


def _stopping_after(calls: int) -> Callable[[], bool]:
    """Return what says yes from some call on."""
    left = itertools.count(calls, -1)
    return lambda: next(left) <= 0


@given(
    seed=SEEDS,
    unit=st.sampled_from(UNITS),
    how=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    calls=st.sampled_from((3, 30, 300, 10**9)),
)
@settings(max_examples=150, deadline=None)
def test_bounds_hold_while_incumbents_get_better_and_time_ends(
    seed: int, unit: int, how: tuple[bool, bool, bool], calls: int
) -> None:
    has_drawn_groups, is_tangled, is_whole = how
    model = model_of((_tangle if is_tangled else _city)(seed, unit=unit))
    assert model is not None
    if not (model.upper & ~model.lower).any():
        return
    rng = np.random.default_rng(seed)
    every, values = every_choice(model)
    least = min(values)
    lp = Interior(model, should_stop=lambda: False, best=lambda: 10**18)
    root = lp.first(model.lower, model.upper)
    # Incumbents are values of solutions, the first of them bad, or what is just above the best.
    known = sorted({*rng.choice(values, size=3).tolist(), least}, reverse=True)
    if rng.random() < 0.3:
        known.insert(-1, least + model.grain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_cover_decompose, "_LEAST_OPEN", 0)
        if not can_decompose(model):
            assert unit >= 10**12
            return
        patch.setattr(_cover_blocks, "_MOST_OPEN", float(rng.uniform(0.4, 2.5)))
        if has_drawn_groups:
            patch.setattr(_cover_block_rows, "group_to_branch_on", _any_group)
        patch.setattr(_cover_decompose, "_MOST_NODES", 60)
        if is_whole:
            patch.setattr(_cover_decompose, "_ENOUGH", 0.0)
        should_stop = _stopping_after(int(rng.integers(calls)) if calls < 10**9 else calls)
        parts = Decomposition(model, root, should_stop)
        for best in known:
            for _ in range(int(rng.integers(1, 5))):
                goes_on = parts.improve(best)
                assert parts.bound <= least or (least == best and parts.bound == best)
                lower, upper = parts.limits()
                better = every[np.array([value < best for value in values])]
                assert not (better & ~upper).any()
                assert not (lower & ~better).any()
                if not goes_on:
                    break


@given(
    seed=SEEDS,
    unit=st.sampled_from(UNITS),
    has_drawn_groups=st.booleans(),
    steps=st.sampled_from((1, 2, 5, 20, None)),
)
@settings(max_examples=60, deadline=None)
def test_the_engine_claims_no_more_than_enumeration_says(
    seed: int, unit: int, has_drawn_groups: bool, steps: int | None
) -> None:
    problem = _tangle(seed, unit=unit, sites=12)
    model = model_of(problem)
    assert model is not None
    _, values = every_choice(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_cover_blocks, "_MOST_OPEN", 1.5)
        patch.setattr(_cover_decompose, "_LEAST_OPEN", 2)
        patch.setattr(_cover_decompose, "_MOST_NODES", 60)
        patch.setattr(_cover_search, "_is_dense", lambda _model: True)
        patch.setattr(_cover_search, "_smaller", lambda *_: None)
        if has_drawn_groups:
            patch.setattr(_cover_block_rows, "group_to_branch_on", _any_group)
        stop = Stop(time_s=60, iterations=steps)
        found = siting.solve(problem, engine="coverage", stop=stop, seed=seed)
    assert found.objective is not None
    assert found.bound is not None
    assert found.bound <= min(values) <= found.objective
    assert found.status != "optimal" or found.objective == min(values)
    if steps is None:
        assert found.status == "optimal"


def _drawn_rows(rng: np.random.Generator, sites: int, unit: int) -> tuple[BlockRows, IntArray]:
    """Return rows of two or three sites each, whose relaxation is far from whole solutions.

    Also what each choice of sites leaves unserved, in the order of ``itertools.product``.
    """
    of_row = [
        np.sort(rng.choice(sites, size=int(rng.integers(2, 4)), replace=False)) for _ in range(30)
    ]
    start = np.append(0, np.cumsum([len(each) for each in of_row]))
    units = unit * rng.integers(1, 10, size=len(of_row))
    every = _every(sites)
    missed = sum(units[at] * ~every[:, reaching].any(axis=1) for at, reaching in enumerate(of_row))
    return BlockRows(start, np.concatenate(of_row), units, sites), np.asarray(missed)


def _every(sites: int) -> BoolArray:
    return np.array(list(itertools.product((False, True), repeat=sites)))


def _are_in(every: BoolArray, choices: Choices | None) -> BoolArray:
    """Return which of all choices of sites are among those of a leaf."""
    if choices is None:
        return np.zeros(len(every), dtype=bool)
    found: BoolArray = ((every & ~choices.upper) | (choices.lower & ~every)).sum(axis=1) == 0
    for group in choices.groups:
        found &= every[:, group].any(axis=1)
    return found


@given(seed=SEEDS, unit=st.sampled_from(UNITS[:-1]), has_drawn_groups=st.booleans())
@settings(max_examples=120, deadline=None)
def test_leaves_hold_all_choices_and_bound_them_at_any_prices(
    seed: int, unit: int, has_drawn_groups: bool
) -> None:
    rng = np.random.default_rng(seed)
    sites = 8
    rows, missed = _drawn_rows(rng, sites, unit)
    every = _every(sites)
    tree = BlockTree(rows, sites)
    is_kept = np.ones(len(every), dtype=bool)
    with pytest.MonkeyPatch.context() as patch:
        if has_drawn_groups:
            patch.setattr(_cover_block_rows, "group_to_branch_on", _any_group)
        for _ in range(4):
            price = rng.integers(rows.most_price // 2 + 1, size=sites)
            tree.reprice(price)
            cost = missed + every @ price
            # The target is what a solution costs, and falls to that of a better one.
            target = int(np.quantile(cost, rng.random() / 2, method="lower"))
            for _ in range(int(rng.integers(80))):
                if tree.bound >= target:
                    break
                tree.refine(target, lambda: bool(rng.random() < 0.01))
                if rng.random() < 0.05:
                    target = max(int(cost.min()), target - int(rng.integers(3)) * unit)
            other = rng.integers(rows.most_price + 1, size=sites)
            is_held = np.zeros(len(every), dtype=bool)
            for leaf in tree.leaves:
                inside = _are_in(every, leaf.choices)
                is_held |= inside
                if inside.any():
                    assert min(leaf.value, target) <= int(cost[inside].min())
                    least = int((missed + every @ other)[inside].min())
                    assert leaf.scaled(other, leaf.choices)[0] <= least * leaf.scale
                is_left_out = inside & ~_are_in(every, leaf.tight)
                assert int(cost[is_left_out].min(initial=2**62)) >= target
            assert not (is_kept & ~is_held).any()
            most = tree.bound + int(rng.integers(20)) * unit
            tree.settle(most)
            is_kept &= cost <= most
