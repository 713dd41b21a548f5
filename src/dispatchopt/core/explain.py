"""What stands behind a solution, in a shape that every command can print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
