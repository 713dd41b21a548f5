"""Hundreds of orders to the proven optimum: prices rule choices out, HiGHS decides the rest."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core import Run
from dispatchopt.inventory.engines._highs import Limits, minimise
from dispatchopt.inventory.sourcing.engines._model import build
from dispatchopt.inventory.sourcing.engines.neighbourhood import (
    NeighbourhoodEngine,
    choice_of,
    gap_left,
    solution_of,
)
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution


@dataclass(frozen=True, kw_only=True)
class ExactEngine:
    """The neighbourhood engine's prices, then one whole-number model of all orders.

    With prices at which the bound is L and a solution that costs U, a choice that costs its order
    more than U - L beyond the best can stand in no better solution, and is left out.

    Parameters
    ----------
    max_choices
        Choices (a line and a store that may send it) up to which the engine takes a problem.
        HiGHS overruns its time on models that are much larger.
    few_choices
        Choices up to which HiGHS is as fast without prices.
    max_nodes
        Nodes of the search tree, a limit that is the same on any machine.
    """

    max_choices: int = 12_000
    few_choices: int = 4_000
    max_nodes: int = 20_000
    prices: NeighbourhoodEngine = field(
        default_factory=lambda: NeighbourhoodEngine(max_prices=40, price_share=0.3)
    )
    name: str = "exact"
    packages: tuple[str, ...] = ("numpy", "scipy", "highspy")

    def unsupported(self, problem: SourcingProblem) -> str | None:
        """Refuse very large problems."""
        num = problem.choices[0].size
        if num > self.max_choices:
            return f"it takes at most {self.max_choices} pairs of line and store, these are {num}"
        return None

    def search(self, problem: SourcingProblem, run: Run[SourcingSolution]) -> None:
        """Price, rule out, branch."""
        is_few = problem.choices[0].size <= self.few_choices
        prices = dataclasses.replace(self.prices, max_prices=0) if is_few else self.prices
        found = prices.price(problem, run)
        if found is None or run.should_stop():
            return
        pricing, ascent = found
        # The gap must be that of the very prices that the excess is computed with.
        gap = max(0.0, (run.objective or 0.0) - ascent.bound) + 1e-9 * (1 + gap_left(run))
        gap += 1e-9 * (1.0 + abs(run.objective or 0.0))
        choice = np.flatnonzero(pricing.excess(ascent.best_price) <= gap)
        lost = float(problem.unserved_cost.sum())
        part = build(pricing, choice, pricing.stock, offset=lost)
        limits = Limits(
            time_s=run.time_left_s, nodes=self.max_nodes, gap_relative=run.gap, seed=run.seed
        )
        # The known solution may take a choice that was ruled out, as it is not better than itself.
        chosen = choice_of(pricing, run)
        is_known = np.isin(chosen[chosen >= 0], part.choice).all()
        start = part.columns(pricing, chosen) if is_known else None
        outcome = minimise(part.model, limits, run.should_stop, start)
        run.step()
        if outcome.is_taken is not None:
            taken = part.choice[outcome.is_taken[: part.choice.size]]
            better = np.full(problem.num_lines, -1, dtype=np.int64)
            better[pricing.line[taken]] = taken
            run.offer(solution_of(pricing, better))
        # Whatever was ruled out costs at least as much as the best known.
        run.raise_bound(min(outcome.bound, run.objective or 0.0))


ENGINE = ExactEngine()
