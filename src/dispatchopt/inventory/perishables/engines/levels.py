"""Levels to fill up to, with and without expected waste, the cheaper one for each item."""

from __future__ import annotations

from dataclasses import dataclass

from dispatchopt.core import Run
from dispatchopt.inventory.perishables.engines._rules import Choices, mean_levels
from dispatchopt.inventory.perishables.policies import best_level
from dispatchopt.inventory.perishables.problem import (
    OrderRule,
    PerishablesProblem,
    PerishablesSolution,
)


@dataclass(frozen=True, kw_only=True)
class LevelsEngine:
    """The best level of each rule, evaluated exactly; a planner can work with a number."""

    name: str = "levels"
    packages: tuple[str, ...] = ("numpy", "scipy")

    def unsupported(self, problem: PerishablesProblem) -> str | None:  # noqa: ARG002
        """Take every problem."""
        return None

    def search(self, problem: PerishablesProblem, run: Run[PerishablesSolution]) -> None:
        """Choose item by item."""
        choices = Choices(mean_levels(problem))
        run.offer(choices.solution())
        for row, item in enumerate(problem.items):
            if not run.step():
                break
            found = []
            for rule in (OrderRule.ORDER_UP_TO, OrderRule.WASTE_ADJUSTED):
                counts = rule is OrderRule.WASTE_ADJUSTED
                first = tuple(problem.start(row).tolist())
                level, cost = best_level(item, count_waste=counts, start=first)
                found.append((round(cost, 6), rule, level))
            _, rule, level = min(found, key=lambda each: each[0])
            choices.take_level(row, rule, level)
        run.offer(choices.solution())


ENGINE = LevelsEngine()
