"""Other choices of sites that are nearly as good, and what the limits on sites cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.result import StopReason
from dispatchopt.core.run import solve
from dispatchopt.core.stop import Stop, StopClock
from dispatchopt.siting.assign import open_mask
from dispatchopt.siting.check import check
from dispatchopt.siting.domain import DOMAIN
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution
from dispatchopt.siting.worth import value_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Alternatives:
    """Other choices of sites that are nearly as good.

    Parameters
    ----------
    choices
        Open sites of each choice found, the given one first, then the best ones.
    objectives
        Objective of each choice: of max-coverage, demand left unserved.
    share_of_site
        Share of the choices in which each site is open, shape (m,). Near 1: hard to do without;
        near 0: others do as well.
    is_cut
        Whether time ran out (or the call was cancelled) before the walk was over: there may be
        many more, and shares are those of few choices near the given one.
    """

    choices: tuple[IntArray, ...]
    objectives: FloatArray
    share_of_site: FloatArray
    is_cut: bool = False


@dataclass(frozen=True, kw_only=True)
class ShadowPrice:
    """What a limit costs: how the objective changes if it is moved by one step.

    Parameters
    ----------
    limit
        ``max_sites`` or ``budget_cents``, with the phase in brackets where it is that of a phase.
    value, step
        Sites, or cents, of the limit, and by which it is widened and narrowed.
    gained, gained_at_most
        Fall of the objective with the wider limit: found, and not to be exceeded.
    lost, lost_at_least
        Rise of the objective with the narrower one: by the choice found, and in any case. None
        where the narrower limit leaves no solution, or none was found.
    out_of_time
        For which of the two, ``wider`` and ``narrower``, time ran out (or the call was cancelled)
        before the change was known for certain.
    """

    limit: str
    value: int
    step: int
    gained: float
    gained_at_most: float
    lost: float | None
    lost_at_least: float | None
    out_of_time: tuple[str, ...] = ()


def alternatives(
    problem: SitingProblem,
    solution: SitingSolution,
    *,
    tolerance: float = 0.01,
    most: int = 200,
    stop: Stop | None = None,
    seed: int = 1,
) -> Alternatives:
    """Return choices of sites that are nearly as good, by a walk from one to the next.

    A step opens a site, closes one, or swaps two; the walk goes on along a random one of those that
    stay within the tolerance. Plain coverage values all swaps at once; any other problem values
    each choice as the checker does, and under capacities by the best assignment found, so that
    fewer choices are looked at.

    Parameters
    ----------
    problem, solution
        A problem and a feasible solution of it.
    tolerance
        Share that a choice may be worse, >= 0: of the demand served under max-coverage, of the
        objective under the other goals.
    most
        Most choices, >= 1.
    stop
        Limits of the walk; by default as many steps as a few seconds allow.
    seed
        Seed of the walk.
    """
    clock = (Stop() if stop is None else stop).start()
    walk = _swap_walk if _is_plain(problem) else _free_walk
    now = check(problem, solution)
    slack = now.objective
    if problem.goal is SitingGoal.MAX_COVERAGE:
        slack = problem.most_unserved - now.objective
    limit = now.objective + tolerance * slack
    start = open_mask(problem, solution.open_sites)
    found = {start.tobytes(): (now.objective, solution.open_sites)}
    is_cut = walk(problem, start, limit, found, most, clock, np.random.default_rng(seed))
    first, *rest = found.values()
    ranked = [first, *sorted(rest, key=lambda each: each[0])]
    times = np.zeros(problem.num_sites)
    for _, sites in ranked:
        times[sites] += 1
    return Alternatives(
        choices=tuple(sites for _, sites in ranked),
        objectives=np.array([value for value, _ in ranked], dtype=np.float64),
        share_of_site=times / len(ranked),
        is_cut=is_cut,
    )


def _is_plain(problem: SitingProblem) -> bool:
    """Return whether swaps alone, valued by demand, are right for the problem."""
    return (
        problem.goal is SitingGoal.MAX_COVERAGE
        and problem.capacity_units is None
        and problem.cover_by == 1
        and problem.min_spacing_m == 0
        and problem.not_modelled() is None
    )


def _swap_walk(  # noqa: PLR0917 - one shape for both walks
    problem: SitingProblem,
    start: BoolArray,
    limit: float,
    found: dict[bytes, tuple[float, IntArray]],
    most: int,
    clock: StopClock,
    rng: np.random.Generator,
) -> bool:
    """Walk over swaps, of which all are valued at once; return whether time ran out."""
    from dispatchopt.siting.engines._cover_build import unshrunk_model
    from dispatchopt.siting.engines._cover_swap import Swaps

    model = unshrunk_model(problem)
    swaps = Swaps(model, spend=model.spend)
    swaps.set_to(start)
    lost = model.offset
    budget = np.iinfo(np.int64).max if problem.budget_cents is None else problem.budget_cents
    for _ in range(20 * most):
        loose = np.flatnonzero(swaps.is_open & ~model.lower)
        closed = np.flatnonzero(model.upper & ~swaps.is_open)
        after = lost + swaps.missed - swaps.swap_values(loose, closed)
        spent = swaps.spent - model.spend[loose][:, None] + model.spend[closed]
        near = np.argwhere((after <= limit) & (spent <= budget))
        if not len(near) or len(found) >= most:
            break
        if clock.time_left_s <= 0 or clock.is_cancelled():
            return True
        one, other = near[rng.integers(len(near))]
        swaps.close(int(loose[one]))
        swaps.open(int(closed[other]))
        sites = np.flatnonzero(swaps.is_open)
        found.setdefault(swaps.is_open.tobytes(), (float(lost + swaps.missed), sites))
    return False


def _free_walk(  # noqa: PLR0917 - one shape for both walks
    problem: SitingProblem,
    start: BoolArray,
    limit: float,
    found: dict[bytes, tuple[float, IntArray]],
    most: int,
    clock: StopClock,
    rng: np.random.Generator,
) -> bool:
    """Walk over single steps, each valued on its own; return whether time ran out."""
    work = problem.coverage.num_pairs + problem.num_customers + 1
    tries = int(min(20 * most, max(60, 2e8 // work)))
    seen = set(found)
    here = start
    for at in range(tries):
        if len(found) >= most:
            break
        if clock.time_left_s <= 0 or clock.is_cancelled():
            return True
        there = _stepped(problem, here, rng)
        key = there.tobytes()
        if key in seen:
            # The walk may go back to what it knows, so that it does not end in a corner.
            here = there if key in found and rng.random() < 0.2 else here
            continue
        seen.add(key)
        sites = np.flatnonzero(there)
        value, _ = value_of(problem, sites, clock, 1.0 / (tries - at), 1)
        if value is not None and value <= limit:
            found[key] = (value, sites)
            here = there
    return False


def _stepped(problem: SitingProblem, here: BoolArray, rng: np.random.Generator) -> BoolArray:
    """Return a choice of sites that is one opening, closing or swap away."""
    there = here.copy()
    loose = np.flatnonzero(here & ~problem.is_fixed_open)
    closed = np.flatnonzero(problem.is_allowed & ~here)
    kind = rng.choice(3, p=(0.7, 0.15, 0.15))
    if kind != 1 and len(loose):
        there[rng.choice(loose)] = False
    if kind != 2 and len(closed):
        there[rng.choice(closed)] = True
    return there


def shadow_prices(
    problem: SitingProblem,
    solution: SitingSolution,
    *,
    budget_step_cents: int | None = None,
    stop: Stop | None = None,
    seed: int = 1,
) -> tuple[ShadowPrice, ...]:
    """Return what one more or one less site, and a step of the budget, would change.

    Objectives are not convex in their limits, so these are differences of optima, solved anew from
    the given sites, and not multipliers. Limits of phases are moved one by one.

    Parameters
    ----------
    problem, solution
        A problem and a solution of it, best an optimal one.
    budget_step_cents
        Step of the budget, > 0; by default a tenth of it.
    stop
        Limits of the whole call; each solve gets an even share of the time left.
    seed
        Seed of the solves.
    """
    clock = (Stop() if stop is None else stop).start()
    now = check(problem, solution).objective
    limits = _moved_limits(problem, budget_step_cents)
    prices = []
    for at, (name, value, step, wider, narrower) in enumerate(limits):
        if at and (clock.time_left_s <= 0 or clock.is_cancelled()):
            break
        share = 1.0 / (2 * (len(limits) - at))
        wide = solve(
            DOMAIN, problem.replace(**wider), stop=clock.share(share), seed=seed, start=solution
        )
        narrow = None
        if narrower is not None:
            part = clock.share(share / (1 - share) if share < 1 else 1.0)
            narrow = solve(DOMAIN, problem.replace(**narrower), stop=part, seed=seed)
        late = [
            side
            for side, result in (("wider", wide), ("narrower", narrow))
            if result is not None and result.stopped_by in (StopReason.TIME, StopReason.CANCELLED)
        ]
        found = None if narrow is None or narrow.objective is None else narrow
        prices.append(
            ShadowPrice(
                limit=name,
                value=value,
                step=step,
                gained=now - _or(wide.objective, now),
                gained_at_most=now - max(_or(wide.bound, -math.inf), 0.0),
                lost=None if found is None else _or(found.objective, now) - now,
                # Less room never helps, so what is lost is at least nothing.
                lost_at_least=None if found is None else max(_or(found.bound, now) - now, 0.0),
                out_of_time=tuple(late),
            )
        )
    return tuple(prices)


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _moved_limits(
    problem: SitingProblem, budget_step: int | None
) -> list[tuple[str, int, int, dict[str, Any], dict[str, Any] | None]]:
    """Return each limit with its value, its step, and fields that widen and narrow it."""
    moved: list[tuple[str, int, int, dict[str, Any], dict[str, Any] | None]] = []
    for name in ("max_sites", "budget_cents"):
        value = getattr(problem, name)
        if value is not None and getattr(problem, f"phase_{name}") is None:
            step = 1 if name == "max_sites" else budget_step or max(1, value // 10)
            narrower = {name: value - step} if value >= step else None
            moved.append((name, value, step, {name: value + step}, narrower))
        by_phase = getattr(problem, f"phase_{name}")
        for phase, most in enumerate([] if by_phase is None else by_phase.tolist()):
            step = 1 if name == "max_sites" else budget_step or max(1, most // 10)
            wider = _of_phase(problem, name, phase, step)
            narrower = _of_phase(problem, name, phase, -step) if most >= step else None
            moved.append((f"{name}[{phase}]", most, step, wider, narrower))
    return moved


def _of_phase(problem: SitingProblem, name: str, phase: int, step: int) -> dict[str, Any]:
    """Return fields in which a phase's limit is moved, and with the last one that of all."""
    limits = getattr(problem, f"phase_{name}").copy()
    limits[phase] += step
    whole = getattr(problem, name)
    fields: dict[str, Any] = {f"phase_{name}": limits}
    if whole is not None and phase == len(limits) - 1:
        fields[name] = max(0, whole + step)
    return fields
