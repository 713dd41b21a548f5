"""Random siting instances under any combination of rules."""

from __future__ import annotations

import numpy as np

from dispatchopt.geography import Coverage
from dispatchopt.io.instance import Instance
from dispatchopt.siting.phases import copied, phased, unphased
from dispatchopt.siting.problem import SitingGoal, SitingProblem
from dispatchopt.siting.scenarios import with_scenarios
from dispatchopt.testing.parts import Rng, maybe, names, points


def siting(rng: Rng) -> Instance:
    """Return a siting problem, with or without names, capacities and spacing."""
    m, n = int(rng.integers(1, 6)), int(rng.integers(1, 8))
    is_pair = rng.random((m, n)) < rng.random()
    site, customer = np.nonzero(is_pair)
    goal = list(SitingGoal)[int(rng.integers(0, 5))]
    is_fixed, has_spacing = goal is SitingGoal.FIXED_CHARGE, rng.random() < 0.4
    problem = SitingProblem(
        goal=goal,
        coverage=Coverage.from_pairs(
            site_idx=site,
            customer_idx=customer,
            distance_m=rng.integers(0, 3000, len(site)),
            num_sites=m,
            num_customers=n,
            cutoff_m=3000,
        ),
        demand_units=rng.integers(0, 50, n),
        site_cost_cents=maybe(rng, rng.integers(0, 10**6, m)),
        capacity_units=maybe(rng, rng.integers(0, 99, m)),
        status=maybe(rng, rng.integers(0, 4, m)),
        max_sites=int(rng.integers(0, m + 1)),
        budget_cents=maybe(rng, 123_456),
        required_share=float(rng.random()) if goal is SitingGoal.COVER_ALL else 1.0,
        single_source=bool(rng.random() < 0.5),
        unserved_m=maybe(rng, 9000) if goal is SitingGoal.P_MEDIAN else None,
        unserved_cents=maybe(rng, float(rng.random())) if is_fixed else None,
        cents_per_unit_km=float(rng.random()) if is_fixed else 0.0,
        pair_cost_cents=maybe(rng, rng.random(len(site))) if is_fixed and len(site) else None,
        min_spacing_m=500 if has_spacing else 0,
        site_distance_m=rng.integers(0, 2000, (m, m)) if has_spacing else None,
        site_ids=maybe(rng, names(rng, m, "s")),
        customer_ids=maybe(rng, names(rng, n, "c")),
    )
    problem = _with_side_rules(rng, problem)
    places = {"sites": points(rng, m), "customers": points(rng, n)} if rng.random() < 0.5 else {}
    single, problem = problem, _over_phases(rng, problem)
    if unphased(problem) is None and problem is not single:
        # Phases of scenarios are written as they are: a row for each site in each phase.
        single, count = problem, problem.num_sites // m
        places = {name: copied(each, count * len(each)) for name, each in places.items()}
    held = {
        "sites": single.site_ids or tuple(str(row) for row in range(single.num_sites)),
        "customers": single.customer_ids or tuple(str(row) for row in range(single.num_customers)),
    }
    return Instance(name="sites", kind="siting", problem=problem, names=held, places=places)


def _with_side_rules(rng: Rng, problem: SitingProblem) -> SitingProblem:
    """Return the problem with sizes, phases, scenarios or fading, or as it is."""
    m, n = problem.num_sites, problem.num_customers
    if rng.random() < 0.3:
        status = rng.choice([0, 3, 4], m)
        problem = problem.replace(place=rng.integers(0, m, m), status=status)
    if rng.random() < 0.3:
        problem = problem.replace(phase=rng.integers(0, 2, m), phase_max_sites=np.array([1, 2]))
    if problem.goal is not SitingGoal.MAX_COVERAGE or rng.random() < 0.4:
        return problem
    if rng.random() < 0.5:
        return problem.replace(full_cover_m=500, zero_cover_m=maybe(rng, 2000))
    plain = problem.replace(capacity_units=None)
    units = rng.integers(0, 9, (2, n))
    return with_scenarios(plain, units, [1, 3], rule="share", target=0.75)


def _over_phases(rng: Rng, problem: SitingProblem) -> SitingProblem:
    """Return the problem laid out over two phases, where it can be, or as it is."""
    if problem.phase is not None or rng.random() < 0.5:
        return problem
    scenarios = problem.scenario_units
    counts = (2,) if scenarios is None else (2, len(scenarios))
    units = rng.integers(0, 50, (*counts, problem.num_customers))
    first = np.where(problem.stands, 0, rng.integers(0, 2, problem.num_sites))
    limits = {"max_sites": [1, 2], "budget_cents": maybe(rng, [5, 10**6])}
    return phased(problem, units, **limits, opens_from=first)
