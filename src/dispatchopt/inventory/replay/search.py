"""The best parameters of a policy, by replays that meet the same days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.replay.measures import Estimate, estimate
from dispatchopt.inventory.replay.policy import Policy
from dispatchopt.inventory.replay.problem import ReplayProblem
from dispatchopt.inventory.replay.runner import replay


@dataclass(frozen=True, kw_only=True, eq=False)
class Race:
    """What a search found.

    Parameters
    ----------
    best
        Number of the candidate with the least mean cost.
    left
        Candidates that the replays could not tell from the best, itself included.
    costs
        Mean cost per day of each candidate over the replications it took part in.
    replications
        Replications of each candidate.
    """

    best: int
    left: tuple[int, ...]
    costs: tuple[Estimate, ...]
    replications: tuple[int, ...]


def race(
    problem: ReplayProblem,
    candidates: Sequence[Policy],
    *,
    days: int,
    warm_up_days: int = 0,
    seed: int = 1,
    batch: int = 5,
    max_replications: int = 40,
    error: float = 0.05,
    measure: str = "cost_per_day",
) -> Race:
    """Replay candidates batch by batch, and drop those that are proven worse than the best.

    A candidate is dropped when the paired t test of its cost against the present best is
    significant at ``error`` split over all candidates and batches (Bonferroni), so that the best
    one is kept with a chance of at least ``1 - error``.

    Parameters
    ----------
    problem, candidates
        What happens, and the policies.
    days, warm_up_days, seed
        As in ``replay``.
    batch, max_replications
        Replications per round, >= 2, and at most in all.
    error
        Chance of dropping the best, in (0, 1).
    measure
        What is minimised.
    """
    if not candidates or batch < 2 or max_replications < batch or not 0 < error < 1:
        found = f"{len(candidates)} candidates, batch {batch}, {max_replications}, error {error}"
        wanted = "candidates, batches of 2 or more, an error between 0 and 1"
        raise InputError(Issue(code="out-of-range", where="race", found=found, wanted=wanted))
    count = len(candidates)
    values: list[FloatArray] = [np.zeros(0)] * count
    left, rounds = list(range(count)), max_replications // batch
    level = error / max(1, (count - 1) * rounds)
    for number in range(rounds):
        for at in left:
            more = replay(
                problem,
                candidates[at],
                days=days,
                warm_up_days=warm_up_days,
                replications=batch,
                seed=seed,
                first_replication=number * batch,
            ).by_replication[measure]
            values[at] = np.concatenate([values[at], more])
        best = min(left, key=lambda at: (float(values[at].mean()), at))
        left = [at for at in left if not _is_worse(values[at] - values[best], level)]
        if len(left) == 1:
            break
    return Race(
        best=best,
        left=tuple(left),
        costs=tuple(estimate(each) for each in values),
        replications=tuple(each.size for each in values),
    )


def tune(
    problem: ReplayProblem,
    make: Callable[[float], Policy],
    bounds: tuple[float, float],
    *,
    points: int = 7,
    rounds: int = 3,
    days: int,
    warm_up_days: int = 0,
    seed: int = 1,
    batch: int = 5,
    max_replications: int = 20,
) -> tuple[float, Race]:
    """Return the best value of one parameter within bounds, and the last race.

    Races a grid of values, then a finer grid between the neighbours of the best one.

    Parameters
    ----------
    problem
        What happens.
    make
        Returns the policy of a value.
    bounds
        Least and largest value.
    points, rounds
        Values per grid, >= 3, and number of grids, >= 1.
    days, warm_up_days, seed, batch, max_replications
        As in ``race``.
    """
    low, high = bounds
    if points < 3 or rounds < 1 or not low < high:
        found = f"bounds {bounds}, {points} points, {rounds} rounds"
        wanted = "a lower and a higher bound, 3 points or more, 1 round or more"
        raise InputError(Issue(code="out-of-range", where="tune", found=found, wanted=wanted))
    for _ in range(rounds):
        values = np.linspace(low, high, points)
        found_race = race(
            problem,
            [make(float(value)) for value in values],
            days=days,
            warm_up_days=warm_up_days,
            seed=seed,
            batch=batch,
            max_replications=max_replications,
        )
        best = found_race.best
        low, high = float(values[max(0, best - 1)]), float(values[min(points - 1, best + 1)])
    return float(values[best]), found_race


def _is_worse(over: FloatArray, level: float) -> bool:
    from scipy import special

    spread = float(over.std(ddof=1))
    mean = float(over.mean())
    if spread == 0.0:
        return mean > 0.0
    limit = float(special.stdtrit(over.size - 1, 1.0 - level))
    return mean > limit * spread / float(np.sqrt(over.size))
