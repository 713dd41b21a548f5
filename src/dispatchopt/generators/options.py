"""What a caller may ask of a generator, checked, and listed for the command line."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from dispatchopt.core.errors import InputError, Issue

T = TypeVar("T")


def option(
    default: Any,
    about: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    choices: tuple[str, ...] = (),
) -> Any:
    """Return a dataclass field that knows its help text and its range (ends included)."""
    metadata = {"about": about, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a generator, as a command line or a form shows it.

    Parameters
    ----------
    name
        Keyword of the generator; ``reach_m`` becomes ``--reach-m``.
    kind
        ``int``, ``float``, ``bool`` or ``str``.
    default
        None where the size decides.
    about
        One line of help.
    low, high
        Ends of the range, both allowed.
    choices
        Words that are allowed; empty if any is.
    """

    name: str
    kind: type[int | float | str]
    default: int | float | str | None
    about: str
    low: float
    high: float
    choices: tuple[str, ...]


def list_options(of: type[Any]) -> tuple[Option, ...]:
    """Return the options of a dataclass whose fields were made by ``option``."""
    hints = typing.get_type_hints(of)
    defaults = vars(of())
    return tuple(
        Option(
            name=entry.name,
            kind=_plain_kind(hints[entry.name]),
            default=defaults[entry.name],
            about=entry.metadata["about"],
            low=entry.metadata["low"],
            high=entry.metadata["high"],
            choices=entry.metadata["choices"],
        )
        for entry in dataclasses.fields(of)
    )


def _plain_kind(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def make_options(of: type[T], given: dict[str, Any]) -> T:
    """Return the options as a dataclass.

    Raises
    ------
    InputError
        Listing every unknown name, wrong type and value out of range.
    """
    known = {entry.name: entry for entry in list_options(of)}
    issues = [
        Issue(
            code="unknown-option",
            where=name,
            found=repr(given[name]),
            wanted=f"one of {', '.join(known)}",
            hint="".join(
                f"did you mean {near!r}?" for near in difflib.get_close_matches(name, known, n=1)
            ),
        )
        for name in given
        if name not in known
    ]
    values = {
        name: _from_text(known[name], value) for name, value in given.items() if name in known
    }
    for name, value in values.items():
        if not (value is None and known[name].default is None):
            issues += _value_issues(known[name], value)
    if issues:
        raise InputError(issues)
    return of(**values)


def _from_text(entry: Option, value: Any) -> Any:
    """Return the number that a text from a command line stands for; the text if it is none."""
    if not isinstance(value, str) or entry.kind is str:
        return value
    if entry.kind is bool:
        return {"true": True, "false": False}.get(value.lower(), value)
    try:
        return entry.kind(value)
    except ValueError:
        return value


def _value_issues(entry: Option, value: Any) -> list[Issue]:
    wanted = _wanted(entry)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        bool: isinstance(value, bool),
        int: is_number and float(value).is_integer() and isinstance(value, int),
        float: is_number,
        str: isinstance(value, str),
    }[entry.kind]
    if fits and entry.kind in (int, float):
        # Written so that nan fails as well.
        fits = entry.low <= value <= entry.high
    if fits and entry.choices:
        fits = value in entry.choices
    if fits:
        return []
    return [Issue(code="bad-option", where=entry.name, found=repr(value)[:60], wanted=wanted)]


def _wanted(entry: Option) -> str:
    if entry.choices:
        return f"one of {', '.join(entry.choices)}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    text = words[entry.kind]
    if math.isfinite(entry.low) and math.isfinite(entry.high):
        return f"{text} from {entry.low:g} to {entry.high:g}"
    return f"{text} >= {entry.low:g}" if math.isfinite(entry.low) else text
