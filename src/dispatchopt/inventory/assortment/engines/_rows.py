"""Rows of a whole-number model, block by block."""

from __future__ import annotations

from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.engines._highs import WholeModel


class Rows:
    """Blocks of rows ``A x <= b``, put together at the end."""

    def __init__(self, cost: FloatArray) -> None:
        self.cost = [cost]
        self.num_columns = int(cost.size)
        self._row: list[IntArray] = []
        self._column: list[IntArray] = []
        self._value: list[FloatArray] = []
        self._upper: list[FloatArray] = []
        self._begin = self._num = 0

    def extend(self, cost: FloatArray) -> IntArray:
        """Add columns; return their numbers."""
        self.cost.append(cost)
        self.num_columns += int(cost.size)
        return np.arange(self.num_columns - cost.size, self.num_columns)

    def add(self, row: IntArray, column: IntArray, value: Any, upper: FloatArray) -> None:
        """Start a block of rows 0, 1, ... with some entries."""
        self._begin = self._num
        self._num += upper.size
        self._upper.append(upper)
        self.also(row, column, value)

    def also(self, row: IntArray, column: IntArray, value: Any) -> None:
        """Add entries to the block begun last."""
        self._row.append(row + self._begin)
        self._column.append(column)
        self._value.append(np.broadcast_to(np.asarray(value, dtype=np.float64), row.shape))

    def model(self, offset: float) -> WholeModel:
        """Return the whole model."""
        from scipy import sparse

        empty = np.zeros(0)
        row = np.concatenate([*self._row, empty]).astype(np.int64)
        column = np.concatenate([*self._column, empty]).astype(np.int64)
        entries = np.concatenate([*self._value, empty]), (row, column)
        matrix = sparse.csc_matrix(entries, shape=(self._num, self.num_columns))
        return WholeModel(
            cost=np.concatenate(self.cost),
            starts=matrix.indptr,
            index=matrix.indices,
            value=matrix.data,
            row_upper=np.concatenate([*self._upper, empty]),
            offset=offset,
        )
