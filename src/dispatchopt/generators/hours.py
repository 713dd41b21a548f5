"""When orders come: a profile for each kind of errand, with lunch and dinner peaks."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray

#: Errands, and the share of orders that each is.
ERRANDS = ("breakfast", "cooking", "snacks", "household")
ERRAND_SHARES = np.array([0.14, 0.38, 0.32, 0.16])
#: Items of an order: the mean of the number beyond the first.
ERRAND_EXTRA_ITEMS = np.array([2.4, 5.2, 2.6, 3.0])
OPEN_S, CLOSE_S = 7 * 3600, 23 * 3600

#: Relative rate of orders at the full hours from 7:00 to 23:00, by errand.
_KNOTS_S = np.arange(OPEN_S, CLOSE_S + 1, 3600)
_RATES = np.array(
    [
        #7   8   9  10  11  12  13  14  15  16  17  18  19  20  21  22  23
        [30, 80, 60, 30, 15, 10, 6, 5, 5, 5, 5, 5, 5, 5, 5, 5, 2],
        [4, 10, 22, 45, 75, 55, 22, 14, 16, 34, 82, 110, 78, 34, 16, 8, 2],
        [4, 6, 10, 16, 34, 58, 44, 36, 40, 38, 34, 42, 54, 64, 62, 46, 18],
        [6, 14, 24, 30, 28, 24, 22, 22, 24, 26, 30, 38, 46, 44, 34, 18, 6],
    ],
    dtype=np.float64,
)  # fmt: skip


def draw_errands(count: int, random: np.random.Generator) -> IntArray:
    """Return the errand of each order, shape (count,)."""
    return random.choice(len(ERRANDS), size=count, p=ERRAND_SHARES).astype(np.int64)


def draw_seconds(errand: IntArray, random: np.random.Generator) -> IntArray:
    """Return the second of the day at which each order is placed, shape as ``errand``.

    The rate runs in straight lines between full hours; times are drawn by inverting its integral.
    """
    step = np.arange(OPEN_S, CLOSE_S + 1, 60)
    draw = random.random(len(errand))
    seconds = np.empty(len(errand))
    for number, rates in enumerate(_RATES):
        here = errand == number
        seconds[here] = np.interp(draw[here], _cumulated(np.interp(step, _KNOTS_S, rates)), step)
    return np.minimum(seconds.astype(np.int64), CLOSE_S - 1)


def rate_per_hour(num_orders: float, second: FloatArray) -> FloatArray:
    """Return the expected orders per hour at seconds of the day, 0 outside opening hours."""
    rate = np.zeros(len(second))
    for share, rates in zip(ERRAND_SHARES, _RATES, strict=True):
        area = float(((rates[1:] + rates[:-1]) / 2).sum())
        rate += num_orders * share * np.interp(second, _KNOTS_S, rates, left=0, right=0) / area
    return rate


def _cumulated(rate: FloatArray) -> FloatArray:
    total = np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) / 2)])
    share: FloatArray = total / total[-1]
    return share
