"""Lines of stages by the recursion of Clark and Scarf; warehouses with stores level by level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.echelon.engines._laws import TAIL, poisson
from dispatchopt.inventory.echelon.engines._levels import roots_of, simple_levels, spare_costs
from dispatchopt.inventory.echelon.engines._two_levels import TwoLevels
from dispatchopt.inventory.echelon.formulas import line_levels
from dispatchopt.inventory.echelon.problem import EchelonProblem, EchelonSolution


@dataclass(frozen=True, kw_only=True)
class ExactEngine:
    """Every tree by itself: a line by recursion, two levels by search with a proof."""

    name: str = "exact"
    packages: tuple[str, ...] = ("numpy", "scipy")

    def unsupported(self, problem: EchelonProblem) -> str | None:
        """Refuse trees that branch below a second level, and lines that grow cheaper downstream."""
        inside = np.flatnonzero(problem.supplier >= 0)
        above = problem.supplier[inside]
        children = np.bincount(above, minlength=problem.num_stages)
        roots = roots_of(problem)
        is_line = np.ones(problem.num_stages, dtype=bool)
        is_line[roots[(children > 1) | (problem.has_customers & (problem.rate > 0))]] = False
        is_deep = np.zeros(problem.num_stages, dtype=bool)
        is_deep[roots[problem.level_of_stage > 1]] = True
        if (is_deep & ~is_line).any():
            return "a tree branches below its second level"
        cheaper = problem.holding_cost[inside] < problem.holding_cost[above]
        if (cheaper & is_deep[roots[inside]]).any() or (problem.is_normal and cheaper.any()):
            return "stock in a line costs less downstream than upstream"
        return None

    def search(self, problem: EchelonProblem, run: Run[EchelonSolution]) -> None:
        """Solve tree by tree; trees that there is no time for keep simple levels."""
        level = simple_levels(problem)
        run.offer(EchelonSolution(level_steps=level))
        spare = spare_costs(problem)
        bound = float(problem.in_transit_cost.sum()) + sum(spare.values())
        for root, least in spare.items():
            if not run.step():
                break
            children = problem.groups.get(root, np.zeros(0, dtype=np.int64))
            if problem.is_normal or not _is_two_levels(problem, root, children):
                stages, steps, cost = _line(problem, root)
            else:
                tree = TwoLevels(problem, root)
                tree.descend(run.should_stop)
                cost = tree.prove(run.gap, run.should_stop)
                best = tree.best()
                stages = np.concatenate([[root], children])
                steps = np.concatenate([[best], tree.at(best)[2]])
            level[stages] = steps
            bound += max(cost - least, 0.0)
        run.offer(EchelonSolution(level_steps=level))
        run.raise_bound(bound)


def _is_two_levels(problem: EchelonProblem, root: int, children: IntArray) -> bool:
    if not children.size or problem.has_customers[children].any():
        return False
    held = problem.holding_cost
    is_line = children.size == 1 and held[children[0]] >= held[root] and problem.rate[root] <= 0
    return not is_line


def _line(problem: EchelonProblem, root: int) -> tuple[IntArray, IntArray, float]:
    """Return the stages of a line, their levels, and their cost, in transit apart."""
    stages = [root]
    while problem.has_customers[stages[-1]]:
        stages.append(int(problem.groups[stages[-1]][0]))
    line = np.array(stages[::-1])
    step = problem.step_units
    if problem.rate[line[0]] <= 0:
        return line, np.zeros(line.size, dtype=np.int64), 0.0
    laws = [_law(problem, stage) for stage in line.tolist()]
    held = problem.holding_cost[line]
    echelon = held - np.append(held[1:], 0.0)
    units, cost = line_levels(laws, echelon.tolist(), float(problem.shortage_cost[line[0]]))
    # A level above that of a supplier is never filled: the least from a stage on counts.
    least = np.minimum.accumulate(np.array(units)[::-1])[::-1]
    own = np.maximum(np.diff(least, prepend=0), 0)
    # In transit by the mean of the rounded law, so that what remains is stock and shortage alone.
    way = [float((first + np.arange(law.size)) @ law) for first, law in laws]
    moving = float(np.append(held[1:], 0.0) @ np.array(way))
    return line, own, (cost - moving) * step


def _law(problem: EchelonProblem, stage: int) -> tuple[int, FloatArray]:
    """Return the least demand of a stage's lead time in steps, and the chances from there."""
    time = float(problem.lead_time[stage])
    mean = float(problem.total_rate[stage]) * time / problem.step_units
    if not problem.is_normal:
        law = poisson(np.array([mean]))[0]
        return 0, law / law.sum()
    from scipy import stats

    spread = max(float(np.sqrt(problem.total_variance[stage] * time)) / problem.step_units, 1e-12)
    reach = -stats.norm.ppf(TAIL) * spread
    first, last = int(np.floor(mean - reach)), int(np.ceil(mean + reach))
    edge = np.arange(first, last + 2) - 0.5
    law = np.diff(stats.norm.cdf(edge, mean, spread))
    return first, law / law.sum()


ENGINE = ExactEngine()
