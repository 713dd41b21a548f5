"""Ctrl-C and SIGTERM at every stage of a plan, and what is written when time runs out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
