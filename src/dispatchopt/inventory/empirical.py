"""The law that gives every demand seen the same chance.

All functions take samples sorted along the first axis, (N, ...), and levels or chances that
broadcast to the other axes. They go through the samples one by one, so that memory stays that of
one pair each.
"""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray

#: A chance this close above a step of the distribution function counts as the step.
_SLACK = 1e-9


def sf(samples: FloatArray, level: FloatArray) -> FloatArray:
    """Return P(D > y)."""
    shape = np.broadcast_shapes(samples.shape[1:], level.shape)
    total = np.zeros(shape)
    for each in samples:
        total += each > level
    return total / len(samples)


def loss(samples: FloatArray, level: FloatArray) -> FloatArray:
    """Return E[(D - y)+]."""
    shape = np.broadcast_shapes(samples.shape[1:], level.shape)
    total = np.zeros(shape)
    for each in samples:
        total += np.maximum(each - level, 0.0)
    return total / len(samples)


def ppf(samples: FloatArray, probability: FloatArray) -> FloatArray:
    """Return the least sample y with P(D <= y) >= probability.

    Examples
    --------
    >>> ppf(np.array([1.0, 2.0, 4.0, 8.0]), np.array(0.75)).item()
    4.0
    """
    count = len(samples)
    place = np.ceil(np.asarray(probability) * count - _SLACK).astype(np.int64) - 1
    place = np.broadcast_to(np.clip(place, 0, count - 1), samples.shape[1:])
    found: FloatArray = np.take_along_axis(samples, place[None], axis=0)[0]
    return found


def draw(samples: FloatArray, rng: np.random.Generator, num: int) -> FloatArray:
    """Draw ``num`` demands of each pair, (num, ...)."""
    place = rng.integers(0, len(samples), (num, *samples.shape[1:]))
    return np.take_along_axis(samples, place, axis=0)
