"""Ctrl-C and SIGTERM at every stage of a plan, and what is written when time runs out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dispatchopt.cli.deadline import TimeIsUp
from dispatchopt.cli.main import run
from dispatchopt.reporting import files

#: Any store is good enough: the siting stage must not take long where another one is tested.
QUICK = ("--gap", "9")
Interrupted = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="signals as Linux has them")


def generated(path: Path, *sizes: str) -> Path:
    options = [word for size in sizes for word in ("--set", size)]
    assert run(["generate", "city", *options, "-q", "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city whose stages all take their time."""
    path = tmp_path_factory.mktemp("town") / "town.json"
    return generated(path, "customers=500", "sites=12", "orders=3000", "skus=300", "nodes=800")


@pytest.mark.parametrize(
    ("stage", "left_out"),
    [
        ("siting: choosing", {"curve", "stock", "day"}),
        ("curve: coverage", {"stock", "day"}),
        ("stock: stock levels", {"day"}),
        ("day: replaying", set()),
    ],
)
def test_an_interrupted_plan_keeps_the_stages_so_far(
    town: Path, tmp_path: Path, interrupted: Interrupted, stage: str, left_out: set[str]
) -> None:
    folder = tmp_path / "plan"
    # Services send SIGTERM where people press Ctrl-C.
    wish = signal.SIGTERM if stage.startswith("curve") else signal.SIGINT
    done = interrupted(["plan", str(town), *QUICK, "-o", str(folder)], stage, wish=wish)
    assert done.returncode == 130, done.stderr
    assert "best answer so far is kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "report.html").read_text().rstrip().endswith("</html>")
    figures = json.loads((folder / "figures.json").read_text())
    assert figures["stopped_by"] == "cancelled"
    # Even the first answer is better than no store; which one it is, is for the machine to say.
    assert figures["siting"]["covered_share"] > 0.3
    late = {each["name"] for each in figures["stages"] if "time was over" in each["note"]}
    assert late == left_out
    assert (figures["day"] is None) == ("day" in left_out)
    assert {each.name for each in tmp_path.iterdir()} == {"plan"}


def test_ctrl_c_before_there_is_anything_writes_nothing(
    town: Path, tmp_path: Path, interrupted: Interrupted
) -> None:
    done = interrupted(
        ["plan", str(town), *QUICK, "-o", str(tmp_path / "plan")], "coverage: measuring"
    )
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_second_ctrl_c_gives_up(town: Path, tmp_path: Path, interrupted: Interrupted) -> None:
    folder = tmp_path / "plan"
    done = interrupted(["plan", str(town), *QUICK, "-o", str(folder)], "day: replaying", 2)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert {each.name for each in tmp_path.iterdir()} <= {"plan"}


def test_what_is_made_in_time_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files of a plan are whole or not there, and none is left of an older plan."""
    sizes = ("customers=60", "sites=8", "orders=20", "skus=5", "nodes=200", "couriers=3")
    city, folder = generated(tmp_path / "city.json", *sizes), tmp_path / "plan"
    quick = ["plan", str(city), "-o", str(folder), "--overwrite"]
    assert run([*quick, "--sites", "5"]) == 0
    assert (folder / "report.html").exists()
    make = files.each_plan_file

    def too_slow(*given: Any, **options: Any) -> Iterator[tuple[str, str | bytes]]:
        for name, content in make(*given, **options):
            if name == "report.html":
                raise TimeIsUp
            yield name, content

    monkeypatch.setattr(files, "each_plan_file", too_slow)
    assert run([*quick, "--sites", "1"]) == 0
    said = capsys.readouterr().err
    assert "time was over after figures.json, siting.json, stores.geojson" in said
    assert "report:" not in said.splitlines()[-1]
    left = {each.name for each in folder.iterdir()}
    assert left == {"figures.json", "siting.json", "stores.geojson"}
    assert json.loads((folder / "figures.json").read_text())["siting"]["open_sites"] == 1


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A routing file of the field on which PyVRP works for as long as it may."""
    places = np.random.default_rng(3).integers(0, 1000, size=(200, 2)).tolist()
    lines = ["NAME : rounds", "TYPE : CVRP", "DIMENSION : 200", "EDGE_WEIGHT_TYPE : EUC_2D"]
    lines += ["CAPACITY : 50", "NODE_COORD_SECTION"]
    lines += [f"{node} {x} {y}" for node, (x, y) in enumerate(places, start=1)]
    lines += ["DEMAND_SECTION", "1 0", *(f"{node} {node % 9 + 1}" for node in range(2, 201))]
    lines += ["DEPOT_SECTION", "1", "-1", "EOF"]
    path = tmp_path_factory.mktemp("rounds") / "rounds.vrp"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("wish", [signal.SIGINT, signal.SIGTERM])
def test_pyvrp_is_interrupted_with_its_best(
    rounds: Path, tmp_path: Path, interrupted: Interrupted, wish: int
) -> None:
    target = tmp_path / "best.json"
    # The bound comes first; a number in place of None is the cost of PyVRP's first routes.
    solve = ["solve", str(rounds), "--engine", "pyvrp", "-o", str(target)]
    done = interrupted(solve, r"seed 1: objective \d", wish=wish)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    held = json.loads(target.read_text())
    assert held["stopped_by"] == "cancelled"
    assert run(["check", str(rounds), str(target), "-q"]) == 0


def test_pyvrp_keeps_a_time_limit(rounds: Path, tmp_path: Path) -> None:
    target = tmp_path / "best.json"
    solve = ["solve", str(rounds), "--engine", "pyvrp", "--time-limit", "4", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "dispatchopt", *solve, "-o", str(target)], check=False, timeout=60
    )
    # A machine that is busy may need the whole time to get as far as a first answer.
    assert done.returncode in (0, 5)
    if done.returncode == 0:
        assert json.loads(target.read_text())["stopped_by"] == "time"
    elif target.exists():
        # An engine that ended in time without an answer says what it knows, one cut off nothing.
        assert json.loads(target.read_text())["decisions"] is None
