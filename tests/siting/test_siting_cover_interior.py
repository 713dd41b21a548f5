"""The interior point relaxation of the coverage engine against simplex and enumeration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.stop import Stop
from dispatchopt.siting import PointGround, SitingProblem
from dispatchopt.siting.engines import _cover_interior, _cover_iterate, _cover_search
from dispatchopt.siting.engines._cover_build import model_of
from dispatchopt.siting.engines._cover_interior import Interior
from dispatchopt.siting.engines._cover_lp import Ending, Relaxation
from dispatchopt.siting.engines._cover_model import CoverModel, dual_bound

SEEDS = st.integers(min_value=0, max_value=10_000)


def _city(seed: int, *, sites: int = 11, customers: int = 80) -> SitingProblem:
    """Points in a square; p, a budget or both; a site that stands and one that is forbidden."""
    rng = np.random.default_rng(seed)
    ground = PointGround(
        site_xy=rng.random((sites, 2)),
        customer_xy=rng.random((customers, 2)),
        demand_units=rng.integers(1, 10, size=customers),
        reach=float(rng.uniform(0.15, 0.5)),
    )
    status = np.zeros(sites, dtype=np.int64)
    if seed % 3 == 0:
        status[rng.integers(sites)] = siting.SiteStatus.EXISTING
        status[rng.integers(sites)] = siting.SiteStatus.FORBIDDEN
    limits: dict[str, int] = {}
    if seed % 2 == 0:
        limits["max_sites"] = int(rng.integers(1, 5))
    if seed % 4 in (1, 2):
        limits["budget_cents"] = int(rng.integers(100, 400))
    return ground.problem(
        goal="max-coverage",
        site_cost_cents=rng.integers(50, 150, size=sites),
        status=status,
        **(limits or {"max_sites": 3}),
    )


def _model(problem: SitingProblem) -> CoverModel:
    model = model_of(problem)
    assert model is not None
    return model


def _best(model: CoverModel) -> int:
    """Return the least objective by enumeration, with all free sites that limits allow."""
    free = np.flatnonzero(model.upper & ~model.lower)
    most = len(free) if model.max_sites is None else model.max_sites - int(model.lower.sum())
    values = []
    for count in range(min(most, len(free)) + 1):
        for chosen in itertools.combinations(free, count):
            is_open = model.lower.copy()
            is_open[list(chosen)] = True
            values.append(model.value(is_open))
    return min(value for value in values if value is not None)


@given(seed=SEEDS, pick=st.integers(0, 2**20), is_chained=st.booleans())
@settings(max_examples=40, deadline=None)
def test_bound_is_that_of_the_simplex_method_at_root_and_nodes(
    seed: int, pick: int, is_chained: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if is_chained:
            patch.setattr(_cover_interior, "_MANY_PRODUCTS", -1.0)
            patch.setattr(_cover_interior, "_CHANGE_WORK", -1.0)
        _compare_with_simplex(_model(_city(seed)), pick)


def _compare_with_simplex(model: CoverModel, pick: int) -> None:
    simplex = Relaxation(model, time_left_s=lambda: math.inf, should_stop=lambda: False, seed=1)
    interior = Interior(model, should_stop=lambda: False, best=lambda: 10**9)
    # Without a solution at hand nothing says how wide a gap would do.
    interior.enough = 0.0
    lower, upper = model.lower.copy(), model.upper.copy()
    interior.first(lower, upper)
    for turn, site in enumerate(np.flatnonzero(upper & ~lower)[:6]):
        if pick >> turn & 3 == 0:
            lower[site] = True
        elif pick >> turn & 3 == 1:
            upper[site] = False
    if not model.is_possible(lower, upper):
        return
    expected = simplex.solve(lower, upper)
    found = interior.solve(lower, upper)
    assert found.ending is Ending.SOLVED
    exact = dual_bound(model, found.row_dual, lower, upper)
    assert exact.scale > 0
    bound = exact.total / exact.scale + model.offset
    slack = 1e-4 * float(model.pairs.units.sum()) + 1e-6
    assert expected.objective - slack <= bound <= expected.objective + 1e-6
    assert (found.sites[lower] == 1).all()
    assert (found.sites[~upper] == 0).all()


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_few_steps_still_give_a_bound(seed: int) -> None:
    model = _model(_city(seed))
    best = _best(model)
    interior = Interior(model, should_stop=lambda: False, best=lambda: best)
    for steps in (1, 2, 4, 8):
        result = interior.solve(model.lower, model.upper, most_steps=steps)
        value = dual_bound(model, result.row_dual, model.lower, model.upper).value(model)
        assert value is not None
        assert value <= best
        assert result.gains is not None
        assert (result.gains >= 0).all()


@given(seed=SEEDS, steps=st.integers(0, 4))
@settings(max_examples=25, deadline=None)
def test_a_step_that_rounding_forbids_ends_with_a_bound(seed: int, steps: int) -> None:
    model = _model(_city(seed))
    made = itertools.count()
    first = _cover_iterate._System.__init__

    def failing(self: _cover_iterate._System, at: _cover_iterate.Iterate) -> None:
        if next(made) >= steps:
            raise np.linalg.LinAlgError
        first(self, at)

    best = _best(model)
    interior = Interior(model, should_stop=lambda: False, best=lambda: best)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_cover_iterate._System, "__init__", failing)
        result = interior.solve(model.lower, model.upper)
    assert result.ending is Ending.SOLVED
    value = dual_bound(model, result.row_dual, model.lower, model.upper).value(model)
    assert value is not None
    assert value <= best


@given(seed=SEEDS, is_chained=st.booleans())
@settings(max_examples=40, deadline=None)
def test_tree_over_it_proves_tiny_optima(seed: int, is_chained: bool) -> None:
    problem = _city(seed)
    with pytest.MonkeyPatch.context() as patch:
        if is_chained:
            patch.setattr(_cover_interior, "_MANY_PRODUCTS", -1.0)
            patch.setattr(_cover_interior, "_CHANGE_WORK", -1.0)
        patch.setattr(_cover_search, "_is_dense", lambda _model: True)
        result = siting.solve(problem, engine="coverage", stop=Stop(iterations=5_000), seed=seed)
    assert result.status == "optimal"
    assert result.objective == _best(_model(problem))


def test_a_seed_gives_the_same_answer_bound_and_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cover_search, "_is_dense", lambda _model: True)
    problem = _city(4, sites=60, customers=3_000).replace(max_sites=6, budget_cents=None)

    def solved(seed: int) -> tuple[object, ...]:
        result = siting.solve(problem, engine="coverage", stop=Stop(iterations=7), seed=seed)
        sites = result.require().open_sites.tolist()
        return result.objective, result.bound, result.iterations, sites

    for seed in (1, 2, 3):
        assert solved(seed) == solved(seed)
