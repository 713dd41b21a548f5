"""Sound documents with random damage: an instance or an InputError, and nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt import io
from dispatchopt.core.errors import InputError
from dispatchopt.testing.documents import MAKERS, make

EXTREMES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**53,
    2**63 - 1,
    2**63,
    -(2**63),
    2**200,
    10**400,
    0.5,
    -0.0,
    1e-320,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    " ",
    "x",
    "1",
    "nan",
    "\x00",
    "\ud800",
    "a" * 3000,
    "|",
    "\ufffe",
    [],
    {},
    [[]],
    {"a": None},
    [{}],
    "EPSG:4326",
    "straight",
    "road",
    "given",
]


def places_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every path inside a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, each in value.items():
            found += places_of(each, (*path, key))
    elif isinstance(value, list):
        for at, each in enumerate(value):
            found += places_of(each, (*path, at))
    return found


def damage(value: Any, rng: np.random.Generator) -> None:
    """Change one place of a JSON value: replace, delete, copy, or add."""
    paths = places_of(value)
    if not paths:
        return
    path = paths[int(rng.integers(0, len(paths)))]
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    new = EXTREMES[int(rng.integers(0, len(EXTREMES)))]
    how = int(rng.integers(0, 5))
    if how <= 1:
        inner[path[-1]] = new
    elif how == 2:
        del inner[path[-1]]
    elif how == 3 and isinstance(inner, list):
        inner.append(json.loads(json.dumps(inner[path[-1]])))
    elif isinstance(inner, dict):
        inner["extra" if rng.random() < 0.5 else str(path[-1]) + "s"] = new


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damaged_values(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    value = json.loads(io.dumps(make(kind, int(rng.integers(0, 2**32)))))
    for _ in range(int(rng.integers(1, 4))):
        damage(value, rng)
    with suppress(InputError):
        instance = io.parse_value(value)
        # What was accepted must also be fit to be written.
        io.parse(io.dumps(instance))


@settings(max_examples=60, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_any_json(value: Any) -> None:
    with suppress(InputError):
        io.parse_value(value)
    with suppress(InputError):
        io.parse_value({"format": "dispatchopt", "version": 1, "kind": "city", "customers": value})


@settings(max_examples=60, deadline=None)
@given(text=st.text())
def test_any_text(text: str) -> None:
    with pytest.raises(InputError):
        io.parse(text)


def damage_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Change, cut out or double some bytes."""
    if not data:
        return b"x"
    start = int(rng.integers(0, len(data)))
    end = min(len(data), start + int(rng.integers(1, 20)))
    how = int(rng.integers(0, 4))
    if how == 0:
        return data[:start] + rng.bytes(end - start) + data[end:]
    if how == 1:
        return data[:start] + data[end:]
    if how == 2:
        return data[:end] + data[start:]
    cells = [b",", b"\n", b'"', b"nan", b"-", b"\xff", b"\x00", b"9" * 30, b";", b"1e400"]
    return data[:start] + cells[int(rng.integers(0, len(cells)))] + data[start:]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("folder", "made"),
        ("parquet", "made"),
        ("json", "made.json"),
        ("xlsx", "made.xlsx"),
        ("gpkg", "made.gpkg"),
    ],
)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damaged_bytes(encoding: str, name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = list(MAKERS)[int(rng.integers(0, len(MAKERS)))]
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        io.write(make(kind, int(rng.integers(0, 2**32))), path, encoding)
        files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
        for _ in range(3):
            file = sorted(files)[int(rng.integers(0, len(files)))]
            file.write_bytes(damage_bytes(file.read_bytes(), rng))
            with suppress(InputError):
                io.read(path)
