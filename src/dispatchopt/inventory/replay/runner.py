"""Replications of a policy, all of them on the same days."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dispatchopt.core import Stop
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.replay.draw import Draws
from dispatchopt.inventory.replay.measures import SUMS, Measures, measures_of
from dispatchopt.inventory.replay.policy import Policy
from dispatchopt.inventory.replay.problem import ReplayProblem
from dispatchopt.inventory.replay.world import World

#: Called after each day with the number of days lived and of all days.
DayCallback = Callable[[int, int], object]


def replay(
    problem: ReplayProblem,
    policy: Policy,
    *,
    days: int,
    warm_up_days: int = 0,
    replications: int = 10,
    seed: int = 1,
    first_replication: int = 0,
    stop: Stop | None = None,
    callback: DayCallback | None = None,
) -> Measures:
    """Replay days under a policy.

    Demand and lead times depend on ``seed``, replication and day only, so that two policies meet
    the same days.

    Parameters
    ----------
    problem, policy
        What happens, and what is decided.
    days, warm_up_days
        Days measured, >= 1, after days that are not, >= 0.
    replications
        Independent repetitions, >= 1.
    seed
        A whole number >= 0.
    first_replication
        Number of the first one, to go on where an earlier call ended.
    stop
        Limits of time, looked at after each day: replications that were not finished are left
        out, unless there is no other; then the days lived so far count.
    callback
        Called after each day.

    Raises
    ------
    InputError
        If a number is out of range, or the policy decides what cannot be.
    """
    _check(days=(days, 1), warm_up_days=(warm_up_days, 0), replications=(replications, 1),
           seed=(seed, 0), first_replication=(first_replication, 0))  # fmt: skip
    clock = (Stop() if stop is None else stop).start()
    draws = Draws(problem)
    whole, all_days = warm_up_days + days, (warm_up_days + days) * replications
    finished: list[np.ndarray] = []
    for number in range(replications):
        world = World(problem, draws, seed, first_replication + number)
        sums, is_late = np.zeros(len(SUMS)), False
        try:
            for day in range(whole):
                of_day = world.step(policy)
                if day >= warm_up_days:
                    sums += of_day
                if callback is not None:
                    callback(number * whole + day + 1, all_days)
                is_late = clock.time_left_s <= 0 or clock.is_cancelled()
                if is_late and day + 1 < whole:
                    break
            else:
                finished.append(sums)
        finally:
            world.close()
        if is_late:
            break
    if not finished:
        finished.append(sums)
    return measures_of(np.array(finished))


def compare(
    problem: ReplayProblem,
    policies: Mapping[str, Policy],
    *,
    days: int,
    warm_up_days: int = 0,
    replications: int = 10,
    seed: int = 1,
) -> dict[str, Measures]:
    """Replay the same days under several policies; see ``difference`` for what sets them apart."""
    return {
        name: replay(
            problem,
            policy,
            days=days,
            warm_up_days=warm_up_days,
            replications=replications,
            seed=seed,
        )
        for name, policy in policies.items()
    }


def _check(**numbers: tuple[int, int]) -> None:
    issues = [
        Issue(code="out-of-range", where=name, found=repr(value), wanted=f"a whole number >= {low}")
        for name, (value, low) in numbers.items()
        if value < low
    ]
    if issues:
        raise InputError(issues)
