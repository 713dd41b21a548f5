"""A CSV of places as a city's customers, with candidate sites on a grid over them or in a file.

Columns ``lon`` and ``lat`` (or ``longitude``/``latitude``, ``lng``, ``x``/``y``) and, if they are
there, ``id`` and ``demand_units`` (or ``demand``, ``weight``, ``population``); others are left out.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dispatchopt.io.document import Cells, Document, Table
from dispatchopt.io.documents import instance_of
from dispatchopt.io.encodings.folder import read_csv
from dispatchopt.io.formats._base import Format
from dispatchopt.io.formats._points import (
    OPTION_TEXTS,
    city_document,
    column_names,
    require_demand,
    take_place_options,
)
from dispatchopt.io.instance import Instance


def _sniff(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(4096)
    if b"\0" in head:
        return False
    first = head.decode("utf-8-sig", errors="replace").splitlines()[:1]
    if not first:
        return False
    names = column_names(next(csv.reader(first), []))
    return "lon" in names.values() and "lat" in names.values()


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_place_options(options)
    raw = read_csv(path, path.name)
    names = column_names(raw.columns, chosen["demand"])
    require_demand(names, raw, chosen["demand"])
    table = Table(
        columns={names[name]: cells for name, cells in raw.columns.items() if name in names},
        num_rows=raw.num_rows,
        cells=Cells.TEXT,
        where=raw.where,
        place=raw.place,
    )
    left_out = [name for name in raw.columns if name not in names]
    document: Document = city_document(table, path.stem, path.name, chosen, left_out)
    return instance_of(document)


FORMAT = Format(name="csv-points", sniff=_sniff, read=_read, options=OPTION_TEXTS)
