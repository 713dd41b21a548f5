"""Subset-row inequalities over three orders (Jepsen, Petersen, Spoorendonk and Pisinger 2008).

Of all trips that hold at least two of three orders, a plan can choose but one. Fractional plans
break this where three trips pair the three orders up, half of each chosen.
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray

_LEAST_VIOLATION = 0.05


def violated_triples(holds: FloatArray, share: FloatArray, most: int) -> IntArray:
    """Return the triples of orders that are violated most, shape (num_found, 3).

    Parameters
    ----------
    holds
        Whether a chosen trip holds an order, 0 or 1, shape (num_trips, num_orders).
    share
        How much of each trip is chosen, shape (num_trips,).
    most
        Triples to be returned at most; no two of one round share more than one order.
    """
    together = holds.T @ (holds * share[:, None])
    np.fill_diagonal(together, 0.0)
    triples, excess = [], []
    for first in range(len(together)):
        near = np.flatnonzero(together[first] > 0)
        near = near[near > first]
        pairs = together[first, near]
        total = pairs[:, None] + pairs[None, :] + together[np.ix_(near, near)]
        left, right = np.nonzero(np.triu(total > 1 + _LEAST_VIOLATION, 1))
        if not len(left):
            continue
        second, third = near[left], near[right]
        # Trips that hold all three were counted three times, and count once.
        all_three = holds[:, first, None] * holds[:, second] * holds[:, third]
        over = total[left, right] - 2 * (share @ all_three) - 1
        good = over > _LEAST_VIOLATION
        triples.append(np.column_stack([np.full(len(left), first), second, third])[good])
        excess.append(over[good])
    if not triples:
        return np.zeros((0, 3), dtype=np.int64)
    found = np.concatenate(triples)
    order = np.argsort(-np.concatenate(excess), kind="stable")
    return _apart(found[order], most)


def _apart(triples: IntArray, most: int) -> IntArray:
    """Return the first triples of which no two share a pair."""
    taken: set[tuple[int, int]] = set()
    kept = []
    for a, b, c in triples.tolist():
        pairs = {(a, b), (a, c), (b, c)}
        if not pairs & taken:
            taken |= pairs
            kept.append((a, b, c))
            if len(kept) >= most:
                break
    return np.array(kept, dtype=np.int64).reshape(-1, 3)
