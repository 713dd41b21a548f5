"""Any tree under Poisson demand: inner levels by descent, leaves at their best for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.inventory.echelon.engines._levels import simple_levels, spare_costs
from dispatchopt.inventory.echelon.engines._tree import Tree
from dispatchopt.inventory.echelon.engines._two_levels import TwoLevels
from dispatchopt.inventory.echelon.problem import EchelonProblem, EchelonSolution


@dataclass(frozen=True, kw_only=True)
class DescentEngine:
    """Tree by tree, without a search for the proof; two levels are bounded by what was tried."""

    name: str = "descent"
    packages: tuple[str, ...] = ("numpy", "scipy")

    def unsupported(self, problem: EchelonProblem) -> str | None:
        """Refuse the normal law, under which lines are solved exactly."""
        return "it takes Poisson demand only" if problem.is_normal else None

    def search(self, problem: EchelonProblem, run: Run[EchelonSolution]) -> None:
        """Improve tree by tree; trees that there is no time for keep simple levels."""
        level = simple_levels(problem)
        run.offer(EchelonSolution(level_steps=level))
        spare = spare_costs(problem)
        bound = float(problem.in_transit_cost.sum()) + sum(spare.values())
        none = np.zeros(0, dtype=np.int64)
        for root, least in spare.items():
            if not run.step():
                break
            below = problem.groups.get(root, none)
            if below.size and not problem.has_customers[below].any():
                tree = TwoLevels(problem, root)
                tree.descend(run.should_stop)
                # What was tried already bounds what lies between.
                bound += max(tree.prove(0.0, lambda: True) - least, 0.0)
                best = tree.best()
                level[root], level[below] = best, tree.at(best)[2]
            else:
                deep = Tree(problem, root)
                deep.descend(run.should_stop)
                for stage, own in deep.level.items():
                    level[stage] = own
                    level[deep.stores[stage].stages] = deep.store_levels[stage]
        run.offer(EchelonSolution(level_steps=level))
        run.raise_bound(min(bound, run.objective or bound))


ENGINE = DescentEngine()
