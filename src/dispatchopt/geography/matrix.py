"""Distances and durations between places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, IntArray, set_frozen

#: Distance (m) and duration (s) of a pair without a way; sums of some of them still fit 64 bits,
#: and solvers that limit their input to 2**52 take it.
UNREACHABLE = 1_000_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class TravelMatrix:
    """Travel from every origin to every target.

    Parameters
    ----------
    distance_m
        Metres, int64, shape (num_origins, num_targets), >= 0; ``UNREACHABLE`` where there is
        no way.
    duration_s
        Seconds in free flow, int64, same shape.
    source
        Where the figures come from, such as ``road`` or ``straight x 1.4``.
    profile
        Name of the vehicle profile.
    """

    distance_m: IntArray
    duration_s: IntArray
    source: str = "given"
    profile: str = "unknown"

    def __post_init__(self) -> None:
        set_frozen(self, "distance_m", np.int64)
        set_frozen(self, "duration_s", np.int64)
        if self.distance_m.ndim != 2 or self.distance_m.shape != self.duration_s.shape:
            raise ValueError(
                f"distance {self.distance_m.shape} and duration {self.duration_s.shape} "
                "must be matrices of one shape"
            )
        if self.distance_m.size and (self.distance_m.min() < 0 or self.duration_s.min() < 0):
            raise ValueError("distances and durations must be >= 0")

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of origins and targets."""
        return (self.distance_m.shape[0], self.distance_m.shape[1])

    @property
    def is_reachable(self) -> BoolArray:
        """Where there is a way, shape (num_origins, num_targets)."""
        reachable: BoolArray = self.distance_m < UNREACHABLE
        return reachable
