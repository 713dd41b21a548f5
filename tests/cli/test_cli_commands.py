"""Every command end to end on small instances: good input, bad input, pipes and targets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatchopt.cli.common import kind_names
from dispatchopt.cli.main import run
from dispatchopt.io.results import solution_kinds

ROOT = Path(__file__).parents[2]
INSTANCES = ROOT / "instances"
SOLVABLE = tuple(solution_kinds())
KINDS = tuple(kind_names())


def shipped(kind: str) -> str:
    return str(INSTANCES / f"{kind}-small")


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, hidden ones too, so that what is left behind is seen."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a solution of each kind."""
    folder = tmp_path_factory.mktemp("solved")
    for kind in SOLVABLE:
        assert run(["solve", shipped(kind), "-q", "-o", str(folder / f"{kind}.json")]) == 0
    return folder


@pytest.mark.parametrize("kind", ["siting", "routing", "sourcing"])
def test_a_solution_is_confirmed_and_drawn(solved: Path, tmp_path: Path, kind: str) -> None:
    solution = str(solved / f"{kind}.json")
    verdict = tmp_path / "verdict.json"
    assert run(["check", shipped(kind), solution, "-o", str(verdict)]) == 0
    assert json.loads(verdict.read_text())["violations"] == []
    for ending, start in ((".html", b"<!"), (".geojson", b"{"), (".gpkg", b"SQLite")):
        target = tmp_path / f"map{ending}"
        assert run(["render", shipped(kind), solution, "-q", "-o", str(target)]) == 0
        assert target.read_bytes().lstrip()[:6].startswith(start)


@pytest.mark.parametrize("kind", SOLVABLE)
@pytest.mark.parametrize("form", ["table", "json", "csv", "geojson"])
def test_solve_prints_every_format(
    capsys: pytest.CaptureFixture[str], kind: str, form: str
) -> None:
    assert run(["solve", shipped(kind), "--iterations", "20", "--format", form]) == 0
    seen = capsys.readouterr()
    assert not seen.err
    if form in {"json", "geojson"}:
        assert isinstance(json.loads(seen.out), dict)
    elif form == "csv":
        lines = seen.out.splitlines()
        assert len(lines) > 1
        assert len({line.count(",") for line in lines}) == 1
    else:
        assert "objective" in seen.out


@pytest.mark.parametrize("ending", [".json", ".csv", ".geojson", ".html"])
def test_a_replayed_day_is_written_in_every_form(tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"log{ending}"
    arguments = ["simulate", shipped("day"), "--policy", "nearest", "-q", "-o", str(target)]
    assert run(arguments) == 0
    assert target.stat().st_size > 1000
    assert run(arguments) == 3
    assert run([*arguments, "--overwrite"]) == 0


@pytest.mark.parametrize("form", ["json", "csv", "geojson", "table"])
def test_a_replayed_day_is_printed_in_every_form(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert run(["simulate", shipped("day"), "--policy", "nearest", "--format", form]) == 0
    out = capsys.readouterr().out
    assert {"json": "{", "geojson": "{"}.get(form, "") == out[: form in {"json", "geojson"}]
    assert len(out) > 200


def test_documents_and_solutions_flow_through_pipes(tmp_path: Path) -> None:
    def piped(text: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "dispatchopt", *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    document = piped("", "generate", "siting", "-o", "-", "-q")
    assert piped(document, "convert", "-", "-", "-q") == document
    solution = piped(document, "solve", "-", "-o", "-", "-q")
    (tmp_path / "instance.json").write_text(document)
    said = piped(solution, "check", str(tmp_path / "instance.json"), "-")
    assert "All rules are kept" in said


def test_standard_input_is_read_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "-", "-"]) == 2
    assert "standard input" in capsys.readouterr().err


def test_a_plan_is_written_and_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "plan"
    arguments = ["plan", shipped("city"), "--iterations", "5", "--policy", "nearest"]
    assert run([*arguments, "--format", "json", "-o", str(folder)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert json.loads((folder / "figures.json").read_text())["siting"] == figures["siting"]
    assert {"report.html", "siting.json", "stock.csv", "orders.csv"} <= set(content(folder))
    (folder / "note.txt").write_text("mine")
    assert run([*arguments, "-q", "-o", str(folder)]) == 3
    assert run([*arguments, "-q", "-o", str(folder), "--overwrite"]) == 0
    assert (folder / "note.txt").read_text() == "mine"
    assert run([*arguments, "-o", str(folder / "note.txt"), "--overwrite"]) == 2
    assert run([*arguments, "-o", "-"]) == 2


def _truncated(folder: Path) -> list[str]:
    (folder / "cut.json").write_text('{"format": "dispatchopt", "version": 1')
    return [str(folder / "cut.json")]


BAD: dict[str, Callable[[Path], list[str]]] = {
    "missing": lambda folder: [str(folder / "nowhere.json")],
    "truncated": _truncated,
    "empty folder": lambda folder: [str(folder)],
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["solve", "plan", "simulate", "convert", "render"])
def test_bad_documents_end_with_one_readable_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    (tmp_path / "in").mkdir()
    given = BAD[name](tmp_path / "in")
    target = tmp_path / "out.json"
    target.write_text("before")
    if command == "plan":
        target = tmp_path / "out"
    elif command == "render":
        target = tmp_path / "out.html"
    target_arguments = [str(target)] if command == "convert" else ["-o", str(target)]
    before = content(tmp_path)
    assert run([command, *given, *target_arguments, "--overwrite"]) == 3
    seen = capsys.readouterr()
    assert not seen.out
    assert seen.err.count("error:") == 1
    assert "Traceback" not in seen.err
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("command", "kind", "hint"),
    [
        ("solve", "day", "`dispatchopt simulate` replays a day"),
        ("solve", "city", "`dispatchopt plan` plans a city"),
        ("plan", "day", "simulate"),
        ("simulate", "siting", "a day"),
    ],
)
def test_a_document_of_another_kind_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, kind: str, hint: str
) -> None:
    code = run([command, shipped(kind), "-o", str(tmp_path / "out")])
    seen = capsys.readouterr()
    assert code in {2, 3}
    assert hint in seen.err
    assert not seen.out
    assert not content(tmp_path)


@pytest.mark.parametrize(
    ("command", "target", "message"),
    [
        ("solve", "out.xlsx", "an ending .json, .csv, .geojson, .gpkg"),
        ("solve", "none/out.json", "no such folder"),
        ("simulate", "out.png", "an ending .json, .csv, .geojson, .html"),
        ("render", "out.pdf", "an ending .html, .png, .geojson, .gpkg"),
        ("generate", "out.doc", "the ending"),
        ("plan", "none/out", "no such folder"),
    ],
)
def test_a_target_is_refused_before_the_work(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    target: str,
    message: str,
) -> None:
    # The input does not exist either: what is said must be about the target.
    given = "siting" if command == "generate" else str(tmp_path / "nowhere.json")
    assert run([command, given, "-o", str(tmp_path / target)]) == 3
    assert message in capsys.readouterr().err
    assert not content(tmp_path)


@pytest.mark.parametrize("kind", SOLVABLE)
def test_a_solution_of_another_instance_is_refused(
    solved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    other = tmp_path / "other.json"
    assert run(["generate", kind, "--seed", "9", "-q", "-o", str(other)]) == 0
    assert run(["check", str(other), str(solved / f"{kind}.json")]) == 3
    assert "wrong-digest" in capsys.readouterr().err


@pytest.mark.parametrize("kind", SOLVABLE)
def test_a_false_claim_fails_the_check(solved: Path, tmp_path: Path, kind: str) -> None:
    held = json.loads((solved / f"{kind}.json").read_text())
    held["objective"] -= 1
    changed = tmp_path / "claim.json"
    changed.write_text(json.dumps(held))
    assert run(["check", shipped(kind), str(changed), "-q"]) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_documents_convert_there_and_back(tmp_path: Path, kind: str) -> None:
    first, table, last = (tmp_path / name for name in ("a.json", "folder", "b.json"))
    for source, target in ((Path(shipped(kind)), first), (first, table), (table, last)):
        assert run(["convert", str(source), str(target), "-q"]) == 0
    assert json.loads(first.read_text()) == json.loads(last.read_text())
    before = first.read_bytes()
    assert run(["convert", shipped("siting"), str(first), "-q"]) == 3
    assert first.read_bytes() == before


def test_the_reference_is_current() -> None:
    # In a process of its own: click keeps a command's help option as it was first asked for.
    made = subprocess.run(
        [sys.executable, "-m", "dispatchopt.cli.reference"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    held = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert held == made, "run: python -m dispatchopt.cli.reference > docs/cli.md"
