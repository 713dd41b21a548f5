"""Siting: our engines against the plain model in HiGHS, CP-SAT and SCIP, and spopt."""

from __future__ import annotations

import numpy as np
from benchmarks.registry import Row, Suite
from benchmarks.siting_models import SOLVERS, plain, spopt

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
#: Customers up to which rivals are tried.
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
            # Rivals that run into their limit repeat no objective: not in the smallest size.
            solvers = SOLVERS[:1] if size == "small" else SOLVERS
            rivals = [plain(case, problem, solver, seconds) for solver in solvers]
            rivals += spopt(case, problem, seconds)
            for rival in rivals:
                rival["ratio"] = rival["seconds"] / max(ours["seconds"], 1e-9)
                rival["note"] = "ratio: its time to that of coverage"
            rows += rivals
    return rows


SUITE = Suite(
    name="siting",
    about="Maximum coverage: our engines against plain models (HiGHS, CP-SAT, SCIP) and spopt.",
    run=run,
)
