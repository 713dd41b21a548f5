"""What an assortment problem is: the SKUs each store carries, judged by orders filled complete."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray, frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.inventory.faults import issue_of, out_of_range, repeated, set_array, set_names

#: Largest weight of an order; more would drown the others.
MAX_WEIGHT = 1e9
#: Most orders.
MAX_ORDERS = 10**7
#: Largest volume of a SKU, and of a store, in ml.
MAX_SKU_ML, MAX_STORE_ML = 10**9, 10**15
#: ``listing``: a SKU that a store must carry, and one that it never carries.
MUST, FREE, NEVER = 1, 0, -1
#: Issues listed per field.


@dataclass(frozen=True, kw_only=True, eq=False)
class AssortmentProblem:
    """Which SKUs each store carries.

    An order is complete if one store that reaches its zone carries all its SKUs, or, where stores
    may share an order, if the stores that reach its zone carry them together. The objective is
    the weight of the orders that are not complete.

    Parameters
    ----------
    num_skus
        Number of SKUs K.
    order_weight
        How often an order like this is expected, (O,), >= 0.
    line_order, line_sku
        Order and SKU of each line, (L,); a SKU stands in an order once. An order without lines is
        complete.
    order_zone
        Zone of each order, (O,); all in zone 0 if None.
    reach
        Which store reaches which zone, (Z, S).
    may_split
        Whether the stores that reach a zone fill its orders together.
    slots
        Most SKUs of each store, (S,), >= 0; None for no limit.
    store_volume_ml
        Room of each store, (S,), >= 0; None for no limit.
    volume_ml
        Room that each SKU takes where it is carried (all its facings), (K,), >= 0; None for 0.
    listing
        1 where a store must carry a SKU, -1 where it never does, else 0, (S, K); None for 0.
    sku_category
        Category of each SKU, (K,); all in category 0 if None.
    floor
        Least number of SKUs of each category that each store carries, (S, C), >= 0; None for 0.
    store_ids, sku_ids, zone_ids, category_ids, order_ids
        Names for messages; by default numbers.

    Raises
    ------
    InputError
        If anything is out of range; lists every problem found.
    """

    num_skus: int
    order_weight: FloatArray
    line_order: IntArray
    line_sku: IntArray
    reach: BoolArray
    order_zone: IntArray = None  # type: ignore[assignment]  # an array once built
    may_split: bool = False
    slots: IntArray | None = None
    store_volume_ml: IntArray | None = None
    volume_ml: IntArray = None  # type: ignore[assignment]  # an array once built
    listing: IntArray | None = None
    sku_category: IntArray = None  # type: ignore[assignment]  # an array once built
    floor: IntArray | None = None
    store_ids: tuple[str, ...] = ()
    sku_ids: tuple[str, ...] = ()
    zone_ids: tuple[str, ...] = ()
    category_ids: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        issues: list[Issue] = []
        self._set_numbers(issues)
        if not issues:
            self._set_arrays(issues)
        if not issues:
            self._check_shapes(issues)
        if not issues:
            self._check_ranges(issues)
        if not issues:
            self._check_twice(issues)
        if issues:
            raise InputError(issues)

    @property
    def num_orders(self) -> int:
        """Number of orders O."""
        return int(self.order_weight.size)

    @property
    def num_lines(self) -> int:
        """Number of lines L."""
        return int(self.line_order.size)

    @property
    def num_stores(self) -> int:
        """Number of stores S."""
        return int(self.reach.shape[1])

    @property
    def num_zones(self) -> int:
        """Number of zones Z."""
        return int(self.reach.shape[0])

    @property
    def num_categories(self) -> int:
        """Number of categories C."""
        if self.floor is not None:
            return int(self.floor.shape[1])
        return max(len(self.category_ids), int(self.sku_category.max(initial=-1)) + 1)

    def replace(self, **changes: Any) -> AssortmentProblem:
        """Return a copy with some fields changed."""
        return dataclasses.replace(self, **changes)

    def _set_numbers(self, issues: list[Issue]) -> None:
        given = self.num_skus
        is_bad = isinstance(given, bool) or not isinstance(given, int | np.integer)
        if is_bad or not 0 <= given <= MAX_ORDERS:
            wanted = f"a whole number from 0 to {MAX_ORDERS}"
            issues.append(issue_of("out-of-range", "num_skus", repr(given), wanted))
        object.__setattr__(self, "may_split", bool(self.may_split))

    def _set_arrays(self, issues: list[Issue]) -> None:
        missing = {"order_zone": np.size(self.order_weight)}
        missing |= {"volume_ml": self.num_skus, "sku_category": self.num_skus}
        for name, (dtype, dim) in _FIELDS.items():
            given = getattr(self, name)
            if given is None and name not in missing:
                continue
            values = np.zeros(missing[name], dtype=np.int64) if given is None else given
            if set_array(self, name, values, dtype, issues):
                found = getattr(self, name).ndim
                if found != dim:
                    issues.append(issue_of("bad-shape", name, f"{found} dimensions", str(dim)))

    def _check_shapes(self, issues: list[Issue]) -> None:
        stores, skus = self.num_stores, self.num_skus
        wanted: dict[str, tuple[int, ...]] = {
            "line_sku": (self.num_lines,),
            "order_zone": (self.num_orders,),
            "slots": (stores,),
            "store_volume_ml": (stores,),
            "volume_ml": (skus,),
            "listing": (stores, skus),
            "sku_category": (skus,),
            "floor": (stores, 0 if self.floor is None else self.floor.shape[1]),
        }
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                issues.append(issue_of("bad-shape", name, str(array.shape), str(shape)))
        if issues:
            return
        counts = {
            "store_ids": stores,
            "sku_ids": skus,
            "zone_ids": self.num_zones,
            "category_ids": self.num_categories,
            "order_ids": self.num_orders,
        }
        set_names(self, counts, issues)

    def _check_ranges(self, issues: list[Issue]) -> None:
        limits = {
            "order_weight": (0, MAX_WEIGHT),
            "line_order": (0, self.num_orders - 1),
            "line_sku": (0, self.num_skus - 1),
            "order_zone": (0, self.num_zones - 1),
            "slots": (0, MAX_ORDERS),
            "store_volume_ml": (0, MAX_STORE_ML),
            "volume_ml": (0, MAX_SKU_ML),
            "listing": (NEVER, MUST),
            "sku_category": (0, max(0, self.num_categories - 1)),
            "floor": (0, MAX_ORDERS),
        }
        issues += out_of_range(self, limits)

    def _check_twice(self, issues: list[Issue]) -> None:
        lines = self.line_order, self.line_sku
        issues += repeated("line_sku", lines, self.num_skus, "each only once in an order")


@dataclass(frozen=True, kw_only=True, eq=False)
class AssortmentSolution:
    """Who carries what.

    Parameters
    ----------
    is_carried
        Whether each store carries each SKU, (S, K).
    """

    is_carried: BoolArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_carried", frozen(self.is_carried, np.bool_))


#: Field: its type and number of dimensions.
_FIELDS: dict[str, tuple[type[np.generic], int]] = {
    "order_weight": (np.float64, 1),
    "line_order": (np.int64, 1),
    "line_sku": (np.int64, 1),
    "order_zone": (np.int64, 1),
    "reach": (np.bool_, 2),
    "slots": (np.int64, 1),
    "store_volume_ml": (np.int64, 1),
    "volume_ml": (np.int64, 1),
    "listing": (np.int64, 2),
    "sku_category": (np.int64, 1),
    "floor": (np.int64, 2),
}
