"""Reading the words that road data is tagged with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray

_NUMBER = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*(km/h|kmh|kph|mph)?\s*$")
_KMH_PER_MPH = 1.609344
_TRUE = frozenset({"true", "yes", "1", "-1", "reverse"})
_FALSE = frozenset({"false", "no", "0", "", "none", "nan", "reversible", "alternating"})


def alternatives(value: Any) -> list[str]:
    """Return the values in a cell that may hold several: a list, its text, or ``a;b``."""
    if value is None or value != value:  # noqa: PLR0124 - true of nan only
        return []
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [part for item in value for part in alternatives(item)]
    text = str(value).strip()
    if text.startswith(("[", "{", "(")):
        text = text[1:-1]
    parts = (part.strip().strip("'\"") for part in re.split(r"[;,|]", text))
    return [part for part in parts if part]


def highway_of(value: Any) -> str | None:
    """Return the highway class; of several, the first."""
    found = alternatives(value)
    return found[0] if found else None


def name_of(value: Any) -> str | None:
    """Return a street name; of a list, the first. A comma may be part of a name."""
    if isinstance(value, str) and not value.startswith("["):
        return value.strip() or None
    found = alternatives(value)
    return found[0] if found else None


def maxspeed_kmh(value: Any) -> float:
    """Return a speed limit in km/h, the least of several; nan where it is none or not a number."""
    speeds = []
    for text in alternatives(value):
        match = _NUMBER.match(text)
        if match:
            factor = _KMH_PER_MPH if match.group(2) == "mph" else 1.0
            speeds.append(float(match.group(1)) * factor)
    return min(speeds) if speeds else float("nan")


def maxspeeds_kmh(values: Sequence[Any]) -> FloatArray:
    """Return speed limits of many cells, each distinct text read once."""
    known: dict[str, float] = {}
    return np.array(
        [known.setdefault(text, maxspeed_kmh(text)) for text in map(str, values)], dtype=np.float64
    )


def oneway_of(value: Any) -> bool | None:
    """Return whether a road is one-way; None if the word is unknown."""
    words = {text.lower() for text in alternatives(value)} or {""}
    if words <= _TRUE:
        return True
    # A road that is one-way in parts only, a list of both, is left as its arcs say.
    return False if words <= _TRUE | _FALSE else None
