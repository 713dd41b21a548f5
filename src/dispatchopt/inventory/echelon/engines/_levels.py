"""Levels to begin with, and what a tree costs at the least."""

from __future__ import annotations

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.inventory.echelon.bound import newsvendor_cost
from dispatchopt.inventory.echelon.problem import OUTSIDE, EchelonProblem


def simple_levels(problem: EchelonProblem) -> IntArray:
    """Return levels that cover mean demand of all lead times above and a stage's own, at once."""
    time = problem.lead_time
    mean = problem.total_rate * time / problem.step_units
    spread = np.sqrt(problem.total_variance * time) / problem.step_units
    return np.maximum(np.ceil(mean + spread), 0.0).astype(np.int64)


def roots_of(problem: EchelonProblem) -> IntArray:
    """Return the root of the tree of each stage."""
    root = np.arange(problem.num_stages)
    above = problem.supplier
    while (above >= 0).any():
        root = np.where(above >= 0, above, root)
        above = np.where(above >= 0, problem.supplier[above], OUTSIDE)
    return root


def spare_costs(problem: EchelonProblem) -> dict[int, float]:
    """Return the least cost of each tree, in transit apart, if no supplier kept anybody waiting."""
    roots = problem.groups.get(OUTSIDE, np.zeros(0, dtype=np.int64))
    total = np.zeros(problem.num_stages)
    if not problem.is_normal:
        leaf = np.flatnonzero((problem.rate > 0) & ~problem.has_customers)
        mean = problem.rate[leaf] * problem.lead_time[leaf]
        cost = newsvendor_cost(mean, problem.holding_cost[leaf], problem.shortage_cost[leaf])
        np.add.at(total, roots_of(problem)[leaf], cost)
    return dict(zip(roots.tolist(), total[roots].tolist(), strict=True))
