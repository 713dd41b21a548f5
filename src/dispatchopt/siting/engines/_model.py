"""A mixed-integer model as arrays, apart from who solves it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray


@dataclass(kw_only=True)
class LinearModel:
    """Minimise ``cost @ x + offset`` under ``row_lower <= A x <= row_upper`` and bounds on x.

    Columns and rows are added in blocks; nothing is copied until ``matrix`` is asked for.
    """

    offset: float = 0.0
    _cost: list[FloatArray] = field(default_factory=list)
    _lower: list[FloatArray] = field(default_factory=list)
    _upper: list[FloatArray] = field(default_factory=list)
    _whole: list[BoolArray] = field(default_factory=list)
    _rows: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    _row_lower: list[FloatArray] = field(default_factory=list)
    _row_upper: list[FloatArray] = field(default_factory=list)
    num_columns: int = 0
    num_rows: int = 0

    def columns(
        self,
        cost: npt.ArrayLike,
        *,
        lower: npt.ArrayLike = 0.0,
        upper: npt.ArrayLike = 1.0,
        is_whole: bool = False,
    ) -> IntArray:
        """Add a block of columns and return their indices."""
        costs = np.array(cost, dtype=np.float64)
        count = len(costs)
        self._cost.append(costs)
        self._lower.append(np.broadcast_to(np.asarray(lower, dtype=np.float64), count))
        self._upper.append(np.broadcast_to(np.asarray(upper, dtype=np.float64), count))
        self._whole.append(np.full(count, is_whole))
        first, self.num_columns = self.num_columns, self.num_columns + count
        return np.arange(first, self.num_columns)

    def rows(
        self,
        count: int,
        *parts: tuple[IntArray, IntArray, npt.ArrayLike],
        lower: npt.ArrayLike = -np.inf,
        upper: npt.ArrayLike = np.inf,
    ) -> None:
        """Add a block of rows; each part gives row in the block, column and coefficient."""
        for row, column, value in parts:
            values = np.broadcast_to(np.asarray(value, dtype=np.float64), len(row))
            self._rows.append((np.asarray(row) + self.num_rows, np.asarray(column), values))
        self._row_lower.append(np.broadcast_to(np.asarray(lower, dtype=np.float64), count))
        self._row_upper.append(np.broadcast_to(np.asarray(upper, dtype=np.float64), count))
        self.num_rows += count

    @property
    def cost(self) -> FloatArray:
        """Cost of each column."""
        return _joined(self._cost)

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bound of each column."""
        return _joined(self._lower), _joined(self._upper)

    @property
    def row_bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bound of each row."""
        return _joined(self._row_lower), _joined(self._row_upper)

    @property
    def is_whole(self) -> BoolArray:
        """Which columns take whole numbers only."""
        return np.concatenate([np.zeros(0, dtype=bool), *self._whole])

    def matrix(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Return indptr, column and value, row by row (CSR)."""
        from scipy import sparse

        none = np.zeros(0, dtype=np.int64)
        row = np.concatenate([none, *(part[0] for part in self._rows)])
        column = np.concatenate([none, *(part[1] for part in self._rows)])
        value = np.concatenate([np.zeros(0), *(part[2] for part in self._rows)])
        table = sparse.csr_array((value, (row, column)), shape=(self.num_rows, self.num_columns))
        return table.indptr, table.indices, table.data


def _joined(blocks: list[FloatArray]) -> FloatArray:
    return np.concatenate([np.zeros(0), *blocks])
