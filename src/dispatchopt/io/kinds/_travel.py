"""Travel among places: a table of pairs, or a router."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.errors import InputError
from dispatchopt.geography.choose import router_for
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix
from dispatchopt.geography.router import Router
from dispatchopt.io.issues import Said
from dispatchopt.io.kinds._network import network_from
from dispatchopt.io.kinds._pairs import check_once
from dispatchopt.io.kinds.base import Parts
from dispatchopt.io.tables import flag, references

Array = npt.NDArray[Any]


def matrices(parts: Parts, profiles: Sequence[tuple[str, str]]) -> tuple[TravelMatrix, ...]:
    """Return the matrices of the table ``matrix``, one for each (name, source); () if faulty."""
    issues, table, places = parts.issues, parts["matrix"], parts["places"]
    size = len(places)
    if "matrix" not in parts.given and size > 1:
        hint = "or write travel = straight or road in the parameters"
        wanted = "a table matrix, as travel is given"
        issues.add("missing-table", parts.where, Said("no table matrix"), wanted, hint)
    origin = references(table, "from", places, issues)
    target = references(table, "to", places, issues)
    profile = table["profile"]
    wanted = f"below {len(profiles)}, the number of profiles"
    flag(table, "profile", profile >= len(profiles), "unknown-reference", wanted, issues)
    check_once(table, "to", (profile, origin, target), issues)
    for name in ("distance_m", "duration_s"):
        bad = (origin == target) & (origin >= 0) & (table[name] > 0)
        flag(table, name, bad, "conflict", "0 from a place to itself", issues)
    if len(issues):
        return ()
    result = []
    for number, (name, source) in enumerate(profiles):
        rows = profile == number
        cell = origin[rows], target[rows]
        result.append(
            TravelMatrix(
                distance_m=_square(size, cell, table["distance_m"][rows]),
                duration_s=_square(size, cell, table["duration_s"][rows]),
                source=source,
                profile=name,
            )
        )
    return tuple(result)


def _square(size: int, cell: tuple[Array, Array], values: Array) -> Array:
    matrix = np.full((size, size), UNREACHABLE, dtype=np.int64)
    np.fill_diagonal(matrix, 0)
    matrix[cell] = values
    return matrix


def routers(parts: Parts, profiles: Sequence[str]) -> tuple[Router, ...]:
    """Return a router for each vehicle profile; () if something is wrong."""
    issues, given, places = parts.issues, parts.header.parameters, parts["places"]
    if "matrix" in parts.given:
        wanted = f"no such table where travel is {given.travel}"
        issues.add("conflict", parts["matrix"].table.where, Said("a table matrix"), wanted)
    for column in ("lon", "lat"):
        wanted = f"a coordinate, as travel is {given.travel}"
        flag(places, column, np.isnan(places[column]), "missing-value", wanted, issues)
    network = network_from(parts["network/nodes"], parts["network/edges"], issues)
    if len(issues):
        return ()
    try:
        return tuple(
            router_for(
                given.travel,
                profile=name,
                detour_factor=given.detour_factor,
                network=network,
                snap_limit_m=given.snap_limit_m,
                far="unreachable",
            )
            for name in profiles
        )
    except InputError as error:
        issues.extend(error.issues)
        return ()


def matrix_table(travel: Sequence[TravelMatrix], names: Array) -> dict[str, Any]:
    """Return the table of matrices: all pairs that have a way, but no place to itself."""
    columns: dict[str, list[Array]] = {
        name: [] for name in ("profile", "from", "to", "distance_m", "duration_s")
    }
    for number, matrix in enumerate(travel):
        has_way = (matrix.distance_m < UNREACHABLE) | (matrix.duration_s < UNREACHABLE)
        np.fill_diagonal(has_way, val=False)
        origin, target = np.nonzero(has_way)
        columns["profile"].append(np.full(len(origin), number))
        columns["from"].append(names[origin])
        columns["to"].append(names[target])
        columns["distance_m"].append(matrix.distance_m[origin, target])
        columns["duration_s"].append(matrix.duration_s[origin, target])
    return {name: np.concatenate(values) for name, values in columns.items()}
