"""What readers of siting sets share: streams of numbers, and coverage from places."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.geography.coverage import Coverage
from dispatchopt.io.formats._vrp_text import Column, head_of, lines_of, number_of
from dispatchopt.io.issues import Issues, Said, single

#: Pairs of site and customer up to which all are kept.
MOST_PAIRS = 50_000_000
COUNT = Column(name="count", low=0, high=1e6, is_whole=True)
_SMALL = 4096


class Numbers:
    """The words of a file in their order, whatever its lines."""

    def __init__(self, path: Path) -> None:
        lines = lines_of(path)
        self.where = path.name
        self.issues = Issues()
        self._words = [word for line in lines for word in line.words]
        self._line = np.repeat(
            np.array([line.number for line in lines], dtype=np.int64),
            [len(line.words) for line in lines],
        )
        self._at = 0

    def take(self, count: int, *columns: Column) -> FloatArray:
        """Return the next numbers, shape (count, number of columns).

        Raises
        ------
        InputError
            If there are not so many left.
        """
        total = count * len(columns)
        left = len(self._words) - self._at
        if total > left:
            names = ", ".join(column.name for column in columns)
            wanted = f"{total} more numbers ({count} x {names})"
            self.issues.add("row-width", self.where, Said(f"{left} words"), wanted)
            self.issues.raise_if_any()
        result = np.zeros((count, len(columns)))
        flat = result.reshape(-1)
        for place in range(total):
            word = self._words[self._at + place]
            where = f"{self.where} line {self._line[self._at + place]}"
            flat[place] = number_of(word, columns[place % len(columns)], where, self.issues)
        self._at += total
        return result

    def peek(self) -> str:
        """Return the next word, or nothing at the end."""
        return self._words[self._at] if self._at < len(self._words) else ""

    def skip(self) -> None:
        """Leave out a word."""
        self._at += 1

    def finish(self) -> None:
        """Refuse what is left, and raise whatever was found."""
        left = len(self._words) - self._at
        if left:
            line = self._line[self._at]
            found = Said(f"{left} words more than the counts at the top say")
            self.issues.add("row-width", f"{self.where} line {line}", found, "the end of the file")
        self.issues.raise_if_any()


def widths(path: Path, count: int) -> list[list[str]]:
    """Return the words of the first lines of a text file that hold any."""
    head = head_of(path)
    lines = [line.split() for line in head.splitlines() if line.split()]
    # The last line may be cut off where the head ends.
    whole = lines if len(head) < _SMALL else lines[:-1]
    return whole[:count]


def are_numbers(words: Iterable[str], *, is_whole: bool = False) -> bool:
    """Whether words are plain numbers."""
    try:
        values = [float(word) for word in words]
    except ValueError:
        return False
    return all(math.isfinite(value) and (not is_whole or value.is_integer()) for value in values)


def check_pairs(sites: int, customers: int, where: str) -> None:
    """Refuse sizes of which not all pairs fit into memory."""
    if sites * customers > MOST_PAIRS:
        found = Said(f"{sites} sites x {customers} customers")
        raise single("too-large", where, found, f"at most {MOST_PAIRS} pairs")


def full(distance_m: IntArray) -> Coverage:
    """Return the coverage of a (sites, customers) table, all of whose pairs count."""
    sites, customers = distance_m.shape
    return Coverage(
        indptr=np.arange(sites + 1) * customers,
        customer_idx=np.tile(np.arange(customers), sites),
        distance_m=distance_m.reshape(-1),
        num_customers=customers,
        cutoff_m=int(distance_m.max(initial=0)),
    )


def within(
    num_sites: int,
    num_customers: int,
    reached: Callable[[int], IntArray],
    cutoff_m: int,
) -> Coverage:
    """Return the coverage where only who reaches whom is known; distances are 0.

    Parameters
    ----------
    reached
        Returns the customers of a site, rising.
    """
    rows = [reached(site) for site in range(num_sites)]
    sizes = [len(row) for row in rows]
    if sum(sizes) > MOST_PAIRS:
        raise single("too-large", "pairs", sum(sizes), f"at most {MOST_PAIRS} pairs in reach")
    total = np.concatenate([np.zeros(0, dtype=np.int64), *rows])
    return Coverage(
        indptr=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        customer_idx=total,
        distance_m=np.zeros(len(total), dtype=np.int64),
        num_customers=num_customers,
        cutoff_m=cutoff_m,
    )


def floored(xy: FloatArray) -> IntArray:
    """Return straight distances between all places, rounded down, shape (n, n)."""
    check_pairs(len(xy), len(xy), "places")
    dx = xy[:, 0][:, None] - xy[:, 0][None, :]
    dy = xy[:, 1][:, None] - xy[:, 1][None, :]
    whole: IntArray = np.floor(np.sqrt(dx * dx + dy * dy)).astype(np.int64)
    return whole
