"""Blocks of sites with prices, and the bound that they give, against enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.siting.conftest import every_choice

from dispatchopt import siting
from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.stop import Stop
from dispatchopt.siting import PointGround, SitingProblem
from dispatchopt.siting.engines import _cover_block_rows, _cover_blocks, _cover_search
from dispatchopt.siting.engines._cover_aim import Cuts, aimed, with_sum
from dispatchopt.siting.engines._cover_blocks import Block, partition
from dispatchopt.siting.engines._cover_build import model_of
from dispatchopt.siting.engines._cover_decompose import Decomposition, can_decompose
from dispatchopt.siting.engines._cover_interior import Interior
from dispatchopt.siting.engines._cover_lp import Relaxed
from dispatchopt.siting.engines._cover_model import CoverModel

SEEDS = st.integers(min_value=0, max_value=10_000)


def _city(seed: int, *, sites: int = 9, customers: int = 60, most: int = 3) -> SitingProblem:
    """Two clusters of points with some between; a site that stands, one that is forbidden."""
    rng = np.random.default_rng(seed)
    middle = np.array([[0.3, 0.3], [0.9, 0.8]])
    ground = PointGround(
        site_xy=middle[rng.integers(2, size=sites)] + rng.normal(scale=0.15, size=(sites, 2)),
        customer_xy=middle[rng.integers(2, size=customers)]
        + rng.normal(scale=0.2, size=(customers, 2)),
        demand_units=rng.integers(1, 10, size=customers),
        reach=float(rng.uniform(0.1, 0.3)),
    )
    status = np.zeros(sites, dtype=np.int64)
    if seed % 3 == 0:
        status[rng.integers(sites)] = siting.SiteStatus.EXISTING
        status[rng.integers(sites)] = siting.SiteStatus.FORBIDDEN
    return ground.problem(goal="max-coverage", max_sites=most, status=status)


def _model(problem: SitingProblem) -> CoverModel:
    model = model_of(problem)
    assert model is not None
    return model


def _decomposition(
    model: CoverModel,
    monkeypatch: pytest.MonkeyPatch,
    *,
    most_open: float = 1.5,
    root: Relaxed | None = None,
) -> Decomposition:
    """Blocks of few open sites, so that even small cities have several."""
    monkeypatch.setattr(_cover_blocks, "_MOST_OPEN", most_open)
    if root is None:
        lp = Interior(model, should_stop=lambda: False, best=lambda: 10**9)
        root = lp.first(model.lower, model.upper)
    return Decomposition(model, root, lambda: False)


def _costs(block: Block, units: IntArray, table: BoolArray) -> tuple[BoolArray, IntArray]:
    """Return all choices of a block's sites, and what each leaves unserved."""
    count = len(block.sites)
    every = np.array(list(itertools.product((False, True), repeat=count))).reshape(-1, count)
    return every, (~(every @ table.T) * units).sum(axis=1)


def _any_group(share: FloatArray, _inverse: FloatArray | None) -> IntArray:
    """Return sites that are drawn by their shares, to see groups of all sizes."""
    bits = np.random.default_rng(int(share.sum() * 1e6) % 2**31)
    return np.flatnonzero(bits.random(len(share)) < bits.random() + 1.0 / len(share))


def _drawn_group(share: FloatArray, inverse: FloatArray | None) -> IntArray:
    group = _any_group(share, inverse)
    return group if len(group) else np.array([int(share.argmax())])


@given(seed=SEEDS, has_drawn_groups=st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_block_costs_what_enumeration_says_at_all_prices_in_turn(
    seed: int, has_drawn_groups: bool
) -> None:
    model = _model(_city(seed))
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(rng.random(model.pairs.num_rows) < 0.7)
    if not len(rows):
        return
    block = Block(model, rows)
    table = np.zeros((len(rows), len(block.sites)), dtype=bool)
    inside = np.isin(model.pairs.row, rows)
    place = np.searchsorted(block.sites, model.pairs.site[inside])
    table[np.searchsorted(rows, model.pairs.row[inside]), place] = True
    every, missed = _costs(block, model.pairs.units[rows], table)
    lower = np.zeros(len(block.sites), dtype=bool)
    upper = ~lower
    is_kept = np.ones(len(every), dtype=bool)
    with pytest.MonkeyPatch.context() as patch:
        if has_drawn_groups:
            patch.setattr(_cover_block_rows, "group_to_branch_on", _drawn_group)
        for turn in range(4):
            price = rng.integers(0, 40, size=len(block.sites))
            block.reprice(price)
            allowed = ((every & ~upper) | (lower & ~every)).sum(axis=1) == 0
            cost = missed + every @ np.where(lower, 0, price)
            # Choices that were left out before may be found, but say nothing about the others.
            least, least_of_all = int(cost[allowed & is_kept].min()), int(cost[allowed].min())
            assert block.bound <= least
            assert least_of_all <= block.found
            for _ in range(int(rng.integers(60)) if turn < 3 else 2_000):
                if block.bound == block.found:
                    break
                block.refine(lambda: False)
                assert block.bound <= least
                assert least_of_all <= block.found
            assert turn < 3 or block.bound == min(least, block.found)
            cuts = block.cuts()
            assert len(cuts.missed) >= 1
            # What may cost little enough stays, at these prices and at all others.
            room = int(rng.integers(5, 30))
            bounds = block.settle(room)
            is_kept &= allowed & (cost <= block.bound + room)
            assert bounds is not None or not is_kept.any()
            if bounds is None:
                return
            assert not (every[is_kept] & ~bounds[1]).any()
            assert not (bounds[0] & ~every[is_kept]).any()
            lower, upper = lower | bounds[0], upper & bounds[1]
            if seed % 4 == 0 and turn == 0:
                upper[rng.integers(len(upper))] = False
            is_kept &= ((every & ~upper) | (lower & ~every)).sum(axis=1) == 0
            if not is_kept.any() or not block.narrow(lower, upper):
                assert not is_kept.any()
                return


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_no_bound_is_above_the_optimum_and_no_better_solution_is_lost(seed: int) -> None:
    model = _model(_city(seed))
    if model.max_sites is None or not (model.upper & ~model.lower).any():
        return
    every, values = every_choice(model)
    best = min(values)
    # As if the best solution known were somewhat worse than the best there is.
    known = best + 1 + seed % 5
    with pytest.MonkeyPatch.context() as patch:
        parts = _decomposition(model, patch)
        for _ in range(4):
            goes_on = parts.improve(known)
            lower, upper = parts.limits()
            assert parts.bound <= max(best, 0)
            better = every[np.array(values) < known]
            assert not (better & ~upper).any()
            assert not (lower & ~better).any()
            if not goes_on:
                break


def _square(
    seed: int, *, sites: int, customers: int, most: int, reach: float, unit: int = 1
) -> SitingProblem:
    """Sites and customers anywhere in a long square."""
    rng = np.random.default_rng(seed)
    return PointGround(
        site_xy=rng.random((sites, 2)) * [2, 1],
        customer_xy=rng.random((customers, 2)) * [2, 1],
        demand_units=unit * rng.integers(1, 10, size=customers),
        reach=reach,
    ).problem(goal="max-coverage", max_sites=most)


def test_the_bound_closes_most_of_the_gap_of_the_relaxation() -> None:
    closed = []
    for seed in range(5):
        problem = _square(seed, sites=60, customers=1_500, most=14, reach=0.2, unit=1_000)
        best = round(siting.solve(problem, engine="coverage", stop=Stop(time_s=60)).objective or 0)
        model = _model(problem)
        lp = Interior(model, should_stop=lambda: False, best=lambda: 10**9)
        lp.enough = 1e-9
        root = lp.first(model.lower, model.upper)
        with pytest.MonkeyPatch.context() as patch:
            parts = _decomposition(model, patch, most_open=5.0, root=root)
            for _ in range(4):
                if not parts.improve(best):
                    break
        # Prices are rounded down to whole ones.
        assert root.objective - model.num_sites <= parts.bound <= best
        closed.append((parts.bound - root.objective) / max(1.0, best - root.objective))
    assert sum(share > 0.5 for share in closed) >= 3


def test_sites_that_share_demand_come_into_one_block() -> None:
    rng = np.random.default_rng(5)
    place = np.concatenate([rng.random((10, 2)), rng.random((10, 2)) + 8.0])
    home = np.concatenate([rng.random((200, 2)), rng.random((200, 2)) + 8.0])
    ground = PointGround(
        site_xy=place, customer_xy=home, demand_units=np.ones(400, dtype=np.int64), reach=0.4
    )
    model = _model(ground.problem(goal="max-coverage", max_sites=16))
    share = np.where(model.upper, 0.8, 0.0)
    parts = partition(model, share)
    assert parts.count >= 2
    near = parts.block[:10]
    far = parts.block[10:]
    assert not set(near[near >= 0]) & set(far[far >= 0])
    # A row belongs to a block of the sites that reach it.
    rows = parts.rows(model)
    for row in range(model.pairs.num_rows):
        sites = model.pairs.site[model.pairs.row == row]
        assert rows[row] in parts.block[sites]


@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_prices_with_a_sum_are_the_nearest_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inside = rng.random((3, 6)) < 0.6
    price = np.where(inside, rng.normal(5, 4, size=inside.shape), 0.0)
    total = float(rng.uniform(1, 10))
    found = with_sum(price, inside, total)
    assert (found >= 0).all()
    assert not found[~inside].any()
    has_block = inside.any(axis=0)
    assert np.allclose(found.sum(axis=0), np.where(has_block, total, 0.0))
    for site in np.flatnonzero(has_block):
        blocks = np.flatnonzero(inside[:, site])
        for _ in range(10):
            other = rng.dirichlet(np.ones(len(blocks))) * total
            near = ((found[blocks, site] - price[blocks, site]) ** 2).sum()
            assert near <= ((other - price[blocks, site]) ** 2).sum() + 1e-9


def test_prices_move_from_the_block_that_does_not_want_a_site() -> None:
    # One site, two blocks: without it they leave 100 and 0 units, with it none.
    inside = np.ones((2, 1), dtype=bool)
    cuts = [
        Cuts(missed=np.array([100.0, 0.0]), share=np.array([[0.0], [1.0]])),
        Cuts(missed=np.array([0.0, 0.0]), share=np.array([[0.0], [1.0]])),
    ]
    center = (np.array([[30.0], [30.0]]), 60.0)
    price, opening = aimed(center, inside, cuts, 1, 40.0)
    assert price[1, 0] < 10
    assert np.isclose(price.sum(), opening)
    # At first 30 units of the price of the site are for nothing.
    bound = sum(float((cut.missed + cut.share @ price[at]).min()) for at, cut in enumerate(cuts))
    assert bound - opening > -10


def test_what_is_decomposed_counts_units_under_a_limit_on_sites() -> None:
    problem = _city(1, sites=40, customers=300, most=30)
    assert can_decompose(_model(problem))
    few = _city(1, sites=40, customers=300, most=10)
    assert not can_decompose(_model(few))
    costly = PointGround(
        site_xy=np.random.default_rng(1).random((40, 2)),
        customer_xy=np.random.default_rng(2).random((300, 2)),
        demand_units=np.ones(300, dtype=np.int64),
        reach=0.1,
    ).problem(goal="max-coverage", budget_cents=3_000, site_cost_cents=np.full(40, 100))
    assert not can_decompose(_model(costly))


def test_the_engine_says_the_same_with_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = []
    improve = Decomposition.improve

    def counted(self: Decomposition, best: int) -> bool:
        rounds.append(best)
        return improve(self, best)

    monkeypatch.setattr(Decomposition, "improve", counted)
    for problem in (
        _square(0, sites=120, customers=4_000, most=24, reach=0.16),
        _square(1, sites=160, customers=6_000, most=28, reach=0.15),
    ):
        plain = siting.solve(problem, engine="coverage", stop=Stop(time_s=120), seed=1)
        before = len(rounds)
        with monkeypatch.context() as patch:
            patch.setattr(_cover_search, "_is_dense", lambda _model: True)
            blocks = siting.solve(problem, engine="coverage", stop=Stop(time_s=120), seed=1)
        assert len(rounds) > before
        assert plain.status == blocks.status == "optimal"
        assert plain.objective == blocks.objective
