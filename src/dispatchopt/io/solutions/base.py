"""What every kind of solution offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dispatchopt.geography.points import Points
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, nearest
from dispatchopt.io.schema.base import Part
from dispatchopt.io.schema.solution import SolutionHeader, solution_model


@dataclass(frozen=True, kw_only=True)
class Unserved:
    """Something that is not served: its table, its name, a reason code, and a remedy."""

    what: str
    id: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A shape on a map: ``point`` with one place, or ``line`` with several, and its properties."""

    shape: str
    places: Points
    properties: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SolutionKind:
    """One kind of solution.

    Parameters
    ----------
    name
        Kind of its problem.
    model
        Model of the decisions in a document.
    decisions
        Returns decisions by name, as plain values.
    solution
        Returns the solution that decisions describe; unknown names are issues.
    unserved
        Returns whatever is not served.
    rows
        Returns decisions as flat rows, for tables.
    features
        Returns decisions as shapes, for maps; needs the places of the instance.
    """

    name: str
    model: type[Part]
    decisions: Callable[[Instance, Any], dict[str, Any]]
    solution: Callable[[Instance, Any, Issues], Any]
    unserved: Callable[[Instance, Any], Sequence[Unserved]]
    rows: Callable[[Instance, Any], Sequence[Mapping[str, Any]]]
    features: Callable[[Instance, Any], Sequence[Feature]]

    @cached_property
    def document(self) -> type[SolutionHeader]:
        """Model of the whole document."""
        return solution_model(self.name, self.model)


class Names:
    """Finds rows by name, and keeps an issue for each name that is unknown."""

    def __init__(self, table: str, names: Sequence[str], issues: Issues) -> None:
        self._table = table
        self._index = {name: row for row, name in enumerate(names)}
        self._issues = issues

    def row(self, name: str, where: str) -> int:
        """Return the row of a name; -1 if it is unknown."""
        found = self._index.get(name, -1)
        if found < 0:
            hint = nearest(name, self._index) if len(self._index) <= 2000 else ""
            wanted = f"a name of {self._table}"
            self._issues.add("unknown-reference", where, name, wanted, hint, self._table)
        return found
