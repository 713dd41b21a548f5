"""What a perishables problem is: items that expire, each with an order policy to be chosen."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.faults import issue_of
from dispatchopt.inventory.perishables.item import PerishableItem

#: Largest level that a rule may fill up to.
MAX_LEVEL = 10**9


class OrderRule(enum.StrEnum):
    """How the order of a day follows from what is on hand and under way."""

    TABLE = "table"
    ORDER_UP_TO = "order-up-to"
    WASTE_ADJUSTED = "waste-adjusted"


@dataclass(frozen=True, kw_only=True, eq=False)
class PerishablesProblem:
    """Which order to place in every state of every item.

    Items do not touch each other: one SKU in one store each. The objective is the sum over items
    of the cost of a mean day, reached from the state given, or below a discount of 1 of the
    discounted cost of all days from there.

    Parameters
    ----------
    items
        The items; all with the same discount.
    start_units
        Units at the first morning by item: under way (latest order first), then of age 1 (fresh)
        to ``shelf_life``, as many as an item's ``shape`` has axes, none above ``max_order``; None
        for empty shelves.
    item_ids
        Names for messages; by default numbers.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    items: tuple[PerishableItem, ...]
    start_units: tuple[IntArray, ...] | None = None
    item_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        issues: list[Issue] = []
        object.__setattr__(self, "items", tuple(self.items))
        names = tuple(map(str, self.item_ids)) or tuple(map(str, range(len(self.items))))
        object.__setattr__(self, "item_ids", names)
        if len(names) != len(self.items):
            wanted = f"{len(self.items)} names"
            issues.append(issue_of("bad-shape", "item_ids", f"{len(names)} names", wanted))
        elif len(set(names)) != len(names):
            issues.append(issue_of("duplicate-id", "item_ids", "a name twice", "names that differ"))
        if len({item.discount for item in self.items}) > 1:
            wanted = "one discount for all items"
            issues.append(issue_of("bad-value", "items", "discounts that differ", wanted))
        self._set_start(issues)
        if issues:
            raise InputError(issues)

    @property
    def discount(self) -> float:
        """Value today of a cost of 1 tomorrow; at 1 the cost of a mean day counts."""
        return self.items[0].discount if self.items else 1.0

    def start(self, row: int) -> IntArray:
        """Return the first state of an item, as many numbers as its ``shape`` has axes."""
        if self.start_units is None:
            return np.zeros(len(self.items[row].shape), dtype=np.int64)
        return self.start_units[row]

    def replace(self, **changes: Any) -> PerishablesProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def _set_start(self, issues: list[Issue]) -> None:
        if self.start_units is None:
            return
        made = []
        if len(self.start_units) != len(self.items):
            found, wanted = f"{len(self.start_units)} states", f"{len(self.items)} states"
            issues.append(issue_of("bad-shape", "start_units", found, wanted))
            return
        for row, (item, given) in enumerate(zip(self.items, self.start_units, strict=True)):
            where = f"start_units[{row}]"
            try:
                state = frozen(given, np.int64)
            except (ValueError, TypeError, OverflowError) as error:
                issues.append(issue_of("bad-number", where, str(error), "whole numbers"))
                continue
            wanted = f"{len(item.shape)} numbers from 0 to {item.max_order}"
            if state.shape != (len(item.shape),):
                issues.append(issue_of("bad-shape", where, str(state.shape), wanted))
            elif not ((state >= 0) & (state <= item.max_order)).all():
                issues.append(issue_of("out-of-range", where, str(state.tolist())[:60], wanted))
            made.append(state)
        object.__setattr__(self, "start_units", tuple(made))


@dataclass(frozen=True, kw_only=True, eq=False)
class PerishablesSolution:
    """An order policy for every item.

    Parameters
    ----------
    rule
        How each item's order is found.
    level_units
        What ``order-up-to`` and ``waste-adjusted`` fill up to, (items,).
    table_units
        The order in every state, flat, latest order under way as the first axis; empty for the
        other rules.
    """

    rule: tuple[OrderRule, ...]
    level_units: IntArray
    table_units: tuple[IntArray, ...]

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "rule", tuple(OrderRule(each) for each in self.rule))
            object.__setattr__(self, "level_units", frozen(self.level_units, np.int64))
            tables = tuple(frozen(each, np.int64) for each in self.table_units)
            object.__setattr__(self, "table_units", tables)
        except (ValueError, TypeError, OverflowError) as error:
            wanted = "rules, levels and tables of whole numbers"
            raise InputError(issue_of("bad-number", "level_units", str(error), wanted)) from error
