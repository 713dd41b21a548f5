"""Single-source and uncapacitated sets: read by content, to the number, and faults named."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatchopt.core.errors import InputError
from dispatchopt.core.result import Status
from dispatchopt.io import read
from dispatchopt.registry import solve
from dispatchopt.siting import SitingGoal, SitingProblem

SINGLE = """2 3
10 7
20 9
 4. 5. 6.
 1 2 3
 4 5 6
"""
UFL = """FILE: tiny
2 3 0
2 9 4 5 6
1 7 1 2 3
"""


def written(folder: Path, text: str, name: str = "tiny") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("head", ["2 3\n", "2 \n3 \n"])
def test_single_source_sets_are_told_by_their_row_of_demands(tmp_path: Path, head: str) -> None:
    problem: SitingProblem = read(written(tmp_path, SINGLE.replace("2 3\n", head))).problem
    assert problem.goal is SitingGoal.FIXED_CHARGE
    assert problem.single_source
    assert problem.demand_units.tolist() == [4, 5, 6]
    assert problem.capacity_units is not None
    assert problem.capacity_units.tolist() == [10, 20]
    assert problem.opening_cents.tolist() == [7, 9]
    assert problem.pair_costs().tolist() == [1, 2, 3, 4, 5, 6]
    # Site 2 holds everyone (9 + 15); with site 1 too, two of them may move: 7 + 9 + 2 + 3 + 4.
    result = solve(problem)
    assert (result.status, result.objective) == (Status.OPTIMAL, 24)


def test_a_demand_a_line_is_the_other_form(tmp_path: Path) -> None:
    # The same numbers, customer by customer: a demand, then its cost at each site.
    text = "2 3\n10 7\n20 9\n4\n1 4\n5\n2 5\n6\n3 6\n"
    problem: SitingProblem = read(written(tmp_path, text)).problem
    assert problem.demand_units.tolist() == [4, 5, 6]
    assert problem.pair_costs().tolist() == [1, 2, 3, 4, 5, 6]
    assert not problem.single_source


def test_demand_may_be_split_if_asked(tmp_path: Path) -> None:
    path = written(tmp_path, SINGLE)
    assert not read(path, options={"single_source": "0"}).problem.single_source


def test_sites_of_uncapacitated_sets_come_in_any_order(tmp_path: Path) -> None:
    problem: SitingProblem = read(written(tmp_path, UFL)).problem
    assert problem.capacity_units is None
    assert problem.opening_cents.tolist() == [7, 9]
    assert problem.pair_costs().tolist() == [1, 2, 3, 4, 5, 6]
    result = solve(problem)
    assert (result.status, result.objective, result.engine) == (Status.OPTIMAL, 13, "median")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (SINGLE.replace(" 4 5 6\n", " 4 5\n"), "row-width"),
        (SINGLE + "7\n", "row-width"),
        (SINGLE.replace("10 7", "10 -7"), "out-of-range"),
        (SINGLE.replace(" 1 2 3", " 1 nan 3"), "not-a-number"),
        (UFL.replace("1 7", "2 7"), "duplicate-id"),
        (UFL.replace("1 7", "3 7"), "out-of-range"),
        (UFL.replace(" 3\n", "\n"), "row-width"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read(written(tmp_path, text))
    assert code in {issue.code for issue in caught.value.issues}
