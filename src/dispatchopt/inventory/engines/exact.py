"""Small allocations to the proven optimum: dual prices fix most steps, a MIP the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from dispatchopt.core import Run
from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.engines._highs import Limits, WholeModel, minimise
from dispatchopt.inventory.engines._prices import Prices
from dispatchopt.inventory.engines.dual import DualEngine
from dispatchopt.inventory.problem import InventoryProblem, InventorySolution

#: Slack when steps are fixed, against rounding in the sums that bound and cost are.
_SLACK = 1e-9


@dataclass(frozen=True, kw_only=True)
class ExactEngine:
    """The dual engine, then HiGHS on the steps that its prices leave open.

    With prices at which the bound is L and orders that cost U, taking a step against its net
    saving r costs at least ``L + |r|``. Where that exceeds U, no better orders do it, and the step
    is fixed. What is left is a knapsack problem of a few hundred binaries.

    Parameters
    ----------
    max_pairs
        Pairs up to which the engine takes a problem.
    max_open
        Open steps beyond which the dual engine's answer is left as it is.
    max_nodes
        Nodes of the search tree, a limit that is the same on any machine.
    """

    max_pairs: int = 5_000
    max_open: int = 4_000
    max_nodes: int = 2_000
    dual: DualEngine = field(default_factory=DualEngine)
    name: str = "exact"
    packages: tuple[str, ...] = ("numpy", "scipy", "highspy")

    def unsupported(self, problem: InventoryProblem) -> str | None:
        """Refuse what the dual engine refuses, and very large problems."""
        pairs = problem.num_stores * problem.num_skus
        if pairs > self.max_pairs:
            return f"it takes at most {self.max_pairs} pairs of store and SKU, these are {pairs}"
        return self.dual.unsupported(problem)

    def search(self, problem: InventoryProblem, run: Run[InventorySolution]) -> None:
        """Price, fix, branch."""
        prices = self.dual.price(problem, run)
        if prices is None or run.objective is None or not prices.steps.is_fine:
            return
        if run.should_stop():
            return
        steps = prices.steps
        net = (steps.gain - _price_of_step(prices)) * steps.units_of_pair()[steps.pair]
        gap = run.objective - prices.bound
        gap += _SLACK * (1.0 + abs(run.objective))
        is_open = np.abs(net) <= gap
        if np.count_nonzero(is_open) > self.max_open:
            run.note("Too many steps stay open for a proof: the answer is the dual engine's.")
            return
        is_taken = net > 0
        taken, bound = self._branch(prices, np.flatnonzero(is_open), is_taken & ~is_open, run)
        run.step()
        if taken is not None:
            counts = steps.counts(taken)
            run.offer(InventorySolution(order_units=steps.order(counts)))
        # Pairs with a part of their range only may have better levels outside it.
        if not steps.wide.size and bound is not None:
            run.raise_bound(min(bound, run.objective))

    def _branch(
        self, prices: Prices, which: IntArray, is_fixed: np.ndarray, run: Run[InventorySolution]
    ) -> tuple[np.ndarray | None, float | None]:
        """Solve for the open steps; return all steps taken, and a bound on the cost."""
        steps = prices.steps
        units = steps.units_of_pair()[steps.pair].astype(np.float64)
        fixed_cost = steps.base_cost - float((steps.gain * units)[is_fixed].sum())
        if not which.size:
            return is_fixed, fixed_cost
        limits = Limits(
            time_s=run.time_left_s, nodes=self.max_nodes, gap_relative=run.gap, seed=run.seed
        )
        model = _model(prices, which, is_fixed, fixed_cost)
        outcome = minimise(model, limits, run.should_stop)
        taken = None
        if outcome.is_taken is not None:
            taken = is_fixed.copy()
            taken[which[outcome.is_taken]] = True
        return taken, outcome.bound if math.isfinite(outcome.bound) else None


def _price_of_step(prices: Prices) -> FloatArray:
    store, sku = np.divmod(prices.steps.pair, prices.steps.problem.num_skus)
    price = prices.stock_price[sku] + prices.room_price[store] * prices.volume[sku]
    return np.asarray(price)


def _model(prices: Prices, which: IntArray, is_fixed: np.ndarray, fixed_cost: float) -> WholeModel:
    """Which open steps to take: most saving within the stock and the room that is left."""
    steps = prices.steps
    num_stores, num_skus = steps.problem.shape
    units = steps.units_of_pair()[steps.pair].astype(np.float64)
    store, sku = np.divmod(steps.pair, num_skus)
    used = np.where(is_fixed, units, 0.0)
    stock = np.full(num_skus, np.inf) if prices.stock is None else prices.stock.copy()
    stock -= np.bincount(sku, weights=used, minlength=num_skus)
    room = np.full(num_stores, np.inf) if prices.room is None else prices.room.copy()
    room -= np.bincount(store, weights=used * prices.volume[sku], minlength=num_stores)
    # Rows are scaled to the size of a case pack or a litre, as the solver's tolerances expect.
    pack = prices.pack.astype(np.float64)
    litre = 1000.0
    rows = np.stack([sku[which], num_skus + store[which]], axis=1)
    volume = units[which] * prices.volume[sku[which]] / litre
    values = np.stack([units[which] / pack[sku[which]], volume], axis=1)
    return WholeModel(
        cost=-(steps.gain * units)[which],
        starts=2 * np.arange(which.size + 1),
        index=rows.ravel(),
        value=values.ravel(),
        row_upper=np.concatenate([stock / pack, room / litre]),
        offset=fixed_cost,
    )


ENGINE = ExactEngine()
