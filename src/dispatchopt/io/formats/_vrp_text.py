"""Text files of numbers: lines with their places, and tables in which every fault is named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.io.issues import Issues, Said

#: Largest absolute value of any number in a file.
LARGEST = 1e9
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_SNIFFED_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Line:
    """The words of a line, and its number in the file, from 1."""

    number: int
    words: list[str]


@dataclass(frozen=True, kw_only=True)
class Column:
    """What a column of a table may hold."""

    name: str
    low: float = -LARGEST
    high: float = LARGEST
    is_whole: bool = False

    @property
    def wanted(self) -> str:
        """What a message says about it."""
        kind = "a whole number" if self.is_whole else "a number"
        return f"{self.name}: {kind} from {self.low:g} to {self.high:g}"


def text_of(data: bytes) -> str:
    """Return the text of a file; old ones have names in other encodings than UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def head_of(path: Path) -> str:
    """Return the beginning of a file, or nothing where it is no text."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        data = file.read(_SNIFFED_BYTES)
    return "" if b"\0" in data else data.decode("utf-8-sig", errors="replace")


def lines_of(path: Path) -> list[Line]:
    """Return the lines of a file that hold anything."""
    return list(_lines(text_of(path.read_bytes())))


def _lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.split()
        if words:
            yield Line(number=number, words=words)


def number_of(word: str, column: Column, where: str, issues: Issues) -> float:
    """Return the number that a word stands for; 0 and an issue if it is none that is wanted."""
    if not _NUMBER.fullmatch(word):
        issues.add("not-a-number", where, word, column.wanted)
        return 0.0
    value = float(word)
    if not column.low <= value <= column.high:
        issues.add("out-of-range", where, Said(word[:80]), column.wanted)
        return 0.0
    if column.is_whole and value != np.floor(value):
        issues.add("not-whole", where, Said(word[:80]), column.wanted)
        return 0.0
    return value


def table_of(
    lines: Sequence[Line], columns: Sequence[Column], where: str, issues: Issues
) -> FloatArray:
    """Return the numbers of lines of equal width, shape (num_lines, num_columns).

    Parameters
    ----------
    lines
        One per row.
    columns
        What each word of a line has to be.
    where
        Name of the file.
    issues
        Takes everything that is wrong; rows with a fault hold zeros.
    """
    width = len(columns)
    uneven = [line for line in lines if len(line.words) != width]
    for line in uneven:
        wanted = f"{width} numbers: " + ", ".join(column.name for column in columns)
        found = Said(f"{len(line.words)} words")
        issues.add("row-width", f"{where} line {line.number}", found, wanted, "", where)
    if not lines:
        return np.zeros((0, width))
    if not uneven:
        table = _quickly([line.words for line in lines], columns)
        if table is not None:
            return table
    result = np.zeros((len(lines), width))
    for row, line in enumerate(lines):
        for at, (word, column) in enumerate(zip(line.words, columns, strict=False)):
            result[row, at] = number_of(word, column, f"{where} line {line.number}", issues)
    return result


def _quickly(words: list[list[str]], columns: Sequence[Column]) -> FloatArray | None:
    """Return the table if nothing in it is wrong."""
    if any("_" in word for row in words for word in row):
        return None
    try:
        table = np.array([[float(word) for word in row] for row in words])
    except ValueError:
        return None
    low = np.array([column.low for column in columns])
    high = np.array([column.high for column in columns])
    is_whole = np.array([column.is_whole for column in columns])
    with np.errstate(invalid="ignore"):
        is_sound = (table >= low) & (table <= high)
        is_sound &= ~is_whole | (table == np.floor(table))
    return table if is_sound.all() else None
