"""Small siting problems, and their optima by enumeration."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dispatchopt.core.arrays import BoolArray
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import SitingGoal, SitingProblem
from dispatchopt.siting.assign import cheapest_assignment
from dispatchopt.siting.check import check
from dispatchopt.siting.engines._cover_model import CoverModel
from dispatchopt.siting.problem import SitingSolution

Maker = Callable[..., SitingProblem]


def coverage_of(distance_m: Any, cutoff_m: int = 10**6) -> Coverage:
    """Pairs of a dense (sites, customers) table of distances, up to the cut-off."""
    table = np.atleast_2d(np.asarray(distance_m, dtype=np.int64))
    site, customer = np.nonzero(table <= cutoff_m)
    return Coverage.from_pairs(
        site_idx=site,
        customer_idx=customer,
        distance_m=table[site, customer],
        num_sites=table.shape[0],
        num_customers=table.shape[1],
        cutoff_m=cutoff_m,
    )


def random_problem(seed: int, goal: SitingGoal, **changes: Any) -> SitingProblem:
    """Up to 6 sites and 7 customers on a line or a plane, with ties and lone customers."""
    rng = np.random.default_rng(seed)
    sites, customers = int(rng.integers(1, 7)), int(rng.integers(1, 8))
    distance = rng.integers(0, 12, size=(sites, customers)) * 100
    fields: dict[str, Any] = {
        "goal": goal,
        "coverage": coverage_of(distance, int(rng.integers(5, 12)) * 100),
        "demand_units": rng.integers(0, 6, size=customers),
        "site_cost_cents": rng.integers(0, 9, size=sites),
    }
    if goal in (SitingGoal.MAX_COVERAGE, SitingGoal.P_MEDIAN, SitingGoal.P_CENTER):
        fields["max_sites"] = int(rng.integers(1, 4))
    if goal is SitingGoal.FIXED_CHARGE:
        fields["cents_per_unit_km"] = float(rng.integers(0, 8)) / 2
    if rng.random() < 0.3:
        fields["status"] = rng.choice([0, 0, 0, 1, 2, 3], size=sites)
    if rng.random() < 0.3:
        fields["budget_cents"] = int(rng.integers(0, 25))
    if rng.random() < 0.2:
        apart = rng.integers(0, 5, size=(sites, sites)) * 100
        fields |= {"min_spacing_m": 200, "site_distance_m": apart}
    if goal is SitingGoal.P_MEDIAN and rng.random() < 0.6:
        fields["unserved_m"] = int(rng.integers(0, 20)) * 100
    if goal is SitingGoal.FIXED_CHARGE and rng.random() < 0.6:
        fields["unserved_cents"] = float(rng.integers(0, 6))
    if goal is SitingGoal.COVER_ALL:
        fields["minimise_cost"] = bool(rng.random() < 0.5)
        if rng.random() < 0.6:
            fields["required_share"] = float(rng.integers(0, 11)) / 10
    return SitingProblem(**(fields | changes))


def _flows(problem: SitingProblem, is_open: tuple[int, ...]) -> list[SitingSolution]:
    """All ways to serve from given sites, one site for each customer (or none)."""
    coverage = problem.coverage
    choices: list[list[int]] = [[-1] for _ in range(problem.num_customers)]
    for site, customer in zip(coverage.site_idx, coverage.customer_idx, strict=True):
        if int(site) in is_open and problem.demand_units[customer] > 0:
            choices[customer].append(int(site))
    return [
        SitingSolution(open_sites=np.array(is_open, dtype=np.int64), assignment=np.array(each))
        for each in itertools.product(*choices)
    ]


def enumerate_best(problem: SitingProblem) -> float | None:
    """Least objective over all sets of open sites; None if no solution exists.

    Exact with capacities only for single-sourced demand.
    """
    best: float | None = None
    for count in range(problem.num_sites + 1):
        for is_open in itertools.combinations(range(problem.num_sites), count):
            if problem.capacity_units is not None:
                solutions = _flows(problem, is_open)
            else:
                solutions = [cheapest_assignment(problem, np.array(is_open, dtype=np.int64))]
            for solution in solutions:
                report = check(problem, solution)
                if report.is_feasible and (best is None or report.objective < best):
                    best = report.objective
    return best


@pytest.fixture(scope="session")
def make_problem() -> Maker:
    return random_problem


@pytest.fixture(scope="session")
def best_of() -> Callable[[SitingProblem], float | None]:
    return enumerate_best


@pytest.fixture(scope="session")
def make_coverage() -> Callable[..., Coverage]:
    return coverage_of


def every_choice(model: CoverModel) -> tuple[BoolArray, list[int]]:
    """Return every choice of sites that the limit allows, shape (k, m), and its value."""
    free = np.flatnonzero(model.upper & ~model.lower)
    most = (model.max_sites or 0) - int(model.lower.sum())
    every, found = [], []
    for count in range(min(most, len(free)) + 1):
        for chosen in itertools.combinations(free.tolist(), count):
            is_open = model.lower.copy()
            is_open[list(chosen)] = True
            value = model.value(is_open)
            assert value is not None
            every.append(is_open)
            found.append(value)
    return np.array(every), found
