"""Scarce stock over full stores: prices by the Lagrangian dual, then repair.

Every round prices room and stock in turn, which raises a proven bound; now and then the orders
that pay at these prices are made to fit and offered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.tolerance import relative_gap
from dispatchopt.inventory.engines._prices import Prices
from dispatchopt.inventory.engines._repair import Repair
from dispatchopt.inventory.engines._steps import Halted, build, refine
from dispatchopt.inventory.problem import InventoryProblem, InventorySolution, LevelRule


@dataclass(frozen=True, kw_only=True)
class DualEngine:
    """Coordinate ascent on the prices of stock and room, with repair.

    Parameters
    ----------
    max_rounds
        Rounds after which the prices are as good as they get.
    min_rise
        Relative rise of the bound in a round below which the prices have settled.
    """

    max_rounds: int = 60
    min_rise: float = 1e-6
    name: str = "dual"
    packages: tuple[str, ...] = ("numpy", "scipy")

    def unsupported(self, problem: InventoryProblem) -> str | None:
        """Refuse service targets: with limits they may have no answer, and costs decide."""
        if problem.rule is not LevelRule.CRITICAL_RATIO and problem.is_coupled:
            return (
                f"under limits on stock or room the rule {problem.rule} has no meaning: use "
                f"{LevelRule.CRITICAL_RATIO}, which says what to give up first"
            )
        if problem.rule is not LevelRule.CRITICAL_RATIO:
            return f"without limits the rule {problem.rule} is for the engine 'levels'"
        return None

    def search(self, problem: InventoryProblem, run: Run[InventorySolution]) -> None:
        """Price, repair, refine."""
        self.price(problem, run)

    def price(self, problem: InventoryProblem, run: Run[InventorySolution]) -> Prices | None:
        """Search, and return the last prices; None if the run ended before there were any."""
        if not keeps_limits(problem):
            run.prove_infeasible()
            run.note("The least orders that reach the facings exceed the stock or the room.")
            return None
        if run.solution is None:
            # Sending no more than the facings need is always allowed: an answer at any time.
            run.offer(InventorySolution(order_units=problem.min_order_units))
        if not problem.mean_units.size:
            run.raise_bound(0.0)
            run.step()
            return None
        try:
            steps = build(problem, run.should_stop)
        except Halted:
            return None
        last: Prices | None = None
        while not run.should_stop():
            prices = Prices(steps)
            if last is not None:
                prices.carry_over(last)
            counts = self._raise(prices, run)
            last = prices
            if steps.is_fine or counts is None:
                break
            steps = refine(steps, counts)
        return last

    def _raise(self, prices: Prices, run: Run[InventorySolution]) -> np.ndarray | None:
        """Raise the bound round by round; return the steps of each pair in the last orders."""
        counts, due, claimed = None, 2, np.inf
        best = -np.inf
        for done in range(1, self.max_rounds + 1):
            if done > 1:
                prices.price_room()
            prices.price_stock()
            run.raise_bound(prices.bound)
            is_going = run.step()
            rise = (prices.bound - best) / max(1e-300, abs(prices.bound))
            best = max(best, prices.bound)
            is_last = (done > 1 and rise < self.min_rise) or done == self.max_rounds
            is_late = run.time_left_s <= 0
            if done == due or is_last or (not is_going and not is_late):
                repair = Repair(prices)
                is_taken = repair.run()
                counts = prices.steps.counts(is_taken)
                claimed = repair.cost()
                if claimed < (np.inf if run.objective is None else run.objective):
                    orders = InventorySolution(order_units=prices.steps.order(counts))
                    run.offer(orders, claimed=claimed)
                due *= 4
            if is_last or run.should_stop() or relative_gap(claimed, run.bound) <= run.gap:
                break
        return counts


def keeps_limits(problem: InventoryProblem) -> bool:
    """Whether the least orders fit: if they do not, nothing does, as orders only add."""
    least = problem.min_order_units.astype(np.float64)
    if problem.available_units is not None and (least.sum(axis=0) > problem.available_units).any():
        return False
    if problem.room_ml is None:
        return True
    return bool((least @ problem.volume_ml.astype(np.float64) <= problem.room_ml).all())


ENGINE = DualEngine()
