"""What the runner needs to know about a kind of problem, and about an engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from dispatchopt.core.explain import Aim, Finding
from dispatchopt.core.result import Report

if TYPE_CHECKING:
    from dispatchopt.core.run import Run

P = TypeVar("P")
S = TypeVar("S")
P_contra = TypeVar("P_contra", contravariant=True)


class Engine(Protocol[P_contra, S]):
    """One algorithm: a frozen dataclass of parameters, exported by its file as ``ENGINE``."""

    @property
    def name(self) -> str:
        """Name by which users ask for it."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Distributions that do the work, whose versions a result names."""

    def unsupported(self, problem: P_contra) -> str | None:
        """Return why the engine cannot take the problem, or None if it can."""

    def search(self, problem: P_contra, run: Run[S]) -> None:
        """Search until ``run.should_stop()``; report through ``run``."""


@dataclass(frozen=True, kw_only=True)
class Domain(Generic[P, S]):
    """All that the runner needs to know about one kind of problem.

    Parameters
    ----------
    name
        Name of the problem kind, such as ``siting``.
    problem_type
        The class of its problems.
    check
        The independent checker.
    bound
        A cheap proven lower bound; ``-inf`` if there is nothing to say.
    engines
        Returns the engines by name. A function, because engines import solvers.
    choose
        Returns the names of engines in the order in which ``auto`` tries them, with a reason.
    explain
        Returns what stands behind a feasible solution, as tables; None if nothing can be said.
    explain_further
        Returns further tables, which may need places or names or solve anew; None if there are
        none.
    at_hand
        Returns a feasible solution that takes no search, or None. It comes before bound and engine,
        so that a limit of time has an answer however slowly they load.
    """

    name: str
    problem_type: type[P]
    check: Callable[[P, S], Report]
    bound: Callable[[P], float]
    engines: Callable[[], Mapping[str, Engine[P, S]]]
    choose: Callable[[P], tuple[Sequence[str], str]]
    explain: Callable[[P, S], Sequence[Finding]] | None = None
    explain_further: Callable[[P, S, Aim], Sequence[Finding]] | None = None
    at_hand: Callable[[P], S | None] = lambda _: None
