"""Errors, arrays, digests, seeds, tolerances and the scan for plug-ins."""

from __future__ import annotations

import enum
import math
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatchopt.core import (
    Cancel,
    InputError,
    Issue,
    MissingPackageError,
    Violation,
    plugins,
    seeds,
)
from dispatchopt.core.arrays import digest, frozen
from dispatchopt.core.errors import DispatchOptError
from dispatchopt.core.tolerance import bound_crosses, bound_meets, relative_gap, same_cost

ISSUE = Issue(code="bad", where="a.csv row 2", found="'x'", wanted="a number", hint="try 1")


def test_an_input_error_lists_every_issue() -> None:
    error = InputError([ISSUE, ISSUE])
    assert str(error).splitlines()[0] == "2 problems in the input"
    assert str(error).count("a.csv row 2: found 'x'; wanted a number [bad]") == 2
    assert "hint: try 1" in str(error)
    assert str(InputError(ISSUE)).startswith("1 problem")
    with pytest.raises(ValueError, match="at least one"):
        InputError([])


def test_errors_survive_pickling() -> None:
    assert pickle.loads(pickle.dumps(InputError([ISSUE]))).issues == (ISSUE,)
    missing = pickle.loads(pickle.dumps(MissingPackageError("prcoords", "china")))
    assert (missing.package, missing.extra) == ("prcoords", "china")
    assert "dispatchopt[china]" in str(missing)


def test_frozen_arrays_do_not_share_memory_with_the_caller() -> None:
    mine = np.array([1, 2, 3])
    held = frozen(mine, np.int64)
    mine[0] = 9
    assert held.tolist() == [1, 2, 3]
    assert not held.flags.writeable
    assert frozen(held, np.int64) is held
    assert frozen(7, np.int64).shape == ()


@pytest.mark.parametrize("bad", [[1.5], [math.nan], [math.inf], [2.0**63], [-(2.0**63) * 2]])
def test_integers_are_not_made_from_anything_else(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        frozen(bad, np.int64)
    with pytest.raises(ValueError, match="too large"):
        frozen(np.array([2**63], dtype=np.uint64), np.int64)


class Colour(enum.StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    array: Any
    mapping: Any = None


def test_digest_sees_content_only() -> None:
    one = Thing(np.arange(3), {"b": Colour.RED, "a": {3, 1}})
    same = Thing(np.arange(3), {"a": {1, 3}, "b": Colour.RED})
    assert digest(one) == digest(same)
    others = [
        Thing(np.arange(4), one.mapping),
        Thing(np.arange(3.0), one.mapping),
        Thing(np.arange(3), None),
        Thing([0, 1, 2], one.mapping),
        Thing(np.array(["a"], dtype=object)),
        Thing((1,)),
    ]
    assert len({digest(thing) for thing in [one, *others]}) == len(others) + 1


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False)))
def test_digest_ignores_the_order_of_keys(mapping: dict[str, Any]) -> None:
    assert digest(mapping) == digest(dict(reversed(mapping.items())))


def test_digest_is_the_same_in_every_process() -> None:
    code = "from dispatchopt.core.arrays import digest; print(digest({'a': {'x', 'y', 'z'}}))"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_streams_are_independent_of_each_other() -> None:
    first = seeds.stream(7, "demand").integers(1 << 62, size=4)
    assert (first == seeds.stream(7, "demand").integers(1 << 62, size=4)).all()
    for other in (
        seeds.stream(7, "travel"),
        seeds.stream(8, "demand"),
        seeds.stream(7, "demand", "x"),
    ):
        assert (first != other.integers(1 << 62, size=4)).any()


def test_tolerances() -> None:
    assert same_cost(1e9, 1e9 + 0.5)
    assert not same_cost(100, 101)
    assert bound_meets(99.99999, 100)
    assert not bound_meets(99, 100)
    assert bound_crosses(101, 100)
    assert not bound_crosses(100.00001, 100)
    assert relative_gap(100, 90) == pytest.approx(0.1)
    assert relative_gap(100, 101) == 0
    assert relative_gap(0, -1) == math.inf


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_a_gap_is_never_negative_or_nan(objective: float, bound: float) -> None:
    assert relative_gap(objective, bound) >= 0


def test_cancel_is_a_flag() -> None:
    cancel = Cancel()
    assert not cancel.is_set()
    cancel.set()
    assert cancel.is_set()


def test_a_violation_reads_well() -> None:
    assert str(Violation(rule="load", where="courier c1", by=2.0)) == "load at courier c1 by 2"


def test_a_plugin_without_export_or_with_a_name_taken_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    packages: dict[str, dict[str, str | None]] = {
        "good_plugins": {"a.py": "a", "b.py": "b", "_hidden.py": None},
        "bare_plugins": {"a.py": None},
        "twice_plugins": {"a.py": "a", "b.py": "a"},
    }
    for package, files in packages.items():
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for name, export in files.items():
            text = "" if export is None else f"class T: name = {export!r}\nTHING = T()"
            (folder / name).write_text(text)
    assert list(plugins.scan("good_plugins", "THING", group="dispatchopt.none")) == ["a", "b"]
    with pytest.raises(DispatchOptError, match=r"bare_plugins\.a exports no THING"):
        list(plugins.scan("bare_plugins", "THING"))
    with pytest.raises(DispatchOptError, match="'a' is taken by"):
        list(plugins.scan("twice_plugins", "THING"))


def test_one_plugin_is_imported_without_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "lazy_plugins"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for file, name in (("one_first", "one-first"), ("other", "another"), ("last", "last")):
        (folder / f"{file}.py").write_text(f"class T: name = {name!r}\nTHING = T()")
    found = plugins.scan("lazy_plugins", "THING", group="dispatchopt.none")
    assert "one-first" in found
    assert found["one-first"].name == "one-first"
    assert "lazy_plugins.one_first" in sys.modules
    assert not {"lazy_plugins.other", "lazy_plugins.last"} & set(sys.modules)
    # A name that is not its file's is found, or missed, by looking at all.
    assert found["another"].name == "another"
    assert "other" not in found
    assert list(found) == ["last", "one-first", "another"]
    assert len(found) == 3
    with pytest.raises(KeyError):
        found["none"]
