"""What a sourcing problem is: orders of several lines, the stores in reach, and their stock."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.faults import (
    issue_of,
    out_of_range,
    repeated,
    set_array,
    set_decisions,
    set_names,
    set_shaped,
)

#: Largest stock or quantity of a line, in units.
MAX_UNITS = 10**9
#: Most orders.
MAX_ORDERS = 10**7
#: Largest cost of a shipment, a split or an unserved line; more would drown the cents of others.
MAX_COST = 1e9


@dataclass(frozen=True, kw_only=True, eq=False)
class SourcingProblem:
    """Which store sends which line of which order.

    A line comes whole from one store or not at all. Each store that sends something to an order
    makes a shipment; the objective is the cost of shipments, of splits (shipments beyond an
    order's first) and of lines not served.

    Parameters
    ----------
    num_orders
        Number of orders O; an order may have no lines.
    line_order, line_sku
        Order and SKU of each line, (L,). A SKU stands in an order once.
    line_units
        Quantity of each line, (L,), >= 1.
    unserved_cost
        Cost of not serving each line (margin, goodwill), (L,), >= 0.
    option_order, option_store
        Pairs of an order and a store that can reach it within the promise, (P,), each once.
    shipment_cost
        Cost of a shipment from that store to that order (picking, courier), (P,), >= 0.
    stock_units
        What each store can sell, (S, K), >= 0.
    split_cost
        Cost of every shipment of an order beyond its first, >= 0.
    max_shipments
        Most shipments of an order, >= 1.
    stock_price
        What a unit of each SKU in each store is worth to orders that are still to come, (S, K),
        >= 0, as from ``shadow_prices`` of days like this one; None for nothing. It is no part of
        the objective: the engine ``online``, which knows no later orders, goes by it.
    order_ids, store_ids, sku_ids
        Names for messages; by default numbers.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    num_orders: int
    line_order: IntArray
    line_sku: IntArray
    line_units: IntArray
    unserved_cost: FloatArray
    option_order: IntArray
    option_store: IntArray
    shipment_cost: FloatArray
    stock_units: IntArray
    split_cost: float = 0.0
    max_shipments: int = 3
    stock_price: FloatArray | None = None
    order_ids: tuple[str, ...] = ()
    store_ids: tuple[str, ...] = ()
    sku_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        issues: list[Issue] = []
        self._set_numbers(issues)
        self._set_arrays(issues)
        if not issues:
            self._check_shapes(issues)
        if not issues:
            self._check_ranges(issues)
        if not issues:
            self._check_twice(issues)
        if issues:
            raise InputError(issues)

    @property
    def num_lines(self) -> int:
        """Number of lines L."""
        return int(self.line_order.size)

    @property
    def num_options(self) -> int:
        """Number of pairs of order and store P."""
        return int(self.option_order.size)

    @property
    def num_stores(self) -> int:
        """Number of stores S."""
        return int(self.stock_units.shape[0])

    @property
    def num_skus(self) -> int:
        """Number of SKUs K."""
        return int(self.stock_units.shape[1])

    @cached_property
    def choices(self) -> tuple[IntArray, IntArray]:
        """Lines and options that fit together: the store is in reach and holds enough, (C,) each.

        Sorted by line, then by option. Stock is compared for one line at a time.
        """
        by_order = np.argsort(self.option_order, kind="stable")
        count = np.bincount(self.option_order, minlength=self.num_orders)
        first = np.concatenate([[0], np.cumsum(count)])
        each = count[self.line_order]
        line = np.repeat(np.arange(self.num_lines), each)
        shift = np.repeat(first[self.line_order] - np.cumsum(each) + each, each)
        option = by_order[np.arange(line.size) + shift]
        held = self.stock_units[self.option_store[option], self.line_sku[line]]
        fits = held >= self.line_units[line]
        return frozen(line[fits], np.int64), frozen(option[fits], np.int64)

    def replace(self, **changes: Any) -> SourcingProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def _set_numbers(self, issues: list[Issue]) -> None:
        for name, kind, low, high in (
            ("num_orders", int, 0, MAX_ORDERS),
            ("max_shipments", int, 1, 10**9),
            ("split_cost", float, 0.0, MAX_COST),
        ):
            given = getattr(self, name)
            wanted = f"a {'whole ' if kind is int else ''}number from {low:g} to {high:g}"
            try:
                number = kind(given)
                is_bad = not low <= number <= high or number != given
            except (ValueError, TypeError, OverflowError):
                is_bad = True
            if is_bad:
                issues.append(issue_of("out-of-range", name, repr(given), wanted))
            else:
                object.__setattr__(self, name, number)

    def _set_arrays(self, issues: list[Issue]) -> None:
        for name, (dtype, dim) in _FIELDS.items():
            if set_array(self, name, getattr(self, name), dtype, issues):
                found = getattr(self, name).ndim
                if found != dim:
                    issues.append(issue_of("bad-shape", name, f"{found} dimensions", str(dim)))
        if self.stock_price is not None and not issues:
            kind = (np.float64, self.stock_units.shape)
            set_shaped(self, "stock_price", self.stock_price, kind, issues)

    def _check_shapes(self, issues: list[Issue]) -> None:
        for head, *rest in (
            ("line_order", "line_sku", "line_units", "unserved_cost"),
            ("option_order", "option_store", "shipment_cost"),
        ):
            size = getattr(self, head).size
            for name in rest:
                found = getattr(self, name).size
                if found != size:
                    wanted = f"{size}, as many as {head}"
                    issues.append(issue_of("bad-shape", name, f"{found} values", wanted))
        counts = {
            "order_ids": self.num_orders,
            "store_ids": self.num_stores,
            "sku_ids": self.num_skus,
        }
        set_names(self, counts, issues)

    def _check_ranges(self, issues: list[Issue]) -> None:
        limits = {
            "line_order": (0, self.num_orders - 1),
            "line_sku": (0, self.num_skus - 1),
            "line_units": (1, MAX_UNITS),
            "unserved_cost": (0, MAX_COST),
            "option_order": (0, self.num_orders - 1),
            "option_store": (0, self.num_stores - 1),
            "shipment_cost": (0, MAX_COST),
            "stock_units": (0, MAX_UNITS),
            "stock_price": (0, MAX_COST),
        }
        issues += out_of_range(self, limits)

    def _check_twice(self, issues: list[Issue]) -> None:
        for name, size, first, second in (
            ("line_sku", self.num_skus, self.line_order, self.line_sku),
            ("option_store", self.num_stores, self.option_order, self.option_store),
        ):
            issues += repeated(name, (first, second), size, "each only once in an order")


@dataclass(frozen=True, kw_only=True, eq=False)
class SourcingSolution:
    """Who sends what.

    Parameters
    ----------
    store_of_line
        Store that sends each line, (L,); -1 for a line that is not served.
    """

    store_of_line: IntArray

    def __post_init__(self) -> None:
        set_decisions(self, "store_of_line")


#: Field: its type and number of dimensions.
_FIELDS: dict[str, tuple[type[np.generic], int]] = {
    "line_order": (np.int64, 1),
    "line_sku": (np.int64, 1),
    "line_units": (np.int64, 1),
    "unserved_cost": (np.float64, 1),
    "option_order": (np.int64, 1),
    "option_store": (np.int64, 1),
    "shipment_cost": (np.float64, 1),
    "stock_units": (np.int64, 2),
}
