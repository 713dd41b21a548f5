"""Building the problem of a document, with faults told by the rows of its tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.io.issues import Issues
from dispatchopt.io.tables import Checked

P = TypeVar("P")
#: A field, or a cell of it.
_FIELD = re.compile(r"(\w+)(?:\[(\d+)\])?")


def built(make: Callable[[], P], issues: Issues, homes: Mapping[str, Checked] | None = None) -> P:
    """Return the problem that ``make`` builds, or raise its faults beside those found before.

    Parameters
    ----------
    make
        Builds the problem.
    issues
        What is wrong with the document so far.
    homes
        Tables whose rows the cells of a field are, by field; the column has the field's name.
    """
    try:
        return make()
    except InputError as error:
        issues.extend([_placed(each, homes or {}) for each in error.issues])
        issues.raise_if_any()
        raise


def _placed(issue: Issue, homes: Mapping[str, Checked]) -> Issue:
    """Return the issue with a column or cell of a file in place of an array or its row."""
    found = _FIELD.fullmatch(issue.where)
    if not found or found[1] not in homes:
        return issue
    home = homes[found[1]]
    is_cell = found[2] is not None
    column = f"{home.table.where} column {found[1]}"
    return replace(issue, where=home.place(int(found[2]), found[1]) if is_cell else column)
