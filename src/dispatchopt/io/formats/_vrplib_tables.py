"""Numbers of a VRPLIB file: per place, per vehicle, and the matrix."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.geography.matrix import TravelMatrix
from dispatchopt.io.formats._vrp_build import MOST_PLACES, Rounding, euclidean, travel_of
from dispatchopt.io.formats._vrp_text import LARGEST, Column, Line, number_of, table_of
from dispatchopt.io.formats._vrplib_sections import Parts
from dispatchopt.io.issues import Said, nearest, single

_INDEX = Column(name="number", low=1, high=1e7, is_whole=True)
_EDGE = Column(name="distance", low=0)
_SHAPES = ("FULL_MATRIX", "LOWER_ROW", "LOWER_DIAG_ROW", "UPPER_ROW", "UPPER_DIAG_ROW")


def dimension_of(parts: Parts) -> int:
    """Return the number of places.

    Raises
    ------
    InputError
        If the file has none that can be read.
    """
    column = Column(name="DIMENSION", low=2, high=MOST_PLACES, is_whole=True)
    size = parts.number("DIMENSION", column)
    if size is None:
        found = Said("no DIMENSION")
        raise single("missing-key", parts.where, found, "a line DIMENSION : number of places")
    parts.issues.raise_if_any()
    return int(size)


def by_row(parts: Parts, section: str, size: int, columns: tuple[Column, ...]) -> FloatArray | None:
    """Return a section whose lines are numbered from 1 to ``size``, in any sequence."""
    if section not in parts.sections:
        return None
    lines, issues, where = parts.sections[section], parts.issues, parts.where
    rows = table_of(lines, (_INDEX, *columns), where, issues)
    result = np.zeros((size, len(columns)))
    numbers = rows[:, 0].astype(np.int64)
    is_sound = len(rows) == size and np.array_equal(np.sort(numbers), np.arange(1, size + 1))
    if not is_sound:
        if not len(issues):
            _misnumbered(parts, section, lines, numbers, size)
        return result
    result[numbers - 1] = rows[:, 1:]
    return result


def _misnumbered(
    parts: Parts, section: str, lines: list[Line], numbers: IntArray, size: int
) -> None:
    issues, where = parts.issues, parts.where
    seen: set[int] = set()
    for line, number in zip(lines, numbers.tolist(), strict=True):
        place = f"{where} line {line.number}"
        if number > size:
            wanted = f"a number from 1 to {size}"
            issues.add("unknown-reference", place, number, wanted, "", section)
        elif number in seen:
            issues.add("duplicate-id", place, number, "each number once", "", section)
        seen.add(number)
    missing = [number for number in range(1, size + 1) if number not in seen]
    if missing:
        found = Said(f"{section} without number {missing[0]}")
        issues.add("missing-value", where, found, f"the numbers 1 to {size}")


def lists_of(parts: Parts, section: str, size: int, most: int) -> list[list[int]] | None:
    """Return a section with any number of indices per line, from 0."""
    if section not in parts.sections:
        return None
    result: list[list[int]] = [[] for _ in range(size)]
    entry = Column(name="number", low=1, high=most, is_whole=True)
    owner = Column(name="number", low=1, high=size, is_whole=True)
    for line in parts.sections[section]:
        place = f"{parts.where} line {line.number}"
        row = int(number_of(line.words[0], owner, place, parts.issues))
        values = [number_of(word, entry, place, parts.issues) for word in line.words[1:]]
        if row and result[row - 1]:
            parts.issues.add("duplicate-id", place, row, "each number once", "", section)
        elif row:
            result[row - 1] = sorted({int(value) - 1 for value in values if value})
    return result


def depots_of(parts: Parts, size: int) -> list[int]:
    """Return the places of the depots, from 0; the first place where the file names none."""
    if "DEPOT_SECTION" not in parts.sections:
        return [0]
    found: list[int] = []
    column = Column(name="depot", low=1, high=size, is_whole=True)
    for line in parts.sections["DEPOT_SECTION"]:
        place = f"{parts.where} line {line.number}"
        for word in line.words:
            if word == "-1":
                break
            depot = int(number_of(word, column, place, parts.issues)) - 1
            if depot in found:
                parts.issues.add("duplicate-id", place, depot + 1, "each depot once")
            found.append(depot)
    if not found:
        parts.issues.add("empty-table", parts.where, Said("DEPOT_SECTION without a depot"), "one")
    elif len(found) >= size:
        parts.issues.add("empty-table", parts.where, Said("depots only"), "at least one customer")
    return found


def default_rounding(parts: Parts) -> str:
    """Return the convention under which costs of such a file are published."""
    if parts.text("EDGE_WEIGHT_TYPE") == "EXPLICIT" or parts.text("TYPE") in {"CVRP", "ACVRP"}:
        return "round"
    return "exact" if parts.text("TYPE") == "MDVRPTW" else "dimacs"


def travel_matrix(parts: Parts, size: int, rounding: Rounding) -> TravelMatrix:
    """Return the matrix, given or from coordinates.

    Raises
    ------
    InputError
        Listing everything that is wrong so far.
    """
    how = parts.text("EDGE_WEIGHT_TYPE", "EUC_2D")
    where, issues = parts.where, parts.issues
    if how == "EXPLICIT":
        edges = _edges(parts, size)
        issues.raise_if_any()
        return travel_of(edges, rounding, where)
    if how != "EUC_2D":
        place = f"{where} line {parts.keys['EDGE_WEIGHT_TYPE'][1]}"
        issues.add("bad-choice", place, how, "EUC_2D or EXPLICIT")
    xy = by_row(parts, "NODE_COORD_SECTION", size, (Column(name="x"), Column(name="y")))
    if xy is None:
        issues.add("missing-table", where, Said("no NODE_COORD_SECTION"), "places of all numbers")
    issues.raise_if_any()
    assert xy is not None
    return euclidean(xy, rounding, where)


def _edges(parts: Parts, size: int) -> FloatArray:
    """Return the numbers of a matrix, in the shape that the file says."""
    shape = parts.text("EDGE_WEIGHT_FORMAT", "FULL_MATRIX")
    where, issues = parts.where, parts.issues
    matrix = np.zeros((size, size))
    if shape not in _SHAPES:
        hint = nearest(shape, _SHAPES)
        wanted = "one of " + ", ".join(_SHAPES)
        issues.add("bad-choice", f"{where} EDGE_WEIGHT_FORMAT", shape, wanted, hint)
        return matrix
    lines = parts.sections.get("EDGE_WEIGHT_SECTION", [])
    flat = _stream(parts, lines)
    if shape == "FULL_MATRIX":
        at = (np.repeat(np.arange(size), size), np.tile(np.arange(size), size))
    else:
        offset = 0 if "DIAG" in shape else 1
        is_lower = shape.startswith("LOWER")
        at = np.tril_indices(size, -offset) if is_lower else np.triu_indices(size, offset)
    if len(flat) != len(at[0]):
        wanted = f"{len(at[0])} for {size} places as {shape}"
        found = Said(f"{len(flat)} numbers in EDGE_WEIGHT_SECTION")
        issues.add("row-width", where, found, wanted)
        return matrix
    matrix[at] = flat
    if shape != "FULL_MATRIX":
        matrix = np.maximum(matrix, matrix.T)
    # Some files hold large numbers where a place meets itself.
    np.fill_diagonal(matrix, 0)
    return matrix


def _stream(parts: Parts, lines: list[Line]) -> FloatArray:
    try:
        flat = np.array([float(word) for line in lines for word in line.words])
    except ValueError:
        flat = np.array([np.nan])
    with np.errstate(invalid="ignore"):
        is_sound = bool(((flat >= 0) & (flat <= LARGEST)).all())
    if is_sound and not any("_" in word for line in lines for word in line.words):
        return flat
    return np.array(
        [
            number_of(word, _EDGE, f"{parts.where} line {line.number}", parts.issues)
            for line in lines
            for word in line.words
        ]
    )
