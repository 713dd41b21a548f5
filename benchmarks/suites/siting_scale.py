"""Maximum coverage with up to 40 million customers, against general solvers on the plain model."""

from __future__ import annotations

import time

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb
from benchmarks.siting_models import plain

from dispatchopt import siting
from dispatchopt.core.stop import Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import PointGround

#: Sites to open and reach, as in Cordeau, Furini and Ljubic (2019); 100 sites in 30 x 30.
SETTINGS = (
    *((10, reach) for reach in (5.5, 5.75, 6.0, 6.25)),
    *((15, reach) for reach in (4.0, 4.25, 4.5, 4.75, 5.0)),
    *((20, reach) for reach in (3.25, 3.5, 3.75, 4.0, 4.25)),
)
SIDE = 30.0
SITES = 100
#: Customers, settings, and seconds for each rival.
CASES = {
    "small": [(1_000, SETTINGS[:1], 10.0)],
    "medium": [(10_000, SETTINGS[::3], 60.0), (1_000_000, SETTINGS, 0.0)],
    "large": [(1_000_000, SETTINGS, 0.0), (10_000_000, SETTINGS, 0.0), (40_000_000, SETTINGS, 0.0)],
}


def make(customers: int, reach: float, seed: int = 1) -> PointGround:
    """Return sites and customers, uniform in the square, demand 1 to 100."""
    rng = np.random.default_rng(seed)
    return PointGround(
        site_xy=rng.random((SITES, 2)) * SIDE,
        customer_xy=rng.random((customers, 2)) * SIDE,
        demand_units=rng.integers(1, 101, size=customers),
        reach=reach,
        is_strict=True,
    )


def _ours(case: str, ground: PointGround, open_sites: int, stop: Stop) -> Row:
    """Merging included; the objective is measured again, customer by customer, off the clock."""
    began, cpu = time.perf_counter(), time.process_time()
    problem = ground.problem(goal="max-coverage", max_sites=open_sites)
    result = siting.solve(problem, stop=stop, seed=1)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    missed = ground.unserved_units(result.require().open_sites)
    return {
        "case": case,
        "method": "coverage, customers merged by a grid",
        "seconds": seconds,
        "cpu_s": cpu_s,
        "objective": float(missed),
        "bound": result.bound,
        "status": str(result.status),
        "peak_mb": peak_mb(),
    }


def _unmerged(ground: PointGround, open_sites: int) -> siting.SitingProblem:
    """Return the problem with every customer by itself, as a plain model takes it."""
    near = [
        np.flatnonzero(((ground.customer_xy - centre) ** 2).sum(axis=1) < ground.reach**2)
        for centre in ground.site_xy
    ]
    site = np.repeat(np.arange(ground.num_sites), [len(each) for each in near])
    coverage = Coverage.from_pairs(
        site_idx=site,
        customer_idx=np.concatenate(near),
        # Only who is reached counts.
        distance_m=np.zeros(len(site), dtype=np.int64),
        num_sites=ground.num_sites,
        num_customers=ground.num_customers,
        cutoff_m=1,
    )
    return siting.SitingProblem(
        goal=siting.SitingGoal.MAX_COVERAGE,
        coverage=coverage,
        demand_units=ground.demand_units,
        max_sites=open_sites,
    )


def run(size: str) -> list[Row]:
    """Return a row per case and method; times of rivals as a ratio to ours."""
    rows: list[Row] = []
    for customers, settings, seconds in CASES[size]:
        for open_sites, reach in settings:
            case = f"MCLP {customers} x {SITES}, p = {open_sites}, R = {reach:g}"
            ground = make(customers, reach)
            stop = Stop(iterations=500) if size == "small" else Stop(time_s=60.0)
            ours = _ours(case, ground, open_sites, stop)
            rows.append(ours)
            # Rivals that run into their limit repeat no objective: not in the smallest size.
            rivals = ("HiGHS",) if size == "small" else ("HiGHS", "CP-SAT", "SCIP")
            for solver in rivals if seconds else ():
                rival = plain(case, _unmerged(ground, open_sites), solver, seconds)
                rival["ratio"] = rival["seconds"] / max(ours["seconds"], 1e-9)
                rival["note"] = "ratio: its time to ours"
                rows.append(rival)
    return rows


SUITE = Suite(
    name="siting_scale",
    about="Maximum coverage up to 40 million customers, against HiGHS, CP-SAT and SCIP.",
    run=run,
)
