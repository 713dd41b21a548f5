"""Compiled parts of the interior point method on the open shares of sites."""

from __future__ import annotations

from typing import Any

from dispatchopt.core.compiled import compiled


@compiled()
def normal(start: Any, column: Any, weight: Any, out: Any) -> None:
    """Add ``A^T diag(weight) A`` to the lower triangle of ``out``; columns rise within rows."""
    for row in range(len(start) - 1):
        value = weight[row]
        for at in range(start[row], start[row + 1]):
            line = out[column[at]]
            for place in range(start[row], at + 1):
                line[column[place]] += value
