"""Turning cells into typed columns: whole columns at once, and one by one only to name faults."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.io.document import Cells
from dispatchopt.io.schema.base import Column

#: Stands for a missing whole number in a column that may lack it.
NO_INT = np.iinfo(np.int64).min
# Control characters, halves of a surrogate pair and non-characters cannot be written everywhere.
_BAD_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_INT = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_FLOAT = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", re.ASCII)
#: A column of no more different texts than these is converted text by text, not row by row.
_FEW = 256
_TRUE = {"true", "yes", "1"}
_FALSE = {"false", "no", "0"}

Array = npt.NDArray[Any]


class CellError(ValueError):
    """A cell does not hold what its column wants."""

    def __init__(self, code: str, hint: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.hint = hint


def convert(
    column: Column, values: Sequence[Any], cells: Cells, report: Callable[[int, str, str], None]
) -> Array:
    """Return a column as an array; every faulty cell is reported by row, code and hint.

    Missing cells take the default. Faulty ones hold something of the right type.
    """
    array = _fast(column, values, cells)
    if array is None:
        array = _repeated(column, values, cells)
    if array is None:
        array = _slow(column, values, cells, report)
    if column.kind in ("int", "float"):
        _check_range(column, array, report)
    return array


def _fast(column: Column, values: Sequence[Any], cells: Cells) -> Array | None:
    """Convert a column without faults and gaps; None if it is not one."""
    types = set(map(type, values))
    try:
        if column.kind == "int" and (types == {int} or (types == {str} and cells is Cells.TEXT)):
            if types == {str} and not _is_plain(values):
                return None
            return np.array(list(map(int, values)), dtype=np.int64)
        if column.kind == "float":
            is_text = types == {str} and cells is Cells.TEXT
            if (types and types <= {int, float}) or (is_text and _is_plain(values)):
                array = np.array(list(map(float, values)), dtype=np.float64)
                return array if np.isfinite(array).all() else None
        if column.kind == "bool" and types == {bool}:
            return np.array(values, dtype=np.bool_)
    except (ValueError, OverflowError):
        return None
    if column.kind == "text" and types == {str}:
        return _fast_text(column, values)
    return None


def _is_plain(values: Sequence[str]) -> bool:
    # Python also reads underscores and the digits of every script as numbers.
    joined = "".join(values)
    return joined.isascii() and "_" not in joined


def _fast_text(column: Column, values: Sequence[str]) -> Array | None:
    lengths = list(map(len, values))
    low = max(column.min_length, 1)
    if lengths and not (low <= min(lengths) and max(lengths) <= column.max_length):
        return None
    if _BAD_TEXT.search("".join(values)):
        return None
    if column.min_length and list(map(str.strip, values)) != list(values):
        return None
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _repeated(column: Column, values: Sequence[Any], cells: Cells) -> Array | None:
    """Convert a column of few different texts, each once; None if it is not one, or faulty."""
    if not set(map(type, values)) <= {str, NoneType}:  # 1, 1.0 and True would count as one
        return None
    distinct = set(values)
    if len(distinct) > _FEW:
        return None
    faults: list[int] = []

    def note(row: int, _code: str, _hint: str) -> None:
        faults.append(row)

    kinds = sorted(distinct, key=str)
    converted = _slow(column, kinds, cells, note)
    if faults:
        return None
    place = {cell: at for at, cell in enumerate(kinds)}
    rows = np.fromiter(map(place.__getitem__, values), dtype=np.int64, count=len(values))
    array: Array = converted[rows]
    return array


def _slow(
    column: Column, values: Sequence[Any], cells: Cells, report: Callable[[int, str, str], None]
) -> Array:
    reader = _READERS[column.kind]
    filler = _filler(column)
    result = []
    for row, cell in enumerate(values):
        if _is_missing(cell, cells, column):
            if column.is_required:
                report(row, "missing-value", "")
            result.append(filler)
            continue
        try:
            result.append(reader(column, cell, cells))
        except CellError as error:
            report(row, error.code, error.hint)
            result.append(_safe(column))
    dtype = {"int": np.int64, "float": np.float64, "bool": np.bool_}.get(column.kind, object)
    array: Array = np.empty(len(result), dtype=dtype)
    array[:] = result
    return array


def _is_missing(cell: Any, cells: Cells, column: Column) -> bool:
    if cell is None:
        return True
    if cells is Cells.TEXT:
        return not cell.strip() if isinstance(cell, str) else False
    if cells is Cells.LOOSE:
        is_nan = isinstance(cell, float) and math.isnan(cell)
        return is_nan or (cell == "" and column.kind != "text")
    return False


def filler(column: Column) -> Any:
    """Return what stands for a missing cell of a column."""
    return _filler(column)


def _filler(column: Column) -> Any:
    if column.default is not None:
        return column.default
    return _safe(column) if column.is_required else _none(column)


def _none(column: Column) -> Any:
    return {"int": NO_INT, "float": math.nan, "bool": False}.get(column.kind, "")


def _safe(column: Column) -> Any:
    """Return a value within range, so that a cell that is reported is not reported again."""
    if column.kind in ("int", "float"):
        value = min(max(0, column.low + column.is_low_open), column.high)
        return value if column.kind == "int" else float(value)
    return {"bool": False, "choice": (column.choices or ("",))[0]}.get(column.kind, "")


def _read_int(_column: Column, cell: Any, cells: Cells) -> int:
    if isinstance(cell, str) and (cells is Cells.TEXT or (cells is Cells.LOOSE and cell.strip())):
        if not _INT.fullmatch(cell):
            if _FLOAT.fullmatch(cell):
                return _whole(float(cell))
            raise CellError("not-a-number", _number_hint(cell))
        if len(cell) > 40:
            raise CellError("out-of-range")
        cell = int(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise CellError("wrong-type", _type_hint(cell))
    if isinstance(cell, float):
        return _whole(cell)
    if not -(2**63) < cell < 2**63:
        raise CellError("out-of-range")
    return int(cell)


def _whole(value: float) -> int:
    if not math.isfinite(value):
        raise CellError("not-finite")
    if value != math.floor(value):
        raise CellError("not-whole", f"round it, to {round(value)} say")
    if abs(value) >= 2.0**63:
        raise CellError("out-of-range")
    return int(value)


def _read_float(_column: Column, cell: Any, cells: Cells) -> float:
    if isinstance(cell, str) and cells is not Cells.STRICT:
        if cell.strip().lower().lstrip("+-") in ("nan", "inf", "infinity"):
            raise CellError("not-finite")
        if not _FLOAT.fullmatch(cell):
            raise CellError("not-a-number", _number_hint(cell))
        cell = float(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise CellError("wrong-type", _type_hint(cell))
    try:
        value = float(cell)
    except OverflowError:
        raise CellError("out-of-range") from None
    if not math.isfinite(value):
        raise CellError("not-finite")
    return value


def _read_bool(_column: Column, cell: Any, cells: Cells) -> bool:
    if isinstance(cell, bool):
        return cell
    if cells is Cells.STRICT:
        raise CellError("wrong-type", "write true or false, without quotes")
    word = str(cell).strip().lower()
    if isinstance(cell, float) and cell in (0.0, 1.0):
        word = str(int(cell))
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise CellError("wrong-type")


def _read_text(column: Column, cell: Any, cells: Cells) -> str:
    if not isinstance(cell, str):
        if cells is not Cells.LOOSE or isinstance(cell, bool) or not isinstance(cell, int | float):
            raise CellError("wrong-type", "put it in quotes" if isinstance(cell, int) else "")
        if isinstance(cell, float) and not math.isfinite(cell):
            raise CellError("not-finite")
        # A spreadsheet makes a number of the name 17.
        cell = str(int(cell)) if cell == math.floor(cell) else str(cell)
    if len(cell) > column.max_length:
        raise CellError("too-long")
    if len(cell) < column.min_length:
        raise CellError("missing-value")
    if _BAD_TEXT.search(cell):
        raise CellError("bad-text", "it holds control characters or broken ones")
    if column.min_length and cell != cell.strip():
        raise CellError("bad-text", "remove the blanks around it")
    return str(cell)


def _read_choice(column: Column, cell: Any, cells: Cells) -> str:
    if not isinstance(cell, str):
        raise CellError("wrong-type")
    text = cell if cells is Cells.STRICT else cell.strip()
    if text not in column.choices:
        from dispatchopt.io.issues import nearest

        raise CellError("bad-choice", nearest(text[:100], column.choices))
    return str(text)


def _number_hint(text: str) -> str:
    if re.fullmatch(r"\s*-?[0-9]+,[0-9]+\s*", text):
        return "write a decimal point in place of the comma"
    if re.fullmatch(r"\s*[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?\s*", text):
        parts = [int(part) for part in text.split(":")] + [0]
        return f"write seconds: {text.strip()} is {parts[0] * 3600 + parts[1] * 60 + parts[2]}"
    return ""


def _type_hint(cell: Any) -> str:
    if isinstance(cell, str) and _FLOAT.fullmatch(cell):
        return "write the number without quotes"
    return ""


_READERS: dict[str, Callable[[Column, Any, Cells], Any]] = {
    "int": _read_int,
    "float": _read_float,
    "bool": _read_bool,
    "text": _read_text,
    "choice": _read_choice,
}


def _check_range(column: Column, array: Array, report: Callable[[int, str, str], None]) -> None:
    below = array <= column.low if column.is_low_open else array < column.low
    above = array >= column.high if column.is_high_open else array > column.high
    bad = below | above
    if column.kind == "int" and column.is_optional:
        bad &= array != NO_INT
    for row in np.flatnonzero(bad):
        report(int(row), "out-of-range", "")
