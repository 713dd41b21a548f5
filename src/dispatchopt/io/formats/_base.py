"""What every format of the field offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, nearest


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format that is not ours.

    Parameters
    ----------
    name
        Name by which users ask for it.
    sniff
        Whether a path holds it, by content.
    read
        Returns the instance of a path, under options.
    write
        Writes an instance to a path that does not exist yet; None if it is only read.
    suffixes
        Endings of file names that stand for it, where it is written.
    options
        Names of options with what they mean.
    """

    name: str
    sniff: Callable[[Path], bool]
    read: Callable[[Path, Mapping[str, Any]], Instance]
    write: Callable[[Instance, Path], None] | None = None
    suffixes: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def take_options(
    given: Mapping[str, Any], known: Mapping[str, tuple[type, Any, float, float]]
) -> dict[str, Any]:
    """Return options with defaults; unknown ones and wrong values are refused.

    Parameters
    ----------
    given
        What the user stated; texts are converted.
    known
        By name: the type, the default, and the least and the greatest value.
    """
    issues = Issues()
    result = {name: default for name, (_, default, _, _) in known.items()}
    for name, value in given.items():
        if name not in known:
            hint = nearest(str(name), known)
            issues.add("unknown-key", "options", name, "one of " + ", ".join(known), hint)
            continue
        kind, _, low, high = known[name]
        try:
            taken = kind(value)
        except (TypeError, ValueError, OverflowError):
            taken = None
        if taken is None or (kind is not str and not low <= taken <= high):
            word = "a whole number" if kind is int else "a number"
            issues.add("out-of-range", f"option {name}", value, f"{word} from {low:g} to {high:g}")
            continue
        result[name] = taken
    issues.raise_if_any()
    return result
