"""The program that runs the static sets: what it keeps, and what it makes of it."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
from benchmarks import static_instances, static_sets
from benchmarks.cpu_clock import CpuStop
from benchmarks.registry import Row
from benchmarks.static_instances import drawn
from benchmarks.static_sets import gap, load, one, summary, table

from dispatchopt.core.errors import MissingPackageError
from dispatchopt.reporting.plot import profile_png


def test_gaps_in_units_of_the_list_or_scaled_ones() -> None:
    row = {"objective": 1_100.0, "distance": 900.0, "scale": 10}
    assert gap("solomon", row, (100.0, 0)) == pytest.approx(0.1)
    assert gap("solomon", row, (1_000.0, 0)) == pytest.approx(0.1)
    assert gap("li-lim-100", row, (90.0, 0)) == pytest.approx(0)
    assert gap("solomon", {"scale": 10}, (100.0, 0)) is None


def test_what_is_kept_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A set of one instance, whose runs are made up."""
    kept, calls = tmp_path / "kept.jsonl", []
    monkeypatch.setattr(static_instances, "instances", lambda _: [tmp_path / "X1.txt"])
    monkeypatch.setattr(static_sets, "best_known", lambda _: {"X1": (100.0, 2)})

    def made_up(*given: object) -> dict[str, object]:
        calls.append(given[2])
        cost = {"ours": 1_010.0, "pyvrp": 1_040.0}[str(given[2])]
        return {"objective": cost, "routes": 2, "scale": 10, "cpu_s": 1.0}

    monkeypatch.setattr(static_sets, "_apart", made_up)
    words = ["static_sets", "--set", "solomon", "--seeds", "2", "--kept", str(kept)]
    for picture in ("a.png", "b.png"):
        monkeypatch.setattr(sys, "argv", [*words, "--plot", str(tmp_path / picture)])
        static_sets.main()
    assert calls == ["ours", "pyvrp"] * 2
    assert len(load(kept)) == 4
    said = capsys.readouterr().out
    assert "| set | method | runs | solved | mean gap % | closed % | ± | better | worse |" in said
    assert "| solomon | ours | 2 | 2 | 1.0 | 75.0 | 0.0 | 2 | 0 |" in said
    assert "| solomon | pyvrp | 2 | 2 | 4.0 |  |  |  |  |" in said
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_means_leave_out_what_found_nothing() -> None:
    rows: list[Row] = [
        {"set": "solomon", "method": "pyvrp", "gap": 0.02},
        {"set": "solomon", "method": "pyvrp", "gap": None},
    ]
    assert summary(rows)[0] == {
        "set": "solomon",
        "method": "pyvrp",
        "runs": 2,
        "solved": 1,
        "mean gap %": 2.0,
    }


def test_pairs_are_those_that_both_have_solved() -> None:
    rows: list[Row] = [
        {
            "set": "yang",
            "instance": name,
            "seed": 1,
            "method": method,
            "gap": gap,
            "objective": cost,
        }
        for name, method, gap, cost in (
            ("A", "ours", 0.01, 101),
            ("A", "pyvrp", 0.03, 103),
            ("B", "ours", 0.02, 102),
            ("B", "pyvrp", 0.02, 102),
            ("C", "ours", 0.5, 150),
            ("C", "pyvrp", None, None),
            ("D", "ours", 0.04, 104),
            ("D", "pyvrp", 0.02, 102),
        )
    ]
    line = summary(rows)[0]
    # Differences of -2, 0 and 2 points: their standard deviation is 2.
    assert line["±"] == pytest.approx(2 / math.sqrt(3), abs=1e-3)
    assert (line["better"], line["worse"]) == (1, 1)


def test_table_leaves_cells_empty() -> None:
    assert table([{"a": 1}, {"a": 2, "b": 3}]).splitlines() == [
        "| a | b |",
        "| --- | --- |",
        "| 1 |  |",
        "| 2 | 3 |",
    ]


def test_a_larger_sample_begins_with_the_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"solomon": [Path(f"S{n}") for n in range(9)], "yang": [Path("Y1"), Path("Y2")]}
    monkeypatch.setattr(static_instances, "instances", files.__getitem__)
    two, four = (drawn(["solomon", "yang"], sample=size) for size in (2, 4))
    assert [name for name, _ in two] == ["solomon", "yang"] * 2
    assert four[:4] == two
    assert [name for name, _ in four[4:]] == ["solomon"] * 2
    assert len(set(four)) == 6
    draws = {tuple(drawn(["solomon"], sample=3, draw=draw)) for draw in range(1, 9)}
    assert len(draws) > 1
    assert drawn(["yang", "solomon"], only=["Y2", "S3"]) == [
        ("yang", Path("Y2")),
        ("solomon", Path("S3")),
    ]


def test_profile_counts_runs_without_an_answer() -> None:
    try:
        picture = profile_png({"a": [1.0, 1.2], "b": [1.1, math.inf], "c": []}, label="cost")
    except MissingPackageError:
        pytest.skip("matplotlib is not installed")
    assert picture.startswith(b"\x89PNG")


def test_cpu_time_is_what_runs_out() -> None:
    clock = CpuStop(time_s=60.0).start()
    assert 59 < clock.time_left_s <= 60


@pytest.mark.data
def test_every_method_runs_a_real_instance() -> None:
    paths = [path for path in static_instances.instances("solomon") if path.stem == "C101"]
    if not paths:
        pytest.skip("Solomon's instances are not there")
    for method in ("ours", "pyvrp", "ortools", "unpolished"):
        row = one("solomon", paths[0], method, 1.0, 1)
        assert json.dumps(row)
        assert row["routes"] >= 10
