"""Checking a table against its row model, and references among tables."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import BoolArray, IntArray
from dispatchopt.io import cells as cells_of
from dispatchopt.io.document import Table
from dispatchopt.io.issues import Issues, Said, nearest
from dispatchopt.io.schema.base import Column, Row, columns_of

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A table whose cells all have the right type and range.

    Parameters
    ----------
    name
        Name of the table.
    columns
        Arrays by column, all columns of the schema: int64, float64, bool, or object (str).
    table
        Where it came from.
    """

    name: str
    columns: Mapping[str, Array]
    table: Table

    def __len__(self) -> int:
        return self.table.num_rows

    def __getitem__(self, column: str) -> Array:
        return self.columns[column]

    def ids(self, column: str = "id") -> tuple[str, ...]:
        """Return a column of names."""
        return tuple(self.columns[column])

    def place(self, row: int, column: str = "") -> str:
        """Return where a row stands."""
        return self.table.place(row, column)


def check_table(
    name: str,
    table: Table,
    model: type[Row],
    issues: Issues,
    limits: Mapping[str, Column] | None = None,
) -> Checked:
    """Check all cells of a table; every fault is kept in ``issues``.

    Parameters
    ----------
    name
        Name of the table.
    table
        The table as it stands in a file.
    model
        The schema of its rows.
    issues
        Takes what is wrong.
    limits
        Columns that replace those of the model (coordinates in another reference system).
    """
    columns = dict(columns_of(model)) | dict(limits or {})
    _check_names(table, columns, issues)
    arrays: dict[str, Array] = {}
    for column in columns.values():
        values = table.columns.get(column.name)
        if values is None:
            arrays[column.name] = _default(column, table.num_rows)
            continue
        arrays[column.name] = _convert(column, values, table, issues)
    checked = Checked(name=name, columns=arrays, table=table)
    if model.key is not None and model.key in table.columns:
        _check_key(checked, model.key, issues)
    return checked


def _check_names(table: Table, columns: Mapping[str, Column], issues: Issues) -> None:
    unknown = [each for each in table.columns if each not in columns]
    missing = [
        each.name
        for each in columns.values()
        if each.is_required and each.name not in table.columns
    ]
    for each in missing:
        hint = nearest(each, unknown)
        hint = hint.replace("did you mean", "is it the column") if hint else ""
        # An empty table of records has no columns to miss.
        if table.num_rows or table.columns:
            issues.add(
                "missing-column",
                table.where,
                Said(_listed(table.columns)),
                f"a column {each!r}",
                hint,
                table.where,
            )
    for each in unknown:
        known = [word for word in columns if word not in table.columns]
        hint = nearest(str(each), known) or nearest(str(each), columns)
        hint = hint or f"columns are: {', '.join(columns)}"
        issues.add(
            "unknown-column", table.where, str(each), "a column of the schema", hint, table.where
        )


def _listed(columns: Mapping[str, Any]) -> str:
    names = [str(each)[:30] for each in columns]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return "the columns " + ", ".join(names[:12]) + more if names else "no columns"


def _default(column: Column, size: int) -> Array:
    dtype = {"int": np.int64, "float": np.float64, "bool": np.bool_}.get(column.kind, object)
    array: Array = np.empty(size, dtype=dtype)
    array[:] = cells_of.filler(column)
    return array


def _convert(column: Column, values: Sequence[Any], table: Table, issues: Issues) -> Array:
    group = f"{table.where} column {column.name}"

    def report(row: int, code: str, hint: str) -> None:
        if issues.is_full(code, group):
            return
        wanted, cell = column.wanted, values[row]
        if code == "not-finite":
            wanted = f"{wanted}, finite"
        if column.name == "lat" and code == "out-of-range" and "lon" in table.columns:
            hint = _swap_hint(table.columns["lon"][row], cell)
        issues.add(
            code,
            table.place(row, column.name),
            cell,
            wanted,
            hint,
            group,
        )

    return cells_of.convert(column, values, table.cells, report)


def _swap_hint(lon: Any, lat: Any) -> str:
    try:
        is_swapped = abs(float(lon)) <= 90 < abs(float(lat)) <= 180
    except (TypeError, ValueError, OverflowError):
        return ""
    return "lon and lat look swapped" if is_swapped else ""


def _check_key(checked: Checked, key: str, issues: Issues) -> None:
    names = checked[key]
    seen: dict[str, int] = {}
    if len(set(names)) == len(names):
        return
    for row, name in enumerate(names):
        if name in seen and name:
            where = checked.place(seen[name])
            issues.add(
                "duplicate-id",
                checked.place(row, key),
                name,
                "a name that no other row has",
                f"it stands at {where} too",
                checked.table.where,
            )
        seen.setdefault(name, row)


def references(
    checked: Checked, column: str, target: Checked, issues: Issues, *, key: str = "id"
) -> IntArray:
    """Return the rows of ``target`` that a column names; -1 for no name or an unknown one."""
    names = checked[column]
    if not len(names):
        return np.zeros(0, dtype=np.int64)
    index: dict[str, int] = dict(zip(target[key], itertools.count(), strict=False))
    found = map(index.get, names, itertools.repeat(-1))
    rows = np.fromiter(found, dtype=np.int64, count=len(names))
    # Missing names have been reported where none is allowed; without names nothing can be found.
    unknown = (rows < 0) & (names != "")
    if len(target) and key not in target.table.columns:
        return rows
    for row in np.flatnonzero(unknown):
        hint = nearest(str(names[row]), index) if len(index) <= 2000 and len(issues) < 50 else ""
        issues.add(
            "unknown-reference",
            checked.place(int(row), column),
            names[row],
            f"a name of {target.name}",
            hint,
            f"{checked.table.where} column {column}",
        )
    return rows


def flag(  # noqa: PLR0917 - always in the order of an Issue
    checked: Checked,
    column: str,
    is_bad: BoolArray,
    code: str,
    wanted: str,
    issues: Issues,
    hint: str = "",
) -> None:
    """Report rows of a column that do not fit with others."""
    for row in np.flatnonzero(is_bad):
        value = checked[column][row]
        found = value.item() if isinstance(value, np.generic) else value
        issues.add(
            code,
            checked.place(int(row), column),
            found,
            wanted,
            hint,
            f"{checked.table.where} column {column}",
        )
