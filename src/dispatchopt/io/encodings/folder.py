"""A folder: ``dispatchopt.json`` beside one CSV or Parquet file per table."""

from __future__ import annotations

import bisect
import contextlib
import csv
import gc
import io
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dispatchopt.core.errors import InputError, MissingPackageError
from dispatchopt.io.document import HEADER_FILE, Cells, Document, Table, rows_from
from dispatchopt.io.encodings.base import Encoding, decode, dump_header, header_object, parse_json
from dispatchopt.io.issues import Issues, Said, single

_MOST_CELL = 10_000_000
_ROWS_AT_ONCE = 1000


def table_files(folder: Path) -> dict[str, Path]:
    """Return the files of tables in a folder, by table name; tables may lie one level deep."""
    found: dict[str, Path] = {}
    issues = Issues()
    paths = [*folder.glob("*"), *folder.glob("network/*")]
    for path in sorted(paths):
        if path.suffix not in (".csv", ".parquet") or not path.is_file():
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            issues.add("duplicate-table", path.name, found[name].name, "one file per table")
        found[name] = path
    issues.raise_if_any()
    return found


def read_csv(path: Path, where: str) -> Table:
    """Return the table of a CSV file: UTF-8, commas, names of columns in the first row."""
    return parse_csv(decode(path.read_bytes(), where), where)


def parse_csv(text: str, where: str) -> Table:
    """Return the table of a CSV text."""
    issues = Issues()
    if "\0" in text:
        raise single("bad-csv", where, Said("a zero byte"), "text", "is this a CSV file?")
    csv.field_size_limit(_MOST_CELL)
    if not text.strip():
        raise single("empty-file", where, Said("an empty file"), "a row with the names of columns")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip() for name in next(reader)]
        _require_commas(names, where)
        for name in sorted({name for name in names if names.count(name) > 1}):
            issues.add("duplicate-column", where, name, "each column once")
        with _no_collections():
            cells, blanks = _columns(reader, len(names), where, issues)
    except csv.Error as error:
        raise single("bad-csv", where, Said(str(error)), "comma separated values") from None
    issues.raise_if_any()
    return Table(
        columns=dict(zip(names, cells, strict=True)),
        num_rows=len(cells[0]) if cells else 0,
        cells=Cells.TEXT,
        where=where,
        place=_numbered(where, blanks),
    )


def _require_commas(names: Sequence[str], where: str) -> None:
    """Refuse a table with another separator before each of its rows is found to be odd."""
    for separator, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(names) == 1 and separator in names[0]:
            hint = f"columns must be separated by commas, not by {word}, and decimals by points"
            raise single("bad-csv", where, names[0], "comma separated values", hint)


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Keep the garbage collector from looking through millions of new rows; it doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _columns(
    reader: Iterator[list[str]], width: int, where: str, issues: Issues
) -> tuple[list[list[str]], list[int]]:
    """Return the cells by column, and how many rows come before each blank line.

    Rows are turned into columns in pieces, so that only few of them exist at a time.
    """
    cells: list[list[str]] = [[] for _ in range(width)]
    blanks: list[int] = []
    num_rows = 0
    while rows := list(itertools.islice(reader, _ROWS_AT_ONCE)):
        if set(map(len, rows)) != {width}:
            rows = _even(rows, width, num_rows, blanks, where, issues)
        for column, values in zip(cells, zip(*rows, strict=True), strict=False):
            column.extend(values)
        num_rows += len(rows)
    return cells, blanks


def _even(  # noqa: PLR0917 - private, and called once
    rows: list[list[str]], width: int, before: int, blanks: list[int], where: str, issues: Issues
) -> list[list[str]]:
    """Return the rows of the right width; blank lines, which editors leave, are no rows."""
    kept: list[list[str]] = []
    for row in rows:
        if not row:
            blanks.append(before + len(kept))
            continue
        if len(row) != width:
            # The first row below the names is row 2.
            number = before + len(kept) + len(blanks) + 2
            found = Said(f"{len(row)} cells")
            issues.add("bad-csv", f"{where} row {number}", found, f"{width} cells", "", where)
            row = [""] * width  # noqa: PLW2901 - keeps the count of rows right
        kept.append(row)
    return kept


def _numbered(where: str, blanks: Sequence[int]) -> Callable[[int, str], str]:
    def place(row: int, column: str) -> str:
        number = row + 2 + bisect.bisect_right(blanks, row)
        return f"{where} row {number}" + (f" column {column}" if column else "")

    return place


def read_parquet(path: Path, where: str) -> Table:
    """Return the table of a Parquet file."""
    parquet = _parquet()
    import pyarrow

    try:
        table = parquet.read_table(path, partitioning=None)
        names = table.column_names
        columns = [table.column(index).to_pylist() for index in range(len(names))]
    except (pyarrow.ArrowException, OSError, ValueError, UnicodeDecodeError) as error:
        found = Said(re.sub(r"\s+", " ", str(error))[:100])
        raise single("unreadable-file", where, found, "a Parquet file") from None
    for name in names:
        if names.count(name) > 1:
            raise single("duplicate-column", where, name, "each column once")
    return Table(
        columns=dict(zip(names, columns, strict=True)),
        num_rows=table.num_rows,
        cells=Cells.LOOSE,
        where=where,
        place=rows_from(where, 1),
    )


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise MissingPackageError("pyarrow", "parquet") from None
    return pyarrow.parquet


def _sniff(path: Path) -> bool:
    return path.is_dir() and (path / HEADER_FILE).is_file()


def _read(path: Path) -> Document:
    text = decode((path / HEADER_FILE).read_bytes(), HEADER_FILE)
    header = header_object(parse_json(text, HEADER_FILE), HEADER_FILE)
    issues = Issues()
    tables: dict[str, Table] = {}
    files = table_files(path)
    for name, file in files.items():
        where = file.relative_to(path).as_posix()
        try:
            tables[name] = (read_csv if file.suffix == ".csv" else read_parquet)(file, where)
        except InputError as error:
            issues.extend(error.issues)
    _check_listed(header, {file.relative_to(path).as_posix() for file in files.values()}, issues)
    issues.raise_if_any()
    return Document(header=header, tables=tables)


def _check_listed(header: Any, found: set[str], issues: Issues) -> None:
    listed = header.get("tables")
    if not isinstance(listed, list):
        return
    for index, name in enumerate(listed):
        if isinstance(name, str) and name not in found:
            hint = "" if not found else f"there are {', '.join(sorted(found)[:12])}"
            issues.add(
                "missing-table",
                f"{HEADER_FILE} /tables/{index}",
                name,
                "a file in the folder",
                hint,
            )


def _write_csv(table: Table, path: Path) -> None:
    columns = [_plain(values) for values in table.columns.values()]
    with path.open("x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(zip(*columns, strict=True))


def _plain(values: Sequence[Any]) -> Sequence[Any]:
    if set(map(type, values)) == {bool}:
        return ["true" if value else "false" for value in values]
    return values


def _write_parquet(table: Table, path: Path) -> None:
    parquet = _parquet()
    import pyarrow

    parquet.write_table(pyarrow.table({name: list(v) for name, v in table.columns.items()}), path)


def _writer(suffix: str, write: Callable[[Table, Path], None]) -> Callable[[Document, Path], None]:
    def write_folder(document: Document, path: Path) -> None:
        path.mkdir()
        names = [f"{name}{suffix}" for name in document.tables]
        header = {**document.header, "tables": names}
        for name, table in zip(names, document.tables.values(), strict=True):
            (path / name).parent.mkdir(exist_ok=True)
            write(table, path / name)
        with (path / HEADER_FILE).open("x", encoding="utf-8", newline="\n") as file:
            file.write(dump_header(header) + "\n")

    return write_folder


ENCODING = Encoding(
    name="folder",
    suffixes=("",),
    sniff=_sniff,
    read=_read,
    write=_writer(".csv", _write_csv),
    is_folder=True,
)
PARQUET = Encoding(
    name="parquet",
    suffixes=(),
    sniff=_sniff,
    read=_read,
    write=_writer(".parquet", _write_parquet),
    is_folder=True,
)
