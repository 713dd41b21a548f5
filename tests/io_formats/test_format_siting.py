"""Siting sets of the field: by hand, damaged, and published values."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import io, siting
from dispatchopt.core.errors import InputError
from dispatchopt.core.result import Status
from dispatchopt.core.stop import Stop
from dispatchopt.siting import SitingGoal, SitingProblem

HOME = Path(__file__).parents[3] / "shared" / "data"
DATA = Path(os.environ.get("DISPATCHOPT_DATA", HOME)) / "siting"

# The edge 1-2 stands twice: its length is 9, so that the way from 1 to 2 leads over 3.
PMED = " 3 4 1 \n 1 2 4 \n 2 3 3 \n 1 3 5\n 2 1 9\n"
CAP = " 2 3\n 10 7500.\n capacity 300.\n 4 \n 1.5 2.5\n 6\n 3 4\n 5\n 0 9.25\n"
PMEDCAP = " 1 7\n 3 1 30\n 1 0 0 5\n 2 3 4 6\n 3 0 2.5 7\n"
SCP = " 2 3 \n 5 6 7 \n 2 \n 1 3\n 1\n 2\n"
RAIL = "3 4\n1 2 1 2\n2 1 3\n1 1 2\n2 3 1 2 3\n"
POINTS = "2\t\n0 0.0 0.0 1 20\n1 3.0 4.0 1 30\n"
GRID = "2\t3\t\nF\t0\t0.0\t0.0\t7\nF\t1\t3.0\t4.0\t9\n" + (
    "C\t0\t0.0\t5.0\t2\nC\t1\t3.0\t3.0\t3\nC\t2\t9.0\t9.0\t4\n"
)
TSP = """NAME : three
TYPE : TSP
DIMENSION : 3
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 0.0e+00 0
2 1 1
3 3 4
EOF
"""
MCLP = """NAME : two
TYPE : MCLP
EDGE_WEIGHT_TYPE : COORD
DIMENSION : 3
NODE_COORD_SECTION
40.0 -073.0
40.001 -073.0
40.1 -073.0
DEMAND_SECTION
5
6
7
EOF
"""
TEXTS = {
    "pmed": PMED,
    "cap": CAP,
    "pmedcap": PMEDCAP,
    "scp": SCP,
    "cover": GRID,
    "tsplib": TSP,
}
MORE = [("scp", RAIL), ("cover", POINTS), ("tsplib", MCLP)]


def _read(folder: Path, text: str, **options: Any) -> SitingProblem:
    path = folder / "given.txt"
    path.write_text(text)
    problem: SitingProblem = io.read(path, options).problem
    return problem


def _table(problem: SitingProblem) -> Any:
    shape = (problem.num_sites, problem.num_customers)
    return problem.coverage.distance_m.reshape(shape).tolist()


def test_last_of_repeated_edges_holds(tmp_path: Path) -> None:
    problem = _read(tmp_path, PMED)
    assert _table(problem) == [[0, 8, 5], [8, 0, 3], [5, 3, 0]]
    assert (problem.goal, problem.max_sites) == (SitingGoal.P_MEDIAN, 1)
    assert siting.solve(problem).objective == 8
    center = _read(tmp_path, PMED, goal="p-center")
    assert siting.solve(center).objective == 5


def test_warehouses(tmp_path: Path) -> None:
    problem = _read(tmp_path, CAP)
    assert problem.capacity_units is None
    assert problem.pair_cost_cents is not None
    assert problem.pair_cost_cents.tolist() == [1.5, 3, 0, 2.5, 4, 9.25]
    assert siting.solve(problem).objective == 300 + 2.5 + 4 + 9.25
    limited = _read(tmp_path, CAP, capacity=20)
    assert limited.capacity_units is not None
    assert limited.capacity_units.tolist() == [10, 20]


def test_capacitated_medians(tmp_path: Path) -> None:
    problem = _read(tmp_path, PMEDCAP)
    assert _table(problem) == [[0, 5, 2], [5, 0, 3], [2, 3, 0]]
    assert problem.demand_units.tolist() == [5, 6, 7]
    assert siting.solve(problem).objective == 5


def test_set_covering_by_rows_and_by_columns(tmp_path: Path) -> None:
    by_rows = _read(tmp_path, SCP)
    assert by_rows.coverage.site_idx.tolist() == [0, 1, 2]
    assert by_rows.coverage.customer_idx.tolist() == [0, 1, 0]
    assert siting.solve(by_rows).objective == 11
    by_columns = _read(tmp_path, RAIL)
    assert by_columns.opening_cents.tolist() == [1, 2, 1, 2]
    assert siting.solve(by_columns).objective == 2


def test_covering_points(tmp_path: Path) -> None:
    problem = _read(tmp_path, GRID, radius=5.0, max_sites=2)
    # At exactly the radius a customer is not covered.
    assert problem.coverage.site_idx.tolist() == [0, 1, 1]
    assert problem.coverage.customer_idx.tolist() == [1, 0, 1]
    assert siting.solve(problem).objective == 4
    cheap = _read(tmp_path, GRID, radius=5.0, budget=8)
    assert siting.solve(cheap).objective == 6
    partial = _read(tmp_path, GRID, radius=5.0, required_share=0.5)
    assert siting.solve(partial).objective == 9
    same = _read(tmp_path, POINTS, radius=5.0, max_sites=1)
    assert siting.solve(same).objective == 20


def test_points_of_tours_and_of_a_city(tmp_path: Path) -> None:
    problem = _read(tmp_path, TSP, max_sites=1)
    # Rounded down: 1.41, 5, 3.61.
    assert _table(problem) == [[0, 1, 5], [1, 0, 3], [5, 3, 0]]
    assert siting.solve(problem).objective == 4
    # A thousandth of a degree is 111 m.
    city = _read(tmp_path, MCLP, max_sites=1, reach_m=200)
    assert siting.solve(city).objective == 7


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (PMED.replace("3 4 1", "3 5 1"), "row-width"),
        (PMED.replace("3 4 1", "3 3 1"), "row-width"),
        (PMED.replace(" 1 3 5", " 1 7 5"), "out-of-range"),
        (PMED.replace("2 3 3", "2 3 -3"), "out-of-range"),
        (" 4 1 1\n 1 2 3\n", "bad-value"),
        (" 900000 1 1\n 1 2 3\n", "too-large"),
        (CAP.replace("9.25", "nan"), "not-a-number"),
        (CAP.replace(" 4 \n", " 4.5\n"), "not-whole"),
        (PMEDCAP + " 4 1 1 1\n", "row-width"),
        (SCP.replace(" 1 3", " 1 4"), "out-of-range"),
        (GRID.replace("F\t1", "X\t1"), "bad-choice"),
        (GRID.replace("2\t3\t", "2\t4\t"), "row-width"),
        (TSP.replace("EUC_2D", "GEO"), "bad-choice"),
        (TSP.replace(": 3", ": 4"), "row-width"),
        (MCLP.replace("40.1 ", "99.1 "), "out-of-range"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        _read(tmp_path, text)
    assert code in {issue.code for issue in caught.value.issues}


@pytest.mark.parametrize("name", TEXTS)
def test_unknown_options_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="unknown-key"):
        _read(tmp_path, TEXTS[name], colour="red")


WORDS = ["", "-1", "nan", "1e300", "999999999", "0", "x", "1.5", "\0", "_", "F", "²", "capacity"]


@pytest.mark.parametrize(("name", "text"), [*TEXTS.items(), *MORE])
@given(seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_damaged_sets(name: str, text: str, seed: int) -> None:
    """A damaged file gives an instance or a list of issues, nothing else."""
    rng = np.random.default_rng(seed)
    lines = [line.split(" ") for line in text.replace("\t", " ").split("\n")]
    for _ in range(int(rng.integers(1, 4))):
        line = lines[int(rng.integers(0, len(lines)))]
        at = int(rng.integers(0, len(line)))
        kind = rng.random()
        if kind < 0.2:
            del line[at:]
            line.append("")
        elif kind < 0.3:
            lines.pop(int(rng.integers(0, len(lines))))
            lines.append([""])
        else:
            line[at] = str(rng.choice(WORDS))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.txt"
        path.write_text("\n".join(" ".join(line) for line in lines), encoding="utf-8")
        with suppress(InputError):
            found = io.read(path, source_format=name)
            assert found.kind == "siting"


PUBLISHED = [
    ("orlib_pmed/pmed1.txt", {}, 5819),
    ("orlib_pmedcap/pmedcap_1.txt", {}, 713),
    ("orlib_cap/cap41.txt", {}, 1040444.375),
    ("orlib_cap/cap71.txt", {"uncapacitated": 1}, 932615.75),
    ("orlib_scp/scp42.txt", {}, 512),
]


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="set DISPATCHOPT_DATA to the folder of data")
@pytest.mark.parametrize(("name", "options", "best"), PUBLISHED)
def test_published_values(name: str, options: dict[str, Any], best: float) -> None:
    instance = io.read(DATA / name, options)
    result = siting.solve(instance.problem, stop=Stop(time_s=60))
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best, abs=0.01)
