"""Breaks of couriers: the table, and on which leg of a route each is taken.

A break is taken under way, on one leg: it interrupts driving, or is spent where the leg ends. So a
courier that sets out at ``t`` on a leg of ``w`` seconds begins its break no earlier than ``t`` and
``earliest_s`` say, and comes to the end of the leg at ``max(t + w, earliest_s) + duration_s``.
"""

# ruff: noqa: RUF009 - ``column`` returns a dataclass field, with a fresh default per object.

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.routing.tables import FAR, MOST_LISTED, Table, column, problem_issue

#: Leg of a break that lies before the start of the route.
BEFORE = -1
#: Leg of a break that begins after the end of the route.
AFTER = -2
#: Breaks of one courier: beyond, nobody could try where they go.
MOST_BREAKS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Breaks(Table):
    """When couriers rest: one row per break of a courier row; every courier of a class has them.

    Each is taken on the route, or lies wholly before its start, or begins after its end.

    Parameters
    ----------
    courier
        Row of the couriers, shape (num_breaks,).
    earliest_s, latest_s
        When the break may begin.
    duration_s
        How long it is.
    """

    courier: IntArray
    earliest_s: IntArray = column(0, -FAR)
    latest_s: IntArray = column(FAR, -FAR)
    duration_s: IntArray = column(0, 0)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "courier", frozen(self.courier, np.int64))
        except (ValueError, TypeError, OverflowError) as error:
            wanted = "whole numbers of at most 64 bits"
            raise InputError(problem_issue("bad-type", "courier", error, wanted)) from error
        self._freeze(len(self.courier))

    def __len__(self) -> int:
        return len(self.courier)

    def of_courier(self, courier: int) -> list[int]:
        """Return the breaks of a courier row, in the order of the table."""
        return np.flatnonzero(self.courier == courier).tolist() if len(self.courier) else []

    def reference_issues(self, num_couriers: int) -> list[Issue]:
        """Return what is wrong with the couriers that are named."""
        if self.courier.ndim != 1:
            return [
                problem_issue("bad-shape", "breaks.courier", self.courier.shape, "one per break")
            ]
        bad = np.flatnonzero((self.courier < 0) | (self.courier >= num_couriers))[:MOST_LISTED]
        wanted = f"a row from 0 to {num_couriers - 1}"
        issues = [
            problem_issue("bad-courier", f"breaks[{row}].courier", int(self.courier[row]), wanted)
            for row in bad
        ]
        if issues:
            return issues
        counts = np.bincount(self.courier, minlength=1)
        return [
            problem_issue(
                "out-of-range", f"breaks of courier {row}", counts[row], f"at most {MOST_BREAKS}"
            )
            for row in np.flatnonzero(counts > MOST_BREAKS)[:MOST_LISTED]
        ]


def no_breaks() -> Breaks:
    """Return the table without rows."""
    return Breaks(courier=np.zeros(0, dtype=np.int64))
