"""Reading a road network of any kind."""

from __future__ import annotations

from pathlib import Path

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.network import Network
from dispatchopt.io.roads.faults import unreadable
from dispatchopt.io.roads.graphml import read_graphml
from dispatchopt.io.roads.osm import read_osm
from dispatchopt.io.roads.tables import read_tables

_SUFFIXES = ("csv", "parquet")


def read_network(path: str | Path) -> Network:
    """Return the road network at a path, whatever its format; the content decides, not the name.

    Parameters
    ----------
    path
        A folder with ``nodes`` and ``edges`` (``.csv`` or ``.parquet``), directly or in a folder
        ``network``; a GraphML file; an OpenStreetMap extract.

    Raises
    ------
    InputError
        Lists every problem; also if the format is none of these.
    MissingPackageError
        If the format needs a package that is not installed.
    """
    path = Path(path)
    if path.is_dir():
        inner = path / "network"
        return _read_folder(inner if inner.is_dir() else path)
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise unreadable(path, error) from error
    if b"OSMHeader" in head[:64]:
        return read_osm(path)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<") or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return read_graphml(path)
    is_table = start.startswith(b"PAR1") or b"," in start.partition(b"\n")[0]
    raise InputError(
        Issue(
            code="unknown-format" if head.strip() else "empty-file",
            where=str(path),
            found="one table" if is_table else repr(head[:24]) if head.strip() else "no content",
            wanted="a folder with nodes and edges tables, GraphML, or an *.osm.pbf extract",
            hint="give the folder that holds nodes.csv and edges.csv" if is_table else "",
        )
    )


def _read_folder(folder: Path) -> Network:
    paths: list[Path] = []
    issues: list[Issue] = []
    for table in ("nodes", "edges"):
        found = [folder / f"{table}.{suffix}" for suffix in _SUFFIXES]
        found = [path for path in found if path.is_file()]
        if len(found) == 1:
            paths.append(found[0])
            continue
        names = ", ".join(path.name for path in found) or "none"
        issues.append(
            Issue(
                code="missing-file" if not found else "ambiguous-file",
                where=str(folder),
                found=names,
                wanted=f"either {table}.csv or {table}.parquet",
            )
        )
    if issues:
        raise InputError(issues)
    return read_tables(*paths)
