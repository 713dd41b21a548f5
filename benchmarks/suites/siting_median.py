"""p-median and p-center: our engines against the textbook model in HiGHS; published sets."""

from __future__ import annotations

import csv
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.registry import Row, Suite

from dispatchopt import siting
from dispatchopt.core.stop import Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.io import read
from dispatchopt.siting import SitingGoal, SitingProblem

#: Customers (each a site as well), sites to open, seconds for each method.
CASES = {"small": [(30, 3, 60.0)], "medium": [(100, 10, 60.0), (200, 20, 60.0)], "large": []}
#: Published sets and how far TSPLIB points go in the largest size.
HOME = Path(os.environ.get("DISPATCHOPT_DATA", "../shared/data")) / "siting"
MOST_PLACES, SECONDS = 2_000, 60.0


def make(customers: int, open_sites: int, goal: SitingGoal, seed: int = 1) -> SitingProblem:
    """Return places in a square with weights, each of them customer and site."""
    rng = np.random.default_rng(seed)
    xy = rng.integers(0, 10_000, (customers, 2)).astype(np.float64)
    away = np.floor(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))).astype(np.int64)
    return SitingProblem(
        goal=goal,
        coverage=Coverage(
            indptr=np.arange(customers + 1) * customers,
            customer_idx=np.tile(np.arange(customers), customers),
            distance_m=away.reshape(-1),
            num_customers=customers,
            cutoff_m=int(away.max()),
        ),
        demand_units=rng.integers(1, 20, customers),
        max_sites=open_sites,
    )


def _ours(case: str, problem: SitingProblem, engine: str, stop: Stop) -> Row:
    result = siting.solve(problem, engine=engine, stop=stop, seed=1)
    return {
        "case": case,
        "method": result.engine,
        "seconds": result.elapsed_s,
        "objective": result.objective,
        "bound": result.bound,
        "gap": result.gap,
        "status": str(result.status),
    }


def _textbook(case: str, problem: SitingProblem, seconds: float) -> Row:
    """x_ij <= y_j for every pair (p-median), or distances below one radius (p-center)."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    began = time.perf_counter()
    n, m = problem.num_customers, problem.num_sites
    away = problem.coverage.distance_m.reshape(m, n).T.astype(np.float64)
    pairs, row = n * m, np.repeat(np.arange(n), m)
    is_median = problem.goal is SitingGoal.P_MEDIAN
    # Columns: x by customer and site, y, and the radius of p-center.
    cost = np.concatenate([np.zeros(pairs + m), [1.0]])
    if is_median:
        cost[:pairs] = (problem.demand_units[:, None] * away).ravel()
        cost[-1] = 0.0
    served = sparse.csr_array((np.ones(pairs), (row, np.arange(pairs))), shape=(n, pairs + m + 1))
    linked = sparse.hstack(
        [sparse.eye_array(pairs), sparse.kron(np.ones((n, 1)), -sparse.eye_array(m)),
         sparse.csr_array((pairs, 1))]
    )  # fmt: skip
    count = np.concatenate([np.zeros(pairs), np.ones(m), [0.0]])
    rules: list[Any] = [
        LinearConstraint(served, 1.0, 1.0),
        LinearConstraint(linked, -np.inf, 0.0),
        LinearConstraint(count[None, :], -np.inf, problem.max_sites),
    ]
    upper = np.concatenate([np.ones(pairs + m), [float(away.max())]])
    if not is_median:
        far = sparse.csr_array((away.ravel(), (row, np.arange(pairs))), shape=(n, pairs))
        radius = sparse.hstack([far, sparse.csr_array((n, m)), -np.ones((n, 1))])
        rules.append(LinearConstraint(radius, -np.inf, 0.0))
    found = milp(
        cost,
        constraints=rules,
        integrality=np.ones(len(cost)),
        bounds=Bounds(0.0, upper),
        options={"time_limit": seconds, "mip_rel_gap": 0.0},
    )
    return {
        "case": case,
        "method": "textbook model, HiGHS",
        "seconds": time.perf_counter() - began,
        "objective": None if found.x is None else float(found.fun),
        "bound": found.mip_dual_bound,
        "status": found.message,
    }


def _published() -> list[Row]:
    """Return a row per published instance that is here, beside its best known value."""
    path = HOME / "bks.csv"
    if not path.is_file():
        return []
    rows: list[Row] = []
    with path.open(encoding="utf-8") as stream:
        known = [line for line in csv.DictReader(stream) if line["problem"].startswith("p-")]
    for line in known:
        goal = "p-center" if line["problem"].startswith("p-center") else "p-median"
        folder = HOME / line["set"]
        options: dict[str, Any] = {}
        if line["set"] == "orlib_pmed":
            source, options = folder / f"{line['instance']}.txt", {"goal": goal}
        else:
            source = folder / f"{line['instance']}.tsp"
            options = {"max_sites": line["p_or_radius"]}
        if line["set"] not in ("orlib_pmed", "tsplib_pmedian") or not source.is_file():
            continue
        if source.suffix == ".tsp" and _places(source) > MOST_PLACES:
            continue
        case = f"{goal} {line['instance']} p = {line['p_or_radius']}"
        problem = read(source, options=options).problem
        row = _ours(case, problem, "auto", Stop(time_s=SECONDS))
        value = float(line["value"])
        away = math.inf if row["objective"] is None else row["objective"] / value - 1
        row["note"] = f"published {value:.0f}; {100 * away:+.4f} %"
        rows.append(row)
    return rows


def _places(path: Path) -> int:
    """Return the number of places that the header of a TSPLIB file states."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines()[:20]:
        key, _, value = line.partition(":")
        if key.strip().upper() == "DIMENSION":
            return int(value)
    return 0


def run(size: str) -> list[Row]:
    """Return a row per case and method; the time of the rival as a ratio to ours."""
    rows: list[Row] = []
    for customers, open_sites, seconds in CASES[size]:
        for goal, engine in ((SitingGoal.P_MEDIAN, "median"), (SitingGoal.P_CENTER, "center")):
            case = f"{goal} {customers} places, p = {open_sites}"
            problem = make(customers, open_sites, goal)
            # Proven long before so many steps: objectives repeat to the last digit.
            stop = Stop(iterations=5_000) if size == "small" else Stop(time_s=seconds)
            ours, other = _ours(case, problem, engine, stop), _textbook(case, problem, seconds)
            other["ratio"] = other["seconds"] / max(ours["seconds"], 1e-9)
            other["note"] = f"ratio: its time to that of {engine}"
            rows += [ours, other]
    return rows + (_published() if size == "large" else [])


SUITE = Suite(
    name="siting-median",
    about="p-median and p-center: our engines against the textbook model, and published values",
    run=run,
)
