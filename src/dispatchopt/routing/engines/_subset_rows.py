"""Subset-row inequalities over three orders (Jepsen, Petersen, Spoorendonk and Pisinger 2008).

Of all trips that hold at least two of three orders, a plan can choose but one. Fractional plans
break this where three trips pair the three orders up, half of each chosen.
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray

_LEAST_VIOLATION = 0.05
_CHUNK = 200_000


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
    # Each pair weighs at most 1, so a triple of which one pair never meets breaks nothing.
    first, second = np.nonzero(np.triu(together, 1) > 0)
    partners = np.searchsorted(first, first, side="right") - np.arange(len(first)) - 1
    pairs, ends = (first, second, partners), np.cumsum(partners)
    triples, excess = [], []
    begin = 0
    while begin < len(first):
        # At least one pair at a time, whatever the number of its partners.
        limit = (ends[begin - 1] if begin else 0) + _CHUNK
        end = max(begin + 1, int(np.searchsorted(ends, limit, side="right")))
        found, over = _triples(together, holds, share, pairs, (begin, end))
        triples.append(found)
        excess.append(over)
        begin = end
    if not triples:
        return np.zeros((0, 3), dtype=np.int64)
    order = np.argsort(-np.concatenate(excess), kind="stable")
    return _apart(np.concatenate(triples)[order], most)


def _triples(
    together: FloatArray,
    holds: FloatArray,
    share: FloatArray,
    pairs: tuple[IntArray, IntArray, IntArray],
    span: tuple[int, int],
) -> tuple[IntArray, FloatArray]:
    """Return triples of two pairs with the same first order, and by how much they are violated."""
    first, second, partners = pairs
    begin, end = span
    left = np.repeat(np.arange(begin, end), partners[begin:end])
    starts = np.cumsum(partners[begin:end]) - partners[begin:end]
    right = left + 1 + np.arange(len(left)) - np.repeat(starts, partners[begin:end])
    a, b, c = first[left], second[left], second[right]
    total = together[a, b] + together[a, c] + together[b, c]
    near = (together[b, c] > 0) & (total > 1 + _LEAST_VIOLATION)
    a, b, c, total = a[near], b[near], c[near], total[near]
    # Trips that hold all three were counted three times, and count once.
    over = total - 2 * (share @ (holds[:, a] * holds[:, b] * holds[:, c])) - 1
    good = over > _LEAST_VIOLATION
    return np.column_stack([a, b, c])[good], over[good]


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
