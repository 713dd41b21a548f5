"""What random instances of all kinds are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.geography import Points
from dispatchopt.io.instance import Instance
from dispatchopt.testing.conformance import EngineCases

#: Names that readers like to take for something else.
AWKWARD = (
    "1",
    "007",
    "1.5",
    "1e5",
    "true",
    "NaN",
    "None",
    "null",
    "-",
    "=1+1",
    "a,b",
    'say "hi"',
    "it's",
    "a;b",
    "Müller",
    "前置仓",
    "😀",
    "2026-11-23",
    "a b",
    "#N/A",
    "@x",
    "_x0041_",
    "'q",
)
Rng = np.random.Generator


def names(rng: Rng, size: int, prefix: str) -> tuple[str, ...]:
    """Return different names, some of them awkward."""
    chosen = [f"{prefix}{row}" for row in range(size)]
    picks = rng.permutation(len(AWKWARD))
    for row in range(size):
        if row < len(picks) and rng.random() < 0.3:
            chosen[row] = AWKWARD[picks[row]]
    return tuple(chosen)


def points(rng: Rng, size: int) -> Points:
    """Return places within some kilometres of each other."""
    return Points(lon=-8.6 + rng.random(size) * 0.1, lat=41.1 + rng.random(size) * 0.1)


def maybe(rng: Rng, value: Any) -> Any:
    """Return a value or None."""
    return value if rng.random() < 0.5 else None


@dataclass(frozen=True, kw_only=True)
class Examples:
    """What tests need of one kind of problem.

    Parameters
    ----------
    name
        The kind.
    make
        Returns a random instance, small and awkward.
    answer
        Returns any solution of an instance, good or bad: files hold what they are given.
    cases
        Returns problems on which its engines are examined.
    exact
        Engines that prove whatever they accept, given time.
    """

    name: str
    make: Callable[[Rng], Instance]
    answer: Callable[[Instance, Rng], Any]
    cases: Callable[[], EngineCases]
    exact: frozenset[str] = frozenset()
