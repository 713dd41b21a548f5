"""A city: all that the three decisions and the replayed day are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dispatchopt.core.arrays import BoolArray, FloatArray, IntArray, set_frozen
from dispatchopt.core.errors import InputError, Issue
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.siting.problem import SiteStatus

__all__ = [
    "City",
    "CityParameters",
    "CourierShifts",
    "Customers",
    "DayOrders",
    "SiteStatus",
    "Sites",
    "Skus",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Customers:
    """Places where demand arises.

    Parameters
    ----------
    ids
        Unique names, n of them.
    points
        Where they are, n.
    demand_units
        Orders a day, int64, shape (n,), >= 0: the weight in siting.
    """

    ids: tuple[str, ...]
    points: Points
    demand_units: IntArray

    def __post_init__(self) -> None:
        set_frozen(self, "demand_units", np.int64)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sites:
    """Places where a store may stand or stands.

    Parameters
    ----------
    ids, points
        Names and places, m of them.
    status
        ``SiteStatus`` values, int8, shape (m,).
    rent_cents
        Rent and fixed running cost per day, int64, shape (m,).
    volume_ml
        Volume for stock, int64, shape (m,); 0 = no limit stated.
    capacity_orders
        Orders a day that the site can pick and hand over, int64, shape (m,); 0 = no limit stated.
    pickers
        Orders picked at the same time, int64, shape (m,), >= 1.
    """

    ids: tuple[str, ...]
    points: Points
    status: IntArray
    rent_cents: IntArray
    volume_ml: IntArray
    capacity_orders: IntArray
    pickers: IntArray

    def __post_init__(self) -> None:
        for name in ("status", "rent_cents", "volume_ml", "capacity_orders", "pickers"):
            set_frozen(self, name, np.int64)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, kw_only=True, eq=False)
class Skus:
    """Stock-keeping units.

    Parameters
    ----------
    ids, names
        Names that files use, and names for people, K of them.
    abc_class
        ``A``, ``B`` or ``C`` by turnover, K of them.
    is_fresh
        Bool, shape (K,).
    shelf_life_days
        int64, shape (K,); 0 = does not expire within the horizon.
    volume_ml
        int64, shape (K,), > 0.
    price_cents, margin_cents
        int64, shape (K,): price, and what is lost with a unit not sold.
    holding_cents
        float64, shape (K,): cost of one unit left over at the end of the day (capital, waste).
    case_pack_units
        int64, shape (K,), >= 1: units are sent in multiples of it.
    demand_mean_units, demand_variance_units
        float64, shape (K,): units a day in the whole city, mean and variance.
    available_units
        int64, shape (K,): stock in the city warehouse that can be sent; -1 = no limit stated.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    abc_class: tuple[str, ...]
    is_fresh: BoolArray
    shelf_life_days: IntArray
    volume_ml: IntArray
    price_cents: IntArray
    margin_cents: IntArray
    holding_cents: FloatArray
    case_pack_units: IntArray
    demand_mean_units: FloatArray
    demand_variance_units: FloatArray
    available_units: IntArray

    def __post_init__(self) -> None:
        set_frozen(self, "is_fresh", np.bool_)
        for name in ("holding_cents", "demand_mean_units", "demand_variance_units"):
            set_frozen(self, name, np.float64)
        for name in (
            "shelf_life_days",
            "volume_ml",
            "price_cents",
            "margin_cents",
            "case_pack_units",
            "available_units",
        ):
            set_frozen(self, name, np.int64)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, kw_only=True, eq=False)
class DayOrders:
    """The orders of one day, in order of placement.

    Parameters
    ----------
    ids
        Unique names, q of them.
    customer_idx
        int64, shape (q,): index into the customers.
    placed_s
        Second of the day, int64, shape (q,), not falling.
    is_surge
        Whether the order stems from a live stream, bool, shape (q,).
    line_ptr, line_sku, line_units
        CSR: lines of order i are ``line_ptr[i]:line_ptr[i + 1]``; none where baskets are unknown.
    """

    ids: tuple[str, ...]
    customer_idx: IntArray
    placed_s: IntArray
    is_surge: BoolArray
    line_ptr: IntArray
    line_sku: IntArray
    line_units: IntArray

    def __post_init__(self) -> None:
        set_frozen(self, "is_surge", np.bool_)
        for name in ("customer_idx", "placed_s", "line_ptr", "line_sku", "line_units"):
            set_frozen(self, name, np.int64)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, kw_only=True, eq=False)
class CourierShifts:
    """Couriers, each with one shift.

    Parameters
    ----------
    ids, vehicles
        Names, and vehicle profiles by name (``e-bike``), c of them.
    points
        Where the shift starts; None = at the store that the plan gives them.
    on_s, off_s
        Seconds of the day, int64, shape (c,); no order is picked up after ``off_s``.
    capacity_orders, capacity_ml
        int64, shape (c,), >= 1: what one trip may carry.
    """

    ids: tuple[str, ...]
    vehicles: tuple[str, ...]
    points: Points | None
    on_s: IntArray
    off_s: IntArray
    capacity_orders: IntArray
    capacity_ml: IntArray

    def __post_init__(self) -> None:
        for name in ("on_s", "off_s", "capacity_orders", "capacity_ml"):
            set_frozen(self, name, np.int64)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, kw_only=True)
class CityParameters:
    """Promises, times and prices of a city.

    Parameters
    ----------
    travel
        ``road`` (needs a network) or ``straight``.
    detour_factor
        Road metres per metre of straight line, where ``travel`` is ``straight``; >= 1.
    vehicle
        Profile that distances and durations are computed for; others differ by their speed.
    snap_limit_m
        How far a place may lie from the road network.
    reach_m
        A store serves customers up to this travel distance, metres.
    promise_s
        Promised seconds from order to door.
    siting_goal
        Name of the siting goal, such as ``max-coverage`` or ``cover-all``.
    max_sites, budget_cents, required_share
        Limits of the siting decision; None = no such limit.
    pick_base_s, pick_line_s
        Picking time of an order: base and per line, seconds.
    pickup_s, dropoff_s
        Hand-over times at the store and at the door, seconds.
    max_bundle
        Most orders of one trip.
    wage_cents_per_hour, pay_cents_per_order, cost_cents_per_km
        Cost of couriers.
    late_cents_per_minute, refusal_cents, shortage_cents
        Price of a minute of lateness, of an order refused, of a line not filled (beside margin).
    decline_probability, travel_noise, picking_noise
        Share of trips that couriers decline; relative standard deviations of travel and picking.
    """

    travel: str = "road"
    detour_factor: float = 1.4
    vehicle: str = "e-bike"
    snap_limit_m: int = 500
    reach_m: int = 3000
    promise_s: int = 1800
    siting_goal: str = "max-coverage"
    max_sites: int | None = None
    budget_cents: int | None = None
    required_share: float = 1.0
    pick_base_s: int = 120
    pick_line_s: int = 15
    pickup_s: int = 60
    dropoff_s: int = 90
    max_bundle: int = 4
    wage_cents_per_hour: int = 1500
    pay_cents_per_order: int = 0
    cost_cents_per_km: int = 5
    late_cents_per_minute: int = 20
    refusal_cents: int = 1500
    shortage_cents: int = 100
    decline_probability: float = 0.0
    travel_noise: float = 0.0
    picking_noise: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class City:
    """Everything a plan is made from. Parts may be empty: a city without SKUs has no stock plan.

    Parameters
    ----------
    name
        For headings.
    customers, sites, skus, orders, couriers
        The tables.
    parameters
        Promises, times and prices.
    network
        The streets; None where travel is a straight line with a detour factor.
    source
        Where the data comes from, with its licence, shown in reports.
    """

    name: str
    customers: Customers
    sites: Sites
    skus: Skus
    orders: DayOrders
    couriers: CourierShifts
    parameters: CityParameters = field(default_factory=CityParameters)
    network: Network | None = None
    source: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        issues = list(_issues(self))
        if issues:
            raise InputError(issues)

    def replace(self, **changes: Any) -> City:
        """Return a city with some fields changed."""
        return replace(self, **changes)


def _issues(city: City) -> list[Issue]:
    """List what does not fit together. Readers check values row by row; this is the backstop."""
    tables: dict[str, Any] = {
        "customers": city.customers,
        "sites": city.sites,
        "skus": city.skus,
        "orders": city.orders,
        "couriers": city.couriers,
    }
    issues: list[Issue] = []
    for name, table in tables.items():
        issues += _table_issues(name, table, len(table))
    orders, skus = city.orders, city.skus
    if len(orders.line_ptr) and len(orders.line_sku) == len(orders.line_units):
        ranges = {"orders.line_sku": (orders.line_sku, len(skus))}
    else:
        issues.append(_issue("orders.line_units", len(orders.line_units), "one for each line"))
        ranges = {}
    ranges["orders.customer_idx"] = (orders.customer_idx, len(city.customers))
    for where, (index, size) in ranges.items():
        if len(index) and (index.min() < 0 or index.max() >= size):
            issues.append(_issue(where, (int(index.min()), int(index.max())), f"in [0, {size})"))
    if (np.diff(orders.placed_s) < 0).any():
        issues.append(_issue("orders.placed_s", "falling times", "orders sorted by placement"))
    if city.parameters.travel == "road" and city.network is None:
        issues.append(_issue("network", None, "streets, or travel = straight"))
    return issues


_SIGNED = {"available_units", "status"}


def _table_issues(name: str, table: Any, size: int) -> list[Issue]:
    issues = []
    if len(set(table.ids)) != size:
        issues.append(_issue(f"{name}.ids", "a name twice", "unique names"))
    for column, values in vars(table).items():
        where = f"{name}.{column}"
        if values is None or column.startswith("line_"):
            continue
        if len(values) != size:
            issues.append(_issue(where, len(values), f"{size} values"))
        elif isinstance(values, np.ndarray) and column not in _SIGNED:
            # Written so that nan fails as well.
            bad = ~((values >= 0) & np.isfinite(values))
            if bad.any():
                issues.append(_issue(where, values[bad][0], "finite values >= 0"))
    return issues


def _issue(where: str, found: object, wanted: str) -> Issue:
    return Issue(code="bad-table", where=where, found=str(found), wanted=wanted)
