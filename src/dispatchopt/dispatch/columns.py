"""Checking column tables: every problem found is kept, none stops the search for the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray, set_frozen
from dispatchopt.core.errors import InputError, Issue


class Columns:
    """Collects the issues of one table while its columns are frozen and checked."""

    def __init__(self, table: str, owner: object, ids: Sequence[str]) -> None:
        self.table = table
        self.owner = owner
        self.ids = ids
        self.issues: list[Issue] = []
        self._broken: set[str] = set()
        seen: dict[str, int] = {}
        for row, name in enumerate(ids):
            if not name or name in seen:
                found = repr(name) if name == "" else f"{name!r}, also in row {seen[name]}"
                self.add(
                    "duplicate-id" if name else "bad-value", f"ids[{row}]", found, "unique ids"
                )
            seen.setdefault(name, row)

    def add(self, code: str, where: str, found: str, wanted: str) -> None:
        """Keep one issue."""
        place = f"{self.table}.{where}"
        self.issues.append(Issue(code=code, where=place, found=found, wanted=wanted))

    def freeze(self, name: str, dtype: type[np.generic], shape: tuple[int, ...] | None) -> None:
        """Make a field a read-only array of a type and, if given, of a shape."""
        try:
            set_frozen(self.owner, name, dtype)
        except (ValueError, TypeError, OverflowError) as error:
            self._broken.add(name)
            self.add("bad-value", name, str(error), f"an array of {dtype.__name__}")
            return
        found = getattr(self.owner, name).shape
        if shape is not None and found != shape:
            self._broken.add(name)
            self.add("bad-shape", name, str(found), str(shape))

    def get(self, name: str) -> IntArray | None:
        """Return a column that has the right type and shape, or None."""
        if name in self._broken:
            return None
        values: IntArray = getattr(self.owner, name)
        return values

    def each(self, name: str, is_bad: BoolArray, wanted: str, code: str = "out-of-range") -> None:
        """Keep one issue per entry of a column that is bad."""
        values = getattr(self.owner, name)
        for place in np.argwhere(is_bad):
            at = ",".join(str(int(i)) for i in place)
            row = int(place[0])
            whose = f" ({self.ids[row]})" if len(self.ids) == len(values) else ""
            self.add(code, f"{name}[{at}]{whose}", str(values[tuple(place)]), wanted)

    def at_least(self, name: str, least: int) -> None:
        """Every entry must be at least a number."""
        values = self.get(name)
        if values is not None:
            self.each(name, values < least, f"a whole number of at least {least}")

    def pointers(self, name: str, target: str) -> bool:
        """Whether a CSR pointer column runs from 0 to the length of its target and never falls."""
        ptr, values = self.get(name), self.get(target)
        if ptr is None or values is None:
            return False
        is_good = bool(
            len(ptr) > 0 and ptr[0] == 0 and ptr[-1] == len(values) and (np.diff(ptr) >= 0).all()
        )
        if not is_good:
            self.add("bad-shape", name, "pointers that do not fit", f"0 .. {len(values)}, rising")
        return is_good

    def close(self) -> None:
        """Raise all issues at once, if there are any."""
        if self.issues:
            raise InputError(self.issues)
