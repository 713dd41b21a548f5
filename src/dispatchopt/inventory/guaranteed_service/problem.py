"""What a guaranteed-service problem is: stages, what they supply, and the times they promise."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.faults import (
    issue_of,
    out_of_range,
    set_array,
    set_decisions,
    set_names,
)

#: Longest time of a stage, and most that any stage may have to wait, in periods.
MAX_PERIODS = 10_000
#: Stands for a stage whose service time is free.
NO_LIMIT = -1
#: Largest holding cost of a unit, and largest number of units.
MAX_COST, MAX_UNITS = 1e9, 1e12


@dataclass(frozen=True, kw_only=True, eq=False)
class GuaranteedServiceProblem:
    """How long each stage of a supply network may let its customers wait.

    Stage j takes ``time_periods`` T_j once all its inputs are there, quotes its customers the
    service time S_j, and waits SI_j = max over suppliers of their service times. Its safety stock
    covers the net replenishment time SI_j + T_j - S_j and costs
    ``holding_cost * safety_units * sqrt(SI_j + T_j - S_j)``.

    Parameters
    ----------
    time_periods
        Time of each stage, (n,), whole periods.
    holding_cost
        Cost of one unit in stock, (n,), >= 0; over the time that the objective is to cover.
    safety_units
        Safety factor times the standard deviation of one period's demand on the stage, (n,), >= 0;
        see ``supply_chain`` for a network with demand at some stages.
    supplier, customer
        Stages at the ends of each arc, (m,); no arc twice, no circle.
    max_service_periods
        Longest service time that a stage may quote, (n,); ``NO_LIMIT`` where it is free.
    inbound_periods
        Service time of outside suppliers, (n,); 0 if None.
    stage_ids
        Names for messages; by default numbers.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    time_periods: IntArray
    holding_cost: FloatArray
    safety_units: FloatArray
    supplier: IntArray
    customer: IntArray
    max_service_periods: IntArray
    inbound_periods: IntArray | None = None
    stage_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        issues: list[Issue] = []
        self._set_arrays(issues)
        if not issues:
            self._check(issues)
        if not issues:
            self._check_arcs(issues)
        if issues:
            raise InputError(issues)

    @property
    def num_stages(self) -> int:
        """Number of stages n."""
        return int(self.time_periods.size)

    @property
    def num_arcs(self) -> int:
        """Number of arcs m."""
        return int(self.supplier.size)

    @property
    def cost_rate(self) -> FloatArray:
        """Cost of the stock that covers one period, (n,)."""
        rate: FloatArray = self.holding_cost * self.safety_units
        return rate

    @cached_property
    def inbound(self) -> IntArray:
        """Least time that each stage waits, (n,)."""
        return frozen(np.asarray(self.inbound_periods), np.int64)

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Stages, suppliers before customers; shorter than n if there is a circle."""
        waiting = np.bincount(self.customer, minlength=self.num_stages)
        found = np.flatnonzero(waiting == 0).tolist()
        customers = self.customers
        for stage in found:
            for each in customers[stage]:
                waiting[each] -= 1
                if not waiting[each]:
                    found.append(each)
        return tuple(found)

    @cached_property
    def suppliers(self) -> tuple[tuple[int, ...], ...]:
        """Suppliers of each stage."""
        return _ends(self.customer, self.supplier, self.num_stages)

    @cached_property
    def customers(self) -> tuple[tuple[int, ...], ...]:
        """Customers of each stage."""
        return _ends(self.supplier, self.customer, self.num_stages)

    @cached_property
    def horizon(self) -> IntArray:
        """Longest time from any outside order to each stage's output, (n,), if nobody stocks."""
        reach = np.zeros(self.num_stages, dtype=np.int64)
        for stage in self.order:
            wait = max((reach[each] for each in self.suppliers[stage]), default=0)
            reach[stage] = max(wait, self.inbound[stage]) + self.time_periods[stage]
        return frozen(reach, np.int64)

    def replace(self, **changes: Any) -> GuaranteedServiceProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def _set_arrays(self, issues: list[Issue]) -> None:
        for name, dtype in _FIELDS.items():
            given = getattr(self, name)
            if given is None and name == "inbound_periods":
                given = np.zeros(np.size(self.time_periods), dtype=np.int64)
            if set_array(self, name, given, dtype, issues):
                found = getattr(self, name).ndim
                if found != 1:
                    issues.append(issue_of("bad-shape", name, f"{found} dimensions", "1"))

    def _check(self, issues: list[Issue]) -> None:
        size = self.num_stages
        for name in _FIELDS:
            count = self.num_arcs if name in ("supplier", "customer") else size
            found = getattr(self, name).size
            if found != count:
                issues.append(issue_of("bad-shape", name, f"{found} values", str(count)))
        limits = {
            "time_periods": (0, MAX_PERIODS),
            "holding_cost": (0, MAX_COST),
            "safety_units": (0, MAX_UNITS),
            "max_service_periods": (NO_LIMIT, MAX_PERIODS),
            "inbound_periods": (0, MAX_PERIODS),
            "supplier": (0, size - 1),
            "customer": (0, size - 1),
        }
        issues += out_of_range(self, limits)
        set_names(self, {"stage_ids": size}, issues)

    def _check_arcs(self, issues: list[Issue]) -> None:
        pair = self.supplier * max(1, self.num_stages) + self.customer
        if np.unique(pair).size != pair.size:
            issues.append(issue_of("duplicate-pair", "supplier", "an arc twice", "each arc once"))
        if len(self.order) < self.num_stages:
            left = sorted(set(range(self.num_stages)) - set(self.order))
            names = ", ".join(self.stage_ids[stage] for stage in left[:5])
            wanted = "a network in which no stage supplies itself, by any way"
            issues.append(issue_of("circular-supply", "supplier", names, wanted))
        elif self.num_stages and int(self.horizon.max()) > MAX_PERIODS:
            found, wanted = f"{int(self.horizon.max())} periods", f"at most {MAX_PERIODS}"
            issues.append(issue_of("too-large", "time_periods", found, f"{wanted} along any way"))


@dataclass(frozen=True, kw_only=True, eq=False)
class GuaranteedServiceSolution:
    """What each stage quotes.

    Parameters
    ----------
    service_periods
        Service time of each stage, (n,).
    """

    service_periods: IntArray

    def __post_init__(self) -> None:
        set_decisions(self, "service_periods")


_FIELDS: dict[str, type[np.generic]] = {
    "time_periods": np.int64,
    "holding_cost": np.float64,
    "safety_units": np.float64,
    "supplier": np.int64,
    "customer": np.int64,
    "max_service_periods": np.int64,
    "inbound_periods": np.int64,
}


def _ends(owner: IntArray, other: IntArray, num: int) -> tuple[tuple[int, ...], ...]:
    rows: list[list[int]] = [[] for _ in range(num)]
    for each, end in zip(owner.tolist(), other.tolist(), strict=True):
        rows[each].append(end)
    return tuple(tuple(row) for row in rows)
