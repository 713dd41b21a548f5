"""Compiled enumeration of the fillings of a site that earn nearly the most.

See ``_load_partition``. Compiled code is kept on disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    def njit(**_options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Stand in for the compiler, which has no types."""
        raise NotImplementedError
else:
    from numba import njit


@njit(cache=True)
def fillings(profit: Any, units: Any, span: Any, floor: Any, chosen: Any) -> Any:  # noqa: C901 - compiled as a whole
    """List the sets of items with a load within limits that earn at least ``floor``.

    ``span`` is (least, most) load. ``chosen`` gets them, a row each; returns how many there are,
    -1 if they are more than its rows. What the items from one on may still earn, by dynamic
    programming over the load, cuts off all that leads nowhere, so that each step leads to a set.
    """
    low, room = span
    size = len(profit)
    rest = np.empty((size + 1, room + 1))
    for load in range(room + 1):
        rest[size, load] = 0.0 if load >= low else -np.inf
    for at in range(size - 1, -1, -1):
        for load in range(room + 1):
            value = rest[at + 1, load]
            if load + units[at] <= room:
                value = max(value, rest[at + 1, load + units[at]] + profit[at])
            rest[at, load] = value
    if rest[0, 0] < floor:
        return 0
    is_taken = np.zeros(size, dtype=np.bool_)
    # Of each item on the way: nothing tried, taken tried, both tried.
    tried = np.zeros(size + 1, dtype=np.int64)
    count, at, load, earned = 0, 0, 0, 0.0
    while at >= 0:
        if at == size:
            if count == len(chosen):
                return -1
            chosen[count] = is_taken
            count += 1
        elif tried[at] == 0:
            tried[at] = 1
            more = load + units[at]
            if more <= room and earned + profit[at] + rest[at + 1, more] >= floor:
                is_taken[at] = True
                load, earned = more, earned + profit[at]
                at += 1
                tried[at] = 0
            continue
        elif tried[at] == 1:
            tried[at] = 2
            if is_taken[at]:
                is_taken[at] = False
                load, earned = load - units[at], earned - profit[at]
            if earned + rest[at + 1, load] >= floor:
                at += 1
                tried[at] = 0
            continue
        at -= 1
    return count
