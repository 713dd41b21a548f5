"""Blocks of sites with prices, and the bound that they give, against enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.stop import Stop
from dispatchopt.siting import PointGround, SitingProblem
from dispatchopt.siting.engines import _cover_blocks, _cover_decompose, _cover_search
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


def _values(model: CoverModel) -> dict[tuple[int, ...], int]:
    """Return the value of every choice of sites that the limit allows."""
    free = np.flatnonzero(model.upper & ~model.lower)
    most = len(free) if model.max_sites is None else model.max_sites - int(model.lower.sum())
    found = {}
    for count in range(min(most, len(free)) + 1):
        for chosen in itertools.combinations(free.tolist(), count):
            is_open = model.lower.copy()
            is_open[list(chosen)] = True
            value = model.value(is_open)
            assert value is not None
            found[chosen] = value
    return found


def _decomposition(
    model: CoverModel,
    monkeypatch: pytest.MonkeyPatch,
    *,
    most_open: float = 1.5,
    root: Relaxed | None = None,
) -> Decomposition:
    """Blocks of few open sites, so that even small cities have several."""
    monkeypatch.setattr(_cover_blocks, "_MOST_OPEN", most_open)
    monkeypatch.setattr(_cover_decompose, "_FIRST_GAIN", -1.0)
    if root is None:
        lp = Interior(model, should_stop=lambda: False, best=lambda: 10**9)
        root = lp.first(model.lower, model.upper)
    return Decomposition(model, root, lambda: False)


@given(seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_block_costs_what_enumeration_says(seed: int) -> None:
    model = _model(_city(seed))
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(rng.random(model.pairs.num_rows) < 0.7)
    block = Block(model, rows)
    price = rng.integers(0, 40, size=model.num_sites)
    sites = np.flatnonzero(block.reaching)
    lower = np.zeros(model.num_sites, dtype=bool)
    lower[rng.permutation(sites)[:1]] = seed % 2 == 0
    upper = model.upper | lower
    inside = np.isin(model.pairs.row, rows)
    row, site = model.pairs.row[inside], model.pairs.site[inside]
    least = 10**9
    for bits in itertools.product((False, True), repeat=len(sites)):
        is_open = np.zeros(model.num_sites, dtype=bool)
        is_open[sites] = bits
        if (lower & ~is_open).any() or (is_open & ~upper).any():
            continue
        bare = np.setdiff1d(rows, row[is_open[site]])
        cost = int(model.pairs.units[bare].sum()) + int(price[is_open & ~lower].sum())
        least = min(least, cost)
    found = block.search(price, (lower, upper), lambda: False)
    assert found is not None
    assert found.bound == least
    assert block.estimate(price, (lower, upper)).bound >= least


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_no_bound_is_above_the_optimum_and_no_better_solution_is_lost(seed: int) -> None:
    model = _model(_city(seed))
    if model.max_sites is None or not (model.upper & ~model.lower).any():
        return
    values = _values(model)
    best = min(values.values())
    # As if the best solution known were somewhat worse than the best there is.
    known = best + 1 + seed % 5
    with pytest.MonkeyPatch.context() as patch:
        parts = _decomposition(model, patch)
        for _ in range(4):
            goes_on = parts.improve(known)
            lower, upper = parts.settle(known)
            assert parts.bound <= max(best, 0)
            better = [chosen for chosen, value in values.items() if value < known]
            for chosen in better:
                is_open = model.lower.copy()
                is_open[list(chosen)] = True
                assert not (is_open & ~upper).any()
                assert not (lower & ~is_open).any()
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
            patch.setattr(_cover_decompose, "_FIRST_GAIN", -1.0)
            blocks = siting.solve(problem, engine="coverage", stop=Stop(time_s=120), seed=1)
        assert len(rounds) > before
        assert plain.status == blocks.status == "optimal"
        assert plain.objective == blocks.objective
