"""Which units a van takes, compiled: branch and bound on one knapsack.

Items are sorted by value per volume; the bound of what is left is Dantzig's (Martello and Toth,
Knapsack Problems, 1990, section 2), which also settles items before the search begins.
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.compiled import compiled

#: Differences of value below this are nothing.
_TINY = 1e-9
#: Mark of items that every better answer has.
_SURE = 2


@compiled()
def _greedy(
    count: int, value: FloatArray, volume: FloatArray, capacity: float, order: IntArray,
    taken: IntArray,
) -> tuple[int, float, float, float]:  # fmt: skip
    """Take items in order; returns the first that does not fit, Dantzig's bound, its ratio, value.

    The first is ``count`` where all fit.
    """
    rest, sure, critical = capacity, 0.0, count
    for a in range(count):
        item = order[a]
        if volume[item] > rest:
            critical = a
            break
        rest -= volume[item]
        sure += value[item]
        taken[item] = 1
    if critical == count:
        return critical, sure, 0.0, sure
    ratio = value[order[critical]] / volume[order[critical]]
    most, low = sure + rest * ratio, sure
    for a in range(critical + 1, count):
        item = order[a]
        if volume[item] <= rest:
            rest -= volume[item]
            low += value[item]
            taken[item] = 1
    return critical, most, ratio, low


@compiled()
def _reach(
    a: int, rest: float, known: float, core: int, value: FloatArray, volume: FloatArray,
    order: IntArray,
) -> tuple[int, float]:  # fmt: skip
    """Return the first item from a on that does not fit, and the bound with a part of it."""
    while a < core:
        item = order[a]
        if volume[item] > rest:
            return a, known + rest * value[item] / volume[item]
        rest -= volume[item]
        known += value[item]
        a += 1
    return a, known


@compiled()
def _branch(
    count: int, core: int, known: float, rest: float, best: float, max_nodes: int,
    value: FloatArray, volume: FloatArray, taken: IntArray, order: IntArray, now: IntArray,
) -> tuple[float, bool]:  # fmt: skip
    """Search the core, depth first; return the best value, and whether it is proven."""
    at = 0
    for _ in range(max_nodes):
        stop, limit = _reach(at, rest, known, core, value, volume, order)
        if limit > best + _TINY:
            while at < stop:
                item = order[at]
                now[item], known, rest = 1, known + value[item], rest - volume[item]
                at += 1
            if known > best:
                best = known
                for a in range(count):
                    taken[a] = 1 if now[a] > 0 else 0
            if at < core:
                at += 1
                continue
        at -= 1
        while at >= 0 and now[order[at]] != 1:
            at -= 1
        if at < 0:
            return best, True
        item = order[at]
        now[item], known, rest = 0, known - value[item], rest + volume[item]
        at += 1
    return best, False


@compiled()
def fill(
    count: int, value: FloatArray, volume: FloatArray, capacity: float, max_nodes: int,
    taken: IntArray, order: IntArray, now: IntArray,
) -> tuple[float, float]:  # fmt: skip
    """Choose among items of value above 0; returns a bound on the best value, and the value found.

    Both are the same unless the nodes run out. ``taken`` says what is chosen; ``order`` and ``now``
    are room to work in.
    """
    ratios = np.empty(count)
    for a in range(count):
        ratios[a] = -value[a] / max(volume[a], _TINY)
        taken[a] = 0
        now[a] = 0
    sorted_items = np.argsort(ratios)
    critical, most, ratio, best = _greedy(count, value, volume, capacity, sorted_items, taken)
    if critical == count:
        return best, best
    core, known, rest = 0, 0.0, capacity
    for a in range(count):
        item = sorted_items[a]
        off = value[item] - ratio * volume[item]
        if most - abs(off) >= best + _TINY:
            order[core] = item
            core += 1
        elif a < critical:
            known, rest, now[item] = known + value[item], rest - volume[item], _SURE
    found, is_proven = _branch(
        count, core, known, rest, best, max_nodes, value, volume, taken, order, now
    )  # fmt: skip
    return (found, found) if is_proven else (most, found)
