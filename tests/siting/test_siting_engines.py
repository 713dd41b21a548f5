"""Engines against enumeration, the conformance suite, limits and statuses."""

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
from dispatchopt.core.run import Run
from dispatchopt.core.stop import Cancel, Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import DOMAIN, SiteStatus, SitingGoal, SitingProblem
from dispatchopt.siting.bound import bound
from dispatchopt.siting.check import check
from dispatchopt.siting.engines import _solver
from dispatchopt.siting.engines.mip import MipEngine
from dispatchopt.testing import CHECKS, EngineCases

Maker = Callable[..., SitingProblem]
BestOf = Callable[[SitingProblem], float | None]
SEEDS = st.integers(0, 10**6)
FEW = settings(max_examples=15, deadline=None)
ENGINES = ("mip", "median", "center", "capacitated", "interchange")
EXACT = ("mip", "median", "center", "capacitated")


def _examine(problem: SitingProblem, best: float | None) -> None:
    """The exact engine proves the optimum; the other never beats it; bounds stay below."""
    if best is not None:
        assert bound(problem) <= best + 1e-9
    for name in ENGINES:
        if DOMAIN.engines()[name].unsupported(problem):
            continue
        result = siting.solve(problem, engine=name, stop=Stop(time_s=30))
        if best is None:
            assert result.solution is None
            assert result.status is Status.INFEASIBLE or name not in EXACT
        elif name in EXACT:
            assert result.status is Status.OPTIMAL
            assert result.objective == pytest.approx(best, abs=1e-6)
        else:
            assert result.objective is None or result.objective >= best - 1e-6


@pytest.mark.parametrize("goal", SitingGoal)
@given(seed=SEEDS)
@FEW
def test_exact_on_tiny_problems(
    make_problem: Maker, best_of: BestOf, goal: SitingGoal, seed: int
) -> None:
    problem = make_problem(seed, goal)
    _examine(problem, best_of(problem))


@pytest.mark.parametrize("goal", SitingGoal)
@given(seed=SEEDS)
@settings(max_examples=8, deadline=None)
def test_exact_with_capacities_and_single_source(
    make_problem: Maker, best_of: BestOf, goal: SitingGoal, seed: int
) -> None:
    problem = make_problem(seed, goal)
    rng = np.random.default_rng(seed)
    if problem.num_customers > 4:
        return
    room = rng.integers(0, 12, size=problem.num_sites)
    limited = problem.replace(capacity_units=room, single_source=True)
    best = best_of(limited)
    _examine(limited, best)
    split = siting.solve(limited.replace(single_source=False), engine="mip")
    if best is not None:
        # Splitting only widens the choice; where it is used, the checker has seen it.
        assert split.objective is not None
        assert split.objective <= best + 1e-6
        assert split.status is Status.OPTIMAL


@pytest.mark.parametrize("goal", [each for each in SitingGoal if each is not SitingGoal.P_CENTER])
@given(seed=SEEDS)
@FEW
def test_exact_with_backup_coverage(
    make_problem: Maker, best_of: BestOf, goal: SitingGoal, seed: int
) -> None:
    problem = make_problem(seed, goal, cover_by=2)
    _examine(problem, best_of(problem))


def test_bug_presolve_cut_off_the_optimum(make_problem: Maker, best_of: BestOf) -> None:
    """HiGHS 1.14 presolve lost this optimum while some columns were continuous."""
    problem = make_problem(22, SitingGoal.FIXED_CHARGE)
    result = siting.solve(problem, engine="mip")
    assert result.objective == best_of(problem) == 5.25


def test_bug_coverage_does_not_weigh_distance_against_demand(make_coverage: Any) -> None:
    """A customer far away with little demand is covered all the same."""
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[500]]),
        demand_units=np.array([1]),
        max_sites=1,
    )
    assert siting.solve(problem).objective == 0


@given(seed=SEEDS)
@FEW
def test_more_sites_or_budget_never_worsen(make_problem: Maker, seed: int) -> None:
    problem = make_problem(seed, SitingGoal.MAX_COVERAGE, budget_cents=5)
    tight = siting.solve(problem, engine="mip")
    for wider in (
        problem.replace(max_sites=(problem.max_sites or 0) + 1),
        problem.replace(budget_cents=12),
    ):
        result = siting.solve(wider, engine="mip")
        if tight.objective is not None:
            assert result.objective is not None
            assert result.objective <= tight.objective


@pytest.mark.parametrize("goal", SitingGoal)
@given(seed=SEEDS)
@settings(max_examples=8, deadline=None)
def test_renumbering_and_doubling_change_nothing(
    make_problem: Maker, goal: SitingGoal, seed: int
) -> None:
    problem = make_problem(seed, goal, status=None, budget_cents=None, min_spacing_m=0)
    rng = np.random.default_rng(seed)
    sites = rng.permutation(problem.num_sites)
    customers = rng.permutation(problem.num_customers)
    coverage = problem.coverage
    cost = problem.site_cost_cents
    assert cost is not None
    shuffled = problem.replace(
        coverage=Coverage.from_pairs(
            site_idx=sites[coverage.site_idx],
            customer_idx=customers[coverage.customer_idx],
            distance_m=coverage.distance_m,
            num_sites=problem.num_sites,
            num_customers=problem.num_customers,
            cutoff_m=coverage.cutoff_m,
        ),
        demand_units=problem.demand_units[np.argsort(customers)],
        site_cost_cents=cost[np.argsort(sites)],
        site_distance_m=None,
    )
    # The same customers twice, each with the whole demand: the same as all demand doubled.
    n = problem.num_customers
    twice = problem.replace(
        coverage=Coverage.from_pairs(
            site_idx=np.tile(coverage.site_idx, 2),
            customer_idx=np.concatenate([coverage.customer_idx, coverage.customer_idx + n]),
            distance_m=np.tile(coverage.distance_m, 2),
            num_sites=problem.num_sites,
            num_customers=2 * n,
            cutoff_m=coverage.cutoff_m,
        ),
        demand_units=np.tile(problem.demand_units, 2),
    )
    double = problem.replace(demand_units=problem.demand_units * 2)
    objective = {
        name: siting.solve(each, engine="mip").objective
        for name, each in (("as is", problem), ("shuffled", shuffled), ("twice", twice))
    }
    assert objective["as is"] == pytest.approx(objective["shuffled"])
    assert objective["twice"] == pytest.approx(siting.solve(double, engine="mip").objective)


def _cases(make_problem: Maker, make_coverage: Any) -> EngineCases:
    one = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[5]]),
        demand_units=np.array([3]),
        max_sites=1,
    )
    rng = np.random.default_rng(5)
    spread = np.abs(rng.integers(0, 5000, size=(12, 1)) - rng.integers(0, 5000, size=(1, 60)))
    line = make_coverage(spread)
    demand = rng.integers(1, 9, size=60)
    near = make_coverage(spread, 600)
    return EngineCases(
        usual=(
            one,
            SitingProblem(
                goal=SitingGoal.MAX_COVERAGE, coverage=near, demand_units=demand, max_sites=3
            ),
            SitingProblem(
                goal=SitingGoal.P_MEDIAN, coverage=line, demand_units=demand, max_sites=3
            ),
            SitingProblem(
                goal=SitingGoal.P_CENTER, coverage=line, demand_units=demand, max_sites=3
            ),
            SitingProblem(goal=SitingGoal.COVER_ALL, coverage=line, demand_units=demand),
            SitingProblem(
                goal=SitingGoal.COVER_ALL,
                coverage=near,
                demand_units=demand,
                required_share=0.5,
            ),
            SitingProblem(
                goal=SitingGoal.FIXED_CHARGE,
                coverage=line,
                demand_units=demand,
                site_cost_cents=np.full(12, 300),
                cents_per_unit_km=5.0,
                capacity_units=np.full(12, 90),
            ),
        ),
        empty=SitingProblem(
            goal=SitingGoal.MAX_COVERAGE,
            coverage=make_coverage(np.zeros((0, 0))),
            demand_units=np.zeros(0, dtype=np.int64),
            max_sites=1,
        ),
        infeasible=SitingProblem(
            goal=SitingGoal.COVER_ALL,
            coverage=make_coverage([[900, 10]], 100),
            demand_units=np.array([1, 1]),
        ),
    )


@pytest.mark.parametrize("engine", ["mip", "interchange"])
@pytest.mark.parametrize("conform", CHECKS, ids=lambda each: each.__name__)
def test_conformance(conform: Any, engine: str, make_problem: Maker, make_coverage: Any) -> None:
    cases = _cases(make_problem, make_coverage)
    if engine == "mip":
        cases = EngineCases(
            usual=cases.usual, empty=cases.empty, infeasible=cases.infeasible, exact=True
        )
    conform(DOMAIN, engine, cases)


def test_no_sites_or_contradicting_sites_are_infeasible(make_coverage: Any) -> None:
    none = SitingProblem(
        goal=SitingGoal.COVER_ALL,
        coverage=make_coverage(np.zeros((0, 2))),
        demand_units=np.array([1, 1]),
    )
    assert siting.solve(none).status is Status.INFEASIBLE
    clash = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[1], [1]]),
        demand_units=np.array([1]),
        status=np.array([SiteStatus.REQUIRED, SiteStatus.EXISTING]),
        max_sites=1,
    )
    assert siting.solve(clash).status is Status.INFEASIBLE


def test_status_table() -> None:
    import highspy
    import pulp

    known = set(highspy.HighsModelStatus.__members__)
    # kHighsInterrupt is the newer name of kInterrupt.
    assert set(_solver.HIGHS_ENDINGS) - {"kHighsInterrupt"} <= known
    for name in ("kTimeLimit", "kInterrupt", "kSolutionLimit", "kIterationLimit"):
        assert _solver.HIGHS_ENDINGS[name] is _solver.Ending.STOPPED
    optimal, found = pulp.LpStatusOptimal, pulp.LpSolutionOptimal
    part = pulp.LpSolutionIntegerFeasible
    ending = _solver.pulp_ending
    assert ending(optimal, found, is_cut_short=False) is _solver.Ending.OPTIMAL
    assert ending(optimal, found, is_cut_short=True) is _solver.Ending.STOPPED
    assert ending(optimal, part, is_cut_short=False) is _solver.Ending.STOPPED
    infeasible = pulp.LpStatusInfeasible
    assert ending(infeasible, -1, is_cut_short=False) is _solver.Ending.INFEASIBLE
    assert ending(infeasible, -1, is_cut_short=True) is _solver.Ending.STOPPED
    assert ending(pulp.LpStatusUnbounded, 0, is_cut_short=False) is _solver.Ending.FAILED


def _solve_with(engine: MipEngine, problem: SitingProblem) -> Run[Any]:
    run: Run[Any] = Run(
        check=lambda answer: check(problem, answer), stop=Stop(time_s=20), seed=1, label="test"
    )
    run.raise_bound(bound(problem))
    engine.search(problem, run)
    return run


@pytest.mark.filterwarnings("ignore:PULP_CBC_CMD is deprecated")
def test_other_solvers_agree(make_problem: Maker) -> None:
    for solver in ("PULP_CBC_CMD", "HiGHS_CMD"):
        if solver not in _solver.available_solvers():
            continue
        for seed in range(4):
            for goal in SitingGoal:
                problem = make_problem(seed, goal)
                known = siting.solve(problem, engine="mip")
                run = _solve_with(MipEngine(solver=solver, start_share=0.0), problem)
                assert run.objective == pytest.approx(known.objective)
                assert run.is_infeasible == (known.status is Status.INFEASIBLE)


def test_unknown_solver_is_refused(make_problem: Maker) -> None:
    problem = make_problem(1, SitingGoal.MAX_COVERAGE)
    with pytest.raises(UnsupportedError, match="no solver 'Abacus'"):
        _solve_with(MipEngine(solver="Abacus", start_share=0.0), problem)


def _hard(make_coverage: Any) -> SitingProblem:
    rng = np.random.default_rng(3)
    place, home = rng.random((150, 2)), rng.random((4000, 2))
    away = np.linalg.norm(place[:, None] - home[None], axis=2)
    return SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage(np.round(away * 10000), 1700),
        demand_units=rng.integers(1, 100, size=4000),
        max_sites=10,
    )


def test_limits_are_named_and_bounds_stay_honest(make_coverage: Any) -> None:
    problem = _hard(make_coverage)
    result = siting.solve(problem, engine="mip", stop=Stop(time_s=1.5))
    assert result.solution is not None
    assert result.bound is not None
    assert result.objective is not None
    assert (result.status is Status.OPTIMAL) == (result.bound >= result.objective - 1)
    if result.status is not Status.OPTIMAL:
        assert result.stopped_by is StopReason.TIME


def test_cancel_from_a_callback_keeps_the_best(make_coverage: Any) -> None:
    cancel = Cancel()
    problem = _hard(make_coverage)

    def once_found(progress: Any) -> bool:
        if progress.objective is not None:
            cancel.set()
        return False

    result = siting.solve(problem, stop=Stop(cancel=cancel, time_s=60), callback=once_found)
    assert result.solution is not None
    assert result.stopped_by in (StopReason.CANCELLED, StopReason.COMPLETED)


def test_ctrl_c_in_the_local_search_keeps_the_best(make_coverage: Any) -> None:
    steps = 0

    def interrupt(progress: Any) -> bool:
        nonlocal steps
        steps += 1
        if steps == 6:
            raise KeyboardInterrupt
        return False

    result = siting.solve(_hard(make_coverage), engine="interchange", callback=interrupt)
    assert result.stopped_by is StopReason.CANCELLED
    assert result.objective is not None
    # Better than opening nothing: the moves made so far are kept.
    assert result.objective < _hard(make_coverage).total_units
