"""What a surge problem is: stock to send before a live stream whose demand comes in scenarios."""

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
    set_decisions,
    set_names,
    set_shaped,
)

#: Largest number of units, margin and volume.
MAX_UNITS, MAX_MARGIN, MAX_ML = 10**9, 1e9, 10**15


@dataclass(frozen=True, kw_only=True, eq=False)
class SurgeProblem:
    """How much of each SKU to send to each store before a live stream.

    Then one of the scenarios happens, in all stores at once: first the stream, then the shelf. A
    store sells to the shelf what it has (a protection level keeps it), and the rest to the stream.
    After the stream units move between stores at a cost each: leftovers to shelves that lack them,
    units kept from the stream for that where they earn more, and leftovers that replace what a
    shelf gave to the stream. The objective is the expected margin lost plus the cost of what is
    left over and of transfers.

    Parameters
    ----------
    probability
        Probability of each scenario, (N,), > 0, adding up to 1.
    shelf_units, live_units
        Demand of shelf and stream in each scenario, (N, S, K), >= 0.
    shelf_margin, live_margin
        Margin of a unit, (K,), >= 0, that of the stream at most that of the shelf.
    holding_cost
        Cost of a unit left over, (K,), >= 0.
    on_hand_units
        Stock in the stores, (S, K), >= 0.
    volume_ml
        Volume of a unit, (K,), >= 0; None for 0.
    available_units
        Central stock, (K,), >= 0; None for no limit.
    room_ml
        Room in each store for what is sent, (S,), >= 0; None for no limit.
    transfer_cost
        Cost of moving a unit between stores after the stream, >= 0; None if nothing is moved.
    scenario_ids, store_ids, sku_ids
        Names for messages; by default numbers.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    probability: FloatArray
    shelf_units: IntArray
    live_units: IntArray
    shelf_margin: FloatArray
    live_margin: FloatArray
    holding_cost: FloatArray
    on_hand_units: IntArray
    volume_ml: IntArray = None  # type: ignore[assignment]  # an array once built
    available_units: IntArray | None = None
    room_ml: IntArray | None = None
    transfer_cost: float | None = None
    scenario_ids: tuple[str, ...] = ()
    store_ids: tuple[str, ...] = ()
    sku_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        issues: list[Issue] = []
        self._set_arrays(issues)
        if not issues:
            stores, skus = self.shape
            counts = {"scenario_ids": self.num_scenarios, "store_ids": stores, "sku_ids": skus}
            set_names(self, counts, issues)
            self._check_ranges(issues)
        if issues:
            raise InputError(issues)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of stores and SKUs."""
        return int(self.on_hand_units.shape[0]), int(self.on_hand_units.shape[1])

    @property
    def num_scenarios(self) -> int:
        """Number of scenarios N."""
        return int(self.probability.size)

    def replace(self, **changes: Any) -> SurgeProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def _set_arrays(self, issues: list[Issue]) -> None:
        pairs = np.shape(self.on_hand_units)
        if len(pairs) != 2:
            issues.append(issue_of("bad-shape", "on_hand_units", str(pairs), "stores x SKUs"))
            return
        num = (int(np.size(self.probability)),)
        skus = (pairs[1],)
        fields: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
            "probability": (np.float64, num),
            "shelf_units": (np.int64, num + pairs),
            "live_units": (np.int64, num + pairs),
            "shelf_margin": (np.float64, skus),
            "live_margin": (np.float64, skus),
            "holding_cost": (np.float64, skus),
            "on_hand_units": (np.int64, pairs),
            "volume_ml": (np.int64, skus),
            "available_units": (np.int64, skus),
            "room_ml": (np.int64, (pairs[0],)),
        }
        for name, kind in fields.items():
            given = getattr(self, name)
            if given is not None or name not in ("available_units", "room_ml"):
                values = np.zeros(kind[1], np.int64) if given is None else given
                set_shaped(self, name, values, kind, issues)

    def _check_ranges(self, issues: list[Issue]) -> None:
        limits = {
            "probability": (1e-12, 1.0),
            "shelf_units": (0, MAX_UNITS),
            "live_units": (0, MAX_UNITS),
            "shelf_margin": (0, MAX_MARGIN),
            "live_margin": (0, MAX_MARGIN),
            "holding_cost": (0, MAX_MARGIN),
            "on_hand_units": (0, MAX_UNITS),
            "volume_ml": (0, MAX_ML),
            "available_units": (0, MAX_ML),
            "room_ml": (0, MAX_ML),
        }
        issues += out_of_range(self, limits)
        is_bad = self.live_margin > self.shelf_margin
        wanted = "at most the margin of the shelf"
        issues += cells("out-of-range", "live_margin", is_bad, self.live_margin, wanted)
        total = float(self.probability.sum())
        if not abs(total - 1.0) <= 1e-6:
            issues.append(
                issue_of("out-of-range", "probability", f"a sum of {total:g}", "a sum of 1")
            )
        cost = self.transfer_cost
        if cost is not None and not 0 <= cost <= MAX_MARGIN:
            wanted = f"a number from 0 to {MAX_MARGIN:g}"
            issues.append(issue_of("out-of-range", "transfer_cost", repr(cost), wanted))


@dataclass(frozen=True, kw_only=True, eq=False)
class SurgeSolution:
    """What is sent before the stream.

    Parameters
    ----------
    order_units
        Units sent to each store, (S, K), >= 0.
    """

    order_units: IntArray

    def __post_init__(self) -> None:
        set_decisions(self, "order_units")
