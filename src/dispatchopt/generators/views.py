"""Instances of single problems, cut from a generated city that has little else."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dispatchopt.core.arrays import IntArray
from dispatchopt.generators.base import Made
from dispatchopt.generators.city import CityOptions, generate_city, require_seed
from dispatchopt.generators.options import make_options, option
from dispatchopt.generators.past import order_sample, sales_history
from dispatchopt.geography.coverage import Coverage
from dispatchopt.geography.given import MatrixTravel
from dispatchopt.geography.network import Network
from dispatchopt.geography.points import Points
from dispatchopt.geography.profiles import profile_named
from dispatchopt.inventory.problem import InventoryProblem
from dispatchopt.pipeline.city import City, SiteStatus
from dispatchopt.pipeline.siting_stage import StoreReach, router_of, siting_problem, store_reach
from dispatchopt.pipeline.stock_stage import inventory_problem
from dispatchopt.siting.problem import SitingGoal, SitingProblem

if TYPE_CHECKING:
    from dispatchopt.simulation.day import Day

#: Numbers of each size for single problems; "large" is a case for benchmarks.
_SIZES: dict[str, dict[str, int]] = {
    "small": {"nodes": 1_600, "customers": 80, "sites": 12, "skus": 30, "orders": 160},
    "medium": {"nodes": 4_000, "customers": 1_000, "sites": 60, "skus": 300, "orders": 1_500},
    "large": {"nodes": 15_000, "customers": 10_000, "sites": 300, "skus": 2_000, "orders": 8_000},
}
_GOALS = tuple(goal.value for goal in SitingGoal)


@dataclass(frozen=True, kw_only=True)
class SitingOptions:
    """Options of ``generate_siting``; None is what the size says."""

    size: str = option("small", "size that other numbers follow", choices=tuple(_SIZES))
    nodes: int | None = option(None, "street crossings, about", low=25, high=1_000_000)
    customers: int | None = option(None, "customers", low=1, high=1_000_000)
    sites: int | None = option(None, "candidate sites", low=1, high=100_000)
    orders: int | None = option(None, "demand of all customers", low=0, high=10_000_000)
    goal: str = option("max-coverage", "what is optimised", choices=_GOALS)
    max_sites: int | None = option(None, "most sites open in all", low=1, high=100_000)
    reach_m: int = option(3000, "metres of road that a store serves", low=1, high=100_000)
    capacities: bool = option(False, "whether sites can serve limited demand only")


@dataclass(frozen=True, kw_only=True)
class InventoryOptions:
    """Options of problems with stores and goods; None is what the size says."""

    size: str = option("small", "size that other numbers follow", choices=tuple(_SIZES))
    nodes: int | None = option(None, "street crossings, about", low=25, high=1_000_000)
    customers: int | None = option(None, "customers", low=1, high=1_000_000)
    sites: int | None = option(None, "sites that stores are chosen from", low=1, high=100_000)
    skus: int | None = option(None, "stock-keeping units", low=1, high=1_000_000)
    orders: int | None = option(None, "orders a day", low=0, high=10_000_000)
    stores: int | None = option(None, "stores", low=1, high=100_000)
    fresh_share: float = option(0.4, "share of SKUs that are fresh", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class StockOptions(InventoryOptions):
    """Options of ``generate_inventory``; None is what the size says."""

    history_days: int = option(0, "days of sales that come with it", low=0, high=3650)
    order_lines: bool = option(False, "whether the orders of a day come with it")


@dataclass(frozen=True, kw_only=True)
class DayOptions(InventoryOptions):
    """Options of ``generate_day``; None is what the size says."""

    couriers: int | None = option(None, "courier shifts", low=0, high=1_000_000)
    noise: float = option(0.15, "relative spread of travel and picking times", low=0, high=2)


def generate_siting(
    *, seed: int = 1, network: Network | None = None, **options: Any
) -> SitingProblem:
    """Return a siting problem on streets; see ``SitingOptions``.

    Under cover-all, customers out of reach of every site are left out of what is required, as a
    plan of the city does it; under p-center, which must serve everybody, they have no demand.
    """
    problem: SitingProblem = siting_with_places(seed=seed, network=network, **options).problem
    return problem


def siting_with_places(*, seed: int = 1, network: Network | None = None, **options: Any) -> Made:
    """Return what ``generate_siting`` does, and where sites and customers lie."""
    require_seed(seed)
    chosen = make_options(SitingOptions, options)
    city = city_of(chosen, seed, network, skus=0, couriers=0)
    parameters = dataclasses.replace(city.parameters, siting_goal=chosen.goal)
    if chosen.max_sites is not None:
        parameters = dataclasses.replace(parameters, max_sites=chosen.max_sites)
    city = city.replace(parameters=parameters)
    if not chosen.capacities:
        none = np.zeros(len(city.sites), dtype=np.int64)
        city = city.replace(sites=dataclasses.replace(city.sites, capacity_orders=none))
    problem = siting_problem(city, _coverage(city))[0]
    if problem.goal is SitingGoal.P_CENTER:
        in_reach = np.bincount(problem.coverage.customer_idx, minlength=problem.num_customers) > 0
        problem = problem.replace(demand_units=np.where(in_reach, problem.demand_units, 0))
    return Made(problem, {"sites": city.sites.points, "customers": city.customers.points})


def generate_inventory(
    *, seed: int = 1, network: Network | None = None, **options: Any
) -> InventoryProblem:
    """Return a stock problem of a city's stores, chosen greedily; see ``StockOptions``."""
    problem: InventoryProblem = inventory_with_places(seed=seed, network=network, **options).problem
    return problem


def inventory_with_places(*, seed: int = 1, network: Network | None = None, **options: Any) -> Made:
    """Return what ``generate_inventory`` does, where the stores lie, and their past if wanted."""
    require_seed(seed)
    chosen = make_options(StockOptions, options)
    city = city_of(chosen, seed, network, couriers=0)
    reach = open_stores(city, chosen.stores)
    problem = inventory_problem(city, reach)
    extras: dict[str, Any] = {}
    if chosen.history_days:
        extras["history"] = sales_history(problem, chosen.history_days, seed)
    sample = order_sample(city, reach) if chosen.order_lines else None
    if sample is not None:
        extras["baskets"] = sample
    return Made(problem, {"stores": city.sites.points[reach.store_sites]}, extras)


def generate_day(*, seed: int = 1, network: Network | None = None, **options: Any) -> Day:
    """Return a day of a city's stores, chosen greedily and stocked by a simple rule.

    A store stocks mean + 1.65 standard deviations of each SKU's daily demand, rounded up. Travel
    is a matrix among stores and customers, so the day stands alone without streets.
    """
    from dispatchopt.pipeline.day_stage import day_of

    require_seed(seed)
    chosen = make_options(DayOptions, options)
    city = city_of(chosen, seed, network)
    reach = open_stores(city, chosen.stores)
    stock = inventory_problem(city, reach)
    level = stock.mean_units + 1.65 * np.sqrt(stock.variance_units)
    day = day_of(city, router_of(city), reach, np.ceil(level).astype(np.int64))
    if day.places is None:  # pragma: no cover - a city's day has places
        raise AssertionError
    return dataclasses.replace(day, travel=matrix_travel(city, day.places))


def matrix_travel(city: City, places: Points) -> MatrixTravel:
    """Return travel among places of a city as a matrix."""
    return MatrixTravel(
        matrix=router_of(city).matrix(places, places),
        profile=profile_named(city.parameters.vehicle, "parameters.vehicle"),
    )


def open_stores(city: City, count: int | None) -> StoreReach:
    """Return stores opened one by one, each the site that adds most covered demand.

    Existing and required sites come first, forbidden ones never. ``count`` None is as many as
    the city's own limit.
    """
    coverage = _coverage(city)
    limit = (city.parameters.max_sites or 1) if count is None else count
    status = city.sites.status
    fixed = np.flatnonzero(np.isin(status, (SiteStatus.EXISTING, SiteStatus.REQUIRED)))
    chosen = _greedy(coverage, city.customers.demand_units, fixed, status, limit)
    return store_reach(coverage, np.sort(chosen))


def _greedy(
    coverage: Coverage, demand: IntArray, fixed: IntArray, status: IntArray, limit: int
) -> IntArray:
    rows = coverage.site_idx
    left = demand.astype(np.float64)
    chosen: list[int] = []
    allowed = status != SiteStatus.FORBIDDEN
    while len(chosen) < limit and allowed.any():
        gain = np.bincount(rows, weights=left[coverage.customer_idx], minlength=len(status))
        if len(chosen) < len(fixed):
            best = int(fixed[len(chosen)])
        else:
            best = int(np.argmax(np.where(allowed, gain, -1.0)))
        chosen.append(best)
        allowed[best] = False
        row = slice(coverage.indptr[best], coverage.indptr[best + 1])
        left[coverage.customer_idx[row]] = 0.0
    return np.array(chosen, dtype=np.int64)


def reach_of(city: City, reach: StoreReach) -> tuple[IntArray, IntArray, IntArray]:
    """Return store, customer and metres of all pairs within reach, by customer, nearest first."""
    coverage = _coverage(city)
    number = np.full(coverage.num_sites, -1)
    number[reach.store_sites] = np.arange(len(reach.store_sites))
    store = number[coverage.site_idx]
    kept = store >= 0
    store, customer = store[kept], coverage.customer_idx[kept]
    metres = coverage.distance_m[kept]
    rank = np.lexsort((store, metres, customer))
    return store[rank], customer[rank], metres[rank]


def _coverage(city: City) -> Coverage:
    return router_of(city).within(city.sites.points, city.customers.points, city.parameters.reach_m)


def city_of(chosen: Any, seed: int, network: Network | None, **fixed: Any) -> City:
    """Return the city that a problem is cut from: what was asked for, else what the size says."""
    numbers: dict[str, Any] = dict(_SIZES[chosen.size])
    known = CityOptions.__dataclass_fields__
    given = {name: value for name, value in vars(chosen).items() if name in known}
    numbers.update({name: value for name, value in given.items() if value is not None})
    numbers["size"] = "small"
    return generate_city(seed=seed, network=network, **{**numbers, **fixed})
