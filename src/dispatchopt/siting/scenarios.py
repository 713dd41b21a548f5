"""Demand that differs by time of day, or from one possible day to another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatchopt.core.errors import InputError, Issue
from dispatchopt.siting.problem import ScenarioRule, SitingProblem


def with_scenarios(
    problem: SitingProblem,
    scenario_units: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    *,
    rule: ScenarioRule | str = "expected",
    target: float = 1.0,
) -> SitingProblem:
    """Return a problem whose demand comes in several scenarios, or at several times of day.

    Parameters
    ----------
    problem
        Sites, reach and rules; its demand is replaced.
    scenario_units
        Demand in each scenario, whole units, shape (s, n).
    weight
        Weight of each scenario, whole, >= 1, shape (s,): days on which it occurs, say; 1 by
        default. Times of day that all count are scenarios of weight 1.
    rule
        ``expected``: the weighted sum over scenarios is what counts, under any goal and engine;
        ``worst``: the most demand unserved in any scenario; ``share``: the weight of scenarios in
        which less than ``target`` of the demand is covered. The last two are of max-coverage.
    target
        Share of a scenario's demand that must be covered under ``share``, in [0, 1].

    Raises
    ------
    InputError
        If shapes or values do not fit. Capacities clash with scenarios: demand of several
        scenarios does not fill a site at the same time.
    """
    units = np.asarray(scenario_units)
    weights = np.ones(len(units), dtype=np.int64) if weight is None else np.asarray(weight)
    _refuse(problem, units, weights)
    units, weights = units.astype(np.int64), weights.astype(np.int64)
    if rule == "expected":
        return problem.replace(
            demand_units=weights @ units,
            scenario_units=None,
            scenario_weight=None,
            scenario_rule=None,
        )
    return problem.replace(
        demand_units=weights @ units,
        scenario_units=units,
        scenario_weight=weights,
        scenario_rule=rule,
        scenario_target=target,
    )


def _refuse(problem: SitingProblem, units: npt.NDArray[np.generic], weights: object) -> None:
    issues = []
    wanted = f"whole numbers >= 0 of shape (s, {problem.num_customers}), s >= 1"
    if units.ndim != 2 or not len(units) or units.shape[1] != problem.num_customers:
        issues.append(_issue("wrong-shape", "scenario_units", units.shape, wanted))
    elif not _is_count(units):
        issues.append(_issue("bad-value", "scenario_units", units.dtype, wanted))
    given = np.asarray(weights)
    wanted = "a whole number >= 1 for each scenario"
    if given.shape != units.shape[:1] or not _is_count(given) or not (given >= 1).all():
        issues.append(_issue("bad-value", "scenario_weight", given.tolist(), wanted))
    if (
        not issues
        and sum(int(w) * int(row.max(initial=0)) for w, row in zip(given, units, strict=True))
        >= 2**53
    ):
        issues.append(_issue("too-large", "scenario_units", "weighted sums", "below 2**53"))
    if problem.capacity_units is not None:
        wanted = "None where demand comes in scenarios"
        issues.append(_issue("fields-clash", "capacity_units", "given", wanted))
    if issues:
        raise InputError(issues)


def _is_count(array: npt.NDArray[np.generic]) -> bool:
    is_number = np.issubdtype(array.dtype, np.number) and not np.iscomplexobj(array)
    if not is_number:
        return False
    numbers = array.astype(np.float64)
    return bool(((numbers >= 0) & (numbers < 2**53) & (numbers == np.floor(numbers))).all())


def _issue(code: str, where: str, found: object, wanted: str) -> Issue:
    return Issue(code=code, where=where, found=repr(found)[:80], wanted=wanted)
