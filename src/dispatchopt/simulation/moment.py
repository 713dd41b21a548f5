"""What the dispatcher sees at a moment of a simulated day."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.policy import Policy, find_policy
from dispatchopt.dispatch.state import Decision, DispatchState
from dispatchopt.simulation.day import Day
from dispatchopt.simulation.runner import simulate


@dataclass(kw_only=True)
class _Watched:
    """A policy that keeps the first state at or after a second."""

    policy: Policy
    at_s: int
    seen: list[DispatchState] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.policy.name

    def decide(self, state: DispatchState, *, stop: Stop, seed: int) -> Decision:
        if state.now_s >= self.at_s and not self.seen:
            self.seen.append(state)
        return self.policy.decide(state, stop=stop, seed=seed)


def state_at(
    day: Day, at_s: int, policy: str | Policy = "rolling", *, seed: int = 1
) -> DispatchState:
    """Return what the dispatcher sees at its first decision at or after a second of the day.

    Parameters
    ----------
    day
        The day.
    at_s
        Second of the day, >= 0.
    policy
        Who decides until then.
    seed
        Seed of the day.

    Raises
    ------
    InputError
        If nothing is left to decide by then.
    """
    chosen = find_policy(policy) if isinstance(policy, str) else policy
    watched = _Watched(policy=chosen, at_s=at_s)
    simulate(day, watched, seed=seed, callback=lambda _: bool(watched.seen))
    if not watched.seen:
        raise InputError(
            Issue(
                code="out-of-range",
                where="at_s",
                found=str(at_s),
                wanted="a second before the last decision of the day",
            )
        )
    return watched.seen[0]
