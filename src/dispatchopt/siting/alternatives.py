"""Other choices of sites that are nearly as good, and what the limits on sites cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.core.run import solve
from dispatchopt.core.stop import Stop
from dispatchopt.siting.assign import open_mask
from dispatchopt.siting.domain import DOMAIN
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution


@dataclass(frozen=True, kw_only=True, eq=False)
class Alternatives:
    """Other choices of sites that cover nearly as much.

    Parameters
    ----------
    choices
        Open sites of each choice found, the given one first, then the best ones.
    unserved_units
        Demand that each choice leaves unserved, int64.
    share_of_site
        Share of the choices in which each site is open, shape (m,). Near 1: hard to do without;
        near 0: others do as well.
    """

    choices: tuple[IntArray, ...]
    unserved_units: IntArray
    share_of_site: FloatArray


@dataclass(frozen=True, kw_only=True)
class ShadowPrice:
    """What a limit costs: demand served if it is moved by one step.

    Parameters
    ----------
    limit
        ``max_sites`` or ``budget_cents``.
    step
        Sites, or cents, by which it is widened and narrowed.
    gained_units, gained_at_most
        Further demand served with the wider limit: found, and not to be exceeded.
    lost_units, lost_at_least
        Demand no longer served with the narrower one: by the choice found, and in any case. None
        where the narrower limit leaves no solution.
    """

    limit: str
    step: int
    gained_units: int
    gained_at_most: int
    lost_units: int | None
    lost_at_least: int | None


def alternatives(
    problem: SitingProblem,
    solution: SitingSolution,
    *,
    tolerance: float = 0.01,
    most: int = 200,
    seed: int = 1,
) -> Alternatives:
    """Return choices of sites that serve nearly as much demand, by a walk of swaps.

    All swaps of an open for a closed site are valued at once; the walk goes on along a random one
    of those that stay within the tolerance.

    Parameters
    ----------
    problem, solution
        A ``max-coverage`` problem without capacities, backup coverage and spacing, and a solution.
    tolerance
        Share of the demand served that a choice may fall short, >= 0.
    most
        Most choices, >= 1.
    seed
        Seed of the walk.

    Raises
    ------
    InputError
        If the problem is another one.
    """
    from dispatchopt.siting.engines._cover_build import unshrunk_model
    from dispatchopt.siting.engines._cover_swap import Swaps

    _refuse(problem)
    model = unshrunk_model(problem)
    swaps = Swaps(model, spend=model.spend)
    swaps.set_to(open_mask(problem, solution.open_sites))
    lost = model.offset
    allowed = lost + swaps.missed + int(tolerance * (problem.total_units - lost - swaps.missed))
    budget = np.iinfo(np.int64).max if problem.budget_cents is None else problem.budget_cents
    found = {swaps.is_open.tobytes(): (lost + swaps.missed, np.flatnonzero(swaps.is_open))}
    rng = np.random.default_rng(seed)
    for _ in range(20 * most):
        loose = np.flatnonzero(swaps.is_open & ~model.lower)
        closed = np.flatnonzero(model.upper & ~swaps.is_open)
        after = lost + swaps.missed - swaps.swap_values(loose, closed)
        spent = swaps.spent - model.spend[loose][:, None] + model.spend[closed]
        near = np.argwhere((after <= allowed) & (spent <= budget))
        if not len(near) or len(found) >= most:
            break
        one, other = near[rng.integers(len(near))]
        swaps.close(int(loose[one]))
        swaps.open(int(closed[other]))
        sites = np.flatnonzero(swaps.is_open)
        found.setdefault(swaps.is_open.tobytes(), (lost + swaps.missed, sites))
    first, *rest = found.values()
    ranked = [first, *sorted(rest, key=lambda each: each[0])]
    times = np.zeros(problem.num_sites)
    for _, sites in ranked:
        times[sites] += 1
    return Alternatives(
        choices=tuple(sites for _, sites in ranked),
        unserved_units=np.array([units for units, _ in ranked], dtype=np.int64),
        share_of_site=times / len(ranked),
    )


def shadow_prices(
    problem: SitingProblem,
    solution: SitingSolution,
    *,
    budget_step_cents: int | None = None,
    stop: Stop | None = None,
    seed: int = 1,
) -> tuple[ShadowPrice, ...]:
    """Return what one more or one less site, and a step of the budget, would change.

    Coverage is not concave in its limits, so these are differences of optima, solved anew from
    the given sites, and not multipliers.

    Parameters
    ----------
    problem, solution
        A ``max-coverage`` problem and a solution of it, best an optimal one.
    budget_step_cents
        Step of the budget, > 0; by default a tenth of it.
    stop, seed
        Limits of each of the two solves per limit, and their seed.
    """
    if problem.goal is not SitingGoal.MAX_COVERAGE:
        _refuse(problem)
    served = np.where(solution.assignment >= 0, problem.demand_units, 0)
    now = problem.total_units - int(served.sum()) - int(solution.split_units.sum())
    steps: list[tuple[str, int, int]] = []
    if problem.max_sites is not None:
        steps.append(("max_sites", problem.max_sites, 1))
    if problem.budget_cents is not None:
        step = budget_step_cents or max(1, problem.budget_cents // 10)
        steps.append(("budget_cents", problem.budget_cents, step))
    prices = []
    for limit, value, step in steps:
        wide = solve(
            DOMAIN,
            problem.replace(**{limit: value + step}),
            stop=stop,
            seed=seed,
            start=solution,
        )
        narrow = None
        if value >= step:
            narrow = solve(DOMAIN, problem.replace(**{limit: value - step}), stop=stop, seed=seed)
        less = None if narrow is None else narrow.objective
        prices.append(
            ShadowPrice(
                limit=limit,
                step=step,
                gained_units=now - round(wide.objective or 0.0),
                gained_at_most=now - round(wide.bound or 0.0),
                lost_units=None if less is None else round(less) - now,
                lost_at_least=None
                if narrow is None or less is None
                else max(0, round(narrow.bound or 0.0) - now),
            )
        )
    return tuple(prices)


def _refuse(problem: SitingProblem) -> None:
    """Raise unless swaps value the problem rightly."""
    wrong = [
        Issue(code="fields-clash", where=where, found=found, wanted=wanted)
        for where, found, wanted, is_wrong in (
            ("goal", str(problem.goal), "max-coverage", problem.goal != SitingGoal.MAX_COVERAGE),
            ("capacity_units", "given", "None", problem.capacity_units is not None),
            ("cover_by", str(problem.cover_by), "1", problem.cover_by > 1),
            ("fields", "side rules", "none", problem.not_modelled() is not None),
            ("min_spacing_m", str(problem.min_spacing_m), "0", problem.min_spacing_m > 0),
        )
        if is_wrong
    ]
    if wrong:
        raise InputError(wrong)
