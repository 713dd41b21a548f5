"""Starts with capacities: open enough room, then assign with regret, then improve by closing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.core.run import Run
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting.assign import open_mask, unserved_price
from dispatchopt.siting.check import check
from dispatchopt.siting.problem import SitingGoal, SitingProblem, SitingSolution


def restricted(coverage: Coverage, keep: BoolArray) -> Coverage:
    """Return the coverage with only some of its pairs."""
    sums = np.concatenate([[0], np.cumsum(keep)])
    return Coverage(
        indptr=sums[coverage.indptr],
        customer_idx=coverage.customer_idx[keep],
        distance_m=coverage.distance_m[keep],
        num_customers=coverage.num_customers,
        cutoff_m=coverage.cutoff_m,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ground:
    """Pairs by customer, best first."""

    start: IntArray
    site: IntArray
    cost: FloatArray
    order: IntArray
    capacity: IntArray


def search(problem: SitingProblem, run: Run[SitingSolution]) -> None:
    """Offer a first solution and improve it by swapping sites, one assignment per step."""
    _offer(
        problem,
        run,
        SitingSolution(
            open_sites=np.flatnonzero(problem.is_fixed_open),
            assignment=np.full(problem.num_customers, -1),
        ),
    )
    ground = _ground(problem)
    if run.should_stop():
        return
    if run.start is not None:
        current = open_mask(problem, run.start.open_sites)
    else:
        current = _enough_room(problem, run)
    best = _try(problem, run, ground, current)
    failures, patience = 0, 4 * problem.num_sites + 20
    while failures < patience and run.step():
        moved = _neighbour(problem, run.rng, current)
        if moved is None:
            return
        value = _try(problem, run, ground, moved)
        if value <= best:
            failures = failures + 1 if value == best else 0
            current, best = moved, value
        else:
            failures += 1


def _offer(problem: SitingProblem, run: Run[SitingSolution], solution: SitingSolution) -> None:
    report = check(problem, solution)
    if report.is_feasible and (run.objective is None or report.objective < run.objective):
        run.offer(solution)


def _ground(problem: SitingProblem) -> _Ground:
    coverage, demand = problem.coverage, problem.demand_units
    keep = demand[coverage.customer_idx] > 0
    site, customer = coverage.site_idx[keep], coverage.customer_idx[keep]
    cost = problem.pair_costs()[keep]
    if problem.goal not in (SitingGoal.P_MEDIAN, SitingGoal.FIXED_CHARGE):
        cost = coverage.distance_m[keep].astype(np.float64)
    price = unserved_price(problem)
    if price is not None and problem.goal is not SitingGoal.MAX_COVERAGE:
        useful = cost <= price[customer]
        site, customer, cost = site[useful], customer[useful], cost[useful]
    order = np.lexsort((site, cost, customer))
    capacity = problem.capacity_units
    return _Ground(
        start=np.searchsorted(customer[order], np.arange(problem.num_customers + 1)),
        site=site[order],
        cost=cost[order],
        order=np.argsort(-demand, kind="stable"),
        capacity=np.zeros(0, dtype=np.int64) if capacity is None else capacity,
    )


def _enough_room(problem: SitingProblem, run: Run[SitingSolution]) -> BoolArray:
    """Open the sites that must be open, then by room per cost as long as the rules allow."""
    is_open = problem.is_fixed_open.copy()
    capacity = problem.capacity_units
    room = np.zeros(problem.num_sites) if capacity is None else capacity.astype(np.float64)
    noise = run.rng.random(problem.num_sites) * 1e-9
    rank = np.argsort(-(room / (problem.opening_cents + 1.0)) - noise, kind="stable")
    for site in rank:
        if problem.is_allowed[site] and not is_open[site] and _may_open(problem, is_open, site):
            is_open[site] = True
    return is_open


def _may_open(problem: SitingProblem, is_open: BoolArray, site: int) -> bool:
    if problem.max_sites is not None and is_open.sum() >= problem.max_sites:
        return False
    opening = problem.opening_cents
    spent = int(opening[is_open].sum() + opening[site])
    if problem.budget_cents is not None and spent > problem.budget_cents:
        return False
    if problem.place is not None and (problem.place[is_open] == problem.place[site]).any():
        return False
    if problem.min_spacing_m > 0 and problem.site_distance_m is not None:
        apart = np.minimum(problem.site_distance_m[site], problem.site_distance_m[:, site])
        return bool((apart[is_open] >= problem.min_spacing_m).all())
    return True


def _neighbour(
    problem: SitingProblem, rng: np.random.Generator, is_open: BoolArray
) -> BoolArray | None:
    """Close a site, open one, or swap two, at random within the rules on sites."""
    loose = np.flatnonzero(is_open & ~problem.is_fixed_open)
    closed = np.flatnonzero(problem.is_allowed & ~is_open)
    moves = [name for name, may in (("close", len(loose)), ("open", len(closed))) if may]
    if len(moves) == 2:
        moves.append("swap")
    if not moves:
        return None
    move = moves[int(rng.integers(len(moves)))]
    moved = is_open.copy()
    if move != "open":
        moved[rng.choice(loose)] = False
    if move != "close":
        site = int(rng.choice(closed))
        if _may_open(problem, moved, site):
            moved[site] = True
    return moved


def _try(
    problem: SitingProblem, run: Run[SitingSolution], ground: _Ground, is_open: BoolArray
) -> float:
    """Assign to the open sites, offer what comes of it, and return a cost that ranks it."""
    solution = _assigned(problem, ground, is_open)
    report = check(problem, solution)
    if report.is_feasible:
        if run.objective is None or report.objective < run.objective:
            run.offer(solution)
        return report.objective
    # Worse than any solution, and the worse the more demand is left.
    return 1e30 * (1.0 + sum(violation.by for violation in report.violations))


def _assigned(problem: SitingProblem, ground: _Ground, is_open: BoolArray) -> SitingSolution:
    """Serve customers, largest first, from the best open site that has room for them."""
    room = np.where(is_open, ground.capacity, 0)
    assignment = np.full(problem.num_customers, -1, dtype=np.int64)
    split: list[tuple[int, int, int]] = []
    for customer in ground.order:
        units = int(problem.demand_units[customer])
        sites = ground.site[ground.start[customer] : ground.start[customer + 1]]
        if units == 0 or not len(sites):
            continue
        fits = np.flatnonzero(room[sites] >= units)
        if len(fits):
            site = sites[fits[0]]
            assignment[customer] = site
            room[site] -= units
        elif not problem.single_source:
            for site in sites[room[sites] > 0]:
                part = min(units, int(room[site]))
                split.append((int(customer), int(site), part))
                room[site] -= part
                units -= part
                if units == 0:
                    break
    table = np.array(split, dtype=np.int64).reshape(-1, 3)
    return SitingSolution(
        open_sites=np.flatnonzero(is_open),
        assignment=assignment,
        split_customer_idx=table[:, 0],
        split_site_idx=table[:, 1],
        split_units=table[:, 2],
    )
