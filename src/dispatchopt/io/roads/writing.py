"""Node and edge tables to CSV and Parquet."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dispatchopt.core.errors import MissingPackageError
from dispatchopt.geography.network import Network


def write_tables(
    network: Network, folder: str | Path, *, encoding: Literal["csv", "parquet"] = "csv"
) -> tuple[Path, Path]:
    """Write ``nodes`` and ``edges`` into a folder; return the two paths.

    The courses of edges between their ends are not part of the tables; lengths are. Each file
    is written whole or not at all.

    Raises
    ------
    MissingPackageError
        If Parquet is wanted and pyarrow is not installed.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"nodes.{encoding}", folder / f"edges.{encoding}"
    for path, columns in zip(paths, table_columns(network), strict=True):
        content = _to_csv(columns) if encoding == "csv" else _to_parquet(columns)
        _replace_file(path, content)
    return paths


def table_columns(network: Network) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return the columns of the node table and of the edge table."""
    nodes = {
        "node_id": network.node_id.tolist(),
        "lon": network.lon.tolist(),
        "lat": network.lat.tolist(),
    }
    size = network.num_nodes
    there = np.unique(network.tail * size + network.head)
    has_reverse = np.isin(network.head * size + network.tail, there)
    edges: dict[str, list[Any]] = {
        "u": network.node_id[network.tail].tolist(),
        "v": network.node_id[network.head].tolist(),
        "length_m": network.length_m.tolist(),
        "highway": [network.classes[k] for k in network.class_idx.tolist()],
        "maxspeed": [
            round(speed * 3.6, 6) if speed > 0 else None for speed in network.maxspeed_m_s.tolist()
        ],
        "oneway": (~has_reverse).tolist(),
    }
    if network.names:
        edges["name"] = [network.names[k] if k >= 0 else None for k in network.name_idx.tolist()]
    return nodes, edges


def _to_csv(columns: Mapping[str, Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode("utf-8")


def _to_parquet(columns: Mapping[str, Sequence[Any]]) -> bytes:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingPackageError("pyarrow", "parquet") from error
    sink = io.BytesIO()
    pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), sink)
    return sink.getvalue()


def _replace_file(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
