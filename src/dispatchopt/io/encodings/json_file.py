"""One JSON file: the header's keys, and tables as lists of records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from dispatchopt.io.document import Cells, Document, Table, records_at
from dispatchopt.io.encodings.base import Encoding, decode, dump_header, header_object, parse_json
from dispatchopt.io.issues import Issues
from dispatchopt.io.schema.base import Header

#: Keys that are never tables, whatever stands there.
_HEADER = {*Header.model_fields, "kind", "parameters"}


def loads(text: str, where: str) -> Document:
    """Return the document of a JSON text; ``where`` names it in messages."""
    return from_value(parse_json(text, where), where)


def from_value(value: Any, where: str) -> Document:
    """Return the document of a JSON value that was parsed already."""
    given = header_object(value, where)
    header: dict[str, Any] = {}
    tables: dict[str, Table] = {}
    issues = Issues()
    for key, each in given.items():
        if isinstance(each, list) and key not in _HEADER:
            tables[key] = _table(each, f"/{key}", issues)
        elif key == "network" and isinstance(each, dict) and each:
            for name, rows in each.items():
                if isinstance(rows, list):
                    tables[f"{key}/{name}"] = _table(rows, f"/{key}/{name}", issues)
                else:
                    issues.add("wrong-type", f"/{key}/{name}", rows, "a list of records")
        else:
            header[key] = each
    issues.raise_if_any()
    return Document(header=header, tables=tables, where=where)


def _table(rows: Sequence[Any], where: str, issues: Issues) -> Table:
    records = []
    for row, each in enumerate(rows):
        if isinstance(each, dict):
            records.append(each)
        else:
            issues.add(
                "wrong-type", f"{where}/{row}", each, "an object with one key per column", "", where
            )
    names: dict[str, None] = {}
    for key in {tuple(record) for record in records}:
        names.update(dict.fromkeys(key))
    return Table(
        columns={name: [record.get(name) for record in records] for name in sorted(names)},
        num_rows=len(records),
        cells=Cells.STRICT,
        where=where,
        place=records_at(where),
    )


def dump(document: Document, file: IO[str]) -> None:
    """Write a document as JSON, a record on each line."""
    text = dump_header(document.header)
    file.write(text[: text.rindex("\n}")])
    grouped: dict[str, dict[str, Table]] = {}
    for name, table in document.tables.items():
        group, _, rest = name.rpartition("/")
        grouped.setdefault(group, {})[rest] = table
    for name, table in grouped.pop("", {}).items():
        file.write(f",\n  {json.dumps(name)}: ")
        _dump_rows(table, file, "  ")
    for group, tables in grouped.items():
        file.write(f",\n  {json.dumps(group)}: {{")
        for number, (name, table) in enumerate(tables.items()):
            file.write(f"{',' if number else ''}\n    {json.dumps(name)}: ")
            _dump_rows(table, file, "    ")
        file.write("\n  }")
    file.write("\n}\n")


def _dump_rows(table: Table, file: IO[str], indent: str) -> None:
    columns: Mapping[str, Sequence[Any]] = table.columns
    names = list(columns)
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    rows = zip(*columns.values(), strict=True)
    lines = (
        encode({name: cell for name, cell in zip(names, row, strict=True) if cell is not None})
        for row in rows
    )
    file.write("[\n" + ",\n".join(f"{indent}  {line}" for line in lines) + f"\n{indent}]")


def _sniff(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    # Foreign JSON formats (GeoJSON, VROOM) are asked before this one.
    return head[:1] in (b"{", b"[")


def _read(path: Path) -> Document:
    return loads(decode(path.read_bytes(), path.name), path.name)


def _write(document: Document, path: Path) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        dump(document, file)


ENCODING = Encoding(name="json", suffixes=(".json",), sniff=_sniff, read=_read, write=_write)
