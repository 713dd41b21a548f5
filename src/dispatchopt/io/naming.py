"""Names in what a checker says of problems that know rows by number only."""

from __future__ import annotations

import re
from dataclasses import replace

from dispatchopt.core.result import Violation
from dispatchopt.io.instance import Instance

_ROW = re.compile(r"\b(order|store|courier) (\d+)\b")


def named_violations(
    violations: tuple[Violation, ...], instance: Instance
) -> tuple[Violation, ...]:
    """Return broken rules with the document's names of orders, stores and couriers.

    Parameters
    ----------
    violations
        What the checker found.
    instance
        The instance that was checked; rows of tables without names keep their numbers.
    """

    def name(found: re.Match[str]) -> str:
        word, row = found[1], int(found[2])
        names = instance.names.get(f"{word}s", ())
        return f"{word} {names[row]}" if row < len(names) else found[0]

    return tuple(replace(each, where=_ROW.sub(name, each.where)) for each in violations)
