"""The tree of errors.

DispatchOptError
├── InputError           what the caller gave is wrong; lists every issue found
├── UnsupportedError     no engine here can do what was asked
├── NoSolutionError      ``result.require()`` on a result without a solution
├── EngineError          an engine broke a rule or misreported a cost: a bug
└── MissingPackageError  an optional package is needed and not installed
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class DispatchOptError(Exception):
    """Base of every error that dispatchopt raises on purpose."""


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One thing that is wrong with an input.

    Parameters
    ----------
    code
        Stable name such as ``missing-column``; all are listed in ``instances/README.md``.
    where
        File and row (``customers.csv row 12``) or JSON path (``/stores/3/lat``).
    found
        The offending value, shortened for display.
    wanted
        What would have been accepted.
    hint
        What the reader may try; empty if there is nothing useful to say.
    """

    code: str
    where: str
    found: str
    wanted: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: found {self.found}; wanted {self.wanted} [{self.code}]"
        return f"{text}\n    hint: {self.hint}" if self.hint else text


class InputError(DispatchOptError):
    """An input is invalid; ``issues`` lists all problems found, not just the first."""

    def __init__(self, issues: Issue | Iterable[Issue]) -> None:
        self.issues: tuple[Issue, ...] = (issues,) if isinstance(issues, Issue) else tuple(issues)
        if not self.issues:
            raise ValueError("an InputError needs at least one issue")
        count = len(self.issues)
        head = "1 problem in the input" if count == 1 else f"{count} problems in the input"
        super().__init__("\n".join([head, *(f"  {issue}" for issue in self.issues)]))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Issue, ...]]]:
        return (InputError, (self.issues,))


class UnsupportedError(DispatchOptError):
    """The engine named (or every engine) cannot handle this problem; the message says why."""


class NoSolutionError(DispatchOptError):
    """A solution was required from a result that holds none."""


class EngineError(DispatchOptError):
    """An engine offered a solution that breaks a rule, or claimed a wrong cost or bound."""


class MissingPackageError(DispatchOptError):
    """An optional package is not installed.

    Parameters
    ----------
    package
        The package to import.
    extra
        The extra of dispatchopt that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(
            f"the package {package!r} is needed here and not installed; "
            f"install it with: pip install 'dispatchopt[{extra}]'"
        )

    def __reduce__(self) -> tuple[type[MissingPackageError], tuple[str, str]]:
        return (MissingPackageError, (self.package, self.extra))
