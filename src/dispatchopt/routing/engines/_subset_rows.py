"""Subset-row inequalities over three orders (Jepsen, Petersen, Spoorendonk and Pisinger 2008).

Of all trips that hold at least two of three orders, a plan can choose but one. Fractional plans
break this where three trips pair the three orders up, half of each chosen.
"""

from __future__ import annotations

import itertools

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
    together = pair_shares(holds, share)
    thrice = _triple_shares(holds, share)
    # Each pair weighs at most 1, so a triple of which one pair never meets breaks nothing.
    first, second = np.nonzero(together > 0)
    partners = np.searchsorted(first, first, side="right") - np.arange(len(first)) - 1
    pairs, ends = (first, second, partners), np.cumsum(partners)
    triples, excess = [], []
    begin = 0
    while begin < len(first):
        # At least one pair at a time, whatever the number of its partners.
        limit = (ends[begin - 1] if begin else 0) + _CHUNK
        end = max(begin + 1, int(np.searchsorted(ends, limit, side="right")))
        found, over = _triples(together, thrice, pairs, (begin, end))
        triples.append(found)
        excess.append(over)
        begin = end
    if not triples:
        return np.zeros((0, 3), dtype=np.int64)
    order = np.argsort(-np.concatenate(excess), kind="stable")
    return _apart(np.concatenate(triples)[order], most)


def _orders_of(holds: FloatArray) -> IntArray:
    """Return the orders of each trip, ascending, filled up with -1; shape (num_trips, width)."""
    trips, orders = np.nonzero(holds)
    sizes = np.bincount(trips, minlength=len(holds))
    found = np.full((len(holds), int(sizes.max(initial=0))), -1, dtype=np.int64)
    found[trips, np.arange(len(trips)) - (np.cumsum(sizes) - sizes)[trips]] = orders
    return found


def pair_shares(holds: FloatArray, share: FloatArray) -> FloatArray:
    """Return how much of all trips holds two orders, (num_orders, num_orders), above the diagonal.

    Trips hold few orders, so that a product of matrices would be many times the work.
    """
    n, orders = holds.shape[1], _orders_of(holds)
    together = np.zeros(n * n)
    for first, second in itertools.combinations(orders.T, 2):
        both = second >= 0
        together += np.bincount(first[both] * n + second[both], share[both], n * n)
    return together.reshape(n, n)


def _triple_shares(holds: FloatArray, share: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the triples of orders that share a trip, as ascending numbers, and how much of it."""
    n, orders = holds.shape[1], _orders_of(holds)
    keys, shares = [np.zeros(0, dtype=np.int64)], [np.zeros(0)]
    for first, second, third in itertools.combinations(orders.T, 3):
        whole = third >= 0
        keys.append((first[whole] * n + second[whole]) * n + third[whole])
        shares.append(share[whole])
    known, at = np.unique(np.concatenate(keys), return_inverse=True)
    return known, np.bincount(at, np.concatenate(shares), len(known)).astype(np.float64)


def _triples(
    together: FloatArray,
    thrice: tuple[IntArray, FloatArray],
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
    n, (known, shares) = len(together), thrice
    key = (a * n + b) * n + c
    at = np.minimum(np.searchsorted(known, key), max(0, len(known) - 1))
    all_three = np.where(known[at] == key, shares[at], 0.0) if len(known) else 0.0
    over = total - 2 * all_three - 1
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
