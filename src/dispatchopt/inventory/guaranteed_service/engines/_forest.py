"""The exact recursion over a forest of arcs, with a price on every other arc.

For fixed prices the problem on a forest is solved by passing, from each stage to the next one
towards the root, the least cost of all that hangs behind it as a function of the service time on
the arc between them (Graves and Willems, M&SOM 2, 2000, section 4). An arc that is not in the
forest is relaxed: its price times (service time of the supplier - wait of the customer) is added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray
from dispatchopt.inventory.guaranteed_service.problem import NO_LIMIT, GuaranteedServiceProblem


@dataclass(frozen=True, kw_only=True, eq=False)
class Box:
    """Least and greatest wait and service time of each stage, (n,) each."""

    wait_low: IntArray
    wait_high: IntArray
    service_low: IntArray
    service_high: IntArray

    @property
    def is_empty(self) -> bool:
        """Whether a stage is left without any value."""
        return bool(
            (self.wait_low > self.wait_high).any() or (self.service_low > self.service_high).any()
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Priced:
    """The cheapest answer at some prices: its cost, waits and service times; inf if none."""

    cost: float
    wait: IntArray
    service: IntArray


def whole_box(problem: GuaranteedServiceProblem) -> Box:
    """Return the limits of the problem itself."""
    longest = problem.max_service_periods
    reach = problem.horizon
    high = np.where(longest == NO_LIMIT, reach, np.minimum(longest, reach))
    return Box(
        wait_low=problem.inbound.copy(),
        wait_high=reach - problem.time_periods,
        service_low=np.zeros(problem.num_stages, dtype=np.int64),
        service_high=high,
    )


def tightened(problem: GuaranteedServiceProblem, box: Box) -> Box:
    """Return the limits that follow from each other along arcs and through stages."""
    low, high = box.wait_low.copy(), box.wait_high.copy()
    least, most = box.service_low.copy(), box.service_high.copy()
    time = problem.time_periods
    for stage in problem.order:
        for each in problem.suppliers[stage]:
            low[stage] = max(low[stage], least[each])
        # A wait is the longest of the suppliers' service times, never more.
        reach = max((most[each] for each in problem.suppliers[stage]), default=0)
        high[stage] = min(high[stage], max(reach, problem.inbound[stage]))
        low[stage] = max(low[stage], least[stage] - time[stage])
        most[stage] = min(most[stage], high[stage] + time[stage])
    for stage in reversed(problem.order):
        for each in problem.customers[stage]:
            most[stage] = min(most[stage], high[each])
    return Box(wait_low=low, wait_high=high, service_low=least, service_high=most)


class Forest:
    """A spanning forest of the arcs, along which the recursion runs.

    Parameters
    ----------
    problem
        The problem.
    is_first
        Arcs that are to be in the forest before others, (m,).
    """

    def __init__(self, problem: GuaranteedServiceProblem, weight: FloatArray) -> None:
        self.problem = problem
        self.rate = problem.cost_rate
        #: Square roots, behind as many values that cannot be.
        most = int(problem.horizon.max()) if problem.num_stages else 0
        self._most = most
        self._roots = np.concatenate([np.full(most, math.inf), np.sqrt(np.arange(most + 1))])
        inside = self._span(weight)
        self.relaxed: IntArray = np.flatnonzero(~inside)
        self._hang(np.flatnonzero(inside))

    def _span(self, weight: FloatArray) -> BoolArray:
        head = list(range(self.problem.num_stages))

        def root(stage: int) -> int:
            while head[stage] != stage:
                head[stage] = head[head[stage]]
                stage = head[stage]
            return stage

        inside = np.zeros(self.problem.num_arcs, dtype=bool)
        supplier, customer = self.problem.supplier.tolist(), self.problem.customer.tolist()
        for arc in np.argsort(-weight, kind="stable").tolist():
            one, other = root(supplier[arc]), root(customer[arc])
            if one != other:
                head[one] = other
                inside[arc] = True
        return inside

    def _hang(self, arcs: IntArray) -> None:
        num = self.problem.num_stages
        beside: list[list[tuple[int, bool]]] = [[] for _ in range(num)]
        for arc in arcs.tolist():
            supplier, customer = int(self.problem.supplier[arc]), int(self.problem.customer[arc])
            beside[supplier].append((customer, False))
            beside[customer].append((supplier, True))
        self.parent = [-1] * num
        #: Whether a stage supplies its parent.
        self.supplies = [False] * num
        self.order: list[int] = []
        seen = [False] * num
        for start in range(num):
            if seen[start]:
                continue
            seen[start] = True
            branch = [start]
            for stage in branch:
                self.order.append(stage)
                for each, supplies in beside[stage]:
                    if not seen[each]:
                        seen[each] = True
                        self.parent[each], self.supplies[each] = stage, supplies
                        branch.append(each)

    def solve(self, box: Box, wait_price: FloatArray, service_price: FloatArray) -> Priced:
        """Return the cheapest answer within a box at prices per period of wait and of service.

        Parameters
        ----------
        box
            Not empty.
        wait_price, service_price
            Added cost of each period, (n,).
        """
        num = self.problem.num_stages
        wait_low, wait_high = box.wait_low.tolist(), box.wait_high.tolist()
        low, high = box.service_low.tolist(), box.service_high.tolist()
        # What hangs behind a stage, by its own wait and by its own service time.
        by_wait = [wait_price[j] * np.arange(wait_low[j], wait_high[j] + 1) for j in range(num)]
        by_service = [service_price[j] * np.arange(low[j], high[j] + 1) for j in range(num)]
        total = 0.0
        for stage in reversed(self.order):
            cost = self._table(stage, wait_low[stage], wait_high[stage], low[stage], high[stage])
            cost += by_wait[stage][:, None]
            cost += by_service[stage][None, :]
            parent = self.parent[stage]
            if parent < 0:
                total += float(cost.min())
            elif self.supplies[stage]:
                # The parent waits at least as long as this stage's service time.
                best = np.minimum.accumulate(cost.min(axis=0))
                at = np.arange(wait_low[parent], wait_high[parent] + 1) - low[stage]
                by_wait[parent] = by_wait[parent] + np.where(
                    at < 0, math.inf, best[np.clip(at, 0, best.size - 1)]
                )
            else:
                # This stage waits at least as long as the parent's service time.
                best = np.minimum.accumulate(cost.min(axis=1)[::-1])[::-1]
                at = np.arange(low[parent], high[parent] + 1) - wait_low[stage]
                by_service[parent] = by_service[parent] + np.where(
                    at >= best.size, math.inf, best[np.clip(at, 0, best.size - 1)]
                )
        wait = np.zeros(num, dtype=np.int64)
        service = np.zeros(num, dtype=np.int64)
        if math.isinf(total):
            return Priced(cost=math.inf, wait=wait, service=service)
        for stage in self.order:
            first, last, parent = wait_low[stage], high[stage], self.parent[stage]
            if parent >= 0 and self.supplies[stage]:
                last = min(last, int(wait[parent]))
            elif parent >= 0:
                first = max(first, int(service[parent]))
            cost = self._table(stage, first, wait_high[stage], low[stage], last)
            cost += by_wait[stage][first - wait_low[stage] :, None]
            cost += by_service[stage][None, : last - low[stage] + 1]
            row, column = divmod(int(cost.argmin()), cost.shape[1])
            wait[stage], service[stage] = first + row, low[stage] + column
        return Priced(cost=total, wait=wait, service=service)

    def _table(self, stage: int, first: int, last: int, low: int, high: int) -> FloatArray:
        """Cost of the safety stock by wait (rows) and service time (columns); inf if negative."""
        rows, columns = last - first + 1, high - low + 1
        start = first + int(self.problem.time_periods[stage]) - low + self._most
        # Entry (row, column) is the root of start + row - column.
        window = self._roots[start - columns + 1 : start + rows]
        step = window.strides[0]
        view = np.lib.stride_tricks.as_strided(
            window[columns - 1 :], (rows, columns), (step, -step), writeable=False
        )
        rate = float(self.rate[stage])
        if rate > 0:
            table: FloatArray = rate * view
            return table
        return np.where(np.isinf(view), math.inf, 0.0)
