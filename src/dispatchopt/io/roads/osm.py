"""OpenStreetMap extracts (pbf), through pyrosm."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from dispatchopt.core.errors import InputError, Issue, MissingPackageError
from dispatchopt.geography.network import Network
from dispatchopt.io.roads.interchange import from_networkx


def read_osm(path: str | Path) -> Network:
    """Return all roads and paths of an extract; nodes inside a road become part of its course.

    One-way roads and roundabouts keep their direction. Who may use which class is left to the
    vehicle profile; turn restrictions and ``access`` tags are not read.

    Raises
    ------
    InputError
        If the file cannot be read or holds no roads.
    MissingPackageError
        If pyrosm is not installed.
    """
    path = Path(path)
    try:
        import pyrosm
    except ImportError as error:
        raise MissingPackageError("pyrosm", "osm") from error
    try:
        with warnings.catch_warnings():
            # Notices of the parser's own dependencies concern nobody here.
            warnings.simplefilter("ignore")
            graph = _graph_of(pyrosm, path)
    except Exception as error:  # pyrosm passes on whatever its decoders raise.
        raise InputError(
            Issue(
                code="damaged-osm",
                where=str(path),
                found=f"{type(error).__name__}: {str(error)[:200]}",
                wanted="a whole OpenStreetMap extract, *.osm.pbf",
            )
        ) from error
    if graph is None or graph.number_of_edges() == 0:
        raise InputError(
            Issue(
                code="empty-table",
                where=str(path),
                found="no roads",
                wanted="an extract that holds roads",
            )
        )
    return from_networkx(graph, source=path.name)


def _graph_of(pyrosm: Any, path: Path) -> Any:
    extract = pyrosm.OSM(str(path))
    found = extract.get_network("all", nodes=True)
    if found is None or found[1] is None or len(found[1]) == 0:
        return None
    # "driving" makes one-way roads one-way; the roads stay those of the network above.
    return extract.to_graph(
        *found,
        graph_type="networkx",
        network_type="driving",
        simplify=True,
        retain_all=True,
        progress=False,
    )
