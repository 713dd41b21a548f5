"""Each pair at its own best level: exact where nothing ties pairs together."""

from __future__ import annotations

from dataclasses import dataclass

from dispatchopt.core import Run
from dispatchopt.inventory.levels import free_levels
from dispatchopt.inventory.problem import InventoryProblem, InventorySolution


@dataclass(frozen=True, kw_only=True)
class LevelsEngine:
    """Newsvendor optimum, or least level that meets the target, pair by pair."""

    name: str = "levels"
    packages: tuple[str, ...] = ("numpy", "scipy")

    def unsupported(self, problem: InventoryProblem) -> str | None:
        """Refuse problems in which pairs compete for stock or room."""
        if not problem.is_coupled:
            return None
        limits = ("available_units", "store_volume_ml", "delivery_volume_ml")
        given = [name for name in limits if getattr(problem, name) is not None]
        return f"it sets each pair on its own, and {', '.join(given)} tie pairs together"

    def search(self, problem: InventoryProblem, run: Run[InventorySolution]) -> None:
        """Set all levels at once; a closed form has no use for a limit."""
        best = free_levels(problem)
        run.step()
        run.offer(InventorySolution(order_units=best.order_units), claimed=best.cost)
        run.raise_bound(best.cost)


ENGINE = LevelsEngine()
