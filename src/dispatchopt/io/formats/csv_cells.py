"""A CSV of grid cells with population: H3 indices, INSPIRE codes, or columns and rows.

- A column ``h3`` (or ``h3_index``, ``h3_cell``, ``hex_id``...) holds H3 indices.
- A column ``grd_id`` (or ``cellcode``, ``grid_id``, ``cell``...) holds codes of the European grid,
  as ``CRS3035RES1000mN2689000E4337000`` or ``1kmN2689E4337``, or H3 indices.
- Columns ``col`` and ``row`` number squares of ``cell_m`` metres from ``origin_lon``,
  ``origin_lat``, to the east and to the north.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.geography import hexagons
from dispatchopt.geography.distance import LocalPlane
from dispatchopt.io.document import Document, Table
from dispatchopt.io.documents import instance_of
from dispatchopt.io.encodings.folder import read_csv
from dispatchopt.io.formats._areas import AREA_OPTION_TEXTS, AREA_OPTIONS, Areas, areas_document
from dispatchopt.io.formats._base import Format
from dispatchopt.io.formats._points import (
    OPTION_TEXTS,
    city_document,
    column_names,
    require_demand,
    take_place_options,
)
from dispatchopt.io.formats.csv_areas import header_of
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said, single
from dispatchopt.io.schema.rows import AreaRow
from dispatchopt.io.tables import check_table

_HEXAGONS = ("h3", "h3_index", "h3index", "h3_cell", "h3_id", "h3_address", "hex_id", "hex")
_CODES = ("grd_id", "grid_id", "gridcode", "cellcode", "cell_code", "cell", "cell_id", "inspire_id")
_LONG = re.compile(r"CRS3035RES([0-9]{1,6})mN([0-9]{1,8})E([0-9]{1,8})", re.ASCII)
_SHORT = re.compile(r"([0-9]{1,6})(k?m)N([0-9]{1,8})E([0-9]{1,8})", re.ASCII)
#: European grid: Lambert's equal-area projection.
_EUROPE = "EPSG:3035"
#: Cells numbered farther than this lie in another city.
_MOST_CELLS = 10**6
OPTIONS: dict[str, tuple[type, Any, float, float]] = {
    **AREA_OPTIONS,
    "point_every_m": (int, 0, 0, 100_000),
    "cell_m": (int, 0, 0, 100_000),
    "origin_lon": (float, None, -180, 180),
    "origin_lat": (float, None, -90, 90),
}
_TEXTS = {
    **OPTION_TEXTS,
    **AREA_OPTION_TEXTS,
    "point_every_m": "as for areas: several customers in a cell (default 0: one in its middle)",
    "cell_m": "side of squares numbered by col and row",
    "origin_lon": "longitude of the south-western corner of square 0, 0",
    "origin_lat": "latitude of that corner",
}


def _column(names: Sequence[str], words: Sequence[str]) -> str | None:
    return next((name for name in names if name.strip().lower() in words), None)


def _cell_columns(names: Sequence[str]) -> list[str]:
    """Return the columns that say which cell a row is: one, two, or none."""
    one = _column(names, _HEXAGONS) or _column(names, _CODES)
    if one is not None:
        return [one]
    pair = [_column(names, words) for words in (("col", "column"), ("row",))]
    return [name for name in pair if name is not None] if all(pair) else []


def _sniff(path: Path) -> bool:
    names = header_of(path)
    if names is None:
        return False
    if {"lon", "lat"} <= set(column_names(names).values()):
        # With places beside it, a column `cell` or `hex` may mean anything.
        return any(name.strip().lower().startswith("h3") for name in _cell_columns(names))
    return bool(_cell_columns(names))


@dataclasses.dataclass(frozen=True)
class _Squares:
    """Squares of a grid: their south-western corners and sides, metres in a plane."""

    corner: Any
    side_m: Any
    to_lonlat: Any

    def middles(self) -> Any:
        return self.to_lonlat(self.corner + self.side_m[:, None] / 2)

    def outlines(self) -> list[Any]:
        import shapely

        flat = shapely.box(*self.corner.T, *(self.corner + self.side_m[:, None]).T)
        return list(shapely.transform(flat, self.to_lonlat))


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_place_options(options, OPTIONS)
    if chosen["crs"] != "WGS84":
        raise single("conflict", "option crs", chosen["crs"], "none: cells say where they are")
    raw = read_csv(path, path.name)
    columns = _cell_columns(list(raw.columns))
    if not columns:
        wanted = "a column h3, a column grd_id, or columns col and row"
        raise single("missing-column", path.name, Said(", ".join(raw.columns)[:200]), wanted)
    issues = Issues()
    squares: _Squares | None = None
    if len(columns) == 2:
        ids, squares = _numbered(raw, columns, chosen, issues)
    elif _is_european(raw.columns[columns[0]]):
        ids, squares = _european(raw, columns[0], issues)
    else:
        ids = _hexagonal(raw, columns[0], issues)
    table, left_out = _ours(raw, columns, ids, chosen)
    check_table("cells", table, AreaRow, issues)
    if squares is None and not len(issues):
        _refuse_nested(table, ids, issues)
    issues.raise_if_any()
    return instance_of(_document(path, table, squares, chosen, left_out))


def _ours(
    raw: Table, columns: Sequence[str], ids: Sequence[str], chosen: Mapping[str, Any]
) -> tuple[Table, list[str]]:
    """Return cells and population under our names, and the columns that are neither."""
    rest = [name for name in raw.columns if name not in columns]
    names = column_names(rest, chosen["demand"])
    require_demand(names, raw, chosen["demand"])
    demand = next((name for name, ours in names.items() if ours == "demand_units"), None)
    if demand is None:
        wanted = "a column population (or demand, weight)"
        hint = "name the column that holds it: --set demand=COLUMN"
        raise single("missing-column", raw.where, Said(", ".join(raw.columns)[:200]), wanted, hint)
    of_file = {"id": columns[0], "demand_units": demand}

    def place(row: int, name: str) -> str:
        return raw.place(row, of_file.get(name, name))

    kept = {"id": list(ids), "demand_units": raw.columns[demand]}
    table = dataclasses.replace(raw, columns=kept, place=place)
    return table, [name for name in rest if name != demand]


def _hexagonal(raw: Table, column: str, issues: Issues) -> list[str]:
    """Return H3 indices as 15 small hexadecimal digits; rows that hold none are reported."""
    ids = []
    for row, cell in enumerate(raw.columns[column]):
        text = cell.strip().lower().removeprefix("0x")
        if text.isascii() and text.isdigit() and len(text) in (18, 19):
            text = f"{int(text):x}"  # databases write the index as a whole number
        if not hexagons.is_cell(text):
            hint = "a spreadsheet may have rounded it" if re.search("[.+]", text) else ""
            wanted = "an H3 index, such as 89390cb1b47ffff"
            issues.add("bad-cell", raw.place(row, column), cell, wanted, hint, column)
            text = f"row {row}"
        ids.append(text)
    return ids


def _refuse_nested(table: Table, ids: Sequence[str], issues: Issues) -> None:
    """Report cells that lie in others, whose people would count twice."""
    rows = {cell: row for row, cell in enumerate(ids)}
    for cell, coarse in hexagons.inside_others(ids).items():
        place = table.place(rows[cell], "id")
        wanted = f"cells that do not overlap: it lies in {coarse}"
        issues.add("conflict", place, cell, wanted, "", table.where)


def _is_european(cells: Sequence[str]) -> bool:
    first = next((cell.strip() for cell in cells if cell.strip()), "")
    return bool(_LONG.fullmatch(first) or _SHORT.fullmatch(first))


def _european(raw: Table, column: str, issues: Issues) -> tuple[list[str], _Squares]:
    """Return codes and squares of the European grid; rows that hold none are reported."""
    from pyproj import Transformer

    squares = np.ones((raw.num_rows, 3))
    ids = []
    for row, cell in enumerate(raw.columns[column]):
        square = _european_square(cell.strip())
        if square is None:
            wanted = "a code of the European grid, such as 1kmN2689E4337"
            issues.add("bad-cell", raw.place(row, column), cell, wanted, "", column)
        else:
            squares[row] = square
        ids.append(f"row {row}" if square is None else cell.strip())
    transformer = Transformer.from_crs(_EUROPE, "EPSG:4326", always_xy=True)

    def to_lonlat(xy: Any) -> Any:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return ids, _Squares(corner=squares[:, :2], side_m=squares[:, 2], to_lonlat=to_lonlat)


def _european_square(text: str) -> tuple[int, int, int] | None:
    """Return east and north of the south-western corner, and the side, in metres."""
    if found := _LONG.fullmatch(text):
        side, north, east = (int(part) for part in found.groups())
    elif found := _SHORT.fullmatch(text):
        side = int(found[1]) * (1000 if found[2] == "km" else 1)
        # Short codes leave out as many zeros as the side ends with.
        factor = 10 ** (len(str(side)) - len(str(side).rstrip("0")))
        north, east = int(found[3]) * factor, int(found[4]) * factor
    else:
        return None
    is_fit = 0 < side <= 100_000 and north % side == 0 and east % side == 0
    is_fit &= 900_000 <= north < 7_400_000 and 900_000 <= east < 7_400_000
    return (east, north, side) if is_fit else None


def _numbered(
    raw: Table, columns: Sequence[str], chosen: Mapping[str, Any], issues: Issues
) -> tuple[list[str], _Squares]:
    """Return squares by column and row; cells that are no numbers are reported."""
    lon, lat, side = chosen["origin_lon"], chosen["origin_lat"], chosen["cell_m"]
    if lon is None or lat is None or not side:
        wanted = "the options cell_m, origin_lon and origin_lat, for cells by column and row"
        raise single("missing-value", "options", Said("not all of them"), wanted)
    numbers = np.zeros((raw.num_rows, 2))
    for axis, name in enumerate(columns):
        for row, cell in enumerate(raw.columns[name]):
            if re.fullmatch(r"\s*[+-]?[0-9]{1,7}\s*", cell, re.ASCII) and (
                abs(int(cell)) < _MOST_CELLS
            ):
                numbers[row, axis] = int(cell)
            else:
                wanted = f"a whole number between -{_MOST_CELLS:,} and {_MOST_CELLS:,}"
                issues.add("bad-cell", raw.place(row, name), cell, wanted, "", name)
    ids = [f"{column:.0f}/{row:.0f}" for column, row in numbers.tolist()]
    if len(issues):  # a cell that was reported is not reported as a repeated one too
        ids = [f"row {row}" for row in range(raw.num_rows)]
    sides = np.full(raw.num_rows, float(side))
    plane = LocalPlane(lon, lat)
    return ids, _Squares(corner=numbers * side, side_m=sides, to_lonlat=plane.to_lonlat)


def _document(
    path: Path,
    table: Table,
    squares: _Squares | None,
    chosen: Mapping[str, Any],
    left_out: list[str],
) -> Document:
    ids = table.columns["id"]
    if chosen["point_every_m"]:
        shapes = hexagons.outlines(ids) if squares is None else squares.outlines()
        areas = Areas(table=table, shapes=shapes)
        return areas_document(areas, path.stem, path.name, {**chosen, "demand": ""})
    if squares is None:
        points = hexagons.middles(ids)
        lon, lat = points.lon.tolist(), points.lat.tolist()
    else:
        lon, lat = squares.middles().T.tolist() if len(ids) else ([], [])
    columns = {**table.columns, "lon": lon, "lat": lat}
    customers = dataclasses.replace(table, columns=columns)
    return city_document(customers, path.stem, path.name, chosen, left_out)


FORMAT = Format(name="csv-cells", sniff=_sniff, read=_read, options=_TEXTS)
