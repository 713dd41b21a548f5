"""The one way into the dispatcher, for services and for the simulator alike."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

from dispatchopt.core.errors import EngineError
from dispatchopt.core.stop import Stop
from dispatchopt.dispatch.check import check_decision
from dispatchopt.dispatch.policy import Policy, find_policy
from dispatchopt.dispatch.quotes import Quote, quotes
from dispatchopt.dispatch.state import Decision, DispatchState, OpenOrders
from dispatchopt.dispatch.waiting import Waiting, waiting


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What the dispatcher decided, and why.

    Parameters
    ----------
    state
        What was known.
    decision
        What to do now; it has passed the checker.
    policy, seed
        Who decided.
    elapsed_s
        Wall clock of the decision in seconds.
    asked
        Baskets that are not ordered yet, for quotes.
    """

    state: DispatchState
    decision: Decision
    policy: str
    seed: int
    elapsed_s: float
    asked: OpenOrders | None = None

    @cached_property
    def waiting(self) -> tuple[Waiting, ...]:
        """Every open order that starts no trip now and is not refused, and what it waits for."""
        return waiting(self.state, self.decision)

    @cached_property
    def quotes(self) -> tuple[Quote, ...]:
        """When each open order is expected at its door, after this decision."""
        return quotes(self.state, self.decision)

    @cached_property
    def asked_quotes(self) -> tuple[Quote, ...]:
        """When each basket of ``asked`` would be at its door if it were ordered now, alone."""
        return () if self.asked is None else quotes(self.state, self.decision, self.asked)


def dispatch(
    state: DispatchState,
    budget_s: float | None = None,
    *,
    policy: str | Policy = "rolling",
    seed: int = 1,
    stop: Stop | None = None,
    asked: OpenOrders | None = None,
    name: str = "state",
) -> Answer:
    """Decide what to do now. Nothing is kept between calls.

    Parameters
    ----------
    state
        All that is known; ``state.last`` holds what was planned and has not begun.
    budget_s
        Seconds of wall clock for the decision, > 0; None for as long as it takes.
    policy
        Name of a policy, or a policy.
    seed
        For policies that draw.
    stop
        Limits, in place of ``budget_s``.
    asked
        Baskets that customers ask a promise for; see ``Answer.asked_quotes``.
    name
        What messages call the state.

    Raises
    ------
    InputError
        If the budget is not positive.
    UnsupportedError
        If there is no policy of this name.
    EngineError
        If the policy decides something illegal: a bug of the policy.
    """
    chosen = find_policy(policy) if isinstance(policy, str) else policy
    limits = stop if stop is not None else Stop(time_s=budget_s)
    started_s = time.perf_counter()
    decision = chosen.decide(state, stop=limits, seed=seed)
    elapsed_s = time.perf_counter() - started_s
    violations = check_decision(state, decision)
    if violations:
        rules = "; ".join(str(violation) for violation in violations[:5])
        raise EngineError(
            f"policy {chosen.name} on {name}, second {state.now_s}: "
            f"the decision breaks rules: {rules}"
        )
    return Answer(
        state=state,
        decision=decision,
        policy=chosen.name,
        seed=seed,
        elapsed_s=elapsed_s,
        asked=asked,
    )
