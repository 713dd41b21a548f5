"""Siting: our engines against the textbook model in the same solver, and spopt."""

from __future__ import annotations

import importlib
import importlib.util
import time
from typing import Any

import numpy as np
from benchmarks.registry import Row, Suite, timed

from dispatchopt import siting
from dispatchopt.core.result import Result
from dispatchopt.core.stop import Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import SitingGoal, SitingProblem, SitingSolution

#: Customers, sites, sites to open, seconds for each method.
CASES = {
    "small": [(500, 60, 6, 10.0)],
    "medium": [(2_000, 200, 10, 30.0), (20_000, 200, 10, 60.0)],
    "large": [(100_000, 200, 15, 120.0), (1_000_000, 200, 15, 120.0)],
}
SIDE_M = 20_000
REACH_M = 3_000
#: Customers up to which the textbook model and spopt are tried.
MOST_FOR_RIVALS = 20_000


def make(customers: int, sites: int, open_sites: int, seed: int = 1) -> SitingProblem:
    """Return a maximum coverage problem: uniform points in a square, demand 1 to 10."""
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(seed)
    place = rng.random((sites, 2)) * SIDE_M
    home = rng.random((customers, 2)) * SIDE_M
    reached = cKDTree(home).query_ball_point(place, REACH_M, return_sorted=True)
    site = np.repeat(np.arange(sites), [len(each) for each in reached])
    customer = np.concatenate([np.asarray(each, dtype=np.int64) for each in reached])
    distance = np.linalg.norm(place[site] - home[customer], axis=1)
    return SitingProblem(
        goal=SitingGoal.MAX_COVERAGE,
        coverage=Coverage.from_pairs(
            site_idx=site,
            customer_idx=customer,
            distance_m=np.floor(distance).astype(np.int64),
            num_sites=sites,
            num_customers=customers,
            cutoff_m=REACH_M,
        ),
        demand_units=rng.integers(1, 11, size=customers),
        max_sites=open_sites,
    )


def _ours(case: str, problem: SitingProblem, engine: str, stop: Stop) -> Row:
    result: Result[SitingSolution] = siting.solve(problem, engine=engine, stop=stop, seed=1)
    return {
        "case": case,
        "method": engine,
        "seconds": result.elapsed_s,
        "objective": result.objective,
        "bound": result.bound,
        "gap": result.gap,
        "status": str(result.status),
    }


def _textbook(case: str, problem: SitingProblem, seconds: float) -> Row:
    """One PuLP variable and row per customer, solved by HiGHS, building included."""
    import pulp

    began = time.perf_counter()
    model = pulp.LpProblem("mclp", pulp.LpMinimize)
    sites = [model.add_variable(f"y{at}", 0, 1, "Binary") for at in range(problem.num_sites)]
    missed = [model.add_variable(f"u{at}", 0, 1, "Binary") for at in range(problem.num_customers)]
    weights = problem.demand_units.tolist()
    model.setObjective(pulp.LpAffineExpression(list(zip(missed, weights, strict=True))))
    by_customer: list[list[Any]] = [[] for _ in missed]
    coverage = problem.coverage
    for site, customer in zip(
        coverage.site_idx.tolist(), coverage.customer_idx.tolist(), strict=True
    ):
        by_customer[customer].append((sites[site], 1.0))
    for at, terms in enumerate(by_customer):
        row = pulp.LpAffineExpression([(missed[at], 1.0), *terms])
        model.addConstraint(pulp.LpConstraint(row, pulp.LpConstraintGE, f"c{at}", 1.0))
    row = pulp.LpAffineExpression([(each, 1.0) for each in sites])
    model.addConstraint(pulp.LpConstraint(row, pulp.LpConstraintLE, "p", problem.max_sites))
    left = max(1.0, seconds - (time.perf_counter() - began))
    solver = pulp.HiGHS(msg=False, timeLimit=left, gapRel=0.0)
    model.solve(solver)
    info = model.solverModel.getInfo()
    return {
        "case": case,
        "method": "textbook model, PuLP + HiGHS",
        "seconds": time.perf_counter() - began,
        "objective": info.objective_function_value,
        "bound": info.mip_dual_bound,
        "status": model.solverModel.modelStatusToString(model.solverModel.getModelStatus()),
    }


def _spopt(case: str, problem: SitingProblem, seconds: float) -> Row:
    import pulp

    locate = importlib.import_module("spopt.locate")

    table = np.full((problem.num_customers, problem.num_sites), REACH_M + 1)
    coverage = problem.coverage
    table[coverage.customer_idx, coverage.site_idx] = coverage.distance_m

    def work() -> float:
        model = locate.MCLP.from_cost_matrix(
            table, problem.demand_units, REACH_M, p_facilities=problem.max_sites
        )
        model.solve(pulp.HiGHS(msg=False, timeLimit=seconds))
        return float(pulp.value(model.problem.objective))

    covered, taken = timed(work)
    return {
        "case": case,
        "method": "spopt",
        "seconds": taken,
        "objective": problem.total_units - covered,
    }


def run(size: str) -> list[Row]:
    """Return a row per case and method; times of rivals as a ratio to ours."""
    rows: list[Row] = []
    for customers, sites, open_sites, seconds in CASES[size]:
        case = f"MCLP {customers} x {sites}, p = {open_sites}"
        problem = make(customers, sites, open_sites)
        # The smallest size stops by iterations, so that its objectives repeat to the last digit.
        stop = Stop(iterations=200) if size == "small" else Stop(time_s=seconds)
        ours = _ours(case, problem, "coverage", stop)
        others = [_ours(case, problem, name, stop) for name in ("mip", "interchange")]
        rows += [ours, *others]
        if customers <= MOST_FOR_RIVALS:
            rivals = [_textbook(case, problem, seconds)]
            if importlib.util.find_spec("spopt") is not None:
                rivals.append(_spopt(case, problem, seconds))
            for rival in rivals:
                rival["ratio"] = rival["seconds"] / max(ours["seconds"], 1e-9)
                rival["note"] = "ratio: its time to that of coverage"
            rows += rivals
    return rows


SUITE = Suite(
    name="siting",
    about="Maximum coverage: our engines against one row per customer and spopt.",
    run=run,
)
