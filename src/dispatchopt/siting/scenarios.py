"""Demand that differs by time of day, or from one possible day to another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import loads
from dispatchopt.siting.phases import copied_names
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
        With capacities customer i in scenario s is customer s n + i of the problem returned, as
        sites fill anew in each scenario and customers may go elsewhere in each. Costs of pairs
        are those of all of a customer's weighted demand, and are shared out by it.
    target
        Share of a scenario's demand that must be covered under ``share``, in [0, 1].

    Raises
    ------
    InputError
        If shapes or values do not fit.
    """
    units = np.asarray(scenario_units)
    weights = np.ones(len(units), dtype=np.int64) if weight is None else np.asarray(weight)
    _refuse(problem, units, weights)
    units, weights = units.astype(np.int64), weights.astype(np.int64)
    if problem.capacity_units is not None:
        if rule == "expected":
            return _laid_out(problem, units, weights)
        # What counts is each scenario by itself: loads need no weights.
        once = _laid_out(problem, units, np.ones(len(units), dtype=np.int64))
        own = np.zeros((len(units), once.num_customers), dtype=np.int64)
        own[loads.load_phase(once), np.arange(once.num_customers)] = once.demand_units
        return once.replace(
            load_weight=None,
            scenario_units=own,
            scenario_weight=weights,
            scenario_rule=rule,
            scenario_target=target,
        )
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


def _laid_out(problem: SitingProblem, units: IntArray, weights: IntArray) -> SitingProblem:
    """Return a problem whose customers stand once for each scenario, with room in each."""
    ground, count, n = problem.coverage, len(units), problem.num_customers
    scenario = np.repeat(np.arange(count), ground.num_pairs)
    site = np.tile(ground.site_idx, count)
    customer = np.tile(ground.customer_idx, count) + scenario * n
    weighted = weights[:, None] * units
    pair_cost = problem.pair_cost_cents
    if pair_cost is not None:
        share = (weighted / np.maximum(weighted.sum(axis=0), 1)).ravel()
        pair_cost = (np.tile(pair_cost, count) * share[customer])[np.lexsort((customer, site))]
    return problem.replace(
        coverage=Coverage.from_pairs(
            site_idx=site,
            customer_idx=customer,
            distance_m=np.tile(ground.distance_m, count),
            num_sites=problem.num_sites,
            num_customers=count * n,
            cutoff_m=ground.cutoff_m,
        ),
        demand_units=weighted.ravel(),
        pair_cost_cents=pair_cost,
        customer_phase=np.repeat(np.arange(count), n),
        load_weight=weights,
        customer_ids=copied_names(problem.customer_ids, count),
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
    if problem.customer_phase is not None:
        issues.append(_issue("fields-clash", "customer_phase", "given", "None in scenarios"))
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
