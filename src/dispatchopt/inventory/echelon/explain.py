"""What every stage keeps and owes, why its customers wait, and what one more unit saves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.explain import Finding, Row
from dispatchopt.inventory.echelon.check import on_hand_and_owed
from dispatchopt.inventory.echelon.problem import EchelonProblem, EchelonSolution

#: What would have to change, by reason.
REMEDIES = {
    "supplier-waits": "a higher level at the supplier",
    "lead-time-demand": "a shorter lead time, or a higher level",
}


def unit_savings(problem: EchelonProblem, solution: EchelonSolution) -> FloatArray:
    """Return what one more unit (step) of base stock at each stage saves, (n,); negative: costs.

    All other levels stay. A stage changes the cost of what it supplies alone, so one evaluation
    serves all stages that are equally far from their roots.
    """
    level = solution.level_steps
    before = _costs(problem, level)
    depth = problem.level_of_stage
    saved = np.zeros(problem.num_stages)
    for each in range(int(depth.max(initial=-1)) + 1):
        changed = before - _costs(problem, level + (depth == each))
        # Sums over all that a stage supplies, the farthest first.
        for lower in range(int(depth.max()), each, -1):
            rows = np.flatnonzero(depth == lower)
            np.add.at(changed, problem.supplier[rows], changed[rows])
        rows = np.flatnonzero(depth == each)
        saved[rows] = changed[rows]
    return saved


def explain(problem: EchelonProblem, solution: EchelonSolution) -> Sequence[Finding]:
    """Return stages whose customers wait, with reasons, and stages by what one more unit saves."""
    held, owed, ready = on_hand_and_owed(problem, solution.level_steps)
    step, total = problem.step_units, problem.total_rate
    saved = unit_savings(problem, solution)
    echelon = solution.echelon_steps(problem)
    above = np.where(problem.supplier >= 0, problem.supplier, 0)
    # By Little's law: the mean time for which the supplier lets a unit wait.
    wait = np.divide(owed[above] * step, total[above], out=np.zeros_like(total),
                     where=(problem.supplier >= 0) & (total[above] > 0))  # fmt: skip
    rows = np.flatnonzero((problem.rate > 0) & (owed * step > 1e-9))
    cost = problem.shortage_cost * owed * step
    rows = rows[np.argsort(-cost[rows], kind="stable")]
    late: list[Row] = []
    for stage in rows.tolist():
        reason = "supplier-waits" if wait[stage] > problem.lead_time[stage] else "lead-time-demand"
        late.append(
            {
                "stage": problem.stage_ids[stage],
                "units_owed": float(owed[stage]) * step,
                "ready_rate": float(ready[stage]),
                "supplier_wait": float(wait[stage]),
                "lead_time": float(problem.lead_time[stage]),
                "saving_of_a_unit": float(saved[stage]) / step,
                "reason": reason,
                "remedy": REMEDIES[reason],
            }
        )
    order = np.argsort(-saved, kind="stable")
    stages: tuple[Row, ...] = tuple(
        {
            "stage": problem.stage_ids[stage],
            "level_units": float(solution.level_steps[stage]) * step,
            "echelon_units": float(echelon[stage]) * step,
            "units_on_hand": float(held[stage]) * step,
            "units_owed": float(owed[stage]) * step,
            "ready_rate": float(ready[stage]),
            "saving_of_a_unit": float(saved[stage]) / step,
        }
        for stage in order.tolist()
    )
    return (
        Finding(
            name="waiting",
            about="stages whose customers wait at times, the dearest first, and why",
            rows=tuple(late),
        ),
        Finding(
            name="stages",
            about="all stages, by what one more unit of base stock saves in a unit of time",
            rows=stages,
        ),
    )


def _costs(problem: EchelonProblem, level: IntArray) -> FloatArray:
    """Return holding and shortage cost by stage."""
    held, owed, _ = on_hand_and_owed(problem, level)
    total = problem.total_rate
    own = np.divide(problem.rate, total, out=np.zeros_like(total), where=total > 0)
    cost: FloatArray = problem.holding_cost * held + problem.shortage_cost * own * owed
    return cost * problem.step_units
