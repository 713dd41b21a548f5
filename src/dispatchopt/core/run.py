"""One runner for every engine: it times, seeds, checks, and builds the result.

An engine only searches. It tells the run about solutions and bounds; the run asks the domain's
independent checker what each solution costs, so that no result can hold a wrong cost.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import numpy as np

from dispatchopt.core import seeds
from dispatchopt.core.arrays import digest
from dispatchopt.core.domain import Domain, Engine
from dispatchopt.core.errors import EngineError, InputError, Issue, UnsupportedError
from dispatchopt.core.result import Progress, Report, Result, Status, StopReason, TracePoint
from dispatchopt.core.stop import Stop
from dispatchopt.core.tolerance import bound_crosses, bound_meets, relative_gap, same_cost
from dispatchopt.core.versions import versions

log = logging.getLogger(__name__)

P = TypeVar("P")
S = TypeVar("S")
Callback = Callable[[Progress], bool | None]


class Run(Generic[S]):
    """What an engine sees of the run it is part of."""

    def __init__(
        self,
        *,
        check: Callable[[S], Report],
        stop: Stop,
        seed: int,
        label: str,
        callback: Callback | None = None,
        start: S | None = None,
    ) -> None:
        self.seed = seed
        self.rng: np.random.Generator = seeds.stream(seed, "engine")
        self.start: S | None = start
        self.clock = stop.start()
        self.iterations = 0
        self.solution: S | None = None
        self.report: Report | None = None
        self.bound = -math.inf
        self.is_infeasible = False
        #: Whether costs and bounds are whole numbers, which meet only where they are equal; to be
        #: set by an engine whose bounds no rounding has touched.
        self.is_whole = False
        self.trace: list[TracePoint] = []
        self.notes: list[str] = []
        self._check = check
        self._stop = stop
        self.label = label
        self._callback = callback
        self._last_improved = 0
        self._ended: StopReason | None = None
        #: Returns the result as it stands; set by ``solve`` once an engine is chosen.
        self.so_far: Callable[[], Result[S]] | None = None

    @property
    def time_left_s(self) -> float:
        """Seconds left, for a solver that takes a time limit; infinite without one."""
        return self.clock.time_left_s

    @property
    def gap(self) -> float:
        """The relative gap asked for, for a solver that takes one."""
        return self._stop.gap

    @property
    def iterations_left(self) -> int | None:
        """Steps left, for a solver that counts its own; None without a limit."""
        if self._stop.iterations is None:
            return None
        return max(0, self._stop.iterations - self.iterations)

    @property
    def objective(self) -> float | None:
        """Cost of the best solution so far."""
        return None if self.report is None else self.report.objective

    def should_stop(self) -> bool:
        """Whether the engine must return now; cheap, to be asked often."""
        if self._ended is None:
            self._ended = self._reason_to_stop()
        return self._ended is not None

    def step(self, count: int = 1) -> bool:
        """Count steps; False means that the engine must return."""
        self.iterations += count
        if self._callback is not None and self._callback(self._progress()):
            self._ended = self._ended or StopReason.CANCELLED
        return not self.should_stop()

    def cancel(self) -> None:
        """End the run as the user wished."""
        self._ended = StopReason.CANCELLED

    def offer(self, solution: S, *, claimed: float | None = None) -> bool:
        """Offer a solution; returns whether it is the best so far.

        Parameters
        ----------
        solution
            Must be feasible.
        claimed
            The cost that the engine computed, compared with the checker's.

        Raises
        ------
        EngineError
            If the checker finds a broken rule or another cost.
        """
        report = self._check(solution)
        if report.violations:
            rules = "; ".join(str(violation) for violation in report.violations[:5])
            raise EngineError(f"{self.label}: offered a solution that breaks rules: {rules}")
        if claimed is not None and not same_cost(claimed, report.objective):
            raise EngineError(
                f"{self.label}: claimed a cost of {claimed!r}, "
                f"where the checker finds {report.objective!r}"
            )
        if bound_crosses(self.bound, report.objective):
            raise EngineError(
                f"{self.label}: a solution costs {report.objective!r}, "
                f"below the proven bound of {self.bound!r}"
            )
        best = self.objective
        if best is not None and report.objective >= best:
            return False
        self.solution, self.report = solution, report
        self._last_improved = self.iterations
        self._record()
        return True

    def raise_bound(self, value: float) -> None:
        """Report a proven lower bound on the cost of every solution.

        Raises
        ------
        EngineError
            If it lies above the cost of a solution that the checker has confirmed.
        """
        if math.isnan(value) or value <= self.bound:
            return
        best = self.objective
        if best is not None and bound_crosses(value, best):
            raise EngineError(
                f"{self.label}: claimed a bound of {value!r} above the verified cost {best!r}"
            )
        self.bound = value
        self._record()

    def prove_infeasible(self) -> None:
        """Report a proof that no solution exists.

        Raises
        ------
        EngineError
            If a feasible solution is already known.
        """
        if self.solution is not None:
            raise EngineError(f"{self.label}: claimed infeasible with a verified solution at hand")
        self.is_infeasible = True

    def note(self, text: str) -> None:
        """Add a sentence to the result's ``reason``."""
        self.notes.append(text)

    def closing(self) -> tuple[Status, StopReason]:
        """Return status and reason to stop, once the engine has returned."""
        if self.is_infeasible:
            return Status.INFEASIBLE, StopReason.COMPLETED
        objective = self.objective
        if objective is None:
            return Status.UNKNOWN, self._ended or StopReason.COMPLETED
        if self._is_met(objective):
            return Status.OPTIMAL, StopReason.COMPLETED
        return Status.FEASIBLE, self._ended or self._reason_to_stop() or StopReason.COMPLETED

    def _is_met(self, objective: float) -> bool:
        """Whether the bound proves an objective."""
        if self.is_whole:
            return self.bound >= objective
        return bound_meets(self.bound, objective)

    def _reason_to_stop(self) -> StopReason | None:
        stop, objective = self._stop, self.objective
        if self.clock.is_cancelled():
            return StopReason.CANCELLED
        if self.clock.time_left_s <= 0:
            return StopReason.TIME
        if stop.iterations is not None and self.iterations >= stop.iterations:
            return StopReason.ITERATIONS
        if objective is not None:
            # A gap of zero asks for a proof; meeting it ends the run in any case.
            gap = relative_gap(objective, self.bound)
            if gap <= stop.gap or self._is_met(objective):
                return StopReason.GAP
            if stop.stall is not None and self.iterations - self._last_improved >= stop.stall:
                return StopReason.STALLED
        return None

    def _progress(self) -> Progress:
        return Progress(
            elapsed_s=self.clock.elapsed_s,
            iterations=self.iterations,
            objective=self.objective,
            bound=None if math.isinf(self.bound) else self.bound,
            so_far=self.so_far,
        )

    def _record(self) -> None:
        progress = self._progress()
        self.trace.append(
            TracePoint(
                elapsed_s=progress.elapsed_s,
                iteration=progress.iterations,
                objective=progress.objective,
                bound=progress.bound,
            )
        )
        if self._callback is not None and self._callback(progress):
            self.cancel()
        # Last, so that whoever reads of an answer can count on its having been handed over.
        log.debug("%s: objective %s, bound %s", self.label, progress.objective, progress.bound)


@dataclass(frozen=True, kw_only=True)
class _Choice(Generic[P, S]):
    engine: Engine[P, S]
    reason: str = field(default="")


def solve(
    domain: Domain[P, S],
    problem: P,
    *,
    engine: str = "auto",
    stop: Stop | None = None,
    seed: int = 1,
    callback: Callback | None = None,
    start: S | None = None,
) -> Result[S]:
    """Solve a problem with one engine of its domain.

    Parameters
    ----------
    domain, problem
        The kind of problem, and the problem.
    engine
        Name of an engine, or ``auto``.
    stop
        Limits; without any, the engine runs to its own end.
    seed
        A whole number >= 0; the same seed and iteration limit give the same answer.
    callback
        Sees every step and improvement; returning True ends the run.
    start
        A known solution, so that the result is never worse than it.

    Raises
    ------
    UnsupportedError
        If the engine, or every engine, refuses the problem.
    InputError
        If the seed is negative, or ``start`` breaks a rule of the problem.
    """
    if seed < 0:
        raise InputError(
            Issue(code="bad-seed", where="seed", found=repr(seed), wanted="a whole number >= 0")
        )
    stop = Stop() if stop is None else stop
    content = digest(problem)
    run: Run[S] = Run(
        check=lambda solution: domain.check(problem, solution),
        stop=stop,
        seed=seed,
        label=f"{domain.name} problem {content}, seed {seed}",
        callback=callback,
        start=start,
    )
    choice = _choose(domain, problem, engine)
    run.label = f"engine {choice.engine.name} on {run.label}"
    run.so_far = partial(_result, run, choice, seed, content)
    if start is not None:
        _offer_start(domain, problem, run, start)
    at_hand = domain.at_hand(problem) if start is None else None
    if at_hand is not None:
        run.offer(at_hand)
    run.raise_bound(domain.bound(problem))
    if not run.should_stop():
        try:
            choice.engine.search(problem, run)
        except KeyboardInterrupt:
            run.cancel()
    result = _result(run, choice, seed, content)
    log.info("%s: %s, %s, gap %s", run.label, result.status, result.stopped_by, result.gap)
    return result


def _result(run: Run[S], choice: _Choice[P, S], seed: int, content: str) -> Result[S]:
    """Return the result of a run as it stands."""
    status, stopped_by = run.closing()
    report = run.report
    return Result(
        status=status,
        stopped_by=stopped_by,
        solution=run.solution,
        objective=run.objective,
        bound=None if math.isinf(run.bound) else run.bound,
        engine=choice.engine.name,
        seed=seed,
        elapsed_s=run.clock.elapsed_s,
        iterations=run.iterations,
        parts={} if report is None else report.parts,
        figures={} if report is None else report.figures,
        trace=tuple(run.trace),
        digest=content,
        reason=" ".join([choice.reason, *run.notes]).strip(),
        versions=versions(*choice.engine.packages),
    )


def _choose(domain: Domain[P, S], problem: P, name: str) -> _Choice[P, S]:
    engines = domain.engines()
    if name != "auto":
        if name not in engines:
            names = ", ".join(sorted(engines))
            raise UnsupportedError(f"there is no {domain.name} engine {name!r}; there are: {names}")
        why_not = engines[name].unsupported(problem)
        if why_not:
            raise UnsupportedError(f"engine {name!r} cannot take this problem: {why_not}")
        return _Choice(engine=engines[name], reason=f"Engine {name!r} was asked for.")
    order, reason = domain.choose(problem)
    refusals: list[str] = []
    for candidate in order:
        why_not = engines[candidate].unsupported(problem)
        if not why_not:
            refused = f" (refused: {'; '.join(refusals)})" if refusals else ""
            return _Choice(
                engine=engines[candidate], reason=f"Engine {candidate!r}: {reason}{refused}."
            )
        refusals.append(f"{candidate}: {why_not}")
    raise UnsupportedError(f"no {domain.name} engine takes this problem: {'; '.join(refusals)}")


def _offer_start(domain: Domain[P, S], problem: P, run: Run[S], start: S) -> None:
    report: Any = domain.check(problem, start)
    if report.violations:
        raise InputError(
            [
                Issue(
                    code="start-breaks-rule",
                    where=violation.where,
                    found=f"{violation.rule} by {violation.by:g}",
                    wanted="a start solution that keeps every rule",
                )
                for violation in report.violations
            ]
        )
    run.offer(start)
