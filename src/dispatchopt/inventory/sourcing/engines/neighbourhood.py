"""Thousands of orders: prices of stock prove a bound, and groups of near orders are re-sourced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.tolerance import relative_gap
from dispatchopt.inventory.engines._highs import Limits, minimise
from dispatchopt.inventory.sourcing.engines._ascent import Ascent
from dispatchopt.inventory.sourcing.engines._model import build
from dispatchopt.inventory.sourcing.engines._pricing import Pricing
from dispatchopt.inventory.sourcing.online import source_in_turn
from dispatchopt.inventory.sourcing.problem import SourcingProblem, SourcingSolution

#: Evaluations of the dual that count as one step of the run.
_PER_STEP = 20
#: Shares of the dual prices at which orders are sourced in turn. Full prices hold back stock
#: wherever two choices tie.
_SHARES = (0.5, 0.8)
#: Time that a group is given, over the time that the longest so far has taken.
_ROOM = 1.25


@dataclass(frozen=True, kw_only=True)
class NeighbourhoodEngine:
    """Lagrangian bound, sourcing in turn at its prices, then whole-number search by groups.

    Parameters
    ----------
    max_prices
        Evaluations of the dual at most.
    price_share
        Share of the time that the dual gets at most.
    size
        Orders of a group.
    patience
        Groups in turn without an improvement after which the search ends.
    max_nodes
        Nodes of a group's search tree, a limit that is the same on any machine.
    """

    max_prices: int = 300
    price_share: float = 0.35
    size: int = 80
    patience: int = 60
    max_nodes: int = 50
    name: str = "neighbourhood"
    packages: tuple[str, ...] = ("numpy", "scipy", "highspy")

    def unsupported(self, problem: SourcingProblem) -> str | None:  # noqa: ARG002
        """Take every problem."""
        return None

    def search(self, problem: SourcingProblem, run: Run[SourcingSolution]) -> None:
        """Price, source, improve."""
        found = self.price(problem, run)
        if found is None or run.should_stop():
            return
        pricing, ascent = found
        orders = Groups(pricing, ascent)
        chosen = choice_of(pricing, run)
        idle, longest = 0, 0.0
        # HiGHS ends late where its presolve is long: no group is begun that may outlast the run.
        while idle < self.patience and not run.should_stop() and run.time_left_s > _ROOM * longest:
            begin = run.clock.elapsed_s
            better = self._improve(orders, chosen, run)
            longest = max(longest, run.clock.elapsed_s - begin)
            idle = 0 if better is not None else idle + 1
            if better is not None:
                chosen = better
                run.offer(solution_of(pricing, chosen))
            run.step()

    def price(
        self, problem: SourcingProblem, run: Run[SourcingSolution]
    ) -> tuple[Pricing, Ascent] | None:
        """Raise the bound and source in turn at its prices; None if the run ended before."""
        if run.solution is None:
            nothing = np.full(problem.num_lines, -1, dtype=np.int64)
            run.offer(SourcingSolution(store_of_line=nothing))
        if not problem.choices[0].size and run.objective is not None:
            # Nothing can be served, so that serving nothing is best.
            run.raise_bound(run.objective)
            run.step()
        if run.should_stop():
            return None
        run.offer(source_in_turn(problem))
        pricing = Pricing(problem)
        ascent = Ascent(pricing)
        until = (1 - self.price_share) * run.time_left_s
        for done in range(1, self.max_prices + 1):
            ascent.step(run.objective or 0.0)
            if done % _PER_STEP == 0 or ascent.is_settled:
                run.raise_bound(ascent.bound)
                run.step()
            is_late = np.isfinite(until) and run.time_left_s < until
            if ascent.is_settled or is_late or run.should_stop():
                break
        run.raise_bound(ascent.bound)
        price = price_table(pricing, ascent.best_price)
        for share in _SHARES if price.any() else ():
            if run.should_stop():
                break
            run.offer(source_in_turn(problem, share * price))
        return pricing, ascent

    def _improve(
        self, orders: Groups, chosen: IntArray, run: Run[SourcingSolution]
    ) -> IntArray | None:
        """Re-source a group of orders with all else as it is; None if that saves nothing."""
        pricing, problem = orders.pricing, orders.pricing.problem
        group = orders.draw(chosen, self.size, run.rng)
        is_free = group[problem.line_order]
        rest = np.where(is_free, -1, chosen)
        left = pricing.stock - pricing.usage(rest)
        part = build(pricing, np.flatnonzero(is_free[pricing.line]), left)
        if not part.choice.size:
            return None
        start = part.columns(pricing, np.where(is_free, chosen, -1))
        before = float(start @ part.model.cost)
        limits = Limits(
            time_s=run.time_left_s / _ROOM,
            nodes=self.max_nodes,
            gap_relative=1e-4,
            gap_absolute=1e-6,
            seed=run.seed,
        )
        outcome = minimise(part.model, limits, run.should_stop, start)
        if outcome.is_taken is None:
            return None
        after = float(part.model.cost[outcome.is_taken].sum())
        if after >= before - 1e-7 * (1.0 + abs(before)):
            return None
        taken = part.choice[outcome.is_taken[: part.choice.size]]
        rest[pricing.line[taken]] = taken
        return rest


class Groups:
    """Draws orders that compete for the same stores, where the bound says that there is a loss."""

    def __init__(self, pricing: Pricing, ascent: Ascent) -> None:
        from scipy import sparse

        self.pricing = pricing
        problem = pricing.problem
        self.price = ascent.best_price
        self.value = pricing.evaluate(self.price).value
        ones = np.ones(problem.num_options)
        pairs = (problem.option_order, problem.option_store)
        shape = (problem.num_orders, problem.num_stores)
        self.reach: Any = sparse.csr_matrix((ones, pairs), shape=shape)

    def draw(self, chosen: IntArray, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return which orders are free: (O,) bool."""
        excess = np.maximum(self._cost(chosen) - self.value, 0.0)
        weight = excess + 1e-3 * (1.0 + excess.mean())
        seed = int(rng.choice(weight.size, p=weight / weight.sum()))
        near = np.asarray((self.reach @ self.reach[seed].T).todense()).ravel()
        # Nearest first, dearest among equals; a little chance so that groups differ.
        score = near * rng.uniform(0.6, 1.0, near.size) + 0.5 * excess / (1e-9 + excess.max())
        score[seed] = np.inf
        free = np.zeros(weight.size, dtype=bool)
        count = min(size, weight.size)
        free[np.argpartition(-score, count - 1)[:count]] = True
        return free

    def _cost(self, chosen: IntArray) -> FloatArray:
        """Cost of each order with prices."""
        problem, pricing = self.pricing.problem, self.pricing
        served = np.flatnonzero(chosen >= 0)
        choice = chosen[served]
        paid = problem.unserved_cost.copy()
        paid[served] = self.price[pricing.cell[choice]] * pricing.units[choice]
        num = problem.num_orders
        cost = np.bincount(problem.line_order, paid, minlength=num).astype(np.float64)
        options = np.unique(pricing.option[choice])
        ship = problem.shipment_cost[options] + problem.split_cost
        owner = problem.option_order[options]
        cost += np.bincount(owner, ship, minlength=num)
        cost[np.unique(owner)] -= problem.split_cost
        return cost


def price_table(pricing: Pricing, price: FloatArray) -> FloatArray:
    """Return prices of cells as a table of stores x SKUs, 0 where nothing competes."""
    table = np.zeros(pricing.problem.stock_units.shape)
    table.flat[pricing.cell_key] = price
    return table


def choice_of(pricing: Pricing, run: Run[SourcingSolution]) -> IntArray:
    """Return the run's best solution as the choice of each line."""
    problem = pricing.problem
    chosen = np.full(problem.num_lines, -1, dtype=np.int64)
    if run.solution is not None:
        store = problem.option_store[pricing.option]
        is_taken = run.solution.store_of_line[pricing.line] == store
        chosen[pricing.line[is_taken]] = np.flatnonzero(is_taken)
    return chosen


def solution_of(pricing: Pricing, chosen: IntArray) -> SourcingSolution:
    """Return the store of each line."""
    store = np.full(chosen.size, -1, dtype=np.int64)
    served = chosen >= 0
    store[served] = pricing.problem.option_store[pricing.option[chosen[served]]]
    return SourcingSolution(store_of_line=store)


def gap_left(run: Run[SourcingSolution]) -> float:
    """Absolute gap between the best solution and the bound, widened by rounding."""
    cost = run.objective or 0.0
    if relative_gap(cost, run.bound) == 0.0:
        return 0.0
    return cost - run.bound + 1e-9 * (1.0 + abs(cost))


ENGINE = NeighbourhoodEngine()
