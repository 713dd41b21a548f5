"""A document between its encoding and its problem: a header and named tables of columns."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FORMAT = "dispatchopt"
VERSION = 1
HEADER_FILE = "dispatchopt.json"


class Cells(enum.Enum):
    """How the cells of a table are to be read."""

    TEXT = "text"
    """All cells are text (CSV); numbers are parsed, an empty cell is missing."""
    STRICT = "strict"
    """Cells have types (JSON); a number in quotes is not a number."""
    LOOSE = "loose"
    """Cells have types that a spreadsheet or database chose; 17 may stand for the name '17'."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns of equal length, as they stand in a file.

    Parameters
    ----------
    columns
        Cells by column name; None is a missing cell.
    num_rows
        Number of rows.
    cells
        How cells are read.
    where
        The file or JSON path, for messages.
    place
        Returns where a row, and in JSON the column, stands: ``customers.csv row 12``.
    """

    columns: Mapping[str, Sequence[Any]]
    num_rows: int
    cells: Cells
    where: str
    place: Callable[[int, str], str]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A document of any kind.

    Parameters
    ----------
    header
        Everything but the tables, as plain values: format, version, kind, name, parameters...
    tables
        Tables by name, such as ``customers`` or ``network/nodes``.
    where
        The file that holds the header, for messages.
    cells
        How values of the header are read.
    """

    header: Mapping[str, Any]
    tables: Mapping[str, Table] = field(default_factory=dict)
    where: str = HEADER_FILE
    cells: Cells = Cells.STRICT


def rows_from(where: str, first: int, word: str = "row") -> Callable[[int, str], str]:
    """Return a function that names rows of a file, of which the first has number ``first``."""

    def place(row: int, column: str) -> str:
        return (
            f"{where} {word} {row + first} column {column}"
            if column
            else f"{where} {word} {row + first}"
        )

    return place


def records_at(where: str) -> Callable[[int, str], str]:
    """Return a function that names JSON paths of a table of records."""

    def place(row: int, column: str) -> str:
        return f"{where}/{row}/{column}" if column else f"{where}/{row}"

    return place


def typed(name: str, columns: Mapping[str, Sequence[Any]]) -> Table:
    """Return a table of plain values that was made by a program."""
    sizes = {len(values) for values in columns.values()}
    num_rows = sizes.pop() if sizes else 0
    if sizes:
        raise ValueError(f"the columns of {name} differ in length")
    return Table(
        columns=columns,
        num_rows=num_rows,
        cells=Cells.STRICT,
        where=name,
        place=rows_from(name, 1),
    )
