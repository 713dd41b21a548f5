"""Lanes from travel among stores, and the units that live long enough to go on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.matrix import UNREACHABLE, TravelMatrix


@dataclass(frozen=True, kw_only=True, eq=False)
class Lanes:
    """Lanes between stores, field by field as ``RebalancingProblem`` takes them.

    Parameters
    ----------
    lane_from, lane_to
        Stores at the ends, (L,).
    unit_cost, lane_cost
        Cost of a unit, and of the lane if anything goes on it, (L,), >= 0.
    distance_m
        Length by the way that is travelled, (L,), -1 where it is not known; None for all.
    capacity_ml
        Volume that each takes, (L,); None for no limit.
    """

    lane_from: IntArray
    lane_to: IntArray
    unit_cost: FloatArray
    lane_cost: FloatArray
    distance_m: IntArray | None = None
    capacity_ml: IntArray | None = None


def lanes_within(
    matrix: TravelMatrix,
    *,
    reach_m: int,
    cost_per_unit: float = 0.0,
    cost_per_unit_km: float = 0.0,
    cost_per_km: float = 0.0,
    capacity_ml: int | None = None,
) -> Lanes:
    """Return the lanes between stores that are near each other by road.

    Parameters
    ----------
    matrix
        Travel among the stores, in their order.
    reach_m
        Longest lane.
    cost_per_unit, cost_per_unit_km, cost_per_km
        Handling of a unit, carrying it, and the van's ride there and back.
    capacity_ml
        Volume that each lane takes; None for no limit.
    """
    distance = matrix.distance_m
    is_near = (distance != UNREACHABLE) & (distance <= reach_m)
    np.fill_diagonal(is_near, val=False)
    tail, head = np.nonzero(is_near)
    km = distance[tail, head] / 1000.0
    back = np.where(distance[head, tail] == UNREACHABLE, 0, distance[head, tail]) / 1000.0
    return Lanes(
        lane_from=tail,
        lane_to=head,
        unit_cost=cost_per_unit + cost_per_unit_km * km,
        lane_cost=cost_per_km * (km + back),
        distance_m=distance[tail, head],
        capacity_ml=None if capacity_ml is None else np.full(tail.size, capacity_ml),
    )


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
