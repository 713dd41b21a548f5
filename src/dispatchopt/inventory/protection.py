"""Stock that a channel of low margin must leave for channels of higher margin.

Shelf and live stream share the stock of a store. Sales of low margin come first (the stream sells
out in minutes), sales of high margin over the rest of the day. A protection level y says: serve the
low channel only while more than y units are left. Levels for all pairs of store and SKU are arrays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.demand import Demand

#: Largest stock for which the recursion over all stocks is run.
MAX_STOCK = 20_000


def littlewood(demand: Demand, high_margin: npt.ArrayLike, low_margin: npt.ArrayLike) -> FloatArray:
    """Return the units to keep for a channel of high margin when one of low margin comes first.

    The last unit is kept while its chance of a sale, P(D >= y), times the high margin exceeds the
    low one: the quantile of the high channel's demand at ``1 - low / high``. Optimal for two
    channels (Littlewood, Forecasting and control of passenger bookings, AGIFORS 12, 1972).

    Parameters
    ----------
    demand
        Demand of the high channel from now on, any shape.
    high_margin, low_margin
        Margin per unit, >= 0; nothing is kept where the low margin is not below the high one.

    Examples
    --------
    >>> from dispatchopt.inventory.problem import DemandLaw
    >>> shelf = Demand(law=DemandLaw.NORMAL, mean_units=50.0, variance_units=400.0)
    >>> round(littlewood(shelf, 12.0, 7.2).item(), 4)
    44.9331
    """
    high, low = np.asarray(high_margin, np.float64), np.asarray(low_margin, np.float64)
    _refuse(high, low)
    keeps = low < high
    ratio = np.where(keeps, 1.0 - low / np.where(keeps, high, 1.0), 0.0)
    # A low channel without margin would have all kept, which no quantile says.
    level = demand.ppf(np.minimum(ratio, 1.0 - 1e-12))
    return np.asarray(np.where(keeps, np.maximum(level, 0.0), 0.0))


def emsr_b(demand: Demand, margin: npt.ArrayLike) -> FloatArray:
    """Return protection levels of several channels that share stock, by the EMSR-b rule.

    Channels 1..j are taken as one, with the sum of their demands and their mean margin, and
    Littlewood's rule is used against channel j + 1. Demands are independent. The rule is exact for
    two channels and near the optimum for more (Belobaba, Optimal vs. heuristic methods for nested
    seat allocation, AGIFORS 1992; Talluri and van Ryzin, The Theory and Practice of Revenue
    Management, 2004, section 2.2.4).

    Parameters
    ----------
    demand
        Demand of each channel, shape (C, ...), margins falling. Sums keep the law, with the means
        and variances added.
    margin
        Margin per unit, shape (C,) or (C, ...), not rising along the first axis.

    Returns
    -------
    array of shape (C - 1, ...)
        ``levels[j]`` is kept for the channels up to j, against all after it. Not falling.

    Raises
    ------
    InputError
        If margins rise or are negative, or there is no channel.
    """
    mean = np.asarray(demand.mean_units)
    variance = np.asarray(demand.true_variance)
    given = np.asarray(margin, np.float64)
    if mean.ndim == 0 or given.ndim == 0 or given.shape[0] != mean.shape[0] or not mean.shape[0]:
        found = f"shapes {given.shape} and {mean.shape}"
        raise InputError(_issue("bad-shape", found, "one margin for each channel of the demand"))
    each = given.reshape(given.shape + (1,) * (mean.ndim - given.ndim))
    each = np.broadcast_to(each, mean.shape)
    _refuse(each)
    if (np.diff(each, axis=0) > 0).any():
        raise InputError(_issue("out-of-range", "margins that rise", "margins that fall"))
    total = np.cumsum(mean, axis=0)[:-1]
    spread = np.cumsum(np.broadcast_to(variance, mean.shape), axis=0)[:-1]
    earned = np.cumsum(mean * each, axis=0)[:-1]
    average = np.where(total > 0, earned / np.where(total > 0, total, 1.0), each[:-1])
    joint = Demand(law=demand.law, mean_units=total, variance_units=spread)
    levels = littlewood(joint, average, each[1:])
    return np.asarray(np.maximum.accumulate(levels, axis=0))


def best_protection(chances: npt.ArrayLike, margin: npt.ArrayLike, stock_units: int) -> IntArray:
    """Return the optimal protection levels of one SKU in one store, by dynamic programming.

    ``V_j(x)``, what x units earn from channels j, j - 1, ..., 1 in that order, is concave in x, and
    the stock to keep for channels 1..j is the number of units that each earn more there than
    the margin of channel j + 1 (Brumelle and McGill, Operations Research 41, 1993).

    Parameters
    ----------
    chances
        P(D = n) of each channel, shape (C, N), n = 0..N - 1, rows adding up to 1, margins falling.
    margin
        Margin per unit, (C,), not rising.
    stock_units
        Stock, 0 to 20,000; levels beyond it are cut.

    Returns
    -------
    array of int64, shape (C - 1,)
    """
    chance, earn = np.asarray(chances, np.float64), np.asarray(margin, np.float64)
    _refuse(earn)
    if chance.ndim != 2 or earn.shape != chance.shape[:1] or not 0 <= stock_units <= MAX_STOCK:
        found = f"chances {chance.shape}, margins {earn.shape}, stock {stock_units}"
        wanted = f"chances of C x N, C margins, a stock from 0 to {MAX_STOCK}"
        raise InputError(_issue("bad-shape", found, wanted))
    if (np.diff(earn) > 0).any() or not np.allclose(chance.sum(axis=1), 1.0):
        wanted = "margins that fall, and chances that add up to 1"
        raise InputError(_issue("out-of-range", "other margins or chances", wanted))
    # What the unit number x + 1 earns from the channels so far; none at first.
    gain, levels = np.zeros(stock_units), []
    for row, worth in zip(chance, earn, strict=True):
        kept = int(np.count_nonzero(gain > worth))
        levels.append(kept)
        free = gain[kept:]
        if not free.size:
            continue
        # The channel takes the unit if its demand reaches it; else it goes on to the others.
        sold = 1.0 - np.cumsum(np.append(row, np.zeros(free.size))[: free.size])
        gain[kept:] = worth * sold + np.convolve(row, free)[: free.size]
    return np.array(levels[1:], dtype=np.int64)


def _refuse(*margins: FloatArray) -> None:
    """Refuse margins that are negative or not finite."""
    for each in margins:
        if not (np.isfinite(each) & (each >= 0)).all():
            raise InputError(_issue("out-of-range", "other numbers", "finite numbers >= 0"))


def _issue(code: str, found: str, wanted: str) -> Issue:
    return Issue(code=code, where="margin", found=found, wanted=wanted)
