"""Benchmarks: the smallest size of every suite, against the stored objectives."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dispatchopt.cli.main import run

ROOT = Path(__file__).parents[2]
BENCH = (sys.executable, "-m", "dispatchopt", "bench")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BENCH, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )


@pytest.mark.slow
def test_no_objective_is_worse_than_the_baseline(tmp_path: Path) -> None:
    result = tmp_path / "now.json"
    baseline = ROOT / "benchmarks" / "baseline.json"
    done = bench("--format", "json", "-o", str(result), "--check", str(baseline))
    assert done.returncode == 0, done.stderr
    before = {
        (row["suite"], row["case"], row["method"]) for row in json.loads(baseline.read_text())
    }
    rows = json.loads(result.read_text())
    now = {(row["suite"], row["case"], row["method"]) for row in rows}
    assert before <= now, "a row of the baseline is missing: run benchmarks/renew.py"
    files = {path.stem for path in (ROOT / "benchmarks" / "suites").glob("[a-z]*.py")}
    assert len({row["suite"] for row in rows}) == len(files)


def test_a_worse_objective_is_told_and_an_earlier_result_shown(tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.json"
    done = bench("geography", "--format", "json", "-q")
    rows = json.loads(done.stdout)
    for row in rows:
        if row.get("objective") is not None:
            row["objective"] -= 1000
    earlier.write_text(json.dumps(rows))
    done = bench(
        "geography", "--format", "json", "--compare", str(earlier), "--check", str(earlier)
    )
    assert done.returncode == 6
    assert "worse: geography" in done.stderr
    assert any("earlier_objective" in row for row in json.loads(done.stdout))


def test_unknown_suites_and_sizes_are_usage_errors() -> None:
    assert "there is no suite 'nothing'" in bench("nothing").stderr
    assert "has the sizes" in bench("siting", "--size", "vast").stderr


def test_outside_a_checkout_the_folder_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["bench"]) == 2
    assert "--suites" in capsys.readouterr().err
