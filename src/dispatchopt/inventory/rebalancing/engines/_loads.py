"""The best load of each lane for given worths of units on it: bounded knapsacks; compiled."""

from __future__ import annotations

import numba
import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray

#: Nodes of the search on one lane; beyond them the linear relaxation stands as its bound.
_MAX_NODES = 2_000
_EPSILON = 1e-9


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _fits(room: float, volume: float, most: float) -> float:
    """Return how many units fit."""
    if volume <= 0.0:
        return most
    return min(most, np.floor(room / volume + _EPSILON))  # type: ignore[no-any-return]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _relaxed(
    begin: int, room: float, gain: FloatArray, volume: FloatArray, most: FloatArray
) -> float:
    """Return the value of the linear relaxation from an item on; items fall in gain per volume."""
    value = 0.0
    for i in range(begin, gain.size):
        need = volume[i] * most[i]
        if need > room:
            return value + gain[i] * room / volume[i]  # type: ignore[no-any-return]
        value += gain[i] * most[i]
        room -= need
    return value


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _greedy(
    begin: int, room: float, volume: FloatArray, gain: FloatArray, most: FloatArray, now: FloatArray
) -> tuple[float, float]:
    """Fill with all items from one on in turn; returns the value added and the room left."""
    value = 0.0
    for i in range(begin, gain.size):
        now[i] = _fits(room, volume[i], most[i])
        value += now[i] * gain[i]
        room -= now[i] * volume[i]
    return value, room


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def _knapsack(
    room: float, gain: FloatArray, volume: FloatArray, most: FloatArray, best: FloatArray
) -> float:
    """Return a bound on the value of any load, nearly always its value (Horowitz and Sahni 1974).

    Items fall in gain per volume; ``best`` receives the units of the best load that was met.
    """
    now = np.zeros(gain.size)
    value, left = _greedy(0, room, volume, gain, most, now)
    best[:] = now
    highest = value
    limit = _relaxed(0, room, gain, volume, most)
    for _ in range(_MAX_NODES):
        i = gain.size - 1
        while i >= 0:
            # Without the last items there is room for others: is one unit less of this any good?
            if now[i] > 0:
                now[i] -= 1
                value -= gain[i]
                left += volume[i]
                if value + _relaxed(i + 1, left, gain, volume, most) > highest + _EPSILON:
                    break
                value -= now[i] * gain[i]
                left += now[i] * volume[i]
                now[i] = 0
            i -= 1
        if i < 0:
            return highest
        more, left = _greedy(i + 1, left, volume, gain, most, now)
        value += more
        if value > highest:
            highest = value
            best[:] = now
    return limit


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator,unused-ignore]
def load_all(
    first: IntArray, entry: IntArray, gain: FloatArray, volume: FloatArray, most: FloatArray,
    room: FloatArray, lane_cost: FloatArray, units: FloatArray,
) -> float:  # fmt: skip
    """Return the least cost of all lanes, each used if its best load pays for it.

    Parameters
    ----------
    first, entry
        Entries of each lane: ``entry[first[l]:first[l + 1]]``.
    gain, volume, most
        What a unit of each entry brings, its volume, and most units, (N,) each.
    room, lane_cost
        Room and cost of each lane, (L,) each.
    units
        Receives the units of each entry, (N,).
    """
    total = 0.0
    units[:] = 0.0
    for lane in range(room.size):
        rows = entry[first[lane] : first[lane + 1]]
        pays = rows[(gain[rows] > 0.0) & (most[rows] > 0.0)]
        if pays.size == 0:
            continue
        density = gain[pays] / np.maximum(volume[pays], _EPSILON)
        pays = pays[np.argsort(-density, kind="mergesort")]
        if _relaxed(0, room[lane], gain[pays], volume[pays], most[pays]) <= lane_cost[lane]:
            continue
        best = np.zeros(pays.size)
        value = lane_cost[lane] - _knapsack(
            room[lane], gain[pays], volume[pays], most[pays], best
        )
        if value < 0.0:
            total += value
            units[pays] = best
    return total
