"""What every engine must do, whatever it solves.

Plug-in authors run it on theirs:

.. code-block:: python

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_conformance(check):
        check(DOMAIN, "my-engine", EngineCases(usual=(problem,), empty=..., infeasible=...))
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from dispatchopt.core.arrays import digest
from dispatchopt.core.domain import Domain
from dispatchopt.core.errors import EngineError
from dispatchopt.core.result import Progress, Result, Status, StopReason
from dispatchopt.core.run import solve
from dispatchopt.core.stop import Cancel, Stop
from dispatchopt.core.tolerance import bound_crosses, bound_meets, same_cost

#: Steps after which a run must be the same each time.
ITERATIONS = 20
#: Wall clock given to a run that is to end by itself; a safety net, not a measure.
PATIENCE_S = 20.0


@dataclass(frozen=True, kw_only=True)
class EngineCases:
    """Problems on which an engine is examined.

    Parameters
    ----------
    usual
        Problems with at least one feasible solution, some of them of one element.
    empty
        A problem without anything to decide, whose only solution costs what it costs.
    infeasible
        A problem that provably has no solution; None if the kind always has one.
    exact
        Whether the engine, given time, proves the usual problems optimal.
    """

    usual: tuple[Any, ...]
    empty: Any
    infeasible: Any = None
    exact: bool = False


Check = Callable[[Domain[Any, Any], str, EngineCases], None]


def check_repeatable(domain: Domain[Any, Any], engine: str, cases: EngineCases) -> None:
    """The same seed and iteration limit give the same answer."""
    for problem in cases.usual:
        first, second = (
            _solve(domain, engine, problem, stop=Stop(iterations=ITERATIONS), seed=3)
            for _ in range(2)
        )
        _demand(digest(first.solution) == digest(second.solution), "two runs, two solutions")
        _demand(first.objective == second.objective, "two runs, two costs")


def check_result_is_sound(domain: Domain[Any, Any], engine: str, cases: EngineCases) -> None:
    """Costs are the checker's, the bound does not cross them, optimal means bound = cost."""
    for problem in cases.usual:
        result = _solve(domain, engine, problem)
        _demand(result.solution is not None, f"no solution ({result.status})")
        report = domain.check(problem, result.solution)
        _demand(report.is_feasible, f"broken rules: {report.violations}")
        objective = result.objective
        if objective is None:
            raise EngineError("conformance: a solution without a cost")
        _demand(same_cost(report.objective, objective), "cost is not the checker's")
        parts = sum(result.parts.values())
        _demand(same_cost(parts, objective), f"parts add up to {parts}, not {objective}")
        if result.bound is not None:
            _demand(not bound_crosses(result.bound, objective), "bound above the objective")
        is_met = result.bound is not None and bound_meets(result.bound, objective)
        _demand((result.status is Status.OPTIMAL) == is_met, "optimal without proof, or unsaid")
        if cases.exact:
            _demand(result.status is Status.OPTIMAL, f"an exact engine ended {result.status}")


def check_keeps_time_limit(domain: Domain[Any, Any], engine: str, cases: EngineCases) -> None:
    """A run that has no time returns, and says why."""
    for problem in cases.usual:
        result = _solve(domain, engine, problem, stop=Stop(time_s=1e-6))
        reasons = (StopReason.TIME, StopReason.COMPLETED)
        _demand(result.stopped_by in reasons, f"stopped by {result.stopped_by}")


def check_keeps_cancel(domain: Domain[Any, Any], engine: str, cases: EngineCases) -> None:
    """A run cancelled before it starts returns at once; one cancelled later keeps its best."""
    for problem in cases.usual:
        cancel = Cancel()
        cancel.set()
        result = _solve(domain, engine, problem, stop=Stop(cancel=cancel))
        reasons = (StopReason.CANCELLED, StopReason.COMPLETED)
        _demand(result.stopped_by in reasons, f"stopped by {result.stopped_by}")
        kept: list[Progress] = []

        def until_found(progress: Progress, kept: list[Progress] = kept) -> bool:
            kept.append(progress)
            return progress.objective is not None

        result = _solve(domain, engine, problem, callback=until_found)
        if any(progress.objective is not None for progress in kept):
            _demand(result.solution is not None, "a cancelled run lost its solution")


def check_callbacks_are_monotone(domain: Domain[Any, Any], engine: str, cases: EngineCases) -> None:
    """Objectives never rise, bounds never fall, time and steps never run backwards."""
    for problem in cases.usual:
        seen: list[Progress] = []
        result = _solve(domain, engine, problem, callback=lambda p, seen=seen: seen.append(p))
        for before, after in itertools.pairwise(seen):
            _demand(after.elapsed_s >= before.elapsed_s, "time runs backwards")
            _demand(after.iterations >= before.iterations, "steps run backwards")
            if before.objective is not None:
                worse = after.objective is None or after.objective > before.objective
                _demand(not worse, "the objective rose")
            if before.bound is not None:
                _demand(after.bound is not None and after.bound >= before.bound, "the bound fell")
        if seen and seen[-1].objective is not None:
            _demand(result.objective == seen[-1].objective, "the last callback is not the result")


def check_leaves_problem_alone(domain: Domain[Any, Any], engine: str, cases: EngineCases) -> None:
    """The problem is the same before and after."""
    for problem in cases.usual:
        before = digest(problem)
        result = _solve(domain, engine, problem, stop=Stop(iterations=ITERATIONS))
        _demand(digest(problem) == before, "the problem was changed")
        _demand(result.digest == before, "the result names another problem")


def check_keeps_start(domain: Domain[Any, Any], engine: str, cases: EngineCases) -> None:
    """A result is never worse than the solution it started from, even with no time."""
    for problem in cases.usual:
        known = _solve(domain, engine, problem)
        again = _solve(domain, engine, problem, stop=Stop(time_s=1e-6), start=known.solution)
        _demand(again.objective == known.objective, "the start solution was lost")


def check_empty(domain: Domain[Any, Any], engine: str, cases: EngineCases) -> None:
    """A problem with nothing to decide has a solution."""
    result = _solve(domain, engine, cases.empty)
    _demand(result.solution is not None, f"no solution to nothing ({result.status})")


def check_infeasible_is_seen(domain: Domain[Any, Any], engine: str, cases: EngineCases) -> None:
    """Without a solution the status is infeasible or unknown, and infeasible if it is exact."""
    if cases.infeasible is None:
        return
    result = _solve(domain, engine, cases.infeasible)
    _demand(result.solution is None, "a solution to an infeasible problem")
    allowed = (Status.INFEASIBLE,) if cases.exact else (Status.INFEASIBLE, Status.UNKNOWN)
    _demand(result.status in allowed, f"status {result.status}")


CHECKS: tuple[Check, ...] = (
    check_repeatable,
    check_result_is_sound,
    check_keeps_time_limit,
    check_keeps_cancel,
    check_callbacks_are_monotone,
    check_leaves_problem_alone,
    check_keeps_start,
    check_empty,
    check_infeasible_is_seen,
)


def _solve(
    domain: Domain[Any, Any],
    engine: str,
    problem: Any,
    *,
    stop: Stop | None = None,
    **more: Any,
) -> Result[Any]:
    limits = Stop() if stop is None else stop
    if limits.time_s is None:
        limits = replace(limits, time_s=PATIENCE_S)
    return solve(domain, problem, engine=engine, stop=limits, **more)


def _demand(holds: object, otherwise: str) -> None:
    if not holds:
        raise EngineError(f"conformance: {otherwise}")
