"""Policies chosen so far, item by item."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.inventory.perishables.problem import (
    OrderRule,
    PerishablesProblem,
    PerishablesSolution,
)


class Choices:
    """A rule for every item, to be replaced one by one."""

    def __init__(self, level: IntArray) -> None:
        self.rule = [OrderRule.ORDER_UP_TO] * level.size
        self.level = level.copy()
        self.table: list[IntArray] = [np.zeros(0, dtype=np.int64)] * level.size

    def take_table(self, row: int, order_units: IntArray) -> None:
        """Give an item the orders of every state."""
        self.rule[row], self.level[row] = OrderRule.TABLE, 0
        self.table[row] = np.asarray(order_units).ravel()

    def take_level(self, row: int, rule: OrderRule, level: int) -> None:
        """Give an item a level to fill up to."""
        self.rule[row], self.level[row] = rule, level
        self.table[row] = np.zeros(0, dtype=np.int64)

    def solution(self) -> PerishablesSolution:
        """Return the policies as they stand."""
        return PerishablesSolution(
            rule=tuple(self.rule), level_units=self.level, table_units=tuple(self.table)
        )


def mean_levels(problem: PerishablesProblem) -> IntArray:
    """Return levels that cover mean demand until the next order arrives."""
    made = [np.ceil(item.mean_demand * (item.lead_time + 1)) for item in problem.items]
    return np.asarray(made, dtype=np.int64).reshape(len(problem.items))
