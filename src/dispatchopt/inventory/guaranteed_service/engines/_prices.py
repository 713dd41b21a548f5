"""Prices on the arcs outside the forest, raised until the bound stops rising."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.inventory.guaranteed_service.engines._forest import Box, Forest, Priced
from dispatchopt.inventory.guaranteed_service.problem import GuaranteedServiceProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class Ascent:
    """The best bound within a box, its prices, and the answer that belongs to them."""

    bound: float
    price: FloatArray
    answer: Priced


class Pricing:
    """Subgradient ascent over a forest, and answers made from what it meets."""

    def __init__(self, problem: GuaranteedServiceProblem) -> None:
        self.problem = problem
        rate = problem.cost_rate
        # Dear arcs first: what is relaxed should matter little.
        weight = np.minimum(rate[problem.supplier], rate[problem.customer])
        self.forest = Forest(problem, weight)
        relaxed = self.forest.relaxed
        self.supplier, self.customer = problem.supplier[relaxed], problem.customer[relaxed]
        self.best_cost = math.inf
        self.best_service: IntArray | None = None

    def cost_of(self, service: IntArray) -> float:
        """Return the cost of feasible service times."""
        problem = self.problem
        wait = problem.inbound.copy()
        np.maximum.at(wait, problem.customer, service[problem.supplier])
        net = wait + problem.time_periods - service
        return float(problem.cost_rate @ np.sqrt(net))

    def ascend(
        self,
        box: Box,
        price: FloatArray,
        *,
        steps: int,
        proceed: Callable[[Pricing, float], bool],
        size: float = 1.0,
    ) -> Ascent:
        """Raise the bound within a box.

        Parameters
        ----------
        box
            Limits of waits and service times; not empty.
        price
            Prices to start from, (relaxed arcs,).
        steps
            Most steps.
        proceed
            Asked after each step, with the bound; False ends the ascent.
        size
            Share of the step that would close the gap (Polyak); halved when nothing improves.
        """
        num = self.problem.num_stages
        best = Ascent(
            bound=-math.inf,
            price=price,
            answer=Priced(cost=-math.inf, wait=box.wait_low, service=box.service_low),
        )
        stalled = 0
        for _ in range(steps):
            wait_price, service_price = np.zeros(num), np.zeros(num)
            np.subtract.at(wait_price, self.customer, price)
            np.add.at(service_price, self.supplier, price)
            made = self.forest.solve(box, wait_price, service_price)
            if made.cost > best.bound:
                stalled = 0 if made.cost > best.bound + 1e-5 * abs(made.cost) else stalled + 1
                best = Ascent(bound=made.cost, price=price, answer=made)
            else:
                stalled += 1
            if math.isinf(made.cost):
                break
            self._keep(made.service)
            if stalled >= _PATIENCE:
                size, stalled = size / 2, 0
            slope = (made.service[self.supplier] - made.wait[self.customer]).astype(np.float64)
            slope[(price <= 0) & (slope < 0)] = 0.0
            if not proceed(self, best.bound) or not slope.any() or size < _LEAST_SIZE:
                break
            gap = max(self.best_cost - made.cost, 1e-9 * abs(made.cost))
            price = np.maximum(price + size * gap / float(slope @ slope) * slope, 0.0)
        return best

    def _keep(self, service: IntArray) -> None:
        """Make an answer of a priced one: promises kept, and none shorter than customers need."""
        service = self._repaired(service)
        cost = self.cost_of(service)
        if cost < self.best_cost:
            self.best_cost, self.best_service = cost, service

    def _repaired(self, service: IntArray) -> IntArray:
        problem = self.problem
        made = service.tolist()
        wait = problem.inbound.tolist()
        time = problem.time_periods.tolist()
        most = problem.max_service_periods.tolist()
        for stage in problem.order:
            for each in problem.suppliers[stage]:
                wait[stage] = max(wait[stage], made[each])
            made[stage] = min(made[stage], wait[stage] + time[stage])
        for stage in problem.order:
            # A longer service time is free, as long as no customer waits longer for it.
            longest = wait[stage] + time[stage]
            if most[stage] >= 0:
                longest = min(longest, most[stage])
            room = min((wait[each] for each in problem.customers[stage]), default=longest)
            made[stage] = max(made[stage], min(longest, room))
        return np.array(made, dtype=np.int64)


#: Steps without a better bound after which they are halved, and where they end.
_PATIENCE, _LEAST_SIZE = 8, 1e-3
