"""How preparation times spread about their estimates, learnt from what the day has shown so far."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.simulation.day import Day

#: Equally likely moments shown for each order that is not ready.
NUM_SAMPLES = 8
#: Before a day has shown anything: so many orders are made up, as if estimated at so many seconds,
#: with a variance of so many seconds per second of the mean, about what restaurants show.
_PRIOR_ORDERS = 20
_PRIOR_MEAN_S = 1200.0
_PRIOR_VARIANCE_S = 160.0
#: Orders that a store is thought to have shown before, with the spread of all stores.
_STORE_ORDERS = 5
#: Mean of what is left once an order takes longer than any that was seen.
_TAIL_S = 300.0
_LEAST_S = 60.0
#: Preparation is spread on a logarithmic scale from so much before the placement on, so that what
#: is overdue takes the longer the longer it has taken: on MDRP days that gives a better continuous
#: ranked probability score than seconds do, above all of what is overdue; 2 minutes do as well.
_START_S = 300.0
#: Nothing takes more than the estimate times the exponential of this.
_MOST_LOG = 5.0
#: Correlation of deviations of a store's orders that are placed within minutes of each other; on
#: most MDRP days it is 0.3 to 0.6 within 10 minutes, and gone after 40.
_SHARED = 0.4
_TURNS = 64


class Preparation:
    """Equally likely ready moments of orders that are not ready, given that they are not.

    Deviations from the estimate are taken as ratios, and those grow with its root, so in that scale
    all stores share one distribution. It is estimated by the product limit of Kaplan and Meier
    (1958), in which orders that are still being prepared count as longer than so far; without these
    the early hours of a day would know short ones only. Orders of one store are late together, so
    their samples of equal number are correlated.
    """

    def __init__(self, day: Day) -> None:
        orders = day.orders
        if orders.expected_ready_s is None:
            raise ValueError("the day has no estimates")
        self._placed_s, self._is_given = orders.placed_s, orders.ready_s >= 0
        self._mean_s = np.maximum(orders.expected_ready_s - orders.placed_s, _LEAST_S)
        # The first of the stores that may serve it stands for an order; one more for those of none.
        has_store = np.diff(orders.option_ptr) > 0
        self._num_stores = len(day.stores) + 1
        self._store = np.full(len(orders), len(day.stores))
        self._store[has_store] = orders.option_store[orders.option_ptr[:-1][has_store]]
        # Quantiles of a logistic law, whose tails are near those of times of preparation.
        level = (np.arange(_PRIOR_ORDERS) + 0.5) / _PRIOR_ORDERS
        unit = np.log(level / (1 - level)) * np.sqrt(3) / np.pi
        taken_s = _PRIOR_MEAN_S + unit * np.sqrt(_PRIOR_VARIANCE_S * _PRIOR_MEAN_S)
        self._prior = np.sort(_deviation(taken_s, np.full(_PRIOR_ORDERS, _PRIOR_MEAN_S)))
        # Which sample of one order goes with which of another: a part is common to a store.
        rng = stream(0, "preparation")
        self._of_store = np.sqrt(_SHARED) * rng.standard_normal((self._num_stores, NUM_SAMPLES))
        self._own = np.sqrt(1 - _SHARED) * rng.standard_normal((_TURNS, NUM_SAMPLES))

    def samples_s(
        self, now_s: int, ready_s: IntArray, is_made: BoolArray, orders: IntArray
    ) -> IntArray:
        """Return equally likely ready moments of some orders, shape (n, NUM_SAMPLES).

        Parameters
        ----------
        now_s
            Second of the day.
        ready_s
            When each order of the day became ready, -1 where it is not known yet.
        is_made
            Which orders of the day are being prepared.
        orders
            Some of the latter.
        """
        factor = self._factors(ready_s)
        value, left = self._survival(now_s, ready_s, is_made, factor)
        placed_s = self._placed_s[orders]
        so_far = _deviation(now_s - placed_s, self._mean_s[orders]) / factor[orders]
        rank = np.searchsorted(value, so_far, side="right")
        alive = np.concatenate([[1.0], left])[rank][:, None]
        wanted = alive * (1 - (np.arange(NUM_SAMPLES) + 0.5) / NUM_SAMPLES)
        # The first value at which no more than the wanted share is left, if one has been seen.
        at = np.searchsorted(-left, -wanted)
        known_s = self._taken_s(value[np.minimum(at, len(value) - 1)], orders, factor)
        longest_s = self._taken_s(np.full((len(orders), 1), value[-1]), orders, factor)
        last_s = np.maximum(longest_s, (now_s - placed_s)[:, None])
        beyond_s = _TAIL_S * np.log(np.maximum(1.0, np.minimum(alive, left[-1]) / wanted))
        found = placed_s[:, None] + np.where(at < len(value), known_s, last_s + beyond_s)
        later: IntArray = np.maximum(np.rint(found), now_s + 1).astype(np.int64)
        turn = self._of_store[self._store[orders]] + self._own[orders % _TURNS]
        turned: IntArray = np.take_along_axis(later, turn.argsort(axis=1).argsort(axis=1), axis=1)
        return turned

    def _taken_s(self, value: FloatArray, orders: IntArray, factor: FloatArray) -> FloatArray:
        """Return the times at which orders have deviations, one row each: the inverse."""
        mean_s = self._mean_s[orders]
        log = value * (factor[orders] / _per_log(mean_s))[:, None]
        taken_s: FloatArray = (mean_s + _START_S)[:, None] * np.exp(
            np.minimum(log, _MOST_LOG)
        ) - _START_S
        return taken_s

    def _factors(self, ready_s: IntArray) -> FloatArray:
        """Return by what the deviation of each order is divided; stores differ in their spread.

        The variance of a store is that of its orders so far, in the scale of all, together with
        a few that are like those of all stores.
        """
        done = np.flatnonzero(self._is_given & (ready_s >= 0))
        square = _deviation((ready_s - self._placed_s)[done], self._mean_s[done]) ** 2
        usual = (_PRIOR_ORDERS * _PRIOR_VARIANCE_S + square.sum()) / (_PRIOR_ORDERS + len(done))
        count = np.bincount(self._store[done], minlength=self._num_stores)
        total = np.bincount(self._store[done], square / usual, minlength=self._num_stores)
        of_store = np.sqrt((_STORE_ORDERS + total) / (_STORE_ORDERS + count))
        factor: FloatArray = of_store[self._store]
        return factor

    def _survival(
        self, now_s: int, ready_s: IntArray, is_made: BoolArray, factor: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return deviations in rising order and the share of orders that take longer than each."""
        is_done = self._is_given & (ready_s >= 0)
        taken_s = np.where(is_done, ready_s, now_s) - self._placed_s
        deviation = _deviation(taken_s, self._mean_s) / factor
        value = np.sort(np.concatenate([deviation[is_done], self._prior]))
        made = np.sort(deviation[is_made])
        # Orders at hand at each; one more, longer than all, keeps the last from being certain.
        at_hand = len(value) - np.arange(len(value)) + len(made) - np.searchsorted(made, value) + 1
        left = np.cumprod(1 - 1 / at_hand)
        return value, np.asarray(left, dtype=np.float64)


def _deviation(taken_s: FloatArray | IntArray, mean_s: FloatArray) -> FloatArray:
    """Return how far times of preparation are from their estimates, in the scale of all stores."""
    ratio = (np.maximum(taken_s, 0) + _START_S) / (mean_s + _START_S)
    deviation: FloatArray = np.log(ratio) * _per_log(mean_s)
    return deviation


def _per_log(mean_s: FloatArray) -> FloatArray:
    """Return what a deviation is per logarithm: in seconds at the estimate, over its root."""
    per_log: FloatArray = (mean_s + _START_S) / np.sqrt(mean_s)
    return per_log
