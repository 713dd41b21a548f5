"""Travel on a plane in whole steps of time, as published sets of instances define it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray, set_frozen
from dispatchopt.geography.matrix import TravelMatrix


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneTravel:
    """Straight lines on a plane at one speed, durations rounded up to whole steps.

    Parameters
    ----------
    x_m, y_m
        Metres, shape (n,).
    metres_per_step
        Metres driven in one step, > 0.
    step_s
        Seconds of one step, >= 1; a drive takes ``ceil(metres / metres_per_step)`` steps.

    Raises
    ------
    ValueError
        If shapes differ, or a value is out of range or not finite.
    """

    x_m: FloatArray
    y_m: FloatArray
    metres_per_step: float
    step_s: int = 1

    def __post_init__(self) -> None:
        set_frozen(self, "x_m", np.float64)
        set_frozen(self, "y_m", np.float64)
        if self.x_m.ndim != 1 or self.x_m.shape != self.y_m.shape:
            raise ValueError(f"x_m {self.x_m.shape} and y_m {self.y_m.shape} must be (n,) alike")
        if not (np.isfinite(self.x_m).all() and np.isfinite(self.y_m).all()):
            raise ValueError("x_m and y_m must be finite")
        if not (0 < self.metres_per_step < np.inf and self.step_s >= 1):
            raise ValueError("metres_per_step must be above 0 and step_s at least 1")

    @property
    def num_places(self) -> int:
        """Number of places."""
        return len(self.x_m)

    def block(self, origins: IntArray, targets: IntArray) -> TravelMatrix:
        """Return travel from every origin to every target, by index."""
        start, end = np.asarray(origins)[:, None], np.asarray(targets)[None, :]
        distance_m, duration_s = self.pairs(start, end)
        return TravelMatrix(distance_m=distance_m, duration_s=duration_s, source="plane")

    def pairs(self, origins: IntArray, targets: IntArray) -> tuple[IntArray, IntArray]:
        """Return distance (m, rounded up) and duration (s) of each pair, by index."""
        metres = np.hypot(
            self.x_m[origins] - self.x_m[targets], self.y_m[origins] - self.y_m[targets]
        )
        # A whole number of steps must not become one more by rounding errors.
        steps = np.ceil(metres / self.metres_per_step - 1e-9)
        distance_m: IntArray = np.ceil(metres - 1e-9).astype(np.int64)
        return distance_m, steps.astype(np.int64) * self.step_s

    def slowdown(self, second: int) -> float:
        """Return 1: every hour is alike."""
        del second
        return 1.0
