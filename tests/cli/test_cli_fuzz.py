"""Damaged documents through every command: an exit code and a message, never a traceback."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatchopt.cli.main import run
from dispatchopt.io.results import solution_kinds

INSTANCES = Path(__file__).parents[2] / "instances"
QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
EXTREMES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    10**400,
    1e308,
    "",
    "nan",
    "\x00",
    "ü" * 300,
    [],
    {},
    [[]],
)


@functools.cache
def document(kind: str) -> Any:
    """A small document of a kind as a single JSON."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document.json"
        assert run(["convert", str(INSTANCES / f"{kind}-small"), str(path), "-q"]) == 0
        return json.loads(path.read_text())


@functools.cache
def solution(kind: str) -> Any:
    """A solution of the small instance of a kind."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solution.json"
        given = str(INSTANCES / f"{kind}-small")
        assert run(["solve", given, "--iterations", "20", "-q", "-o", str(path)]) == 0
        return json.loads(path.read_text())


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value; of long lists the first and last entries."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, entry in value.items():
            found += places(entry, (*path, key))
    elif isinstance(value, list):
        for index in sorted({0, 1, len(value) - 1} & set(range(len(value)))):
            found += places(value[index], (*path, index))
    return found


def damage(value: Any, data: st.DataObject) -> str:
    """One to three changes somewhere in a valid document, or a cut in its text."""
    changed = copy.deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(changed)))
        holder = changed
        for step in path[:-1]:
            holder = holder[step]
        how = data.draw(st.sampled_from(["set", "set", "set", "drop", "double"]))
        if how == "set":
            holder[path[-1]] = data.draw(st.sampled_from(EXTREMES))
        elif how == "drop":
            del holder[path[-1]]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[path[-1]]))
        else:
            holder[f"{path[-1]}_"] = holder[path[-1]]
        if not changed:
            break
    text = json.dumps(changed)
    return text[: data.draw(st.sampled_from([len(text)] * 5 + [len(text) // 2]))]


def attempt(text: str, command: str, *rest: str) -> None:
    """Run a command on a damaged file; nothing may be left behind by a failure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in.json").write_text(text, encoding="utf-8")
        out, err = io.StringIO(), io.StringIO()
        arguments = [
            word.replace("IN", str(folder / "in.json")).replace("OUT", str(folder / "out"))
            for word in rest
        ]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run([command, *arguments])
        said = err.getvalue()
        assert code in {0, 2, 3, 4, 5, 6}, said
        assert "Traceback" not in said
        if code in {2, 3}:
            assert not out.getvalue()
            assert "rror" in said
            assert {each.name for each in folder.iterdir()} == {"in.json"}


@QUICK
@given(data=st.data(), kind=st.sampled_from(list(solution_kinds())))
def test_solve_survives(data: st.DataObject, kind: str) -> None:
    text = damage(document(kind), data)
    attempt(text, "solve", "IN", "--iterations", "5", "-o", "OUT.json")


@QUICK
@given(data=st.data())
def test_simulate_survives(data: st.DataObject) -> None:
    text = damage(document("day"), data)
    attempt(text, "simulate", "IN", "--policy", "nearest", "-q", "-o", "OUT.json")


@pytest.mark.slow
@QUICK
@given(data=st.data())
def test_plan_survives(data: st.DataObject) -> None:
    text = damage(document("city"), data)
    limits = ["--time-limit", "100000", "--iterations", "1", "--policy", "nearest"]
    attempt(text, "plan", "IN", *limits, "-q", "-o", "OUT")


@QUICK
@given(data=st.data(), kind=st.sampled_from(list(solution_kinds())))
def test_check_survives_damaged_solutions(data: st.DataObject, kind: str) -> None:
    text = damage(solution(kind), data)
    attempt(text, "check", str(INSTANCES / f"{kind}-small"), "IN", "-o", "OUT.json")


@QUICK
@given(
    data=st.data(),
    kind=st.sampled_from([*solution_kinds(), "day"]),
    ending=st.sampled_from([".json", "", ".xlsx"]),
)
def test_convert_survives(data: st.DataObject, kind: str, ending: str) -> None:
    attempt(damage(document(kind), data), "convert", "IN", f"OUT{ending}")


@QUICK
@given(data=st.data(), kind=st.sampled_from([*solution_kinds(), "day"]))
def test_render_survives(data: st.DataObject, kind: str) -> None:
    attempt(damage(document(kind), data), "render", "IN", "-o", "OUT.html")


@QUICK
@given(data=st.data())
def test_after_stream_survives_damaged_tables(data: st.DataObject) -> None:
    """Cells, rows and bytes of the table of what is left."""
    rows = [line.split(",") for line in (INSTANCES / "surge-left.csv").read_text().split("\n")[:9]]
    for _ in range(data.draw(st.integers(1, 3))):
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        at = data.draw(st.integers(0, len(row) - 1))
        new = data.draw(st.sampled_from([*map(str, EXTREMES), ";", '"', "1e3", "-0", "=1+1", " "]))
        row[at : at + data.draw(st.integers(0, 2))] = [new]
    text = "\r\n".join(map(",".join, rows))
    surge = str(INSTANCES / "surge-small")
    attempt(text, "after-stream", surge, "--stock", "IN", "-o", "OUT", "-q")
