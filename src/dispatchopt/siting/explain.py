"""What stands behind a siting: who is not served and why, what sites are good for, what else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.explain import Aim, Finding, Row
from dispatchopt.core.stop import StopClock
from dispatchopt.geography.distance import earth_xyz, straight_m
from dispatchopt.geography.points import Points
from dispatchopt.siting.assign import open_mask
from dispatchopt.siting.obstacles import obstacles
from dispatchopt.siting.phases import copied
from dispatchopt.siting.problem import SiteStatus, SitingGoal, SitingProblem, SitingSolution
from dispatchopt.siting.reasons import Reason, Unserved, gains, missing_units, unserved
from dispatchopt.siting.worth import Contributions, contributions, losses

__all__ = [
    "Contributions",
    "Reason",
    "Unserved",
    "contributions",
    "explain",
    "explain_further",
    "unserved",
]

#: What the objective of each goal counts.
UNITS = {
    SitingGoal.COVER_ALL: "sites",
    SitingGoal.MAX_COVERAGE: "units of demand not served",
    SitingGoal.P_MEDIAN: "unit metres",
    SitingGoal.P_CENTER: "metres",
    SitingGoal.FIXED_CHARGE: "cents",
}
#: Shares of the time left for losses, alternatives and shadow prices.
_SHARES = (0.3, 0.4, 1.0)


def explain(problem: SitingProblem, solution: SitingSolution) -> tuple[Finding, ...]:
    """Return who is not served and why, what each open site is good for, what closed ones lack."""
    findings = [
        _unserved(problem, solution),
        _sites(problem, solution),
        _closed(problem, solution),
    ]
    if problem.full_cover_m is not None:
        findings.append(_faded(problem, solution))
    if problem.scenario_units is not None:
        findings.append(_scenarios(problem, solution))
    if problem.phase is not None:
        findings.append(_phases(problem, solution))
    return tuple(findings)


def explain_further(
    problem: SitingProblem, solution: SitingSolution, aim: Aim
) -> Iterator[Finding]:
    """Yield what is lost without each site, near-ties, and what limits cost: all solved anew.

    Where places are known, also the nearest site of customers that none reaches, by ruler.
    """
    clock = aim.stop.start()
    far = _out_of_reach(problem, solution, aim.places)
    if far is not None:
        yield far
    yield _losses(problem, solution, clock, aim.seed)
    yield from _alternatives(problem, solution, clock, aim.seed)
    yield _prices(problem, solution, clock, aim.seed)


def _site_ids(problem: SitingProblem) -> tuple[str, ...]:
    return problem.site_ids or tuple(str(row) for row in range(problem.num_sites))


def _customer_ids(problem: SitingProblem) -> tuple[str, ...]:
    return problem.customer_ids or tuple(str(row) for row in range(problem.num_customers))


def _objective_unit(problem: SitingProblem) -> str:
    if problem.goal is SitingGoal.COVER_ALL and problem.minimise_cost:
        return "cents"
    if problem.scenario_rule is not None:
        return f"what the rule {problem.scenario_rule} counts over scenarios"
    return UNITS[problem.goal]


def _unserved(problem: SitingProblem, solution: SitingSolution) -> Finding:
    sites, customers = _site_ids(problem), _customer_ids(problem)
    rows: list[Row] = [
        {
            "customer": customers[each.customer],
            "units": each.units,
            "reason": str(each.reason),
            "remedy": each.remedy,
            "nearest_site": sites[each.nearest_site] if each.nearest_site >= 0 else None,
            "nearest_m": each.nearest_m if each.nearest_site >= 0 else None,
            "sites_in_reach": each.sites_in_reach,
            "best_site": sites[each.best_site] if each.best_site >= 0 else None,
            "best_adds_units": each.best_units if each.best_site >= 0 else None,
            "what_forbids_it": each.obstacle if each.best_site >= 0 else None,
        }
        for each in unserved(problem, solution)
    ]
    about = (
        "customers not served in full, the largest demand first; best_site is the closed site "
        "within reach that would serve most of all that is unserved"
    )
    return Finding(name="unserved", about=about, rows=tuple(rows))


def _sites(problem: SitingProblem, solution: SitingSolution) -> Finding:
    sites = _site_ids(problem)
    worth = contributions(problem, solution)
    order = np.lexsort((-worth.served_units, -worth.sole_units))
    cost, capacity = problem.opening_cents, problem.capacity_units
    rows: list[Row] = []
    for row in order.tolist():
        site = int(worth.site[row])
        entry: dict[str, Any] = {
            "site": sites[site],
            "served_units": int(worth.served_units[row]),
            "reached_units": int(worth.reached_units[row]),
            "sole_units": int(worth.sole_units[row]),
            "overlap_units": int(worth.overlap_units[row]),
        }
        if problem.site_cost_cents is not None:
            entry["opening_cents"] = int(cost[site])
        if capacity is not None:
            entry["capacity_units"] = int(capacity[site])
        rows.append(entry)
    about = "open sites; sole_units are lost if the site closes, overlap_units are not"
    if problem.cover_by > 1:
        about += f" (a customer is covered by {problem.cover_by} open sites or more)"
    if problem.customer_phase is not None:
        about += "; capacity_units hold in each phase"
    return Finding(name="sites", about=about, rows=tuple(rows))


def _closed(problem: SitingProblem, solution: SitingSolution) -> Finding:
    """Return the closed sites, those first that would serve most of what is unserved."""
    sites = _site_ids(problem)
    is_open = open_mask(problem, solution.open_sites)
    gain = gains(problem, is_open, missing_units(problem, solution))
    why = obstacles(problem, is_open)
    closed = np.flatnonzero(~is_open)
    rows: list[Row] = [
        {
            "site": sites[site],
            "adds_units": int(gain[site]),
            "status": SiteStatus(int(problem.statuses[site])).name.lower(),
            "opening_cents": int(problem.opening_cents[site]),
            "what_forbids_it": why[site],
        }
        for site in closed[np.argsort(-gain[closed], kind="stable")].tolist()
    ]
    about = (
        "closed sites; adds_units is unserved demand that the site would serve if it opened as "
        "well, and what_forbids_it the rule that keeps it closed (none: it does not pay)"
    )
    return Finding(name="closed_sites", about=about, rows=tuple(rows))


def _faded(problem: SitingProblem, solution: SitingSolution) -> Finding:
    """Return the customers of whom part counts as covered, the largest loss first."""
    sites, customers = _site_ids(problem), _customer_ids(problem)
    full, zero = problem.fade_m
    away = _distances(problem, solution)
    share = (np.clip(away, full, zero) - full) / (zero - full)
    lost = np.where(away >= 0, problem.demand_units * share, 0.0)
    rows: list[Row] = [
        {
            "customer": customers[row],
            "units": int(problem.demand_units[row]),
            "site": sites[solution.assignment[row]],
            "distance_m": int(away[row]),
            "covered_share": round(float(1 - share[row]), 6),
            "lost_units": round(float(lost[row]), 6),
        }
        for row in np.argsort(-lost, kind="stable")[: int((lost > 0).sum())].tolist()
    ]
    about = (
        f"customers covered in part: in full up to {full:,} m, not at all from {zero:,} m; "
        "lost_units is demand that does not count"
    )
    return Finding(name="faded", about=about, rows=tuple(rows))


def _distances(problem: SitingProblem, solution: SitingSolution) -> IntArray:
    """Return how far each customer's site is, -1 without one."""
    coverage = problem.coverage
    used = solution.assignment[coverage.customer_idx] == coverage.site_idx
    away = np.full(problem.num_customers, -1, dtype=np.int64)
    away[coverage.customer_idx[used]] = coverage.distance_m[used]
    return away


def _scenarios(problem: SitingProblem, solution: SitingSolution) -> Finding:
    """Return what each scenario loses, the worst first."""
    units, weight = problem.scenario_units, problem.scenario_weight
    if units is None or weight is None:
        raise AssertionError("asked for where there are scenarios")
    missing, total = missing_units(problem, solution), units.sum(axis=1)
    unserved_units = units[:, missing > 0].sum(axis=1)
    if problem.capacity_units is not None:
        unserved_units = ((units > 0) * missing).sum(axis=1)
    may_miss = problem.scenario_may_miss
    rows: list[Row] = [
        {
            "scenario": row,
            "weight": int(weight[row]),
            "units": int(total[row]),
            "unserved_units": int(unserved_units[row]),
            "covered_share": round(float(1 - unserved_units[row] / max(total[row], 1)), 6),
            "target_is_met": bool(unserved_units[row] <= may_miss[row]),
            "spare_units": int(may_miss[row] - unserved_units[row]),
        }
        for row in np.argsort(-unserved_units, kind="stable").tolist()
    ]
    about = (
        f"scenarios under the rule {problem.scenario_rule}, the most unserved demand first; "
        f"spare_units is what more may be missed for {problem.scenario_target:.4g} of the demand "
        "to be covered"
    )
    return Finding(name="scenarios", about=about, rows=tuple(rows))


def _phases(problem: SitingProblem, solution: SitingSolution) -> Finding:
    """Return what opens in each phase, and what is left of its limits."""
    if problem.phase is None:
        raise AssertionError("asked for where there are phases")
    sites, phase = _site_ids(problem), problem.phase
    opened, cost = solution.open_sites, problem.opening_cents
    most_sites, most_cents = problem.phase_max_sites, problem.phase_budget_cents
    count = max(len(each) for each in (most_sites, most_cents) if each is not None)
    rows: list[Row] = []
    for at in range(count):
        upto = opened[phase[opened] <= at]
        spent = int(cost[upto].sum())
        rows.append(
            {
                "phase": at,
                "opens": ", ".join(sites[site] for site in opened[phase[opened] == at]),
                "open_sites": len(upto),
                "sites_left": None if most_sites is None else int(most_sites[at]) - len(upto),
                "spent_cents": spent,
                "cents_left": None if most_cents is None else int(most_cents[at]) - spent,
            }
        )
    about = "what opens in each phase, and what its limits leave; limits count up to its end"
    return Finding(name="phases", about=about, rows=tuple(rows))


def _out_of_reach(problem: SitingProblem, solution: SitingSolution, places: Any) -> Finding | None:
    """Return the nearest site of customers that none reaches, as the crow flies."""
    where, customers = places.get("sites"), places.get("customers")
    if not isinstance(where, Points) or not isinstance(customers, Points):
        return None
    where = copied(where, problem.num_sites)
    customers = copied(customers, problem.num_customers)
    if len(where) != problem.num_sites or len(customers) != problem.num_customers:
        return None
    far = [
        each.customer
        for each in unserved(problem, solution)
        if each.reason is Reason.NO_SITE_IN_REACH
    ]
    allowed = np.flatnonzero(problem.is_allowed)
    if not far or not len(allowed):
        return None
    from scipy.spatial import KDTree

    rows = np.array(far)
    _, nearest = KDTree(earth_xyz(where[allowed])).query(earth_xyz(customers[rows]))
    nearest = allowed[nearest]
    away = straight_m(customers[rows], where[nearest])
    sites, names = _site_ids(problem), _customer_ids(problem)
    reach = problem.coverage.cutoff_m
    made: list[Row] = [
        {
            "customer": names[row],
            "units": int(problem.demand_units[row]),
            "nearest_site": sites[site],
            "straight_m": round(float(metres)),
            "remedy": _reach_remedy(sites[site], round(float(metres)), reach),
        }
        for row, site, metres in zip(far, nearest.tolist(), away.tolist(), strict=True)
    ]
    about = (
        "customers that no site reaches, the largest demand first, and the nearest by ruler; "
        "reach counts the way, which may be longer, or missing"
    )
    return Finding(name="out_of_reach", about=about, rows=tuple(made))


def _reach_remedy(site: str, straight: int, reach: int) -> str:
    """Return what would bring a customer into reach; metres, the first ones by ruler."""
    if straight > reach:
        return f"a site within {reach:,} m ({site}: {straight:,} m by ruler)"
    return f"a site within {reach:,} m by way ({site}: {straight:,} by ruler, too far by way)"


def _losses(
    problem: SitingProblem, solution: SitingSolution, clock: StopClock, seed: int
) -> Finding:
    sites = _site_ids(problem)
    found = losses(problem, solution, clock.share(_SHARES[0]).start(), seed=seed)
    order = sorted(found, key=lambda each: -(np.inf if each.amount is None else each.amount))
    rows: list[Row] = [
        {
            "site": sites[each.site],
            "lost_if_dropped": None if each.amount is None else round(each.amount, 6),
            "rule_then_broken": each.breaks,
        }
        for each in order
    ]
    about = (
        "open sites, if each alone closed and the others took over what they can; "
        f"lost_if_dropped is the rise of the objective ({_objective_unit(problem)})"
    )
    if problem.capacity_units is not None:
        about += ", at most: by the assignment found in the time given"
    if len(found) < len(solution.open_sites):
        about += f"; {len(solution.open_sites) - len(found)} more for want of time"
    return Finding(name="losses", about=about, rows=tuple(rows))


def _alternatives(
    problem: SitingProblem, solution: SitingSolution, clock: StopClock, seed: int
) -> list[Finding]:
    from dispatchopt.siting.alternatives import alternatives

    found = alternatives(problem, solution, stop=clock.share(_SHARES[1]), seed=seed)
    sites, given = _site_ids(problem), set(solution.open_sites.tolist())
    now = float(found.objectives[0])
    choices: list[Row] = [
        {
            "objective": round(float(value), 6),
            "worse_by": round(float(value) - now, 6),
            "opens": ", ".join(sites[site] for site in sorted(set(choice.tolist()) - given)),
            "closes": ", ".join(sites[site] for site in sorted(given - set(choice.tolist()))),
        }
        for value, choice in zip(found.objectives, found.choices, strict=True)
    ]
    share = found.share_of_site
    shares: list[Row] = [
        {
            "site": sites[site],
            "is_open": site in given,
            "share_of_choices": round(float(share[site]), 6),
        }
        for site in np.lexsort((np.arange(len(share)), -share)).tolist()
        if share[site] > 0 or site in given
    ]
    about = "choices of sites within 1 % of this one, which comes first; what they change"
    about += "; time ran out, there may be more" if found.is_cut else ""
    return [
        Finding(name="alternatives", about=about, rows=tuple(choices)),
        Finding(
            name="site_shares",
            about="share of these choices in which each site is open; near 1: hard to do without",
            rows=tuple(shares),
        ),
    ]


def _prices(
    problem: SitingProblem, solution: SitingSolution, clock: StopClock, seed: int
) -> Finding:
    from dispatchopt.siting.alternatives import shadow_prices

    found = shadow_prices(problem, solution, stop=clock.share(_SHARES[2]), seed=seed)
    rows: list[Row] = [
        {
            "limit": each.limit,
            "value": each.value,
            "step": each.step,
            "gained": round(each.gained, 6),
            "gained_at_most": round(each.gained_at_most, 6),
            "lost": None if each.lost is None else round(each.lost, 6),
            "lost_at_least": None if each.lost_at_least is None else round(each.lost_at_least, 6),
            "out_of_time": ", ".join(each.out_of_time),
        }
        for each in found
    ]
    about = (
        "limits moved by a step each way and solved anew; gained is the fall of the objective "
        f"({_objective_unit(problem)}) with the wider limit, lost the rise with the narrower one, "
        "gained_at_most and lost_at_least what is proven"
    )
    if any(each.out_of_time for each in found):
        about += "; time ran out (out_of_time): the truth lies between what is found and proven"
    return Finding(name="limits", about=about, rows=tuple(rows))
