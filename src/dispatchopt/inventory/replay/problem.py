"""What is replayed: daily demand, lead times, shelf lives, costs."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from dispatchopt.core.arrays import FloatArray, IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.demand import Demand
from dispatchopt.inventory.problem import MAX_COST, MAX_TOTAL, MAX_UNITS, DemandLaw
from dispatchopt.inventory.replay.baskets import Baskets

#: Longest lead time and shelf life, in days.
MAX_DAYS = 100_000


class IssueRule(enum.StrEnum):
    """Which units leave first."""

    FIFO = "fifo"
    LIFO = "lifo"


class Unmet(enum.StrEnum):
    """What becomes of demand that finds no stock."""

    LOST = "lost"
    BACKORDER = "backorder"


@dataclass(frozen=True, kw_only=True, eq=False)
class ReplayProblem:
    """Stores, SKUs and their days.

    A day: deliveries arrive and fill what is owed; demand is served; units whose life ends are
    thrown away; the policy orders. An order of the evening of day t arrives on the morning of day
    t + 1 + lead, so that an order covers ``lead + 1`` days.

    Parameters
    ----------
    mean_units, variance_units
        Demand of a day, (S, K), >= 0; ignored where ``baskets`` are given.
    demand_law
        Its distribution; what a normal law puts below 0 is no demand.
    sample_units
        Demands of days, equally likely, for the law ``empirical`` only, (N, S, K).
    holding_cost
        Cost of one unit in stock at the end of a day, money units, (K,) or (S, K), >= 0.
    shortage_cost
        Cost of one unit lost, or of one unit owed at the end of a day, (K,) or (S, K), >= 0.
    waste_cost
        Cost of one unit thrown away, (K,), >= 0; None for 0.
    order_cost
        Cost of each order of one SKU by one store, whatever its size, (K,), >= 0; None for 0.
    start_units
        Stock on the first morning, fresh, (S, K); None for none.
    case_pack_units
        Units in which central stock is rationed, (K,), >= 1; None for 1.
    lead_days, lead_chances
        Possible lead times in whole days >= 0, (J,), and their chances, (J,), drawn per store and
        evening; by default 0 days.
    shelf_life_days
        Days on which a unit can be sold, (K,); 0 for no limit. None for no limits.
    issue, unmet
        Which units leave first; what becomes of unmet demand.
    central_units, central_inflow_units
        Stock of the city warehouse, and what it gets each day, (K,); None for no limit. Orders
        beyond it are cut in proportion.
    baskets
        Orders of several lines in place of independent demand; needed for complete orders.
    backup_store
        Store that fills lines which the first one lacks, (S,), -1 for none; with baskets only.
    store_ids, sku_ids
        Names; by default numbers.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    mean_units: FloatArray
    variance_units: FloatArray
    holding_cost: FloatArray
    shortage_cost: FloatArray
    demand_law: DemandLaw = DemandLaw.NEGATIVE_BINOMIAL
    sample_units: FloatArray | None = None
    waste_cost: FloatArray | None = None
    order_cost: FloatArray | None = None
    start_units: FloatArray | None = None
    case_pack_units: IntArray | None = None
    lead_days: IntArray = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    lead_chances: FloatArray = field(default_factory=lambda: np.ones(1))
    shelf_life_days: IntArray | None = None
    issue: IssueRule = IssueRule.FIFO
    unmet: Unmet = Unmet.LOST
    central_units: FloatArray | None = None
    central_inflow_units: FloatArray | None = None
    baskets: Baskets | None = None
    backup_store: IntArray | None = None
    store_ids: tuple[str, ...] = ()
    sku_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        issues: list[Issue] = []
        self._set_fields(issues)
        if not issues:
            self._check_ranges(issues)
        if not issues:
            self._check_relations(issues)
        if issues:
            raise InputError(issues)
        for name, count in (("store_ids", self.num_stores), ("sku_ids", self.num_skus)):
            names = getattr(self, name) or tuple(str(i) for i in range(count))
            object.__setattr__(self, name, tuple(names))

    def _set_fields(self, issues: list[Issue]) -> None:
        choices = {"demand_law": DemandLaw, "issue": IssueRule, "unmet": Unmet}
        for name, kind in choices.items():
            given = getattr(self, name)
            try:
                object.__setattr__(self, name, kind(given))
            except ValueError:
                wanted = f"one of {', '.join(kind)}"
                issues.append(_issue("unknown-choice", name, repr(given), wanted))
        for name, (dtype, _, _, _) in _FIELDS.items():
            given = getattr(self, name)
            if given is None:
                continue
            try:
                object.__setattr__(self, name, frozen(given, dtype).reshape(np.shape(given)))
            except (ValueError, TypeError, OverflowError) as error:
                issues.append(_issue("bad-number", name, str(error), "an array of numbers"))
        if not issues and self.mean_units.ndim != 2:
            found = f"shape {self.mean_units.shape}"
            issues.append(_issue("bad-shape", "mean_units", found, "stores x SKUs"))

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

    @cached_property
    def life_days(self) -> IntArray:
        """Shelf life by SKU, 0 for no limit, (K,)."""
        if self.shelf_life_days is None:
            return np.zeros(self.num_skus, dtype=np.int64)
        return self.shelf_life_days

    @cached_property
    def packs(self) -> IntArray:
        """Case pack by SKU, (K,)."""
        if self.case_pack_units is None:
            return np.ones(self.num_skus, dtype=np.int64)
        return self.case_pack_units

    @cached_property
    def demand(self) -> Demand:
        """Demand of a day."""
        return Demand(
            law=self.demand_law,
            mean_units=self.mean_units,
            variance_units=self.variance_units,
            sample_units=self.sample_units,
        )

    def interval(self) -> Demand:
        """Return the demand of the ``lead + 1`` days that an order covers, (S, K).

        Mean and variance of a random number of independent days: ``n mu`` and
        ``n sigma^2 + mu^2 Var(n)``. Sums of days of an empirical law are taken as negative
        binomial.
        """
        if self.sample_units is not None and not self.lead_days.any():
            return self.demand
        is_given = self.demand_law is not DemandLaw.EMPIRICAL
        law = self.demand_law if is_given else DemandLaw.NEGATIVE_BINOMIAL
        days = self.lead_days + 1.0
        mean_days = float(days @ self.lead_chances)
        spread = max(0.0, float(days**2 @ self.lead_chances) - mean_days**2)
        variance = mean_days * self.demand.true_variance + self.mean_units**2 * spread
        return Demand(law=law, mean_units=mean_days * self.mean_units, variance_units=variance)

    def replace(self, **changes: Any) -> ReplayProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def _check_ranges(self, issues: list[Issue]) -> None:
        shapes = {
            "SK": (self.shape,),
            "K or SK": ((self.num_skus,), self.shape),
            "K": ((self.num_skus,),),
            "S": ((self.num_stores,),),
            "NSK": (
                (1 if self.sample_units is None else max(1, len(self.sample_units)), *self.shape),
            ),
            "J": (self.lead_days.shape if self.lead_days.ndim == 1 else (1,),),
        }
        for name, (_, shape, low, high) in _FIELDS.items():
            value = getattr(self, name)
            if value is None:
                continue
            if value.shape not in shapes[shape]:
                wanted = " or ".join(f"shape {each}" for each in shapes[shape])
                issues.append(_issue("bad-shape", name, f"shape {value.shape}", wanted))
                continue
            is_bad = ~((value >= low) & (value <= high))
            if is_bad.any():
                at = tuple(int(i) for i in np.argwhere(is_bad)[0])
                where = f"{name}[{', '.join(map(str, at))}], and {int(is_bad.sum()) - 1} more"
                wanted = f"a number from {low:g} to {high:g}"
                issues.append(_issue("out-of-range", where, repr(value[at].item()), wanted))

    def _set_samples(self, issues: list[Issue]) -> None:
        is_empirical = self.demand_law is DemandLaw.EMPIRICAL
        if is_empirical != (self.sample_units is not None):
            code, found = (
                ("no-samples", "None") if is_empirical else ("samples-not-used", "samples")
            )
            issues.append(_issue(code, "sample_units", found, "samples for empirical, only there"))
        elif self.sample_units is not None:
            ordered = np.sort(self.sample_units, axis=0)
            for name, values in (("sample_units", ordered), ("mean_units", ordered.mean(axis=0)),
                                 ("variance_units", ordered.var(axis=0))):  # fmt: skip
                object.__setattr__(self, name, frozen(values, np.float64))

    def _check_relations(self, issues: list[Issue]) -> None:
        self._set_samples(issues)
        total = float(self.lead_chances.sum())
        if not self.lead_days.size or abs(total - 1.0) > 1e-9:
            issues.append(_issue("out-of-range", "lead_chances", repr(total), "a sum of 1"))
        for name, count in (("store_ids", self.num_stores), ("sku_ids", self.num_skus)):
            names = getattr(self, name)
            if names and (len(names) != count or len(set(names)) != count):
                found = f"{len(names)} names, {len(set(names))} of them different"
                issues.append(_issue("bad-shape", name, found, f"{count} different names"))
        if self.baskets is not None:
            issues += self.baskets.misfits(self.num_stores, self.num_skus)
            if self.unmet is Unmet.BACKORDER:
                found = "baskets with backorders"
                issues.append(_issue("unknown-choice", "unmet", found, "lost, with baskets"))
        elif self.backup_store is not None:
            found = "a backup without baskets"
            issues.append(_issue("no-baskets", "backup_store", found, "baskets, or no backup"))
        if self.backup_store is not None:
            own = np.flatnonzero(self.backup_store == np.arange(self.num_stores))
            wrong = np.flatnonzero(self.backup_store >= self.num_stores)
            for store in [*own, *wrong][:20]:
                where = f"backup_store[{int(store)}]"
                found = repr(int(self.backup_store[store]))
                issues.append(_issue("out-of-range", where, found, "another store, or -1"))


#: Field: its type, its shape, and its range.
_FIELDS: dict[str, tuple[type[np.generic], str, float, float]] = {
    "mean_units": (np.float64, "SK", 0, MAX_UNITS),
    "variance_units": (np.float64, "SK", 0, float(MAX_UNITS) ** 2),
    "sample_units": (np.float64, "NSK", 0, MAX_UNITS),
    "holding_cost": (np.float64, "K or SK", 0, MAX_COST),
    "shortage_cost": (np.float64, "K or SK", 0, MAX_COST),
    "waste_cost": (np.float64, "K", 0, MAX_COST),
    "order_cost": (np.float64, "K", 0, MAX_COST),
    "start_units": (np.float64, "SK", 0, MAX_UNITS),
    "case_pack_units": (np.int64, "K", 1, MAX_UNITS),
    "lead_days": (np.int64, "J", 0, MAX_DAYS),
    "lead_chances": (np.float64, "J", 0, 1),
    "shelf_life_days": (np.int64, "K", 0, MAX_DAYS),
    "central_units": (np.float64, "K", 0, MAX_TOTAL),
    "central_inflow_units": (np.float64, "K", 0, MAX_TOTAL),
    "backup_store": (np.int64, "S", -1, MAX_TOTAL),
}


def _issue(code: str, where: str, found: str, wanted: str) -> Issue:
    return Issue(code=code, where=where, found=found[:200], wanted=wanted)
