"""Some orders and what stock is left for them, as a whole-number model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.engines._highs import WholeModel
from dispatchopt.inventory.sourcing.engines._pricing import Pricing


@dataclass(frozen=True, kw_only=True, eq=False)
class OrdersModel:
    """The model, and which choices, options and orders its columns stand for.

    Columns: x (a choice is taken), z (a shipment is sent), w (an order gets anything, where a
    shipment beyond the first costs more than the first).
    """

    model: WholeModel
    choice: IntArray
    option: IntArray
    order: IntArray

    def columns(self, pricing: Pricing, choice_of_line: IntArray) -> FloatArray:
        """Return a known answer as columns."""
        taken = np.isin(self.choice, choice_of_line[choice_of_line >= 0])
        sent = np.isin(self.option, pricing.option[self.choice[taken]])
        served = np.isin(self.order, pricing.problem.option_order[self.option[sent]])
        return np.concatenate([taken, sent, served]).astype(np.float64)


def build(pricing: Pricing, choice: IntArray, left: FloatArray, offset: float = 0.0) -> OrdersModel:
    """Write the model of the lines behind some choices.

    Parameters
    ----------
    pricing
        The problem with its choices.
    choice
        Choices that may be taken, sorted; all others are not.
    left
        Stock left in each cell.
    offset
        Cost that is added to the objective.
    """
    problem = pricing.problem
    choice = choice[pricing.units[choice] <= left[pricing.cell[choice]]]
    line, option = pricing.line[choice], pricing.option[choice]
    options, ship = np.unique(option, return_inverse=True)
    option_order = problem.option_order[options]
    orders, owner = np.unique(option_order, return_inverse=True)
    if problem.split_cost <= 0:
        # Without a cost of splits the first shipment is like the others.
        orders = orders[:0]
    num_x, num_z = choice.size, options.size
    x, z, w = np.arange(num_x), num_x + np.arange(num_z), num_x + num_z + np.arange(orders.size)
    rows = _Rows()
    # A line goes out with a shipment of its store.
    rows.add(np.arange(num_x), x, 1.0, np.zeros(num_x))
    rows.also(np.arange(num_x), z[ship], -1.0)
    _, at, count = np.unique(line, return_inverse=True, return_counts=True)
    rows.add(at, x, 1.0, np.ones(count.size), only=count > 1)
    units = pricing.units[choice]
    cells, at = np.unique(pricing.cell[choice], return_inverse=True)
    wanted = np.bincount(at, weights=units, minlength=cells.size)
    rows.add(at, x, units, left[cells], only=wanted > left[cells])
    num = np.bincount(owner)
    most = np.full(num.size, float(problem.max_shipments))
    rows.add(owner, z, 1.0, most, only=num > problem.max_shipments)
    if orders.size:
        rows.add(np.arange(orders.size), w, 1.0, np.zeros(orders.size))
        rows.also(owner, z, -1.0)
    cost = np.concatenate(
        [
            -problem.unserved_cost[line],
            problem.shipment_cost[options] + problem.split_cost,
            np.full(orders.size, -problem.split_cost),
        ]
    )
    return OrdersModel(model=rows.model(cost, offset), choice=choice, option=options, order=orders)


class _Rows:
    """Blocks of rows ``A x <= b``, put together at the end."""

    def __init__(self) -> None:
        self.row: list[IntArray] = []
        self.column: list[IntArray] = []
        self.value: list[FloatArray] = []
        self.upper: list[FloatArray] = []
        self.begin = self.num = 0

    def add(
        self,
        row: IntArray,
        column: IntArray,
        value: Any,
        upper: FloatArray,
        only: BoolArray | None = None,
    ) -> None:
        """Start a block of rows 0, 1, ... with some entries; keep ``only`` some of its rows."""
        self.begin = self.num
        if only is not None:
            keep = only[row]
            value = np.broadcast_to(value, row.shape)[keep]
            row, column, upper = (np.cumsum(only) - 1)[row[keep]], column[keep], upper[only]
        self.num += upper.size
        self.upper.append(upper)
        self.also(row, column, value)

    def also(self, row: IntArray, column: IntArray, value: Any) -> None:
        """Add entries to the block begun last."""
        self.row.append(row + self.begin)
        self.column.append(column)
        self.value.append(np.broadcast_to(np.asarray(value, dtype=np.float64), row.shape))

    def model(self, cost: FloatArray, offset: float) -> WholeModel:
        """Return the whole model."""
        from scipy import sparse

        row, column = np.concatenate(self.row), np.concatenate(self.column)
        entries = np.concatenate(self.value), (row, column)
        matrix = sparse.csc_matrix(entries, shape=(self.num, cost.size))
        return WholeModel(
            cost=cost,
            starts=matrix.indptr,
            index=matrix.indices,
            value=matrix.data,
            row_upper=np.concatenate(self.upper),
            offset=offset,
        )
