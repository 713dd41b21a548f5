"""Node and edge tables, in CSV or Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray
from dispatchopt.core.errors import InputError, Issue, MissingPackageError
from dispatchopt.geography.build import RoadColumns, build_network
from dispatchopt.geography.network import Network
from dispatchopt.io.roads.columns import Where, ids_of, numbers_of, shown
from dispatchopt.io.roads.faults import read_bytes
from dispatchopt.io.roads.text import highway_of, maxspeeds_kmh, name_of, oneway_of

_NODE_COLUMNS = ("node_id", "lon", "lat")
_EDGE_COLUMNS = ("u", "v")
#: What the same columns are called in the network of a document.
_IN_DOCUMENTS = {"id": "node_id", "from": "u", "to": "v"}


@dataclass(frozen=True, eq=False)
class _Table:
    """Columns of cells, and how to name a row."""

    columns: Mapping[str, Sequence[Any]]
    num_rows: int
    where: Where


def read_tables(nodes_path: str | Path, edges_path: str | Path) -> Network:
    """Return the network of a node table and an edge table, CSV or Parquet by content.

    Nodes: ``node_id, lon, lat``. Edges: ``u, v`` and, if there, ``length_m`` (else measured),
    ``highway``, ``maxspeed`` (km/h, or text as in OSM), ``oneway``, ``name``. An edge is one
    direction; where ``oneway`` is there and says no, the other direction is added unless it has
    an edge of its own. Other columns are passed over. The names of documents are taken as well:
    ``id``; ``from, to, is_oneway`` (true where empty) and ``maxspeed_m_s``.

    Raises
    ------
    InputError
        Lists every problem of both tables.
    MissingPackageError
        If Parquet is given and pyarrow is not installed.
    """
    nodes_path, edges_path = Path(nodes_path), Path(edges_path)
    contents = _gathered(lambda: read_bytes(nodes_path), lambda: read_bytes(edges_path))
    return parse_tables(contents[0], contents[1], str(nodes_path), str(edges_path))


def parse_tables(
    nodes: bytes, edges: bytes, nodes_source: str = "nodes", edges_source: str = "edges"
) -> Network:
    """Return the network of the bytes of two tables; the sources name them in errors.

    Raises
    ------
    InputError
        See ``read_tables``.
    """
    node_table, edge_table = _gathered(
        lambda: _parse(nodes, nodes_source, _NODE_COLUMNS),
        lambda: _parse(edges, edges_source, _EDGE_COLUMNS),
    )
    issues: list[Issue] = []
    lon = numbers_of(node_table.columns["lon"], "lon", node_table.where, issues)
    lat = numbers_of(node_table.columns["lat"], "lat", node_table.where, issues)
    cells = edge_table.columns
    length = None
    if "length_m" in cells:
        length = numbers_of(cells["length_m"], "length_m", edge_table.where, issues)
    is_oneway = None
    if "oneway" in cells:
        is_oneway = _oneways(cells["oneway"], edge_table.where, issues)
    if issues:
        raise InputError(issues)
    ids = ids_of(node_table.columns["node_id"], cells["u"], cells["v"])
    columns = RoadColumns(
        node_id=ids[0],
        lon=lon,
        lat=lat,
        tail_id=ids[1],
        head_id=ids[2],
        length_m=length,
        highway=_each(cells, "highway", highway_of),
        maxspeed_kmh=maxspeeds_kmh(cells["maxspeed"]) if "maxspeed" in cells else None,
        is_oneway=is_oneway,
        name=_each(cells, "name", name_of),
    )
    return build_network(
        columns,
        source=Path(nodes_source).parent.name or "network",
        nodes_where=node_table.where,
        arcs_where=edge_table.where,
    )


def _gathered(*steps: Any) -> list[Any]:
    """Run all steps, so that the issues of every one are listed at once."""
    results: list[Any] = []
    issues: list[Issue] = []
    for step in steps:
        try:
            results.append(step())
        except InputError as error:
            issues += error.issues
    if issues:
        raise InputError(issues)
    return results


def _each(cells: Mapping[str, Sequence[Any]], column: str, read: Any) -> list[str | None] | None:
    return [read(cell) for cell in cells[column]] if column in cells else None


def _oneways(cells: Sequence[Any], where: Where, issues: list[Issue]) -> BoolArray:
    known = {cell: oneway_of(cell) for cell in set(map(str, cells))}
    found = [known[str(cell)] for cell in cells]
    issues += [
        Issue(
            code="oneway",
            where=where(row),
            found=f"oneway {shown(cells[row])}",
            wanted="True, False, yes, no, 1, 0 or -1",
        )
        for row, value in enumerate(found)
        if value is None
    ]
    return np.array([bool(value) for value in found], dtype=bool)


def _parse(content: bytes, source: str, required: Sequence[str]) -> _Table:
    if content.startswith(b"PAR1"):
        table = _parse_parquet(content, source)
    else:
        table = _parse_csv(content, source)
    table = replace(table, columns=_renamed(table.columns))
    missing = [name for name in required if name not in table.columns]
    if missing:
        have = ", ".join(map(str, table.columns)) or "none"
        raise InputError(
            Issue(
                code="missing-column",
                where=source,
                found=f"columns {have[:200]}",
                wanted=f"a column {name}",
            )
            for name in missing
        )
    return table


def _renamed(given: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return columns by the names of this format, where they have those of documents."""
    taken = {old: new for old, new in _IN_DOCUMENTS.items() if new not in given}
    columns = {taken.get(name, name): cells for name, cells in given.items()}
    if "is_oneway" in columns:
        cells = columns.pop("is_oneway")
        columns.setdefault("oneway", [True if cell in ("", None) else cell for cell in cells])
    if "maxspeed_m_s" in columns:
        cells = columns.pop("maxspeed_m_s")
        columns.setdefault("maxspeed", [_kmh(cell) for cell in cells])
    return columns


def _kmh(cell: Any) -> Any:
    """Return metres a second as km/h; what is no number stays as it is, and counts as no limit."""
    try:
        return float(cell) * 3.6
    except (TypeError, ValueError):
        return cell


def _parse_parquet(content: bytes, source: str) -> _Table:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingPackageError("pyarrow", "parquet") from error
    try:
        read = pq.read_table(pa.BufferReader(content))
        columns = {name: read.column(name).to_pylist() for name in read.column_names}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            Issue(
                code="damaged-parquet",
                where=source,
                found=str(error)[:200],
                wanted="a whole Parquet file",
            )
        ) from error
    return _Table(columns, read.num_rows, lambda row: f"{source} row {row + 1}")


def _parse_csv(content: bytes, source: str) -> _Table:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            Issue(
                code="encoding",
                where=f"{source} byte {error.start}",
                found=f"byte 0x{content[error.start]:02x}",
                wanted="text in UTF-8",
                hint="save the file as UTF-8",
            )
        ) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(
            Issue(
                code="damaged-csv",
                where=f"{source} line {reader.line_num}",
                found=str(error),
                wanted="rows of comma-separated values",
            )
        ) from error
    issues = [
        Issue(
            code="row-width",
            where=f"{source} line {line}",
            found=f"{len(row)} cells",
            wanted=f"{len(header)} cells, as in the first line",
        )
        for row, line in zip(rows, lines, strict=True)
        if len(row) != len(header)
    ]
    issues += [
        Issue(
            code="duplicate-column",
            where=f"{source} line 1",
            found=f"{name} {header.count(name)} times",
            wanted="every column once",
        )
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    if issues:
        raise InputError(issues)
    columns = list(zip(*rows, strict=True)) or [() for _ in header]
    return _Table(
        dict(zip(header, columns, strict=True)),
        len(rows),
        lambda row: f"{source} line {lines[row]}",
    )
