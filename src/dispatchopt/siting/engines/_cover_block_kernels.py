"""Compiled passes over the rows of a block; imported when needed.

Compiled code is kept on disk, so that only the first use on a machine waits for the compiler.
"""

from __future__ import annotations

from typing import Any

from dispatchopt.core.compiled import compiled


@compiled()
def fold(start: Any, column: Any, state: Any, bits: Any, key: Any) -> None:
    """Give rows that the same free sites reach the same key: 0 where covered, 1 where out of reach.

    ``state`` is of each site 0 (closed), 1 (free) or 2 (open), ``bits`` a random number of each.
    """
    for row in range(len(start) - 1):
        mixed = 0
        is_covered = False
        is_reached = False
        for at in range(start[row], start[row + 1]):
            kind = state[column[at]]
            if kind == 2:
                is_covered = True
                break
            if kind == 1:
                is_reached = True
                mixed ^= bits[column[at]]
        if is_covered:
            key[row] = 0
        elif not is_reached:
            key[row] = 1
        else:
            key[row] = mixed


@compiled()
def taken(start: Any, column: Any, rows: Any, number: Any, begin: Any, out: Any) -> Any:
    """Write the sites of some rows that have a number >= 0; return how many."""
    count = 0
    for at in range(len(rows)):
        begin[at] = count
        for place in range(start[rows[at]], start[rows[at] + 1]):
            site = number[column[place]]
            if site >= 0:
                out[count] = site
                count += 1
    begin[len(rows)] = count
    return count
