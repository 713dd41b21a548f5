"""A CSV of areas: a column of outlines as WKT, and one of population.

The outline stands in a column ``wkt`` (or ``geometry``, ``geom``, ``the_geom``, ``polygon``).
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.io.documents import instance_of
from dispatchopt.io.encodings.folder import read_csv
from dispatchopt.io.formats._areas import AREA_OPTION_TEXTS, AREA_OPTIONS, Areas, areas_document
from dispatchopt.io.formats._base import Format
from dispatchopt.io.formats._points import OPTION_TEXTS, take_place_options
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import show

_OUTLINES = ("wkt", "geometry", "geom", "the_geom", "polygon", "outline")


def _outline_column(names: Sequence[str]) -> str | None:
    return next((name for name in names if name.strip().lower() in _OUTLINES), None)


def _sniff(path: Path) -> bool:
    names = header_of(path)
    return names is not None and _outline_column(names) is not None


def header_of(path: Path) -> list[str] | None:
    """Return the names of columns of a CSV file, None if it is none."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(4096)
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    if b"\0" in head or not lines or lines[0].lstrip()[:1] in ("{", "["):
        return None
    try:
        return next(csv.reader(lines[:1]), [])
    except csv.Error:
        return None


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_place_options(options, AREA_OPTIONS)
    raw = read_csv(path, path.name)
    column = _outline_column(list(raw.columns)) or ""
    texts = raw.columns.get(column, ())
    shapes, said = _shapes(texts)

    def place(row: int, name: str) -> str:
        return raw.place(row, column if name == "geometry" else name)

    table = dataclasses.replace(
        raw,
        columns={name: cells for name, cells in raw.columns.items() if name != column},
        place=place,
    )
    areas = Areas(table=table, shapes=shapes, said=said, crs=chosen["crs"])
    return instance_of(areas_document(areas, path.stem, path.name, chosen))


def _shapes(texts: Sequence[str]) -> tuple[list[Any], dict[int, str]]:
    import shapely

    shapes: list[Any] = []
    said: dict[int, str] = {}
    for row, text in enumerate(texts):
        plain = text.strip()
        try:
            with np.errstate(invalid="ignore"):  # a nan is told of below, not by numpy
                shape = shapely.from_wkt(plain) if plain else None
        except (shapely.errors.ShapelyError, ValueError):
            shape = None
        if shape is None:
            said[row] = f"{show(text)}, which is no outline as WKT" if plain else "no outline"
        shapes.append(shape)
    return shapes, said


FORMAT = Format(
    name="csv-areas", sniff=_sniff, read=_read, options={**OPTION_TEXTS, **AREA_OPTION_TEXTS}
)
