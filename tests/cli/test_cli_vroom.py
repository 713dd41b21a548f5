"""VROOM's command line: its inputs, its output, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dispatchopt.cli.main import cli

GIVEN: dict[str, Any] = {
    "vehicles": [{"id": 7, "start_index": 0, "end_index": 0, "capacity": [2]}],
    "jobs": [
        {"id": 1, "location_index": 1, "delivery": [1], "service": 5},
        {"id": 2, "location_index": 2, "delivery": [2]},
        {"id": 3, "location_index": 2, "delivery": [1]},
    ],
    "matrices": {"car": {"durations": [[0, 10, 20], [10, 0, 10], [20, 10, 0]]}},
}


def vroom(*words: str, text: str | None = None) -> tuple[int, Any]:
    """Return exit code and output."""
    result = CliRunner().invoke(cli, ["vroom", *words], input=text, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, json.loads(result.stdout) if result.stdout else None


def test_stdin_argument_and_file_say_the_same(tmp_path: Path) -> None:
    text = json.dumps(GIVEN)
    (tmp_path / "given.json").write_text(text)
    answers = [
        vroom("-x", "0", text=text),
        vroom("-x", "0", text),
        vroom("-x", "0", "-t", "4", "-i", str(tmp_path / "given.json")),
    ]
    for code, answer in answers:
        assert code == answer["code"] == 0
        assert answer["summary"]["cost"] == 40
        assert [each["id"] for each in answer["unassigned"]] == [2]
        assert answer["routes"][0]["vehicle"] == 7
        assert {"loading", "solving", "routing"} == set(answer["summary"]["computing_times"])


def test_output_file(tmp_path: Path) -> None:
    made = tmp_path / "made.json"
    assert vroom("-x", "0", "-o", str(made), text=json.dumps(GIVEN)) == (0, None)
    assert json.loads(made.read_text())["code"] == 0


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        ((), "{", "JSON"),
        ((), json.dumps(GIVEN | {"jobs": []}), "no jobs"),
        ((), json.dumps(GIVEN | {"vehicles": [{"id": 1, "start_index": 9}]}), "start_index"),
        (("-g",), json.dumps(GIVEN), "-g is not supported"),
        (("-c",), json.dumps(GIVEN), "-c is not supported"),
        (("-i", "nowhere.json"), None, "nowhere.json"),
        (("--engine", "colgen"), json.dumps(GIVEN), "colgen"),
    ],
)
def test_bad_input_is_code_2(words: tuple[str, ...], text: str | None, said: str) -> None:
    code, answer = vroom(*words, text=text)
    assert code == answer["code"] == 2
    assert said in answer["error"]


def test_a_limit_ends_it() -> None:
    code, answer = vroom("-l", "0.5", text=json.dumps(GIVEN))
    assert code == 0
    assert answer["summary"]["unassigned"] == 1
