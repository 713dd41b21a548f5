"""The coverage engine against enumeration, and the exactness of what it counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.errors import UnsupportedError
from dispatchopt.core.result import Status, StopReason
from dispatchopt.core.stop import Cancel, Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import SiteStatus, SitingGoal, SitingProblem
from dispatchopt.siting.engines import _cover_local
from dispatchopt.siting.engines._cover_build import model_of, shrunk
from dispatchopt.siting.engines._cover_model import CoverModel, dual_bound
from dispatchopt.siting.engines._cover_swap import CompiledSwaps, Swaps
from dispatchopt.siting.engines._pairs import merge
from dispatchopt.siting.engines._sets import build
from dispatchopt.siting.engines._share import share
from dispatchopt.siting.engines.coverage import CoverageEngine

Maker = Callable[..., SitingProblem]
BestOf = Callable[[SitingProblem], float | None]
SEEDS = st.integers(0, 10**6)
GOALS = (SitingGoal.MAX_COVERAGE, SitingGoal.COVER_ALL)


def _plane(seed: int, customers: int, sites: int, **changes: Any) -> SitingProblem:
    """Points in a square of 10 km, reach 2.5 km, demand 1 to 20."""
    rng = np.random.default_rng(seed)
    place, home = rng.random((sites, 2)) * 10_000, rng.random((customers, 2)) * 10_000
    apart = np.linalg.norm(place[:, None] - home[None], axis=2)
    site, customer = np.nonzero(apart <= 2500)
    fields: dict[str, Any] = {
        "goal": SitingGoal.MAX_COVERAGE,
        "coverage": Coverage.from_pairs(
            site_idx=site,
            customer_idx=customer,
            distance_m=np.floor(apart[site, customer]).astype(np.int64),
            num_sites=sites,
            num_customers=customers,
            cutoff_m=2500,
        ),
        "demand_units": rng.integers(1, 21, size=customers),
        "site_cost_cents": rng.integers(50, 150, size=sites),
    }
    if changes.get("goal") is None and "budget_cents" not in changes:
        fields["max_sites"] = 4
    return SitingProblem(**(fields | changes))


def _model(problem: SitingProblem) -> CoverModel:
    model = model_of(problem)
    assert model is not None
    return model


@pytest.mark.parametrize("goal", GOALS)
@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_proves_tiny_optima(
    make_problem: Maker, best_of: BestOf, goal: SitingGoal, seed: int
) -> None:
    problem = make_problem(seed, goal, min_spacing_m=0)
    if goal is SitingGoal.COVER_ALL:
        problem = problem.replace(budget_cents=None)
    best = best_of(problem)
    result = siting.solve(problem, engine="coverage")
    if best is None:
        assert result.status is Status.INFEASIBLE
    else:
        assert (result.status, result.objective, result.bound) == (Status.OPTIMAL, best, best)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"budget_cents": 400},
        {"max_sites": 6, "budget_cents": 500},
        {"goal": SitingGoal.COVER_ALL, "required_share": 0.8},
        {"goal": SitingGoal.COVER_ALL, "required_share": 0.7, "minimise_cost": True},
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_two_exact_engines_agree(changes: dict[str, Any], seed: int) -> None:
    problem = _plane(seed, 250, 30, **changes)
    own = siting.solve(problem, engine="coverage")
    other = siting.solve(problem, engine="mip")
    assert own.status is other.status is Status.OPTIMAL
    assert own.objective == other.objective == own.bound


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_any_multipliers_give_a_bound(make_problem: Maker, best_of: BestOf, seed: int) -> None:
    """However wrong the solver's multipliers are, the bound stays below the optimum."""
    problem = make_problem(seed, SitingGoal.MAX_COVERAGE, min_spacing_m=0)
    best = best_of(problem)
    fixed = problem.is_fixed_open
    spent = int(problem.opening_cents[fixed].sum())
    too_many = problem.max_sites is not None and fixed.sum() > problem.max_sites
    if best is None or too_many or spent > (problem.budget_cents or spent):
        return
    model = _model(problem)
    rng = np.random.default_rng(seed)
    rows = model.linear().num_rows
    for size in (0.1, 1.0, 10.0, 1e6):
        dual = rng.normal(size=rows) * size
        exact = dual_bound(model, dual, model.lower, model.upper)
        value = exact.value(model)
        assert value is not None
        assert value <= best
        # What the multipliers fix never cuts off all that is better than one above the optimum.
        lower, upper = exact.fixings(model, int(best) + model.grain, model.lower, model.upper)
        variant = problem.replace(
            status=np.where(lower, SiteStatus.EXISTING, np.where(upper, 0, SiteStatus.FORBIDDEN)),
            site_cost_cents=problem.opening_cents,
        )
        if problem.budget_cents is None:
            assert best_of(variant) == best


def test_bound_is_void_where_whole_numbers_would_not_fit(make_problem: Maker) -> None:
    model = _model(_plane(1, 30, 5))
    rows = model.linear().num_rows
    exact = dual_bound(model, np.full(rows, 1e19), model.lower, model.upper)
    assert exact.value(model) is None
    lower, upper = exact.fixings(model, 0, model.lower, model.upper)
    assert (lower == model.lower).all()
    assert (upper == model.upper).all()


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_swaps_keep_exact_counts(seed: int) -> None:
    model = _model(_plane(seed, 80, 12))
    rng = np.random.default_rng(seed)
    swaps = Swaps(model, spend=model.spend)
    for _ in range(6):
        swaps.set_to((rng.random(12) < 0.4) & model.upper)
        assert swaps.missed == model.unserved_units(swaps.is_open)
        for site in np.flatnonzero(model.upper):
            moved = swaps.is_open.copy()
            moved[site] = not moved[site]
            change = model.unserved_units(moved) - swaps.missed
            assert change == (swaps.loss[site] if swaps.is_open[site] else -swaps.gain[site])
    before = swaps.missed
    swaps.descend(lambda: False, budget=None, max_sites=5)
    assert swaps.missed <= before
    assert swaps.missed == model.unserved_units(swaps.is_open)


@given(seed=SEEDS)
@settings(max_examples=15, deadline=None)
def test_sharing_changes_no_set(seed: int) -> None:
    """Sets built on what they share are uncovered exactly when they were before."""
    problem = _plane(seed, 300, 40)
    sets = build(merge(problem))
    shared = share(sets, problem.num_sites)
    rng = np.random.default_rng(seed)
    for chance in (0.02, 0.1, 0.3):
        is_open = rng.random(40) < chance
        after = shared.is_uncovered(is_open)[: sets.num_sets]
        assert (after == sets.is_uncovered(is_open)).all()
    assert shared.units.sum() == sets.units.sum()
    assert len(shared.site) <= len(sets.site)


def test_a_set_left_alone_is_not_shared_with_itself() -> None:
    """Three long sets become two, then one, which must keep its sites."""
    row = np.repeat(np.arange(3), 9)
    site = np.concatenate([np.r_[0:8, 8], np.r_[0:8, 9], np.r_[0:8, 10]])
    coverage = Coverage.from_pairs(
        site_idx=site,
        customer_idx=row,
        distance_m=np.zeros(27, dtype=np.int64),
        num_sites=11,
        num_customers=3,
        cutoff_m=10,
    )
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=coverage,
        demand_units=np.ones(3, dtype=np.int64),
        max_sites=1,
    )
    sets = share(build(merge(problem)), 11)
    for at in range(11):
        is_open = np.arange(11) == at
        served = [is_open[site[row == each]].any() for each in range(3)]
        assert sets.is_uncovered(is_open)[:3].sum() == 3 - sum(served)


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_shrinking_keeps_the_value(seed: int) -> None:
    problem = _plane(seed, 120, 15)
    model = _model(problem)
    rng = np.random.default_rng(seed)
    free = np.flatnonzero(model.upper)
    lower, upper = model.lower.copy(), model.upper.copy()
    chosen = rng.permutation(free)
    lower[chosen[:2]] = True
    upper[chosen[2:5]] = False
    smaller = shrunk(model, lower, upper)
    assert smaller.sets.num_sets <= model.sets.num_sets + model.pairs.num_rows
    for _ in range(5):
        is_open = smaller.lower.copy()
        left = np.flatnonzero(smaller.upper & ~smaller.lower)
        is_open[rng.permutation(left)[:2]] = True
        assert smaller.value(is_open) == model.value(is_open)


def test_sites_as_good_as_another_are_dropped(make_coverage: Any) -> None:
    """Site 1 reaches a part of what site 0 does; sites 2 and 3 reach the same."""
    far = 9000
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage(
            [[1, 1, far, far], [far, 1, far, far], [far, far, 1, 1], [far, far, 1, 1]], 100
        ),
        demand_units=np.array([3, 4, 5, 6]),
        max_sites=1,
    )
    model = _model(problem)
    assert np.flatnonzero(model.upper).tolist() == [0, 2]
    assert model.pairs.units.tolist() in ([7, 11], [11, 7])
    result = siting.solve(problem, engine="coverage")
    assert (result.objective, result.status) == (7, Status.OPTIMAL)


def test_same_limit_gives_the_same_answer() -> None:
    problem = _plane(5, 600, 60, max_sites=8)
    first, second = (
        siting.solve(problem, engine="coverage", stop=Stop(iterations=2), seed=3) for _ in range(2)
    )
    assert (first.objective, first.bound) == (second.objective, second.bound)
    assert first.iterations == second.iterations <= 2


def test_bounds_rise_and_solutions_fall() -> None:
    result = siting.solve(_plane(8, 800, 60, max_sites=9), engine="coverage")
    assert result.status is Status.OPTIMAL
    bounds = [point.bound for point in result.trace if point.bound is not None]
    values = [point.objective for point in result.trace if point.objective is not None]
    assert bounds == sorted(bounds)
    assert values == sorted(values, reverse=True)


def test_tree_without_help_of_local_search() -> None:
    problem = _plane(11, 700, 60, max_sites=10)
    plain = siting.solve(problem, engine="coverage")
    from dispatchopt.core.run import Run
    from dispatchopt.siting.check import check

    run: Run[Any] = Run(check=lambda s: check(problem, s), stop=Stop(), seed=1, label="test")
    CoverageEngine(start_kicks=0).search(problem, run)
    assert run.objective == run.bound == plain.objective


def test_cancelled_run_keeps_its_best() -> None:
    flag = Cancel()
    problem = _plane(4, 900, 80, max_sites=8)

    def stop_soon(progress: Any) -> bool:
        return progress.objective is not None

    result = siting.solve(problem, engine="coverage", stop=Stop(cancel=flag), callback=stop_soon)
    assert result.stopped_by is StopReason.CANCELLED
    assert result.solution is not None
    assert result.bound is not None
    assert result.objective is not None
    assert result.bound <= result.objective


def test_rounding_fills_the_budget_and_covers_enough() -> None:
    model = _model(_plane(2, 200, 20, budget_cents=300))
    is_open = _cover_local.rounded(model, np.linspace(0, 1, 20))
    assert is_open is not None
    assert model.value(is_open) is not None
    partial = _model(_plane(2, 200, 20, goal=SitingGoal.COVER_ALL, required_share=0.6))
    opened = _cover_local.rounded(partial, np.linspace(0, 1, 20))
    assert opened is not None
    assert partial.may_miss is not None
    assert partial.unserved_units(opened) <= partial.may_miss
    # Thinned: no site can go.
    for site in np.flatnonzero(opened):
        fewer = opened.copy()
        fewer[site] = False
        assert partial.unserved_units(fewer) > partial.may_miss


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"goal": SitingGoal.P_MEDIAN, "max_sites": 2}, "not p-median"),
        ({"cover_by": 2}, "backup"),
        ({"capacity_units": np.full(5, 9)}, "capacities"),
        ({"goal": SitingGoal.COVER_ALL, "max_sites": 3}, "limit"),
    ],
)
def test_refusals(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        siting.solve(_plane(1, 30, 5, **changes), engine="coverage")


def test_auto_takes_it_for_coverage() -> None:
    assert siting.solve(_plane(1, 60, 8)).engine == "coverage"
    assert siting.solve(_plane(1, 60, 8, cover_by=2)).engine == "mip"


@pytest.mark.slow  # compiles the moves where nothing is kept from an earlier run
def test_compiled_moves_are_the_plain_ones() -> None:
    rng = np.random.default_rng(5)
    away = rng.integers(0, 100, size=(12, 300))
    site, customer = np.nonzero(away < 25)
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=Coverage.from_pairs(
            site_idx=site,
            customer_idx=customer,
            distance_m=away[site, customer],
            num_sites=12,
            num_customers=300,
            cutoff_m=25,
        ),
        demand_units=rng.integers(1, 9, size=300),
        site_cost_cents=rng.integers(1, 5, size=12),
        max_sites=5,
        budget_cents=12,
    )
    model = model_of(problem)
    assert model is not None
    plain, fast = Swaps(model, spend=model.spend), CompiledSwaps(model, spend=model.spend)
    for each in (plain, fast):
        each.set_to(np.arange(12) % 4 == 0)
    for step in range(3):
        assert (plain.gain == fast.gain).all()
        assert (plain.loss[plain.is_open] == fast.loss[fast.is_open]).all()
        assert plain.missed == fast.missed
        for each in (plain, fast):
            if step == 0:
                each.close(4)
            else:
                each.descend(lambda: False, budget=12, max_sites=5)
    assert (plain.is_open == fast.is_open).all()
    best = fast.kicks(200, 3, 1, lambda: False, budget=12, max_sites=5)
    value = model.value(best)
    assert value is not None
    assert fast.missed + model.offset == value <= plain.missed + model.offset
    assert value == siting.solve(problem, engine="mip").objective
