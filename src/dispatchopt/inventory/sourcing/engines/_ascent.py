"""Prices of stock by subgradient ascent on the Lagrangian dual."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.inventory.sourcing.engines._pricing import Pricing

#: Share of the last direction that is kept, which damps the zigzag of subgradients.
_KEEP = 0.3
#: Steps without a better bound after which the step is halved.
_PATIENCE = 8
#: Step factor at which the prices have settled.
_SETTLED = 1e-3


class Ascent:
    """The prices tried last, and the best with the bound that they prove.

    The step is Polyak's, ``factor (U - L) / |g|^2`` with the cost U of a known solution (Held,
    Wolfe, Crowder, Validation of subgradient optimization, Mathematical Programming 6, 1974).
    """

    def __init__(self, pricing: Pricing) -> None:
        self.pricing = pricing
        self.price: FloatArray = np.zeros(pricing.stock.size)
        self.best_price: FloatArray = self.price
        self.bound = -np.inf
        self.factor = 1.0
        self._direction = np.zeros(pricing.stock.size)
        self._idle = 0

    @property
    def is_settled(self) -> bool:
        """Whether more steps are not worth their time."""
        return self.factor < _SETTLED

    def step(self, known_cost: float) -> None:
        """Evaluate the prices, then move them."""
        pricing = self.pricing
        evaluation = pricing.evaluate(self.price)
        bound = float(evaluation.value.sum() - self.price @ pricing.stock) + pricing.lost_for_sure
        if bound > self.bound + 1e-6 * abs(self.bound if np.isfinite(self.bound) else 0.0):
            self._idle = 0
        else:
            self._idle += 1
        if bound > self.bound:
            self.bound, self.best_price = bound, self.price
        if self._idle >= _PATIENCE:
            self.factor, self._idle = self.factor / 2, 0
            self.price = self.best_price
        slope = pricing.usage(evaluation.choice_of_line) - pricing.stock
        slope[~pricing.is_contested] = 0.0
        slope[(self.price <= 0) & (slope < 0)] = 0.0
        self._direction = slope + _KEEP * self._direction
        length = float(self._direction @ self._direction)
        short = known_cost - bound
        if length <= 0 or short <= 0:
            self.factor = 0.0
            return
        move = self.factor * short / length
        self.price = np.maximum(self.price + move * self._direction, 0.0)
