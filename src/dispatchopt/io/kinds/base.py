"""What every kind of document offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.geography.points import Points
from dispatchopt.io.document import Document, Table, typed
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.base import Header, Row, columns_of
from dispatchopt.io.tables import Checked


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A checked document, from which a kind builds its problem.

    Parameters
    ----------
    header
        The header; defaults stand where it is faulty.
    tables
        All tables of the kind; those that the document lacks are empty.
    given
        Names of the tables that the document has.
    issues
        What is wrong so far; more may be added, until ``build`` raises them.
    where
        The file that holds the header.
    """

    header: Any
    tables: Mapping[str, Checked]
    given: frozenset[str]
    issues: Issues
    where: str

    def __getitem__(self, name: str) -> Checked:
        return self.tables[name]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of document.

    Parameters
    ----------
    name
        Name in files.
    header
        Model of the header.
    rows
        Row models by table.
    build
        Returns the problem of a checked document; raises all issues together.
    lay_out
        Returns header fields and tables (columns by table) of an instance.
    problem_type
        Returns the class of its problems.
    required
        Tables that must have at least one row.
    has_places
        Whether its problems hold names and places, so that an instance need not.
    extras
        Returns what a checked document holds beside the problem.
    """

    name: str
    header: type[Header]
    rows: Mapping[str, type[Row]]
    build: Callable[[Parts], Any]
    lay_out: Callable[[Instance], tuple[dict[str, Any], dict[str, dict[str, Sequence[Any]]]]]
    problem_type: Callable[[], type]
    required: tuple[str, ...] = ()
    has_places: bool = False
    extras: Callable[[Parts], Mapping[str, Any]] | None = None


def points_of(table: Checked) -> Points:
    """Return the places of a table."""
    return Points(lon=table["lon"], lat=table["lat"])


def as_lists(columns: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    """Return columns as lists of plain values; nan, which stands for nothing, as None."""
    result: dict[str, Sequence[Any]] = {}
    for name, values in columns.items():
        if isinstance(values, np.ndarray):
            plain = values.tolist()
            if values.dtype.kind == "f" and np.isnan(values).any():
                plain = [None if value != value else value for value in plain]  # noqa: PLR0124
            result[name] = plain
        else:
            result[name] = list(values)
    return result


def document_of(kind: Kind, instance: Instance) -> Document:
    """Return the document of an instance, with all columns of its tables."""
    fields, tables = kind.lay_out(instance)
    for name, places in instance.places.items():
        columns = tables.get(name, {})
        if "lon" not in columns and columns and len(next(iter(columns.values()))) == len(places):
            tables[name] = {**columns, "lon": places.lon.tolist(), "lat": places.lat.tolist()}
    header: dict[str, Any] = {
        "format": "dispatchopt",
        "version": 1,
        "kind": kind.name,
        "name": instance.name,
        "source": instance.source,
        "crs": "WGS84",
        **fields,
    }
    known = {"objective": instance.known_objective, "bound": instance.known_bound}
    if any(value is not None for value in known.values()):
        header["known"] = {key: value for key, value in known.items() if value is not None}
    if instance.notes:
        header["notes"] = dict(instance.notes)
    laid: dict[str, Table] = {
        name: typed(name, as_lists(columns)) for name, columns in tables.items()
    }
    return Document(header=header, tables=laid)


def empty_table(name: str, model: type[Row]) -> Table:
    """Return a table without rows."""
    return typed(name, {column: [] for column in columns_of(model)})
