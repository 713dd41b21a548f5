"""Guaranteed service: ours against one CP-SAT model with a table of costs per stage."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
from benchmarks.registry import Row, Suite, peak_mb, timed

from dispatchopt.core import Stop
from dispatchopt.generators import generate
from dispatchopt.inventory import guaranteed_service as gs
from dispatchopt.io import read

_DATA = Path(os.environ.get("DISPATCHOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))
#: Real chains and seconds for each; without the data a generated network stands in.
SIZES: dict[str, tuple[tuple[int, float], ...]] = {
    "small": (),
    "medium": tuple((number, 60.0) for number in (1, 2, 3, 4, 5, 6, 7, 9, 10, 11)),
    "large": tuple((number, 20.0) for number in (21, 22, 24, 27, 30, 32, 34, 36, 38)),
}
_RIVAL_S = 60.0


def run(size: str) -> list[Row]:
    """Return the rows of one size."""
    rows: list[Row] = []
    for number, time_s in SIZES[size]:
        path = _DATA / "inventory" / "willems38" / f"chain_{number:02d}.json"
        if path.exists():
            rows += _case(f"chain {number}", read(path).problem, time_s, rival=size == "medium")
    if not rows:
        problem = generate("guaranteed-service", size="small" if size == "small" else "medium")
        rows += _case(f"generated, {size}", problem, 60.0, rival=True)
    return rows


def _case(
    name: str, problem: gs.GuaranteedServiceProblem, time_s: float, *, rival: bool
) -> list[Row]:
    case = f"{name}: {problem.num_stages} stages, {problem.num_arcs} arcs"
    result, seconds = timed(lambda: gs.solve(problem, stop=Stop(time_s=time_s)))
    ours: Row = {
        "case": case, "method": f"dispatchopt {result.engine}", "seconds": seconds,
        "objective": result.objective, "bound": result.bound, "gap": result.gap,
        "peak_mb": peak_mb(),
    }  # fmt: skip
    if not rival:
        return [ours]
    (cost, bound), other = timed(lambda: _cp_sat(problem))
    ours |= {"ratio": other / seconds, "note": "ratio: seconds of CP-SAT over ours"}
    theirs: Row = {
        "case": case, "method": f"CP-SAT, element tables, {_RIVAL_S:g} s", "seconds": other,
        "objective": cost, "bound": bound, "gap": (cost - bound) / cost if cost else 0.0,
    }  # fmt: skip
    return [ours, theirs]


def _cp_sat(problem: gs.GuaranteedServiceProblem) -> tuple[float, float]:
    """Cost and bound of one model, costs in whole units of a 10 billionth of the most."""
    from ortools.sat.python import cp_model

    reach, rate, time = problem.horizon, problem.cost_rate, problem.time_periods
    unit = max(float(rate @ np.sqrt(reach)), 1e-9) / 1e10
    model = cp_model.CpModel()
    service, wait, costs = [], [], []
    for stage in range(problem.num_stages):
        most, longest = int(reach[stage]), int(problem.max_service_periods[stage])
        high = most if longest < 0 else min(longest, most)
        service.append(model.new_int_var(0, high, ""))
        wait.append(model.new_int_var(int(problem.inbound[stage]), most - int(time[stage]), ""))
        net = model.new_int_var(0, most, "")
        model.add(net == wait[stage] + int(time[stage]) - service[stage])
        table = [int(rate[stage] * math.sqrt(value) / unit) for value in range(most + 1)]
        cost = model.new_int_var(0, table[-1], "")
        model.add_element(net, table, cost)
        costs.append(cost)
    for supplier, customer in zip(
        problem.supplier.tolist(), problem.customer.tolist(), strict=True
    ):
        model.add(wait[customer] >= service[supplier])
    model.minimize(sum(costs))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = _RIVAL_S
    solver.parameters.num_workers = 2
    solver.solve(model)
    return solver.objective_value * unit, solver.best_objective_bound * unit


SUITE = Suite(
    name="guaranteed-service",
    about="Safety stock in supply networks, against one CP-SAT model.",
    run=run,
)
