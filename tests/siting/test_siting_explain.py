"""What stands behind a siting, rule by rule: by hand, and against asking the checker."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import siting
from dispatchopt.core.explain import Aim
from dispatchopt.core.result import Result, Status, StopReason
from dispatchopt.core.stop import Stop
from dispatchopt.geography.points import Points
from dispatchopt.registry import explain
from dispatchopt.siting import SitingGoal, SitingProblem, SitingSolution
from dispatchopt.siting.alternatives import alternatives, shadow_prices
from dispatchopt.siting.assign import cheapest_assignment, open_mask
from dispatchopt.siting.check import check
from dispatchopt.siting.explain import Reason, contributions, unserved
from dispatchopt.siting.obstacles import obstacles
from dispatchopt.siting.phases import phased
from dispatchopt.siting.scenarios import with_scenarios
from dispatchopt.siting.worth import losses

Maker = Callable[..., SitingProblem]
SEEDS = st.integers(0, 10**6)
#: Rules about which sites are open, and not about who is served.
OF_CHOICE = {
    "forbidden-open",
    "max-sites",
    "budget",
    "min-spacing",
    "one-size",
    "phase-max-sites",
    "phase-budget",
}


def tables(problem: SitingProblem, solution: SitingSolution, **aim: Any) -> dict[str, list[Any]]:
    found = explain(problem, solution, Aim(**aim))
    return {each.name: [dict(row) for row in each.rows] for each in found}


def varied(make_problem: Maker, seed: int, goal: SitingGoal) -> SitingProblem:
    """A random problem with random side rules."""
    rng = np.random.default_rng(seed)
    problem = make_problem(seed, goal)
    m = problem.num_sites
    if rng.random() < 0.4:
        place = rng.integers(0, max(1, m // 2 + 1), size=m)
        problem = problem.replace(place=place, status=rng.choice([0, 0, 3, 4], size=m))
    is_coverage = goal is SitingGoal.MAX_COVERAGE
    kind = rng.choice(["none", "fades", "backup", "scenarios", "phases"])
    if kind == "fades" and is_coverage:
        problem = problem.replace(full_cover_m=100)
    if kind == "backup" and goal is not SitingGoal.P_CENTER:
        problem = problem.replace(cover_by=2)
    if kind == "scenarios" and is_coverage:
        units = rng.integers(0, 6, size=(2, problem.num_customers))
        rule = str(rng.choice(["worst", "share"]))
        problem = with_scenarios(problem, units, rule=rule, target=0.5)
    if kind == "phases" and m <= 4 and not (problem.statuses == 4).any():
        units = rng.integers(0, 6, size=(2, problem.num_customers))
        problem = phased(problem, units, max_sites=np.sort(rng.integers(1, 4, size=2)))
    return problem


@pytest.mark.parametrize("goal", SitingGoal)
@given(seed=SEEDS)
@settings(max_examples=8, deadline=None)
def test_obstacles_are_what_the_checker_says(
    make_problem: Maker, goal: SitingGoal, seed: int
) -> None:
    problem = varied(make_problem, seed, goal)
    solution = siting.solve(problem, stop=Stop(iterations=50)).solution
    if solution is None:
        return
    is_open = open_mask(problem, solution.open_sites)
    words = obstacles(problem, is_open)
    for site in range(problem.num_sites):
        if is_open[site]:
            assert words[site] == ""
            continue
        more = np.sort(np.append(solution.open_sites, site))
        broken = check(problem, cheapest_assignment(problem, more)).violations
        rules = {each.rule for each in broken} & OF_CHOICE
        assert bool(words[site]) == bool(rules), (words[site], rules)


@pytest.mark.parametrize("goal", SitingGoal)
@given(seed=SEEDS)
@settings(max_examples=8, deadline=None)
def test_losses_alternatives_and_prices_are_differences_of_objectives(
    make_problem: Maker, goal: SitingGoal, seed: int
) -> None:
    problem = varied(make_problem, seed, goal)
    result = siting.solve(problem)
    if result.solution is None or result.objective is None:
        return
    solution = result.solution
    for loss in losses(problem, solution, Stop().start()):
        rest = solution.open_sites[solution.open_sites != loss.site]
        report = check(problem, cheapest_assignment(problem, rest))
        wrong = [v for v in report.violations if not v.rule.endswith("-closed")]
        assert (loss.amount is None) == bool(wrong)
        assert loss.amount is None or loss.amount == report.objective - result.objective
        assert not wrong or loss.breaks == wrong[0].rule
    found = alternatives(problem, solution, tolerance=0.5, most=30)
    slack = result.objective
    if goal is SitingGoal.MAX_COVERAGE and problem.scenario_rule is None:
        slack = problem.total_units - result.objective
    elif problem.scenario_rule is not None:
        slack = np.inf
    seen = set()
    for value, sites in zip(found.objectives, found.choices, strict=True):
        report = check(problem, cheapest_assignment(problem, sites))
        # Whether a site must be open is no question of service: required ones stay.
        assert report.is_feasible
        assert report.objective == pytest.approx(value)
        assert value <= result.objective + 0.5 * slack + 1e-9
        seen.add(tuple(sites.tolist()))
    assert len(seen) == len(found.choices)
    counts = np.bincount(np.concatenate(found.choices), minlength=problem.num_sites)
    assert found.share_of_site == pytest.approx(counts / len(found.choices))
    for price in shadow_prices(problem, solution):
        assert -1e-9 <= price.gained <= price.gained_at_most + 1e-6
        assert price.lost is None or price.lost >= (price.lost_at_least or 0.0) - 1e-6
        assert price.lost is None or price.lost >= -1e-9


def test_every_near_tie_of_a_small_problem_is_found(make_coverage: Any) -> None:
    """Four equal sites, two to open: all six pairs are as good as each other."""
    problem = SitingProblem(
        goal=SitingGoal.P_MEDIAN,
        coverage=make_coverage([[100, 100]] * 4),
        demand_units=np.array([1, 1]),
        max_sites=2,
        place=np.arange(4),
    )
    found = alternatives(problem, siting.solve(problem).require(), tolerance=0.0)
    pairs = {tuple(each.tolist()) for each in found.choices if len(each) == 2}
    assert pairs == set(itertools.combinations(range(4), 2))
    assert (found.objectives == 200).all()


def test_fading_is_told_from_uncovered(make_coverage: Any) -> None:
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[100, 200, 400, 999], [999, 999, 150, 999]], 500),
        demand_units=np.array([4, 8, 5, 3]),
        max_sites=1,
        full_cover_m=100,
        zero_cover_m=300,
    )
    solution = cheapest_assignment(problem, np.array([0]))
    reasons = {each.customer: each for each in unserved(problem, solution)}
    assert reasons[2].reason is Reason.FADED_OUT
    assert reasons[2].remedy == "an open site nearer than 300 m"
    assert (reasons[2].best_site, reasons[2].best_units) == (1, 3)  # 5 x 0.75, rounded down
    assert reasons[2].obstacle == "max_sites is used up"
    assert reasons[3].reason is Reason.NO_SITE_IN_REACH
    faded = tables(problem, solution)["faded"]
    assert [(row["customer"], row["covered_share"], row["lost_units"]) for row in faded] == [
        ("1", 0.5, 4.0)
    ]


def test_backup_names_how_many_are_missing(make_coverage: Any) -> None:
    table = [[1, 1, 9], [1, 9, 9], [1, 9, 9]]
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage(table, 5),
        demand_units=np.array([4, 8, 5]),
        max_sites=1,
        cover_by=3,
    )
    found = unserved(problem, cheapest_assignment(problem, np.array([0])))
    assert {each.customer: each.reason for each in found} == {
        0: Reason.TOO_FEW,
        1: Reason.TOO_FEW_EXIST,
        2: Reason.NO_SITE_IN_REACH,
    }
    assert {each.customer: each.remedy for each in found}[0] == "2 more of the 3 sites in reach"
    assert found[0].remedy == "2 more candidate sites within reach, or less backup"
    double = problem.replace(cover_by=2, max_sites=3)
    worth = contributions(double, cheapest_assignment(double, np.array([0, 1])))
    assert worth.sole_units.tolist() == [4, 4]  # either one's closing uncovers customer 0
    assert worth.overlap_units.tolist() == [8, 0]


def test_spacing_sizes_and_budget_are_named(make_coverage: Any) -> None:
    apart = np.array([[0, 50, 900], [50, 0, 900], [900, 900, 0]])
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[0, 9, 9], [9, 0, 9], [9, 9, 0]], 5),
        demand_units=np.array([5, 3, 2]),
        site_cost_cents=np.array([10, 10, 30]),
        budget_cents=20,
        min_spacing_m=100,
        site_distance_m=apart,
    )
    solution = cheapest_assignment(problem, np.array([0]))
    one, two = unserved(problem, solution)
    assert (one.customer, one.reason) == (1, Reason.TOO_CLOSE)
    assert (two.customer, two.reason, two.best_site) == (2, Reason.SITES_CLOSED, 2)
    assert two.obstacle == "it costs more than the 10 cents left of the budget"
    closed = {row["site"]: row for row in tables(problem, solution)["closed_sites"]}
    assert closed["1"]["what_forbids_it"] == "an open site stands within 100 m"
    sized = problem.replace(min_spacing_m=0, site_distance_m=None, place=[0, 0, 1])
    closed = {row["site"]: row for row in tables(sized, solution)["closed_sites"]}
    assert closed["1"]["what_forbids_it"] == "another size is open"
    assert closed["1"]["adds_units"] == 3


def test_phases_say_that_a_site_opens_later(make_coverage: Any) -> None:
    plain = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[0, 9], [9, 0]], 5),
        demand_units=np.zeros(2, dtype=np.int64),
        site_ids=("a", "b"),
        max_sites=1,
    )
    problem = phased(plain, [[5, 1], [5, 1]], max_sites=[1, 2])
    solution = siting.solve(problem).require()
    (one,) = unserved(problem, solution)
    assert (one.customer, one.reason) == (1, Reason.OPENS_LATER)
    assert one.remedy == "opening site b@0 in an earlier phase"
    found = tables(problem, solution)
    assert found["phases"] == [
        {
            "phase": 0,
            "opens": "a@0",
            "open_sites": 1,
            "sites_left": 0,
            "spent_cents": 0,
            "cents_left": None,
        },
        {
            "phase": 1,
            "opens": "b@1",
            "open_sites": 2,
            "sites_left": 0,
            "spent_cents": 0,
            "cents_left": None,
        },
    ]
    prices = {row["limit"]: row for row in found["limits"]}
    assert prices["max_sites[0]"]["gained"] == 1
    # Without the site of phase 0 the larger one opens a phase late, at the other's cost.
    assert prices["max_sites[0]"]["lost"] == 5
    assert prices["max_sites[1]"]["lost"] == 1


def test_scenarios_are_listed_with_what_they_spare(make_coverage: Any) -> None:
    plain = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[0, 9], [9, 0]], 5),
        demand_units=np.zeros(2, dtype=np.int64),
        max_sites=1,
    )
    problem = with_scenarios(plain, [[9, 1], [0, 4]], [3, 1], rule="share", target=0.5)
    solution = cheapest_assignment(problem, np.array([0]))
    worst, other = tables(problem, solution)["scenarios"]
    assert (worst["scenario"], worst["unserved_units"], worst["target_is_met"]) == (1, 4, False)
    assert worst["spare_units"] == -2
    assert (other["scenario"], other["unserved_units"], other["spare_units"]) == (0, 1, 4)


def test_nearest_site_beyond_reach_by_ruler(make_coverage: Any) -> None:
    problem = SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage([[100, 9999]], 3000),
        demand_units=np.array([1, 2]),
        max_sites=1,
        site_ids=("s",),
        customer_ids=("near", "far"),
    )
    places = {
        "sites": Points(lon=np.array([0.0]), lat=np.array([0.0])),
        "customers": Points(lon=np.array([0.001, 0.1]), lat=np.array([0.0, 0.0])),
    }
    solution = cheapest_assignment(problem, np.array([0]))
    (row,) = tables(problem, solution, places=places)["out_of_reach"]
    assert (row["customer"], row["nearest_site"]) == ("far", "s")
    assert row["straight_m"] == pytest.approx(11_132, abs=5)
    assert row["remedy"].endswith("by ruler)")
    places["customers"] = Points(lon=np.array([0.001, 0.0015]), lat=np.array([0.0, 0.0]))
    (row,) = tables(problem, solution, places=places)["out_of_reach"]
    near = row["straight_m"]
    assert near < problem.coverage.cutoff_m
    assert row["remedy"].endswith(f"by way (s: {near} by ruler, too far by way)")
    assert "out_of_reach" not in tables(problem, solution)


@given(seed=SEEDS, single=st.booleans())
@settings(max_examples=10, deadline=None)
def test_capacities_are_explained(make_problem: Maker, seed: int, single: bool) -> None:
    rng = np.random.default_rng(seed)
    problem = make_problem(seed, SitingGoal.MAX_COVERAGE)
    room = rng.integers(0, 9, size=problem.num_sites)
    problem = problem.replace(capacity_units=room, single_source=single)
    result = siting.solve(problem)
    if result.solution is None or result.objective is None:
        return
    found = tables(problem, result.solution, stop=Stop(time_s=5))
    for row in found["losses"]:
        assert row["lost_if_dropped"] is None or row["lost_if_dropped"] >= -1e-9
    assert found["alternatives"][0]["objective"] == result.objective
    for row in found["alternatives"]:
        assert row["worse_by"] <= 0.01 * (problem.total_units - result.objective) + 1e-9
    assert {row["limit"] for row in found["limits"]} <= {"max_sites", "budget_cents"}


def test_little_time_is_kept(make_problem: Maker) -> None:
    """Everything that is solved anew ends with the time that it is given."""
    problem = make_problem(4, SitingGoal.MAX_COVERAGE)
    solution = siting.solve(problem).require()
    found = tables(problem, solution, stop=Stop(time_s=0.001))
    assert len(found["losses"]) >= min(1, len(solution.open_sites))
    assert found["alternatives"][0]["worse_by"] == 0


def test_a_loss_that_was_not_found_in_time_breaks_no_rule(
    make_problem: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Maximum coverage is feasible with any sites: only time can be missing."""
    problem = make_problem(7, SitingGoal.MAX_COVERAGE)
    room = np.full(problem.num_sites, problem.total_units)
    problem = problem.replace(capacity_units=room)
    solution = siting.solve(problem, stop=Stop(iterations=50)).require()
    assert len(solution.open_sites)

    def cut(*_: object, **__: object) -> Result[SitingSolution]:
        return Result(
            status=Status.UNKNOWN,
            stopped_by=StopReason.TIME,
            solution=None,
            objective=None,
            bound=0.0,
            engine="mip",
            seed=1,
            elapsed_s=0.0,
            iterations=0,
        )

    monkeypatch.setattr("dispatchopt.core.run.solve", cut)
    found = losses(problem, solution, Stop().start())
    assert {each.breaks for each in found} == {"nothing found in time"}
    assert all(each.amount is None for each in found)
