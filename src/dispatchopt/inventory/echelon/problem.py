"""What an echelon problem is: trees of stages that keep base stock, the root supplied at once."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.faults import (
    MAX_LISTED,
    cells,
    issue_of,
    out_of_range,
    set_names,
    set_shaped,
)

#: Stands for a stage whose supplier is outside and never lacks anything.
OUTSIDE = -1
#: Most units (steps, under the normal law) on order of a stage, on average.
MAX_UNITS = 100_000
#: Most stages from a root to a customer.
MAX_LEVELS = 100
#: Largest rate, time and cost.
MAX_NUMBER = 1e9
#: Least cost of a unit kept or missing where both decide.
LEAST_COST = 1e-9


class EchelonLaw(enum.StrEnum):
    """Law of demand over a time."""

    POISSON = "poisson"
    NORMAL = "normal"


@dataclass(frozen=True, kw_only=True, eq=False)
class EchelonProblem:
    """How much each stage of supply trees keeps, warehouse and stores or a line of stages.

    Continuous review: whatever is taken is ordered at once from the supplier, which serves in
    sequence; what is missing is owed. Stage j keeps the base stock s_j (stock on hand plus on
    order minus owed). Its units on order N_j are the demand of its lead time plus its share of
    what its supplier owes; it has (s_j - N_j)+ on hand and owes (N_j - s_j)+. The objective is
    the mean cost of a unit of time: holding, units on the way (at the supplier's holding cost),
    and units that customers wait for.

    Parameters
    ----------
    supplier
        Supplier of each stage, (n,); ``OUTSIDE`` for a root, whose supplier lacks nothing.
    lead_time
        Time from the supplier to the stage, (n,), >= 0.
    holding_cost
        Cost of a unit in stock for a unit of time, (n,), >= 0, above 0 where customers buy.
    rate
        Mean demand of customers at the stage in a unit of time, (n,), >= 0; 0 where none buy.
    shortage_cost
        Cost of a unit owed to customers for a unit of time, (n,), above 0 where customers buy.
    demand_law
        ``poisson``: customers come one by one, each wants a unit. ``normal``: only for lines with
        customers at their end; demand of a time t has mean rate * t and variance variance * t, and
        is rounded to whole steps.
    variance
        Variance of demand in a unit of time, (n,); only under the normal law; None for the rate.
    step_units
        Units of one step under the normal law; 1 under the other.
    stage_ids
        Names for messages; by default numbers.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    supplier: IntArray
    lead_time: FloatArray
    holding_cost: FloatArray
    rate: FloatArray
    shortage_cost: FloatArray
    demand_law: EchelonLaw = EchelonLaw.POISSON
    variance: FloatArray | None = None
    step_units: float = 1.0
    stage_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        issues: list[Issue] = []
        self._set_arrays(issues)
        if not issues:
            self._check(issues)
        if not issues:
            self._check_trees(issues)
        if not issues:
            self._check_demand(issues)
        if issues:
            raise InputError(issues)

    @property
    def num_stages(self) -> int:
        """Number of stages n."""
        return int(self.supplier.size)

    @property
    def is_normal(self) -> bool:
        """Whether demand follows the normal law."""
        return self.demand_law is EchelonLaw.NORMAL

    @cached_property
    def level_of_stage(self) -> IntArray:
        """Suppliers above each stage, (n,); -1 for a stage in or below a circle."""
        depth = np.full(self.num_stages, -1, dtype=np.int64)
        order = np.argsort(self.supplier, kind="stable")
        owner = self.supplier[order]
        stages, level = order[owner == OUTSIDE], 0
        while stages.size:
            depth[stages] = level
            low, high = (np.searchsorted(owner, stages, side=side) for side in ("left", "right"))
            size = high - low
            at = np.repeat(low - np.cumsum(size) + size, size) + np.arange(int(size.sum()))
            stages, level = order[at], level + 1
        return frozen(depth, np.int64)

    @cached_property
    def total_rate(self) -> FloatArray:
        """Units that pass each stage in a unit of time, (n,)."""
        total = self.rate.copy()
        depth = self.level_of_stage
        for level in range(int(depth.max(initial=0)), 0, -1):
            rows = np.flatnonzero(depth == level)
            np.add.at(total, self.supplier[rows], total[rows])
        return frozen(total, np.float64)

    @cached_property
    def share(self) -> FloatArray:
        """Share of each stage in what passes its supplier, (n,); 1 for a root."""
        inside = self.supplier >= 0
        above = np.where(inside, self.total_rate[self.supplier], self.total_rate)
        made = np.divide(self.total_rate, above, out=np.ones(self.num_stages), where=above > 0)
        return frozen(np.where(inside, made, 1.0), np.float64)

    @cached_property
    def in_transit_cost(self) -> FloatArray:
        """Cost of units on the way to each stage from its supplier, (n,); no level changes it."""
        held = np.where(self.supplier >= 0, self.holding_cost[self.supplier], 0.0)
        return frozen(held * self.total_rate * self.lead_time, np.float64)

    @cached_property
    def groups(self) -> dict[int, IntArray]:
        """Stages by their supplier; the roots under ``OUTSIDE``."""
        order = np.argsort(self.supplier, kind="stable")
        owners, first = np.unique(self.supplier[order], return_index=True)
        parts = np.split(order, first[1:]) if order.size else []
        return dict(zip(owners.tolist(), parts, strict=True))

    @cached_property
    def has_customers(self) -> BoolArray:
        """Whether each stage supplies another one, (n,)."""
        made = np.zeros(self.num_stages, dtype=bool)
        made[self.supplier[self.supplier >= 0]] = True
        return frozen(made, np.bool_)

    def replace(self, **changes: Any) -> EchelonProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def _set_arrays(self, issues: list[Issue]) -> None:
        for name in _FIELDS:
            given = getattr(self, name)
            if given is None and name == "variance":
                continue
            dtype = np.int64 if name == "supplier" else np.float64
            set_shaped(self, name, given, (dtype, (np.size(self.supplier),)), issues)
        try:
            object.__setattr__(self, "demand_law", EchelonLaw(self.demand_law))
        except ValueError:
            wanted = " or ".join(EchelonLaw)
            issues.append(issue_of("unknown-choice", "demand_law", repr(self.demand_law), wanted))

    def _check(self, issues: list[Issue]) -> None:
        buys = self.rate > 0
        limits = {
            "supplier": (OUTSIDE, self.num_stages - 1),
            "lead_time": (0.0, MAX_NUMBER),
            "holding_cost": (0.0, MAX_NUMBER),
            "rate": (0.0, MAX_NUMBER),
            "shortage_cost": (0.0, MAX_NUMBER),
            "variance": (0.0, MAX_NUMBER),
        }
        issues += out_of_range(self, limits)
        for name in ("holding_cost", "shortage_cost"):
            values = getattr(self, name)
            is_bad = buys & (values >= 0) & (values < LEAST_COST)
            wanted = f"a number from {LEAST_COST:g} to {MAX_NUMBER:g} where customers buy"
            issues += cells("out-of-range", name, is_bad, values, wanted)
        set_names(self, {"stage_ids": self.num_stages}, issues)
        if not 1e-6 <= self.step_units <= MAX_NUMBER:
            wanted = f"a number from 1e-6 to {MAX_NUMBER:g}"
            issues.append(issue_of("out-of-range", "step_units", repr(self.step_units), wanted))
        elif not self.is_normal and self.step_units != 1.0:
            wanted = "1 under the Poisson law"
            issues.append(issue_of("bad-value", "step_units", repr(self.step_units), wanted))

    def _check_trees(self, issues: list[Issue]) -> None:
        around = np.flatnonzero(self.level_of_stage < 0)
        if around.size:
            names = ", ".join(self.stage_ids[row] for row in around[:5])
            wanted = "no stage that supplies itself, by any way"
            issues.append(issue_of("circular-supply", "supplier", names, wanted))
            return
        deepest = int(self.level_of_stage.max(initial=0)) + 1
        if deepest > MAX_LEVELS:
            found = f"{deepest} stages in a line"
            issues.append(issue_of("too-large", "supplier", found, f"at most {MAX_LEVELS}"))
            return
        if self.is_normal:
            children = np.bincount(self.supplier[self.supplier >= 0], minlength=self.num_stages)
            for row in np.flatnonzero((children > 1) | (self.has_customers & (self.rate > 0))):
                wanted = "under the normal law, lines of stages with customers at their end"
                found = f"stage {self.stage_ids[row]}"
                issues.append(issue_of("bad-value", "demand_law", found, wanted))
        elif self.variance is not None:
            wanted = "none under the Poisson law"
            issues.append(issue_of("bad-value", "variance", f"{self.variance.size} values", wanted))

    def _check_demand(self, issues: list[Issue]) -> None:
        # Most on order: everything above the stage is missing for its whole lead time.
        time = self.lead_time.copy()
        above = self.supplier
        while (above >= 0).any():
            time += np.where(above >= 0, self.lead_time[above], 0.0)
            above = np.where(above >= 0, self.supplier[above], OUTSIDE)
        on_order = self.total_rate * time / self.step_units
        if self.is_normal:
            on_order += 10 * np.sqrt(self.total_variance * time) / self.step_units
        for row in np.flatnonzero(on_order > MAX_UNITS)[:MAX_LISTED]:
            found = f"{on_order[row]:g} units of demand in the lead times"
            where = f"rate[{row}]"
            issues.append(issue_of("too-large", where, found, f"at most {MAX_UNITS}"))

    @cached_property
    def total_variance(self) -> FloatArray:
        """Variance of what passes each stage in a unit of time, (n,)."""
        if self.variance is None:
            return self.total_rate
        total = self.variance.copy()
        depth = self.level_of_stage
        for level in range(int(depth.max(initial=0)), 0, -1):
            rows = np.flatnonzero(depth == level)
            np.add.at(total, self.supplier[rows], total[rows])
        return frozen(total, np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class EchelonSolution:
    """What each stage keeps.

    Parameters
    ----------
    level_steps
        Base stock of each stage, (n,), in steps: whole units under the Poisson law.
    """

    level_steps: IntArray

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "level_steps", frozen(self.level_steps, np.int64))
        except (ValueError, TypeError, OverflowError) as error:
            wanted = "an array of whole numbers"
            raise InputError(issue_of("bad-number", "level_steps", str(error), wanted)) from error

    def echelon_steps(self, problem: EchelonProblem) -> IntArray:
        """Return the base stock of each stage and of all that it supplies, (n,)."""
        total = self.level_steps.copy()
        depth = problem.level_of_stage
        for level in range(int(depth.max(initial=0)), 0, -1):
            rows = np.flatnonzero(depth == level)
            np.add.at(total, problem.supplier[rows], total[rows])
        return total


def two_levels(
    *,
    rate: npt.ArrayLike,
    lead_time: npt.ArrayLike,
    holding_cost: npt.ArrayLike,
    shortage_cost: npt.ArrayLike,
    warehouse_lead_time: npt.ArrayLike,
    warehouse_holding_cost: npt.ArrayLike,
    store_ids: tuple[str, ...] = (),
    sku_ids: tuple[str, ...] = (),
) -> EchelonProblem:
    """Return the problem of one warehouse and S stores with K SKUs, a tree for each SKU.

    Parameters
    ----------
    rate, lead_time, holding_cost, shortage_cost
        Per pair, (S, K), or what broadcasts to it.
    warehouse_lead_time, warehouse_holding_cost
        Per SKU, (K,), or one number.
    store_ids, sku_ids
        Names; a stage is called ``sku`` in the warehouse and ``sku/store`` in a store.
    """
    pairs = np.asarray(rate, dtype=np.float64)
    if pairs.ndim != 2:
        raise InputError(issue_of("bad-shape", "rate", str(pairs.shape), "stores x SKUs"))
    stores, skus = pairs.shape
    try:
        outside = [
            np.broadcast_to(np.asarray(each, dtype=np.float64), (skus,))
            for each in (warehouse_lead_time, warehouse_holding_cost)
        ]
        inside = [
            np.broadcast_to(np.asarray(each, dtype=np.float64), pairs.shape).T.ravel()
            for each in (lead_time, holding_cost, shortage_cost)
        ]
    except ValueError as error:
        found = str(error)[:80]
        wanted = "numbers that fit stores x SKUs"
        raise InputError(issue_of("bad-shape", "lead_time", found, wanted)) from error
    store_names = store_ids or tuple(map(str, range(stores)))
    sku_names = sku_ids or tuple(map(str, range(skus)))
    names = [*sku_names, *(f"{sku}/{store}" for sku in sku_names for store in store_names)]
    none = np.zeros(skus)
    return EchelonProblem(
        supplier=np.concatenate([np.full(skus, OUTSIDE), np.repeat(np.arange(skus), stores)]),
        lead_time=np.concatenate([outside[0], inside[0]]),
        holding_cost=np.concatenate([outside[1], inside[1]]),
        rate=np.concatenate([none, pairs.T.ravel()]),
        shortage_cost=np.concatenate([none, inside[2]]),
        stage_ids=tuple(names),
    )


_FIELDS = ("supplier", "lead_time", "holding_cost", "rate", "shortage_cost", "variance")
