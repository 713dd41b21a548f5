"""Benchmark suites: one self-registering file each, run in one process, rivals beside ours.

A suite is a file in ``benchmarks/suites`` that exports ``SUITE``. Every row it returns is a dict of
plain values with at least ``case``, ``method`` and ``seconds``; where there is one, ``objective``
(smaller is better), ``bound``, ``gap``, ``peak_mb``, and ``ratio`` (time or cost against the rival
of the same run, said in ``note``).
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dispatchopt.core.memory import peak_mb

Row = dict[str, Any]
__all__ = ["Row", "Suite", "peak_mb", "suites", "timed"]

T = TypeVar("T")
HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One file of benchmarks.

    Parameters
    ----------
    name
        As asked for on the command line.
    about
        One sentence: what is measured, against whom.
    run
        Takes a size and returns rows.
    sizes
        Sizes from the smallest; the first takes seconds, works on generated data, and stops by
        iterations, so that its objectives repeat to the last digit.
    """

    name: str
    about: str
    run: Callable[[str], list[Row]]
    sizes: tuple[str, ...] = ("small", "medium", "large")


def suites() -> dict[str, Suite]:
    """Return all suites by name.

    Raises
    ------
    ValueError
        If a file exports no ``SUITE`` or a name is taken.
    """
    found: dict[str, Suite] = {}
    if str(HERE.parent) not in sys.path:
        sys.path.insert(0, str(HERE.parent))
    for path in sorted((HERE / "suites").glob("[a-z]*.py")):
        name = f"benchmarks.suites.{path.stem}"
        module = sys.modules.get(name) or importlib.import_module(name)
        suite = getattr(module, "SUITE", None)
        if suite is None:
            raise ValueError(f"{path} exports no SUITE")
        if suite.name in found:
            raise ValueError(f"the name {suite.name!r} is taken twice")
        found[suite.name] = suite
    return found


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what ``work`` returns, and its seconds of wall clock."""
    start = time.perf_counter()
    value = work()
    return value, time.perf_counter() - start
