"""One order at a time, as it comes in: which stores send it, at prices of the stock it takes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError
from dispatchopt.inventory.faults import issue_of
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution


class OnlineSourcing:
    """Sources orders one by one and keeps the stock.

    Every set of up to ``max_shipments`` of the cheapest stores in reach is tried. A unit taken from
    a store costs the order that stock's price: what the unit is worth to later orders (Acimovic and
    Graves, Making better fulfillment decisions on the fly, M&SOM 17, 2015). Without prices the rule
    is the myopic one.

    Parameters
    ----------
    stock_units
        What each store can sell, (S, K), >= 0; copied.
    price
        Price of one unit of each SKU in each store, (S, K), >= 0, as from ``shadow_prices``;
        None for none.
    split_cost
        Cost of every shipment of an order beyond its first.
    max_shipments
        Most shipments of an order.
    max_stores
        Stores tried for one order: the cheapest that hold any of it.

    Raises
    ------
    InputError
        If the prices do not fit the stock, or a number is out of range.
    """

    def __init__(
        self,
        stock_units: npt.ArrayLike,
        price: npt.ArrayLike | None = None,
        *,
        split_cost: float = 0.0,
        max_shipments: int = 3,
        max_stores: int = 6,
    ) -> None:
        self.stock_units = np.array(stock_units, dtype=np.int64)
        shape = self.stock_units.shape
        self.price: FloatArray = np.zeros(shape) if price is None else np.array(price, np.float64)
        issues = []
        if len(shape) != 2 or self.price.shape != shape:
            found = f"shapes {shape} and {self.price.shape}"
            issues.append(issue_of("bad-shape", "price", found, "stores x SKUs, as the stock"))
        elif not (self.price >= 0).all() or not (self.stock_units >= 0).all():
            issues.append(issue_of("out-of-range", "price", "a number below 0", "numbers >= 0"))
        if not (split_cost >= 0 and max_shipments >= 1 and max_stores >= 1):
            found = f"{split_cost}, {max_shipments}, {max_stores}"
            wanted = "a cost >= 0 and counts >= 1"
            issues.append(issue_of("out-of-range", "limits", found, wanted))
        if issues:
            raise InputError(issues)
        self._split = float(split_cost)
        self._shipments = int(max_shipments)
        self._stores = int(max_stores)

    def source(
        self,
        *,
        sku: Sequence[int],
        units: Sequence[int],
        unserved_cost: Sequence[float],
        store: Sequence[int],
        shipment_cost: Sequence[float],
    ) -> list[int]:
        """Decide one order and take its stock.

        Parameters
        ----------
        sku, units, unserved_cost
            Lines of the order; each SKU once.
        store, shipment_cost
            Stores that reach it within the promise, and what a shipment from each costs.

        Returns
        -------
        list of int
            Store that sends each line; -1 for none.
        """
        rows = []
        for each, ship in sorted(zip(store, shipment_cost, strict=True), key=lambda pair: pair[1]):
            stock, price = self.stock_units[each], self.price[each]
            charges = [
                float(price[k]) * n if stock[k] >= n else math.inf
                for k, n in zip(sku, units, strict=True)
            ]
            if min(charges, default=math.inf) < math.inf:
                rows.append((each, ship + self._split, charges))
                if len(rows) == self._stores:
                    break
        best = float(sum(unserved_cost))
        which: tuple[int, ...] = ()
        for places in _sets(len(rows), self._shipments):
            cost = sum(rows[place][1] for place in places) - self._split
            if cost >= best:
                continue
            columns = zip(unserved_cost, *(rows[place][2] for place in places), strict=True)
            cost += sum(map(min, columns))
            if cost < best:
                best, which = cost, places
        chosen = [-1] * len(sku)
        for line, (lost, k, n) in enumerate(zip(unserved_cost, sku, units, strict=True)):
            charge, each = min(
                ((rows[place][2][line], rows[place][0]) for place in which),
                default=(math.inf, -1),
            )
            # A line that was not sent at a tie saves stock for others.
            if charge < lost:
                chosen[line] = each
                self.stock_units[each, k] -= n
        return chosen


def source_in_turn(
    problem: SourcingProblem,
    price: npt.ArrayLike | None = None,
    *,
    orders: Iterable[int] | None = None,
    max_stores: int = 6,
    should_stop: Callable[[], bool] | None = None,
) -> SourcingSolution:
    """Source all orders of a problem one by one, in the given order (by number, if None).

    Orders after the one at which ``should_stop`` says so stay unserved.
    """
    rule = OnlineSourcing(
        problem.stock_units,
        price,
        split_cost=problem.split_cost,
        max_shipments=problem.max_shipments,
        max_stores=max_stores,
    )
    lines = _rows_of(problem.line_order, problem.num_orders)
    options = _rows_of(problem.option_order, problem.num_orders)
    sku, units = problem.line_sku.tolist(), problem.line_units.tolist()
    lost = problem.unserved_cost.tolist()
    store, ship = problem.option_store.tolist(), problem.shipment_cost.tolist()
    chosen = np.full(problem.num_lines, -1, dtype=np.int64)
    for order in range(problem.num_orders) if orders is None else orders:
        if should_stop is not None and should_stop():
            break
        mine, reach = lines[order], options[order]
        if mine and reach:
            chosen[mine] = rule.source(
                sku=[sku[at] for at in mine],
                units=[units[at] for at in mine],
                unserved_cost=[lost[at] for at in mine],
                store=[store[at] for at in reach],
                shipment_cost=[ship[at] for at in reach],
            )
    return SourcingSolution(store_of_line=chosen)


@cache
def _sets(num: int, largest: int) -> tuple[tuple[int, ...], ...]:
    sizes = range(1, min(num, largest) + 1)
    return tuple(each for size in sizes for each in itertools.combinations(range(num), size))


def _rows_of(owner: npt.NDArray[np.int64], num: int) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(num)]
    for row, each in enumerate(owner.tolist()):
        rows[each].append(row)
    return rows
