"""The command line's frame: quick help, configuration, exit codes, interruption."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import click
import pytest

from dispatchopt.cli import common, deadline
from dispatchopt.cli.main import COMMANDS, run
from dispatchopt.core import DispatchOptError, InputError, Issue, UnsupportedError

HEAVY = (
    "numpy",
    "scipy",
    "pandas",
    "geopandas",
    "ortools",
    "pulp",
    "highspy",
    "pyvrp",
    "pydantic",
    "networkx",
    "shapely",
    "numba",
    "rich",
    "matplotlib",
)


@pytest.mark.parametrize("args", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    code = (
        "import sys\n"
        "from dispatchopt.cli.main import run\n"
        f"assert run({[*args, '--help']!r}) == 0\n"
        f"loaded = sorted(set({HEAVY!r}) & set(sys.modules))\n"
        "sys.exit(f'imported for --help: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_a_misspelt_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sovle"]) == 2
    assert "Did you mean 'solve'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "option"),
    [("solve", "--time-limit"), ("solve", "--gap"), ("plan", "--share"), ("plan", "--promise"),
     ("simulate", "--order-cost"), ("whatif promise", "--time-limit")],
)  # fmt: skip
def test_what_is_no_number_is_no_limit(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command.split(), "somewhere", option, "nan"]) == 2
    said = capsys.readouterr().err
    assert option in said
    assert "not a number" in said


def test_version_names_the_solvers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    words = capsys.readouterr().out.split()
    assert {"dispatchopt", "highspy", "pyvrp", "pulp"} <= set(words)


def test_engines_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["engines", "--format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "domain,name,about,solvers"
    assert {"siting", "inventory", "sourcing", "routing", "dispatch"} <= {
        line.split(",")[0] for line in lines[1:]
    }
    waves = {line.split(",")[1] for line in lines[1:] if line.startswith("epochs,")}
    assert waves >= {"consensus", "greedy", "lazy", "patient"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[solve", "config.toml"),
        ("[sovle]\nseed = 1", "is not a table for a command"),
        ("[solve]\nsede = 1", "has no option 'sede'"),
        ("solve = 1", "is not a table for a command"),
    ],
)
def test_a_bad_configuration_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    assert run(["--config", str(path), "engines"]) == 2
    assert message in capsys.readouterr().err


def test_configuration_yields_to_environment_and_flags(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dispatchopt.toml").write_text('[engines]\nformat_ = "csv"\n')
    assert run(["engines"]) == 0
    assert capsys.readouterr().out.startswith("domain,")
    monkeypatch.setenv("DISPATCHOPT_ENGINES_FORMAT_", "json")
    assert run(["engines"]) == 0
    assert capsys.readouterr().out.startswith("[")
    assert run(["engines", "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("domain,")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError(Issue(code="bad", where="x", found="y", wanted="z")), 3),
        (UnsupportedError("no"), 2),
        (DispatchOptError("failed"), 1),
        (FileNotFoundError(2, "No such file", "nowhere.csv"), 1),
        (MemoryError(), 1),
        (ZeroDivisionError("division"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (deadline.TimeIsUp(), 5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_become_exit_codes_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    def fail(**_options: object) -> None:
        raise error

    monkeypatch.setattr("dispatchopt.cli.engines.command.callback", fail)
    assert run(["engines"]) == code
    seen = capsys.readouterr()
    assert not seen.out
    assert seen.err
    assert "Traceback" not in seen.err


def test_the_first_ctrl_c_asks_and_the_second_ends() -> None:
    # Jobs in the background of a shell are started with Ctrl-C ignored.
    before = signal.getsignal(signal.SIGINT)
    with common.cancel_on_interrupt(quiet=True) as cancel:
        signal.raise_signal(signal.SIGINT)
        assert cancel.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_the_main_thread_ctrl_c_is_left_alone() -> None:
    seen: list[bool] = []

    def work() -> None:
        with common.cancel_on_interrupt() as cancel, deadline.alarm(1.0) as call_off:
            call_off()
            seen.append(cancel.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


def test_the_alarm_ends_work_that_has_nothing_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "STARTED", time.perf_counter() - 10)

    def work_for_ever() -> None:
        with deadline.alarm(5):
            while True:
                pass

    with pytest.raises(deadline.TimeIsUp):
        work_for_ever()


def test_the_alarm_can_be_called_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "STARTED", time.perf_counter())
    with deadline.alarm(1000) as call_off:
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
        call_off()
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    with deadline.alarm(None) as call_off:
        call_off()


@pytest.mark.parametrize(
    ("status", "stopped_by", "code"),
    [
        ("optimal", "completed", 0),
        ("feasible", "time", 0),
        ("infeasible", "completed", 4),
        ("unknown", "time", 5),
        ("feasible", "cancelled", 130),
    ],
)
def test_exit_codes_of_results(status: str, stopped_by: str, code: int) -> None:
    assert common.exit_code(status, stopped_by) == code


def test_a_time_limit_counts_from_the_start_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "STARTED", time.perf_counter() - 100)
    with common.cancel_on_interrupt(quiet=True) as cancel:
        left = common.make_stop(cancel, 103.0).time_s
        assert left is not None
        assert 1 < left < 3
        assert common.make_stop(cancel, 1.0).time_s == 0.001
        assert common.make_stop(cancel).time_s is None


def test_rows_are_printed_three_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[dict[str, Any]] = [
        {"case": "a", "seconds": 1.5},
        {"case": "b", "seconds": None, "gap": float("nan")},
    ]
    common.emit_rows(rows, "json", None, False)
    assert '"gap": null' in capsys.readouterr().out
    common.emit_rows(rows, "table", None, False)
    assert "seconds" in capsys.readouterr().out
    common.emit_rows(rows, "table", tmp_path / "rows.csv", False)
    assert (tmp_path / "rows.csv").read_text() == "case,seconds,gap\na,1.5,\nb,,nan\n"


def test_key_values() -> None:
    assert common.key_values(("merge-m=250", "a=b=c")) == {"merge_m": "250", "a": "b=c"}
    with pytest.raises(click.UsageError, match="KEY=VALUE"):
        common.key_values(("merge",))
