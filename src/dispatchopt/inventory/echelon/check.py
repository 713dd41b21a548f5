"""The independent checker: what base stock costs, by transforms of what is on order.

Engines add up laws term by term. Here the law of a stage's units on order comes from its
characteristic function, turned back by a discrete Fourier transform (Abate and Whitt, Operations
Research Letters 12, 1992): the lead time's demand times the supplier's debt, of which each unit is
this stage's with the chance of its share.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.result import Report, Violation
from dispatchopt.inventory.echelon.problem import OUTSIDE, EchelonProblem, EchelonSolution

#: Chance that is left out at the end of a law.
_TAIL = 1e-14
#: Points and stages of one batch, so that memory stays small.
_BATCH = 2_000_000


def check(problem: EchelonProblem, solution: EchelonSolution) -> Report:
    """Recompute stock, debts and cost of every stage.

    Rules: ``shape``, ``level-negative``.
    """
    level = solution.level_steps
    if level.shape != (problem.num_stages,):
        broken = Violation(rule="shape", where=f"level_steps {level.shape}", by=1.0)
        return Report(objective=float("inf"), violations=(broken,))
    held, owed, ready = on_hand_and_owed(problem, level)
    step = problem.step_units
    total = problem.total_rate
    own = np.divide(problem.rate, total, out=np.zeros_like(total), where=total > 0)
    waiting = own * owed * step
    parts = {
        "holding": float(problem.holding_cost @ held) * step,
        "in_transit": float(problem.in_transit_cost.sum()),
        "shortage": float(problem.shortage_cost @ waiting),
    }
    asked = float(problem.rate.sum())
    violations = tuple(
        Violation(
            rule="level-negative",
            where=f"stage {problem.stage_ids[row]}",
            by=float(-level[row]),
        )
        for row in np.flatnonzero(level < 0).tolist()
    )
    return Report(
        objective=sum(parts.values()),
        parts=parts,
        violations=violations,
        figures={
            "ready_rate": float(problem.rate @ ready) / asked if asked > 0 else 1.0,
            "units_on_hand": float(held.sum()) * step,
            "units_waited_for": float(waiting.sum()),
        },
    )


def on_hand_and_owed(
    problem: EchelonProblem, level: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return expected steps on hand and owed, and the chance that a unit is there, (n,) each."""
    held, owed, ready = (np.zeros(problem.num_stages) for _ in range(3))
    nothing = np.ones(1)
    waiting = deque([(problem.groups.get(OUTSIDE, np.zeros(0, np.int64)), nothing)])
    while waiting:
        stages, debt = waiting.popleft()
        for part in _parts(problem, stages, debt.size):
            first, law = _on_order(problem, part, debt)
            at = first[:, None] + np.arange(law.shape[1])
            over = level[part, None] - at
            held[part] = (law * np.maximum(over, 0)).sum(axis=1)
            owed[part] = (law * np.maximum(-over, 0)).sum(axis=1)
            ready[part] = (law * (over > 0)).sum(axis=1)
            for row in np.flatnonzero(problem.has_customers[part]).tolist():
                stage = int(part[row])
                after = _debt(int(first[row]), law[row], int(level[stage]))
                waiting.append((problem.groups[stage], after))
    return held, owed, ready


def _debt(first: int, law: FloatArray, level: int) -> FloatArray:
    """Return the law of what a stage owes, from that of what it has on order."""
    owes = np.arange(first, first + law.size) - level
    most = max(0, int(owes[-1]))
    debt = np.zeros(most + 1)
    np.add.at(debt, np.maximum(owes, 0), law)
    end = int(np.flatnonzero(np.cumsum(debt[::-1])[::-1] > _TAIL).max(initial=0))
    return debt[: end + 1]


def _spread(problem: EchelonProblem, stages: IntArray) -> tuple[FloatArray, ...]:
    """Return mean and standard deviation of the lead time's demand, and the share, in steps."""
    time = problem.lead_time[stages]
    mean = problem.total_rate[stages] * time / problem.step_units
    deviation = np.sqrt(problem.total_variance[stages] * time) / problem.step_units
    return mean, deviation, problem.share[stages]


def _width(problem: EchelonProblem, stages: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Return where laws begin, and a power of 2 that holds them, for each stage."""
    mean, deviation, share = _spread(problem, stages)
    # Poisson laws are skew, so small means need more above them than a normal law does.
    below = np.floor(mean - 9 * deviation - 1)
    if not problem.is_normal:
        below = np.maximum(below, 0)
    most = share * (size - 1)
    debts = np.minimum(size - 1, most + 9 * np.sqrt(most) + 25)
    above = np.ceil(mean + 9 * deviation + 25 + debts)
    wide = np.maximum(above - below + 1, 16)
    return below.astype(np.int64), (2 ** np.ceil(np.log2(wide))).astype(np.int64)


def _parts(problem: EchelonProblem, stages: IntArray, size: int) -> list[IntArray]:
    """Split stages into those of like width, and few enough for one table."""
    if not stages.size:
        return []
    width = _width(problem, stages, size)[1]
    parts = []
    for each in np.unique(width).tolist():
        rows = stages[width == each]
        count = max(1, _BATCH // each)
        parts += [rows[start : start + count] for start in range(0, rows.size, count)]
    return parts


def _on_order(
    problem: EchelonProblem, stages: IntArray, debt: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return the least number on order, and the law from there on, of some stages."""
    first, width = _width(problem, stages, debt.size)
    points = int(width.max())
    mean, deviation, share = _spread(problem, stages)
    angle = -2j * np.pi * np.arange(points // 2 + 1) / points
    turn = np.exp(angle)
    if problem.is_normal:
        transform = np.fft.rfft(_rounded_normal(mean, deviation, first, points), axis=1)
        shift: FloatArray = np.zeros_like(mean)
    else:
        transform = np.exp(mean[:, None] * (turn - 1.0))
        shift = first.astype(np.float64)
    if debt.size > 1:
        # Each unit of debt is this stage's with the chance of its share.
        one = 1.0 - share[:, None] + share[:, None] * turn
        owed = np.full(one.shape, complex(debt[-1]))
        for chance in debt[-2::-1].tolist():
            owed *= one
            owed += chance
        transform = transform * owed
    law = np.fft.irfft(transform * np.exp(-angle * shift[:, None]), n=points, axis=1)
    return first, np.maximum(law, 0.0)


def _rounded_normal(
    mean: FloatArray, deviation: FloatArray, first: IntArray, points: int
) -> FloatArray:
    """Return chances of whole steps under normal laws; all at the mean where nothing varies."""
    from scipy import special

    edge = first[:, None] + np.arange(points + 1) - 0.5
    spread = np.maximum(deviation, 1e-12)[:, None]
    made: FloatArray = np.diff(special.ndtr((edge - mean[:, None]) / spread), axis=1)
    return made
