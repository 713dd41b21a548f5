"""``curve``: coverage against number of sites and against cost."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from dispatchopt import siting
from dispatchopt.cli.main import run
from dispatchopt.io import read
from dispatchopt.siting.curve import coverage_variant

INSTANCES = Path(__file__).parents[2] / "instances"
SITING = str(INSTANCES / "siting-small")


def rows(capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    assert run(["curve", *options, "--format", "json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_each_point_is_what_solve_finds(capsys: pytest.CaptureFixture[str]) -> None:
    problem = read(SITING).problem
    found = rows(capsys, SITING, "--points", "5")
    assert [row["sites"] for row in found] == [1, 2, 3, 4, 5]
    for row in found:
        alone = siting.solve(coverage_variant(problem, row["sites"]))
        assert row["unserved_units"] == row["bound_units"] == alone.objective
        assert (row["gap"], row["status"]) == (0, "optimal")
        assert len(row["open_sites"]) <= row["sites"]


def test_budgets_are_kept_and_dominated_points_named(capsys: pytest.CaptureFixture[str]) -> None:
    problem = read(SITING).problem
    found = rows(capsys, SITING, "--against", "cost", "--points", "6")
    assert found[0]["budget_cents"] == 0
    shares = [row["covered_share"] for row in found]
    assert shares == sorted(shares)
    for row in found:
        assert row["opening_cents"] <= row["budget_cents"]
        alone = siting.solve(problem.replace(budget_cents=row["budget_cents"]))
        assert row["unserved"] == alone.objective
    (one,) = rows(capsys, SITING, "--against", "cost", "--budget", "20000")
    assert one["budget_cents"] == 20_000


def test_a_city_has_a_curve(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, str(INSTANCES / "city-small"), "--points", "4")
    # Three stores stand already.
    assert [row["sites"] for row in found] == [3, 4]


def test_fewer_sites_than_stand_already_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["curve", str(INSTANCES / "city-small"), "--points", "2"]) == 3
    assert "found 2; wanted at least 3" in " ".join(capsys.readouterr().err.split())


def test_csv_files_and_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["curve", SITING, "--points", "3", "--format", "csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["sites"] for row in table] == ["1", "2", "3"]
    for name in ("c.json", "c.csv", "c.html", "c.png"):
        assert run(["curve", SITING, "--points", "3", "-q", "-o", str(tmp_path / name)]) == 0
    assert len(json.loads((tmp_path / "c.json").read_text())) == 3
    assert (tmp_path / "c.csv").read_text().startswith("sites,covered_share,")
    page = (tmp_path / "c.html").read_text()
    assert "Share of demand covered against number of sites" in page
    assert "default-src &#x27;none&#x27;" in page
    assert (tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"
    assert (
        run(
            [
                "curve",
                SITING,
                "--against",
                "cost",
                "--points",
                "3",
                "-q",
                "-o",
                str(tmp_path / "cost.png"),
            ]
        )
        == 0
    )
    assert run(["curve", SITING, "-q", "-o", str(tmp_path / "c.png")]) == 3


def test_the_table_is_for_terminals(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["curve", SITING, "--points", "2"]) == 0
    printed = capsys.readouterr().out
    assert "covered share" in printed
    assert "open sites" not in printed


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([str(INSTANCES / "routing-small")], 3, "wrong-kind"),
        ([SITING, "--budget", "5"], 2, "--against cost"),
        ([SITING, "--points", "0"], 2, "0"),
        ([SITING, "-o", "x.txt"], 3, ".json, .csv, .html, .png"),
        ([str(INSTANCES / "siting-phases" / "phases.json"), "--engine", "nonsense"], 2, "nonsense"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["curve", *arguments]) == code
    assert words in capsys.readouterr().err


def test_costs_are_wanted_for_the_frontier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {
        "format": "dispatchopt",
        "version": 1,
        "kind": "siting",
        "parameters": {"max_sites": 1, "reach_m": 5},
        "customers": [{"id": "u"}],
        "sites": [{"id": "a"}],
        "coverage": [{"site": "a", "customer": "u"}],
    }
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document))
    assert run(["curve", str(path), "--against", "cost"]) == 3
    assert "costs of opening" in capsys.readouterr().err
