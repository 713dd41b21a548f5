"""Expected times: how long a drive, a pick or a trip takes, before the world adds noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import IntArray

#: A time that never comes, small enough that sums of a few still fit.
NEVER_S = 10**10


def drive_s(free_flow_s: npt.ArrayLike, factor: npt.ArrayLike) -> IntArray:
    """Return whole seconds of drives: free flow times a factor, rounded up.

    >>> drive_s([100, 100], [1.0, 1.234]).tolist()
    [100, 124]
    """
    # Rounding errors of the product must not push a whole number up to the next.
    exact = np.asarray(free_flow_s, dtype=np.float64) * np.asarray(factor, dtype=np.float64)
    seconds: IntArray = np.ceil(exact - 1e-6).astype(np.int64)
    return seconds


def at_goods_s(
    free_s: npt.ArrayLike, way_s: npt.ArrayLike, park_s: int, parked_s: npt.ArrayLike
) -> IntArray:
    """Return when couriers can take goods over, if these are ready.

    Parameters
    ----------
    free_s
        Second at which the courier is free.
    way_s
        Seconds of the way to the store.
    park_s
        Seconds of parking.
    parked_s
        Second at which the courier stopped at this very store, ``NEVER_S`` if elsewhere.

    >>> at_goods_s([100, 100, 100], [30, 0, 0], 60, [NEVER_S, 80, 0]).tolist()
    [190, 140, 100]
    """
    free = np.asarray(free_s, dtype=np.int64)
    parked = np.minimum(np.asarray(parked_s, dtype=np.int64), free + np.asarray(way_s))
    seconds: IntArray = np.maximum(free, parked + park_s)
    return seconds
