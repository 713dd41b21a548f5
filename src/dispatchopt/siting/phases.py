"""Opening in phases: some sites now, some later, none closed again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import IntArray, digest
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.points import Points
from dispatchopt.siting.problem import SiteStatus, SitingProblem, SitingSolution


def phased(
    problem: SitingProblem,
    phase_units: npt.ArrayLike,
    *,
    max_sites: npt.ArrayLike | None = None,
    budget_cents: npt.ArrayLike | None = None,
    opens_from: npt.ArrayLike | None = None,
) -> SitingProblem:
    """Return one problem over all phases: site j opened in phase t is site t m + j.

    Customer i of phase s is customer s n + i, and is reached by site j opened in any phase t <= s.
    At most one of the copies of a site opens, so that what is open stays open; the objective sums
    over phases (p-center: the greatest distance of any phase).

    Parameters
    ----------
    problem
        Sites, reach, goal and rules of a single phase; its demand and ``max_sites`` are replaced,
        its budget limits all phases together. Existing sites are open from phase 0, required ones
        from the first phase in which they may be; closable ones stand from phase 0 on or close
        before it. A capacity holds in each phase from the site's opening on.
    phase_units
        Demand in each phase, whole units, shape (t, n); under a rule of scenarios that of each
        scenario in each phase, shape (t, s, n). A scenario is a course over all phases: what it
        leaves unserved counts over them together. A problem that ``with_scenarios`` made from
        capacities takes shape (t, s, n) as well: sites fill anew in each scenario of each phase.
    max_sites, budget_cents
        Most sites open, and most spent in all, up to the end of each phase, shape (t,); at least
        one of the two.
    opens_from
        First phase in which each site may open, shape (m,); 0 by default, and for sites that stand.

    Raises
    ------
    InputError
        If shapes or phases do not fit.
    """
    units = np.asarray(phase_units)
    count, m, n = len(units) if units.ndim else 0, problem.num_sites, problem.num_customers
    first = np.zeros(m, dtype=np.int64) if opens_from is None else np.asarray(opens_from)
    _refuse(problem, units, max_sites, budget_cents, first)
    units, by_scenario = _over_scenarios(problem, units)
    capacity = problem.capacity_units
    opened, later = np.triu_indices(count)
    ground = problem.coverage
    pairs = ground.num_pairs
    site = np.tile(ground.site_idx, len(opened)) + np.repeat(opened, pairs) * m
    customer = np.tile(ground.customer_idx, len(later)) + np.repeat(later, pairs) * n
    coverage = Coverage.from_pairs(
        site_idx=site,
        customer_idx=customer,
        distance_m=np.tile(ground.distance_m, len(later)),
        num_sites=m * count,
        num_customers=n * count,
        cutoff_m=ground.cutoff_m,
    )
    pair_cost = problem.pair_cost_cents
    if pair_cost is not None:
        pair_cost = np.tile(pair_cost, len(later))[np.lexsort((customer, site))]
    status = np.tile(problem.statuses, (count, 1))
    phase = np.arange(count)[:, None]
    status[phase < first] = SiteStatus.FORBIDDEN
    # What must be open is so from its first phase on, and what stands cannot be opened later.
    status[(phase > first) & (problem.is_fixed_open | problem.stands)] = SiteStatus.FORBIDDEN
    place = np.arange(m) if problem.place is None else problem.place
    cost, apart = problem.site_cost_cents, problem.site_distance_m
    own, weight = problem.customer_phase, problem.load_weight
    return problem.replace(
        coverage=coverage,
        demand_units=units.ravel(),
        site_cost_cents=None if cost is None else np.tile(cost, count),
        status=status.ravel(),
        pair_cost_cents=pair_cost,
        place=np.tile(place, count),
        site_distance_m=None if apart is None else np.tile(apart, (count, count)),
        phase=np.repeat(np.arange(count), m),
        max_sites=None if max_sites is None else int(np.asarray(max_sites)[-1]),
        phase_max_sites=None if max_sites is None else np.asarray(max_sites),
        phase_budget_cents=None if budget_cents is None else np.asarray(budget_cents),
        capacity_units=None if capacity is None else np.tile(capacity, count),
        customer_phase=None if capacity is None else np.repeat(np.arange(count), n),
        customer_scenario=None if own is None else np.tile(own, count),
        load_weight=None if weight is None else np.tile(weight, count),
        scenario_units=by_scenario,
        site_ids=copied_names(problem.site_ids, count),
        customer_ids=copied_names(problem.customer_ids, count),
    )


def _over_scenarios(
    problem: SitingProblem, units: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
    """Return demand by phase, shape (t, n), and by scenario over all phases, (s, t n) or None."""
    count, n, own = len(units), problem.num_customers, problem.customer_phase
    if own is None:
        if problem.scenario_weight is None:
            return units, None
        by_scenario = units.transpose(1, 0, 2).reshape(units.shape[1], -1)
        return np.tensordot(units, problem.scenario_weight, axes=(1, 0)), by_scenario
    # The customers of all scenarios stand side by side, with the demand that loads sites.
    if problem.load_weight is not None:
        units = units * problem.load_weight[:, None]
    scenarios, units = units.shape[1], units.reshape(count, n)
    if problem.scenario_rule is None:
        return units, None
    by_scenario = np.zeros((scenarios, count * n), dtype=units.dtype)
    by_scenario[np.tile(own, count), np.arange(count * n)] = units.ravel()
    return units, by_scenario


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """What ``phased`` made a problem from.

    Parameters
    ----------
    problem
        The problem of a single phase, with the demand of the first.
    phase_units, max_sites, budget_cents, opens_from
        As ``phased`` takes them.
    """

    problem: SitingProblem
    phase_units: IntArray
    max_sites: IntArray | None
    budget_cents: IntArray | None
    opens_from: IntArray


def unphased(problem: SitingProblem) -> Plan | None:
    """Return what a problem in phases was made from; None where ``phased`` did not make it."""
    if problem.phase is None or problem.scenario_rule is not None:
        return None
    if problem.customer_scenario is not None:
        return None
    limits = (problem.phase_max_sites, problem.phase_budget_cents)
    count = max((len(each) for each in limits if each is not None), default=1)
    m, n = problem.num_sites // count, problem.num_customers // count
    if m * count != problem.num_sites or n * count != problem.num_customers:
        return None
    try:
        plan = _folded(problem, count, m, n)
        again = phased(
            plan.problem,
            plan.phase_units,
            max_sites=plan.max_sites,
            budget_cents=plan.budget_cents,
            opens_from=plan.opens_from,
        )
    except InputError:
        return None
    return plan if digest(again) == digest(problem) else None


def _folded(problem: SitingProblem, count: int, m: int, n: int) -> Plan:
    """Return the first phase of a problem, and when each of its sites may open."""
    ground = problem.coverage
    kept = (ground.site_idx < m) & (ground.customer_idx < n)
    units = problem.demand_units.reshape(count, n)
    status = problem.statuses.reshape(count, m)
    is_open = status != SiteStatus.FORBIDDEN
    first = np.where(is_open.any(axis=0), is_open.argmax(axis=0), 0)
    place, cost, apart = problem.place, problem.site_cost_cents, problem.site_distance_m
    capacity = problem.capacity_units
    own = None if place is None or (place[:m] == np.arange(m)).all() else place[:m]
    pair_cost = problem.pair_cost_cents
    plain = problem.replace(
        coverage=Coverage.from_pairs(
            site_idx=ground.site_idx[kept],
            customer_idx=ground.customer_idx[kept],
            distance_m=ground.distance_m[kept],
            num_sites=m,
            num_customers=n,
            cutoff_m=ground.cutoff_m,
        ),
        demand_units=units[0],
        site_cost_cents=None if cost is None else cost[:m],
        capacity_units=None if capacity is None else capacity[:m],
        customer_phase=None,
        status=status[first, np.arange(m)],
        pair_cost_cents=None if pair_cost is None else pair_cost[kept],
        place=own,
        site_distance_m=None if apart is None else apart[:m, :m],
        phase=None,
        phase_max_sites=None,
        phase_budget_cents=None,
        site_ids=_stems(problem.site_ids, m),
        customer_ids=_stems(problem.customer_ids, n),
    )
    return Plan(
        problem=plain,
        phase_units=units,
        max_sites=problem.phase_max_sites,
        budget_cents=problem.phase_budget_cents,
        opens_from=first,
    )


def copied(points: Points, count: int) -> Points:
    """Return places repeated for each phase, where a problem has so many times as many rows."""
    if not len(points) or count % len(points):
        return points
    return Points(
        lon=np.tile(points.lon, count // len(points)), lat=np.tile(points.lat, count // len(points))
    )


def _stems(names: tuple[str, ...] | None, count: int) -> tuple[str, ...] | None:
    return None if names is None else tuple(name.removesuffix("@0") for name in names[:count])


def _faults_of_first(
    problem: SitingProblem, first: npt.NDArray[np.generic], count: int
) -> list[Issue]:
    if first.shape != (problem.num_sites,) or not np.issubdtype(first.dtype, np.integer):
        wanted = f"whole numbers of shape ({problem.num_sites},)"
        return [_issue("wrong-shape", "opens_from", f"{first.dtype} {first.shape}", wanted)]
    begin = first.astype(np.int64)
    issues = [
        _issue("bad-value", f"opens_from[{at}]", int(begin[at]), f"a phase, 0 to {count - 1}")
        for at in np.flatnonzero((begin < 0) | (begin >= max(count, 1)))[:20]
    ]
    wanted = "0 for a site that stands already"
    issues += [
        _issue("conflict", f"opens_from[{at}]", int(begin[at]), wanted)
        for at in np.flatnonzero(problem.stands & (begin > 0))[:20]
    ]
    return issues


def copied_names(names: tuple[str, ...] | None, count: int) -> tuple[str, ...] | None:
    """Return names of rows that stand once for each phase or scenario."""
    if names is None:
        return None
    return tuple(f"{name}@{phase}" for phase in range(count) for name in names)


def _refuse(
    problem: SitingProblem,
    units: npt.NDArray[np.generic],
    sites: npt.ArrayLike | None,
    budget: npt.ArrayLike | None,
    first: npt.NDArray[np.generic],
) -> None:
    issues, shape, own = [], [problem.num_customers], problem.customer_phase
    scenarios = len(problem.scenario_weight) if problem.scenario_weight is not None else 0
    if own is not None:
        scenarios = (
            int(own.max(initial=0)) + 1 if problem.load_weight is None else len(problem.load_weight)
        )
        shape = [problem.num_customers // scenarios]
        if (own != np.repeat(np.arange(scenarios), shape[0])[: len(own)]).any():
            wanted = "None in phases, or as with_scenarios makes it"
            issues.append(_issue("fields-clash", "customer_phase", "given", wanted))
    if scenarios:
        shape.insert(0, scenarios)
    if units.ndim != 1 + len(shape) or not len(units) or list(units.shape[1:]) != shape:
        wanted = f"shape (t, {', '.join(map(str, shape))}), t >= 1"
        issues.append(_issue("wrong-shape", "phase_units", units.shape, wanted))
    for name, given in (("max_sites", sites), ("budget_cents", budget)):
        if given is not None and np.asarray(given).shape != units.shape[:1]:
            issues.append(_issue("wrong-shape", name, given, "one limit for each phase"))
    if sites is None and budget is None:
        issues.append(_issue("missing-limit", "max_sites", None, "max_sites or budget_cents"))
    if problem.phase is not None:
        issues.append(_issue("fields-clash", "phase", "given", "None in phases"))
    issues += _faults_of_first(problem, first, len(units) if units.ndim else 0)
    if issues:
        raise InputError(issues)


def _issue(code: str, where: str, found: object, wanted: str) -> Issue:
    return Issue(code=code, where=where, found=repr(found)[:80], wanted=wanted)
