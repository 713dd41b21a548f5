"""The table of incidents of a day document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.io.issues import Said
from dispatchopt.io.kinds.base import Parts
from dispatchopt.io.tables import references
from dispatchopt.simulation.incidents import Incidents

#: Names of things, by index.
Names = Sequence[Any] | npt.NDArray[Any]
#: What each kind is about.
_ABOUT = {"break": "courier", "quit": "courier", "closure": "store", "delay": "order"}


def read_incidents(parts: Parts) -> Incidents:
    """Return the incidents of a checked document; those that name nothing are issues."""
    issues, table = parts.issues, parts["incidents"]
    rows = {
        name: references(table, name, parts[f"{name}s"], issues)
        for name in ("courier", "store", "order")
    }
    kind = np.array(table["kind"], dtype=str)
    whom: dict[str, Any] = {}
    seen: set[tuple[str, int]] = set()
    for row, word in enumerate(kind.tolist()):
        about = _ABOUT.get(word)
        if about is None:
            continue
        at = int(rows[about][row])
        if at < 0 and table[about][row] == "":
            wanted = f"the {about} that a {word} is about"
            issues.add("missing-value", table.place(row, about), Said("nothing"), wanted)
        elif word in ("quit", "delay") and (word, at) in seen:
            wanted = f"each {about} once with a {word}"
            issues.add("duplicate-id", table.place(row, about), table[about][row], wanted)
        seen.add((word, at))
    if len(issues):
        return Incidents()
    from_s, length_s = table["from_s"], table["length_s"]
    for word, about in _ABOUT.items():
        whom[word] = np.flatnonzero(kind == word)
        whom[f"{word}-at"] = rows[about][whom[word]]
    return Incidents(
        break_courier=whom["break-at"],
        break_from_s=from_s[whom["break"]],
        break_s=length_s[whom["break"]],
        quit_courier=whom["quit-at"],
        quit_s=from_s[whom["quit"]],
        closure_store=whom["closure-at"],
        closure_from_s=from_s[whom["closure"]],
        closure_until_s=from_s[whom["closure"]] + length_s[whom["closure"]],
        delay_order=whom["delay-at"],
        delay_s=length_s[whom["delay"]],
    )


def incident_table(
    given: Incidents, *, order: Names, store: Names, courier: Names
) -> dict[str, list[Any]]:
    """Return the columns of the table of incidents."""
    whole_s = given.closure_until_s - given.closure_from_s
    nothing = np.zeros(max(len(given.quit_s), len(given.delay_s)), dtype=np.int64)
    groups = (
        ("break", courier, given.break_courier, given.break_from_s, given.break_s),
        ("quit", courier, given.quit_courier, given.quit_s, nothing),
        ("closure", store, given.closure_store, given.closure_from_s, whole_s),
        ("delay", order, given.delay_order, nothing, given.delay_s),
    )
    columns: dict[str, list[Any]] = {
        name: [] for name in ("kind", "courier", "store", "order", "from_s", "length_s")
    }
    for kind, names, whom, from_s, length_s in groups:
        for at, row in enumerate(whom.tolist()):
            columns["kind"].append(kind)
            for about in ("courier", "store", "order"):
                columns[about].append(str(names[row]) if about == _ABOUT[kind] else "")
            columns["from_s"].append(int(from_s[at]))
            columns["length_s"].append(int(length_s[at]))
    return columns
