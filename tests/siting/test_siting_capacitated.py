"""Engine ``capacitated`` against enumeration and the general model; its bounds and fixings."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.result import Status, StopReason
from dispatchopt.core.stop import Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import DOMAIN, SiteStatus, SitingGoal, SitingProblem
from dispatchopt.siting.engines import _load_dual, _load_knapsack
from dispatchopt.siting.engines._load_choice import choice, most_spare
from dispatchopt.siting.engines._load_local import annealed, assigned, improved, packed
from dispatchopt.siting.engines._load_model import load_model
from dispatchopt.siting.engines._load_sites import SiteSearch, cost_of
from dispatchopt.siting.engines._load_table import LoadTable, load_table

Maker = Callable[..., SitingProblem]
BestOf = Callable[[SitingProblem], float | None]
SEEDS = st.integers(0, 10**6)
GOALS = (SitingGoal.MAX_COVERAGE, SitingGoal.P_MEDIAN, SitingGoal.FIXED_CHARGE)
FEW = settings(max_examples=8, deadline=None)


def _limited(make_problem: Maker, seed: int, goal: SitingGoal, **changes: Any) -> SitingProblem:
    problem = make_problem(seed, goal, budget_cents=None, min_spacing_m=0)
    room = np.random.default_rng(seed).integers(0, 14, size=problem.num_sites)
    return problem.replace(capacity_units=room, **changes)


def town(
    sites: int, customers: int, seed: int, *, is_single: bool, max_sites: int | None = None
) -> SitingProblem:
    """Sites and customers in a square; half of the room would do."""
    rng = np.random.default_rng(seed)
    place, home = rng.random((sites, 2)), rng.random((customers, 2))
    away = np.round(1000 * np.hypot(*(place[:, None] - home[None]).transpose(2, 0, 1)))
    demand = rng.integers(5, 25, customers)
    room = rng.integers(80, 200, sites)
    room = np.ceil(room * 2.2 * demand.sum() / room.sum()).astype(np.int64)
    return SitingProblem(
        goal=SitingGoal.FIXED_CHARGE,
        coverage=Coverage(
            indptr=np.arange(sites + 1) * customers,
            customer_idx=np.tile(np.arange(customers), sites),
            distance_m=away.astype(np.int64).reshape(-1),
            num_customers=customers,
            cutoff_m=2000,
        ),
        demand_units=demand,
        site_cost_cents=rng.integers(3_000, 6_000, sites),
        capacity_units=room,
        pair_cost_cents=np.round(away * demand / 10).reshape(-1),
        single_source=is_single,
        max_sites=max_sites,
    )


def table_of(problem: SitingProblem) -> LoadTable:
    table = load_table(problem)
    assert table is not None
    return table


@pytest.mark.parametrize("goal", GOALS)
@given(seed=SEEDS)
@FEW
def test_single_source_against_enumeration(
    make_problem: Maker, best_of: BestOf, goal: SitingGoal, seed: int
) -> None:
    problem = _limited(make_problem, seed, goal, single_source=True)
    if problem.num_customers > 4 or problem.num_sites > 4:
        return
    best = best_of(problem)
    result = siting.solve(problem, engine="capacitated")
    if best is None:
        assert result.status is Status.INFEASIBLE
    else:
        assert result.status is Status.OPTIMAL
        assert result.objective == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("goal", GOALS)
@given(seed=SEEDS)
@FEW
def test_split_demand_against_the_general_model(
    make_problem: Maker, goal: SitingGoal, seed: int
) -> None:
    problem = _limited(make_problem, seed, goal, single_source=False)
    result = siting.solve(problem, engine="capacitated")
    other = siting.solve(problem, engine="mip")
    assert result.status is other.status
    if other.objective is not None:
        assert result.objective == pytest.approx(other.objective, abs=1e-6)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("is_single", [True, False])
def test_bug_choices_that_serve_nobody_or_not_all_end(
    make_problem: Maker, goal: SitingGoal, is_single: bool
) -> None:
    """A choice of sites with no solution, or with nothing to ask the solver, was tried for ever."""
    for seed in (0, 19, 30):
        problem = _limited(make_problem, seed, goal, single_source=is_single)
        result = siting.solve(problem, engine="capacitated", stop=Stop(time_s=60))
        other = siting.solve(problem, engine="mip")
        assert result.status is other.status
        assert result.stopped_by == "completed"


@pytest.mark.parametrize("is_single", [True, False])
@pytest.mark.parametrize("is_limited", [False, True])
def test_towns_of_some_size_against_the_general_model(is_single: bool, is_limited: bool) -> None:
    # The first works without compiled rounds, the second with them.
    for sites, customers in ((8, 30), (20, 50)):
        most = 2 * sites // 3 if is_limited else None
        problem = town(sites, customers, 3, is_single=is_single, max_sites=most)
        result = siting.solve(problem, engine="capacitated", stop=Stop(time_s=120))
        other = siting.solve(problem, engine="mip", stop=Stop(time_s=1))
        assert result.bound <= other.objective + 1e-6  # type: ignore[operator]
        assert other.bound <= result.objective + 1e-6  # type: ignore[operator]
        assert result.status is Status.OPTIMAL
        if other.status is Status.OPTIMAL:
            assert result.objective == pytest.approx(other.objective)


@pytest.mark.parametrize("goal", GOALS)
@given(seed=SEEDS)
@FEW
def test_any_multipliers_bound_and_price_every_site(
    make_problem: Maker, best_of: BestOf, goal: SitingGoal, seed: int
) -> None:
    problem = _limited(make_problem, seed, goal, single_source=True)
    table = load_table(problem)
    if table is None or problem.num_customers > 3 or not table.num_customers:
        return
    best = best_of(problem)
    if best is None:
        return
    rng = np.random.default_rng(seed)
    worth = _load_dual.usual_worth(table) * rng.random(table.num_customers) * 2
    worth = np.minimum(worth, table.price)
    every = np.ones(table.num_sites, dtype=bool)
    found = _load_dual.load_bound(table, worth, table.is_fixed, every)
    assert found.value + table.constant <= best + 1e-6
    for column in np.flatnonzero(~table.is_fixed)[:3]:
        status = problem.statuses.copy()
        rise = found.to_close[column] if found.chosen[column] else found.to_open[column]
        is_closed = bool(found.chosen[column])
        status[table.site[column]] = SiteStatus.FORBIDDEN if is_closed else SiteStatus.REQUIRED
        forced = best_of(problem.replace(status=status))
        # Forcing a site to open or to stay closed costs at least what the bound says.
        if forced is not None:
            assert found.value + rise + table.constant <= forced + 1e-6


@given(seed=st.integers(0, 1000), is_single=st.booleans(), is_whole=st.booleans())
@settings(max_examples=10, deadline=None)
def test_compiled_rounds_are_the_same_bound(seed: int, is_single: bool, is_whole: bool) -> None:
    table = table_of(town(40, 110, seed, is_single=is_single, max_sites=25))
    assert _load_dual.is_compiled(table)
    is_whole = is_whole and is_single
    lower, upper = np.zeros(40, dtype=bool), np.ones(40, dtype=bool)
    lower[seed % 40], upper[(seed + 7) % 40] = True, False
    worth, span = _load_dual.usual_worth(table), (lower, upper)
    raised = _load_dual.ascend(
        table, worth, *span, goal=np.inf, rounds=50, step=1.0, is_whole=is_whole
    )
    here = _load_dual.load_bound(table, raised.worth, *span, is_whole=is_whole)
    assert raised.value == pytest.approx(here.value, rel=1e-6)
    begin = _load_dual.load_bound(table, worth, *span, is_whole=is_whole)
    assert raised.value >= begin.value - 0.1


def _fillings(units: Any, low: int, room: int) -> list[tuple[int, ...]]:
    every = itertools.product((0, 1), repeat=len(units))
    return [each for each in every if low <= int(np.dot(each, units)) <= room]


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_knapsacks_equal_enumeration(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 9))
    units = rng.integers(1, 9, n)
    profit = rng.integers(-9, 20, n).astype(float)
    room = int(rng.integers(0, 30))
    low = int(rng.integers(0, room + 1)) if rng.random() < 0.7 else 0
    share = np.zeros(n)
    found = _load_knapsack.fill_between(profit, units, (np.int64(low), np.int64(room)), share)
    values = [float(np.dot(each, profit)) for each in _fillings(units, low, room)]
    assert found == pytest.approx(max(values, default=-np.inf))
    if values:
        assert float(profit @ share) == pytest.approx(found)
        assert low <= float(units @ share) <= room
    cost = np.zeros((1, n))
    limits = (np.array([low]), np.array([room]))
    rise = _load_knapsack.rises(profit, cost, units, limits, np.array([found]))[0]
    for customer in range(n if values else 0):
        with_it = [
            float(np.dot(each, profit))
            for each in _fillings(units, low, room)
            if each[customer] == 1
        ]
        assert rise[customer] <= found - max(with_it, default=-np.inf) + 1e-9


@given(seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_choices_of_sites_equal_enumeration(seed: int) -> None:
    problem = town(6, 8, seed, is_single=True)
    table, rng = table_of(problem), np.random.default_rng(seed)
    value = rng.integers(-20, 60, 6).astype(float)
    lower, upper = rng.random(6) < 0.2, np.ones(6, dtype=bool)
    upper[rng.random(6) < 0.2] = False
    lower &= upper
    found = choice(table, value, lower, upper)
    totals = {
        each: float(np.dot(each, value))
        for each in itertools.product((0, 1), repeat=6)
        if int(np.dot(each, table.room)) >= table.least_units
        and all(
            not (low and not one) and (up or not one)
            for low, up, one in zip(lower, upper, each, strict=True)
        )
    }
    if not totals:
        return
    assert found.total == pytest.approx(min(totals.values()))
    for site in range(6):
        if lower[site] or not upper[site]:
            continue
        other = 0 if found.chosen[site] else 1
        forced = min((t for each, t in totals.items() if each[site] == other), default=np.inf)
        rise = found.to_close[site] if found.chosen[site] else found.to_open[site]
        assert found.total + rise <= forced + 1e-9
    limit = found.total + 10.0
    spare = most_spare(table, value, lower, upper, limit)
    within = [
        int(np.dot(each, table.room)) - table.least_units
        for each, total in totals.items()
        if total <= limit
    ]
    assert spare is None or spare >= max(within)


@given(seed=st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_annealing_and_exchanges_keep_room(seed: int) -> None:
    table = table_of(town(10, 60, seed, is_single=True))
    site = packed(table, np.ones(10, dtype=bool), np.zeros(10), moves=20_000)
    assert site is not None
    assert (np.bincount(site, weights=table.units, minlength=10) <= table.room).all()
    again = annealed(table, site, np.ones(10, dtype=bool), np.zeros(10), 20_000, heat=0.02)
    assert again is not None
    assert cost_of(table, again) <= cost_of(table, site) + 1e-9


def test_choices_of_sites_get_more_room_while_customers_are_left_over() -> None:
    """Each site takes two of three that its room is counted for, so that half of all lies idle."""
    problem = town(40, 36, 3, is_single=True)
    tight = problem.replace(demand_units=np.full(36, 6), capacity_units=np.full(40, 17))
    table = table_of(tight)
    every, none = np.ones(40, dtype=bool), np.zeros(40, dtype=bool)
    offered: list[int] = []
    search = SiteSearch(
        table,
        lambda site, _: offered.append(len(np.unique(site))),
        lambda: False,
        np.random.default_rng(1),
    )
    search.look(_load_dual.load_bound(table, _load_dual.usual_worth(table), none, every))
    for _ in range(40):
        search.shake(1e4, every)
    assert offered
    assert min(offered) == 18


def test_single_sourced_towns_are_proven_and_equal_the_general_model() -> None:
    for seed in (1, 2):
        problem = town(12, 60, seed, is_single=True)
        problem = problem.replace(pair_cost_cents=np.round(problem.pair_costs()))
        result = siting.solve(problem, engine="capacitated", stop=Stop(time_s=60))
        other = siting.solve(problem, engine="mip", stop=Stop(time_s=1))
        assert result.status is Status.OPTIMAL
        assert other.bound <= result.objective + 1e-6  # type: ignore[operator]
        assert result.objective <= other.objective + 1e-6  # type: ignore[operator]


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_serving_keeps_room_and_moves_only_improve(seed: int) -> None:
    table = table_of(town(10, 40, seed, is_single=True))
    is_open = np.ones(10, dtype=bool)
    site = assigned(table, is_open, np.zeros(10), lambda: False)
    assert site is not None
    load = np.bincount(site, weights=table.units, minlength=10)
    assert (load <= table.room).all()
    again = improved(table, site, is_open, lambda: False)
    assert table.cost[again, np.arange(40)].sum() <= table.cost[site, np.arange(40)].sum() + 1e-6


def test_a_model_of_given_sites_reads_back_split_demand() -> None:
    problem = town(4, 6, 1, is_single=False)
    table = table_of(problem)
    made = load_model(table, np.array([0, 1]), np.ones((2, 6), dtype=bool))
    half = np.zeros(len(made.site))
    one = made.customer == 2
    half[one] = table.units[2] / 2.0
    solution = made.solution(np.floor(half), 6)
    assert solution.assignment[2] == -1
    assert solution.split_units.sum() <= table.units[2]
    assert set(solution.split_site_idx) == {0, 1}


def test_no_room_is_infeasible_and_idle_sites_stay_closed() -> None:
    problem = town(5, 20, 2, is_single=True)
    none = problem.replace(capacity_units=np.full(5, 1))
    assert siting.solve(none, engine="capacitated").status is Status.INFEASIBLE
    # Enough room in all, but not in so few sites: branching finds that out.
    few = town(30, 80, 3, is_single=False, max_sites=8)
    assert siting.solve(few, engine="capacitated").status is Status.INFEASIBLE
    ample = problem.replace(capacity_units=np.full(5, 10_000), max_sites=1)
    result = siting.solve(ample, engine="capacitated")
    assert result.status is Status.OPTIMAL
    assert len(result.require().open_sites) == 1


def test_what_it_refuses_and_what_auto_takes() -> None:
    engine = DOMAIN.engines()["capacitated"]
    problem = town(5, 20, 2, is_single=True)
    assert engine.unsupported(problem) is None
    assert siting.solve(problem).engine == "capacitated"
    # With demand that may be split, a small model is solved at once.
    assert siting.solve(problem.replace(single_source=False)).engine == "mip"
    for other, word in (
        (problem.replace(capacity_units=None), "capacities"),
        (problem.replace(budget_cents=5), "budget"),
        (problem.replace(goal=SitingGoal.P_CENTER, max_sites=2, pair_cost_cents=None), "p-center"),
    ):
        assert word in (engine.unsupported(other) or "")


@pytest.mark.parametrize("is_single", [False, True])
def test_a_first_answer_needs_no_compiler(monkeypatch: pytest.MonkeyPatch, is_single: bool) -> None:
    def compiles(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_load_dual, "_compiled", compiles)
    problem = town(20, 60, 3, is_single=is_single)
    assert _load_dual.is_compiled(table_of(problem))
    result = siting.solve(problem, engine="capacitated")
    assert (result.status, result.stopped_by) == (Status.FEASIBLE, StopReason.CANCELLED)
    assert result.gap is not None
    assert result.gap < 0.5
