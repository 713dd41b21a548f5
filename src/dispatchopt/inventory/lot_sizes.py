"""Policies of a single item with a cost per order: (s, S), (r, Q), and known demand; optimal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import FloatArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.formulas import expected_cost

#: Largest level that is looked at.
_MAX_LEVEL = 100_000


@dataclass(frozen=True, kw_only=True)
class LotPolicy:
    """A policy and its cost.

    Parameters
    ----------
    reorder_units
        Position at or below which an order is placed.
    level_units
        Position after the order: S of (s, S), r + Q of (r, Q).
    cost
        Long-run cost per period, or per unit of time.
    """

    reorder_units: int
    level_units: int
    cost: float

    @property
    def quantity_units(self) -> int:
        """Order size where demand comes in single units."""
        return self.level_units - self.reorder_units


def best_ss(
    demand: Demand,
    order_cost: float,
    holding_cost: float,
    shortage_cost: float,
    *,
    cover: Demand | None = None,
) -> LotPolicy:
    """Return the optimal (s, S) policy with periodic review and backorders.

    Zheng and Federgruen, Finding optimal (s, S) policies is about as simple as evaluating a single
    policy, Operations Research 39 (1991); the example is Snyder and Shen's 4.7.

    Parameters
    ----------
    demand
        Demand of a period, one discrete law.
    order_cost
        Cost of an order, >= 0.
    holding_cost, shortage_cost
        Cost of a unit left over and of a unit owed at the end of a period, > 0.
    cover
        Demand of the lead time and a period, which a level has to meet; that of a period where
        orders come at once.

    Examples
    --------
    >>> from dispatchopt.inventory.problem import DemandLaw
    >>> demand = Demand(law=DemandLaw.POISSON, mean_units=6.0, variance_units=6.0)
    >>> best = best_ss(demand, 5.0, 1.0, 4.0)
    >>> best.reorder_units, best.level_units, round(best.cost, 4)
    (4, 10, 8.0341)
    """
    cost = _Renewals(demand, order_cost, holding_cost, shortage_cost, cover)
    top = reorder = cost.cheapest
    while True:
        reorder -= 1
        best = cost.of(reorder, top)
        if best <= cost.at(reorder):
            break
    trial = top + 1
    while cost.at(trial) <= best:
        if cost.of(reorder, trial) < best:
            top = trial
            while cost.of(reorder, top) <= cost.at(reorder + 1):
                reorder += 1
            best = cost.of(reorder, top)
        trial += 1
    return LotPolicy(reorder_units=reorder, level_units=top, cost=best)


def best_rq(
    lead_demand: Demand,
    rate_units: float,
    order_cost: float,
    holding_cost: float,
    shortage_cost: float,
) -> LotPolicy:
    """Return the optimal (r, Q) policy with continuous review, unit demands and backorders.

    Federgruen and Zheng, An efficient algorithm for computing an optimal (r, Q) policy in
    continuous review stochastic inventory systems, Operations Research 40 (1992); the example is
    Snyder and Shen's 5.8.

    Parameters
    ----------
    lead_demand
        Demand over the lead time, one discrete law.
    rate_units
        Mean demand per unit of time, > 0.
    order_cost
        Cost of an order, >= 0.
    holding_cost, shortage_cost
        Cost per unit and unit of time in stock and owed, > 0.

    Examples
    --------
    >>> from dispatchopt.inventory.problem import DemandLaw
    >>> demand = Demand(law=DemandLaw.POISSON, mean_units=3.0, variance_units=3.0)
    >>> best = best_rq(demand, 1.5, 100.0, 20.0, 150.0)
    >>> best.reorder_units, best.quantity_units, round(best.cost, 4)
    (3, 5, 107.9236)
    """
    cost = _Renewals(lead_demand, order_cost, holding_cost, shortage_cost)
    low = high = cost.cheapest
    total, count = order_cost * rate_units + cost.at(low), 1
    while True:
        below, above = cost.at(low - 1), cost.at(high + 1)
        if min(below, above) >= total / count:
            break
        if below <= above:
            low -= 1
        else:
            high += 1
        total, count = total + min(below, above), count + 1
    return LotPolicy(reorder_units=low - 1, level_units=high, cost=total / count)


def wagner_whitin(
    demand_units: npt.ArrayLike, order_cost: float, holding_cost: float
) -> tuple[FloatArray, float]:
    """Return the orders of least cost for demand that is known, and their cost.

    Wagner and Whitin, Dynamic version of the economic lot size model, Management Science 5 (1958);
    the example is Snyder and Shen's 3.9.

    Parameters
    ----------
    demand_units
        Demand of each period, (T,), >= 0.
    order_cost
        Cost of an order, >= 0.
    holding_cost
        Cost of a unit carried from one period to the next, >= 0.

    Examples
    --------
    >>> orders, cost = wagner_whitin([90, 120, 80, 70], 500.0, 2.0)
    >>> orders.tolist(), cost
    ([210.0, 0.0, 150.0, 0.0], 1380.0)
    """
    demand = np.asarray(demand_units, dtype=np.float64)
    periods = demand.size
    after, until = np.zeros(periods + 1), np.zeros(periods, dtype=np.int64)
    for begin in range(periods - 1, -1, -1):
        # An order of period ``begin`` may serve the demand up to any later one.
        held = holding_cost * np.cumsum(np.arange(periods - begin) * demand[begin:])
        cost = order_cost + held + after[begin + 1 :]
        until[begin] = begin + 1 + int(np.argmin(cost))
        after[begin] = cost.min()
        if demand[begin] == 0 and after[begin + 1] <= after[begin]:
            # Without demand no order is needed yet.
            after[begin], until[begin] = after[begin + 1], begin
    orders, at = np.zeros(periods), 0
    while at < periods:
        end = int(until[at])
        orders[at] = demand[at:end].sum()
        at = max(end, at + 1)
    return orders, float(after[0])


class _Renewals:
    """Cost of a period at a level, and of the cycles of an (s, S) policy."""

    def __init__(
        self, demand: Demand, order: float, holding: float, shortage: float,
        cover: Demand | None = None,
    ) -> None:  # fmt: skip
        is_right = demand.mean_units.ndim == 0 and demand.is_discrete and order >= 0
        if not (is_right and holding > 0 and shortage > 0 and 0 < demand.mean_units < _MAX_LEVEL):
            found = f"law {demand.law}, costs {order:g}, {holding:g}, {shortage:g}"
            wanted = "one demand > 0 in whole units, costs > 0"
            raise InputError(
                Issue(code="out-of-range", where="lot size", found=found, wanted=wanted)
            )
        self.demand, self.order, self.prices = demand, order, (holding, shortage)
        self.known: dict[int, float] = {}
        self.cover = demand if cover is None else cover
        self.cheapest = int(self.cover.ppf(shortage / (holding + shortage)))
        self.chance = np.zeros(0)
        # Renewal density m(j) and its running sum M(j + 1), grown as they are needed.
        self.density: list[float] = []
        self.running: list[float] = []

    def at(self, level: int) -> float:
        """Expected cost of a period that begins at a level."""
        if abs(level) > _MAX_LEVEL:
            found, wanted = f"a level of {level}", f"costs that keep levels below {_MAX_LEVEL}"
            raise InputError(
                Issue(code="out-of-range", where="lot size", found=found, wanted=wanted)
            )
        if level not in self.known:
            self.known[level] = float(expected_cost(self.cover, level, *self.prices))
        return self.known[level]

    def of(self, reorder: int, top: int) -> float:
        """Long-run cost of a period under (s, S)."""
        span = top - reorder
        self._grow(span)
        spent = sum(self.density[j] * self.at(top - j) for j in range(span))
        return (self.order + spent) / self.running[span - 1]

    def _grow(self, span: int) -> None:
        if self.chance.size < span:
            levels = np.arange(max(64, 2 * span))
            cdf = self.demand.cdf(levels)
            self.chance = np.diff(cdf, prepend=0.0)
        stays = 1.0 - float(self.chance[0])
        while len(self.density) < span:
            j = len(self.density)
            earlier = np.array(self.density[::-1])
            value = 1.0 if j == 0 else float(self.chance[1 : j + 1] @ earlier)
            self.density.append(value / stays)
            self.running.append(self.density[-1] + (self.running[-1] if j else 0.0))
