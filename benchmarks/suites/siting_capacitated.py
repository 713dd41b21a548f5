"""Siting with capacities: our engine against the plain model in HiGHS, CP-SAT and SCIP."""

from __future__ import annotations

import numpy as np
from benchmarks.registry import Row, Suite
from benchmarks.siting_models import SOLVERS, plain

from dispatchopt import siting
from dispatchopt.core.stop import Stop
from dispatchopt.geography.coverage import Coverage
from dispatchopt.siting import SitingGoal, SitingProblem

#: Sites, customers, times that all room is of all demand, single-sourced or not, seconds of each.
CASES = {
    "small": [(10, 40, 3.0, True, 10.0), (12, 40, 3.0, False, 10.0)],
    "medium": [
        (30, 150, 3.0, True, 30.0),
        (50, 100, 2.0, True, 30.0),
        (50, 200, 3.0, True, 30.0),
        (50, 200, 3.0, False, 30.0),
    ],
    "large": [
        (60, 300, 2.0, True, 60.0),
        (80, 400, 3.5, True, 60.0),
        (100, 1_000, 3.0, False, 60.0),
    ],
}


def make(
    sites: int, customers: int, room_ratio: float, *, is_single: bool, seed: int = 1
) -> SitingProblem:
    """Return sites and customers in a square: fixed costs that grow with room, whole costs."""
    rng = np.random.default_rng(seed)
    place, home = rng.random((sites, 2)), rng.random((customers, 2))
    away = np.round(1_000 * np.hypot(*(place[:, None] - home[None]).transpose(2, 0, 1)))
    demand = rng.integers(5, 36, customers)
    room = rng.integers(10, 161, sites)
    room = np.ceil(room * (room_ratio * demand.sum() / room.sum())).astype(np.int64)
    opening = rng.integers(0, 91, sites) + rng.integers(100, 111, sites) * np.sqrt(room)
    return SitingProblem(
        goal=SitingGoal.FIXED_CHARGE,
        coverage=Coverage(
            indptr=np.arange(sites + 1) * customers,
            customer_idx=np.tile(np.arange(customers), sites),
            distance_m=away.astype(np.int64).reshape(-1),
            num_customers=customers,
            cutoff_m=2_000,
        ),
        demand_units=demand,
        site_cost_cents=np.round(opening).astype(np.int64),
        capacity_units=room,
        # A multiple of the demand, so that costs are whole however demand is split.
        pair_cost_cents=np.round(away / 200).reshape(-1) * np.tile(demand, sites),
        single_source=is_single,
    )


def run(size: str) -> list[Row]:
    """Return a row per case and method; times of rivals as a ratio to ours."""
    rows: list[Row] = []
    for sites, customers, ratio, is_single, seconds in CASES[size]:
        how = "one source" if is_single else "split demand"
        case = f"fixed charge, {sites} x {customers}, room x {ratio:g}, {how}"
        problem = make(sites, customers, ratio, is_single=is_single)
        stop = Stop(iterations=2_000) if size == "small" else Stop(time_s=seconds)
        result = siting.solve(problem, engine="capacitated", stop=stop, seed=1)
        ours: Row = {
            "case": case,
            "method": "capacitated",
            "seconds": result.elapsed_s,
            "objective": result.objective,
            "bound": result.bound,
            "gap": result.gap,
            "status": str(result.status),
        }
        rows.append(ours)
        # Rivals that run into their limit repeat no objective: not in the smallest size.
        for solver in SOLVERS[:1] if size == "small" else SOLVERS:
            rival = plain(case, problem, solver, seconds)
            rival["ratio"] = rival["seconds"] / max(ours["seconds"], 1e-9)
            rival["note"] = "ratio: its time to ours"
            rows.append(rival)
    return rows


SUITE = Suite(
    name="siting_capacitated",
    about="Fixed charge with capacities: our engine against plain models (HiGHS, CP-SAT, SCIP).",
    run=run,
)
