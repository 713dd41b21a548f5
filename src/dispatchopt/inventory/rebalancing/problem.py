"""What a rebalancing problem is: stock in stores, lanes between them, vans on the lanes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.faults import (
    cells,
    issue_of,
    out_of_range,
    repeated,
    set_decisions,
    set_shaped,
)
from dispatchopt.inventory.fields import MAX_UNITS
from dispatchopt.inventory.problem import InventoryProblem, LevelRule

#: Largest cost of a unit on a lane, and of a lane.
MAX_COST = 1e9
#: Largest cost of a unit that is thrown away.
MAX_WASTE_COST = 1e12
#: Longest lane.
MAX_DISTANCE_M = 10**9
#: Largest capacity of a lane, which stands for none.
MAX_CAPACITY_ML = 10**15


@dataclass(frozen=True, kw_only=True, eq=False)
class RebalancingProblem:
    """Which units go from which store to which.

    The objective is the expected cost of the stock after the transfers, as in
    ``InventoryProblem``, plus the cost of the transfers. Units that expire before the next
    replenishment are sold first: of e of them, E[(e - D)+] are thrown away, for ``waste_cost`` each
    beside what is left over.

    Parameters
    ----------
    stock
        Stock on hand, demand until the next replenishment, and costs; without limits, minimum
        levels and waste, under the rule ``critical-ratio``. Case packs do not bind transfers.
    lane_from, lane_to
        Stores at the ends of each lane, (L,); each pair once, and no lane from a store to itself.
    unit_cost
        Cost of one unit on each lane (handling, km), (L,), >= 0.
    lane_cost
        Cost of a lane if anything goes on it (a van's ride), (L,), >= 0; None for 0.
    capacity_ml
        Volume that each lane takes, (L,), >= 0; None for no limit.
    movable_units
        Units of each pair that may leave the store, because they live long enough and are no
        facings, (S, K), at most the stock on hand; None for all.
    distance_m
        Length of each lane, (L,), -1 where it is not known; None for all. It is told beside what
        moves, and costs nothing by itself.
    expiring_units
        Units of the stock on hand whose remaining shelf life ends before the next replenishment,
        (S, K), at most the stock on hand; None for none.
    waste_cost
        Cost of one of them thrown away, (K,), >= 0; None for 0.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    stock: InventoryProblem
    lane_from: IntArray
    lane_to: IntArray
    unit_cost: FloatArray
    lane_cost: FloatArray = None  # type: ignore[assignment]  # an array once built
    capacity_ml: IntArray | None = None
    movable_units: IntArray = None  # type: ignore[assignment]  # an array once built
    distance_m: IntArray = None  # type: ignore[assignment]  # an array once built
    expiring_units: IntArray = None  # type: ignore[assignment]  # an array once built
    waste_cost: FloatArray = None  # type: ignore[assignment]  # an array once built

    def __post_init__(self) -> None:
        issues = _limits_of_stock(self.stock)
        self._set_arrays(issues)
        if not issues:
            self._check_ranges(issues)
        if not issues:
            ends = self.lane_from, self.lane_to
            issues = repeated("lane_to", ends, self.num_stores, "each pair once")
        if issues:
            raise InputError(issues)

    @property
    def num_stores(self) -> int:
        """Number of stores S."""
        return self.stock.num_stores

    @property
    def num_skus(self) -> int:
        """Number of SKUs K."""
        return self.stock.num_skus

    @property
    def num_lanes(self) -> int:
        """Number of lanes L."""
        return int(self.lane_from.size)

    @property
    def is_coupled(self) -> bool:
        """Whether anything ties the SKUs together."""
        return self.capacity_ml is not None or bool((self.lane_cost > 0).any())

    @property
    def has_expiring(self) -> bool:
        """Whether units expire before the next replenishment."""
        return bool(self.expiring_units.any())

    def replace(self, **changes: Any) -> RebalancingProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def _set_arrays(self, issues: list[Issue]) -> None:
        lanes, pairs = (np.size(self.lane_from),), self.stock.shape
        fields: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
            "lane_from": (np.int64, lanes),
            "lane_to": (np.int64, lanes),
            "unit_cost": (np.float64, lanes),
            "lane_cost": (np.float64, lanes),
            "capacity_ml": (np.int64, lanes),
            "movable_units": (np.int64, pairs),
            "distance_m": (np.int64, lanes),
            "expiring_units": (np.int64, pairs),
            "waste_cost": (np.float64, (self.num_skus,)),
        }
        missing = {
            "lane_cost": np.zeros(lanes),
            "movable_units": self.stock.on_hand_units,
            "distance_m": np.full(lanes, -1),
            "expiring_units": np.zeros(pairs, dtype=np.int64),
            "waste_cost": np.zeros(self.num_skus),
        }
        for name, kind in fields.items():
            given = getattr(self, name)
            if given is not None or name in missing:
                values = missing[name] if given is None else given
                set_shaped(self, name, values, kind, issues)

    def _check_ranges(self, issues: list[Issue]) -> None:
        last = self.num_stores - 1
        limits = {
            "lane_from": (0, last),
            "lane_to": (0, last),
            "unit_cost": (0, MAX_COST),
            "lane_cost": (0, MAX_COST),
            "capacity_ml": (0, MAX_CAPACITY_ML),
            "movable_units": (0, MAX_UNITS),
            "distance_m": (-1, MAX_DISTANCE_M),
            "expiring_units": (0, MAX_UNITS),
            "waste_cost": (0, MAX_WASTE_COST),
        }
        issues += out_of_range(self, limits)
        for name, is_bad, wanted in (
            ("lane_to", self.lane_to == self.lane_from, "another store than lane_from"),
            ("movable_units", self.movable_units > self.stock.on_hand_units, "at most the stock"),
            ("expiring_units", self.expiring_units > self.stock.on_hand_units, "at most the stock"),
        ):
            issues += cells("out-of-range", name, is_bad, getattr(self, name), wanted)


@dataclass(frozen=True, kw_only=True, eq=False)
class RebalancingSolution:
    """Which units go on which lane.

    Parameters
    ----------
    moved_units
        Units of each SKU on each lane, (L, K), >= 0.
    expiring_units
        Those of them that expire before the next replenishment, (L, K); None for none.
    """

    moved_units: IntArray
    expiring_units: IntArray = None  # type: ignore[assignment]  # an array once built

    def __post_init__(self) -> None:
        set_decisions(self, "moved_units")
        if self.expiring_units is None:
            object.__setattr__(self, "expiring_units", np.zeros_like(self.moved_units))
        set_decisions(self, "expiring_units")


def _limits_of_stock(stock: InventoryProblem) -> list[Issue]:
    """Return what a stock problem states that transfers do not take into account."""
    issues = [
        issue_of("fields-clash", f"stock.{name}", "a value", "nothing where stores rebalance")
        for name in (
            "store_volume_ml",
            "delivery_volume_ml",
            "available_units",
            "min_units",
            "waste_cost",
        )
        if getattr(stock, name) is not None
    ]
    if stock.rule is not LevelRule.CRITICAL_RATIO:
        wanted = str(LevelRule.CRITICAL_RATIO)
        issues.append(issue_of("fields-clash", "stock.rule", str(stock.rule), wanted))
    return issues
