"""From a siting problem to a mixed-integer model, and from its values back to a solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.siting import loads
from dispatchopt.siting.assign import (
    cheapest_assignment,
    fullest_assignment,
    open_mask,
    unserved_price,
)
from dispatchopt.siting.engines._backup import BackupModel
from dispatchopt.siting.engines._model import LinearModel
from dispatchopt.siting.engines._pairs import Pairs, merge
from dispatchopt.siting.engines._sets import Sets, build, minimal
from dispatchopt.siting.problem import ScenarioRule, SitingGoal, SitingProblem, SitingSolution

_Decode = Callable[[FloatArray], SitingSolution]
_Encode = Callable[[SitingSolution], FloatArray | None]


@dataclass(frozen=True, kw_only=True)
class Formulation:
    """A model with the way back.

    Parameters
    ----------
    model
        The arrays.
    decode
        Turns values of the columns into a solution.
    encode
        Turns a solution into values of the columns, for a start; None where it cannot.
    """

    model: LinearModel
    decode: _Decode
    encode: _Encode


def formulate(problem: SitingProblem, should_stop: Callable[[], bool]) -> Formulation | None:
    """Return a model of any problem but p-center; None when the time is out."""
    model = LinearModel()
    sites = _site_columns(problem, model)
    if should_stop():
        return None
    if problem.capacity_units is not None:
        return _with_capacities(problem, model, sites)
    if problem.cover_by > 1 and problem.by_distance and not problem.must_serve_all:
        backup = BackupModel(problem, model, sites)
        return Formulation(model=model, decode=backup.decode, encode=backup.encode)
    pairs = merge(problem)
    if should_stop():
        return None
    if pairs.is_unreachable:
        model.rows(1, lower=1.0)
    if problem.scenario_rule is not None:
        return _with_scenarios(problem, pairs, model, sites)
    if problem.cover_by > 1:
        return _with_backup(problem, pairs, model, sites)
    if problem.goal is SitingGoal.COVER_ALL and problem.must_serve_all:
        row, site, _ = minimal(pairs)
        count = int(row.max(initial=-1)) + 1
        model.rows(count, (row, sites[site], 1.0), lower=1.0)
        return _without_sets(problem, model)
    sets = build(pairs)
    return None if should_stop() else _with_sets(problem, sets, model, sites)


def _site_columns(problem: SitingProblem, model: LinearModel) -> IntArray:
    """Add y, whether a site is open, with all rules that concern sites alone."""
    opening = problem.opening_cents
    cost = np.zeros(problem.num_sites)
    if problem.goal is SitingGoal.FIXED_CHARGE or problem.minimise_cost:
        cost = opening.astype(np.float64)
    elif problem.goal is SitingGoal.COVER_ALL:
        cost = np.ones(problem.num_sites)
    sites = model.columns(
        cost, lower=problem.is_fixed_open, upper=problem.is_allowed, is_whole=True
    )
    one = np.zeros(len(sites), dtype=np.int64)
    if problem.max_sites is not None:
        model.rows(1, (one, sites, 1.0), upper=problem.max_sites)
    if problem.budget_cents is not None:
        model.rows(1, (one, sites, opening), upper=problem.budget_cents)
    if problem.phase is not None:
        for limits, amount in (
            (problem.phase_max_sites, np.ones(len(sites))),
            (problem.phase_budget_cents, opening),
        ):
            if limits is not None:
                row, site = np.nonzero(np.arange(len(limits))[:, None] >= problem.phase[None, :])
                model.rows(len(limits), (row, sites[site], amount[site]), upper=limits)
    conflicts = problem.conflicts()
    row = np.arange(len(conflicts))
    model.rows(
        len(row), (row, sites[conflicts[:, 0]], 1.0), (row, sites[conflicts[:, 1]], 1.0), upper=1.0
    )
    return sites


def _opened(problem: SitingProblem, values: FloatArray) -> IntArray:
    opened: IntArray = np.flatnonzero(values[: problem.num_sites] > 0.5)
    return opened


def _without_sets(problem: SitingProblem, model: LinearModel) -> Formulation:
    return Formulation(
        model=model,
        decode=lambda values: cheapest_assignment(problem, _opened(problem, values)),
        encode=lambda solution: open_mask(problem, solution.open_sites).astype(np.float64),
    )


def _with_sets(
    problem: SitingProblem, sets: Sets, model: LinearModel, sites: IntArray
) -> Formulation:
    """Add u, whether no site of a set is open: u_s + sum of added y >= u_parent."""
    is_partial = problem.goal is SitingGoal.COVER_ALL
    must = np.isinf(sets.weight) & (not is_partial)
    cost = np.where(np.isinf(sets.weight), 0.0, sets.weight)
    # They are whole on their own; saying so keeps presolve sound (see _solver._options).
    uncovered = model.columns(cost, upper=np.where(must, 0.0, 1.0), is_whole=True)
    model.offset = 0.0 if is_partial else sets.constant
    index = np.arange(sets.num_sets)
    child = np.flatnonzero(sets.parent >= 0)
    model.rows(
        sets.num_sets,
        (index, uncovered, 1.0),
        (sets.set_idx, sites[sets.site], 1.0),
        (child, uncovered[sets.parent[child]], -1.0),
        lower=np.where(sets.parent >= 0, 0.0, 1.0),
    )
    if is_partial:
        _limit_unserved(problem, model, uncovered, sets.units)

    def encode(solution: SitingSolution) -> FloatArray:
        is_open = open_mask(problem, solution.open_sites)
        return np.concatenate([is_open, sets.is_uncovered(is_open)]).astype(np.float64)

    return Formulation(model=model, decode=_without_sets(problem, model).decode, encode=encode)


def _limit_unserved(
    problem: SitingProblem, model: LinearModel, uncovered: IntArray, units: IntArray
) -> None:
    """Cover-all in part: unserved demand that could be served is limited."""
    may_miss = int(units.sum()) - problem.required_units
    model.rows(1, (np.zeros(len(uncovered), dtype=np.int64), uncovered, units), upper=may_miss)


def _with_backup(
    problem: SitingProblem, pairs: Pairs, model: LinearModel, sites: IntArray
) -> Formulation:
    """Coverage by k sites: k u_r + sum of y >= k, with u_r whole (Daskin and Stern 1981)."""
    by_distance = problem.by_distance
    full_by = problem.cover_by
    index = np.arange(pairs.num_rows)
    if by_distance:
        model.rows(pairs.num_rows, (pairs.row, sites[pairs.site], 1.0), lower=full_by)
        return _with_sets(problem, build(pairs), model, sites)
    is_partial = problem.goal is SitingGoal.COVER_ALL
    cost = np.zeros(pairs.num_rows) if is_partial else pairs.units
    upper = 0.0 if problem.must_serve_all else 1.0
    uncovered = model.columns(cost, upper=upper, is_whole=True)
    model.offset = 0.0 if is_partial else pairs.constant
    model.rows(
        pairs.num_rows,
        (index, uncovered, full_by),
        (pairs.row, sites[pairs.site], 1.0),
        lower=full_by,
    )
    if is_partial:
        _limit_unserved(problem, model, uncovered, pairs.units)

    def encode(solution: SitingSolution) -> FloatArray:
        is_open = open_mask(problem, solution.open_sites)
        reached = np.bincount(pairs.row, weights=is_open[pairs.site], minlength=pairs.num_rows)
        return np.concatenate([is_open, reached < full_by]).astype(np.float64)

    return Formulation(model=model, decode=_without_sets(problem, model).decode, encode=encode)


def _with_scenarios(
    problem: SitingProblem, pairs: Pairs, model: LinearModel, sites: IntArray
) -> Formulation:
    """Coverage of rows as with backup; then the worst scenario, or those that miss a target.

    worst: min z, z >= sum of w_sr u_r + w_s0 for each scenario s, w_s0 being out of reach.
    share: min sum of g_s v_s, sum of w_sr u_r + w_s0 <= b_s + (w_s - b_s) v_s, where b_s may be
    missed.
    """
    units, weight = problem.scenario_units, problem.scenario_weight
    if units is None or weight is None:
        raise AssertionError("checked when the problem was made")
    count, rows = len(weight), pairs.num_rows
    number = np.arange(count)
    by_row = np.stack(
        [np.bincount(pairs.row_of + 1, weights=each, minlength=rows + 1) for each in units]
    ).astype(np.int64)
    total = by_row.sum(axis=1)
    uncovered = model.columns(np.zeros(rows), upper=1.0, is_whole=True)
    model.rows(
        rows,
        (np.arange(rows), uncovered, problem.cover_by),
        (pairs.row, sites[pairs.site], 1.0),
        lower=problem.cover_by,
    )
    scenario, row = np.nonzero(by_row[:, 1:])
    missed = (scenario, uncovered[row], -by_row[scenario, row + 1])
    lost = by_row[:, 0]
    is_worst = problem.scenario_rule is ScenarioRule.WORST
    if is_worst:
        last = model.columns(np.ones(1), upper=float(total.max(initial=0)), is_whole=True)
        model.rows(count, (number, last[np.zeros(count, dtype=np.int64)], 1.0), missed, lower=lost)
    else:
        may_miss = problem.scenario_may_miss
        last = model.columns(weight.astype(np.float64), upper=1.0, is_whole=True)
        slack = (number, last, total - may_miss)
        model.rows(count, slack, missed, lower=lost - may_miss)

    def encode(solution: SitingSolution) -> FloatArray:
        is_open = open_mask(problem, solution.open_sites)
        reached = np.bincount(pairs.row, weights=is_open[pairs.site], minlength=rows)
        is_missed = reached < problem.cover_by
        left = lost + by_row[:, 1:] @ is_missed
        end = [left.max(initial=0)] if is_worst else left > problem.scenario_may_miss
        return np.concatenate([is_open, is_missed, end]).astype(np.float64)

    return Formulation(model=model, decode=_without_sets(problem, model).decode, encode=encode)


def _can_serve(problem: SitingProblem, capacity: IntArray) -> BoolArray:
    """Return the pairs over which anything can be served, (num_pairs,)."""
    site, customer = problem.coverage.site_idx, problem.coverage.customer_idx
    demand = problem.demand_units[customer]
    room = capacity[site] * loads.load_weights(problem)[loads.load_phase(problem)[customer]]
    fits = room >= (demand if problem.single_source else np.minimum(demand, 1))
    return np.asarray(problem.is_allowed[site] & (demand > 0) & fits)


def _with_capacities(problem: SitingProblem, model: LinearModel, sites: IntArray) -> Formulation:
    """Add x, the share of a customer's demand that a site serves: x <= y, and the loads."""
    capacity, most = problem.capacity_units, loads.most_served(problem)
    if capacity is None or most is None:
        raise AssertionError("the caller knows that there are capacities")
    demand, weight = problem.demand_units, loads.load_weights(problem)
    site, customer = problem.coverage.site_idx, problem.coverage.customer_idx
    used = _can_serve(problem, capacity)
    price = unserved_price(problem)
    cost = problem.pair_costs()
    if price is not None:
        # What stays unserved is charged up front; serving earns it back.
        cost = cost - price[customer]
        model.offset = float(price.sum())
        used &= cost < 0
    if problem.scenario_rule is not None:
        # What a rule makes of scenarios has columns of its own.
        cost, model.offset = np.zeros_like(cost), 0.0
    pair = np.flatnonzero(used)
    site, customer = site[pair], customer[pair]
    share = model.columns(cost[pair], is_whole=problem.single_source)
    everyone = np.flatnonzero(demand > 0)
    number = np.full(problem.num_customers, -1, dtype=np.int64)
    number[everyone] = np.arange(len(everyone))
    least = 1.0 if problem.must_serve_all else 0.0
    model.rows(len(everyone), (number[customer], share, 1.0), lower=least, upper=1.0)
    index = np.arange(len(pair))
    model.rows(len(pair), (index, share, 1.0), (index, sites[site], -1.0), upper=0.0)
    # Each site fills anew in each phase: a row for both.
    phases, load_phase = loads.num_load_phases(problem), loads.load_phase(problem)
    every = np.arange(problem.num_sites * phases)
    filled = (load_phase[customer] * problem.num_sites + site, share, demand[customer])
    room = (every, np.tile(sites, phases), -(weight[:, None] * capacity[None, :]).ravel())
    model.rows(len(every), filled, room, upper=0.0)
    zero = np.zeros(len(sites), dtype=np.int64)
    least_units = problem.required_units if problem.goal is SitingGoal.COVER_ALL else 0
    if problem.must_serve_all:
        least_units = problem.total_units
    if least_units:
        # Implied by the loads, and much tighter on the open sites alone.
        model.rows(1, (zero, sites, most), lower=least_units)
        units = (np.zeros(len(pair), dtype=np.int64), share, demand[customer])
        model.rows(1, units, lower=least_units)
    decode, encode = _share_coding(problem, pair, site, customer)
    if problem.scenario_rule is not None:
        return _with_scenario_loads(problem, model, (share, site, customer), (decode, encode))
    return Formulation(model=model, decode=decode, encode=encode)


def _with_scenario_loads(
    problem: SitingProblem,
    model: LinearModel,
    pairs: tuple[IntArray, IntArray, IntArray],
    coding: tuple[_Decode, _Encode],
) -> Formulation:
    """Add the worst scenario, or those that miss a target, where each customer is of one.

    With T_s the demand of a scenario and S_s what is served: worst min z, z + S_s >= T_s; share
    min sum of g_s v_s, S_s + (T_s - b_s) v_s >= T_s - b_s, where b_s may be missed.
    """
    units, weight = problem.scenario_units, problem.scenario_weight
    if units is None or weight is None:
        raise AssertionError("checked when the problem was made")
    share, _, customer = pairs
    total, number = units.sum(axis=1), np.arange(len(weight))
    served = (loads.scenario_of(problem)[customer], share, problem.demand_units[customer])
    is_worst = problem.scenario_rule is ScenarioRule.WORST
    if is_worst:
        last = model.columns(np.ones(1), upper=float(total.max(initial=0)), is_whole=True)
        model.rows(len(total), served, (number, last[np.zeros_like(number)], 1.0), lower=total)
    else:
        needed = total - problem.scenario_may_miss
        last = model.columns(weight.astype(np.float64), upper=1.0, is_whole=True)
        model.rows(len(total), served, (number, last, needed), lower=needed)
    inner_decode, inner_encode = coding

    def decode(values: FloatArray) -> SitingSolution:
        if problem.single_source:
            return inner_decode(values)
        # Shares at a vertex of this model need not be whole units; those of a largest flow are.
        return fullest_assignment(problem, _opened(problem, values))

    def encode(solution: SitingSolution) -> FloatArray | None:
        known = inner_encode(solution)
        if known is None:
            return None
        got = np.bincount(served[0], known[share] * served[2], minlength=len(total))
        left = np.rint(total - got)
        end = [left.max(initial=0)] if is_worst else left > problem.scenario_may_miss
        return np.concatenate([known, end]).astype(np.float64)

    return Formulation(model=model, decode=decode, encode=encode)


def _share_coding(
    problem: SitingProblem, pair: IntArray, site: IntArray, customer: IntArray
) -> tuple[_Decode, _Encode]:
    """Return decoder and encoder of shares; flows are whole at vertices of the model."""
    demand = problem.demand_units

    def decode(values: FloatArray) -> SitingSolution:
        shares = values[problem.num_sites : problem.num_sites + len(pair)]
        units = np.round(shares * demand[customer]).astype(np.int64)
        whole = units == demand[customer]
        part = (units > 0) & ~whole
        assignment = np.full(problem.num_customers, -1, dtype=np.int64)
        assignment[customer[whole]] = site[whole]
        return SitingSolution(
            open_sites=_opened(problem, values),
            assignment=assignment,
            split_customer_idx=customer[part],
            split_site_idx=site[part],
            split_units=units[part],
        )

    def encode(solution: SitingSolution) -> FloatArray | None:
        shares = (solution.assignment[customer] == site).astype(np.float64)
        key = customer * problem.num_sites + site
        order = np.argsort(key)
        split = solution.split_customer_idx * problem.num_sites + solution.split_site_idx
        at = np.minimum(np.searchsorted(key[order], split), len(pair) - 1)
        if len(split) and (not len(pair) or (key[order][at] != split).any()):
            return None
        shares[order[at]] = solution.split_units / demand[solution.split_customer_idx]
        is_open = open_mask(problem, solution.open_sites).astype(np.float64)
        return np.concatenate([is_open, shares])

    return decode, encode
