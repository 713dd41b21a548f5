"""The inner loop of pricing: the least reduced cost of what a courier does after each door."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from dispatchopt.core.arrays import FloatArray, IntArray

#: Cells of the tables times bundles from which compiling pays.
_LARGE = 60_000

Tables = tuple[FloatArray, IntArray]


def _values(
    ways: tuple[IntArray, IntArray, int],
    times: tuple[IntArray, IntArray, IntArray],
    order: tuple[FloatArray, IntArray, IntArray, IntArray],
    span: tuple[IntArray, IntArray],
    tables: Tables,
) -> None:
    """Fill ``value[o, t]`` and ``choice[o, t]``: going on from the door of order o at step t.

    Steps run backwards, so that what follows is known.

    Parameters
    ----------
    ways
        Steps from doors to stores, store of each bundle, steps of parking.
    times
        Of each bundle: ready, latest take-over, steps until free again.
    order
        Of each bundle: reduced cost when taken over at once, size, last order; and bundles sorted
        by their latest take-over.
    span
        First and last step at which a courier may come free at each door.
    tables
        Value and choice, filled here, shape (orders, steps).
    """
    door_way, store, park = ways
    ready, latest, took = times
    cost, size, last, by_latest = order
    value, choice = tables
    num, steps = value.shape
    first = count = len(by_latest)
    for t in range(steps - 1, -1, -1):
        while first > 0 and latest[by_latest[first - 1]] >= t + park:
            first -= 1
        for o in range(num):
            best, chosen = 0.0, -1
            if span[0][o] <= t <= span[1][o]:
                for at in range(first, count):
                    b = by_latest[at]
                    p = t + door_way[o, store[b]] + park
                    if p > latest[b]:
                        continue
                    p = max(p, ready[b])
                    found = cost[b] + size[b] * (p - ready[b]) + value[last[b], p + took[b]]
                    if found < best:
                        best, chosen = found, b
            value[o, t] = best
            choice[o, t] = chosen


@cache
def _compiled() -> Any:
    from dispatchopt.core.compiled import compiled

    return compiled()(_values)


def values_for(num_orders: int, num_steps: int, num_bundles: int) -> Callable[..., None]:
    """Return the loop, compiled where the tables are large."""
    is_large = num_orders * num_steps * num_bundles > _LARGE
    loop: Callable[..., None] = _compiled() if is_large else _values
    return loop
