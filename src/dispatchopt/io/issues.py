"""Collecting what is wrong with a document: everything at once, but never a million lines."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from dispatchopt.core.errors import InputError, Issue

#: Issues listed per code and table; the rest is counted.
MOST_LISTED = 20
_MOST_SHOWN = 80


def show(value: object) -> str:
    """Return a value as messages show it: one line, of limited length."""
    if value is None:
        return "nothing"
    if isinstance(value, str) and len(value) > _MOST_SHOWN:
        return f"{value[:_MOST_SHOWN]!r}... ({len(value)} characters)"
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Whole numbers of thousands of digits, and values nested without end.
        return f"a very large {type(value).__name__}"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word most like ``name``, or nothing."""
    words = list(known)
    folded = {word.lower().replace(" ", "_").replace("-", "_"): word for word in words}
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    if plain in folded:
        return f"did you mean {folded[plain]!r}?"
    like = difflib.get_close_matches(plain, folded, n=1, cutoff=0.6)
    return f"did you mean {folded[like[0]]!r}?" if like else ""


class Issues:
    """The issues of one document.

    Parameters
    ----------
    most
        How many are listed per code and group (a table); further ones are counted.
    """

    def __init__(self, most: int = MOST_LISTED) -> None:
        self._most = most
        self._listed: list[Issue] = []
        self._counts: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], Issue] = {}

    def __len__(self) -> int:
        return sum(self._counts.values())

    def add(  # noqa: PLR0917 - called from everywhere, always in the order of an Issue
        self, code: str, where: str, found: Any, wanted: str, hint: str = "", group: str = ""
    ) -> None:
        """Keep one issue; ``found`` is shown by ``show`` unless it is marked as text already."""
        key = (code, group)
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] > self._most:
            return
        text = found.text if isinstance(found, Said) else show(found)
        issue = Issue(code=code, where=where, found=text, wanted=wanted, hint=hint)
        self._listed.append(issue)
        self._last[key] = issue

    def is_full(self, code: str, group: str) -> bool:
        """Count one more issue of a kind if no more of it are listed; else return False."""
        key = (code, group)
        if self._counts.get(key, 0) < self._most:
            return False
        self._counts[key] += 1
        return True

    def extend(self, issues: Sequence[Issue]) -> None:
        """Keep issues that another part of the program found."""
        for issue in issues:
            self.add(issue.code, issue.where, Said(issue.found), issue.wanted, issue.hint)

    def all(self) -> tuple[Issue, ...]:
        """Return the issues listed, and one for each kind of which there are more."""
        more = [
            Issue(
                code=code,
                where=group or self._last[code, group].where,
                found=f"{count - self._most} more of this kind",
                wanted=self._last[code, group].wanted,
            )
            for (code, group), count in self._counts.items()
            if count > self._most
        ]
        return (*self._listed, *more)

    def raise_if_any(self) -> None:
        """Raise all issues at once, if there are any."""
        if self._listed:
            raise InputError(self.all())


class Said:
    """Text that stands in a message as it is, without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text


def single(code: str, where: str, found: object, wanted: str, hint: str = "") -> InputError:
    """Return an error with one issue."""
    text = found.text if isinstance(found, Said) else show(found)
    return InputError(Issue(code=code, where=where, found=text, wanted=wanted, hint=hint))
