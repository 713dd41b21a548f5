"""Options of readers reach them from every command that reads, and typos are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatchopt.cli.main import run

VRP = """NAME : two
TYPE : CVRP
DIMENSION : 3
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 9
NODE_COORD_SECTION
1 0 0
2 0 1.4
3 1.3 0
DEMAND_SECTION
1 0
2 3
3 3
DEPOT_SECTION
1
-1
EOF
"""


def test_solve_and_check_take_options_of_the_reader(tmp_path: Path) -> None:
    """The trip is 1.4 + 1.91 + 1.3: 1 + 2 + 1 in rounded units, more in tenths cut off."""
    source, target = tmp_path / "two.vrp", tmp_path / "two.json"
    source.write_text(VRP)
    found = []
    for rounding in ("round", "dimacs"):
        given = [str(source), "--set", f"rounding={rounding}"]
        limits = ["--iterations", "20", "--overwrite", "-q"]
        assert run(["solve", *given, *limits, "-o", str(target)]) == 0
        assert run(["check", str(source), str(target), *given[1:], "-q"]) == 0
        found.append(json.loads(target.read_text())["objective"])
    assert found == [4, 46]


POINTS = """lon,lat,demand
0.00,0,3
0.01,0,4
0.05,0,5
"""


@pytest.mark.parametrize("command", ["explain", "render"])
def test_what_was_solved_with_options_is_read_with_them_again(tmp_path: Path, command: str) -> None:
    source, target = tmp_path / "three.csv", tmp_path / "three.json"
    source.write_text(POINTS)
    given = [str(source), "--set", "kind=siting", "--set", "max_sites=1"]
    assert run(["solve", *given, "-q", "-o", str(target)]) == 0
    ending = ".html" if command == "render" else ".json"
    asked = [command, str(source), str(target), "-o", str(tmp_path / f"made{ending}"), "-q"]
    assert run(asked) == 3, "another document: a city"
    assert run([*asked, *given[1:]]) == 0


@pytest.mark.parametrize("command", ["solve", "check"])
def test_an_unknown_option_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    source = tmp_path / "two.vrp"
    source.write_text(VRP)
    more = [str(source)] if command == "check" else []
    assert run([command, str(source), *more, "--set", "roundin=round"]) == 3
    assert "roundin" in capsys.readouterr().err


def test_a_typo_in_an_option_of_the_generator_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "city.json"
    assert run(["generate", "city", "--set", "custmers=5", "-o", str(target)]) == 3
    assert "did you mean 'customers'?" in capsys.readouterr().err
    assert not target.exists()
