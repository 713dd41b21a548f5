"""Checks of a siting problem's fields: everything that is wrong, at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.arrays import frozen, set_frozen
from dispatchopt.core.errors import Issue
from dispatchopt.siting import validate_fields

if TYPE_CHECKING:
    from dispatchopt.siting.problem import SitingProblem

#: Sums of costs stay below this, so that they are exact in float64 as well.
EXACT = 2**53


def convert(problem: SitingProblem) -> list[Issue]:
    """Turn the fields into read-only arrays and list those of a wrong type or shape."""
    from dispatchopt.siting.problem import ScenarioRule, SitingGoal

    issues = []
    if problem.scenario_rule is not None:
        try:
            object.__setattr__(problem, "scenario_rule", ScenarioRule(problem.scenario_rule))
        except ValueError:
            wanted = "one of " + ", ".join(ScenarioRule)
            issues.append(_issue("unknown-rule", "scenario_rule", problem.scenario_rule, wanted))
    try:
        object.__setattr__(problem, "goal", SitingGoal(problem.goal))
    except ValueError:
        wanted = "one of " + ", ".join(SitingGoal)
        issues.append(_issue("unknown-goal", "goal", problem.goal, wanted))
    sites, customers = problem.coverage.num_sites, problem.coverage.num_customers
    shapes: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
        "demand_units": (np.int64, (customers,)),
        "site_cost_cents": (np.int64, (sites,)),
        "capacity_units": (np.int64, (sites,)),
        "status": (np.int64, (sites,)),
        "pair_cost_cents": (np.float64, (problem.coverage.num_pairs,)),
        "site_distance_m": (np.int64, (sites, sites)),
        "place": (np.int64, (sites,)),
        "phase": (np.int64, (sites,)),
        "customer_phase": (np.int64, (customers,)),
        "customer_scenario": (np.int64, (customers,)),
        **_rows_of(problem, customers),
    }
    for name, (dtype, shape) in shapes.items():
        if getattr(problem, name) is not None:
            issues += _array(problem, name, dtype, shape)
    if problem.place is not None and not issues:
        # Whatever numbers are given, equal ones become the first site that has them.
        _, first, same = np.unique(problem.place, return_index=True, return_inverse=True)
        object.__setattr__(problem, "place", frozen(first[same], np.int64))
    for name, count in (("site_ids", sites), ("customer_ids", customers)):
        given = getattr(problem, name)
        if given is not None and len(given) != count:
            issues.append(_issue("wrong-shape", name, len(given), f"{count} names"))
    return issues


def _rows_of(
    problem: SitingProblem, customers: int
) -> dict[str, tuple[type[np.generic], tuple[int, ...]]]:
    """Return the shapes of tables whose length the first of them states."""
    scenarios = 0 if problem.scenario_units is None else len(problem.scenario_units)
    limits = [
        len(given)
        for given in (problem.phase_max_sites, problem.phase_budget_cents)
        if given is not None
    ]
    phases = max(limits, default=0)
    loads = 0 if problem.load_weight is None else len(problem.load_weight)
    return {
        "scenario_units": (np.int64, (scenarios, customers)),
        "scenario_weight": (np.int64, (scenarios,)),
        "phase_max_sites": (np.int64, (phases,)),
        "phase_budget_cents": (np.int64, (phases,)),
        "load_weight": (np.int64, (loads,)),
    }


def values(problem: SitingProblem) -> list[Issue]:
    """List fields whose values do not make sense, alone or together."""
    issues = _signs(problem) + _limits(problem)
    if not issues:
        # Only values that are fit on their own can be compared with each other.
        issues = _together(problem) + _sizes(problem) + validate_fields.values(problem)
    return issues


def _array(
    problem: SitingProblem, name: str, dtype: type[np.generic], shape: tuple[int, ...]
) -> list[Issue]:
    try:
        set_frozen(problem, name, dtype)
    except (ValueError, TypeError, OverflowError) as error:
        return [_issue("not-a-number", name, error, f"an array of {np.dtype(dtype).name}")]
    found = getattr(problem, name).shape
    if found != shape:
        return [_issue("wrong-shape", name, found, f"an array of shape {shape}")]
    return []


def _signs(problem: SitingProblem) -> list[Issue]:
    issues = []
    for name in (
        "demand_units",
        "site_cost_cents",
        "capacity_units",
        "pair_cost_cents",
        "site_distance_m",
        "place",
        "scenario_units",
        "scenario_weight",
        "phase",
        "customer_phase",
        "customer_scenario",
        "load_weight",
        "phase_max_sites",
        "phase_budget_cents",
    ):
        array = getattr(problem, name)
        if array is None or array.size == 0:
            continue
        bad = np.flatnonzero(~((array >= 0) & (array < EXACT)).ravel())
        issues += [
            _issue("bad-value", f"{name}[{at}]", array.ravel()[at], "a number in [0, 2**53)")
            for at in bad[:20]
        ]
    if problem.status is not None:
        issues += [
            _issue("unknown-status", f"status[{at}]", problem.status[at], "a SiteStatus, 0 to 4")
            for at in np.flatnonzero((problem.status < 0) | (problem.status > 4))[:20]
        ]
    return issues


def _limits(problem: SitingProblem) -> list[Issue]:
    issues = []
    for name, least in (
        ("max_sites", 0),
        ("budget_cents", 0),
        ("min_spacing_m", 0),
        ("cover_by", 1),
        ("unserved_m", 0),
        ("full_cover_m", 0),
        ("zero_cover_m", 1),
    ):
        given = getattr(problem, name)
        if given is None and name not in ("min_spacing_m", "cover_by"):
            continue
        if not _is_whole(given) or not least <= given < EXACT:
            issues.append(_issue("bad-value", name, given, f"a whole number >= {least}"))
    for name in ("unserved_cents", "cents_per_unit_km"):
        given = getattr(problem, name)
        if given is not None and not (math.isfinite(given) and 0 <= given < EXACT):
            issues.append(_issue("bad-value", name, given, "a finite number >= 0"))
    if not 0 <= problem.required_share <= 1:
        issues.append(_issue("bad-value", "required_share", problem.required_share, "in [0, 1]"))
    return issues


def _together(problem: SitingProblem) -> list[Issue]:
    from dispatchopt.siting.problem import SitingGoal

    goal, issues = problem.goal, []
    needs_limit = (SitingGoal.MAX_COVERAGE, SitingGoal.P_MEDIAN, SitingGoal.P_CENTER)
    if goal in needs_limit and problem.max_sites is None and problem.budget_cents is None:
        issues.append(
            _issue(
                "missing-limit",
                "max_sites",
                None,
                f"max_sites or budget_cents for {goal}",
                "without a limit every site would be opened",
            )
        )
    fields_of = {
        "unserved_m": (SitingGoal.P_MEDIAN, None),
        "unserved_cents": (SitingGoal.FIXED_CHARGE, None),
        "pair_cost_cents": (SitingGoal.FIXED_CHARGE, None),
        "cents_per_unit_km": (SitingGoal.FIXED_CHARGE, 0.0),
        "required_share": (SitingGoal.COVER_ALL, 1.0),
        "minimise_cost": (SitingGoal.COVER_ALL, False),
        "full_cover_m": (SitingGoal.MAX_COVERAGE, None),
        "zero_cover_m": (SitingGoal.MAX_COVERAGE, None),
        "scenario_rule": (SitingGoal.MAX_COVERAGE, None),
    }
    for name, (owner, idle) in fields_of.items():
        given = getattr(problem, name)
        is_used = given is not idle if idle is None else given != idle
        if is_used and goal is not owner:
            issues.append(
                _issue("field-of-other-goal", name, given, f"{idle} for {goal}; it is of {owner}")
            )
    if problem.min_spacing_m > 0 and problem.site_distance_m is None:
        issues.append(
            _issue("missing-field", "site_distance_m", None, "distances, as min_spacing_m is set")
        )
    if problem.cover_by > 1 and problem.capacity_units is not None:
        issues.append(
            _issue(
                "fields-clash",
                "cover_by",
                problem.cover_by,
                "1 where capacities are given",
                "a backup site would need capacity kept free, which is not modelled",
            )
        )
    if problem.cover_by > 1 and goal is SitingGoal.P_CENTER:
        issues.append(
            _issue(
                "fields-clash",
                "cover_by",
                problem.cover_by,
                "1 for p-center",
                "cover-all within a chosen cut-off takes cover_by",
            )
        )
    return issues


def _sizes(problem: SitingProblem) -> list[Issue]:
    """Refuse numbers whose sums would no longer be exact."""
    total = sum(int(part) for part in _chunks(problem.demand_units))
    distances = problem.coverage.distance_m
    longest = int(distances.max()) if len(distances) else 0
    issues = []
    if len(distances) and int(distances.min()) < 0:
        issues.append(_issue("bad-value", "coverage.distance_m", distances.min(), ">= 0"))
    longest = max(longest, problem.unserved_m or 0)
    if total * max(longest, 1) >= EXACT:
        issues.append(
            _issue(
                "too-large",
                "demand_units",
                f"{total} units x {longest} m",
                "a product below 2**53",
                "state demand in larger units",
            )
        )
    if problem.site_cost_cents is not None:
        cost = sum(int(part) for part in _chunks(problem.site_cost_cents))
        if cost >= EXACT:
            issues.append(_issue("too-large", "site_cost_cents", cost, "a sum below 2**53"))
    return issues


def _chunks(array: Any) -> Any:
    """Return partial sums of values below 2**53 that cannot overflow an int64 each."""
    return (array[at : at + 1000].sum() for at in range(0, len(array), 1000))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _issue(code: str, where: str, found: object, wanted: str, hint: str = "") -> Issue:
    shown = f"{found}" if isinstance(found, Exception) else repr(found)
    if isinstance(found, np.generic):
        shown = repr(found.item())
    return Issue(code=code, where=where, found=shown[:80], wanted=wanted, hint=hint)
