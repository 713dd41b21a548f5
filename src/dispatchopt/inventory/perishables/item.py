"""Perishable goods: what to order when units expire, exactly for short lives, and by simple rules.

A day: units on hand have ages 1 (fresh) to ``shelf_life``; an order is placed; demand takes units,
oldest first (fifo) or freshest first (lifo), and what it does not find is lost; units that end the
day at age ``shelf_life`` are waste; all others grow a day older; the order placed ``lead_time``
days ago arrives fresh. This is the model of De Moor, Gijsbrechts and Boute, European Journal of
Operational Research 301, 2022; with a price and a lead time of 1 that of Hendrix et al., 2019.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.faults import issue_of

#: Most states that are enumerated.
MAX_STATES = 2_000_000
#: Largest discount below 1; days to come would have no end else.
MAX_DISCOUNT = 0.999
FIFO, LIFO = "fifo", "lifo"


@dataclass(frozen=True, kw_only=True, eq=False)
class PerishableItem:
    """One SKU that expires, in one store.

    Parameters
    ----------
    demand_probability
        Probability that a day's demand is 0, 1, 2, ... units; sums to 1.
    shelf_life
        Days m that a unit can be sold, >= 1.
    lead_time
        Days from order to arrival, >= 1; 1 is the next morning.
    max_order
        Most units ordered a day.
    issue
        ``fifo``: the oldest units are picked first, as a picker does; ``lifo``: the freshest.
    order_cost, shortage_cost, waste_cost, holding_cost
        Cost of a unit ordered, not served, expired, and kept for the next day.
    price
        What a unit sold earns.
    discount
        Value today of a cost of 1 tomorrow, up to 0.999, or 1: the cost of a mean day counts.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    demand_probability: FloatArray
    shelf_life: int
    lead_time: int = 1
    max_order: int = 10
    issue: str = FIFO
    order_cost: float = 0.0
    shortage_cost: float = 0.0
    waste_cost: float = 0.0
    holding_cost: float = 0.0
    price: float = 0.0
    discount: float = 1.0

    def __post_init__(self) -> None:
        try:
            given = frozen(self.demand_probability, np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            wanted = "an array of numbers"
            raise InputError(
                issue_of("bad-number", "demand_probability", str(error), wanted)
            ) from error
        if given.ndim == 1 and (given > 0).any():
            # Demand that never comes says nothing.
            given = frozen(given[: int(np.flatnonzero(given > 0).max()) + 1], np.float64)
        object.__setattr__(self, "demand_probability", given)
        issues = self._issues(given)
        if issues:
            raise InputError(issues)

    def _issues(self, given: FloatArray) -> list[Issue]:
        issues = []
        is_law = given.ndim == 1 and given.size and (given >= 0).all()
        if not is_law or not math.isclose(float(given.sum()), 1.0, abs_tol=1e-9):
            wanted = "probabilities >= 0 that add up to 1"
            issues.append(issue_of("bad-value", "demand_probability", str(given)[:60], wanted))
        for name, low in (("shelf_life", 1), ("lead_time", 1), ("max_order", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= 10_000:
                wanted = f"a whole number from {low} to 10000"
                issues.append(issue_of("out-of-range", name, repr(value), wanted))
        issues += [
            issue_of("out-of-range", name, repr(getattr(self, name)), "a number from 0 to 1e9")
            for name in ("order_cost", "shortage_cost", "waste_cost", "holding_cost", "price")
            if not 0 <= getattr(self, name) <= 1e9
        ]
        if not (0 < self.discount <= MAX_DISCOUNT or self.discount == 1):
            wanted = f"a number above 0, at most {MAX_DISCOUNT:g}, or 1"
            issues.append(issue_of("out-of-range", "discount", repr(self.discount), wanted))
        if self.issue not in (FIFO, LIFO):
            issues.append(issue_of("unknown-choice", "issue", repr(self.issue), "fifo or lifo"))
        if not issues:
            digits = (self.shelf_life + self.lead_time - 1) * math.log(self.max_order + 1)
            if digits > math.log(MAX_STATES):
                found = f"(max_order + 1) ** {self.shelf_life + self.lead_time - 1} states"
                issues.append(issue_of("too-large", "max_order", found, f"at most {MAX_STATES}"))
        return issues

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of tables by state: orders under way (latest first), then units of age 1 to m."""
        return (self.max_order + 1,) * (self.lead_time - 1 + self.shelf_life)

    @cached_property
    def mean_demand(self) -> float:
        """Mean demand of a day."""
        return float(self.demand_probability @ np.arange(self.demand_probability.size))

    def replace(self, **changes: Any) -> PerishableItem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)
