"""Lanes from travel among stores, and the units that live long enough to go on them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix


def lanes_within(
    matrix: TravelMatrix,
    *,
    reach_m: int,
    cost_per_unit: float = 0.0,
    cost_per_unit_km: float = 0.0,
    cost_per_km: float = 0.0,
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Return the lanes between stores that are near each other by road.

    Parameters
    ----------
    matrix
        Travel among the stores, in their order.
    reach_m
        Longest lane.
    cost_per_unit, cost_per_unit_km, cost_per_km
        Handling of a unit, carrying it, and the van's ride there and back.

    Returns
    -------
    Stores at both ends, cost of a unit, and cost of the lane, (L,) each.
    """
    distance = matrix.distance_m
    is_near = (distance != UNREACHABLE) & (distance <= reach_m)
    np.fill_diagonal(is_near, val=False)
    tail, head = np.nonzero(is_near)
    km = distance[tail, head] / 1000.0
    back = np.where(distance[head, tail] == UNREACHABLE, 0, distance[head, tail]) / 1000.0
    return tail, head, cost_per_unit + cost_per_unit_km * km, cost_per_km * (km + back)


def movable_units(
    life_h: npt.ArrayLike, units: npt.ArrayLike, *, ride_h: float, cover_h: npt.ArrayLike
) -> IntArray:
    """Return the units that live longer than the ride and the time in which they are to be sold.

    Parameters
    ----------
    life_h
        Remaining life of each batch of stock, (B, S, K).
    units
        Units of each batch, (B, S, K).
    ride_h
        Longest ride of a lane.
    cover_h
        Time that stock must last at its new place, a number or (K,).
    """
    life, count = np.asarray(life_h, dtype=np.float64), np.asarray(units)
    if life.shape != count.shape or life.ndim != 3:
        found = f"shapes {life.shape} and {count.shape}"
        raise InputError(
            Issue(code="bad-shape", where="life_h", found=found, wanted="two of (B, S, K)")
        )
    lives = life > ride_h + np.asarray(cover_h, dtype=np.float64)
    total: IntArray = np.where(lives, count, 0).sum(axis=0).astype(np.int64)
    return total
