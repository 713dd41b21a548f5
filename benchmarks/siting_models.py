"""Plain models of siting problems, as anyone would write them, for rivals of the siting suites.

One column and row per customer (coverage) or per pair (capacities), through ortools' MathOpt, so
that HiGHS, CP-SAT and SCIP get the same model. spopt runs in a Python of its own, as
``python -m benchmarks.rivals FOLDER --for siting`` makes one.
"""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.registry import Row

from dispatchopt.siting import SitingGoal, SitingProblem

#: Solvers of plain models.
SOLVERS = ("HiGHS", "CP-SAT", "SCIP")
#: Where a Python with spopt is named.
RIVALS = "DISPATCHOPT_RIVALS_PYTHON"

#: What that Python runs: for each solver of PuLP it prints a row, building included.
_SPOPT = """
import json, sys, time
import numpy, pulp
from spopt.locate import MCLP
given = numpy.load(sys.argv[1])
table = numpy.full((int(given["n"]), int(given["m"])), float(given["reach"]) + 1)
table[given["customer"], given["site"]] = given["distance"]
for name, key in (("CBC", "PULP_CBC_CMD"), ("HiGHS", "HiGHS")):
    began = time.perf_counter()
    model = MCLP.from_cost_matrix(
        table, given["units"], float(given["reach"]), p_facilities=int(given["p"])
    )
    built = time.perf_counter() - began
    try:
        solver = pulp.getSolver(key, msg=False, timeLimit=float(sys.argv[2]))
        model.solve(solver, results=False)
        covered = pulp.value(model.problem.objective)
        status = pulp.LpStatus[model.problem.status]
    except Exception as error:
        covered, status = None, f"failed: {error}"[:200]
    print(json.dumps({
        "solver": name, "building_s": built, "seconds": time.perf_counter() - began,
        "covered": covered, "status": status,
    }), flush=True)
"""


def plain(case: str, problem: SitingProblem, solver: str, seconds: float) -> Row:
    """Solve the plain model of a problem; the seconds include building it.

    It has a process of its own: the HiGHS inside ortools and ours do not bear each other.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(_plain, case, problem, solver, seconds).result()


def _plain(case: str, problem: SitingProblem, solver: str, seconds: float) -> Row:
    from ortools.math_opt.python import mathopt

    # Importing is not part of the model.
    began = time.perf_counter()
    model = _capacities(problem) if problem.capacity_units is not None else _coverage(problem)
    built = time.perf_counter() - began
    kinds = {
        "HiGHS": mathopt.SolverType.HIGHS,
        "CP-SAT": mathopt.SolverType.CP_SAT,
        "SCIP": mathopt.SolverType.GSCIP,
    }
    parameters = mathopt.SolveParameters(
        time_limit=datetime.timedelta(seconds=max(1.0, seconds - built)),
        # HiGHS takes its number of threads from elsewhere.
        threads=None if solver == "HiGHS" else len(os.sched_getaffinity(0)),
        relative_gap_tolerance=0.0,
    )
    result = mathopt.solve(model, kinds[solver], params=parameters)
    has_answer = result.has_primal_feasible_solution()
    return {
        "case": case,
        "method": f"plain model, {solver}",
        "seconds": time.perf_counter() - began,
        "building_s": built,
        "objective": round(result.objective_value(), 6) if has_answer else None,
        "bound": result.dual_bound(),
        "status": result.termination.reason.name,
    }


def _coverage(problem: SitingProblem) -> Any:
    """Return maximum coverage with a column and a row per customer."""
    from ortools.math_opt.python import mathopt

    if problem.goal is not SitingGoal.MAX_COVERAGE or problem.max_sites is None:
        raise ValueError("the plain model without capacities is that of maximum coverage")
    model = mathopt.Model()
    opened = [model.add_binary_variable() for _ in range(problem.num_sites)]
    missed = [model.add_binary_variable() for _ in range(problem.num_customers)]
    reached: list[list[Any]] = [[own] for own in missed]
    pairs = zip(
        problem.coverage.site_idx.tolist(), problem.coverage.customer_idx.tolist(), strict=True
    )
    for site, customer in pairs:
        reached[customer].append(opened[site])
    for terms in reached:
        model.add_linear_constraint(mathopt.fast_sum(terms) >= 1)
    model.add_linear_constraint(mathopt.fast_sum(opened) <= problem.max_sites)
    weights = problem.demand_units.tolist()
    model.minimize(mathopt.fast_sum(w * own for w, own in zip(weights, missed, strict=True)))
    return model


def _capacities(problem: SitingProblem) -> Any:
    """Return fixed charge with capacities, a column per pair (Balinski's rows x <= y)."""
    from ortools.math_opt.python import mathopt

    room = problem.capacity_units
    if problem.goal is not SitingGoal.FIXED_CHARGE or room is None:
        raise ValueError("the plain model with capacities is that of fixed charge")
    model = mathopt.Model()
    opened = [model.add_binary_variable() for _ in range(problem.num_sites)]
    served: list[list[Any]] = [[] for _ in range(problem.num_customers)]
    loads: list[list[Any]] = [[] for _ in range(problem.num_sites)]
    terms = [cost * own for cost, own in zip(problem.opening_cents.tolist(), opened, strict=True)]
    coverage, demand = problem.coverage, problem.demand_units.tolist()
    pairs = zip(
        coverage.site_idx.tolist(),
        coverage.customer_idx.tolist(),
        problem.pair_costs().tolist(),
        strict=True,
    )
    for site, customer, cost in pairs:
        share = model.add_variable(lb=0.0, ub=1.0, is_integer=problem.single_source)
        model.add_linear_constraint(share - opened[site] <= 0)
        served[customer].append(share)
        loads[site].append(demand[customer] * share)
        terms.append(cost * share)
    for shares in served:
        model.add_linear_constraint(mathopt.fast_sum(shares) == 1)
    for own, load, most in zip(opened, loads, room.tolist(), strict=True):
        model.add_linear_constraint(mathopt.fast_sum(load) - most * own <= 0)
    model.minimize(mathopt.fast_sum(terms))
    return model


def spopt(case: str, problem: SitingProblem, seconds: float) -> list[Row]:
    """Return spopt's rows with CBC and HiGHS; none where no Python is named for it."""
    python = os.environ.get(RIVALS)
    if not python:
        return []
    coverage = problem.coverage
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.npz"
        np.savez(
            path,
            n=problem.num_customers,
            m=problem.num_sites,
            p=problem.max_sites or problem.num_sites,
            reach=coverage.cutoff_m,
            customer=coverage.customer_idx,
            site=coverage.site_idx,
            distance=coverage.distance_m,
            units=problem.demand_units,
        )
        command = [python, "-c", _SPOPT, str(path), str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows: list[Row] = []
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            covered = row.pop("covered")
            row["objective"] = None if covered is None else problem.total_units - covered
            rows.append({"case": case, "method": f"spopt, {row.pop('solver')}", **row})
    return rows
