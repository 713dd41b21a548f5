"""Any valid document, extremes included: an answer that the checker keeps, finite, never negative.

Numbers of random documents are replaced by the ends of what the schema takes: no demand and 10^9
units of it, lives and lead times of 0 and 1, no room, costs of 0 and 10^9, a table cut to one row.
Whatever the reader accepts has to be solved with a bound below its cost, and explained.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatchopt.core import Status, Stop
from dispatchopt.core.errors import InputError, UnsupportedError
from dispatchopt.core.explain import Aim
from dispatchopt.core.tolerance import bound_crosses
from dispatchopt.io import dumps, parse, parse_solution, solution_text
from dispatchopt.registry import check, domains, explain, solve
from dispatchopt.testing.documents import MAKERS

KINDS = sorted(set(domains()) - {"siting", "routing"})
WHOLE, BROKEN = (0, 1, 2, 10**6, 10**9), (0.0, 1e-6, 1.0, 1e3, 1e9)
HEAD = {"format", "version", "crs", "known", "units", "notes"}


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places of all numbers of a document."""
    if isinstance(value, dict | list):
        rows = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in rows:
            if path or key not in HEAD:
                yield from numbers(entry, (*path, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def stretch(value: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return a document some numbers of which, single ones or whole columns, are extreme."""
    places = [each for each in numbers(value) if each[-1] not in {"lon", "lat"}]
    for _ in range(int(rng.integers(1, 5)) if places else 0):
        *above, last = places[int(rng.integers(len(places)))]
        holder: Any = value
        for step in above:
            holder = holder[step]
        choices: Any = WHOLE if isinstance(holder[last], int) else BROKEN
        new = choices[int(rng.integers(len(choices)))]
        is_column = isinstance(last, str) and len(above) == 2 and rng.random() < 0.5
        rows = value[above[0]] if is_column else [holder]
        for row in rows:
            if not is_column or last in row:
                row[last] = new
    return value


def stands(value: Any) -> bool:
    """Whether a JSON value holds finite numbers only."""
    if isinstance(value, dict):
        return all(map(stands, value.values()))
    if isinstance(value, list):
        return all(map(stands, value))
    return not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_extremes_are_solved(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    text = json.dumps(stretch(json.loads(dumps(MAKERS[kind](rng))), rng))
    try:
        instance = parse(text, "text")
        result = solve(instance.problem, seed=1, stop=Stop(iterations=20))
    except (InputError, UnsupportedError):
        # Refused in words, as targets under limits are.
        return
    if result.status is Status.INFEASIBLE:
        return
    answer = result.require()
    assert result.objective is not None
    assert math.isfinite(result.objective)
    assert result.bound is None or not bound_crosses(result.bound, result.objective)
    report = check(instance.problem, answer)
    assert report.is_feasible
    assert all(math.isfinite(part) for part in report.parts.values())
    for field in vars(answer).values():
        is_level = isinstance(field, np.ndarray) and field.dtype.kind in "if"
        # -1 says that no store sends a line.
        assert not is_level or field.min(initial=0) >= (-1 if kind == "sourcing" else 0)
    written = solution_text(result, instance)
    assert stands(json.loads(written))
    again = parse_solution(written, instance, "text")
    assert again.objective == pytest.approx(result.objective)
    for table in explain(
        instance.problem, answer, Aim(places=instance.places, stop=Stop(time_s=5))
    ):
        for row in table.rows:
            assert stands(dict(row))
