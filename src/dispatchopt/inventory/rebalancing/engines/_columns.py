"""A linear or whole-number model for HiGHS, and the bound that any prices of its rows prove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.inventory.engines._highs import Limits

#: Columns from which the interior-point method is the faster one.
_MIN_INTERIOR = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """Minimise ``cost x`` subject to ``lower <= x <= upper`` and limits of the rows of ``A x``.

    Rows are equations or have no lower limit.

    Parameters
    ----------
    cost, lower, upper
        Of each column, (n,).
    matrix
        A by columns, (m, n), scipy.
    row_lower, row_upper
        Limits of each row, (m,); -inf and inf for none.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    matrix: Any
    row_lower: FloatArray
    row_upper: FloatArray

    def solver(self, limits: Limits, *, is_whole: bool, has_vertex: bool = True) -> Any:
        """Return HiGHS with the model and its limits; a linear answer may be no vertex."""
        import highspy

        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.cost.size, self.row_upper.size
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = self.cost, self.lower, self.upper
        lp.row_lower_, lp.row_upper_ = self.row_lower, self.row_upper
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = self.matrix.indptr, self.matrix.indices
        lp.a_matrix_.value_ = self.matrix.data
        if is_whole:
            lp.integrality_ = [highspy.HighsVarType.kInteger] * self.cost.size
        solver = highspy.Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", limits.seed % (2**31 - 1)),
            ("mip_rel_gap", limits.gap_relative),
        ):
            solver.setOptionValue(name, value)
        if limits.nodes is not None:
            solver.setOptionValue("mip_max_nodes", limits.nodes)
        if np.isfinite(limits.time_s):
            solver.setOptionValue("time_limit", max(0.01, limits.time_s))
        if not is_whole and self.cost.size >= _MIN_INTERIOR:
            solver.setOptionValue("solver", "ipm")
            solver.setOptionValue("run_crossover", "on" if has_vertex else "off")
        solver.passModel(lp)
        return solver

    def proven(self, dual: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return the bound that prices of rows prove, those prices made valid, reduced costs.

        Parameters
        ----------
        dual
            Prices in the sense of HiGHS, (m,), however rough.
        """
        has_limit = np.isfinite(self.row_upper)
        is_equation = self.row_lower == self.row_upper
        price = np.where(is_equation, dual, np.minimum(dual, 0.0))
        price = np.where(has_limit & np.isfinite(price), price, 0.0)
        reduced = self.cost - self.matrix.T @ price
        at_best = np.where(reduced > 0, self.lower, self.upper)
        bound = float(price @ np.where(has_limit, self.row_upper, 0.0)) + float(reduced @ at_best)
        return bound, price, reduced
