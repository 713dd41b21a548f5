"""Hashes of sets of sites, and grouping by them without sorting."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import IntArray

Hashes = npt.NDArray[np.uint64]

#: Things up to which sorting is as fast.
_FEW = 20_000


def mix(values: npt.NDArray[np.generic], salt: int) -> Hashes:
    """Return 64 well-mixed bits for each value (SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        bits = values.astype(np.uint64) + np.uint64(salt) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def first_of_each(hashes: Hashes, check: Hashes) -> tuple[IntArray, IntArray]:
    """Group equal hashes: index of the first of each group, and the group of each.

    Groups are numbered in the order of their hashes. ``check`` holds 64 other bits of the same
    things: two different ones fall together only if all 128 bits agree.
    """
    first, group = _grouped(hashes)
    if (check[first][group] != check).any():
        both = np.stack([hashes, check], axis=1)
        _, first, group = np.unique(both, axis=0, return_index=True, return_inverse=True)
        group = group.ravel()
    return first.astype(np.int64), group.astype(np.int64)


def _grouped(hashes: Hashes) -> tuple[IntArray, IntArray]:
    if len(hashes) <= _FEW:
        _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
        return first.astype(np.int64), group.astype(np.int64)
    # Every thing writes its index where its hash points; who reads another's hash there waits for
    # the next round, in which other bits point. Written backwards, the lowest index stays.
    leader = np.empty(len(hashes), dtype=np.int32 if len(hashes) < 2**31 else np.int64)
    waiting = np.arange(len(hashes), dtype=leader.dtype)
    bits = min(22, max(16, len(hashes).bit_length()))
    shift = 64 - bits
    left = hashes
    while len(waiting):
        slot = (left >> np.uint64(shift)).astype(np.int64)
        table = np.zeros(2**bits, dtype=leader.dtype)
        table[slot[::-1]] = waiting[::-1]
        found = table[slot]
        same = hashes[found] == left
        leader[waiting[same]] = found[same]
        waiting = waiting[~same]
        left = hashes[waiting]
        shift = (shift - bits) % (65 - bits)
        if shift == 64 - bits or len(waiting) <= _FEW:
            _, first, group = np.unique(left, return_index=True, return_inverse=True)
            leader[waiting] = waiting[first[group]]
            break
    members = np.flatnonzero(leader == np.arange(len(hashes), dtype=leader.dtype))
    order = members[np.argsort(hashes[members], kind="stable")]
    number = np.zeros(len(hashes), dtype=np.int64)
    number[order] = np.arange(len(order))
    return order, number[leader]
