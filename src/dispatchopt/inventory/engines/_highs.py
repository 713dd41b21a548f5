"""Whole-number models for HiGHS, which can be stopped while it works.

All columns are whole: the presolve of HiGHS 1.14 may cut off optima of models that hold both whole
and continuous columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import EngineError


@dataclass(frozen=True, kw_only=True, eq=False)
class WholeModel:
    """Minimise ``offset + cost x`` subject to ``A x <= row_upper`` and x in {0, 1}.

    Parameters
    ----------
    cost
        Cost of each column, (n,).
    starts, index, value
        A column by column: entries of column j are ``starts[j]:starts[j + 1]``.
    row_upper
        Right-hand sides, (m,); inf for a row without a limit.
    offset
        Constant part of the cost.
    """

    cost: FloatArray
    starts: Any
    index: Any
    value: Any
    row_upper: FloatArray
    offset: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a solver is held to: seconds, nodes, gaps, seed."""

    time_s: float = math.inf
    nodes: int | None = None
    gap_relative: float = 0.0
    gap_absolute: float = 1e-7
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """What came of it: columns that are 1 (None without a solution), and a proven bound."""

    is_taken: np.ndarray | None
    bound: float


def minimise(
    model: WholeModel,
    limits: Limits,
    should_stop: Callable[[], bool],
    start: np.ndarray | None = None,
) -> Outcome:
    """Solve a model; ``should_stop`` is asked all along, so that Ctrl-C and cancels work."""
    import highspy

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", limits.seed % (2**31 - 1))
    solver.setOptionValue("mip_rel_gap", limits.gap_relative)
    solver.setOptionValue("mip_abs_gap", limits.gap_absolute)
    solver.setOptionValue("mip_feasibility_tolerance", 1e-9)
    if limits.nodes is not None:
        solver.setOptionValue("mip_max_nodes", limits.nodes)
    if math.isfinite(limits.time_s):
        solver.setOptionValue("time_limit", max(0.01, limits.time_s))
    if solver.passModel(_lp(model)) == highspy.HighsStatus.kError:
        raise EngineError("HiGHS refused an inventory model")
    if start is not None:
        columns = np.arange(model.cost.size, dtype=np.int32)
        solver.setSolution(model.cost.size, columns, start.astype(np.float64))
    run_watched(solver, should_stop)
    info = solver.getInfo()
    bound = float(info.mip_dual_bound)
    is_taken = None
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        is_taken = np.asarray(solver.getSolution().col_value) > 0.5
    return Outcome(is_taken=is_taken, bound=bound if math.isfinite(bound) else -math.inf)


def run_watched(solver: Any, should_stop: Callable[[], bool]) -> None:
    """Run a solver that asks whether to stop; what was raised meanwhile is raised after it."""
    raised = _watch(solver, should_stop)
    solver.run()
    if raised:
        raise raised[0]


def _watch(solver: Any, should_stop: Callable[[], bool]) -> list[BaseException]:
    """Let the solver ask whether to stop; returns a list that gets what was raised meanwhile."""
    import highspy

    raised: list[BaseException] = []

    def called(_kind: Any, _message: str, _out: Any, reply: Any, _data: Any) -> None:
        # Ctrl-C arrives in whatever Python runs: here, as the solver itself is not Python.
        try:
            if raised or should_stop():
                reply.user_interrupt = True
        except BaseException as error:  # noqa: BLE001  # re-raised above; it must not cross C++
            raised.append(error)
            reply.user_interrupt = True

    solver.setCallback(called, None)
    kinds = highspy.cb.HighsCallbackType
    for kind in (
        kinds.kCallbackMipInterrupt,
        kinds.kCallbackSimplexInterrupt,
        kinds.kCallbackIpmInterrupt,
    ):
        solver.startCallback(kind)
    return raised


def _lp(model: WholeModel) -> Any:
    import highspy

    count = model.cost.size
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = count, model.row_upper.size
    lp.offset_ = model.offset
    lp.col_cost_ = model.cost
    lp.col_lower_, lp.col_upper_ = np.zeros(count), np.ones(count)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * count
    lp.row_lower_ = np.full(model.row_upper.size, -np.inf)
    lp.row_upper_ = model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = model.starts
    lp.a_matrix_.index_ = model.index
    lp.a_matrix_.value_ = model.value
    return lp
