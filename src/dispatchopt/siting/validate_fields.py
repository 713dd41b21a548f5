"""Checks of a siting problem's fields that belong together: fading, sizes, scenarios, phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dispatchopt.core.errors import Issue

if TYPE_CHECKING:
    from dispatchopt.core.arrays import IntArray
    from dispatchopt.siting.problem import SitingProblem


def values(problem: SitingProblem) -> list[Issue]:
    """List what does not fit in fields whose types, shapes and signs are checked already."""
    return (
        _fading(problem)
        + _sizes(problem)
        + _scenarios(problem)
        + _phases(problem)
        + _loads(problem)
    )


def _fading(problem: SitingProblem) -> list[Issue]:
    issues = []
    if problem.full_cover_m is None:
        if problem.zero_cover_m is not None:
            wanted = "a distance, as zero_cover_m is set"
            issues.append(_issue("missing-field", "full_cover_m", None, wanted))
        return issues
    full, zero = problem.fade_m
    if not full < zero:
        issues.append(_issue("bad-value", "zero_cover_m", zero, f"more than full_cover_m = {full}"))
    return issues


def _sizes(problem: SitingProblem) -> list[Issue]:
    if problem.place is None:
        return []
    fixed = problem.place[problem.is_fixed_open]
    place, count = np.unique(fixed, return_counts=True)
    return [
        _issue(
            "fields-clash",
            "place",
            int(each),
            "at most one existing or required size of a site",
            "a store that may grow is closable in its present size",
        )
        for each in place[count > 1]
    ]


def _scenarios(problem: SitingProblem) -> list[Issue]:
    names = ("scenario_units", "scenario_weight", "scenario_rule")
    missing = [name for name in names if getattr(problem, name) is None]
    if len(missing) == len(names):
        return []
    if missing:
        return [_issue("missing-field", name, None, "given with the others") for name in missing]
    issues = []
    units, weight = problem.scenario_units, problem.scenario_weight
    if units is None or weight is None or not len(weight) or (weight < 1).any():
        issues.append(
            _issue("bad-value", "scenario_weight", weight, "a scenario or more, each >= 1")
        )
    elif sum(int(w) * int(u.max(initial=0)) for w, u in zip(weight, units, strict=True)) >= 2**53:
        issues.append(_issue("too-large", "scenario_units", "weighted sums", "below 2**53"))
    elif problem.capacity_units is not None:
        issues += _scenario_loads(problem, units)
    elif not (weight @ units == problem.demand_units).all():
        wanted = "demand over all scenarios, each times its weight"
        issues.append(_issue("conflict", "demand_units", "other numbers", wanted))
    if not 0 <= problem.scenario_target <= 1:
        issues.append(_issue("bad-value", "scenario_target", problem.scenario_target, "in [0, 1]"))
    if problem.full_cover_m is not None:
        wanted = "None where demand comes in scenarios"
        issues.append(_issue("fields-clash", "full_cover_m", "given", wanted))
    return issues


def _scenario_loads(problem: SitingProblem, units: IntArray) -> list[Issue]:
    """With capacities customers stand once for each scenario, as sites fill anew in each."""
    scenario = problem.customer_scenario
    if scenario is None and problem.phase is None:
        scenario = problem.customer_phase
    if scenario is None or problem.load_weight is not None:
        name = "customer_phase" if problem.phase is None else "customer_scenario"
        name = name if scenario is None else "load_weight"
        wanted = "as with_scenarios makes it from capacities"
        return [_issue("fields-clash", name, getattr(problem, name), wanted)]
    own = np.zeros_like(units)
    if int(scenario.max(initial=0)) < len(units):
        own[scenario, np.arange(len(scenario))] = problem.demand_units
    if not (own == units).all():
        wanted = "in each scenario the demand of its own customers"
        return [_issue("conflict", "scenario_units", "other numbers", wanted)]
    if int(units.sum(axis=1).max(initial=0)) >= 2**31:
        wanted = "less than 2**31 in each scenario, with capacities"
        return [_issue("too-large", "scenario_units", int(units.sum(axis=1).max()), wanted)]
    return []


def _phases(problem: SitingProblem) -> list[Issue]:
    limits = [problem.phase_max_sites, problem.phase_budget_cents]
    lengths = {len(each) for each in limits if each is not None}
    if problem.phase is None:
        wanted = "the phase of each site, as limits of phases are set"
        return [_issue("missing-field", "phase", None, wanted)] if lengths else []
    if not lengths:
        wanted = "limits by phase, or phase_budget_cents"
        return [_issue("missing-field", "phase_max_sites", None, wanted)]
    last = max(lengths) - 1
    return [
        _issue("bad-value", f"{name}[{at}]", int(given[at]), f"a phase, 0 to {last}")
        for name, given in (("phase", problem.phase), ("customer_phase", problem.customer_phase))
        if given is not None
        for at in np.flatnonzero(given > last)[:20]
    ]


def _loads(problem: SitingProblem) -> list[Issue]:
    phases, weight = problem.customer_phase, problem.load_weight
    scenario = problem.customer_scenario
    if scenario is not None and (problem.phase is None or phases is None):
        missing = "phase" if problem.phase is None else "customer_phase"
        return [_issue("missing-field", missing, None, "given, as customer_scenario is")]
    if weight is None:
        return []
    if phases is None or problem.capacity_units is None:
        missing = "customer_phase" if phases is None else "capacity_units"
        return [_issue("missing-field", missing, None, "given, as load_weight is")]
    count = int(phases.max(initial=0)) + 1
    if scenario is not None:
        count *= int(scenario.max(initial=0)) + 1
    # Scenarios of a phase stand together, so that phases need as many weights each.
    fits = len(weight) >= count if scenario is None else len(weight) == count
    if (weight < 1).any() or not fits:
        wanted = f"a number >= 1 for each of {count} phases"
        return [_issue("bad-value", "load_weight", weight.tolist(), wanted)]
    if int(problem.capacity_units.max(initial=0)) * int(weight.sum()) >= 2**53:
        return [_issue("too-large", "load_weight", weight.tolist(), "capacities below 2**53")]
    return []


def _issue(code: str, where: str, found: object, wanted: str, hint: str = "") -> Issue:
    return Issue(code=code, where=where, found=repr(found)[:80], wanted=wanted, hint=hint)
