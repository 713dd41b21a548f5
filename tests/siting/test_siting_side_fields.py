"""Fading coverage, sizes, closable sites, scenarios and phases, against enumeration."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.errors import InputError
from dispatchopt.core.result import Status
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import DOMAIN, SitingGoal, SitingProblem
from dispatchopt.siting.assign import cheapest_assignment
from dispatchopt.siting.bound import bound
from dispatchopt.siting.check import check
from dispatchopt.siting.phases import opening_phase, phased
from dispatchopt.siting.problem import SitingSolution
from dispatchopt.siting.scenarios import with_scenarios

Maker = Callable[..., SitingProblem]
BestOf = Callable[[SitingProblem], float | None]
SEEDS = st.integers(0, 10**6)
FEW = settings(max_examples=12, deadline=None)


def _proven(problem: SitingProblem, best: float | None) -> None:
    """Every engine that takes the problem agrees with enumeration; what ``auto`` takes proves."""
    if best is not None:
        assert bound(problem) <= best + 1e-9
    for name in ("auto", "median", "center", "capacitated", "interchange", "coverage"):
        if name != "auto" and DOMAIN.engines()[name].unsupported(problem):
            continue
        result = siting.solve(problem, engine=name)
        if name == "interchange":
            assert result.objective is None or result.objective >= (best or 0) - 1e-6
        elif best is None:
            assert result.status is Status.INFEASIBLE
        else:
            assert result.status is Status.OPTIMAL
            assert result.objective == pytest.approx(best, abs=1e-6)


def _sized(problem: SitingProblem, rng: np.random.Generator) -> SitingProblem:
    status = rng.choice([0, 0, 3, 4], size=problem.num_sites)
    place = rng.integers(0, max(1, problem.num_sites // 2 + 1), size=problem.num_sites)
    return problem.replace(place=place, status=status)


@given(seed=SEEDS, is_sized=st.booleans())
@FEW
def test_fading_coverage(make_problem: Maker, best_of: BestOf, seed: int, is_sized: bool) -> None:
    rng = np.random.default_rng(seed)
    problem = make_problem(
        seed, SitingGoal.MAX_COVERAGE, full_cover_m=int(rng.integers(0, 4)) * 100
    )
    problem = _sized(problem, rng) if is_sized else problem
    best = best_of(problem)
    _proven(problem, best)
    wider = problem.replace(full_cover_m=(problem.full_cover_m or 0) + 50)
    further = siting.solve(wider).objective
    assert best is None or (further is not None and further <= best + 1e-6)


@pytest.mark.parametrize("goal", SitingGoal)
@given(seed=SEEDS)
@settings(max_examples=8, deadline=None)
def test_sizes_of_a_site(make_problem: Maker, best_of: BestOf, goal: SitingGoal, seed: int) -> None:
    rng = np.random.default_rng(seed)
    problem = _sized(make_problem(seed, goal), rng)
    if problem.num_customers <= 4:
        room = rng.integers(0, 12, size=problem.num_sites)
        problem = problem.replace(capacity_units=room, single_source=True)
    _proven(problem, best_of(problem))


@pytest.mark.parametrize("rule", ["expected", "worst", "share"])
@given(seed=SEEDS)
@FEW
def test_scenarios(make_problem: Maker, best_of: BestOf, rule: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    plain = make_problem(seed, SitingGoal.MAX_COVERAGE, cover_by=int(rng.integers(1, 3)))
    units = rng.integers(0, 6, size=(int(rng.integers(1, 4)), plain.num_customers))
    weight = rng.integers(1, 4, size=len(units))
    target = float(rng.integers(0, 11)) / 10
    problem = with_scenarios(_sized(plain, rng), units, weight, rule=rule, target=target)
    best = best_of(problem)
    _proven(problem, best)
    if rule == "worst" and best is not None:
        # Every customer twice over: twice the demand unserved, by the same sites.
        ground, n = problem.coverage, problem.num_customers
        twice = Coverage.from_pairs(
            site_idx=np.tile(ground.site_idx, 2),
            customer_idx=np.concatenate([ground.customer_idx, ground.customer_idx + n]),
            distance_m=np.tile(ground.distance_m, 2),
            num_sites=problem.num_sites,
            num_customers=2 * n,
            cutoff_m=ground.cutoff_m,
        )
        doubled = problem.replace(
            coverage=twice,
            scenario_units=np.tile(units, 2),
            demand_units=np.tile(problem.demand_units, 2),
        )
        assert siting.solve(doubled).objective == 2 * best


def test_scenarios_by_hand(make_coverage: Any) -> None:
    """One site of three: the middle loses 4 units in the worst case, the mean prefers the first."""
    plain = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[0, 9, 9], [9, 0, 9], [9, 9, 0]], 5),
        demand_units=np.zeros(3, dtype=np.int64),
        max_sites=1,
    )
    units = [[9, 6, 0], [0, 2, 2]]
    expected = siting.solve(with_scenarios(plain, units, [3, 1]))
    assert expected.require().open_sites.tolist() == [0]
    assert expected.objective == 3 * 6 + 4
    worst = siting.solve(with_scenarios(plain, units, [3, 1], rule="worst"))
    assert (worst.objective, worst.engine) == (6, "mip")
    share = siting.solve(with_scenarios(plain, units, [3, 1], rule="share", target=0.5))
    assert share.objective == 1
    assert share.require().open_sites.tolist() == [0]


def _best_phases(plain: SitingProblem, units: Any, most: Any) -> float | None:
    """Try every phase of opening of every site, phase by phase on the problem of one phase."""
    found: list[float] = []
    count = len(units)
    for opening in itertools.product(range(count + 1), repeat=plain.num_sites):
        total, fits = 0.0, True
        for phase in range(count):
            is_open = np.flatnonzero(np.array(opening) <= phase)
            part = plain.replace(demand_units=units[phase], max_sites=int(most[phase]))
            report = check(part, cheapest_assignment(part, is_open))
            fits &= report.is_feasible
            total += report.objective
        if fits:
            found.append(total)
    return min(found, default=None)


@pytest.mark.parametrize("goal", [SitingGoal.MAX_COVERAGE, SitingGoal.P_MEDIAN])
@given(seed=SEEDS, fades=st.booleans())
@settings(max_examples=8, deadline=None)
def test_phases(make_problem: Maker, goal: SitingGoal, seed: int, fades: bool) -> None:
    rng = np.random.default_rng(seed)
    is_coverage = goal is SitingGoal.MAX_COVERAGE
    fading = {"full_cover_m": 100} if fades and is_coverage else {}
    plain = make_problem(seed, goal, budget_cents=None, status=None, **fading)
    if plain.num_sites > 4:
        return
    units = rng.integers(0, 6, size=(2, plain.num_customers))
    most = np.sort(rng.integers(0, 4, size=2))
    problem = phased(plain, units, max_sites=most)
    best = _best_phases(plain, units, most)
    result = siting.solve(problem)
    if best is None:
        assert result.status is Status.INFEASIBLE
        return
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best, abs=1e-6)
    opened = opening_phase(problem, result.require())
    assert ((opened >= 0) & (opened <= 0)).sum() <= most[0]
    assert (opened >= 0).sum() <= most[1]


def test_phase_budgets(make_coverage: Any) -> None:
    """The cheap site comes first, the dear one when there is money for both."""
    plain = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[0, 9], [9, 0]], 5),
        demand_units=np.zeros(2, dtype=np.int64),
        site_cost_cents=np.array([10, 3]),
        site_ids=("a", "b"),
        budget_cents=99,
    )
    problem = phased(plain, [[5, 1], [5, 1]], budget_cents=[9, 13])
    result = siting.solve(problem)
    assert result.objective == 5
    assert opening_phase(problem, result.require()).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("opened", "rule"),
    [([0, 1], "one-size"), ([0, 2], "phase-max-sites"), ([1, 2], "phase-budget")],
)
def test_checker_names_the_rule(make_coverage: Any, opened: list[int], rule: str) -> None:
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[0], [0], [0]]),
        demand_units=np.array([0]),
        site_cost_cents=np.array([1, 4, 4]),
        max_sites=3,
        place=np.array([0, 0, 1]),
        phase=np.array([0, 1, 0]) if rule == "phase-max-sites" else np.array([0, 0, 1]),
        phase_max_sites=np.array([1, 3]) if rule == "phase-max-sites" else np.array([2, 3]),
        phase_budget_cents=np.array([9, 7]),
    )
    solution = SitingSolution(open_sites=np.array(opened), assignment=np.array([-1]))
    assert [broken.rule for broken in check(problem, solution).violations] == [rule]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"full_cover_m": 500, "zero_cover_m": 400}, "bad-value"),
        ({"zero_cover_m": 400}, "missing-field"),
        ({"full_cover_m": 1, "cover_by": 2, "capacity_units": [1, 1]}, "fields-clash"),
        ({"place": [0, 0], "status": [1, 2]}, "fields-clash"),
        ({"scenario_rule": "best"}, "unknown-rule"),
        ({"scenario_rule": "worst"}, "missing-field"),
        ({"phase": [0, 0]}, "missing-field"),
        ({"phase": [0, 5], "phase_max_sites": [1]}, "bad-value"),
        ({"phase_max_sites": [1]}, "missing-field"),
    ],
)
def test_fields_that_do_not_fit(make_coverage: Any, fields: dict[str, Any], code: str) -> None:
    given: dict[str, Any] = {"goal": "max-coverage", "demand_units": [1], "max_sites": 1} | fields
    with pytest.raises(InputError) as caught:
        SitingProblem(coverage=make_coverage([[0], [0]]), **given)
    assert code in {issue.code for issue in caught.value.issues}
