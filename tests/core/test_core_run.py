"""The runner: limits, checks, claims, and what a result says, on a problem anyone can solve."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from dispatchopt.core import (
    Cancel,
    Domain,
    EngineError,
    InputError,
    NoSolutionError,
    Progress,
    Report,
    Run,
    Status,
    Stop,
    StopReason,
    UnsupportedError,
    Violation,
    solve,
)


@dataclass(frozen=True, kw_only=True)
class Number:
    """Choose a whole number of at least ``least``; it costs itself."""

    least: int


def check_number(problem: Number, solution: int) -> Report:
    short = problem.least - solution
    broken = (Violation(rule="least", where="number", by=short),) if short > 0 else ()
    return Report(objective=solution, parts={"number": solution}, violations=broken)


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """An engine that does what a test tells it."""

    script: Callable[[Number, Run[int]], None]
    name: str = "scripted"
    refuses: str | None = None
    packages: tuple[str, ...] = ("numpy",)

    def unsupported(self, problem: Number) -> str | None:
        return self.refuses

    def search(self, problem: Number, run: Run[int]) -> None:
        self.script(problem, run)


def domain_of(*engines: Scripted, bound: float = -math.inf) -> Domain[Number, int]:
    named: Mapping[str, Scripted] = {engine.name: engine for engine in engines}

    def choose(_problem: Number) -> tuple[Sequence[str], str]:
        return list(named), "it is first"

    return Domain(
        name="number",
        problem_type=Number,
        check=check_number,
        bound=lambda _problem: bound,
        engines=lambda: named,
        choose=choose,
    )


def count_down(_problem: Number, run: Run[int]) -> None:
    value = 10
    while value >= 3:
        run.offer(value, claimed=value)
        if not run.step():
            return
        value -= 1


def test_a_bound_that_meets_the_objective_is_optimal() -> None:
    domain = domain_of(Scripted(script=count_down), bound=3)
    result = solve(domain, Number(least=3))
    assert (result.status, result.stopped_by) == (Status.OPTIMAL, StopReason.COMPLETED)
    assert (result.solution, result.objective, result.bound, result.gap) == (3, 3, 3, 0)
    assert result.require() == 3
    assert result.parts == {"number": 3}
    assert result.versions.keys() == {"python", "dispatchopt", "numpy"}
    assert result.reason == "Engine 'scripted': it is first."


@pytest.mark.parametrize("is_whole", [False, True])
def test_whole_costs_are_proven_by_an_equal_bound_only(is_whole: bool) -> None:
    def script(_problem: Number, run: Run[int]) -> None:
        run.is_whole = is_whole
        run.offer(10**7)
        run.raise_bound(10**7 - 1)
        assert run.should_stop() is not is_whole

    result = solve(domain_of(Scripted(script=script)), Number(least=3))
    assert result.status == (Status.FEASIBLE if is_whole else Status.OPTIMAL)


def test_without_a_bound_the_best_is_only_feasible() -> None:
    result = solve(domain_of(Scripted(script=count_down)), Number(least=3))
    assert (result.status, result.objective, result.bound) == (Status.FEASIBLE, 3, None)
    assert result.gap is None


@pytest.mark.parametrize(
    ("stop", "reason", "objective"),
    [
        (Stop(iterations=2), StopReason.ITERATIONS, 9),
        (Stop(gap=0.5), StopReason.GAP, 4),
        (Stop(time_s=1e-9), StopReason.TIME, None),
    ],
)
def test_limits_end_a_run(stop: Stop, reason: StopReason, objective: int | None) -> None:
    result = solve(domain_of(Scripted(script=count_down), bound=2), Number(least=3), stop=stop)
    assert (result.stopped_by, result.objective) == (reason, objective)


def test_a_stalled_run_ends() -> None:
    def never_better(_problem: Number, run: Run[int]) -> None:
        run.offer(5)
        while run.step():
            run.offer(6)

    result = solve(domain_of(Scripted(script=never_better)), Number(least=3), stop=Stop(stall=4))
    assert (result.stopped_by, result.iterations, result.objective) == (StopReason.STALLED, 4, 5)


def test_cancel_keeps_the_best() -> None:
    cancel = Cancel()

    def cancelled_at_five(progress: Progress) -> None:
        if progress.objective == 5:
            cancel.set()

    result = solve(
        domain_of(Scripted(script=count_down)),
        Number(least=3),
        stop=Stop(cancel=cancel),
        callback=cancelled_at_five,
    )
    assert (result.stopped_by, result.solution) == (StopReason.CANCELLED, 5)


def test_a_callback_ends_a_run() -> None:
    result = solve(
        domain_of(Scripted(script=count_down)),
        Number(least=3),
        callback=lambda progress: progress.objective == 7,
    )
    assert (result.stopped_by, result.solution) == (StopReason.CANCELLED, 7)


def test_ctrl_c_inside_an_engine_keeps_the_best() -> None:
    def interrupted(_problem: Number, run: Run[int]) -> None:
        run.offer(8)
        raise KeyboardInterrupt

    result = solve(domain_of(Scripted(script=interrupted)), Number(least=3))
    assert (result.status, result.stopped_by) == (Status.FEASIBLE, StopReason.CANCELLED)
    assert result.solution == 8


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (lambda _problem, run: run.offer(1), "breaks rules: least at number by 2"),
        (lambda _problem, run: run.offer(5, claimed=4), "claimed a cost of 4"),
        (lambda _problem, run: (run.offer(5), run.raise_bound(6)), "claimed a bound of 6"),
        (lambda _problem, run: (run.raise_bound(6), run.offer(5)), "below the proven bound of 6"),
        (lambda _problem, run: (run.offer(5), run.prove_infeasible()), "claimed infeasible"),
    ],
)
def test_false_claims_are_bugs(script: Callable[[Number, Run[int]], None], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        solve(domain_of(Scripted(script=script)), Number(least=3))


def test_infeasible_and_unknown_are_results() -> None:
    proven = solve(
        domain_of(Scripted(script=lambda _problem, run: run.prove_infeasible())), Number(least=3)
    )
    assert (proven.status, proven.solution) == (Status.INFEASIBLE, None)
    silent = solve(domain_of(Scripted(script=lambda _problem, _run: None)), Number(least=3))
    assert (silent.status, silent.stopped_by) == (Status.UNKNOWN, StopReason.COMPLETED)
    with pytest.raises(NoSolutionError, match="status unknown"):
        silent.require()


def test_a_start_is_kept_and_checked() -> None:
    domain = domain_of(Scripted(script=lambda _problem, _run: None))
    assert solve(domain, Number(least=3), start=4).solution == 4
    with pytest.raises(InputError, match="start-breaks-rule"):
        solve(domain, Number(least=3), start=2)


def test_auto_passes_over_an_engine_that_refuses() -> None:
    first = Scripted(script=count_down, name="first", refuses="too odd")
    second = Scripted(script=count_down, name="second")
    result = solve(domain_of(first, second), Number(least=3))
    assert result.engine == "second"
    assert "first: too odd" in result.reason
    with pytest.raises(UnsupportedError, match="too odd"):
        solve(domain_of(first, second), Number(least=3), engine="first")
    with pytest.raises(UnsupportedError, match="there are: first, second"):
        solve(domain_of(first, second), Number(least=3), engine="third")
    with pytest.raises(UnsupportedError, match="no number engine takes this problem"):
        solve(domain_of(first), Number(least=3))


def test_trace_follows_objective_and_bound() -> None:
    def steps(_problem: Number, run: Run[int]) -> None:
        run.offer(9)
        run.raise_bound(1)
        run.raise_bound(0)  # weaker: ignored
        run.offer(9)  # no better: ignored
        run.offer(4)
        run.note("Done.")

    result = solve(domain_of(Scripted(script=steps)), Number(least=3))
    assert [(point.objective, point.bound) for point in result.trace] == [
        (9, None),
        (9, 1),
        (4, 1),
    ]
    assert result.gap == pytest.approx(0.75)
    assert result.reason.endswith("Done.")
    assert result.summary()["gap"] == pytest.approx(0.75)


def test_a_nan_bound_is_ignored() -> None:
    def nan_bound(_problem: Number, run: Run[int]) -> None:
        run.raise_bound(math.nan)
        run.offer(3)

    assert solve(domain_of(Scripted(script=nan_bound)), Number(least=3)).bound is None


def test_limits_are_checked() -> None:
    with pytest.raises(InputError) as caught:
        Stop(time_s=-1, iterations=0, stall=0, gap=math.nan)
    assert [issue.where for issue in caught.value.issues] == [
        "time_s",
        "iterations",
        "stall",
        "gap",
    ]
    with pytest.raises(InputError, match="bad-seed"):
        solve(domain_of(Scripted(script=count_down)), Number(least=3), seed=-1)


@dataclass
class FakeClock:
    now: float = 100.0
    ticks: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now


def test_clock_shares_what_is_left() -> None:
    clock = FakeClock()
    running = Stop(time_s=10).start(clock)
    clock.now += 4
    assert (running.elapsed_s, running.time_left_s) == (4, 6)
    assert running.share(0.5).time_s == 3
    clock.now += 20
    assert running.time_left_s == 0
    assert running.share(0.5).time_s == 0.001
    assert Stop().start(clock).share(0.5).time_s is None


def test_a_run_tells_an_engine_what_is_left() -> None:
    seen: dict[str, object] = {}

    def look(_problem: Number, run: Run[int]) -> None:
        run.step(3)
        seen.update(left=run.iterations_left, gap=run.gap, objective=run.objective)
        assert run.time_left_s == math.inf

    solve(domain_of(Scripted(script=look)), Number(least=3), stop=Stop(iterations=5, gap=0.1))
    assert seen == {"left": 2, "gap": 0.1, "objective": None}


def test_what_is_at_hand_needs_neither_bound_nor_engine() -> None:
    def never(_problem: Number) -> float:
        raise KeyboardInterrupt

    def finds(problem: Number, run: Run[int]) -> None:
        run.offer(problem.least)

    domain = replace(domain_of(Scripted(script=finds)), at_hand=lambda problem: problem.least + 9)
    result = solve(domain, Number(least=3), stop=Stop(time_s=1e-9))
    assert (result.status, result.solution) == (Status.FEASIBLE, 12)
    assert solve(domain, Number(least=3)).solution == 3
    # It stands before the bound is asked for, and is checked as any other.
    seen: list[float | None] = []
    with pytest.raises(KeyboardInterrupt):
        solve(
            replace(domain, bound=never),
            Number(least=3),
            callback=lambda progress: seen.append(progress.objective),
        )
    assert seen == [12]
    with pytest.raises(EngineError, match="breaks rules"):
        solve(replace(domain, at_hand=lambda _problem: 1), Number(least=3))
