"""Whatever is written is read back as it was, in every encoding."""

from __future__ import annotations

import dataclasses
import io as stdio
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import io
from dispatchopt.core.arrays import digest
from dispatchopt.testing.documents import MAKERS, make

ENCODINGS = {
    "folder": "made",
    "parquet": "made",
    "json": "made.json",
    "xlsx": "made.xlsx",
    "gpkg": "made.gpkg",
}


def fingerprint(instance: io.Instance) -> dict[str, str]:
    """Return digests of all that an instance holds; travel by its figures."""
    problem = instance.problem
    held: dict[str, Any] = {
        field.name: getattr(problem, field.name) for field in dataclasses.fields(problem)
    }
    if instance.kind == "day":
        every = np.arange(problem.travel.num_places)
        held["travel"] = problem.travel.block(every, every)
        held["slowdown"] = [problem.travel.slowdown(hour * 3600) for hour in range(24)]
    if instance.kind == "routing":
        held["travel"] = list(problem.travel)
    held |= {
        "instance.name": instance.name,
        "instance.source": instance.source,
        "instance.notes": instance.notes,
        "instance.known": (instance.known_objective, instance.known_bound),
        "instance.places": instance.places,
    }
    return {name: digest(value) for name, value in held.items()}


@pytest.mark.parametrize("encoding", ["folder", "json"])
@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_write_then_read(kind: str, encoding: str, seed: int) -> None:
    check_round_trip(kind, encoding, seed)


@pytest.mark.parametrize("encoding", ["parquet", "xlsx", "gpkg"])
@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_write_then_read_slow_encodings(kind: str, encoding: str, seed: int) -> None:
    check_round_trip(kind, encoding, seed)


def check_round_trip(kind: str, encoding: str, seed: int) -> None:
    instance = make(kind, seed)
    with TemporaryDirectory() as folder:
        path = Path(folder) / ENCODINGS[encoding]
        io.write(instance, path, encoding)
        again = io.read(path)
    expected, found = fingerprint(instance), fingerprint(again)
    if kind == "day":
        # Places of the problem also serve as places of the instance.
        expected.pop("instance.places")
        found.pop("instance.places")
    assert found == expected
    for table, names in instance.names.items():
        assert again.names[table] == names


@pytest.mark.parametrize("kind", MAKERS)
def test_known_values_and_notes_stay(kind: str, tmp_path: Path) -> None:
    instance = dataclasses.replace(
        make(kind, 5), known_objective=12.5, known_bound=12.0, source="mine", notes={"a": [1]}
    )
    io.write(instance, tmp_path / "x.json")
    again = io.read(tmp_path / "x.json")
    assert (again.known_objective, again.known_bound) == (12.5, 12.0)
    assert (again.source, dict(again.notes)) == ("mine", {"a": [1]})


def test_a_bare_problem_can_be_written(tmp_path: Path) -> None:
    problem = make("siting", 3).problem
    io.write(problem, tmp_path / "x")
    assert digest(io.read(tmp_path / "x").problem) == digest(problem)


def test_dumps_and_parse_are_inverse() -> None:
    instance = make("city", 7)
    assert fingerprint(io.parse(io.dumps(instance))) == fingerprint(instance)


def test_dash_is_stdin_and_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    instance = make("inventory", 1)
    io.write(instance, "-")
    text = capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stdio.BytesIO(text.encode())))
    assert fingerprint(io.read("-")) == fingerprint(instance)


def test_header_file_of_a_folder_stands_for_the_folder(tmp_path: Path) -> None:
    instance = make("city", 8)
    io.write(instance, tmp_path / "x")
    found = io.read(tmp_path / "x" / "dispatchopt.json")
    assert fingerprint(found) == fingerprint(instance)


def test_all_encodings_hold_the_same(tmp_path: Path) -> None:
    instance = make("day", 11)
    found = []
    for encoding, name in ENCODINGS.items():
        path = tmp_path / encoding
        path.mkdir()
        io.write(instance, path / name, encoding)
        found.append(fingerprint(io.read(path / name)))
    assert all(each == found[0] for each in found)
