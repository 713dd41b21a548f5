"""The checker: by hand, and one broken rule at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dispatchopt.core.errors import InputError
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import SiteStatus, SitingGoal, SitingProblem, SitingSolution
from dispatchopt.siting.check import check

# Three sites and four customers; 999 is out of reach.
DISTANCE = [[100, 200, 999, 999], [999, 300, 400, 999], [500, 999, 100, 999]]


@pytest.fixture
def base(make_coverage: Callable[..., Coverage]) -> SitingProblem:
    return SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=make_coverage(DISTANCE, 900),
        demand_units=np.array([5, 3, 2, 7]),
        site_cost_cents=np.array([10, 20, 30]),
        max_sites=2,
        site_ids=("a", "b", "c"),
    )


def solution(open_sites: list[int], assignment: list[int], **split: Any) -> SitingSolution:
    return SitingSolution(open_sites=np.array(open_sites), assignment=np.array(assignment), **split)


GOOD = ([0, 2], [0, 0, 2, -1])


def rules(problem: SitingProblem, answer: SitingSolution) -> list[tuple[str, float]]:
    return [(each.rule, each.by) for each in check(problem, answer).violations]


def test_objectives_by_hand(base: SitingProblem) -> None:
    answer = solution(*GOOD)
    assert check(base, answer).objective == 7
    median = base.replace(goal=SitingGoal.P_MEDIAN, unserved_m=1000)
    report = check(median, answer)
    # 5 x 100 + 3 x 200 + 2 x 100, and 7 units at 1,000 m.
    assert report.parts == {"distance_unit_m": 1300.0, "unserved_unit_m": 7000.0}
    assert report.objective == 8300
    charge = base.replace(goal=SitingGoal.FIXED_CHARGE, cents_per_unit_km=2.0, unserved_cents=1.5)
    report = check(charge, answer)
    assert report.parts == pytest.approx(
        {"opening_cents": 40.0, "transport_cents": 2.6, "unserved_cents": 10.5}
    )
    center = base.replace(goal=SitingGoal.P_CENTER, demand_units=[5, 3, 2, 0])
    assert check(center, answer).objective == 200
    cover = base.replace(goal=SitingGoal.COVER_ALL, required_share=0.5)
    assert check(cover, answer).objective == 2
    assert check(cover.replace(minimise_cost=True), answer).objective == 40
    figures = check(base, answer).figures
    assert figures["served_units"] == 10
    assert figures["covered_share"] == pytest.approx(10 / 17)
    assert figures["mean_distance_m"] == 130
    assert figures["max_distance_m"] == 200


def test_pair_costs_replace_the_rate(base: SitingProblem) -> None:
    costs = np.arange(1.0, base.coverage.num_pairs + 1)
    charge = base.replace(goal=SitingGoal.FIXED_CHARGE, pair_cost_cents=costs, unserved_cents=0.0)
    # Pairs in order: a-0, a-1, b-1, b-2, c-0, c-2.
    assert check(charge, solution(*GOOD)).parts["transport_cents"] == 1 + 2 + 6


def test_existing_sites_cost_nothing(base: SitingProblem) -> None:
    stands = base.replace(status=[SiteStatus.EXISTING, 0, 0])
    assert check(stands, solution(*GOOD)).figures["opening_cents"] == 30


@pytest.mark.parametrize(
    ("changes", "answer", "wanted"),
    [
        ({}, GOOD, []),
        ({"max_sites": 1}, GOOD, [("max-sites", 1)]),
        ({"budget_cents": 35}, GOOD, [("budget", 5)]),
        ({"status": [0, 0, 3]}, GOOD, [("forbidden-open", 1)]),
        ({"status": [0, 1, 0]}, GOOD, [("existing-closed", 1)]),
        ({"status": [0, 2, 0]}, GOOD, [("required-closed", 1)]),
        ({"capacity_units": [7, 9, 9]}, GOOD, [("capacity", 1)]),
        ({"cover_by": 2, "max_sites": 3}, ([0, 1, 2], [0, 0, 2, -1]), []),
        (
            {"cover_by": 2},
            ([0, 2], [0, -1, 2, -1]),
            [("too-few-sites-in-reach", 1)],
        ),
        ({}, ([0], [0, 0, 2, -1]), [("served-by-closed-site", 2)]),
        ({}, ([0, 2], [0, 0, 2, 0]), [("out-of-reach", 7)]),
        (
            {"min_spacing_m": 50, "site_distance_m": [[0, 90, 90], [90, 0, 90], [30, 90, 0]]},
            GOOD,
            [("min-spacing", 20)],
        ),
    ],
)
def test_each_rule_is_named_alone(
    base: SitingProblem,
    changes: dict[str, Any],
    answer: tuple[list[int], list[int]],
    wanted: list[tuple[str, float]],
) -> None:
    assert rules(base.replace(**changes), solution(*answer)) == wanted


def test_unserved_and_required_share(base: SitingProblem) -> None:
    everyone = base.replace(goal=SitingGoal.COVER_ALL)
    assert rules(everyone, solution(*GOOD)) == [("unserved", 7)]
    share = everyone.replace(required_share=0.7)
    assert share.required_units == 12
    assert rules(share, solution(*GOOD)) == [("required-share", 2)]
    assert rules(base.replace(goal=SitingGoal.P_MEDIAN), solution(*GOOD)) == [("unserved", 7)]


def test_split_demand(base: SitingProblem) -> None:
    def answer(units: list[int]) -> SitingSolution:
        return solution(
            [0, 2],
            [-1, 0, 2, -1],
            split_customer_idx=np.array([0, 0]),
            split_site_idx=np.array([0, 2]),
            split_units=np.array(units),
        )

    assert rules(base, answer([2, 3])) == []
    assert check(base, answer([2, 2])).objective == 8
    assert rules(base.replace(single_source=True), answer([2, 3])) == [("split", 1)]
    assert rules(base, answer([2, 5])) == [("served-twice", 2)]
    assert rules(base, answer([2, -1])) == [("negative-units", 1)]
    room = base.replace(capacity_units=[4, 9, 5])
    assert rules(room, answer([2, 3])) == [("capacity", 1)]


def test_unreadable_solutions_are_named(base: SitingProblem) -> None:
    good = solution(*GOOD)
    assert rules(base, replace(good, assignment=np.array([0]))) == [("wrong-length", 3)]
    assert rules(base, solution([0, 7], [0, 0, -1, -1])) == [("unknown-site", 1)]
    assert rules(base, solution([0, 0], [0, 0, -1, -1])) == [("repeated-site", 1)]
    assert rules(base, solution([0, 2], [9, 0, -1, -1])) == [("unknown-site", 1)]
    stray = replace(
        good,
        split_customer_idx=np.array([8]),
        split_site_idx=np.array([0]),
        split_units=np.array([1]),
    )
    assert rules(base, stray) == [("unknown-customer", 1)]


def test_required_units_round_up_exactly(base: SitingProblem) -> None:
    cover = base.replace(goal=SitingGoal.COVER_ALL, demand_units=[10, 0, 0, 0])
    assert cover.replace(required_share=0.1).required_units == 1
    assert cover.replace(required_share=0.7).required_units == 7
    assert cover.replace(required_share=0.71).required_units == 8
    assert cover.replace(required_share=0.0).required_units == 0


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"goal": "nearest"}, {"unknown-goal"}),
        ({"demand_units": [1, 2]}, {"wrong-shape"}),
        ({"demand_units": [1.5, 2, 3, 4]}, {"not-a-number"}),
        ({"demand_units": [1, -2, 3, 4]}, {"bad-value"}),
        ({"demand_units": [1, 2**53, 3, 4]}, {"bad-value"}),
        ({"demand_units": [2**50] * 4}, {"too-large"}),
        ({"status": [0, 5, 0]}, {"unknown-status"}),
        ({"max_sites": None}, {"missing-limit"}),
        ({"max_sites": -1}, {"bad-value"}),
        ({"max_sites": 1.5}, {"bad-value"}),
        ({"cover_by": 0}, {"bad-value"}),
        ({"required_share": float("nan")}, {"bad-value"}),
        ({"required_share": 0.5}, {"field-of-other-goal"}),
        ({"unserved_m": 5}, {"field-of-other-goal"}),
        ({"cents_per_unit_km": float("inf")}, {"bad-value"}),
        ({"min_spacing_m": 10}, {"missing-field"}),
        ({"cover_by": 2, "capacity_units": [1, 1, 1]}, {"fields-clash"}),
        ({"site_ids": ("a",)}, {"wrong-shape"}),
        ({"demand_units": [1], "status": [0]}, {"wrong-shape"}),
        ({"max_sites": -1, "budget_cents": -1}, {"bad-value"}),
    ],
)
def test_bad_fields_are_refused(
    base: SitingProblem, changes: dict[str, Any], codes: set[str]
) -> None:
    with pytest.raises(InputError) as caught:
        base.replace(**changes)
    assert {issue.code for issue in caught.value.issues} == codes


def test_all_bad_fields_are_listed(base: SitingProblem) -> None:
    with pytest.raises(InputError) as caught:
        base.replace(demand_units=[-1, -2, 0, 0], max_sites=-3, required_share=2.0)
    assert len(caught.value.issues) == 4
