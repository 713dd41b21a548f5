"""The exact dynamic programme, item by item: value iteration with MacQueen's limits."""

from __future__ import annotations

from dataclasses import dataclass

from dispatchopt.core import Run
from dispatchopt.inventory.perishables.bound import item_bound
from dispatchopt.inventory.perishables.engines._rules import Choices, mean_levels
from dispatchopt.inventory.perishables.policies import optimal_policy
from dispatchopt.inventory.perishables.problem import PerishablesProblem, PerishablesSolution


@dataclass(frozen=True, kw_only=True)
class DynamicEngine:
    """All states of every item.

    Parameters
    ----------
    tolerance
        Relative width of the limits at which value iteration ends.
    """

    tolerance: float = 1e-8
    name: str = "dynamic"
    packages: tuple[str, ...] = ("numpy", "scipy")

    def unsupported(self, problem: PerishablesProblem) -> str | None:  # noqa: ARG002
        """Take every problem."""
        return None

    def search(self, problem: PerishablesProblem, run: Run[PerishablesSolution]) -> None:
        """Solve item by item; items that there is no time for keep a simple level."""
        choices = Choices(mean_levels(problem))
        run.offer(choices.solution())
        least = [item_bound(problem, row) for row in range(len(problem.items))]
        for row, item in enumerate(problem.items):
            if not run.step():
                break
            made = optimal_policy(item, tolerance=self.tolerance)
            choices.take_table(row, made.order_units)
            if item.discount >= 1:
                least[row] = max(least[row], float(made.lower))
            else:
                # Limits hold in every state alike, so the start's lies as far below its value.
                value = float(made.cost[tuple(problem.start(row).tolist())])
                below = float(made.cost.ravel()[0] - made.lower)
                least[row] = max(least[row], value - below)
        run.offer(choices.solution())
        run.raise_bound(sum(least))


ENGINE = DynamicEngine()
