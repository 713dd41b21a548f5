"""What a solver returns, and what a checker says."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from dispatchopt.core.errors import NoSolutionError
from dispatchopt.core.tolerance import relative_gap

S = TypeVar("S")


class Status(enum.StrEnum):
    """What is known about the solution. Why the run ended is another question."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


class StopReason(enum.StrEnum):
    """Why the run ended."""

    COMPLETED = "completed"
    TIME = "time"
    ITERATIONS = "iterations"
    STALLED = "stalled"
    GAP = "gap"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken rule: its name, the place (``order o17``), and by how much."""

    rule: str
    where: str
    by: float

    def __str__(self) -> str:
        return f"{self.rule} at {self.where} by {self.by:g}"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a checker found.

    Parameters
    ----------
    objective
        Cost of the solution from the definition, smaller is better.
    parts
        The objective's parts by name; they add up to it.
    violations
        Every broken rule; empty for a feasible solution.
    figures
        Other figures of interest, such as the share of demand covered.
    """

    objective: float
    parts: Mapping[str, float] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_feasible(self) -> bool:
        """Whether no rule is broken."""
        return not self.violations


@dataclass(frozen=True, kw_only=True)
class TracePoint:
    """Objective and bound as known after some time."""

    elapsed_s: float
    iteration: int
    objective: float | None
    bound: float | None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a callback sees while an engine works.

    ``so_far`` returns the result as it stands, for whoever may have to do without the engine's end.
    """

    elapsed_s: float
    iterations: int
    objective: float | None
    bound: float | None
    so_far: Callable[[], Result[Any]] | None = field(default=None, compare=False, repr=False)

    @property
    def gap(self) -> float | None:
        """Relative gap, or None while objective or bound is missing."""
        if self.objective is None or self.bound is None:
            return None
        return relative_gap(self.objective, self.bound)


@dataclass(frozen=True, kw_only=True)
class Result(Generic[S]):
    """The one thing that ``solve`` returns.

    Parameters
    ----------
    status
        ``optimal`` only where the bound meets the objective.
    stopped_by
        Why the run ended.
    solution
        The best solution found, confirmed by the checker; None if there is none.
    objective, parts
        Its cost as the checker computed it, and the cost's parts. Smaller is better.
    figures
        Other figures of the checker, such as the share of demand covered.
    bound
        A proven lower bound on the cost of any solution; None if none is known.
    engine
        The engine that worked.
    reason
        Why this engine was chosen, and whatever else it has to say.
    seed
        Seed of the run.
    elapsed_s
        Wall clock from the call to the return.
    iterations
        Steps of the engine.
    trace
        How objective and bound moved.
    digest
        Digest of the problem solved.
    versions
        Versions of dispatchopt and of the packages that did the work.
    """

    status: Status
    stopped_by: StopReason
    solution: S | None
    objective: float | None
    bound: float | None
    engine: str
    seed: int
    elapsed_s: float
    iterations: int
    parts: Mapping[str, float] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    trace: tuple[TracePoint, ...] = ()
    digest: str = ""
    reason: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """Relative gap between objective and bound, or None where one is missing."""
        if self.objective is None or self.bound is None:
            return None
        return relative_gap(self.objective, self.bound)

    def require(self) -> S:
        """Return the solution.

        Raises
        ------
        NoSolutionError
            If the run ended without one; the message says how.
        """
        if self.solution is None:
            raise NoSolutionError(
                f"engine {self.engine!r} ended ({self.stopped_by}) with status {self.status}: "
                "there is no solution to return"
            )
        return self.solution

    def summary(self) -> dict[str, Any]:
        """Return everything but the solution and the trace as plain values."""
        return {
            "status": str(self.status),
            "stopped_by": str(self.stopped_by),
            "objective": self.objective,
            "parts": dict(self.parts),
            "figures": dict(self.figures),
            "bound": self.bound,
            "gap": self.gap,
            "engine": self.engine,
            "reason": self.reason,
            "seed": self.seed,
            "elapsed_s": self.elapsed_s,
            "iterations": self.iterations,
            "digest": self.digest,
            "versions": dict(self.versions),
        }
