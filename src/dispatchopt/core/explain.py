"""What stands behind a solution, in a shape that every command can print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dispatchopt.core.stop import Stop

#: One row of a table, by column.
Row = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One table of an explanation.

    Parameters
    ----------
    name
        Key of the table, such as ``unserved``.
    about
        What its rows say, and in which unit, in a sentence.
    rows
        The same columns in each row, plain values; the rows that matter most first.
    """

    name: str
    about: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What an explanation may use and spend beside the problem and its solution.

    Parameters
    ----------
    places
        Where things stand, by table, where it is known: ``geography.Points``.
    names
        Names of rows by table, where the problem itself has none; row numbers stand for the rest.
    stop
        Limits of all solving anew together.
    seed
        Seed of whatever draws.
    """

    places: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stop: Stop = field(default_factory=lambda: Stop(time_s=20.0))
    seed: int = 1
