"""Maximum coverage with up to 40 million customers, against general solvers on the plain model."""

from __future__ import annotations

import datetime
import time
from typing import Any

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb

from dispatchopt import siting
from dispatchopt.core.stop import Stop
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


def _rival(case: str, ground: PointGround, open_sites: int, seconds: float, solver: str) -> Row:
    """One column and row per customer, through ortools, building included."""
    from ortools.math_opt.python import mathopt

    began = time.perf_counter()
    model = mathopt.Model()
    opened = [model.add_binary_variable() for _ in range(ground.num_sites)]
    reached: list[list[Any]] = [[] for _ in range(ground.num_customers)]
    for site, centre in zip(opened, ground.site_xy, strict=True):
        apart = ((ground.customer_xy - centre) ** 2).sum(axis=1)
        for customer in np.flatnonzero(apart < ground.reach**2).tolist():
            reached[customer].append(site)
    missed = [model.add_binary_variable() for _ in reached]
    for own, sites in zip(missed, reached, strict=True):
        model.add_linear_constraint(own + mathopt.fast_sum(sites) >= 1)
    model.add_linear_constraint(mathopt.fast_sum(opened) <= open_sites)
    weights = ground.demand_units.tolist()
    model.minimize(
        mathopt.fast_sum(weight * own for weight, own in zip(weights, missed, strict=True))
    )
    kinds = {
        "HiGHS": mathopt.SolverType.HIGHS,
        "CP-SAT": mathopt.SolverType.CP_SAT,
        "SCIP": mathopt.SolverType.GSCIP,
    }
    left = max(1.0, seconds - (time.perf_counter() - began))
    parameters = mathopt.SolveParameters(
        time_limit=datetime.timedelta(seconds=left),
        # HiGHS takes its number of threads from elsewhere.
        threads=None if solver == "HiGHS" else 1,
        relative_gap_tolerance=0.0,
    )
    result = mathopt.solve(model, kinds[solver], params=parameters)
    has_answer = result.has_primal_feasible_solution()
    return {
        "case": case,
        "method": f"plain model, {solver}",
        "seconds": time.perf_counter() - began,
        "objective": result.objective_value() if has_answer else None,
        "bound": result.dual_bound(),
        "status": result.termination.reason.name,
    }


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
                rival = _rival(case, ground, open_sites, seconds, solver)
                rival["ratio"] = rival["seconds"] / max(ours["seconds"], 1e-9)
                rival["note"] = "ratio: its time to ours"
                rows.append(rival)
    return rows


SUITE = Suite(
    name="siting_scale",
    about="Maximum coverage up to 40 million customers, against HiGHS, CP-SAT and SCIP.",
    run=run,
)
