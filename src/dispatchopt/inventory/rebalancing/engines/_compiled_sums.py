"""Parts of the compiled kernel: rows by store, a price to begin at, a bound, and a cost."""

from __future__ import annotations

from typing import Any

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.compiled import compiled

#: Halvings of the range of prices in which a common price is sought.
_HALVINGS = 20


@compiled()
def by_end(end: IntArray, first: IntArray, row: IntArray) -> None:
    """Write which rows have each end: ``row[first[i]:first[i + 1]]``, a counting sort."""
    first[:] = 0
    for e in range(end.size):
        first[end[e] + 1] += 1
    for i in range(first.size - 1):
        first[i + 1] += first[i]
    for e in range(end.size - 1, -1, -1):
        first[end[e] + 1] -= 1
        row[first[end[e] + 1]] = e
    # Entries now hold the begin of each end's rows, one place too far.
    for i in range(first.size - 1):
        first[i] = first[i + 1]
    first[first.size - 1] = end.size


@compiled()
def common_price(down: Any, up: Any) -> float:
    """Return a price at which as many units may leave as may come, about."""
    rows_down = slice(down[0][0], down[0][-1])
    rows_up = slice(up[0][0], up[0][-1])
    leaves, comes = down[1][rows_down], up[1][rows_up]
    if leaves.size == 0 or comes.size == 0:
        return 0.0
    low, high = leaves.min(), comes.max()
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if (leaves < middle).sum() > (comes > middle).sum():
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)  # type: ignore[no-any-return]


@compiled()
def bound(
    head: IntArray, by_end: Any, cost: FloatArray, movable: IntArray, worth: FloatArray,
    down: Any, up: Any,
) -> float:  # fmt: skip
    """Lagrangian bound from what a unit is worth in each store, valid for any such numbers."""
    out_first, out_row = by_end[0], by_end[1]
    total = 0.0
    for i in range(movable.size):
        most = worth[i]
        for r in range(out_first[i], out_first[i + 1]):
            e = out_row[r]
            most = max(most, worth[head[e]] - cost[e])
        total -= (most - worth[i]) * movable[i]
        for u in range(down[0][i], down[0][i + 1]):
            total += min(0.0, down[1][u] - worth[i])
        for u in range(up[0][i], up[0][i + 1]):
            total += min(0.0, worth[i] - up[1][u])
    return total


@compiled()
def total(cost: FloatArray, flow: IntArray, steps: Any) -> float:
    """Cost of transfers."""
    added, down, up = steps
    total = 0.0
    for e in range(flow.size):
        total += flow[e] * cost[e]
    for i in range(added.size):
        for u in range(down[0][i], down[0][i] - added[i]):
            total += down[1][u]
        for u in range(up[0][i], up[0][i] + added[i]):
            total -= up[1][u]
    return total
