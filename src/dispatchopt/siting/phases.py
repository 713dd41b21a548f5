"""Opening in phases: some sites now, some later, none closed again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting.problem import SiteStatus, SitingProblem, SitingSolution


def phased(
    problem: SitingProblem,
    phase_units: npt.ArrayLike,
    *,
    max_sites: npt.ArrayLike | None = None,
    budget_cents: npt.ArrayLike | None = None,
) -> SitingProblem:
    """Return one problem over all phases: site j opened in phase t is site t m + j.

    Customer i of phase s is customer s n + i, and is reached by site j opened in any phase t <= s.
    At most one of the copies of a site opens, so that what is open stays open; the objective sums
    over phases (p-center: the greatest distance of any phase).

    Parameters
    ----------
    problem
        Sites, reach, goal and rules of a single phase; its demand and ``max_sites`` are replaced,
        its budget limits all phases together. Existing and required sites are open from phase 0.
    phase_units
        Demand in each phase, whole units, shape (t, n).
    max_sites, budget_cents
        Most sites open, and most spent in all, up to the end of each phase, shape (t,); at least
        one of the two.

    Raises
    ------
    InputError
        If shapes do not fit, or for capacities, scenarios, costs of pairs or closable sites.
    """
    units = np.asarray(phase_units)
    count, m, n = len(units) if units.ndim else 0, problem.num_sites, problem.num_customers
    _refuse(problem, units, max_sites, budget_cents)
    opened, later = np.triu_indices(count)
    ground = problem.coverage
    pairs = ground.num_pairs
    coverage = Coverage.from_pairs(
        site_idx=np.tile(ground.site_idx, len(opened)) + np.repeat(opened, pairs) * m,
        customer_idx=np.tile(ground.customer_idx, len(later)) + np.repeat(later, pairs) * n,
        distance_m=np.tile(ground.distance_m, len(later)),
        num_sites=m * count,
        num_customers=n * count,
        cutoff_m=ground.cutoff_m,
    )
    status = np.tile(problem.statuses, (count, 1))
    status[1:, problem.is_fixed_open] = SiteStatus.FORBIDDEN
    place = np.arange(m) if problem.place is None else problem.place
    cost, apart = problem.site_cost_cents, problem.site_distance_m
    return problem.replace(
        coverage=coverage,
        demand_units=units.ravel(),
        site_cost_cents=None if cost is None else np.tile(cost, count),
        status=status.ravel(),
        place=np.tile(place, count),
        site_distance_m=None if apart is None else np.tile(apart, (count, count)),
        phase=np.repeat(np.arange(count), m),
        max_sites=None if max_sites is None else int(np.asarray(max_sites)[-1]),
        phase_max_sites=None if max_sites is None else np.asarray(max_sites),
        phase_budget_cents=None if budget_cents is None else np.asarray(budget_cents),
        site_ids=_names(problem.site_ids, count),
        customer_ids=_names(problem.customer_ids, count),
    )


def opening_phase(problem: SitingProblem, solution: SitingSolution) -> IntArray:
    """Return the phase in which each site of the single phase opens, shape (m,); -1 for never."""
    if problem.phase is None:
        raise InputError(
            Issue(code="missing-field", where="phase", found="None", wanted="a phased problem")
        )
    count = int(problem.phase.max(initial=0)) + 1
    phases = np.full(problem.num_sites // count, -1, dtype=np.int64)
    opened = solution.open_sites
    phases[opened % len(phases)] = problem.phase[opened]
    return phases


def _names(names: tuple[str, ...] | None, count: int) -> tuple[str, ...] | None:
    if names is None:
        return None
    return tuple(f"{name}@{phase}" for phase in range(count) for name in names)


def _refuse(
    problem: SitingProblem,
    units: npt.NDArray[np.generic],
    sites: npt.ArrayLike | None,
    budget: npt.ArrayLike | None,
) -> None:
    issues = []
    if units.ndim != 2 or not len(units) or units.shape[1] != problem.num_customers:
        wanted = f"shape (t, {problem.num_customers}), t >= 1"
        issues.append(_issue("wrong-shape", "phase_units", units.shape, wanted))
    for name, given in (("max_sites", sites), ("budget_cents", budget)):
        if given is not None and np.asarray(given).shape != units.shape[:1]:
            issues.append(_issue("wrong-shape", name, given, "one limit for each phase"))
    if sites is None and budget is None:
        issues.append(_issue("missing-limit", "max_sites", None, "max_sites or budget_cents"))
    for name in ("capacity_units", "scenario_rule", "pair_cost_cents", "phase"):
        if getattr(problem, name) is not None:
            issues.append(_issue("fields-clash", name, "given", "None in phases"))
    if (problem.statuses == SiteStatus.CLOSABLE).any():
        issues.append(_issue("fields-clash", "status", "closable", "no closable site in phases"))
    if issues:
        raise InputError(issues)


def _issue(code: str, where: str, found: object, wanted: str) -> Issue:
    return Issue(code=code, where=where, found=repr(found)[:80], wanted=wanted)
