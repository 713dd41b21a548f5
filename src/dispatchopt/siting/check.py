"""The independent checker: recomputes rules and objective from the definition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.result import Report, Violation
from dispatchopt.siting.problem import (
    ScenarioRule,
    SiteStatus,
    SitingGoal,
    SitingProblem,
    SitingSolution,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Service:
    """All service as a list: customer, site, units, and the pair's place in the coverage or -1."""

    customer: IntArray
    site: IntArray
    units: IntArray
    pair: IntArray
    served_units: IntArray


def check(problem: SitingProblem, solution: SitingSolution) -> Report:
    """Return the objective of a solution and every rule that it breaks.

    Rules: ``wrong-length``, ``unknown-site``, ``unknown-customer``, ``repeated-site``,
    ``forbidden-open``, ``existing-closed``, ``required-closed``, ``max-sites``, ``budget``,
    ``min-spacing``, ``one-size``, ``phase-max-sites``, ``phase-budget``,
    ``served-by-closed-site``, ``out-of-reach``, ``negative-units``, ``served-twice``, ``split``,
    ``too-few-sites-in-reach``, ``capacity``, ``unserved``, ``required-share``.
    """
    broken = list(_form(problem, solution))
    if broken:
        return Report(objective=float("inf"), violations=tuple(broken))
    service = _service(problem, solution)
    is_open = np.zeros(problem.num_sites, dtype=bool)
    is_open[solution.open_sites] = True
    broken += _sites(problem, is_open)
    broken += _pairs(problem, service, is_open)
    broken += _customers(problem, solution, service, is_open)
    broken += _loads(problem, service)
    parts = _parts(problem, service, is_open)
    return Report(
        objective=float(sum(parts.values())),
        parts=parts,
        violations=tuple(broken),
        figures=_figures(problem, service, is_open),
    )


def _form(problem: SitingProblem, solution: SitingSolution) -> Iterable[Violation]:
    """List what makes a solution unreadable."""
    n, m = problem.num_customers, problem.num_sites
    if len(solution.assignment) != n:
        by = abs(len(solution.assignment) - n)
        yield Violation(rule="wrong-length", where="assignment", by=by)
    sites = np.concatenate([solution.open_sites, solution.split_site_idx])
    for site in np.unique(sites[(sites < 0) | (sites >= m)]):
        yield Violation(rule="unknown-site", where=f"site {site}", by=1)
    given = solution.assignment
    for site in np.unique(given[(given < -1) | (given >= m)]):
        yield Violation(rule="unknown-site", where=f"site {site} in assignment", by=1)
    customers = solution.split_customer_idx
    for customer in np.unique(customers[(customers < 0) | (customers >= n)]):
        yield Violation(rule="unknown-customer", where=f"customer {customer}", by=1)
    steps = np.diff(solution.open_sites)
    if (steps <= 0).any():
        yield Violation(
            rule="repeated-site", where="open_sites, which must rise", by=int((steps <= 0).sum())
        )


def _service(problem: SitingProblem, solution: SitingSolution) -> _Service:
    whole = np.flatnonzero(solution.assignment >= 0)
    customer = np.concatenate([whole, solution.split_customer_idx])
    site = np.concatenate([solution.assignment[whole], solution.split_site_idx])
    units = np.concatenate([problem.demand_units[whole], solution.split_units])
    coverage = problem.coverage
    pair = np.full(len(customer), -1, dtype=np.int64)
    order = np.argsort(site, kind="stable")
    ends = np.searchsorted(site[order], np.arange(problem.num_sites + 1))
    for each in np.flatnonzero(np.diff(ends)):
        begin, end = coverage.indptr[each], coverage.indptr[each + 1]
        reached, own = coverage.customer_idx[begin:end], order[ends[each] : ends[each + 1]]
        at = np.searchsorted(reached, customer[own])
        inside = at < len(reached)
        found = inside.copy()
        found[inside] = reached[at[inside]] == customer[own[inside]]
        pair[own[found]] = begin + at[found]
    served = np.zeros(problem.num_customers, dtype=np.int64)
    np.add.at(served, customer, units)
    return _Service(customer=customer, site=site, units=units, pair=pair, served_units=served)


def _sites(problem: SitingProblem, is_open: BoolArray) -> Iterable[Violation]:
    """Rules about which sites are open."""
    for rule, status, wrong in (
        ("forbidden-open", SiteStatus.FORBIDDEN, is_open),
        ("existing-closed", SiteStatus.EXISTING, ~is_open),
        ("required-closed", SiteStatus.REQUIRED, ~is_open),
    ):
        for site in np.flatnonzero(wrong & (problem.statuses == status)):
            yield Violation(rule=rule, where=problem.site_name(int(site)), by=1)
    count = int(is_open.sum())
    if problem.max_sites is not None and count > problem.max_sites:
        yield Violation(rule="max-sites", where="open sites", by=count - problem.max_sites)
    spent = int(problem.opening_cents[is_open].sum())
    if problem.budget_cents is not None and spent > problem.budget_cents:
        yield Violation(rule="budget", where="opening cost", by=spent - problem.budget_cents)
    for first, second in problem.conflicts():
        if is_open[first] and is_open[second] and problem.site_distance_m is not None:
            apart = min(
                problem.site_distance_m[first, second], problem.site_distance_m[second, first]
            )
            if apart >= problem.min_spacing_m:
                continue
            yield Violation(
                rule="min-spacing",
                where=f"{problem.site_name(int(first))} and {problem.site_name(int(second))}",
                by=int(problem.min_spacing_m - apart),
            )
    if problem.place is not None:
        place, sizes = np.unique(problem.place[is_open], return_counts=True)
        for at in np.flatnonzero(sizes > 1):
            yield Violation(rule="one-size", where=f"place {place[at]}", by=int(sizes[at] - 1))
    yield from _phases(problem, is_open)


def _phases(problem: SitingProblem, is_open: BoolArray) -> Iterable[Violation]:
    """Limits on what is open, and on what is spent, up to the end of each phase."""
    phase = problem.phase
    for rule, limits, amount in (
        ("phase-max-sites", problem.phase_max_sites, np.ones(problem.num_sites, dtype=np.int64)),
        ("phase-budget", problem.phase_budget_cents, problem.opening_cents),
    ):
        if limits is None or phase is None:
            continue
        for at, limit in enumerate(limits.tolist()):
            used = int(amount[is_open & (phase <= at)].sum())
            if used > limit:
                yield Violation(rule=rule, where=f"phase {at}", by=used - limit)


def _pairs(problem: SitingProblem, service: _Service, is_open: BoolArray) -> Iterable[Violation]:
    """Rules about each pair of customer and site."""

    def where(place: np.integer) -> str:
        at = int(place)
        customer = problem.customer_name(int(service.customer[at]))
        return f"{customer} from {problem.site_name(int(service.site[at]))}"

    for at in np.flatnonzero(~is_open[service.site]):
        yield Violation(rule="served-by-closed-site", where=where(at), by=int(service.units[at]))
    for at in np.flatnonzero(service.pair < 0):
        yield Violation(rule="out-of-reach", where=where(at), by=int(service.units[at]))
    for at in np.flatnonzero(service.units < 0):
        yield Violation(rule="negative-units", where=where(at), by=int(-service.units[at]))


def _customers(
    problem: SitingProblem, solution: SitingSolution, service: _Service, is_open: BoolArray
) -> Iterable[Violation]:
    """Rules about each customer, and about all of them."""
    demand, served = problem.demand_units, service.served_units
    for customer in np.flatnonzero(served > demand):
        by = int(served[customer] - demand[customer])
        yield Violation(rule="served-twice", where=problem.customer_name(int(customer)), by=by)
    if problem.single_source:
        for customer in np.unique(solution.split_customer_idx):
            yield Violation(rule="split", where=problem.customer_name(int(customer)), by=1)
    if problem.cover_by > 1:
        pairs = is_open[problem.coverage.site_idx]
        reached_by = np.bincount(
            problem.coverage.customer_idx[pairs], minlength=problem.num_customers
        )
        is_weak = (served > 0) & (reached_by < problem.cover_by)
        for customer in np.flatnonzero(is_weak):
            by = int(problem.cover_by - reached_by[customer])
            where = problem.customer_name(int(customer))
            yield Violation(rule="too-few-sites-in-reach", where=where, by=by)
    if problem.must_serve_all:
        for customer in np.flatnonzero(served < demand):
            by = int(demand[customer] - served[customer])
            yield Violation(rule="unserved", where=problem.customer_name(int(customer)), by=by)
    elif problem.goal is SitingGoal.COVER_ALL:
        total = int(np.minimum(served, demand).sum())
        if total < problem.required_units:
            by = problem.required_units - total
            yield Violation(rule="required-share", where="all demand", by=by)


def _loads(problem: SitingProblem, service: _Service) -> Iterable[Violation]:
    """Capacities."""
    if problem.capacity_units is None:
        return
    phases, scenario = problem.customer_phase, problem.customer_scenario
    if phases is not None and scenario is not None:
        # Sites fill anew in each scenario of each phase.
        phases = phases * (int(scenario.max(initial=0)) + 1) + scenario
    count = 1 if phases is None else int(phases.max(initial=0)) + 1
    load = np.zeros((count, problem.num_sites), dtype=np.int64)
    at = np.zeros(problem.num_customers, dtype=np.int64) if phases is None else phases
    np.add.at(load, (at[service.customer], service.site), service.units)
    times = np.ones(count, dtype=np.int64)
    if problem.load_weight is not None:
        times = problem.load_weight[:count]
    room = times[:, None] * problem.capacity_units[None, :]
    for phase, site in np.argwhere(load > room):
        by = int(load[phase, site] - room[phase, site])
        where = problem.site_name(int(site)) + ("" if phases is None else f" in phase {phase}")
        yield Violation(rule="capacity", where=where, by=by)


def _parts(problem: SitingProblem, service: _Service, is_open: BoolArray) -> dict[str, float]:
    """Return the objective's parts, which add up to it."""
    goal, known = problem.goal, service.pair >= 0
    units, pair = service.units[known], service.pair[known]
    unserved = int(np.maximum(problem.demand_units - service.served_units, 0).sum())
    opening = float(problem.opening_cents[is_open].sum())
    if goal is SitingGoal.COVER_ALL:
        if problem.minimise_cost:
            return {"opening_cents": opening}
        return {"sites": float(is_open.sum())}
    distance = problem.coverage.distance_m[pair]
    if goal is SitingGoal.MAX_COVERAGE:
        if problem.scenario_rule is not None:
            return _scenario_parts(problem, service)
        parts = {"unserved_units": float(unserved)}
        if problem.full_cover_m is not None:
            full, zero = problem.fade_m
            lost = int((units * (np.clip(distance, full, zero) - full)).sum())
            parts["faded_units"] = lost / (zero - full)
        return parts
    if goal is SitingGoal.P_CENTER:
        needed = problem.demand_units[service.customer[known]] > 0
        return {"max_distance_m": float(distance[needed].max(initial=0))}
    if goal is SitingGoal.P_MEDIAN:
        return {
            "distance_unit_m": float(int((units * distance).sum())),
            "unserved_unit_m": float(unserved * (problem.unserved_m or 0)),
        }
    return {
        "opening_cents": opening,
        "transport_cents": _transport(problem, service.customer[known], units, pair),
        "unserved_cents": unserved * (problem.unserved_cents or 0.0),
    }


def _scenario_parts(problem: SitingProblem, service: _Service) -> dict[str, float]:
    """Count unserved demand by scenario, and what the rule makes of it."""
    if problem.scenario_units is None or problem.scenario_weight is None:
        raise AssertionError("checked when the problem was made")
    is_missed = service.served_units < problem.demand_units
    if problem.capacity_units is None:
        unserved = problem.scenario_units[:, is_missed].sum(axis=1)
    else:
        # A customer may be served in part, in the one scenario that it is of.
        missing = np.maximum(problem.demand_units - service.served_units, 0)
        unserved = ((problem.scenario_units > 0) * missing[None, :]).sum(axis=1)
    if problem.scenario_rule is ScenarioRule.WORST:
        return {"worst_unserved_units": float(unserved.max())}
    fails = unserved > problem.scenario_may_miss
    return {"missed_weight": float(problem.scenario_weight[fails].sum())}


def _transport(
    problem: SitingProblem, customer: IntArray, units: IntArray, pair: IntArray
) -> float:
    if problem.pair_cost_cents is None:
        travelled = int((units * problem.coverage.distance_m[pair]).sum())
        return travelled * problem.cents_per_unit_km / 1000.0
    demand = np.maximum(problem.demand_units[customer], 1)
    whole: FloatArray = problem.pair_cost_cents[pair] * (problem.demand_units[customer] > 0)
    return float((whole * (units / demand)).sum())


def _figures(problem: SitingProblem, service: _Service, is_open: BoolArray) -> dict[str, float]:
    """Return figures for reports; distances are weighted by demand."""
    total = problem.total_units
    served = int(np.minimum(service.served_units, problem.demand_units).sum())
    known = (service.pair >= 0) & (service.units > 0)
    distance, units = problem.coverage.distance_m[service.pair[known]], service.units[known]
    carried = int(units.sum())
    return {
        "num_open": float(is_open.sum()),
        "opening_cents": float(problem.opening_cents[is_open].sum()),
        "demand_units": float(total),
        "served_units": float(served),
        "covered_share": served / total if total else 1.0,
        "num_unserved_customers": float((service.served_units < problem.demand_units).sum()),
        "mean_distance_m": int((distance * units).sum()) / carried if carried else 0.0,
        "max_distance_m": float(distance.max(initial=0)),
    }
