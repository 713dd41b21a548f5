"""The commands ``dispatch`` and ``whatif``, and days in epochs, end to end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dispatchopt.cli.main import cli

DAY = str(Path(__file__).parents[2] / "instances" / "day-small")


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args), standalone_mode=False)


def test_dispatch_decides_on_a_saved_state_as_before(tmp_path: Path) -> None:
    state, first, then = (tmp_path / name for name in ("state.json", "a.json", "b.json"))
    found = run("dispatch", DAY, "--at", "72000", "--save-state", str(state), "-o", str(first))
    assert found.exit_code == 0, found.output
    assert run("dispatch", str(state), "-o", str(then), "-q").exit_code == 0
    answers = [json.loads(path.read_text()) for path in (first, then)]
    for answer in answers:
        assert answer["format"] == "dispatchopt-decisions"
        del answer["elapsed_s"]
    assert answers[0] == answers[1]
    assert answers[0]["quotes"]
    shown = run("dispatch", str(state), "--format", "json", "--no-quotes", "--budget", "2")
    assert json.loads(shown.output)["quotes"] == []
    assert "quotes in time" in run("dispatch", str(state)).output


def test_dispatch_refuses_what_is_no_state(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"format": "dispatchopt", "version": 1}')
    for day in (str(path), DAY):
        found = run("dispatch", day)
        assert "wrong-format" in str(found.exception)
        assert "--at SECOND" in str(found.exception)
    path.write_text('{"format": "dispatchopt-state", "version": 1}')
    found = run("dispatch", str(path), "--at", "0")
    assert "without --at" in str(found.exception)
    found = run("dispatch", DAY, "--at", "999999")
    assert "last decision" in str(found.exception)


@pytest.mark.parametrize("ending", ["json", "csv", "png"])
def test_whatif_writes_what_its_ending_says(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out.{ending}"
    how = ["--policy", "nearest", "--days", "1", "--grid", "25", "--as-it-was"]
    found = run("whatif", "promise", DAY, *how, "-o", str(path), "--format", "json")
    assert found.exit_code == 0, found.output
    value = json.loads(found.output)
    assert value["question"] == "promise"
    assert [row["value"] for row in value["variants"]] == [30, 25]
    data = path.read_bytes()
    head = {"json": b"{", "csv": b"variant,", "png": b"\x89PNG"}[ending]
    assert data.startswith(head)


def test_whatif_compares_policies() -> None:
    found = run(
        "whatif", "compare", DAY, "--against", "nearest", "--policy", "nearest", "--days", "1"
    )
    assert found.exit_code == 0, found.output
    assert "two days give an interval" in found.output


@pytest.mark.parametrize(
    "args",
    [
        ("compare", DAY),
        ("surge", DAY, "--against", "nearest"),
        ("surge", DAY, "--grid", "1,x"),
    ],
)
def test_whatif_refuses_what_does_not_fit(args: tuple[str, ...]) -> None:
    assert "wants" in str(run("whatif", *args).exception)


def test_simulate_replays_a_static_problem_in_epochs(tmp_path: Path) -> None:
    lines = ["NAME : tiny", "TYPE : VRPTW", "DIMENSION : 5", "EDGE_WEIGHT_TYPE : EXPLICIT"]
    lines += ["EDGE_WEIGHT_FORMAT : FULL_MATRIX", "CAPACITY : 9", "VEHICLES : 4"]
    ways = [[abs(i - j) * 100 for j in range(5)] for i in range(5)]
    lines += ["EDGE_WEIGHT_SECTION", *(" ".join(map(str, row)) for row in ways)]
    lines += ["DEMAND_SECTION", "1 0", *(f"{i} 2" for i in range(2, 6))]
    lines += ["DEPOT_SECTION", "1", "-1", "SERVICE_TIME_SECTION", "1 0"]
    lines += [f"{i} 60" for i in range(2, 6)]
    lines += ["TIME_WINDOW_SECTION", "1 0 30000"]
    lines += [f"{i} {3600 * i} {3600 * i + 5000}" for i in range(2, 6)]
    path, out = tmp_path / "tiny.txt", tmp_path / "out.json"
    path.write_text("\n".join([*lines, "EOF", ""]))
    how = ["--budget", "0.05", "--seed", "3"]
    found = run("simulate", str(path), "--policy", "greedy", *how, "-o", str(out))
    assert found.exit_code == 0, found.output
    assert "s of driving" in found.output
    value = json.loads(out.read_text())
    assert sum(len(wave) for wave in value["routes_by_epoch"]) == value["routes"]
    assert "written as .json" in str(
        run("simulate", str(path), *how, "--format", "geojson").exception
    )
