"""Setting the fields of a problem, and what is wrong with them, in the words that all kinds use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, frozen
from dispatchopt.core.errors import InputError, Issue

#: Issues listed per field; a table of a million bad cells helps nobody.
MAX_LISTED = 20


def issue_of(code: str, where: str, found: str, wanted: str) -> Issue:
    """Return an issue."""
    return Issue(code=code, where=where, found=found, wanted=wanted)


def short(value: object) -> str:
    """Return a value as text of limited length."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def set_array(
    owner: object, name: str, given: Any, dtype: type[np.generic], issues: list[Issue]
) -> bool:
    """In ``__post_init__`` of a frozen dataclass: make a field a read-only array; False if not."""
    try:
        object.__setattr__(owner, name, frozen(given, dtype))
    except (ValueError, TypeError, OverflowError) as error:
        kind = "whole numbers" if dtype is np.int64 else "numbers"
        issues.append(issue_of("bad-number", name, str(error), f"an array of {kind}"))
        return False
    return True


def set_shaped(
    owner: object,
    name: str,
    given: Any,
    kind: tuple[type[np.generic], tuple[int, ...]],
    issues: list[Issue],
) -> None:
    """Do as ``set_array`` for a type and a shape; another shape is an issue as well."""
    dtype, shape = kind
    if set_array(owner, name, given, dtype, issues):
        found = getattr(owner, name).shape
        if found != shape:
            issues.append(issue_of("bad-shape", name, str(found), str(shape)))


def set_names(owner: object, counts: Mapping[str, int], issues: list[Issue]) -> None:
    """Make fields tuples of names, numbers where none are given, and check that they differ."""
    for name, count in counts.items():
        names = tuple(str(each) for each in getattr(owner, name))
        # An empty tuple is also right for a count of 0.
        names = names or tuple(str(row) for row in range(count))
        object.__setattr__(owner, name, names)
        if len(names) != count:
            issues.append(issue_of("bad-shape", name, f"{len(names)} names", f"{count} names"))
        elif len(set(names)) != count:
            issues.append(issue_of("duplicate-id", name, "a name twice", "names that differ"))


def set_decisions(owner: object, name: str) -> None:
    """In ``__post_init__`` of a solution: make a field a read-only array of whole numbers.

    Raises
    ------
    InputError
        If it holds anything else.
    """
    issues: list[Issue] = []
    if not set_array(owner, name, getattr(owner, name), np.int64, issues):
        raise InputError(issues)


def cells(code: str, name: str, is_bad: BoolArray, value: Any, wanted: str) -> list[Issue]:
    """Return one issue per bad cell, up to a limit."""
    places = np.argwhere(is_bad)
    found = []
    for place in places[:MAX_LISTED]:
        at = tuple(int(i) for i in place)
        where = f"{name}[{', '.join(str(i) for i in at)}]"
        found.append(issue_of(code, where, repr(value[at].item()), wanted))
    if len(places) > MAX_LISTED:
        more = f"{len(places) - MAX_LISTED} more cells like these"
        found.append(issue_of(code, name, more, wanted))
    return found


def out_of_range(owner: object, limits: Mapping[str, tuple[float, float]]) -> list[Issue]:
    """Return an issue per cell beyond the limits of its field; fields that are None have none."""
    found = []
    for name, (low, high) in limits.items():
        value = getattr(owner, name)
        if value is not None:
            # Written so that NaN counts as out of range.
            is_bad = ~((value >= low) & (value <= high))
            wanted = f"a number from {low:g} to {high:g}"
            found += cells("out-of-range", name, is_bad, value, wanted)
    return found


def repeated(name: str, keys: tuple[Any, Any], size: int, wanted: str) -> list[Issue]:
    """Return an issue per pair of keys that stands more than once.

    Parameters
    ----------
    name
        Field of the second key, which the issues name.
    keys
        Both numbers of each row; the second below ``size``.
    size
        Values that the second key may have.
    wanted
        What is wanted instead.
    """
    _, where, count = np.unique(
        keys[0] * max(1, size) + keys[1], return_index=True, return_counts=True
    )
    is_bad = np.zeros(keys[0].size, dtype=bool)
    is_bad[where[count > 1]] = True
    return cells("duplicate-row", name, is_bad, keys[1], wanted)
