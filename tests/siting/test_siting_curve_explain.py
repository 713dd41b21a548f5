"""Coverage against the number of sites, reasons, and what sites are good for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dispatchopt import siting
from dispatchopt.core.errors import InputError
from dispatchopt.core.explain import Aim
from dispatchopt.core.result import Status
from dispatchopt.core.stop import Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import SitingGoal, SitingProblem, SitingSolution
from dispatchopt.siting.alternatives import alternatives, shadow_prices
from dispatchopt.siting.assign import cheapest_assignment
from dispatchopt.siting.check import check
from dispatchopt.siting.curve import coverage_variant, curve
from dispatchopt.siting.explain import Reason, contributions, explain_further, unserved

Maker = Callable[..., SitingProblem]
DISTANCE = [[100, 200, 999, 999], [999, 300, 400, 999], [500, 999, 100, 999]]


@pytest.fixture
def base(make_coverage: Any) -> SitingProblem:
    return SitingProblem(
        goal=SitingGoal.COVER_ALL,
        coverage=make_coverage(DISTANCE, 900),
        demand_units=np.array([5, 3, 2, 7]),
        site_cost_cents=np.array([10, 20, 30]),
    )


def test_curve_by_hand(base: SitingProblem) -> None:
    points = curve(base, 5)
    assert [point.num_sites for point in points] == [1, 2, 3]
    # Site 0 alone reaches 8 units; with any other all 10 that can be reached.
    assert [point.unserved_units for point in points] == [9, 7, 7]
    assert [point.bound_units for point in points] == [9, 7, 7]
    assert all(point.status is Status.OPTIMAL for point in points)
    assert points[0].covered_share == pytest.approx(8 / 17)
    assert points[0].opening_cents == 10


@pytest.mark.parametrize("seed", range(6))
def test_curve_equals_single_runs_and_never_falls(make_problem: Maker, seed: int) -> None:
    problem = make_problem(seed, SitingGoal.P_MEDIAN, budget_cents=None)
    points = curve(problem, 4)
    shares = [point.covered_share for point in points]
    assert shares == sorted(shares)
    for point in points:
        alone = siting.solve(coverage_variant(problem, point.num_sites), engine="mip")
        assert alone.objective == point.unserved_units


def test_curve_in_little_time_still_has_all_points(make_problem: Maker) -> None:
    points = curve(make_problem(3, SitingGoal.MAX_COVERAGE), 3, stop=Stop(time_s=5))
    assert all(point.bound_units <= point.unserved_units for point in points)


def test_curve_refuses_no_sites(base: SitingProblem) -> None:
    with pytest.raises(InputError, match="max_sites"):
        curve(base, 0)


def test_reasons(base: SitingProblem, make_coverage: Any) -> None:
    answer = SitingSolution(open_sites=np.array([0]), assignment=np.array([0, -1, -1, -1]))
    found = unserved(base, answer)
    assert [(each.customer, each.units, each.reason) for each in found] == [
        (3, 7, Reason.NO_SITE_IN_REACH),
        (1, 3, Reason.NOT_WORTH_IT),
        (2, 2, Reason.SITES_CLOSED),
    ]
    assert [(each.nearest_site, each.nearest_m) for each in found] == [(-1, -1), (0, 200), (2, 100)]
    wider = unserved(base, answer, wider=make_coverage(DISTANCE, 1000))
    assert (wider[0].nearest_site, wider[0].nearest_m) == (0, 999)
    closed = base.replace(status=[0, 3, 3])
    assert unserved(closed, answer)[2].reason is Reason.ONLY_FORBIDDEN
    backup = base.replace(cover_by=2)
    assert unserved(backup, answer)[1].reason is Reason.TOO_FEW


def test_contributions_by_hand(base: SitingProblem) -> None:
    answer = SitingSolution(open_sites=np.array([0, 1]), assignment=np.array([0, 0, 1, -1]))
    each = contributions(base, answer)
    assert each.site.tolist() == [0, 1]
    assert each.served_units.tolist() == [8, 2]
    assert each.reached_units.tolist() == [8, 5]
    # Both reach customer 1, with 3 units.
    assert each.sole_units.tolist() == [5, 2]
    assert each.overlap_units.tolist() == [3, 3]


def _ten_sites(seed: int) -> SitingProblem:
    rng = np.random.default_rng(seed)
    away = rng.integers(0, 100, size=(7, 30))
    site, customer = np.nonzero(away <= 30)
    return SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=Coverage.from_pairs(
            site_idx=site,
            customer_idx=customer,
            distance_m=away[site, customer],
            num_sites=7,
            num_customers=30,
            cutoff_m=30,
        ),
        demand_units=rng.integers(0, 9, size=30),
        site_cost_cents=rng.integers(1, 6, size=7),
        max_sites=3,
        budget_cents=9,
    )


@pytest.mark.parametrize("seed", range(4))
def test_alternatives_are_near_and_valued_rightly(seed: int) -> None:
    problem = _ten_sites(seed)
    best = siting.solve(problem).require()
    found = alternatives(problem, best, tolerance=0.3)
    assert found.choices[0].tolist() == best.open_sites.tolist()
    assert len({tuple(each) for each in found.choices}) == len(found.choices) > 1
    served = problem.total_units - found.objectives[0]
    for sites, units in zip(found.choices, found.objectives, strict=True):
        report = check(problem, cheapest_assignment(problem, sites))
        assert report.is_feasible
        assert report.objective == units <= found.objectives[0] + 0.3 * served
    counts = np.bincount(np.concatenate(found.choices), minlength=7)
    assert found.share_of_site == pytest.approx(counts / len(found.choices))


@pytest.mark.parametrize("capacity", [None, np.full(7, 500)])
def test_alternatives_say_that_time_ran_out(capacity: Any) -> None:
    problem = _ten_sites(0).replace(capacity_units=capacity)
    best = siting.solve(problem).require()
    found = alternatives(problem, best, tolerance=0.3, stop=Stop(time_s=1e-9))
    assert found.is_cut
    assert len(found.choices) == 1
    assert not alternatives(problem, best, tolerance=0.3).is_cut


def test_the_table_of_alternatives_says_that_time_ran_out() -> None:
    problem = _ten_sites(0).replace(capacity_units=np.full(7, 500))
    late = explain_further(problem, siting.solve(problem).require(), Aim(stop=Stop(time_s=1e-9)))
    told = {each.name: each for each in late}
    assert "time ran out" in told["alternatives"].about


def test_the_table_of_limits_says_for_which_time_ran_out() -> None:
    problem = _ten_sites(0)
    best = siting.solve(problem).require()
    late, whole = (
        next(
            table
            for table in explain_further(problem, best, Aim(stop=Stop(time_s=time_s)))
            if table.name == "limits"
        )
        for time_s in (1e-9, 60.0)
    )
    assert [row["out_of_time"] for row in whole.rows] == ["", ""]
    assert late.rows[0]["out_of_time"] == "wider, narrower"
    assert "time ran out" in late.about
    assert "time ran out" not in whole.about


@pytest.mark.parametrize("seed", range(4))
def test_shadow_prices_are_differences_of_optima(seed: int) -> None:
    problem = _ten_sites(seed)
    best = siting.solve(problem)
    sites, budget = shadow_prices(problem, best.require(), budget_step_cents=4)
    assert (sites.limit, budget.limit, budget.step) == ("max_sites", "budget_cents", 4)
    assert best.objective is not None
    for price, wider, narrower in (
        (sites, {"max_sites": 4}, {"max_sites": 2}),
        (budget, {"budget_cents": 13}, {"budget_cents": 5}),
    ):
        more, less = (
            siting.solve(problem.replace(**each), engine="mip").objective
            for each in (wider, narrower)
        )
        assert price.gained == price.gained_at_most == best.objective - (more or 0.0)
        assert price.lost == price.lost_at_least == (less or 0.0) - best.objective
