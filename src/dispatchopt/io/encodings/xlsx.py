"""An XLSX workbook: the sheet ``dispatchopt`` with keys and values, and one sheet per table."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dispatchopt.core.errors import MissingPackageError
from dispatchopt.io.document import Cells, Document, Table, rows_from
from dispatchopt.io.encodings._flat import header_rows, layer_name, nested, table_name
from dispatchopt.io.encodings.base import Encoding
from dispatchopt.io.issues import Issues, Said, single

HEADER_SHEET = "dispatchopt"
_MOST_ROWS = 1_048_575
_MOST_TEXT = 32_767


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError:
        raise MissingPackageError("openpyxl", "excel") from None
    return openpyxl


def _sniff(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _read(path: Path) -> Document:
    openpyxl = _openpyxl()
    try:
        # Damaged workbooks fail in as many ways as there are lines in the reader.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            with contextlib.closing(book):
                sheets = {
                    sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)]
                    for sheet in book.worksheets
                }
    except Exception as error:  # noqa: BLE001 - see above
        text = re.sub(r"\s+", " ", str(error))[:100]
        found = Said(f"{type(error).__name__}: {text}")
        raise single("unreadable-file", path.name, found, "an XLSX workbook") from None
    if HEADER_SHEET not in sheets:
        found = Said("the sheets " + ", ".join(sheets)[:200])
        wanted = f"a sheet {HEADER_SHEET} with format, version and kind"
        raise single("missing-table", path.name, found, wanted)
    issues = Issues()
    header = _header(sheets.pop(HEADER_SHEET), f"{path.name} sheet {HEADER_SHEET}", issues)
    tables = {
        table_name(name): _table(rows, f"{path.name} sheet {name}", issues)
        for name, rows in sheets.items()
    }
    issues.raise_if_any()
    where = f"{path.name} sheet {HEADER_SHEET}"
    return Document(header=header, tables=tables, where=where, cells=Cells.LOOSE)


def _header(rows: Sequence[Sequence[Any]], where: str, issues: Issues) -> dict[str, Any]:
    pairs = []
    for number, row in enumerate(rows[1:], start=2):
        if row and row[0] is not None:
            value = row[1] if len(row) > 1 else None
            pairs.append((f"{where} row {number}", str(row[0]), value))
    return nested(pairs, issues)


def _table(rows: list[list[Any]], where: str, issues: Issues) -> Table:
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    if not rows:
        return Table(
            columns={}, num_rows=0, cells=Cells.LOOSE, where=where, place=rows_from(where, 2)
        )
    names = list(rows[0])
    while names and names[-1] is None:
        names.pop()
    body = rows[1:]
    width = max([len(names), *(len(row) for row in body)])
    columns: dict[str, Sequence[Any]] = {}
    cells = list(zip(*[row + [None] * (width - len(row)) for row in body], strict=True))
    for index in range(width):
        values = cells[index] if cells else ()
        name = names[index] if index < len(names) else None
        if name is None:
            if any(cell is not None for cell in values):
                found = Said(f"cells in column {index + 1} without a name")
                issues.add("missing-column", f"{where} row 1", found, "a name for each column")
            continue
        if str(name) in columns:
            issues.add("duplicate-column", where, str(name), "each column once")
        columns[str(name)] = values
    return Table(
        columns=columns,
        num_rows=len(body),
        cells=Cells.LOOSE,
        where=where,
        place=rows_from(where, 2),
    )


def _write(document: Document, path: Path) -> None:
    openpyxl = _openpyxl()
    book = openpyxl.Workbook(write_only=True)
    try:
        sheet = book.create_sheet(HEADER_SHEET)
        sheet.append(["key", "value"])
        for key, value in header_rows(document.header):
            sheet.append([_cell(sheet, key), _cell(sheet, value)])
        for name, table in document.tables.items():
            _write_sheet(book.create_sheet(layer_name(name)), table)
        book.save(path)
    finally:
        book.close()


def _write_sheet(sheet: Any, table: Table) -> None:
    if table.num_rows > _MOST_ROWS:
        raise single(
            "too-long",
            table.where,
            Said(f"{table.num_rows} rows"),
            f"at most {_MOST_ROWS} rows in a sheet",
            "write a folder, JSON or GeoPackage",
        )
    sheet.append([_cell(sheet, name) for name in table.columns])
    for row in zip(*table.columns.values(), strict=True):
        sheet.append([_cell(sheet, value) for value in row])


def _cell(sheet: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        # The package would round to 16 digits; text that is marked as a number is left as it is.
        cell = WriteOnlyCell(sheet, value=repr(value))
        cell.data_type = "n"
        return cell
    if len(value) > _MOST_TEXT:
        wanted = f"at most {_MOST_TEXT} characters in a cell"
        raise single("too-long", sheet.title, value, wanted, "write a folder, JSON or GeoPackage")
    cell = WriteOnlyCell(sheet, value=value)
    # Text that begins with = is text here, not a formula.
    cell.data_type = "s"
    return cell


ENCODING = Encoding(name="xlsx", suffixes=(".xlsx",), sniff=_sniff, read=_read, write=_write)
