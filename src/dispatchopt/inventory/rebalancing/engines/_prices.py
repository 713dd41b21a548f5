"""Prices of the room on lanes: a bound for any transfers on vans, and plans of single SKUs.

With prices the SKUs part. The best prices come from a master problem over the plans seen so far
(Dantzig and Wolfe, Operations Research 8, 1960), smoothed towards the best prices known (Wentges,
International Transactions in Operational Research 4, 1997).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.core.errors import EngineError
from dispatchopt.inventory.rebalancing.engines._flow import Flows

#: Share of the best known prices in the prices tried next.
_SMOOTHING = 0.4
#: Relative rise that counts.
_RISE = 1e-7


class Prices:
    """Prices of a lane's whole room, the bound that they prove, and the plans seen.

    With price u of all of a lane's room, a unit of volume v pays u v / room on top, and the lane
    itself brings ``min(0, cost - u)``, as it is used if that is less than nothing.

    Attributes
    ----------
    bound
        Best bound so far.
    price, best
        Prices to try next, and those of the best bound, (L,).
    profit
        What each SKU saves at the last prices, negative, (K,).
    """

    def __init__(self, flows: Flows, base: float) -> None:
        problem = flows.problem
        self.flows, self.base = flows, base
        self.volume = problem.stock.volume_ml.astype(np.float64)
        useful = np.zeros(problem.num_lanes)
        for sku in range(problem.num_skus):
            lanes = flows.lanes(sku)
            most = problem.movable_units[problem.lane_from[lanes], sku]
            useful[lanes] += most * self.volume[sku]
        room = useful if problem.capacity_ml is None else np.minimum(problem.capacity_ml, useful)
        self.room = np.maximum(room, 1e-9)
        self.price = problem.lane_cost.copy()
        self.best, self.bound = self.price, -np.inf
        self.profit = np.zeros(problem.num_skus)
        self.plans: list[list[IntArray]] = [[] for _ in range(problem.num_skus)]
        self.is_new = True

    @property
    def num_columns(self) -> int:
        """Units and lanes that can pay, the columns of one model of all."""
        worth = self.flows.worth
        return int(worth.lane.size + worth.down.store.size + worth.up.store.size)

    @property
    def order(self) -> IntArray:
        """SKUs by what their transfers save, most first."""
        return np.argsort(self.profit, kind="stable")

    def evaluate(self, should_stop: Callable[[], bool]) -> bool:
        """Solve all SKUs at the prices and keep their plans; returns whether the bound rose."""
        problem = self.flows.problem
        total = self.base
        self.is_new = False
        for sku in range(problem.num_skus):
            lanes = self.flows.lanes(sku)
            price = self.price[lanes] / self.room[lanes] * self.volume[sku]
            units, cost = self.flows.best(sku, price)
            total += cost
            self.profit[sku] = cost
            known = self.plans[sku]
            if units.any() and not any(np.array_equal(units, each) for each in known):
                known.append(units)
                self.is_new = True
            if sku % 20 == 0 and should_stop():
                return False
        total += float(np.minimum(problem.lane_cost - self.price, 0.0).sum())
        rose = total > self.bound + _RISE * (1 + abs(total))
        if total > self.bound:
            self.bound, self.best = total, self.price.copy()
        return rose


class Master:
    """The master problem in HiGHS, to which plans are added."""

    def __init__(self, prices: Prices) -> None:
        import highspy

        self.prices = prices
        problem = prices.flows.problem
        skus = problem.num_skus
        self.known = [0] * skus
        solver = highspy.Highs()
        for name, value in (("output_flag", False), ("threads", 1), ("solver", "simplex")):
            solver.setOptionValue(name, value)
        is_free = problem.lane_cost <= 0
        upper = np.concatenate([is_free * 1.0, np.ones(skus)])
        for bound in upper.tolist():
            solver.addRow(-np.inf, bound, 0, np.zeros(0, np.int32), np.zeros(0))
        for lane in np.flatnonzero(~is_free).tolist():
            row = np.array([lane], dtype=np.int32)
            solver.addCol(float(problem.lane_cost[lane]), 0.0, 1.0, 1, row, -np.ones(1))
        self.solver = solver

    def move(self) -> float:
        """Set the prices to try next; return a bound that no prices exceed."""
        import highspy

        prices, solver = self.prices, self.solver
        problem = prices.flows.problem
        for sku, plans in enumerate(prices.plans):
            lanes = prices.flows.lanes(sku)
            for units in plans[self.known[sku] :]:
                used = np.flatnonzero(units)
                row = np.append(lanes[used], problem.num_lanes + sku).astype(np.int32)
                share = units[used] * prices.volume[sku] / prices.room[lanes[used]]
                cost = prices.flows.cost(sku, units)
                value = np.append(share, 1.0)
                solver.addCol(cost, 0.0, np.inf, row.size, row, value)
            self.known[sku] = len(plans)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise EngineError("the master problem of transfers failed")
        dual = -np.asarray(solver.getSolution().row_dual)[: problem.num_lanes]
        dual = np.maximum(dual, 0.0)
        prices.price = _SMOOTHING * prices.best + (1 - _SMOOTHING) * dual
        if not prices.is_new:
            prices.price = dual
        return prices.base + float(solver.getInfo().objective_function_value)
