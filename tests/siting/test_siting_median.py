"""The median engine: bounds from multipliers, settled columns, local search, and the tree."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.result import Status
from dispatchopt.core.stop import Stop
from dispatchopt.siting import SiteStatus, SitingGoal, SitingProblem
from dispatchopt.siting.engines._median_anneal import Annealer
from dispatchopt.siting.engines._median_dual import Multipliers
from dispatchopt.siting.engines._median_local import Swapper, greedy, kicked, usual_worth
from dispatchopt.siting.engines._median_master import Master
from dispatchopt.siting.engines._median_table import Table, table_of

SEEDS = st.integers(0, 10**6)
FEW = settings(max_examples=25, deadline=None)


def _problem(make_coverage: Any, seed: int, **changes: Any) -> SitingProblem:
    """Places on a plane, one site at each, some pairs out of reach."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(3, 12)), int(rng.integers(2, 8))
    customers, sites = rng.integers(0, 60, (n, 2)), rng.integers(0, 60, (m, 2))
    away = np.hypot(*(sites[:, None] - customers[None]).transpose(2, 0, 1)).round()
    fields: dict[str, Any] = {
        "goal": SitingGoal.P_MEDIAN,
        "demand_units": rng.integers(0, 5, n),
        "max_sites": int(rng.integers(1, m + 1)),
    }
    if seed % 2:
        away[away > 40] = 2 * 10**6
        fields["unserved_m"] = 45
    if seed % 3 == 0:
        status = np.zeros(m, dtype=np.int64)
        status[rng.integers(m)] = rng.choice([SiteStatus.REQUIRED, SiteStatus.FORBIDDEN])
        fields["status"] = status
    return SitingProblem(coverage=make_coverage(away), **{**fields, **changes})


def _sets(table: Table) -> list[np.ndarray[Any, np.dtype[np.bool_]]]:
    """Every set of open columns that keeps the rules."""
    found = []
    for bits in itertools.product([False, True], repeat=table.num_columns):
        is_open = np.array(bits, dtype=bool)
        if is_open[table.is_fixed].all() and table.is_possible(is_open):
            found.append(is_open)
    return found


@given(seed=SEEDS)
@FEW
def test_bounds_stay_below_and_settle_nothing_that_is_needed(make_coverage: Any, seed: int) -> None:
    table = table_of(_problem(make_coverage, seed))
    if table is None:
        return
    sets = _sets(table)
    if not sets:
        return
    values = [table.value(each) for each in sets]
    best = min(values)
    rng = np.random.default_rng(seed)
    target = float(rng.choice(values))
    dual = Multipliers(table, usual_worth(table, sets[int(np.argmin(values))]))
    lower, upper = table.is_fixed.copy(), np.ones(table.num_columns, dtype=bool)
    for _ in range(3):
        found = dual.search(target, lower, upper, rounds=7, should_stop=lambda: False)
        assert found.value <= best + 1e-6
        below, above = found.settled(table, target, lower, upper)
        for is_open, value in zip(sets, values, strict=True):
            if value < target:
                assert is_open[below].all()
                assert not is_open[~above].any()


@given(seed=SEEDS)
@FEW
def test_the_relaxation_bounds_every_set_and_shrinks_to_the_truth(
    make_coverage: Any, seed: int
) -> None:
    table = table_of(_problem(make_coverage, seed))
    if table is None or not _sets(table):
        return
    master = Master(table, time_left_s=lambda: 60.0, should_stop=lambda: False, seed=1)
    lower, upper = table.is_fixed.copy(), np.ones(table.num_columns, dtype=bool)
    best = min(table.value(each) for each in _sets(table))
    last = -np.inf
    for _ in range(60):
        solved = master.solve(lower, upper)
        if solved.is_infeasible:
            # Covers of rows that must be served say that too few sites may open.
            assert all(
                (table.cost[:, each].min(axis=1) >= table.price).any() for each in _sets(table)
            )
            return
        assert solved.bound is not None
        assert solved.bound.value <= best + 1e-6
        last = max(last, solved.bound.value)
        if not master.separate(solved):
            break
    else:
        pytest.fail("cuts never end")
    for is_open in _sets(table):
        at = master.solve(is_open, is_open)
        while not at.is_infeasible and master.separate(at):
            at = master.solve(is_open, is_open)
        served = (table.cost[:, is_open].min(axis=1, initial=np.inf) < table.price).all()
        if served or not table.must_serve:
            assert at.bound is not None
            assert at.bound.value == pytest.approx(table.value(is_open), abs=1e-4)


@given(seed=SEEDS)
@FEW
def test_values_of_moves_stay_right_after_swaps(make_coverage: Any, seed: int) -> None:
    table = table_of(_problem(make_coverage, seed))
    if table is None:
        return
    start = greedy(table, lambda: False)
    assert table.is_possible(start)
    rng = np.random.default_rng(seed)
    moved = kicked(rng, table, start, 0.5)
    if moved is None:
        return
    assert moved.sum() == start.sum()
    swapper = Swapper(table, moved)
    assert swapper.value == pytest.approx(table.value(moved))
    swapper.descend(lambda: True)
    end = swapper.is_open
    assert swapper.value == pytest.approx(table.value(end))
    assert end[table.is_fixed].all()
    loose, closed = np.flatnonzero(end & ~table.is_fixed), np.flatnonzero(~end)
    for out, into in itertools.product(loose.tolist(), closed.tolist()):
        other = end.copy()
        other[out], other[into] = False, True
        assert table.value(other) >= table.value(end) - 1e-6


@given(seed=SEEDS, budget=st.integers(0, 40))
@settings(max_examples=15, deadline=None)
def test_budget_and_spacing_hold_with_median(make_coverage: Any, seed: int, budget: int) -> None:
    rng = np.random.default_rng(seed)
    plain = _problem(make_coverage, seed, unserved_m=70)
    m = plain.num_sites
    apart = rng.integers(0, 60, (m, m))
    problem = plain.replace(
        site_cost_cents=rng.integers(0, 20, m),
        budget_cents=budget,
        min_spacing_m=25,
        site_distance_m=apart + apart.T,
    )
    found = siting.solve(problem, engine="median", stop=Stop(time_s=30))
    other = siting.solve(problem, engine="mip", stop=Stop(time_s=30))
    assert found.status is other.status
    assert found.objective == other.objective


def test_more_customers_than_a_table_holds_go_to_another_engine(make_coverage: Any) -> None:
    from dispatchopt.siting.engines import median

    problem = _problem(make_coverage, 4)
    assert median.ENGINE.unsupported(problem) is None
    assert "capacities" in str(
        median.ENGINE.unsupported(problem.replace(capacity_units=np.ones(problem.num_sites)))
    )
    wide = problem.replace(goal=SitingGoal.MAX_COVERAGE, unserved_m=None)
    assert "max-coverage" in str(median.ENGINE.unsupported(wide))


def test_too_few_sites_for_customers_who_must_be_served(make_coverage: Any) -> None:
    inf = 2 * 10**6
    problem = SitingProblem(
        goal=SitingGoal.P_MEDIAN,
        coverage=make_coverage([[1, inf, inf], [inf, 1, inf], [inf, inf, 1]]),
        demand_units=np.array([1, 1, 1]),
        max_sites=2,
    )
    assert siting.solve(problem, engine="median").status is Status.INFEASIBLE
    served = siting.solve(problem.replace(max_sites=3), engine="median")
    assert (served.status, served.objective) == (Status.OPTIMAL, 3)


@given(seed=SEEDS)
@FEW
def test_annealing_counts_right_and_finds_the_best_of_a_small_table(
    make_coverage: Any, seed: int
) -> None:
    table = _charged(make_coverage, seed)
    start = greedy(table, lambda: False)
    found = Annealer(table, int(start.sum()), lambda: False, seed).run(start, 50_000)
    assert table.is_possible(found)
    assert found[table.is_fixed].all()
    least = min(table.value(is_open) for is_open in _sets(table))
    assert table.value(found) == pytest.approx(least)


@given(seed=SEEDS)
@FEW
def test_moves_of_the_annealing_are_valued_as_the_table_does(make_coverage: Any, seed: int) -> None:
    table = _charged(make_coverage, seed)
    rng = np.random.default_rng(seed)
    annealer = Annealer(table, 1, lambda: False, seed)
    is_open = rng.random(table.num_columns) < 0.5
    state, value = annealer.begun(is_open)
    assert value == pytest.approx(table.value(is_open))
    for _ in range(30):
        out = int(rng.choice(np.append(np.flatnonzero(is_open), -1)))
        into = int(rng.choice(np.append(np.flatnonzero(~is_open), -1)))
        told = annealer.moved(out, into, state)
        is_open[[each for each in (out, into) if each >= 0]] ^= True
        change = pytest.approx(table.value(is_open) - value)
        assert told[0] == change
        assert told[1] == change
        value = table.value(is_open)


def test_annealing_repeats_for_a_seed_and_ends_when_told(make_coverage: Any) -> None:
    table = _charged(make_coverage, 4)
    start = greedy(table, lambda: False)
    one, two = (Annealer(table, 2, lambda: False, 7).run(start, 500) for _ in range(2))
    assert (one == two).all()
    assert (Annealer(table, 2, lambda: True, 7).run(start, 500) == start).all()


def _charged(make_coverage: Any, seed: int) -> Table:
    """A table without side rules, of p-median or of fixed charge."""
    changes: dict[str, Any] = {}
    if seed % 4 > 1:
        rng = np.random.default_rng(seed + 1)
        changes = {
            "goal": SitingGoal.FIXED_CHARGE,
            "max_sites": None,
            "unserved_m": None,
            "unserved_cents": 30.0,
            "cents_per_unit_km": 1000.0,
        }
        drawn = _problem(make_coverage, seed)
        changes["site_cost_cents"] = rng.integers(0, 60, drawn.num_sites)
    table = table_of(_problem(make_coverage, seed, **changes))
    # Whatever is drawn, some customer is served.
    assert table is not None
    return table
