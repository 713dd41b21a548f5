"""What a file holds: one problem, and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatchopt.geography.points import Points


@dataclass(frozen=True, kw_only=True, eq=False)
class Instance:
    """A problem with its name and its origin.

    Parameters
    ----------
    name
        For headings.
    kind
        ``city``, ``siting``, ``inventory``, ``routing`` or ``day``.
    problem
        A ``City``, ``SitingProblem``, ``InventoryProblem``, ``RoutingProblem`` or ``Day``.
    source
        Where the data comes from, with its licence.
    known_objective, known_bound
        Best objective and best lower bound that are known; None where unknown.
    names
        Names of rows by table, where the problem itself has none.
    places
        Places of rows by table, for maps, where the problem itself has none.
    notes
        What a reader has to say, and whatever else the document holds.
    extras
        What no solver needs: ``history`` and ``baskets`` of an inventory document.
    """

    name: str
    kind: str
    problem: Any
    source: str = ""
    known_objective: float | None = None
    known_bound: float | None = None
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    places: Mapping[str, Points] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    extras: Mapping[str, Any] = field(default_factory=dict)
