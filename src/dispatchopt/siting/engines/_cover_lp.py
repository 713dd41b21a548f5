"""The linear relaxation of a covering model in HiGHS, solved again and again with other bounds."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray
from dispatchopt.core.errors import EngineError
from dispatchopt.siting.engines._cover_cuts import Cuts
from dispatchopt.siting.engines._cover_model import CoverModel
from dispatchopt.siting.engines._solver import pass_arrays, simplex

#: Sets from which on a first solve by interior point is faster than by simplex.
_INTERIOR_SETS = 1_500
#: Sets from which on a single solve is so long that it must be interruptible.
_SLOW_SETS = 8_000


class Ending(enum.Enum):
    """How a solve ended."""

    SOLVED = "solved"
    INFEASIBLE = "infeasible"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, eq=False)
class Relaxed:
    """What a solve found: y, row multipliers, objective and u; of no use unless solved.

    ``gains`` estimates what closing and what opening each site adds, shape (2, m); None if it is
    for trials to find out.
    """

    ending: Ending
    sites: FloatArray
    row_dual: FloatArray
    objective: float
    simplex_steps: int
    missed: FloatArray
    gains: FloatArray | None = None


class Relaxation:
    """A linear relaxation that is kept in the solver, with its basis."""

    #: Distance from a whole number that counts as none.
    whole = 1e-6

    def __init__(
        self,
        model: CoverModel,
        *,
        time_left_s: Callable[[], float],
        should_stop: Callable[[], bool],
        seed: int,
    ) -> None:
        self._count = model.num_sites
        self._index = np.arange(self._count, dtype=np.int32)
        self._time_left_s = time_left_s
        self._should_stop = should_stop
        self._raised: list[BaseException] = []
        # Steepest-edge weights would be computed anew for each basis that is restored.
        self._highs = simplex(seed, simplex_dual_edge_weight_strategy=1)
        pass_arrays(self._highs, model.linear())
        self._is_large = model.sets.num_sets >= _INTERIOR_SETS
        if model.sets.num_sets >= _SLOW_SETS:
            import highspy

            kinds = highspy.cb.HighsCallbackType
            self._highs.setCallback(self._called, None)
            self._highs.startCallback(kinds.kCallbackSimplexInterrupt)
            self._highs.startCallback(kinds.kCallbackIpmInterrupt)

    def first(self, lower: BoolArray, upper: BoolArray) -> Relaxed:
        """Solve without a basis to start from."""
        if not self._is_large:
            return self.solve(lower, upper)
        self._highs.setOptionValue("solver", "ipm")
        result = self.solve(lower, upper)
        self._highs.setOptionValue("solver", "simplex")
        return result

    def solve(
        self, lower: BoolArray, upper: BoolArray, *, most_steps: int | None = None
    ) -> Relaxed:
        """Solve with bounds on y, from the basis at hand.

        Parameters
        ----------
        lower, upper
            Bounds of y, shape (m,).
        most_steps
            Steps of the simplex method after which to give up; the multipliers still count.
        """
        highs = self._highs
        highs.changeColsBounds(
            self._count, self._index, lower.astype(np.float64), upper.astype(np.float64)
        )
        limit = 2**31 - 1 if most_steps is None else most_steps
        highs.setOptionValue("simplex_iteration_limit", limit)
        left = self._time_left_s()
        # The solver's clock runs on from one solve to the next.
        clock = math.inf if math.isinf(left) else highs.getRunTime() + left
        highs.setOptionValue("time_limit", clock)
        highs.run()
        if self._raised:
            raise self._raised.pop()
        return self._read()

    def add(self, cuts: Cuts) -> None:
        """Add rows; they are basic, so that the next solve goes on from the basis at hand."""
        self._highs.addRows(
            cuts.count,
            cuts.limit.astype(np.float64),
            np.full(cuts.count, math.inf),
            len(cuts.column),
            cuts.indptr[:-1].astype(np.int32),
            cuts.column.astype(np.int32),
            cuts.value.astype(np.float64),
        )

    def drop_last(self, count: int) -> None:
        """Delete so many of the last rows."""
        rows = self._highs.getNumRow()
        self._highs.deleteRows(count, np.arange(rows - count, rows, dtype=np.int32))

    def drop_slack(self, count: int) -> BoolArray:
        """Delete those of the last rows that do not bind; returns which of them stay."""
        import highspy

        status = self._highs.getBasis().row_status
        last = status[len(status) - count :]
        stays = np.array([each != highspy.HighsBasisStatus.kBasic for each in last], dtype=bool)
        gone = len(status) - count + np.flatnonzero(~stays)
        if len(gone):
            self._highs.deleteRows(len(gone), gone.astype(np.int32))
        return stays

    def basis(self) -> Any:
        """Return a copy of the basis."""
        import highspy

        basis = highspy.HighsBasis()
        own = self._highs.getBasis()
        basis.col_status, basis.row_status = own.col_status, own.row_status
        basis.valid = own.valid
        return basis

    def restore(self, basis: Any) -> None:
        """Go on from a basis."""
        self._highs.setBasis(basis)

    def _read(self) -> Relaxed:
        import highspy

        highs = self._highs
        status = highs.getModelStatus()
        states = highspy.HighsModelStatus
        solution = highs.getSolution()
        if status in (states.kOptimal, states.kModelEmpty):
            ending = Ending.SOLVED
        elif status in (states.kInfeasible, states.kUnboundedOrInfeasible):
            ending = Ending.INFEASIBLE
        elif status in (
            states.kTimeLimit,
            states.kIterationLimit,
            states.kInterrupt,
            states.kHighsInterrupt,
            states.kUnknown,
            states.kObjectiveBound,
        ):
            ending = Ending.STOPPED
        else:
            raise EngineError(f"HiGHS ended a relaxation with {status.name}")
        info = highs.getInfo()
        return Relaxed(
            ending=ending,
            sites=np.array(solution.col_value[: self._count], dtype=np.float64),
            row_dual=np.array(solution.row_dual, dtype=np.float64),
            objective=float(info.objective_function_value),
            simplex_steps=int(info.simplex_iteration_count),
            missed=np.array(solution.col_value[self._count :], dtype=np.float64),
        )

    def _called(self, _kind: Any, _message: str, _out: Any, reply: Any, _data: Any) -> None:
        # Ctrl-C arrives in whatever Python runs; an error must not cross the solver.
        try:
            if self._raised or self._should_stop():
                reply.user_interrupt = True
        except BaseException as error:  # noqa: BLE001  # re-raised in solve
            self._raised.append(error)
            reply.user_interrupt = True
