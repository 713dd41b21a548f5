"""Values of a VROOM document, with every fault named by its JSON path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.io.issues import Issues, Said, nearest

#: Largest number that a document may hold: seconds, amounts, costs.
LARGEST = 10**9


class Value:
    """A JSON object at a path, whose members are taken one by one."""

    def __init__(self, value: Any, where: str, issues: Issues, known: Sequence[str]) -> None:
        self.where, self._issues = where, issues
        if not isinstance(value, dict):
            issues.add("wrong-type", where, value, "an object")
        self._members: Mapping[str, Any] = value if isinstance(value, dict) else {}
        for key in self._members:
            if key not in known:
                hint = nearest(str(key)[:100], known)
                issues.add("unknown-key", f"{where}/{key}"[:200], key, "a key read here", hint)

    def has(self, key: str) -> bool:
        """Whether the object has a member."""
        return key in self._members

    def raw(self, key: str) -> Any:
        """Return a member as it stands."""
        return self._members.get(key)

    def whole(self, key: str, default: int | None, low: int = 0, high: int = LARGEST) -> int:
        """Return a whole number; without a default it must be there."""
        if key not in self._members:
            if default is None:
                self._issues.add("missing-key", self.where, Said(f"no {key}"), "a whole number")
            return default or 0
        return self._whole(self._members[key], f"{self.where}/{key}", low, high)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """Return a number."""
        value = self._members.get(key, default)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not low <= value <= high:
            wanted = f"a number from {low:g} to {high:g}"
            self._issues.add("out-of-range", f"{self.where}/{key}", value, wanted)
            return default
        return float(value)

    def wholes(self, key: str, high: int = LARGEST) -> list[int]:
        """Return a list of whole numbers, empty where there is none."""
        place = f"{self.where}/{key}"
        entries = self.list(key)
        return [self._whole(each, f"{place}/{at}", 0, high) for at, each in enumerate(entries)]

    def list(self, key: str) -> list[Any]:
        """Return a list, empty where there is none."""
        value = self._members.get(key, [])
        if not isinstance(value, list):
            self._issues.add("wrong-type", f"{self.where}/{key}", value, "a list")
            return []
        return value

    def window(self, key: str, value: Any, none: tuple[int, int]) -> tuple[int, int]:
        """Return begin and end of a window."""
        if value is None:
            return none
        place = f"{self.where}/{key}"
        if not isinstance(value, list) or len(value) != 2:
            self._issues.add("wrong-type", place, value, "begin and end")
            return none
        begin, end = (self._whole(each, place, 0, LARGEST) for each in value)
        if begin > end:
            self._issues.add("bad-value", place, value, "a begin that is not after the end")
        return begin, end

    def refuse(self, *keys: str) -> None:
        """Keep an issue for each member that would change the answer and is not understood."""
        for key in keys:
            if self._members.get(key):
                wanted = "none, as routing problems here have no such rule"
                place = f"{self.where}/{key}"
                self._issues.add("conflict", place, Said("a value"), wanted)

    def _whole(self, value: Any, place: str, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            self._issues.add("wrong-type", place, value, "a whole number")
            return low
        if not low <= value <= high:
            self._issues.add("out-of-range", place, value, f"a whole number from {low} to {high}")
            return low
        return value


def matrix_of(value: Any, where: str, issues: Issues) -> FloatArray:
    """Return a square matrix; one place and an issue if it is none."""
    nothing = np.zeros((1, 1))
    is_square = isinstance(value, list) and all(
        isinstance(row, list) and len(row) == len(value) for row in value
    )
    if not is_square or not value:
        issues.add("wrong-type", where, Said("no square matrix"), "as many rows as columns")
        return nothing
    is_whole = all(
        isinstance(each, int) and not isinstance(each, bool) for r in value for each in r
    )
    if not is_whole or any(not 0 <= each <= LARGEST for row in value for each in row):
        wanted = f"whole numbers from 0 to {LARGEST}"
        issues.add("out-of-range", where, Said("another value"), wanted)
        return nothing
    matrix = np.array(value, dtype=np.float64)
    np.fill_diagonal(matrix, 0)
    return matrix


def limits_of(
    value: Value, costs: tuple[int, int], issues: Issues, *, has_costs: bool
) -> list[int]:
    """Return limits of a vehicle on what its legs cost in all, in thousandths.

    A leg has one length here, which is what it costs. So a limit on time holds where costs are of
    time alone (and whole in thousandths), one on distance where they are of distance alone.

    Parameters
    ----------
    costs
        Per hour, per kilometre.
    has_costs
        Whether costs of legs are given as they are.
    """
    per_hour, per_km = (0, 0) if has_costs else costs
    made = []
    for key, rate, other, unit, wanted in (
        ("max_travel_time", per_hour, per_km, 3_600, "costs of time alone (per_hour, by 18)"),
        ("max_distance", per_km, per_hour, 1_000, "costs of distance alone (per_km, per_hour 0)"),
    ):
        if value.has(key):
            most = value.whole(key, 0)
            if not rate or other or 1_000 * rate % unit:
                hint = "legs have one length here, which is what they cost"
                issues.add("conflict", f"{value.where}/{key}", Said("a value"), wanted, hint)
            made.append(most * (1_000 * rate // unit))
    return made
