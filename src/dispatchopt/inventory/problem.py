"""What an inventory problem is: stores, SKUs, uncertain demand, costs and limits."""

from __future__ import annotations

import dataclasses
import enum
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.faults import MAX_LISTED, issue_of, set_decisions, short
from dispatchopt.inventory.fields import (
    FIELDS,
    MAX_COST,
    MAX_TOTAL,
    MAX_UNITS,
    OPTIONAL,
    sizes_of,
)

__all__ = ["MAX_COST", "MAX_COST_RATIO", "MAX_TOTAL", "MAX_UNITS", "MIN_EXCESS", "DemandLaw",
           "InventoryProblem", "InventorySolution", "LevelRule"]  # fmt: skip

#: Largest ratio of shortage to holding cost; beyond it the best level has no meaning.
MAX_COST_RATIO = 1e9
#: A negative binomial whose variance exceeds its mean by this share or less is taken as Poisson:
#: its exponent mean^2 / (variance - mean) is beyond what the incomplete beta function resolves.
MIN_EXCESS = 1e-8


class DemandLaw(enum.StrEnum):
    """Distribution of the demand for one SKU in one store over the protection interval."""

    NEGATIVE_BINOMIAL = "negative-binomial"
    POISSON = "poisson"
    GAMMA = "gamma"
    NORMAL = "normal"
    EMPIRICAL = "empirical"


class LevelRule(enum.StrEnum):
    """What makes a stock level good."""

    CRITICAL_RATIO = "critical-ratio"
    FILL_RATE = "fill-rate"
    CYCLE_SERVICE = "cycle-service"
    Z_SIGMA = "z-sigma"


@dataclass(frozen=True, kw_only=True, eq=False)
class InventoryProblem:
    """How much of each SKU to send to each store.

    With the rule ``critical-ratio`` the objective is the expected cost of what is left over and of
    what is missing, ``sum E[h (y - D)+ + p (D - y)+]``, at the levels ``y = on hand + order``.
    With any other rule each pair must reach its ``target``, and the objective is the expected
    holding cost ``sum E[h (y - D)+]`` of doing so.

    Parameters
    ----------
    mean_units, variance_units
        Demand over the protection interval (review period plus lead time), (S, K), >= 0. A law on
        numbers >= 0 with mean 0 is no demand, whatever the variance says. A negative binomial with
        variance <= mean is taken as Poisson. Poisson ignores the variance; ``empirical`` ignores
        both, and has those of the samples.
    sample_units
        Demands seen in N intervals, equally likely, for ``empirical`` only, (N, S, K), >= 0.
    demand_law
        Distribution of all demands.
    holding_cost
        Cost of one unit left over at the end of the interval (capital, space, waste), money units,
        (K,) or (S, K), > 0 where ``shortage_cost`` is.
    shortage_cost
        Cost of one unit of demand not met (margin, lost basket), money units, (K,) or (S, K),
        at most 1e9 times the holding cost.
    waste_cost
        Cost of throwing a unit away, on top of the holding cost, money units, (K,) or (S, K). It is
        paid for what is left over of SKUs whose shelf life ends with the interval. None for 0.
    shelf_life_days
        Days on which a unit can be sold, (K,); 0 for no limit. None for no limits.
    interval_days
        Days of the protection interval, >= 1.
    on_hand_units
        Stock in the stores and on the way to them, (S, K), >= 0.
    volume_ml
        Volume of one unit, (K,), >= 0.
    case_pack_units
        Orders are multiples of this, (K,), >= 1.
    store_volume_ml
        Room for stock in each store, what is there already included, (S,); None for no limit. A
        store that is over-full already can get nothing with a volume, and breaks no rule.
    delivery_volume_ml
        Volume that the vehicle to each store takes, (S,); None for no limit.
    available_units
        Central stock of each SKU, (K,); None for no limit.
    min_units
        Level that each pair must reach at least (facings on the shelf), (S, K); None for none.
    rule
        What makes a level good.
    target
        For ``fill-rate`` and ``cycle-service`` the share in [0, 1), for ``z-sigma`` the factor z:
        a number, (K,) (such as one per ABC class) or (S, K). None for ``critical-ratio``.
    store_ids, sku_ids
        Names for messages; by default numbers.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    mean_units: FloatArray
    variance_units: FloatArray
    holding_cost: FloatArray
    shortage_cost: FloatArray
    on_hand_units: IntArray
    volume_ml: IntArray
    case_pack_units: IntArray
    demand_law: DemandLaw = DemandLaw.NEGATIVE_BINOMIAL
    store_volume_ml: IntArray | None = None
    delivery_volume_ml: IntArray | None = None
    available_units: IntArray | None = None
    min_units: IntArray | None = None
    rule: LevelRule = LevelRule.CRITICAL_RATIO
    target: FloatArray | float | None = None
    sample_units: FloatArray | None = None
    waste_cost: FloatArray | None = None
    shelf_life_days: IntArray | None = None
    interval_days: int = 1
    store_ids: tuple[str, ...] = ()
    sku_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        issues: list[Issue] = []
        self._set_choices(issues)
        self._set_arrays(issues)
        if not issues:
            self._set_names(issues)
            self._check_shapes(issues)
        if not issues:
            self._check_ranges(issues)
        if not issues:
            self._set_samples(issues)
            self._check_costs(issues)
            self._check_target(issues)
        if issues:
            raise InputError(issues)

    @property
    def num_stores(self) -> int:
        """Number of stores S."""
        return int(self.mean_units.shape[0])

    @property
    def num_skus(self) -> int:
        """Number of SKUs K."""
        return int(self.mean_units.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """Stores and SKUs, (S, K)."""
        return self.num_stores, self.num_skus

    @property
    def is_coupled(self) -> bool:
        """Whether a limit ties pairs together: central stock, store or vehicle volume."""
        limits = (self.store_volume_ml, self.delivery_volume_ml, self.available_units)
        return any(limit is not None for limit in limits)

    @property
    def holding_cost_of_pair(self) -> FloatArray:
        """Holding cost per unit as a view of shape (S, K)."""
        return np.broadcast_to(self.holding_cost, self.shape)

    @property
    def shortage_cost_of_pair(self) -> FloatArray:
        """Shortage cost per unit as a view of shape (S, K)."""
        return np.broadcast_to(self.shortage_cost, self.shape)

    @cached_property
    def waste_cost_of_pair(self) -> FloatArray:
        """Waste cost per unit left over, (S, K): 0 where the shelf life outlasts the interval."""
        if self.waste_cost is None or self.shelf_life_days is None:
            return np.broadcast_to(0.0, self.shape)
        is_wasted = (self.shelf_life_days > 0) & (self.shelf_life_days <= self.interval_days)
        return np.broadcast_to(np.where(is_wasted, self.waste_cost, 0.0), self.shape)

    @cached_property
    def leftover_cost_of_pair(self) -> FloatArray:
        """Holding and waste cost per unit left over, (S, K)."""
        if self.waste_cost is None or self.shelf_life_days is None:
            return self.holding_cost_of_pair
        return np.asarray(self.holding_cost_of_pair + self.waste_cost_of_pair)

    @property
    def target_of_pair(self) -> FloatArray:
        """Target as a view of shape (S, K); zeros for ``critical-ratio``."""
        target = 0.0 if self.target is None else self.target
        return np.broadcast_to(np.asarray(target, dtype=np.float64), self.shape)

    @cached_property
    def min_order_units(self) -> IntArray:
        """Least order that reaches ``min_units`` in whole case packs, (S, K)."""
        if self.min_units is None:
            return np.broadcast_to(np.int64(0), self.shape)
        missing = np.maximum(self.min_units - self.on_hand_units, 0)
        packs = -(-missing // self.case_pack_units)
        return frozen(packs * self.case_pack_units, np.int64)

    @cached_property
    def room_ml(self) -> IntArray | None:
        """Volume that may be sent to each store, (S,): store and vehicle; None without limit."""
        rooms = []
        if self.store_volume_ml is not None:
            taken = self.on_hand_units.astype(np.float64) @ self.volume_ml.astype(np.float64)
            free = np.maximum(self.store_volume_ml - np.minimum(taken, float(MAX_TOTAL)), 0.0)
            rooms.append(free.astype(np.int64))
        if self.delivery_volume_ml is not None:
            rooms.append(np.asarray(self.delivery_volume_ml))
        if not rooms:
            return None
        return frozen(np.minimum.reduce(rooms), np.int64)

    def name_of_pair(self, store: int, sku: int) -> str:
        """Return a name of one pair for messages."""
        return f"store {self.store_ids[store]} sku {self.sku_ids[sku]}"

    def replace(self, **changes: Any) -> InventoryProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def _set_choices(self, issues: list[Issue]) -> None:
        choices: tuple[tuple[str, type[enum.StrEnum]], ...] = (
            ("demand_law", DemandLaw),
            ("rule", LevelRule),
        )
        for name, kind in choices:
            given = getattr(self, name)
            try:
                object.__setattr__(self, name, kind(given))
            except ValueError:
                wanted = ", ".join(kind)
                issues.append(issue_of("unknown-choice", name, repr(given), f"one of {wanted}"))

    def _set_arrays(self, issues: list[Issue]) -> None:
        for name, (dtype, _, _) in FIELDS.items():
            given = getattr(self, name)
            if given is None and name in OPTIONAL:
                continue
            try:
                # The reshape keeps a single number single.
                array = frozen(given, dtype).reshape(np.shape(given))
                is_plain = name == "interval_days" and array.ndim == 0
                object.__setattr__(self, name, int(array) if is_plain else array)
            except (ValueError, TypeError, OverflowError) as error:
                kind = "whole numbers" if dtype is np.int64 else "numbers"
                found = short(given) if np.ndim(given) == 0 else str(error)
                issues.append(issue_of("bad-number", name, found, f"an array of {kind}"))

    def _set_names(self, issues: list[Issue]) -> None:
        if self.mean_units.ndim != 2:
            found = f"shape {self.mean_units.shape}"
            issues.append(issue_of("bad-shape", "mean_units", found, "stores x SKUs"))
            return
        for name, count in (("store_ids", self.num_stores), ("sku_ids", self.num_skus)):
            given = getattr(self, name)
            # Without names, numbers do; an empty tuple is also right for a count of 0.
            names = tuple(str(each) for each in given) or tuple(str(i) for i in range(count))
            object.__setattr__(self, name, names)
            if len(names) != count:
                issues.append(issue_of("bad-shape", name, f"{len(names)} names", f"{count} names"))
            elif len(set(names)) != count:
                twice = sorted(each for each, times in Counter(names).items() if times > 1)
                wanted = "names that differ"
                issues += [issue_of("duplicate-id", name, repr(each), wanted) for each in twice]

    def _check_shapes(self, issues: list[Issue]) -> None:
        if self.mean_units.ndim != 2:
            return
        num_stores, num_skus = self.shape
        sizes = sizes_of(num_stores, num_skus, self.sample_units)
        for name, (_, shape, _) in FIELDS.items():
            value = getattr(self, name)
            if value is not None and np.shape(value) not in sizes[shape]:
                wanted = " or ".join(str(size) for size in sizes[shape])
                issues.append(
                    issue_of("bad-shape", name, f"shape {np.shape(value)}", f"shape {wanted}")
                )

    def _check_ranges(self, issues: list[Issue]) -> None:
        for name, (_, shape, (low, high)) in FIELDS.items():
            value = getattr(self, name)
            if value is None:
                continue
            # Written so that NaN counts as out of range.
            is_bad = ~np.asarray((value >= low) & (value <= high))
            wanted = f"a number from {low:g} to {high:g}"
            issues += self._cells(
                "out-of-range", f"{name} {shape}", is_bad, np.asarray(value), wanted
            )

    def _set_samples(self, issues: list[Issue]) -> None:
        is_empirical = self.demand_law is DemandLaw.EMPIRICAL
        if self.sample_units is None:
            if is_empirical:
                wanted = f"samples for the law {self.demand_law}"
                issues.append(issue_of("no-samples", "sample_units", "None", wanted))
            return
        if not is_empirical:
            wanted = f"no samples: the law {self.demand_law} has a mean and a variance"
            found = f"shape {self.sample_units.shape}"
            issues.append(issue_of("samples-not-used", "sample_units", found, wanted))
            return
        ordered = frozen(np.sort(self.sample_units, axis=0), np.float64)
        object.__setattr__(self, "sample_units", ordered)
        object.__setattr__(self, "mean_units", frozen(ordered.mean(axis=0), np.float64))
        object.__setattr__(self, "variance_units", frozen(ordered.var(axis=0), np.float64))

    def _check_costs(self, issues: list[Issue]) -> None:
        if self.rule is not LevelRule.CRITICAL_RATIO:
            return
        leftover = self.holding_cost if self.waste_cost is None else self.leftover_cost_of_pair
        is_bad = np.asarray(self.shortage_cost > MAX_COST_RATIO * leftover)
        shape = "SK" if is_bad.ndim == 2 else "K"
        holding = np.broadcast_to(leftover, is_bad.shape)
        wanted = f"more than shortage_cost / {MAX_COST_RATIO:g}: else the best level is endless"
        issues += self._cells(
            "holding-cost-too-low", f"holding_cost {shape}", is_bad, holding, wanted
        )

    def _check_target(self, issues: list[Issue]) -> None:
        if self.rule is LevelRule.CRITICAL_RATIO:
            if self.target is not None:
                found = short(self.target)
                wanted = "no target: the costs decide under critical-ratio"
                issues.append(issue_of("target-not-used", "target", found, wanted))
            return
        if self.target is None:
            issues.append(issue_of("no-target", "target", "None", f"a target for {self.rule}"))
            return
        target = np.asarray(self.target)
        low, high = (-10.0, 10.0) if self.rule is LevelRule.Z_SIGMA else (0.0, 1 - 1e-9)
        wanted = f"a number from {low:g} to {high:.10g} for {self.rule}"
        is_bad = ~((target >= low) & (target <= high))
        issues += self._cells(
            "out-of-range", f"target {'SK'[2 - target.ndim :]}", is_bad, target, wanted
        )

    def _cells(
        self, code: str, field: str, is_bad: BoolArray, value: Any, wanted: str
    ) -> list[Issue]:
        """One issue per bad cell, named by store and SKU, up to a limit."""
        name, _, shape = field.partition(" ")
        places = np.argwhere(is_bad)
        found = []
        for place in places[:MAX_LISTED]:
            at = tuple(int(i) for i in place)
            names = self.store_ids if shape == "S" else self.sku_ids
            if len(at) >= 2:
                at_pair = at[-2:]
                where = f"{name} of {self.name_of_pair(*at_pair)}"
            elif len(at) == 1:
                where = f"{name} of {'store' if shape == 'S' else 'sku'} {names[at[0]]}"
            else:
                where = name
            found.append(issue_of(code, where, repr(value[at].item()), wanted))
        if len(places) > MAX_LISTED:
            more = f"{len(places) - MAX_LISTED} more cells like these"
            found.append(issue_of(code, name, more, wanted))
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class InventorySolution:
    """What to send.

    Parameters
    ----------
    order_units
        Units sent of each SKU to each store, (S, K). The level is on hand plus order.
    """

    order_units: IntArray

    def __post_init__(self) -> None:
        set_decisions(self, "order_units")
