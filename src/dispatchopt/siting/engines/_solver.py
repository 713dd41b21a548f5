"""Handing a model to a mixed-integer solver through PuLP, and reading what came of it."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import EngineError, UnsupportedError
from dispatchopt.siting.engines._model import LinearModel


class Ending(enum.StrEnum):
    """What a solver's run says about the model."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    STOPPED = "stopped"
    FAILED = "failed"


#: HiGHS model status by name. Whatever is not listed is a failure.
HIGHS_ENDINGS = {
    "kOptimal": Ending.OPTIMAL,
    "kModelEmpty": Ending.OPTIMAL,
    "kInfeasible": Ending.INFEASIBLE,
    # Every column of our models is bounded, so that they cannot be unbounded.
    "kUnboundedOrInfeasible": Ending.INFEASIBLE,
    "kObjectiveBound": Ending.STOPPED,
    "kObjectiveTarget": Ending.STOPPED,
    "kTimeLimit": Ending.STOPPED,
    "kIterationLimit": Ending.STOPPED,
    "kSolutionLimit": Ending.STOPPED,
    "kInterrupt": Ending.STOPPED,
    "kMemoryLimit": Ending.STOPPED,
    "kHighsInterrupt": Ending.STOPPED,
}


def pulp_ending(status: int, solution_status: int, *, is_cut_short: bool) -> Ending:
    """Translate PuLP's two codes.

    Some readers call an answer that a limit cut short optimal, so that a run that may have met
    its limit proves nothing.
    """
    import pulp

    if status == pulp.LpStatusInfeasible and not is_cut_short:
        return Ending.INFEASIBLE
    if status == pulp.LpStatusOptimal:
        is_proven = solution_status == pulp.LpSolutionOptimal and not is_cut_short
        return Ending.OPTIMAL if is_proven else Ending.STOPPED
    if status in (pulp.LpStatusNotSolved, pulp.LpStatusUndefined) or is_cut_short:
        return Ending.STOPPED
    return Ending.FAILED


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a solver is held to.

    Parameters
    ----------
    time_s
        Seconds; inf for none.
    nodes
        Nodes of branch and bound; None for none.
    gap_relative, gap_absolute
        Gaps between objective and bound at which the answer counts as optimal.
    seed
        Seed of the solver.
    """

    time_s: float = math.inf
    nodes: int | None = None
    gap_relative: float = 0.0
    gap_absolute: float = 0.0
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What a solver calls while it works; only HiGHS does.

    Parameters
    ----------
    should_stop
        Asked often; True ends the run.
    found
        Gets the columns' values of each better solution.
    bounded
        Gets the lower bound and the number of nodes so far.
    """

    should_stop: Callable[[], bool]
    found: Callable[[FloatArray], None]
    bounded: Callable[[float, int], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a solver's run ended; ``values`` is None without a solution."""

    ending: Ending
    values: FloatArray | None
    bound: float
    nodes: int


def solve(
    model: LinearModel,
    *,
    solver: str,
    limits: Limits,
    hooks: Hooks,
    start: FloatArray | None = None,
) -> Outcome:
    """Minimise a model with a solver that PuLP knows by name."""
    if solver == "HiGHS":
        return _with_highs(model, limits, hooks, start)
    return _with_other(model, solver, limits, start)


@cache
def _highs_class() -> Any:
    import pulp

    class ArrayHiGHS(pulp.HiGHS):  # type: ignore[misc]  # pulp ships no types
        """PuLP's HiGHS, fed with whole arrays in place of one column and row at a time."""

        def buildSolverModel(self, lp: Any) -> None:  # noqa: N802  # the name is PuLP's
            """Pass the arrays that ``lp`` carries."""
            pass_arrays(lp.solverModel, lp.arrays)
            if lp.start is not None:
                index = np.arange(len(lp.start), dtype=np.int32)
                lp.solverModel.setSolution(len(index), index, lp.start)

        def findSolutionValues(self, lp: Any) -> tuple[int, int]:  # noqa: ARG002, N802
            """Leave reading to the caller, who knows more states than PuLP does."""
            return pulp.LpStatusNotSolved, pulp.LpSolutionNoSolutionFound

    return ArrayHiGHS


def _with_highs(
    model: LinearModel, limits: Limits, hooks: Hooks, start: FloatArray | None
) -> Outcome:
    import highspy
    import pulp

    raised: list[BaseException] = []
    kinds = highspy.cb.HighsCallbackType

    def called(kind: Any, _message: str, out: Any, reply: Any, _data: Any) -> None:
        # Ctrl-C arrives in whatever Python runs: here, as the solver itself is not Python.
        try:
            if kind == kinds.kCallbackMipImprovingSolution:
                hooks.found(np.array(out.mip_solution, dtype=np.float64))
                return
            if kind == kinds.kCallbackMipInterrupt and math.isfinite(out.mip_dual_bound):
                hooks.bounded(out.mip_dual_bound, int(out.mip_node_count))
            if raised or hooks.should_stop():
                reply.user_interrupt = True
        except BaseException as error:  # noqa: BLE001  # re-raised below; it must not cross C++
            raised.append(error)
            if kind != kinds.kCallbackMipImprovingSolution:
                reply.user_interrupt = True

    solver = _highs_class()(
        msg=False,
        timeLimit=limits.time_s if math.isfinite(limits.time_s) else None,
        gapRel=limits.gap_relative,
        gapAbs=limits.gap_absolute,
        callbackTuple=(called, None),
        callbacksToActivate=[
            kinds.kCallbackMipInterrupt,
            kinds.kCallbackSimplexInterrupt,
            kinds.kCallbackIpmInterrupt,
            kinds.kCallbackMipImprovingSolution,
        ],
        **_options(model, limits),
    )
    shell = pulp.LpProblem("siting", pulp.LpMinimize)
    shell.arrays, shell.start = model, start
    solver.actualSolve(shell)
    if raised:
        raise raised[0]
    return _read_highs(shell.solverModel, model)


def _options(model: LinearModel, limits: Limits) -> dict[str, Any]:
    options: dict[str, Any] = {"random_seed": limits.seed % (2**31 - 1)}
    if limits.nodes is not None:
        options["mip_max_nodes"] = limits.nodes
    if model.is_whole.any() and not model.is_whole.all():
        # Presolve of HiGHS 1.14 cuts off optima of models with both whole and continuous columns
        # (its issues 3043, 3073 and 3094).
        options["presolve"] = "off"
    return options


def simplex(seed: int, **options: Any) -> Any:
    """Return an empty HiGHS for a relaxation that is solved again and again from its basis.

    On one thread and without presolve, which would lose the basis; ``options`` are further ones.
    """
    import highspy

    highs = highspy.Highs()
    for name, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": seed % (2**31 - 1),
        "presolve": "off",
        "solver": "simplex",
        **options,
    }.items():
        highs.setOptionValue(name, value)
    return highs


def pass_arrays(highs: Any, model: LinearModel) -> None:
    """Give the arrays of a model to HiGHS."""
    import highspy

    indptr, index, value = model.matrix()
    lower, upper = model.bounds
    row_lower, row_upper = model.row_bounds
    status = highs.passModel(
        model.num_columns,
        model.num_rows,
        len(index),
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        model.offset,
        model.cost,
        lower,
        upper,
        row_lower,
        row_upper,
        indptr.astype(np.int32),
        index.astype(np.int32),
        value,
        model.is_whole.astype(np.int32),
    )
    if status == highspy.HighsStatus.kError:
        raise EngineError("HiGHS refused a siting model")


def _read_highs(highs: Any, model: LinearModel) -> Outcome:
    import highspy

    name = highs.getModelStatus().name
    ending = HIGHS_ENDINGS.get(name, Ending.FAILED)
    info = highs.getInfo()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.array(highs.getSolution().col_value) if feasible else None
    bound = float(info.mip_dual_bound) if model.is_whole.any() else -math.inf
    if ending is Ending.OPTIMAL and not model.is_whole.any():
        bound = float(info.objective_function_value)
    if not math.isfinite(bound) or ending is Ending.FAILED:
        bound = -math.inf
    return Outcome(ending=ending, values=values, bound=bound, nodes=max(0, info.mip_node_count))


def available_solvers() -> list[str]:
    """Return the names of PuLP's solvers that can run here."""
    import pulp

    names: list[str] = pulp.listSolvers(onlyAvailable=True)
    return names


def _with_other(
    model: LinearModel, solver: str, limits: Limits, start: FloatArray | None
) -> Outcome:
    import time

    import pulp

    if solver not in available_solvers():
        raise UnsupportedError(
            f"PuLP has no solver {solver!r} here; there are: {', '.join(available_solvers())}"
        )
    problem, columns = _pulp_model(model)
    if start is not None:
        for column, value in zip(columns, start, strict=True):
            column.setInitialValue(value)
    time_s = limits.time_s if math.isfinite(limits.time_s) else None
    began = time.perf_counter()
    chosen = pulp.getSolver(solver, msg=False, timeLimit=time_s, gapRel=limits.gap_relative)
    status = problem.solve(chosen)
    # A solver that used almost all of its time may have been cut short without saying so.
    is_late = time.perf_counter() - began >= 0.9 * limits.time_s
    ending = pulp_ending(status, problem.sol_status, is_cut_short=is_late)
    values = None
    if status == pulp.LpStatusOptimal:
        known = [column.value() for column in columns]
        # A column that stands in no row has no value; any within its bounds will do.
        lower = model.bounds[0]
        values = np.array([low if v is None else v for v, low in zip(known, lower, strict=True)])
    bound = -math.inf
    if ending is Ending.OPTIMAL and values is not None and limits.gap_relative == 0:
        bound = float(values @ model.cost) + model.offset
    return Outcome(ending=ending, values=values, bound=bound, nodes=0)


def _pulp_model(model: LinearModel) -> tuple[Any, list[Any]]:
    """Write the arrays as PuLP variables and constraints, for any of its solvers."""
    import pulp

    lower, upper = model.bounds
    problem = pulp.LpProblem("siting", pulp.LpMinimize)
    kinds = np.where(model.is_whole, pulp.LpInteger, pulp.LpContinuous)
    columns = [
        problem.add_variable(f"x{at}", low, high, str(kind))
        for at, (low, high, kind) in enumerate(zip(lower, upper, kinds, strict=True))
    ]
    terms = pulp.LpAffineExpression(list(zip(columns, model.cost.tolist(), strict=True)))
    problem.setObjective(terms + model.offset)
    indptr, index, value = model.matrix()
    row_lower, row_upper = model.row_bounds
    for row in range(model.num_rows):
        part = slice(indptr[row], indptr[row + 1])
        pairs = zip(index[part].tolist(), value[part].tolist(), strict=True)
        terms = pulp.LpAffineExpression([(columns[at], each) for at, each in pairs])
        if len(terms) == 0:
            # An empty row holds or makes the model infeasible; PuLP would drop it.
            idle = problem.add_variable(f"zero{row}", 0, 0)
            terms = pulp.LpAffineExpression([(idle, 1.0)])
        for limit, sense in (
            (row_lower[row], pulp.LpConstraintGE),
            (row_upper[row], pulp.LpConstraintLE),
        ):
            if math.isfinite(limit):
                name = f"r{row}{'g' if sense == pulp.LpConstraintGE else 'l'}"
                problem.addConstraint(pulp.LpConstraint(terms, sense, name, limit))
    return problem, columns
