"""Means and paired differences with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Share of intervals that hold the true value.
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and the half width of its confidence interval.

    Parameters
    ----------
    mean
        The mean; nan over nothing.
    half
        Half of the width; nan with fewer than two values.
    count
        Number of values.
    """

    mean: float
    half: float
    count: int

    @property
    def is_clear(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.count > 1 and abs(self.mean) > self.half


def interval(values: Sequence[float | None]) -> Interval:
    """Return mean and interval of values by Student's t; None is left out.

    >>> found = interval([1.0, 2.0, 3.0])
    >>> found.mean, round(found.half, 3)
    (2.0, 2.484)
    """
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    n = len(known)
    if n == 0:
        return Interval(mean=math.nan, half=math.nan, count=0)
    if n == 1:
        return Interval(mean=float(known[0]), half=math.nan, count=1)
    from scipy.special import stdtrit

    quantile = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2))
    half = quantile * float(known.std(ddof=1)) / math.sqrt(n)
    return Interval(mean=float(known.mean()), half=half, count=n)


def paired(first: Sequence[float | None], then: Sequence[float | None]) -> Interval:
    """Return mean and interval of ``then`` less ``first``, pair by pair.

    Both met the same days, so what makes a day good or bad for both drops out.
    """
    return interval(
        [
            None if one is None or other is None else other - one
            for one, other in zip(first, then, strict=True)
        ]
    )
