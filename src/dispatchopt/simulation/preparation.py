"""How preparation times spread about their estimates, learnt from what the day has shown so far."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.seeds import stream
from dispatchopt.simulation.day import Day

#: Equally likely moments shown for each order that is not ready.
NUM_SAMPLES = 8
#: Before a day has shown anything: so many orders are made up, with a variance of so many seconds
#: per second of the mean, about what restaurants show.
_PRIOR_ORDERS = 20
_PRIOR_VARIANCE_S = 160.0
#: Orders that a store is thought to have shown before, with the spread of all stores.
_STORE_ORDERS = 5
#: Mean of what is left once an order takes longer than any that was seen.
_TAIL_S = 300.0
_LEAST_S = 60.0
_TURNS = 64


class Preparation:
    """Equally likely ready moments of orders that are not ready, given that they are not.

    Deviations from the estimate grow with its root, so in that scale all stores share one
    distribution. It is estimated by the product limit of Kaplan and Meier (1958), in which orders
    that are still being prepared count as longer than so far; without these the early hours of a
    day would know short ones only.
    """

    def __init__(self, day: Day) -> None:
        orders = day.orders
        if orders.expected_ready_s is None:
            raise ValueError("the day has no estimates")
        self._placed_s, self._is_given = orders.placed_s, orders.ready_s >= 0
        self._mean_s = np.maximum(orders.expected_ready_s - orders.placed_s, _LEAST_S)
        self._scale = np.sqrt(self._mean_s)
        # The first of the stores that may serve it stands for an order; one more for those of none.
        has_store = np.diff(orders.option_ptr) > 0
        self._num_stores = len(day.stores) + 1
        self._store = np.full(len(orders), len(day.stores))
        self._store[has_store] = orders.option_store[orders.option_ptr[:-1][has_store]]
        # Quantiles of a logistic law, whose tails are near those of times of preparation.
        level = (np.arange(_PRIOR_ORDERS) + 0.5) / _PRIOR_ORDERS
        unit = np.log(level / (1 - level)) * np.sqrt(3) / np.pi
        self._prior = np.sort(unit * np.sqrt(_PRIOR_VARIANCE_S))
        # Which sample of one order goes with which of another says nothing.
        rng = stream(0, "preparation")
        self._turns = np.array([rng.permutation(NUM_SAMPLES) for _ in range(_TURNS)])

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
        each = self._scales(ready_s)
        value, left = self._survival(now_s, ready_s, is_made, each)
        due_s = (self._placed_s + self._mean_s)[orders]
        scale = each[orders]
        rank = np.searchsorted(value, (now_s - due_s) / scale, side="right")
        alive = np.concatenate([[1.0], left])[rank][:, None]
        wanted = alive * (1 - (np.arange(NUM_SAMPLES) + 0.5) / NUM_SAMPLES)
        # The first value at which no more than the wanted share is left, if one has been seen.
        at = np.searchsorted(-left, -wanted)
        known_s = due_s[:, None] + value[np.minimum(at, len(value) - 1)] * scale[:, None]
        last_s = np.maximum(due_s + value[-1] * scale, now_s)[:, None]
        beyond_s = _TAIL_S * np.log(np.maximum(1.0, np.minimum(alive, left[-1]) / wanted))
        found = np.where(at < len(value), known_s, last_s + beyond_s)
        later: IntArray = np.maximum(np.rint(found), now_s + 1).astype(np.int64)
        turned: IntArray = np.take_along_axis(later, self._turns[orders % _TURNS], axis=1)
        return turned

    def _scales(self, ready_s: IntArray) -> FloatArray:
        """Return by what the deviation of each order is divided; stores differ in their spread.

        The variance of a store is that of its orders so far, in the scale of all, together with
        a few that are like those of all stores.
        """
        done = np.flatnonzero(self._is_given & (ready_s >= 0))
        deviation = (ready_s - self._placed_s - self._mean_s)[done] / self._scale[done]
        square = deviation**2
        usual = (_PRIOR_ORDERS * _PRIOR_VARIANCE_S + square.sum()) / (_PRIOR_ORDERS + len(done))
        count = np.bincount(self._store[done], minlength=self._num_stores)
        total = np.bincount(self._store[done], square / usual, minlength=self._num_stores)
        factor = np.sqrt((_STORE_ORDERS + total) / (_STORE_ORDERS + count))
        scale: FloatArray = self._scale * factor[self._store]
        return scale

    def _survival(
        self, now_s: int, ready_s: IntArray, is_made: BoolArray, scale: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return deviations in rising order and the share of orders that take longer than each."""
        is_done = self._is_given & (ready_s >= 0)
        taken_s = np.where(is_done, ready_s, now_s) - self._placed_s
        deviation = (taken_s - self._mean_s) / scale
        value = np.sort(np.concatenate([deviation[is_done], self._prior]))
        made = np.sort(deviation[is_made])
        # Orders at hand at each; one more, longer than all, keeps the last from being certain.
        at_hand = len(value) - np.arange(len(value)) + len(made) - np.searchsorted(made, value) + 1
        left = np.cumprod(1 - 1 / at_hand)
        return value, np.asarray(left, dtype=np.float64)
